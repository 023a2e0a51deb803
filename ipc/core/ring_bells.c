/* SPDX-License-Identifier: MIT */
/*
 * ring_bells.c - the doorbells of ring_slots.h: announcing a sleep, ringing, looking again. ring.h
 * explains the order of the steps, and why none can be left out.
 */
#include "config.h"

#include "ipc/core/ring_slots.h"

#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <linux/membarrier.h>

#include "ipc/core/sys.h"

#define BELLS_TURN 64    /* bells collected by one epoll_wait */
#define BELLS_CALM 4096u /* records without a sleep, then back to BELL_NEVER */

static void ring_bell(struct ipc *s, const struct ring_slot *slot)
{
	static const uint64_t one = 1;

	/* EAGAIN: the counter is full. Then it was rung 2^64 times, or filled on purpose. */
	(void)SYS(s, write(s->role == IPC_HUB ? slot->to_slot : slot->to_hub, &one, sizeof one));
}

void ring_slots_wake(struct ipc *s, struct ring_slot *slot, _Atomic uint64_t *word)
{
	if (!bell_wanted(&slot->ring, word))
		return;
	if (ring_slots_of(s)->ring)
		ring_slots_of(s)->ring(s, slot);
	else
		ring_bell(s, slot);
}

void ring_slots_store_tail(struct ipc *s, struct ring_slot *from)
{
	struct ring *r = &from->ring;

	ring_store_tail(r);
	ring_slots_wake(s, from, &r->control->sender);
	if (r->bell == BELL_AWAKE && r->position - from->slept >= BELLS_CALM &&
	    ring_slots_of(s)->asymmetric)
		bell_write(r, &r->control->receiver, BELL_NEVER);
}

/* ---- sleep ---- */

/*
 * Marks the bells that were rung since the last call. Each is one event however often it was rung,
 * so the loop ends even if a peer keeps ringing. Waits TIMEOUT for the first one; -1: until it
 * comes.
 */
static void collect_rings(struct ipc *s, int timeout)
{
	struct ring_slots *set = ring_slots_of(s);
	struct epoll_event turn[BELLS_TURN];
	unsigned seen;
	ssize_t n, i;

	for (seen = 0; seen <= s->slots; seen += BELLS_TURN, timeout = 0) {
		n = SYS(s, epoll_wait(set->epoll, turn, BELLS_TURN, timeout));
		for (i = 0; i < n; i++)
			if (turn[i].data.u32 < s->slots)
				ring_slot_at(s, turn[i].data.u32)->rung = true;
			else
				set->gone = true;
		if (n < BELLS_TURN)
			break;
	}
}

/* Does the session wait for SLOT? A hub that sends does so only after a send that met no room. */
static bool awaited(const struct ipc *s, const struct ring_slot *slot)
{
	return slot->ring.live && (s->single || slot->full || ipc_receives(s));
}

/*
 * (A) of ring.h for one slot, unless its last announcement is still unanswered. True: (B) must be
 * membarrier(2).
 */
static bool announce(struct ipc *s, struct ring_slot *slot)
{
	/* A sender must see all the room there is while we sleep. */
	if (ipc_receives(s) && slot->ring.known != slot->ring.position)
		ring_slots_store_tail(s, slot);
	if (bell_announced(&slot->ring) && !slot->rung)
		return false;
	slot->rung = false;
	return bell_announce(&slot->ring, ring_slots_own_word(s, slot));
}

/* (C) of ring.h: has the peer of SLOT published something in the meantime? */
static bool look_again(const struct ipc *s, struct ring_slot *slot)
{
	if (ipc_receives(s) ? !ring_ready(&slot->ring) : ring_room(&slot->ring) == 0)
		return false;
	slot->full = false; /* room is reported once: the caller may not want it any more */
	return true;
}

int ring_slots_announce(struct ipc *s, unsigned first, unsigned end)
{
	unsigned i, waiting = 0;
	bool never = false;
	int rc = 0;

	for (i = first; i < end; i++)
		if (awaited(s, ring_slot_at(s, i))) {
			never |= announce(s, ring_slot_at(s, i));
			waiting++;
		}
	if (never)
		rc = sys_membarrier(s, MEMBARRIER_CMD_GLOBAL_EXPEDITED);
	else
		bell_fence();
	if (rc < 0)
		return rc; /* a sandbox forbids membarrier(2): the sleep might never end */
	for (i = first; i < end; i++)
		if (awaited(s, ring_slot_at(s, i)) && look_again(s, ring_slot_at(s, i)))
			return -EAGAIN;
	if (waiting == 0 && !ipc_receives(s))
		return -EAGAIN; /* no send has met a full ring: there is room */
	return 0;
}

static int announce_all(struct ipc *s)
{
	ring_slots_of(s)->announced = true;
	return s->single ? ring_slots_announce(s, s->self, s->self + 1) :
			   ring_slots_announce(s, 0, s->slots);
}

int ring_slots_pollfd(struct ipc *s, short *events)
{
	int rc;

	/*
	 * Before the announcements: what has been rung for is found below, later rings stay queued.
	 */
	if (ring_slots_of(s)->announced)
		collect_rings(s, 0);
	rc = announce_all(s);
	*events = POLLIN;
	return rc < 0 ? rc : ring_slots_of(s)->epoll;
}

/* A ring that was not collected yet ends the sleep at once; the next announcement is a new one. */
int ring_slots_sleep(struct ipc *s)
{
	int rc = ring_slots_of(s)->gone ? 0 : announce_all(s);

	if (rc < 0)
		return rc == -EAGAIN ? 0 : rc;
	if (!ring_slots_of(s)->gone)
		collect_rings(s, -1);
	return ring_slots_of(s)->gone ? -EAGAIN : 0;
}
