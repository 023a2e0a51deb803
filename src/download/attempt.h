/* SPDX-License-Identifier: MIT */
/*
 * attempt.h - one try of one job, as a worker does it: open NAME.part under its lock, fetch
 * into it. The same for every model.
 */
#ifndef IPCDEMO_ATTEMPT_H
#define IPCDEMO_ATTEMPT_H

#include "download/fetch.h"

#include <stdint.h>

/* What is to be done, and by whom. All borrowed. */
struct attempt_config {
	struct fetch *fetch;
	int dirfd;
	const char *url;
	const char *name;
	const struct fetch_hooks *hooks;
};

struct attempt {
	int fd; /* NAME.part, locked: close it once it is committed; -1: the try failed */
	uint64_t inode;
	struct fetch_result result;
};

/* Blocks until done or failed; attempt->result.failure tells. A failed try closes the file itself.
 */
void attempt_run(struct attempt *attempt, const struct attempt_config *order);

#endif
