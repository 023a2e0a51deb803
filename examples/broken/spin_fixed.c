/* SPDX-License-Identifier: MIT */
/*
 * spin_fixed.c - fixed: who has nothing to do sleeps until the other has posted.
 *
 *	Prints: 10 answers, one look for each
 *	Ends:   exit 0
 *
 * To spin pays only where both ends have a CPU of their own. Broken: spin.c.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRIPS     10
#define DIE(what) (perror(what), exit(2))

static sem_t *turns; /* [2] */
static long looks;

static void await(int own)
{
	while (looks++, sem_wait(&turns[own]) < 0)
		;
}

int main(void)
{
	int own, trip, cpu = sched_getcpu();
	struct rusage used;
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET((unsigned)cpu, &one);
	turns = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (turns == MAP_FAILED || sched_setaffinity(0, sizeof one, &one) < 0)
		DIE("mmap, sched_setaffinity");
	sem_init(&turns[0], 1, 0);
	sem_init(&turns[1], 1, 1);
	own = fork() == 0;
	for (trip = 0; trip < TRIPS; trip++) {
		await(own);
		sem_post(&turns[!own]);
	}
	if (own == 1)
		_exit(0);
	getrusage(RUSAGE_SELF, &used);
	wait(NULL);
	if (looks == TRIPS)
		return puts("10 answers, one look for each") < 0;
	if (used.ru_nivcsw >= TRIPS) /* it never slept, and yet the other one ran */
		puts("10 answers; each came only when the scheduler took the CPU away");
	return 1;
}
