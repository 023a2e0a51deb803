/* SPDX-License-Identifier: MIT */
/*
 * sigchld.c - broken: takes each SIGCHLD for one dead worker.
 *
 *	Prints: 5 workers died, 1 was reaped, 4 are zombies
 *	Ends:   exit 1
 *
 * SIGCHLD is a standard signal: while one is pending, another is dropped, see signal(7). It
 * says "look", not "one". Right: sigchld_fixed.c.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORKERS   5
#define DIE(what) (perror(what), exit(2))

int main(void)
{
	struct signalfd_siginfo info;
	int fd, i, reaped = 0;
	siginfo_t died;
	sigset_t set;
	pid_t worker;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0 || (fd = signalfd(-1, &set, SFD_NONBLOCK)) < 0)
		DIE("signalfd");
	for (i = 0; i < WORKERS; i++) {
		worker = fork();
		if (worker == 0)
			_exit(0);
		/* Until it is dead, without reaping it: all five die before the loop below. */
		if (worker < 0 || waitid(P_PID, (id_t)worker, &died, WEXITED | WNOWAIT) < 0)
			DIE("fork, waitid");
	}
	while (read(fd, &info, sizeof info) == sizeof info)
		if (waitpid((pid_t)info.ssi_pid, NULL, WNOHANG) > 0)
			reaped++;
	printf("%d workers died, %d was reaped, %d are zombies\n", WORKERS, reaped,
	       WORKERS - reaped);
	return reaped != WORKERS;
}
