/* SPDX-License-Identifier: MIT */
/*
 * counter_processes.c - a counter that processes do not share.
 *
 *	cc -D_GNU_SOURCE -o counter_processes counter_processes.c && ./counter_processes
 *
 * fork(2) copies the memory: each child counts in a copy of its own, which ends with it, and the
 * parent's stays 0. Beside it: counter_threads.c. What processes must share they share on purpose:
 * ../shm.c, or send: ../pipe.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int counter;

static pid_t start(const char *name)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	while (counter < 10)
		counter++;
	printf("%s has counted to %d\n", name, counter);
	exit(EXIT_SUCCESS);
}

int main(void)
{
	const char *const names[] = { "Ping", "Pong" };
	int i, failed = 0, status;

	for (i = 0; i < 2; i++) {
		pid_t pid = start(names[i]);

		if (pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0)
			failed = 1;
	}
	printf("the parent's counter is %d\n", counter);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
