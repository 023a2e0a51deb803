/* SPDX-License-Identifier: MIT */
/*
 * stdio_twice_fixed.c - fixed: flushed before the fork, and the worker leaves by _exit.
 *
 *	Prints: started, finished
 *	Ends:   exit 0
 *
 * Broken: stdio_twice.c. _exit alone would do here; the flush also keeps the order of the output
 * if the worker prints.
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
	fflush(NULL);
	worker = fork();
	if (worker < 0)
		DIE("fork");
	if (worker == 0)
		_exit(0); /* no flush, and none of the parent's atexit handlers */
	if (waitpid(worker, NULL, 0) != worker)
		DIE("waitpid");
	puts("finished");
	return 0;
}
