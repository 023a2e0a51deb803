/* SPDX-License-Identifier: MIT */
/*
 * dead_owner_fixed.c - fixed: a robust mutex, which the kernel opens at its owner's death.
 *
 *	Prints: EOWNERDEAD: the lock is ours, and usable again
 *	Ends:   exit 0
 *
 * The C library gives the kernel a list of the robust locks of each thread, see get_robust_list(2).
 * Broken: dead_owner.c.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define DIE(what) (perror(what), exit(2))

int main(void)
{
	pthread_mutex_t *lock =
		mmap(NULL, sizeof *lock, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_mutexattr_t shared;
	pid_t worker;

	pthread_mutexattr_init(&shared);
	pthread_mutexattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&shared, PTHREAD_MUTEX_ROBUST);
	if (lock == MAP_FAILED || pthread_mutex_init(lock, &shared) != 0 || (worker = fork()) < 0)
		DIE("mmap, fork");
	if (worker == 0) {
		pthread_mutex_lock(lock);
		raise(SIGKILL);
	}
	waitpid(worker, NULL, 0);
	switch (pthread_mutex_trylock(lock)) { /* _lock would not return */
	case EBUSY:
		puts("EBUSY: locked for ever, the owner is dead");
		return 1;
	case EOWNERDEAD: /* ours now; what it protects may be half changed: mend it first */
		pthread_mutex_consistent(lock);
		pthread_mutex_unlock(lock);
		puts("EOWNERDEAD: the lock is ours, and usable again");
		return 0;
	}
	return 2;
}
