/* SPDX-License-Identifier: MIT */
/*
 * counter_fixed.c - fixed: the counter is atomic, and lies in memory that all of them map.
 *
 *	Prints: 4 workers, the parent counted 4
 *	Ends:   exit 0
 *
 * Atomic, because two workers may read the same value, add one each, and store the same sum.
 * Broken: counter.c.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORKERS   4
#define DIE(what) (perror(what), exit(2))

int main(void)
{
	_Atomic int *done =
		mmap(NULL, sizeof *done, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int i;

	if (done == MAP_FAILED)
		DIE("mmap");

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
