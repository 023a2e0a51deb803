/* SPDX-License-Identifier: MIT */
/*
 * runner.h - runs a measurement in a process with a deadline, and cleans up after it.
 */
#ifndef IPCDEMO_RUNNER_H
#define IPCDEMO_RUNNER_H

#include "bench/bench.h"
#include "common/signals.h"

struct runner {
	struct signals signals;
	int signal;       /* that asked us to end, or 0 */
	char dir[64];     /* private, for what is measured; "" when it could not be made */
	unsigned limit_s; /* of one process */
	uint64_t random;
};

/*
 * Blocks the signals that end a program, also for the children, so that only this process reacts to
 * Ctrl-C; makes orphans our children; makes a private directory under BASE (NULL: $TMPDIR), or
 * under /tmp. 0 or -errno; call runner_close either way.
 */
int runner_open(struct runner *runner, const char *base, unsigned limit_s);
void runner_close(struct runner *runner);

/*
 * Runs MAIN(ARG) in a new process called NAME, with its stack at a random place within a page, and
 * waits for it and for those that it leaves behind; then empties the directory. Its exit status, or
 * 128 + the signal that killed it; -ETIMEDOUT after limit_s, -EINTR when a signal asks us to end
 * (both kill it); or another -errno.
 */
int runner_measure(struct runner *runner, const char *name, int (*main)(void *arg), void *arg);

/* Explains a RESULT of runner_measure other than 0, as a clause in TEXT. */
const char *runner_reason(const struct runner *runner, int result, char *text, size_t size);

/* Zeroed memory that the children share, to be unmapped with munmap(2). NULL: none. */
void *runner_share(size_t bytes);

/* Puts LIST[n] into a random order, the same in each run of the program. */
void runner_shuffle(struct runner *runner, void **list, size_t n);

#endif
