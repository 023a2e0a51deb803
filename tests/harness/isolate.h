/* SPDX-License-Identifier: MIT */
/*
 * isolate.h - kernel objects and quotas that no other program shares.
 *
 * A test that counts what was left behind, or that fills a quota, must not see what others
 * do: System V objects and message queues are listed for the whole IPC namespace, /dev/shm is one
 * directory for the machine, and pending signals are counted for all processes of a user.
 */
#ifndef IPCDEMO_TESTS_ISOLATE_H
#define IPCDEMO_TESTS_ISOLATE_H

/*
 * ISOLATE_OBJECTS: an IPC namespace, an empty /dev/shm and an empty /dev/mqueue (namespaces(7)).
 * Root stays root.
 * ISOLATE_QUOTAS: a user namespace too, in which what counts for a user (RLIMIT_SIGPENDING,
 * RLIMIT_MSGQUEUE, RLIMIT_MEMLOCK) begins at 0, and in which the caller keeps its ids, the only
 * ones there are. Its present limits stay the most that it and its parents' users may have.
 */
enum isolate_what { ISOLATE_OBJECTS, ISOLATE_QUOTAS };

/*
 * Moves the calling process, which has one thread, and all that it starts from now on. -errno
 * leaves it in a state of which nothing is promised: ask isolate_possible first.
 */
int isolate(enum isolate_what what);

/* 0 where isolate() will succeed, else its error. Tries it in a child. */
int isolate_possible(enum isolate_what what);

/*
 * For where it will not: waits until no other program of the same directory holds its turn. The
 * turn ends with the process and the children that it has from now on. 0, or -errno.
 */
int isolate_wait_turn(void);

#endif
