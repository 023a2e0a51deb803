/* SPDX-License-Identifier: MIT */
/*
 * ring_slots.h - for mechanisms that are shared memory: a ring (ring.h) and two doorbells per slot.
 *
 * They differ only in how the memory is made. Their arm() does that, and passes the descriptor on:
 *
 *      fd = shm_open() or memfd_create()
 *      ring_slots_size(s, fd)          a lack of memory shows here, not as SIGBUS later
 *      ring_slots_map(s, slot, fd)
 *      close(fd)                       before the worker exists: none can truncate it
 *
 * A doorbell is an eventfd(2). Each slot has two: the hub writes one to wake the slot's process,
 * the slot's process writes the other to wake the hub. Only a side that has announced its sleep is
 * woken: a receiver for a record, a sender for room.
 *
 * No process reads a doorbell. A sleeper waits on an epoll(7) instance of its own, in which its
 * doorbells are registered edge-triggered: each ring is one event, which epoll_wait takes. (A
 * blocking call sleeps in it; where there is one peer, its pidfd is registered, too.) So a
 * hostile worker cannot silence another worker's bell. It could fill the counter of a bell that it
 * holds and clear O_NONBLOCK, which belongs to the open file and thus to all who share it; but it
 * holds only the bell that it writes itself, so no ring and no look of the hub can block on that.
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
	ring_slots_ring *ring; /* how the mechanism wakes a peer; NULL: by the doorbells above */
	size_t extra;          /* bytes that the mechanism wants behind each ring */
	int epoll;             /* this process sleeps on it */
	int peer;              /* one peer only: its pidfd, also in EPOLL; -1: not known */
	bool gone;             /* it told that the peer is dead */
	bool announced;        /* a bell may have been rung since the last look */
	bool asymmetric;       /* membarrier(2) works here: see ring.h */
	unsigned next;         /* a receiving hub: the slot to look at first */
	uint32_t entries;      /* of each ring */
};

/* The slot state of such a mechanism. */
struct ring_slot {
	struct ring ring; /* live: attached, and the peer has written nothing invalid */
	bool inherited;   /* a child forked now would have the mapping too */
	bool full;        /* sending: the last send met no room */
	bool rung;        /* its bell was rung: the last announcement was answered */
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

/* The extra bytes behind SLOT's ring; zero at arm. */
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
 * For a mechanism with its own way to wake a peer: in open, and first in join. It does not use
 * ring_slots_pollfd.
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
 * Before this side sleeps in the live slots of FIRST..END-1: announces it there, then looks again.
 * 0: sleep; -EAGAIN: there is something already; or -errno.
 */
int ring_slots_announce(struct ipc *s, unsigned first, unsigned end);
/*
 * Sleeps until one of this side's bells was rung, if there is nothing yet. 0: look; or -errno, of
 * which -EAGAIN is the peer's death.
 */
int ring_slots_sleep(struct ipc *s);
/* After publishing something: wakes the peer if its WORD says that it sleeps. */
void ring_slots_wake(struct ipc *s, struct ring_slot *slot, _Atomic uint64_t *word);
/* Stores the tail, and wakes the sender if it waits for room. */
void ring_slots_store_tail(struct ipc *s, struct ring_slot *slot);

/* Bytes that a slot maps for records of RECORD_SIZE, with the mechanism's own depth. */
size_t ring_slots_slot_bytes(size_t record_size);

#endif
