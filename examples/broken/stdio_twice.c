/* SPDX-License-Identifier: MIT */
/*
 * stdio_twice.c - broken: what waits in stdio's buffer at the fork is written by both processes.
 *
 *	Prints: started, started, finished
 *	Ends:   exit 0
 *
 * On a terminal it does not show, because stdio writes each line at once there; into a pipe or
 * a file it does. Right: stdio_twice_fixed.c.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define DIE(what) (perror(what), exit(2))

int main(void)
{
	pid_t worker;

	setvbuf(stdout, NULL, _IOFBF, BUFSIZ); /* also on a terminal */
	printf("started, ");
	worker = fork();
	if (worker < 0)
		DIE("fork");
	if (worker == 0)
		exit(0); /* exit flushes the worker's copy of the buffer */
	if (waitpid(worker, NULL, 0) != worker)
		DIE("waitpid");
	puts("finished");
	return 0;
}
