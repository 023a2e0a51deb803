/* SPDX-License-Identifier: MIT */
/*
 * attempt.h - one attempt at one job, as a worker makes it: open NAME.part under its lock, fetch
 * into it. The same for every model.
 */
#ifndef IPCDEMO_ATTEMPT_H
#define IPCDEMO_ATTEMPT_H

#include "download/fetch.h"

#include <stdbool.h>
#include <stdint.h>

/* What is to be done, and by whom. All borrowed. */
struct attempt_config {
	struct fetch *fetch;
	int dirfd;
	const char *url;
	const char *name;
	bool resume;      /* go on with NAME.part of an earlier attempt, if it is of URL */
	bool remote_time; /* the file's time is the origin's */
	const struct fetch_hooks *hooks;
};

struct attempt {
	const struct attempt_config *config; /* borrowed while it lasts */
	struct fetch_request request;
	int fd;      /* NAME.part, locked: close it once it is committed; -1: it failed */
	bool locked; /* false: the file system has no locks */
	uint64_t inode;
	struct fetch_result result;
};

/*
 * Blocks until done or failed; attempt->result.failure tells. After a failure the file is closed.
 */
void attempt_run(struct attempt *attempt, const struct attempt_config *config);

/*
 * The same in two parts, around a transfer of attempt->request that somebody else lets run. False:
 * it failed already, without a transfer. attempt_end looks at attempt->result.
 */
bool attempt_begin(struct attempt *attempt, const struct attempt_config *config);
void attempt_end(struct attempt *attempt);

#endif
