/* SPDX-License-Identifier: MIT */
/*
 * processes.c - the tutorial's second program: two downloads at once, each in a process.
 *
 *	cc -D_GNU_SOURCE -o processes processes.c && ./processes [SECONDS]
 *
 * start() is fork(2): the child is a copy of this program that goes on from the same line. join()
 * is waitpid(2): without it the parent would end first, and the dead child would stay as a zombie
 * as long as the parent lives. The total is the longer of the two. Next: ../pipe.c, where the child
 * reports; for real files: ipcdemo.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void download(const char *name, double seconds)
{
	const double begun = now();
	struct timespec left = { .tv_sec = (time_t)seconds };

	left.tv_nsec = (long)((seconds - (double)left.tv_sec) * 1e9);
	printf("%s begins in process %d\n", name, (int)getpid());
	while (nanosleep(&left, &left) < 0)
		;
	printf("%s is done after %.2f s\n", name, now() - begun);
}

static pid_t start(const char *name, double seconds)
{
	pid_t pid;

	fflush(stdout); /* else the child has a copy of what is buffered, and prints it again */
	pid = fork();
	if (pid < 0) {
		perror("fork");
		exit(EXIT_FAILURE);
	}
	if (pid == 0) {
		download(name, seconds);
		exit(EXIT_SUCCESS);
	}
	return pid;
}

static void join(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			exit(EXIT_FAILURE);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		exit(EXIT_FAILURE);
}

int main(int argc, char **argv)
{
	const double most = argc > 1 ? atof(argv[1]) : 10;
	const double begun = now();
	pid_t first, second;

	srand48((long)time(NULL)); /* here: a child that drew its own would draw the same */
	first = start("Python从入门到放弃.pdf", most * (0.5 + 0.5 * drand48()));
	second = start("图解算法.pdf", most * (0.5 + 0.5 * drand48()));
	join(first);
	join(second);
	printf("both took %.2f s\n", now() - begun);
	return EXIT_SUCCESS;
}
