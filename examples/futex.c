/* SPDX-License-Identifier: MIT */
/*
 * futex.c - a worker reports the progress of a job in shared memory, and a word of it wakes. The
 * bare mechanism.
 *
 *	cc -D_GNU_SOURCE -o futex futex.c && ./futex
 *
 * The count of reports is the word that the hub sleeps on. It is also what would end the sleep
 * before it begins: the kernel looks whether the word still has the value that we saw.
 */
#include <errno.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STEPS     5
#define DIE(what) (perror(what), exit(EXIT_FAILURE))

struct board {
	_Atomic uint32_t count; /* of the reports below; only the worker writes it */
	uint32_t percent[STEPS];
};

/* Not FUTEX_WAIT_PRIVATE: that is for threads, and would find nobody in another process. */
static long futex_wait(_Atomic uint32_t *word, uint32_t seen, const struct timespec *most)
{
	return syscall(SYS_futex, word, FUTEX_WAIT, seen, most, NULL, 0);
}

static void futex_wake(_Atomic uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

int main(void)
{
	struct board *board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	const struct timespec second = { .tv_sec = 1 };
	uint32_t seen = 0, count, i;
	int status, worker, ended = 0;

	if (board == MAP_FAILED || (worker = fork()) < 0)
		DIE("mmap, fork");
	for (i = 0; worker == 0 && i < STEPS; i++) {
		board->percent[i] = 100 * (i + 1) / STEPS;
		/*
		 * Release: whoever sees the count sees the report. First the word, then the call.
		 */
		atomic_store_explicit(&board->count, i + 1, memory_order_release);
		futex_wake(&board->count);
	}
	if (worker == 0)
		_exit(EXIT_SUCCESS);
	for (;;) { /* what it has written survives it: look once more after its death */
		count = atomic_load_explicit(&board->count, memory_order_acquire);
		for (; seen < count && seen < STEPS; seen++) /* a count is only a claim */
			printf("%u%%%s\n", board->percent[seen], seen + 1 == STEPS ? " done" : "");
		if (seen == STEPS || ended)
			break;
		/* A worker that is dead wakes nobody: so not for ever, and then look at it. */
		if (futex_wait(&board->count, count, &second) < 0 && errno == ETIMEDOUT)
			ended = waitpid(worker, &status, WNOHANG) != 0;
	}
	if (!ended && waitpid(worker, &status, 0) != worker)
		DIE("waitpid");
	return seen == STEPS && status == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
