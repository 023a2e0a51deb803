/* SPDX-License-Identifier: MIT */
/* attempt.c - see attempt.h */
#include "config.h"

#include "download/attempt.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "download/part_file.h"

/* Between two notes of how far a range is: what a killed worker's costs at most. */
#define NOTE_BYTES (256u * 1024)

/* ---- a range of a split file ---- */

static uint64_t first_byte(const struct attempt *attempt)
{
	return attempt->ranges.count ?
		       range_first(attempt->ranges.total, attempt->ranges.count, attempt->range) :
		       0;
}

static uint64_t end_byte(const struct attempt *attempt)
{
	return range_first(attempt->ranges.total, attempt->ranges.count, attempt->range + 1);
}

static uint64_t beyond(uint64_t bytes, uint64_t first)
{
	return bytes > first ? bytes - first : 0;
}

/* FETCH counts from the beginning of the file. */
static int on_progress(void *arg, const struct fetch_progress *progress)
{
	const struct attempt *attempt = arg;
	const struct fetch_hooks *hooks = attempt->config->hooks;
	const uint64_t first = first_byte(attempt);
	const struct fetch_progress of_range = {
		.bytes = beyond(progress->bytes, first),
		.total = progress->total == FETCH_SIZE_UNKNOWN ? FETCH_SIZE_UNKNOWN :
								 beyond(progress->total, first),
		.kept = beyond(progress->kept, first),
	};

	return hooks->progress(hooks->arg, &of_range);
}

static int on_pollfd(void *arg)
{
	const struct fetch_hooks *hooks = ((const struct attempt *)arg)->config->hooks;

	return hooks->pollfd(hooks->arg);
}

static int on_wakeup(void *arg)
{
	const struct fetch_hooks *hooks = ((const struct attempt *)arg)->config->hooks;

	return hooks->wakeup(hooks->arg);
}

/* What is in the file of the range counts from now on. An entry that lags behind costs time, and no
 * right byte. */
static void note_done(struct attempt *attempt)
{
	const uint64_t done = attempt->ranges.done[attempt->range];

	if (done != attempt->noted_done)
		(void)part_ranges_note(attempt->fd, &attempt->ranges, attempt->range, done);
	attempt->noted_done = done;
}

static void on_written(const struct fetch_request *request, const void *bytes, size_t n)
{
	struct attempt *attempt = request->arg;
	uint64_t *done = &attempt->ranges.done[attempt->range];

	(void)bytes;
	if (attempt->ranges.count == 0)
		return;
	*done += n;
	if (*done > end_byte(attempt) - first_byte(attempt))
		*done = end_byte(attempt) - first_byte(attempt); /* its last byte came again */
	if (*done - attempt->noted_done >= NOTE_BYTES)
		note_done(attempt);
}

static uint64_t enter_range(struct attempt *attempt)
{
	const struct attempt_range *range = &attempt->config->range;

	attempt->noted_done = attempt->ranges.done[attempt->range];
	part_file_share(attempt->fd, &attempt->ranges, attempt->range);
	if (range->split)
		range->split(range->arg, &attempt->ranges, attempt->range);
	return end_byte(attempt);
}

/* An answer has begun, whose first byte belongs at OFFSET of the file. Can it be split? */
static uint64_t on_begun(const struct fetch_request *request, const struct fetch_source *source,
			 uint64_t offset)
{
	struct attempt *attempt = request->arg;
	const unsigned count = part_ranges_count(source, attempt->config->range.wanted);

	if (attempt->ranges.count > 0)
		return enter_range(attempt); /* it was, by an earlier attempt */
	if (count < 2)
		return FETCH_SIZE_UNKNOWN;
	attempt->ranges.count = count;
	if (part_ranges_make(request->fd, request->url, source, offset, &attempt->ranges) < 0)
		return FETCH_SIZE_UNKNOWN; /* one stream, then */
	while (attempt->range + 1 < count && end_byte(attempt) <= offset)
		attempt->range++;
	return enter_range(attempt);
}

/* Asks for what range I of attempt->ranges lacks. */
static void ask_range(struct attempt *attempt, unsigned i)
{
	attempt->range = i;
	attempt->request.offset = first_byte(attempt) + attempt->ranges.done[i];
	attempt->request.end = end_byte(attempt);
	attempt->request.source = attempt->ranges.source;
}

/* ---- the file ---- */

static void note_source(const struct fetch_request *request, const struct fetch_source *source)
{
	struct attempt *attempt = request->arg;

	if (!source) {
		part_source_drop(request->fd);
		attempt->ranges.count = attempt->range = 0;
	} else if (attempt->ranges.count == 0) {
		attempt->noted = true;
		(void)part_source_save(request->fd, request->url, source); /* else not resumed */
	}
}

