/* SPDX-License-Identifier: MIT */
/*
 * ring_slots.h - for mechanisms that are shared memory: a ring (ring.h) and two doorbells per slot.
 *
 * What differs between them is only how the memory is made; their arm() does that, and
 * hands the descriptor over:
 *
 *      fd = shm_open() or memfd_create()
 *      ring_slots_size(s, fd)          no memory left is said here, not by SIGBUS later
 *      ring_slots_map(s, slot, fd)
 *      close(fd)                  before the worker exists: none can truncate it
 *
 * A doorbell is an eventfd(2): the hub has one in each slot's ring to ring for that slot's process,
 * and that process has one to ring for the hub. It is rung only for a side that has announced
 * its sleep: for a record where it receives, for room where it sends.
 *
 * Nobody reads a doorbell, and who sleeps does not even hold it. It sleeps on an epoll(7) instance
 * of its own, in which the doorbell is edge-triggered: each ring is one event, taken by epoll_wait.
 * So a worker that has turned hostile cannot silence another's bell; and it cannot, by filling the
 * counter and clearing O_NONBLOCK (which belongs to the open file, thus to all), make the hub's
 * next ring or look wait for ever: the one it could fill, nobody else touches.
 */
#ifndef IPC_RING_SLOTS_H
#define IPC_RING_SLOTS_H

#include "ipc/core/backend.h"
#include "ipc/core/ring.h"

struct ring_slot;
/* Wakes the other side of SLOT, which has announced its sleep. */
typedef void ring_slots_ring(struct ipc *s, const struct ring_slot *slot);

/* The session state of such a mechanism. */
struct ring_slots {
	ring_slots_ring *ring; /* NULL: doorbells as told above; else there are none */
	size_t extra;          /* bytes that the mechanism wants behind each ring */
	int epoll;             /* this process sleeps on it */
	bool announced;        /* so a bell may have been rung since the last look */
	bool asymmetric;       /* membarrier(2) works here: see ring.h */
	unsigned next;         /* a receiving hub: whose turn it is */
	uint32_t entries;      /* of each ring */
};

/* The slot state of such a mechanism. */
struct ring_slot {
	struct ring ring; /* live: attached, and the peer has written nothing impossible */
	bool inherited;   /* a child forked now would have the mapping too */
	bool full;        /* sending: the last send met no room */
	bool rung;        /* the bell was: the announcement that stands is used up */
	int to_hub;       /* doorbells: the slot's process rings this */
	int to_slot;      /* the hub rings this */
	uint64_t slept;   /* receiving: the position after the last sleep */
};

static inline struct ring_slots *ring_slots_of(const struct ipc *s)
{
	return s->state;
}

static inline struct ring_slot *ring_slot_at(const struct ipc *s, unsigned slot)
{
	return (struct ring_slot *)s->slot_state + slot;
}

/* What the mechanism wanted behind SLOT's ring; zero at arm. */
static inline void *ring_slots_extra(const struct ipc *s, const struct ring_slot *slot)
{
	return (char *)slot->ring.control + ring_bytes(s->record_size, ring_slots_of(s)->entries);
}

/* The two words of the doorbell, by side. */
static inline _Atomic uint64_t *ring_slots_own_word(const struct ipc *s,
						    const struct ring_slot *slot)
{
	return ipc_receives(s) ? &slot->ring.control->receiver : &slot->ring.control->sender;
}

static inline _Atomic uint64_t *ring_slots_peer_word(const struct ipc *s,
						     const struct ring_slot *slot)
{
	return ipc_receives(s) ? &slot->ring.control->sender : &slot->ring.control->receiver;
}

int ring_slots_open(struct ipc *s);
/*
 * In open, and first in join: a mechanism with a wake-up of its own. It has no ring_slots_pollfd.
 */
void ring_slots_use(struct ipc *s, ring_slots_ring *ring, size_t extra);
/* Bytes of memory that a slot needs. */
size_t ring_slots_bytes(const struct ipc *s);
int ring_slots_size(struct ipc *s, int fd);
int ring_slots_map(struct ipc *s, unsigned slot, int fd);
/* After the backend's own arm, which has kept the memory's FD for this: the rest of ticket. */
int ring_slots_ticket(struct ipc *s, unsigned slot, int fd, struct ipc_ticket *ticket);
int ring_slots_join(struct ipc *s, unsigned slot, const struct ipc_ticket *ticket,
		    const struct ipc_peer *peer);
int ring_slots_attach(struct ipc *s, unsigned slot, const struct ipc_peer *peer);
ssize_t ring_slots_send(struct ipc *s, unsigned slot, const void *records, size_t n,
			unsigned flags);
ssize_t ring_slots_recv(struct ipc *s, unsigned *slot, void *records, size_t cap, unsigned flags);
int ring_slots_pollfd(struct ipc *s, short *events);
void ring_slots_detach(struct ipc *s, unsigned slot);
void ring_slots_close(struct ipc *s);
int ring_slots_hub_fds(unsigned slots);

/*
 * Before a sleep of this side in slots FIRST..END-1, of which it awaits the live ones: announces
 * it,
 * then looks again. 0: sleep; -EAGAIN: there is something already; or -errno.
 */
int ring_slots_announce(struct ipc *s, unsigned first, unsigned end);
/* After something was published: wakes the peer if its WORD says that it sleeps. */
void ring_slots_wake(struct ipc *s, struct ring_slot *slot, _Atomic uint64_t *word);
/* Tells the sender how far we are, and wakes it if it waits for room. */
void ring_slots_tell(struct ipc *s, struct ring_slot *slot);

/* Bytes that a slot maps for records of RECORD_SIZE, with the mechanism's own depth. */
size_t ring_slots_slot_bytes(size_t record_size);

#endif
