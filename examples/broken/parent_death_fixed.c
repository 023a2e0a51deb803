/* SPDX-License-Identifier: MIT */
/*
 * parent_death_fixed.c - fixed: asks first, then looks whether the parent is still the parent.
 *
 *	Prints: the parent died before the request: the worker ends
 *	Ends:   exit 0
 *
 * In this order one of the two sees the death, whenever it comes. Broken: parent_death.c.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define DIE(what) (perror(what), exit(2))

static void work(pid_t parent, int pidfd)
{
	struct pollfd end = { .fd = pidfd, .events = POLLIN };

	poll(&end, 1, -1); /* the scheduler may keep us waiting this long */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent) {
		puts("the parent died before the request: the worker ends");
		fflush(stdout);
		_exit(0);
	}
	puts("an orphan: its parent is dead, and no signal will come");
	fflush(stdout);
	_exit(1);
}

int main(void)
{
	int pidfd, status;
	pid_t parent;

	prctl(PR_SET_CHILD_SUBREAPER, 1); /* the orphan becomes ours: we want its status */
	parent = fork();
	if (parent == 0) {
		parent = getpid();
		pidfd = pidfd_open(parent, 0);
		if (fork() == 0)
			work(parent, pidfd);
		_exit(0);
	}
	waitpid(parent, NULL, 0);
	if (wait(&status) < 0)
		DIE("wait");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 2;
}
