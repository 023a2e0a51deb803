/* SPDX-License-Identifier: MIT */
/*
 * mutex.c - a worker reports its progress under a lock that survives it. The bare mechanism.
 *
 *	cc -D_GNU_SOURCE -pthread -o mutex mutex.c && ./mutex
 *
 * The worker dies with the lock held, in the middle of its last report. The hub gets the lock
 * nevertheless, with EOWNERDEAD, and makes the state consistent before it goes on.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define STEPS     5
#define DIE(what) (perror(what), exit(EXIT_FAILURE))

struct board {
	pthread_mutex_t lock;
	uint32_t count; /* reports that are complete */
	uint32_t percent[STEPS], checksum[STEPS];
};

static void make_lock(pthread_mutex_t *lock)
{
	pthread_mutexattr_t attributes;

	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED); /* not of one process */
	pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);    /* nor lost with one */
	if (pthread_mutex_init(lock, &attributes) != 0)
		DIE("pthread_mutex_init");
}

static void work(struct board *board)
{
	uint32_t i;

	for (i = 0; i < STEPS; i++) {
		pthread_mutex_lock(&board->lock);
		board->percent[i] = 100 * (i + 1) / STEPS;
		if (i + 1 == STEPS)
			raise(SIGKILL); /* no checksum, no count, no unlock */
		board->checksum[i] = ~board->percent[i];
		board->count = i + 1;
		pthread_mutex_unlock(&board->lock);
	}
}

int main(void)
{
	struct board *board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint32_t i;
	int status, worker, rc;

	if (board == MAP_FAILED)
		DIE("mmap");
	make_lock(&board->lock);
	worker = fork();
	if (worker == 0)
		work(board);
	if (waitpid(worker, &status, 0) != worker || !WIFSIGNALED(status))
		DIE("waitpid");
	rc = pthread_mutex_lock(&board->lock);
	if (rc == EOWNERDEAD && board->count == STEPS - 1) { /* the report is half there: end it */
		board->checksum[board->count] = ~board->percent[board->count];
		board->count++;
		rc = pthread_mutex_consistent(&board->lock); /* else ENOTRECOVERABLE from now on */
	}
	for (i = 0; rc == 0 && i < board->count && board->checksum[i] == ~board->percent[i]; i++)
		printf("%u%%%s\n", board->percent[i], i + 1 == STEPS ? " done" : "");
	pthread_mutex_unlock(&board->lock);
	return i == STEPS ? EXIT_SUCCESS : EXIT_FAILURE;
}
