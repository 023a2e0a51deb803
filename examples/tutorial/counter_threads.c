/* SPDX-License-Identifier: MIT */
/*
 * counter_threads.c - the counter of counter_processes.c, which threads do share.
 *
 *	cc -D_GNU_SOURCE -o counter_threads counter_threads.c && ./counter_threads
 *
 * Threads have one memory, so both count the same variable, up to 10 together. Shared also means:
 * without the mutex two threads could read the same value, and one of their steps would be lost, or
 * both could see 9 and count to 11.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static int counter;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static bool count_one(void)
{
	bool counted;

	pthread_mutex_lock(&lock);
	counted = counter < 10;
	counter += counted;
	pthread_mutex_unlock(&lock);
	return counted;
}

static void *count(void *steps)
{
	while (count_one())
		++*(int *)steps;
	return NULL;
}

int main(void)
{
	pthread_t threads[2];
	int steps[2] = { 0, 0 };
	int i;

	for (i = 0; i < 2; i++)
		if (pthread_create(&threads[i], NULL, count, &steps[i]) != 0)
			return EXIT_FAILURE;
	for (i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	printf("Ping and Pong together have counted %d steps\n", steps[0] + steps[1]);
	printf("the counter is %d\n", counter);
	return EXIT_SUCCESS;
}
