/* SPDX-License-Identifier: MIT */
/*
 * spawn.h - the only fork of the program.
 *
 * It does what every child needs: blocks signals around the fork, so that no handler of the parent
 * runs in the child; resets dispositions and ignores SIGPIPE; lets the parent's death kill the
 * child, without a race; and gives the parent a pidfd, which cannot name another process as a
 * recycled pid can.
 */
#ifndef IPCDEMO_SPAWN_H
#define IPCDEMO_SPAWN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct child {
	pid_t pid; /* 0: none */
	int pidfd; /* -1: none; readable once the child is dead */
};

#define CHILD_NONE ((struct child){ .pid = 0, .pidfd = -1 })

/*
 * Forks; the child runs RUN(ARG) and ends with _exit of its result. It gets SIGKILL when the thread
 * that called spawn ends (PR_SET_PDEATHSIG follows the THREAD: call this from the main thread
 * only). NAME becomes the process' comm. stdio is flushed before the fork.
 * 0 or -errno (EAGAIN: RLIMIT_NPROC or memory).
 */
int spawn(struct child *child, const char *name, int (*run)(void *arg), void *arg);

/*
 * Starts PROGRAM in a new process, with 0, 1, 2 and the N of KEEP (negative ones stand for none) as
 * its descriptors. Until it has been executed the child uses the caller's memory, and the caller
 * sleeps (CLONE_VM and CLONE_VFORK, see posix_spawn(3)): nothing is copied, however large this
 * process is. It gets no death signal: the program has to ask for one. 0 or -errno.
 */
int spawn_program(struct child *child, const char *program, char *const *argv, const int *keep,
		  size_t n);

/*
 * For a child: closes every descriptor but 0, 1, 2 and the N of KEEP, which it sorts; negative ones
 * stand for none. One system call for each gap between two that stay.
 */
void child_keep(int *keep, size_t n);

/* Sends SIGNO through the pidfd. Ignores a child that is gone. */
void child_kill(const struct child *child, int signo);

/*
 * Reaps: waits for the death of CHILD if WAIT, else returns -EAGAIN while it lives. *STATUS is
 * as of waitpid. Closes the pidfd and sets CHILD_NONE. 0 or -errno.
 */
int child_reap(struct child *child, bool wait, int *status);

#endif
