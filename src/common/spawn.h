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
 * A helper that forks in the place of this process. A fork copies the list of descriptors, the
 * mappings and the page tables of who forks, and the more children this process has, the more of
 * all these it holds; the helper stays as small as it was when it was made, so its hundredth child
 * costs what the first one did. They are children of this process nevertheless (CLONE_PARENT).
 */
struct spawner {
	struct child child; /* the helper */
	int socket;
	pid_t *made; /* shared with it: the child of the last order */
};

#define SPAWNER_NONE        ((struct spawner){ .child = CHILD_NONE, .socket = -1, .made = NULL })
#define SPAWNER_ORDER_BYTES 2048

struct spawn_order {
	size_t size, count;
	const int *fds; /* COUNT, at most FD_MESSAGE_MAX; the child sees their numbers there */
	const void *bytes;
};

struct spawner_setup {
	const char *name; /* of the children */
	int (*run)(void *arg, const struct spawn_order *order);
	void *arg;
	const int *keep; /* descriptors that each child inherits, but for its order's */
	size_t keep_count;
};

/* Makes the helper. 0 or -errno. */
int spawner_open(struct spawner *spawner, const struct spawner_setup *setup);

/*
 * As spawn: the child runs setup->run with a copy of ORDER. -EPIPE: the helper is dead, and made no
 * child of it. -ENOSYS, -EINVAL, -EPERM: this machine does not let it fork so.
 */
int spawner_spawn(struct spawner *spawner, struct child *child, const struct spawn_order *order);

/* Ends the helper. Its children go on. */
void spawner_close(struct spawner *spawner);

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
