/* SPDX-License-Identifier: MIT */
/*
 * sigpipe_fixed.c - fixed: SIGPIPE is ignored, and the write fails with EPIPE.
 *
 *	Prints: EPIPE: the parent is gone, the worker cleans up
 *	Ends:   exit 0
 *
 * Broken: sigpipe.c. On a socket the flag MSG_NOSIGNAL of one send(2) is enough, and changes
 * nothing for the rest of the process.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define DIE(what) (perror(what), exit(2))

static void work(int fd)
{
	if (write(fd, "x", 1) < 0 && errno == EPIPE)
		puts("EPIPE: the parent is gone, the worker cleans up");
	fflush(stdout);
	_exit(0);
}

int main(void)
{
	struct sigaction action = { .sa_handler = SIG_IGN }; /* children inherit it */
	int ends[2], status;
	pid_t worker;

	if (sigaction(SIGPIPE, &action, NULL) < 0 || pipe2(ends, O_CLOEXEC) < 0)
		DIE("pipe2");
	close(ends[0]); /* the reader has gone */
	worker = fork();
	if (worker < 0)
		DIE("fork");
	if (worker == 0)
		work(ends[1]);
	if (waitpid(worker, &status, 0) != worker)
		DIE("waitpid");
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE)
		puts("SIGPIPE killed the worker before it could clean up");
	return status != 0;
}
