/* SPDX-License-Identifier: MIT */
/*
 * sigbus.c - broken: whoever has a descriptor of shared memory can shrink it under the others.
 *
 *	Prints: reading what the worker wrote
 *	Ends:   SIGBUS
 *
 * Pages beyond the end of the object have nothing behind them: touching one is SIGBUS, see mmap(2).
 * A full /dev/shm does the same to a size that ftruncate promised. Right: sigbus_fixed.c.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE      4096
#define DIE(what) (perror(what), exit(2))

static void work(int fd, char *memory)
{
	memory[0] = 1;
	if (ftruncate(fd, 0) < 0 && errno == EPERM)
		puts("the seal refuses the worker: EPERM");
	fflush(stdout);
	_exit(0);
}

int main(void)
{
	int fd = memfd_create("broken", MFD_CLOEXEC);
	char *memory;
	pid_t worker;

	if (fd < 0 || ftruncate(fd, SIZE) < 0)
		DIE("memfd_create");
	memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED || (worker = fork()) < 0)
		DIE("mmap, fork");
	if (worker == 0)
		work(fd, memory);
	waitpid(worker, NULL, 0);
	puts("reading what the worker wrote");
	fflush(stdout);
	return memory[0] != 1;
}
