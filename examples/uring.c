/* SPDX-License-Identifier: MIT */
/*
 * uring.c - a worker reports the progress of a job over a socket, by io_uring. The bare mechanism.
 *
 *	cc -D_GNU_SOURCE -o uring uring.c -luring && ./uring
 *
 * The worker sends all of its reports in one system call: requests, linked so that they stay in
 * order. The parent submits a request and waits for its result in one call as well.
 */
#include <errno.h>
#include <liburing.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#define STEPS         5
#define DIE(what, rc) (fprintf(stderr, "%s: %s\n", what, strerror(rc)), exit(EXIT_FAILURE))

/* Made after the fork: a ring belongs to one process. */
static void make_ring(struct io_uring *ring)
{
	if ((errno = -io_uring_queue_init(8, ring, 0)) != 0)
		DIE("io_uring", errno);
}

static int work(int fd)
{
	struct io_uring_cqe *cqe;
	struct io_uring ring;
	uint32_t percent[STEPS]; /* the kernel's until the requests have completed */
	int i;

	make_ring(&ring);
	for (i = 0; i < STEPS; i++) {
		struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

		percent[i] = 100 * (uint32_t)(i + 1) / STEPS;
		io_uring_prep_send(sqe, fd, &percent[i], sizeof percent[i], MSG_NOSIGNAL);
		sqe->flags = i + 1 < STEPS ? IOSQE_IO_LINK : 0; /* else in any order */
	}
	if (io_uring_submit_and_wait(&ring, STEPS) != STEPS)
		return EXIT_FAILURE;
	for (i = 0; i < STEPS && io_uring_peek_cqe(&ring, &cqe) == 0; i++) {
		if (cqe->res != (int)sizeof percent[i])
			return EXIT_FAILURE;
		io_uring_cqe_seen(&ring, cqe);
	}
	return i == STEPS ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(void)
{
	struct io_uring_cqe *cqe;
	struct io_uring ring;
	uint32_t percent;
	int pair[2], worker, status, got;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0 ||
	    (worker = fork()) < 0)
		DIE("socketpair, fork", errno);
	if (worker == 0)
		_exit(close(pair[0]) < 0 ? EXIT_FAILURE : work(pair[1]));
	make_ring(&ring);
	close(pair[1]); /* else the end of file would never come */
	do {
		io_uring_prep_recv(io_uring_get_sqe(&ring), pair[0], &percent, sizeof percent, 0);
		if (io_uring_submit_and_wait(&ring, 1) < 0 || io_uring_peek_cqe(&ring, &cqe) < 0)
			DIE("io_uring_enter", errno);
		got = cqe->res; /* bytes, 0 at the end, or -errno */
		io_uring_cqe_seen(&ring, cqe);
		if (got > 0)
			printf("%u%%%s\n", percent, percent == 100 ? " done" : "");
	} while (got > 0);
	if (waitpid(worker, &status, 0) != worker)
		return EXIT_FAILURE;
	return got == 0 && status == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
