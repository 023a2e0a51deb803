/* SPDX-License-Identifier: MIT */
/*
 * join_before_drain.c - broken: the parent waits for the worker's end, then reads its reports.
 *
 *	Prints: deadlock: the worker waits for room, the parent for the worker
 *	Ends:   exit 1
 *
 * It works until the reports no longer fit into the pipe. Right: join_before_drain_fixed.c.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define DIE(what) (perror(what), exit(2))

static char report[4096]; /* one fills the pipe, and the worker has two */

/* Waits for the worker. 0: it can never end, because the pipe is full and nobody else reads. */
static int join(pid_t worker, int in)
{
	struct pollfd end = { .fd = pidfd_open(worker, 0), .events = POLLIN };
	int waiting = 0;

	while (poll(&end, 1, 1) == 0 && waiting < (int)sizeof report)
		if (ioctl(in, FIONREAD, &waiting) < 0)
			DIE("ioctl");
	if (end.revents == 0)
		kill(worker, SIGKILL);
	waitpid(worker, NULL, 0);
	return end.revents != 0;
}

int main(void)
{
	int ends[2];
	pid_t worker;

	if (pipe2(ends, O_CLOEXEC) < 0 || fcntl(ends[1], F_SETPIPE_SZ, sizeof report) < 0)
		DIE("pipe2");
	worker = fork();
	if (worker < 0)
		DIE("fork");
	if (worker == 0)
		_exit(write(ends[1], report, sizeof report) < 0 ||
		      write(ends[1], report, sizeof report) < 0);
	close(ends[1]);
	if (!join(worker, ends[0]))
		return puts("deadlock: the worker waits for room, the parent for the worker") > 0;
	while (read(ends[0], report, sizeof report) > 0)
		;
	return puts("every report was read, then the worker ended") < 0;
}
