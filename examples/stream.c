/* SPDX-License-Identifier: MIT */
/*
 * stream.c - a worker reports the progress of a job over a Unix stream pair. The bare mechanism.
 *
 *	cc -D_GNU_SOURCE -o stream stream.c && ./stream
 *
 * A stream keeps no boundaries: the parent counts bytes. Diff this with unix.c.
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
	const char *from = (const char *)&r;
	size_t left;
	ssize_t n;

	/* MSG_NOSIGNAL: a parent that is gone is EPIPE, not our death by SIGPIPE. */
	for (left = sizeof r; left > 0; left -= (size_t)n, from += n) /* it may take a part */
		if ((n = TEMP_FAILURE_RETRY(send(fd, from, left, MSG_NOSIGNAL))) < 0)
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

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		die("socketpair");
	if ((worker = fork()) < 0)
		die("fork");
	if (worker == 0) {
		close(ends[0]);
		work(ends[1]);
	}
	close(ends[1]); /* else our own copy of the worker's end would keep its end from us */
	/* MSG_WAITALL: all of a report, however many sends it came in. Less of it: the end. */
	while ((n = TEMP_FAILURE_RETRY(recv(ends[0], &r, sizeof r, MSG_WAITALL))) == sizeof r) {
		printf("%u%%%s\n", r.percent, r.kind == DONE ? " done" : "");
		done |= r.kind == DONE;
	}
	if (n < 0)
		die("recv");
	if (waitpid(worker, &status, 0) != worker)
		die("waitpid");
	return done && status == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
