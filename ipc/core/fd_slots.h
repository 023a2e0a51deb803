/* SPDX-License-Identifier: MIT */
/*
 * fd_slots.h - for mechanisms with a descriptor per slot: which descriptor a call uses.
 *
 * With one peer (a slot's process, or a hub with one slot) there is only one, and a call is just
 * the mechanism's system call. A hub with several slots registers them in the session's epoll(7)
 * instance:
 *
 *  - receiving: every slot, level-triggered. A turn serves each ready slot once, so that a
 *    flooding sender cannot starve the others.
 *  - sending: a slot only while its last send met a full queue, with EPOLLONESHOT,
 *    because EPOLLERR of a dead peer cannot be masked and would be ready for ever.
 *
 * The instance belongs to the hub. A slot's process closes it at attach and never calls
 * epoll_ctl on it: the registrations are shared, not copied, by fork (epoll(7), Q6).
 */
#ifndef IPC_FD_SLOTS_H
#define IPC_FD_SLOTS_H

#include "ipc/core/backend.h"

#include <errno.h>
#include <sys/epoll.h>

#define FD_SLOTS_TURN 64 /* ready slots fetched by one epoll_wait */

struct fd_slot {
	int own;       /* this process' end, -1 when there is none */
	int other;     /* the peer's end, between arm and attach */
	int passed;    /* came with a record that is not whole yet (framing.c); -1: none */
	bool polled;   /* registered in the epoll instance */
	bool ended;    /* its end of file was reported */
	bool awaited;  /* own is a socket that listens: the peer has yet to come */
	bool nonblock; /* own has O_NONBLOCK: fd_slots_mode() */
};

/* The session state of such a mechanism begins with this, its slot state with struct fd_slot. */
struct fd_slots {
	int epoll;     /* -1: a single peer needs none */
	unsigned room; /* the event that means room: EPOLLOUT, unless the mechanism sets another */
	int ready, next;
	struct epoll_event turn[FD_SLOTS_TURN];
};

/* Of the hub's session. 0 or -errno. */
int fd_slots_open(struct ipc *s);
static inline struct fd_slot *fd_slots_at(const struct ipc *s, unsigned slot)
{
	return (void *)((char *)s->slot_state + (size_t)slot * s->backend->slot_size);
}

/* The backend's arm puts both ends here. HUB_END is the hub's, SLOT_END the worker's. */
void fd_slots_armed(struct ipc *s, unsigned slot, int hub_end, int slot_end);
/*
 * The hub's end is LISTENER until the peer comes. Then the backend takes the peer's connection, FD,
 * in its place: 0 or -errno.
 */
void fd_slots_await(struct ipc *s, unsigned slot, int listener);
int fd_slots_came(struct ipc *s, unsigned slot, int fd);
/* All that attach does for such a mechanism. The peer is the process that has the other end. */
int fd_slots_attach(struct ipc *s, unsigned slot, const struct ipc_peer *peer);
/* The rest of ticket, after the mechanism's own arm; and all of join. */
int fd_slots_ticket(struct ipc *s, unsigned slot, struct ipc_ticket *ticket);
int fd_slots_join(struct ipc *s, unsigned slot, const struct ipc_ticket *ticket,
		  const struct ipc_peer *peer);

/* Receiving: which slot to read next; waits for one unless IPC_NOWAIT. 0, -EAGAIN or -errno. */
int fd_slots_next_of_many(struct ipc *s, unsigned *slot, unsigned flags);
static inline int fd_slots_next(struct ipc *s, unsigned *slot, unsigned flags)
{
	if (!s->single)
		return fd_slots_next_of_many(s, slot, flags);
	*slot = s->self;
	/* A loop that receives until -EAGAIN must not meet the same end of file for ever. */
	return (flags & IPC_NOWAIT) && fd_slots_at(s, s->self)->ended ? -EAGAIN : 0;
}
/* Receiving: SLOT has ended, do not look at it again. */
void fd_slots_ended(struct ipc *s, unsigned slot);
/* Sending: SLOT is full. The session's descriptor becomes ready when it has room again. */
void fd_slots_full(struct ipc *s, unsigned slot);

/*
 * For system calls that have no flag for not waiting: sets or clears O_NONBLOCK on the own end, as
 * FLAGS ask, unless it is so already. O_NONBLOCK belongs to the open file, but only one process
 * uses this end. 0 or -errno.
 */
int fd_slots_mode(struct ipc *s, unsigned slot, unsigned flags);

int fd_slots_pollfd(struct ipc *s, short *events);
void fd_slots_detach(struct ipc *s, unsigned slot);
void fd_slots_close(struct ipc *s);

/* In the hub: a descriptor a slot, the epoll instance, and for a moment the other end in arm. */
int fd_slots_hub_fds(unsigned slots);

#endif
