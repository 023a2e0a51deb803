/* SPDX-License-Identifier: MIT */
/*
 * fifo.c - a worker reports the progress of a job over a named pipe. The bare mechanism.
 *
 *	cc -D_GNU_SOURCE -o fifo fifo.c && ./fifo
 *
 * open() waits for the other end. Here the parent opens for reading while the worker opens for
 * writing; with a second FIFO both must open the two in the same order, or they wait for ever.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
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

static void work(const char *path)
{
	struct report r = { .kind = PROGRESS };
	int fd = open(path, O_WRONLY | O_CLOEXEC); /* waits for the reader */
	uint32_t step;

	for (step = 1; step <= STEPS; step++) {
		r.kind = step == STEPS ? DONE : PROGRESS;
		r.percent = 100 * step / STEPS;
		/* EPIPE: nobody reads any more. */
		if (TEMP_FAILURE_RETRY(write(fd, &r, sizeof r)) < 0)
			_exit(EXIT_FAILURE);
	}
	_exit(EXIT_SUCCESS);
}

int main(void)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	char dir[] = "/tmp/fifo.XXXXXX", path[sizeof dir + 2];
	int fd, status, done = 0;
	struct report r;
	ssize_t n;
	pid_t worker;

	if (sigaction(SIGPIPE, &ignore, NULL) < 0 || !mkdtemp(dir)) /* a directory of our own */
		die(dir);
	snprintf(path, sizeof path, "%s/f", dir);
	if (mkfifo(path, 0600) < 0)
		die("mkfifo");
	if ((worker = fork()) == 0)
		work(path);
	fd = worker < 0 ? -1 : open(path, O_RDONLY | O_CLOEXEC); /* waits for the writer */
	unlink(path); /* both are in, or there was no fork: nobody needs the name any more */
	rmdir(dir);
	if (fd < 0)
		die("open");
	while ((n = TEMP_FAILURE_RETRY(read(fd, &r, sizeof r))) != 0) {
		if (n != (ssize_t)sizeof r) /* no writer of ours writes less */
			die("read");
		printf("%u%%%s\n", r.percent, r.kind == DONE ? " done" : "");
		done |= r.kind == DONE;
	}
	if (waitpid(worker, &status, 0) != worker)
		die("waitpid");
	return done && status == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
