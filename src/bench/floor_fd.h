/* SPDX-License-Identifier: MIT */
/*
 * floor_fd.h - what the floors of all mechanisms that are descriptors share: two ends each way.
 *
 * Waiting is as bare as the rest: block is the blocking call, poll is ppoll(2) and the call, spin
 * is the call that does not wait, again and again.
 */
#ifndef IPCDEMO_FLOOR_FD_H
#define IPCDEMO_FLOOR_FD_H

#include <errno.h>
#include <poll.h>

#include "bench/floor.h"
#include "bench/loop.h"

/* A call: counted, and restarted after a signal. -errno. */
#define CALL(l, call)                \
 __extension__(                      \
	 {                           \
ssize_t call_rc;                         \
do {                                     \
(l)->syscalls++;                        \
call_rc = (call);                       \
} while (call_rc < 0 && errno == EINTR); \
call_rc < 0 ? -errno : call_rc;          \
	 })

/* The state of such a floor begins with this. */
struct fd_ends {
	int in, out;        /* this process' ends */
	int down[2], up[2]; /* [0] the receiver's, [1] the sender's */
};

/* l->state becomes SIZE bytes, with no end open. 0 or -ENOMEM. */
int fd_ends_open(struct link *l, size_t size);
/* Keeps this role's ends and closes the other's. */
int fd_ends_attach(struct link *l, unsigned slot, enum ipc_role role, const struct ipc_peer *peer);
void fd_ends_close(struct link *l);
uint64_t fd_ends_syscalls(const struct link *l);

/* ppoll(2) before the call, if that is the strategy. */
static inline int fd_ends_wait(struct link *l, int fd, short events)
{
	struct pollfd pollfd = { .fd = fd, .events = events };
	ssize_t rc;

	if (l->wait != IPC_POLL)
		return 0;
	rc = CALL(l, ppoll(&pollfd, 1, NULL, NULL));
	return rc < 0 ? (int)rc : 0;
}

/* The floor FLOOR, made by OPENS, with the loops of LINK_LOOPS(name). */
#define FD_FLOOR(floor, opens, name)   \
 const struct link_ops floor = {       \
	 .open = opens,                \
	 .attach = fd_ends_attach,     \
	 .hub = name##_hub,            \
	 .slot = name##_slot,          \
	 .syscalls = fd_ends_syscalls, \
	 .close = fd_ends_close,       \
 }

#endif
