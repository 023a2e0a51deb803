/* SPDX-License-Identifier: MIT */
/*
 * counter.c - broken: workers count in a variable that each of them has a copy of.
 *
 *	Prints: 4 workers, the parent counted 0
 *	Ends:   exit 1
 *
 * fork copies the memory. A global variable is global to its process alone. Right: counter_fixed.c.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORKERS   4
#define DIE(what) (perror(what), exit(2))

static int counter;

int main(void)
{
	int *done = &counter;
	int i;

	for (i = 0; i < WORKERS; i++) {
		pid_t worker = fork();

		if (worker < 0)
			DIE("fork");
		if (worker == 0) {
			++*done;
			_exit(0);
		}
	}
	while (wait(NULL) > 0)
		;
	printf("%d workers, the parent counted %d\n", WORKERS, *done);
	return *done != WORKERS;
}
