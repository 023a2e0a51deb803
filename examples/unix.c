/* SPDX-License-Identifier: MIT */
/*
 * unix.c - a worker reports the progress of a job over a Unix socket pair. The bare mechanism.
 *
 *	cc -D_GNU_SOURCE -o unix unix.c && ./unix
 *
 * SOCK_SEQPACKET keeps the packets apart, so a report may have any length. Diff this with pipe.c.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define STEPS 5

enum { PROGRESS, DONE };

struct report {
	uint32_t kind, percent;
};

static void die(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

static void report(int fd, uint32_t kind, uint32_t percent)
{
	struct report r = { .kind = kind, .percent = percent };

	/* MSG_NOSIGNAL: a parent that is gone is EPIPE, not our death by SIGPIPE. */
	if (TEMP_FAILURE_RETRY(send(fd, &r, sizeof r, MSG_NOSIGNAL)) < 0)
		_exit(EXIT_FAILURE);
}

static void work(int fd)
{
	uint32_t step;

	for (step = 1; step < STEPS; step++)
		report(fd, PROGRESS, 100 * step / STEPS);
	report(fd, DONE, 100);
	_exit(EXIT_SUCCESS);
}

int main(void)
{
	int ends[2], status, done = 0;
	struct report r;
	ssize_t n;
	pid_t worker;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		die("socketpair");
	worker = fork();
	if (worker < 0)
		die("fork");
	if (worker == 0) {
		close(ends[0]);
		work(ends[1]);
	}
	close(ends[1]); /* else our own copy of the worker's end would keep its end from us */
	/* MSG_TRUNC: the true length, also of a packet that is longer than our buffer. */
	while ((n = recv(ends[0], &r, sizeof r, MSG_TRUNC)) != 0) {
		if (n < 0 && (errno == EINTR || errno == ECONNRESET))
			continue; /* RESET: it died with data of ours unread; its own still comes */
		if (n != (ssize_t)sizeof r)
			die("recv");
		printf("%u%%%s\n", r.percent, r.kind == DONE ? " done" : "");
		done |= r.kind == DONE;
	}
	if (waitpid(worker, &status, 0) != worker)
		die("waitpid");
	return done && status == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
