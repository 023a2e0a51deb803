/* SPDX-License-Identifier: MIT */
/*
 * signal_count_fixed.c - fixed: a real-time signal is queued as often as it is sent.
 *
 *	Prints: 5 sent, 5 arrived
 *	Ends:   exit 0
 *
 * Each carries a value. The queue has a limit (ulimit -i): EAGAIN then, and the sender tries again.
 * Broken: signal_count.c.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define REPORTS   5
#define NUMBER    SIGRTMIN
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
		if (sigqueue(parent, NUMBER, (union sigval){ .sival_int = i }) < 0)
			DIE("sigqueue");
	if (worker == 0)
		_exit(0);
	waitpid(worker, NULL, 0);
	while (sigtimedwait(&set, NULL, &now) == NUMBER)
		arrived++;
	printf("%d sent, %d arrived\n", REPORTS, arrived);
	return arrived != REPORTS;
}
