/* SPDX-License-Identifier: MIT */
/*
 * pipe.c - a worker reports the progress of a job over a pipe. The bare mechanism.
 *
 *	cc -D_GNU_SOURCE -o pipe pipe.c && ./pipe
 *
 * The parent reads until end of file, which comes when the last write end is closed: by the
 * worker's exit, or by its death, however it dies. Next: unix.c, the same with a socket.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define STEPS 5

enum { PROGRESS, DONE };

struct report { /* far below PIPE_BUF: one write is one report, whole or not at all */
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

	/* EPIPE: nobody reads any more. */
	if (TEMP_FAILURE_RETRY(write(fd, &r, sizeof r)) < 0)
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
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	int ends[2], status, done = 0;
	struct report r;
	ssize_t n;
	pid_t worker;

	/* There is no MSG_NOSIGNAL for pipes. The worker inherits this. */
	if (sigaction(SIGPIPE, &ignore, NULL) < 0 || pipe2(ends, O_CLOEXEC) < 0)
		die("pipe2");
	worker = fork();
	if (worker < 0)
		die("fork");
	if (worker == 0) {
		close(ends[0]); /* else our own read end would keep EPIPE from us */
		work(ends[1]);
	}
	close(ends[1]); /* else our own write end would keep the end of file from us */
	while ((n = TEMP_FAILURE_RETRY(read(ends[0], &r, sizeof r))) != 0) {
		if (n != (ssize_t)sizeof r) /* no writer of ours writes less */
			errno = n < 0 ? errno : EPROTO, die("read");
		printf("%u%%%s\n", r.percent, r.kind == DONE ? " done" : "");
		done |= r.kind == DONE;
	}
	if (waitpid(worker, &status, 0) != worker)
		die("waitpid");
	return done && status == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
