/* SPDX-License-Identifier: MIT */
/*
 * sibling_eof_fixed.c - fixed: a worker closes every end that it inherited but its own.
 *
 *	Prints: end of file from worker 0 while worker 1 works on
 *	Ends:   exit 0
 *
 * Broken: sibling_eof.c. With many workers, close_range(2) around the own end takes two calls.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define DIE(what) (perror(what), exit(2))

static int ends[2][2];

static pid_t start(int own)
{
	pid_t worker = fork();

	if (worker != 0)
		return worker;
	close(ends[0][0]);
	close(ends[1][0]);
	close(ends[!own][1]);
	while (own == 1 && write(ends[1][1], "x", 1) == 1) /* worker 1 works on */
		pause();
	_exit(0);
}

int main(void)
{
	struct pollfd in = { .events = POLLIN };
	pid_t worker[2];
	char ready;
	int ended;

	if (pipe2(ends[0], O_CLOEXEC) < 0 || pipe2(ends[1], O_CLOEXEC) < 0)
		DIE("pipe2");
	if ((worker[0] = start(0)) < 0 || (worker[1] = start(1)) < 0)
		DIE("fork");
	close(ends[0][1]);
	close(ends[1][1]);
	if (read(ends[1][0], &ready, 1) != 1 || waitpid(worker[0], NULL, 0) < 0)
		DIE("read, waitpid");
	in.fd = ends[0][0];
	ended = poll(&in, 1, 0) > 0;
	puts(ended ? "end of file from worker 0 while worker 1 works on" :
		     "worker 0 is gone, but worker 1 holds its pipe open");
	kill(worker[1], SIGKILL); /* not reaped yet, so the number is still its own */
	waitpid(worker[1], NULL, 0);
	return !ended;
}
