/* SPDX-License-Identifier: MIT */
/*
 * sigbus_fixed.c - fixed: a memfd with seals, which nobody can shrink.
 *
 *	Prints: the seal refuses the worker: EPERM
 *	Prints: reading what the worker wrote
 *	Ends:   exit 0
 *
 * POSIX shared memory has no seals: there, no worker may keep a descriptor, and posix_fallocate
 * reserves the pages. Broken: sigbus.c.
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
	int fd = memfd_create("broken", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	char *memory;
	pid_t worker;

	if (fd < 0 || ftruncate(fd, SIZE) < 0)
		DIE("memfd_create");
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		DIE("F_ADD_SEALS");
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
