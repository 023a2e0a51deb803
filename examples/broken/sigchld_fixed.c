/* SPDX-License-Identifier: MIT */
/*
 * sigchld_fixed.c - fixed: at each SIGCHLD, reaps until no dead worker is left.
 *
 *	Prints: 5 workers died, 5 were reaped, 0 are zombies
 *	Ends:   exit 0
 *
 * Broken: sigchld.c. A library must not reap with -1: it would take its host's children. A pidfd
 * for each worker has neither problem, and poll(2) takes it.
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
		while (waitpid(-1, NULL, WNOHANG) > 0)
			reaped++;
	printf("%d workers died, %d were reaped, %d are zombies\n", WORKERS, reaped,
	       WORKERS - reaped);
	return reaped != WORKERS;
}
