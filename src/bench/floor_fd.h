/* SPDX-License-Identifier: MIT */
/*
 * floor_fd.h - what the floors of mechanisms with descriptors share: two ends in each direction.
 *
 * block is the blocking call, poll is ppoll(2) and the call, spin is the call that does not wait,
 * repeated.
 */
#ifndef IPCDEMO_FLOOR_FD_H
#define IPCDEMO_FLOOR_FD_H

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

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
/* The same for a plain struct fd_ends, and PAIR opens the ends each way. */
typedef int fd_pair(const struct link *l, int ends[2], bool to_hub);
int fd_ends_open_pairs(struct link *l, fd_pair *pair);
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

/* N records by send(2), in calls of whole records: CALL bytes at most, or one record. */
static inline int fd_ends_send(struct link *l, size_t n, size_t call)
{
	struct fd_ends *state = l->state;
	size_t size = l->axes->size, left = n * size;
	size_t most = size < call ? call / size * size : size;
	int flags = MSG_NOSIGNAL | (l->wait == IPC_SPIN ? MSG_DONTWAIT : 0);
	char *from = l->records;
	ssize_t rc = 0;

	for (; left > 0 && rc >= 0; left -= (size_t)rc, from += rc)
		while ((rc = CALL(l, send(state->out, from, left < most ? left : most, flags))) ==
		       -EAGAIN)
			link_pause();
	return rc < 0 ? (int)rc : 0;
}

/* Receives at most CAP records of one packet, and up to SIZE bytes that the kernel adds. */
static inline ssize_t fd_ends_recv_packet(struct link *l, size_t cap, void *control, size_t size)
{
	struct fd_ends *state = l->state;
	struct iovec iov = { .iov_base = l->records, .iov_len = cap * l->axes->size };
	int flags = l->wait == IPC_SPIN ? MSG_DONTWAIT : 0;
	ssize_t rc = fd_ends_wait(l, state->in, POLLIN);

	while (rc >= 0) {
		struct msghdr msg = { .msg_iov = &iov,
				      .msg_iovlen = 1,
				      .msg_control = control,
				      .msg_controllen = size };

		rc = CALL(l, recvmsg(state->in, &msg, flags));
		if (rc != -EAGAIN)
			break;
		link_pause();
		rc = 0;
	}
	return rc <= 0 ? rc : rc / (ssize_t)l->axes->size;
}

/* The floor FLOOR over ends that PAIR opens, with the loops of LINK_LOOPS(name). */
#define FD_FLOOR(floor, pair, name)      \
 static int floor##_open(struct link *l) \
 {                                       \
  return fd_ends_open_pairs(l, (pair));  \
 }                                       \
 const struct link_ops floor = {         \
	 .open = floor##_open,           \
	 .attach = fd_ends_attach,       \
	 .hub = name##_hub,              \
	 .slot = name##_slot,            \
	 .syscalls = fd_ends_syscalls,   \
	 .close = fd_ends_close,         \
 }

#endif
