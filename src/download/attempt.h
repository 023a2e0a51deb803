/* SPDX-License-Identifier: MIT */
/*
 * attempt.h - one attempt at one job, as a worker makes it: open NAME.part under its lock, fetch
 * into it. The same for every model.
 */
#ifndef IPCDEMO_ATTEMPT_H
#define IPCDEMO_ATTEMPT_H

#include "download/fetch.h"
#include "download/part_ranges.h"

#include <stdbool.h>
#include <stdint.h>

/* A file that is split, see part_ranges.h. */
struct attempt_range {
	unsigned wanted; /* ranges to split it into; 0: none, it stays whole */
	uint64_t table;  /* not 0: it is split, and this attempt is at range NUMBER of that table */
	unsigned number;
	/* NULL, or told that the attempt is at range NUMBER of RANGES from now on. */
	void (*split)(void *arg, const struct part_ranges *ranges, unsigned number);
	void *arg;
};

/* What is to be done, and by whom. All borrowed. */
struct attempt_config {
	struct fetch *fetch;
	int dirfd;
	const char *url;
	const char *name;
	bool resume;      /* continue NAME.part of an earlier attempt, if it is URL's */
	bool remote_time; /* the file's time is the origin's */
	bool share_lock;  /* of the finished file, with the parent: see part_file_share_lock */
	const struct fetch_hooks *hooks; /* of a range: the bytes from its beginning */
	struct attempt_range range;
};

struct attempt {
	const struct attempt_config *config; /* borrowed while it lasts */
	struct fetch_request request;
	int fd;      /* NAME.part, locked: close it once it is committed; -1: it failed */
	bool locked; /* false: the file system has no locks */
	bool noted;  /* the file may have a note of its source */
	uint64_t inode;
	struct part_ranges ranges;  /* of the file, once it is split; count 0: it is whole */
	unsigned range;             /* of these */
	uint64_t noted_done;        /* bytes of it that its entry in the file tells */
	struct fetch_hooks hooks;   /* around the config's */
	struct fetch_result result; /* of a range: its own bytes alone */
};

/*
 * Blocks until done or failed; attempt->result.failure tells. After a failure the file is closed.
 */
void attempt_run(struct attempt *attempt, const struct attempt_config *config);

/*
 * The same in two parts; between them the caller runs the transfer of attempt->request. False: the
 * attempt has failed already, without a transfer. attempt_end looks at attempt->result.
 */
bool attempt_begin(struct attempt *attempt, const struct attempt_config *config);
void attempt_end(struct attempt *attempt);

#endif
