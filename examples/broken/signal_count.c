/* SPDX-License-Identifier: MIT */
/*
 * signal_count.c - broken: counts reports by a standard signal.
 *
 *	Prints: 5 sent, 1 arrived
 *	Ends:   exit 1
 *
 * A standard signal is pending or not: a second one before the first is taken is dropped, and
 * none carries a value. kill says 0 each time. Right: signal_count_fixed.c.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define REPORTS   5
#define NUMBER    SIGUSR1
#define DIE(what) (perror(what), exit(2))

int main(void)
{
	struct timespec now = { 0 };
	pid_t parent = getpid(), worker;
	int i, arrived = 0;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, NUMBER);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0 || (worker = fork()) < 0)
		DIE("fork");
	for (i = 0; worker == 0 && i < REPORTS; i++)
		if (kill(parent, NUMBER) < 0)
			DIE("kill");
	if (worker == 0)
		_exit(0);
	waitpid(worker, NULL, 0);
	while (sigtimedwait(&set, NULL, &now) == NUMBER)
		arrived++;
	printf("%d sent, %d arrived\n", REPORTS, arrived);
	return arrived != REPORTS;
}
