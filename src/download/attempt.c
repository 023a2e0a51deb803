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

bool attempt_begin(struct attempt *attempt, const struct attempt_config *config)
{
	struct part_file part = { .keep = config->resume };
	int rc;

	*attempt = (struct attempt){ .config = config, .result.total = FETCH_SIZE_UNKNOWN };
	attempt->fd = part_file_open(config->dirfd, config->name, &part, &attempt->result.failure);
	if (attempt->fd < 0)
		return false;
	attempt->inode = part.inode;
	attempt->locked = part.locked;
	attempt->request = (struct fetch_request){ .url = config->url,
						   .fd = attempt->fd,
						   .hooks = config->hooks,
						   .note_source = note_source };
	rc = set_offset(&attempt->request, part.size);
	if (rc == 0)
		return true;
	attempt->result.failure = (struct failure){ .kind = FAILURE_WRITE, .code = -rc };
	attempt_end(attempt);
	return false;
}

void attempt_end(struct attempt *attempt)
{
	const struct fetch_result *result = &attempt->result;
	const struct timespec times[2] = { { .tv_nsec = UTIME_NOW },
					   { .tv_sec = result->modified } };

	if (result->failure.kind != FAILURE_NONE) {
		(void)close(attempt->fd); /* what it holds is used again, or by nobody */
		attempt->fd = -1;
		return;
	}
	part_source_drop(attempt->fd);
	if (attempt->config->remote_time && result->modified >= 0)
		(void)futimens(attempt->fd, times); /* the file is right all the same */
}

void attempt_run(struct attempt *attempt, const struct attempt_config *config)
{
	if (!attempt_begin(attempt, config))
		return;
	(void)fetch_run(config->fetch, &attempt->request, &attempt->result);
	attempt_end(attempt);
}