/* Continues after the bytes that are there if they are this URL's, else begins anew. */
static int set_offset(struct attempt *attempt, uint64_t size)
{
	struct fetch_request *request = &attempt->request;
	unsigned open;

	if (size == 0)
		return 0;
	if (part_source_load(request->fd, request->url, &request->source)) {
		request->offset = size;
		return 0;
	}
	if (attempt->config->range.wanted > 0 &&
	    part_ranges_load(request->fd, request->url, &attempt->ranges)) {
		open = part_ranges_open(&attempt->ranges);
		ask_range(attempt, open - (open == attempt->ranges.count));
		return 0;
	}
	request->offset = part_ranges_to_beginning(request->fd, request->url, &request->source);
	if (request->offset > 0)
		return 0;
	part_source_drop(request->fd);
	return ftruncate(request->fd, 0) < 0 ? -errno : 0;
}

static void set_request(struct attempt *attempt)
{
	const struct attempt_config *config = attempt->config;

	attempt->request = (struct fetch_request){ .url = config->url,
						   .fd = attempt->fd,
						   .hooks = config->hooks,
						   .note_source = note_source,
						   .arg = attempt };
	if (config->range.wanted == 0)
		return;
	attempt->hooks = (struct fetch_hooks){
		.arg = attempt, .progress = on_progress, .pollfd = on_pollfd, .wakeup = on_wakeup
	};
	attempt->request.hooks = &attempt->hooks;
	attempt->request.written = on_written;
	attempt->request.begun = on_begun;
}

static bool begin_range(struct attempt *attempt)
{
	const struct attempt_config *config = attempt->config;
	struct part_file part = { .range = config->range.number, .table = config->range.table };
	uint64_t whole;

	attempt->fd = part_range_open(config->dirfd, config->name, &part, &attempt->result.failure);
	if (attempt->fd < 0)
		return false;
	attempt->ranges = part.ranges;
	attempt->inode = part.inode;
	attempt->locked = part.locked;
	set_request(attempt);
	attempt->noted_done = attempt->ranges.done[config->range.number];
	attempt->request.begun = NULL; /* it is split already */
	attempt->request.strict = true;
	ask_range(attempt, config->range.number);
	if (attempt->request.offset < attempt->request.end)
		return true;
	whole = end_byte(attempt) - first_byte(attempt);
	attempt->result.bytes = attempt->result.total = whole;
	(void)config->hooks->progress(config->hooks->arg,
				      &(struct fetch_progress){ whole, whole, whole });
	return false; /* whole already, by an earlier run */
}

bool attempt_begin(struct attempt *attempt, const struct attempt_config *config)
{
	struct part_file part = { .keep = config->resume, .shared = config->range.wanted > 0 };
	int rc;

	*attempt = (struct attempt){ .config = config, .result.total = FETCH_SIZE_UNKNOWN };
	if (config->range.table > 0)
		return begin_range(attempt);
	attempt->fd = part_file_open(config->dirfd, config->name, &part, &attempt->result.failure);
	if (attempt->fd < 0)
		return false;
	attempt->inode = part.inode;
	attempt->locked = part.locked;
	attempt->noted = !part.is_new;
	set_request(attempt);
	rc = set_offset(attempt, part.size);
	if (rc == 0)
		return true;
	attempt->result.failure = (struct failure){ .kind = FAILURE_WRITE, .code = -rc };
	attempt_end(attempt);
	return false;
}

/* fetch counts from the beginning of the file; this is the range's part of that. */
static void count_from_range(struct attempt *attempt)
{
	const uint64_t first = first_byte(attempt);

	attempt->result.bytes = beyond(attempt->result.bytes, first);
	attempt->result.total = end_byte(attempt) - first;
}

void attempt_end(struct attempt *attempt)
{
	const struct fetch_result *result = &attempt->result;
	const struct timespec times[2] = { { .tv_nsec = UTIME_NOW },
					   { .tv_sec = result->modified } };

	if (attempt->ranges.count > 0) {
		note_done(attempt);
		count_from_range(attempt);
	}
	if (result->failure.kind != FAILURE_NONE) {
		(void)close(attempt->fd); /* what it holds is used again, or by nobody */
		attempt->fd = -1;
		return;
	}
	if (attempt->ranges.count > 0)
		return; /* part_ranges_finish does it for the whole file */
	if (attempt->noted)
		part_source_drop(attempt->fd);
	if (attempt->config->remote_time && result->modified >= 0)
		(void)futimens(attempt->fd, times); /* the file is right all the same */
	if (attempt->config->share_lock)
		part_file_share_lock(attempt->fd, attempt->config->range.wanted > 0);
}

void attempt_run(struct attempt *attempt, const struct attempt_config *config)
{
	if (!attempt_begin(attempt, config))
		return;
	(void)fetch_run(config->fetch, &attempt->request, &attempt->result);
	attempt_end(attempt);
}
