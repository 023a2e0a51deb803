/* SPDX-License-Identifier: MIT */
/*
 * sequential.c - the tutorial's first program: two downloads, one after the other.
 *
 *	cc -D_GNU_SOURCE -o sequential sequential.c && ./sequential [SECONDS]
 *
 * A download is a pause of random length here, at most SECONDS (10), since a download is mostly
 * waiting. The total is the sum. Next: processes.c, which waits for both at once; for real files:
 * ipcdemo --model=sequential.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time); /* the wall clock may jump */
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void download(const char *name, double most)
{
	const double seconds = most * (0.5 + 0.5 * drand48());
	const double begun = now();
	struct timespec left = { .tv_sec = (time_t)seconds };

	left.tv_nsec = (long)((seconds - (double)left.tv_sec) * 1e9);
	printf("%s begins\n", name);
	while (nanosleep(&left, &left) < 0)
		; /* a signal woke it: the rest */
	printf("%s is done after %.2f s\n", name, now() - begun);
}

int main(int argc, char **argv)
{
	const double most = argc > 1 ? atof(argv[1]) : 10;
	const double begun = now();

	srand48((long)time(NULL));
	download("Python从入门到放弃.pdf", most);
	download("图解算法.pdf", most);
	printf("both took %.2f s\n", now() - begun);
	return EXIT_SUCCESS;
}
