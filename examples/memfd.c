/* SPDX-License-Identifier: MIT */
/*
 * memfd.c - a worker reports the progress of a job in sealed memory. The bare mechanism.
 *
 *	cc -D_GNU_SOURCE -o memfd memfd.c && ./memfd
 *
 * diff it with shm.c: only make_board differs.
 *
 * One writer, one reader, room for the whole job, so that it is never full. Memory wakes nobody:
 * an eventfd does, rung after each report. ipc/core/ring.h has all that this leaves out.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define STEPS     5
#define DIE(what) (perror(what), exit(EXIT_FAILURE))

struct board {
	_Atomic uint32_t count; /* of the reports below; only the worker writes it */
	uint32_t percent[STEPS];
};

/* No name ever, and sealed: nobody can shrink it, so no store falls behind its end (SIGBUS). */
static struct board *make_board(void)
{
	void *memory;
	int fd = memfd_create("board", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || posix_fallocate(fd, 0, sizeof(struct board)) != 0)
		DIE("memfd_create");
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		DIE("F_ADD_SEALS");
	memory = mmap(NULL, sizeof(struct board), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd); /* the mapping stays */
	return memory;
}

int main(void)
{
	struct pollfd fds[2] = { { .events = POLLIN }, { .events = POLLIN } };
	struct board *board = make_board();
	uint32_t seen = 0, count, i;
	eventfd_t rings;
	int status, worker;

	fds[0].fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (board == MAP_FAILED || fds[0].fd < 0 || (worker = fork()) < 0)
		DIE("mmap, eventfd, fork");
	for (i = 0; worker == 0 && i < STEPS; i++) {
		board->percent[i] = 100 * (i + 1) / STEPS;
		/* Release: whoever sees the count sees the report. */
		atomic_store_explicit(&board->count, i + 1, memory_order_release);
		eventfd_write(fds[0].fd, 1);
	}
	if (worker == 0)
		_exit(EXIT_SUCCESS);
	fds[1].fd = pidfd_open(worker, 0); /* memory has no end of file */
	do { /* what it has written survives it: look once more after its death */
		if (fds[1].fd < 0 || (poll(fds, 2, -1) < 0 && errno != EINTR))
			DIE("pidfd_open, poll");
		eventfd_read(fds[0].fd, &rings); /* before the look: a later ring stays */
		count = atomic_load_explicit(&board->count, memory_order_acquire);
		for (; seen < count && seen < STEPS; seen++) /* a count is only a claim */
			printf("%u%%%s\n", board->percent[seen], seen + 1 == STEPS ? " done" : "");
	} while (!fds[1].revents);
	if (waitpid(worker, &status, 0) != worker)
		DIE("waitpid");
	return seen == STEPS && status == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
