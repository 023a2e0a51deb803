/* SPDX-License-Identifier: MIT */
/* ring_records.c - sending and receiving for ring_slots.h. Its sleeps are in ring_bells.c. */
#include "config.h"

#include "ipc/core/ring_slots.h"

/* The rest of a send that has pushed N records: wakes the receiver if it sleeps. */
static __attribute__((noinline)) ssize_t sent(struct ipc *s, struct ring_slot *to, ssize_t n)
{
	ring_slots_wake(s, to, &to->ring.control->receiver);
	to->full = false;
	if (bell_announced(&to->ring))
		bell_write(&to->ring, &to->ring.control->sender, BELL_AWAKE);
	return n;
}

static __attribute__((noinline)) ssize_t send_any(struct ipc *s, struct ring_slot *to,
						  const void *records, size_t n)
{
	ssize_t rc = to->ring.live ? ring_push(&to->ring, records, n) : -EPROTO;

	if (rc > 0)
		return sent(s, to, rc);
	to->full = rc == 0;
	to->ring.live = rc == 0;
	return rc == 0 ? -EAGAIN : rc;
}

static inline ssize_t send_now(struct ipc *s, unsigned slot, const void *records, size_t n)
{
	struct ring_slot *to = ring_slot_at(s, slot);

	if (n != 1 || !to->ring.live || !ring_push_event(&to->ring, records))
		return send_any(s, to, records, n);
	if (to->full || bell_announced(&to->ring) || !bell_never(&to->ring.control->receiver))
		return sent(s, to, 1);
	return 1;
}

ssize_t ring_slots_send(struct ipc *s, unsigned slot, const void *records, size_t n, unsigned flags)
{
	ssize_t rc;
	int slept;

	while ((rc = send_now(s, slot, records, n)) == -EAGAIN && !(flags & IPC_NOWAIT))
		if ((slept = ring_slots_sleep(s)) < 0)
			return slept;
	return rc;
}

/* The rest of a receive that has popped something: the tail, and waking the sender. */
static inline void taken(struct ipc *s, struct ring_slot *from)
{
	struct ring *r = &from->ring;

	if (bell_announced(r)) {
		from->slept = r->position;
		bell_write(r, &r->control->receiver, BELL_AWAKE);
	}
	if (ring_tail_due(r))
		ring_slots_store_tail(s, from);
}

static __attribute__((noinline)) ssize_t take(struct ipc *s, struct ring_slot *from, void *records,
					      size_t cap)
{
	ssize_t rc = from->ring.live ? ring_pop(&from->ring, records, cap) : 0;

	if (rc > 0)
		taken(s, from);
	else if (rc < 0)
		from->ring.live = false; /* reported once; then ignored until it is detached */
	return rc == 0 ? -EAGAIN : rc;
}

static __attribute__((noinline)) ssize_t took_event(struct ipc *s, struct ring_slot *from)
{
	taken(s, from);
	return 1;
}

/*
 * A hub with several slots looks at one after the other, beginning where it last stopped. An empty
 * slot costs 3 ns, so 1,000 of them cost 3 us, a tenth of a wake-up.
 */
static __attribute__((noinline)) ssize_t take_any(struct ipc *s, unsigned *slot, void *records,
						  size_t cap)
{
	struct ring_slots *set = ring_slots_of(s);
	unsigned left;

	for (left = s->slots; left > 0; left--) {
		unsigned i = set->next;
		ssize_t rc;

		set->next = i + 1 < s->slots ? i + 1 : 0;
		rc = take(s, ring_slot_at(s, i), records, cap);
		if (rc != -EAGAIN) {
			*slot = i;
			return rc;
		}
	}
	return -EAGAIN;
}

static inline ssize_t recv_now(struct ipc *s, unsigned *slot, void *records, size_t cap)
{
	struct ring_slot *own = ring_slot_at(s, s->self);

	if (!s->single)
		return take_any(s, slot, records, cap);
	*slot = s->self;
	if (cap != 1 || !own->ring.live || !ring_pop_event(&own->ring, records))
		return take(s, own, records, cap);
	if (bell_announced(&own->ring) || ring_tail_due(&own->ring))
		return took_event(s, own);
	return 1;
}

ssize_t ring_slots_recv(struct ipc *s, unsigned *slot, void *records, size_t cap, unsigned flags)
{
	ssize_t rc;
	int slept;

	while ((rc = recv_now(s, slot, records, cap)) == -EAGAIN && !(flags & IPC_NOWAIT))
		if ((slept = ring_slots_sleep(s)) < 0)
			return slept;
	return rc;
}
