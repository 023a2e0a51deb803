/* SPDX-License-Identifier: MIT */
/*
 * parent_death.c - broken: asks for a signal at the parent's death when the parent is dead already.
 *
 *	Prints: an orphan: its parent is dead, and no signal will come
 *	Ends:   exit 1
 *
 * PR_SET_PDEATHSIG tells of a death to come, see prctl(2). Between fork and prctl the parent may
 * die; here it does. Right: parent_death_fixed.c.
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

static void work(int pidfd)
{
	struct pollfd end = { .fd = pidfd, .events = POLLIN };

	poll(&end, 1, -1); /* the scheduler may keep us waiting this long */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
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
		pidfd = pidfd_open(getpid(), 0);
		if (fork() == 0)
			work(pidfd);
		_exit(0);
	}
	waitpid(parent, NULL, 0);
	if (wait(&status) < 0)
		DIE("wait");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 2;
}
