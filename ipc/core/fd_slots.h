/* SPDX-License-Identifier: MIT */
/*
 * fd_slots.h - for mechanisms with a descriptor per slot: which descriptor a call is for.
 *
 * With one peer (a slot's process, or a hub with one slot) that is the one descriptor,
 * and a call is the mechanism's own system call with nothing around it. A hub with
 * several slots keeps them in one epoll(7) instance of the session:
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
	bool ended;    /* its end of file was told */
	bool nonblock; /* the open file of own is so: fd_slots_mode() */
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
/* All that attach does for such a mechanism. The peer is whoever holds the other end. */
int fd_slots_attach(struct ipc *s, unsigned slot, const struct ipc_peer *peer);
/* After the backend's own arm: the rest of ticket. And the whole of join. */
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
	/* Keeps a loop that drains until -EAGAIN from meeting the same end for ever. */
	return (flags & IPC_NOWAIT) && fd_slots_at(s, s->self)->ended ? -EAGAIN : 0;
}
/* Receiving: SLOT has ended, look at it no more. */
void fd_slots_ended(struct ipc *s, unsigned slot);
/* Sending: SLOT is full. The session's descriptor will tell when it no longer is. */
void fd_slots_full(struct ipc *s, unsigned slot);

/*
 * For calls that have no flag for it: makes the own end block, or not, as FLAGS ask. O_NONBLOCK
 * belongs to the open file, but each end here is used by one process alone; and only a call of the
 * other kind than the last one changes it. 0 or -errno.
 */
int fd_slots_mode(struct ipc *s, unsigned slot, unsigned flags);

int fd_slots_pollfd(struct ipc *s, short *events);
void fd_slots_detach(struct ipc *s, unsigned slot);
void fd_slots_close(struct ipc *s);

/* Hub: one descriptor a slot and the epoll instance; arm needs the other end for a moment. */
int fd_slots_hub_fds(unsigned slots);

#endif
