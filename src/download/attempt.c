/* SPDX-License-Identifier: MIT */
/* attempt.c - see attempt.h */
#include "config.h"

#include "download/attempt.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "download/part_file.h"

static void note_source(const struct fetch_request *request, const struct fetch_source *source)
{
	if (source)
		(void)part_source_save(request->fd, request->url, source); /* else not resumed */
	else
		part_source_drop(request->fd);
}

/* Goes on behind what is there, if that is of this URL; else from the beginning. */
static int set_offset(struct fetch_request *request, uint64_t size)
{
	if (size == 0)
		return 0;
	if (part_source_load(request->fd, request->url, &request->source)) {
		request->offset = size;
		return 0;
	}
	part_source_drop(request->fd);
	return ftruncate(request->fd, 0) < 0 ? -errno : 0;
}

static int fetch_part(struct attempt *attempt, const struct attempt_config *config, uint64_t size)
{
	struct fetch_result *result = &attempt->result;
	struct fetch_request request = { .url = config->url,
					 .fd = attempt->fd,
					 .hooks = config->hooks,
					 .note_source = note_source };
	int rc = set_offset(&request, size);

	if (rc < 0) {
		result->failure = (struct failure){ .kind = FAILURE_WRITE, .code = -rc };
		return rc;
	}
	rc = fetch_run(config->fetch, &request, result);
	if (rc < 0)
		return rc;
	part_source_drop(request.fd);
	if (config->remote_time && result->modified >= 0) {
		const struct timespec times[2] = { { .tv_nsec = UTIME_NOW },
						   { .tv_sec = result->modified } };

		(void)futimens(request.fd, times); /* the file is right all the same */
	}
	return 0;
}

void attempt_run(struct attempt *attempt, const struct attempt_config *config)
{
	struct fetch_result *result = &attempt->result;
	struct part_file part = { .keep = config->resume };

	*result = (struct fetch_result){ .total = FETCH_SIZE_UNKNOWN };
	attempt->fd = part_file_open(config->dirfd, config->name, &part, &result->failure);
	if (attempt->fd < 0)
		return;
	attempt->inode = part.inode;
	attempt->locked = part.locked;
	if (fetch_part(attempt, config, part.size) == 0)
		return;
	(void)close(attempt->fd); /* what it holds is used again, or by nobody */
	attempt->fd = -1;
}
