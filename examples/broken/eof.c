/* SPDX-License-Identifier: MIT */
/*
 * eof.c - broken: the end of file never comes, because the reader holds a write end itself.
 *
 *	Prints: the worker is gone, but a read would wait for ever
 *	Ends:   exit 1
 *
 * A pipe ends when its last write end is closed. fork copied both ends into both processes, so
 * the parent has one too. Right: eof_fixed.c.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define DIE(what) (perror(what), exit(2))

int main(void)
{
	int ends[2];
	struct pollfd in = { .events = POLLIN };
	char byte;
	pid_t worker;

	if (pipe2(ends, O_CLOEXEC) < 0 || (worker = fork()) < 0)
		DIE("pipe2, fork");
	if (worker == 0)
		_exit(write(ends[1], "x", 1) != 1);
	if (waitpid(worker, NULL, 0) != worker)
		DIE("waitpid");
	in.fd = ends[0];
	while (poll(&in, 1, 0) > 0) /* asks only whether a read would wait */
		if (read(ends[0], &byte, 1) == 0) {
			puts("end of file after the worker's last byte");
			return 0;
		}
	puts("the worker is gone, but a read would wait for ever");
	return 1;
}
