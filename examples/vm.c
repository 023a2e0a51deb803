/* SPDX-License-Identifier: MIT */
/*
 * vm.c - the parent reads a worker's reports out of the worker's memory. The bare mechanism.
 *
 *	cc -D_GNU_SOURCE -o vm vm.c && ./vm
 *
 * Nothing is shared: the board is a variable of the worker's. It has the same address in both
 * processes because of the fork; the parent's own copy stays empty. A pipe says when to look.
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define STEPS     5
#define DIE(what) (perror(what), exit(EXIT_FAILURE))

struct board {
	uint32_t count; /* of the reports below */
	uint32_t percent[STEPS];
};

static struct board board; /* the worker's; in the parent it is never written */

static void work(int note)
{
	uint32_t i;

	for (i = 0; i < STEPS; i++) {
		board.percent[i] = 100 * (i + 1) / STEPS;
		board.count = i + 1;
		if (write(note, "", 1) != 1) /* "look": the call is a barrier as well */
			_exit(EXIT_FAILURE);
	}
	pause(); /* its memory goes with it, so it stays until it is killed */
}

int main(void)
{
	struct board copy;
	struct iovec local = { .iov_base = &copy, .iov_len = sizeof copy };
	struct iovec remote = { .iov_base = &board, .iov_len = sizeof board };
	uint32_t seen = 0;
	int note[2], worker, status;
	char byte;

	if (pipe(note) < 0 || (worker = fork()) < 0)
		DIE("pipe, fork");
	if (worker == 0) {
		close(note[0]);
		work(note[1]);
	}
	close(note[1]);
	while (seen < STEPS && read(note[0], &byte, 1) == 1) {
		/* EPERM: not our child, not dumpable, or Yama forbids it. ESRCH: it is gone. */
		if (process_vm_readv(worker, &local, 1, &remote, 1, 0) != (ssize_t)sizeof copy)
			DIE("process_vm_readv");
		for (; seen < copy.count && seen < STEPS; seen++) /* a count is only a claim */
			printf("%u%%%s\n", copy.percent[seen], seen + 1 == STEPS ? " done" : "");
	}
	kill(worker, SIGKILL);
	if (waitpid(worker, &status, 0) != worker)
		DIE("waitpid");
	return seen == STEPS && board.count == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
