/* SPDX-License-Identifier: MIT */
/* ring_slots.c - see ring_slots.h */
#include "config.h"

#include "ipc/core/ring_slots.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/membarrier.h>

#include "ipc/core/sys.h"

#define RING_SLOTS_BYTES \
 16384u /* of entries in a slot, where the caller does not care: half of an L1 */
#define RING_SLOTS_LARGE 16u         /* records, where not even one fits into that */
#define RING_SLOTS_MIB   (1u << 20)  /* of entries for those, unless a single one needs more */
#define RING_SLOTS_MOST  (64u << 20) /* of entries in a slot, whatever the caller asks for */
#define RING_SLOTS_TURN  64          /* bells heard by one epoll_wait */
#define RING_SLOTS_CALM  4096u       /* records without a sleep, then back to BELL_NEVER */

static struct ring_slots *set_of(const struct ipc *s)
{
	return s->state;
}

static inline struct ring_slot *at(const struct ipc *s, unsigned slot)
{
	return (struct ring_slot *)s->slot_state + slot;
}

/* ---- the two words of the doorbell, by side ---- */

static inline _Atomic uint64_t *own_word(const struct ipc *s, const struct ring_slot *slot)
{
	return ipc_receives(s) ? &slot->ring.control->receiver : &slot->ring.control->sender;
}

static inline _Atomic uint64_t *peer_word(const struct ipc *s, const struct ring_slot *slot)
{
	return ipc_receives(s) ? &slot->ring.control->sender : &slot->ring.control->receiver;
}

static __attribute__((noinline)) void ring_bell(struct ipc *s, const struct ring_slot *slot)
{
	static const uint64_t one = 1;

	/* EAGAIN: the counter is full. Then it was rung 2^64 times, or filled on purpose. */
	(void)SYS(s, write(s->role == IPC_HUB ? slot->to_slot : slot->to_hub, &one, sizeof one));
}

/* After something was published: wakes the peer if its WORD says that it sleeps. */
static inline void wake(struct ipc *s, struct ring_slot *slot, _Atomic uint64_t *word)
{
	if (bell_wanted(&slot->ring, word))
		ring_bell(s, slot);
}

/* ---- life of a slot ---- */

/*
 * Both caches hold a ring of 16 KiB: 256 events stream twice as fast as 512, and two records of
 * 8 KiB twice as fast as sixteen. Where that is lost anyway, more of them let the two copies
 * overlap: of 64 KiB, sixteen move 13 GB/s and two 5.
 */
static size_t own_depth(size_t stride)
{
	size_t wish = RING_SLOTS_BYTES / stride;

	if (wish >= 1)
		return wish;
	wish = RING_SLOTS_MIB / stride + 1;
	return wish < RING_SLOTS_LARGE ? wish : RING_SLOTS_LARGE;
}

static uint32_t entries_for(size_t record_size, unsigned depth)
{
	size_t stride = ring_stride(record_size);
	size_t wish = depth ? depth : own_depth(stride);
	uint32_t entries = RING_ENTRIES_MIN;

	while (entries < wish && entries < RING_ENTRIES_MAX &&
	       entries * 2 * stride <= RING_SLOTS_MOST)
		entries *= 2;
	return entries;
}

size_t ring_slots_slot_bytes(size_t record_size)
{
	return ring_bytes(record_size, entries_for(record_size, 0));
}

static size_t mapped_bytes(const struct ipc *s)
{
	return ring_bytes(s->record_size, set_of(s)->entries);
}

static int membarrier(struct ipc *s, int command)
{
	return (int)SYS(s, syscall(SYS_membarrier, command, 0, 0));
}

int ring_slots_open(struct ipc *s)
{
	struct ring_slots *set = set_of(s);
	unsigned i;

	set->entries = entries_for(s->record_size, s->depth);
	for (i = 0; i < s->slots; i++)
		at(s, i)->to_hub = at(s, i)->to_slot = -1;
	set->epoll = (int)SYS(s, epoll_create1(EPOLL_CLOEXEC));
	if (set->epoll < 0)
		return set->epoll;
	set->asymmetric = membarrier(s, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED) == 0;
	return 0;
}

int ring_slots_size(struct ipc *s, int fd)
{
	int rc;

	/* Takes the pages now: ftruncate succeeds on a full tmpfs, and a store kills us then. */
	do {
		s->syscalls++;
		rc = posix_fallocate(fd, 0, (off_t)mapped_bytes(s));
	} while (rc == EINTR);
	return -rc;
}

/* This side's view of the ring at MEMORY. */
static void look(struct ipc *s, struct ring_slot *slot, void *memory)
{
	uint32_t entries = set_of(s)->entries;

	if (ipc_receives(s))
		ring_init_receiver(&slot->ring, memory, s->record_size, entries);
	else
		ring_init_sender(&slot->ring, memory, s->record_size, entries);
	if (!set_of(s)->asymmetric)
		bell_say(&slot->ring, own_word(s, slot), BELL_AWAKE);
}

static void drop(struct ipc *s, struct ring_slot *slot)
{
	if (slot->ring.control)
		(void)SYS(s, munmap(slot->ring.control, mapped_bytes(s)));
	slot->ring.control = NULL;
	slot->ring.live = false;
	sys_close(&slot->to_hub);
	sys_close(&slot->to_slot);
}

int ring_slots_map(struct ipc *s, unsigned slot, int fd)
{
	struct ring_slot *new = at(s, slot);
	void *memory;
	int rc;

	s->syscalls++;
	memory = mmap(NULL, mapped_bytes(s), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		return -errno;
	look(s, new, memory);
	new->inherited = true;
	new->full = new->rung = false;
	rc = new->to_hub = (int)SYS(s, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
	if (rc >= 0)
		rc = new->to_slot = (int)SYS(s, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
	if (rc < 0)
		drop(s, new);
	return rc < 0 ? rc : 0;
}

/* BELL will be heard in this process, as SLOT's. */
static int listen_to(struct ipc *s, unsigned slot, int bell)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET, .data.u32 = slot };

	return (int)SYS(s, epoll_ctl(set_of(s)->epoll, EPOLL_CTL_ADD, bell, &event));
}

static int attach_hub(struct ipc *s, unsigned slot)
{
	struct ring_slot *own = at(s, slot);

	/* Later workers do not get it; if this fails, they drop it as one that is armed. */
	own->inherited = SYS(s, madvise(own->ring.control, mapped_bytes(s), MADV_DONTFORK)) < 0;
	own->ring.live = true;
	return listen_to(s, slot, own->to_hub);
}

/*
 * The slot's process: nothing of a sibling stays. A ring with MADV_DONTFORK is not here, only its
 * former address, where something else may live by now. The hub's epoll instance goes without
 * another word to it: the registrations are shared, not copied, by fork (epoll(7), Q6).
 */
static int attach_slot(struct ipc *s, unsigned slot)
{
	struct ring_slots *set = set_of(s);
	struct ring_slot *own = at(s, slot);
	uint64_t never = BELL_NEVER;
	unsigned i;
	int rc;

	for (i = 0; i < s->slots; i++) {
		if (i == slot)
			continue;
		if (!at(s, i)->inherited)
			at(s, i)->ring.control = NULL;
		drop(s, at(s, i));
	}
	sys_close(&set->epoll);
	rc = set->epoll = (int)SYS(s, epoll_create1(EPOLL_CLOEXEC));
	if (rc >= 0)
		rc = listen_to(s, slot, own->to_slot);
	if (rc < 0)
		return rc;
	sys_close(&own->to_slot); /* stays registered: the hub has it open */
	set->announced = false;   /* that was the hub's sleep */
	look(s, own, own->ring.control);
	own->ring.live = true;
	/*
	 * A process is registered by itself. One that may not be has to fence, and says so in the
	 * peer's word as if the peer had; unless the peer has said something else meanwhile.
	 */
	if (set->asymmetric && membarrier(s, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED) < 0)
		(void)atomic_compare_exchange_strong(peer_word(s, own), &never, BELL_AWAKE);
	return 0;
}

int ring_slots_attach(struct ipc *s, unsigned slot, const struct ipc_peer *peer)
{
	(void)peer; /* whoever maps the other side */
	return s->role == IPC_HUB ? attach_hub(s, slot) : attach_slot(s, slot);
}

void ring_slots_detach(struct ipc *s, unsigned slot)
{
	struct ring_slot *old = at(s, slot);

	/* By hand: a child that was forked a moment ago may keep the bell, thus the events. */
	if (s->role == IPC_HUB && old->to_hub >= 0) /* ENOENT: was only armed */
		(void)SYS(s, epoll_ctl(set_of(s)->epoll, EPOLL_CTL_DEL, old->to_hub, NULL));
	drop(s, old);
}

void ring_slots_close(struct ipc *s)
{
	sys_close(&set_of(s)->epoll);
}

int ring_slots_hub_fds(unsigned slots)
{
	return 2 * (int)slots + 2; /* two bells each, the epoll instance, for a moment the memory */
}

/* ---- records ---- */

/* N records were pushed: the rest of a send where there is any. */
static __attribute__((noinline)) ssize_t sent(struct ipc *s, struct ring_slot *to, ssize_t n)
{
	wake(s, to, &to->ring.control->receiver);
	to->full = false;
	if (bell_announced(&to->ring))
		bell_say(&to->ring, &to->ring.control->sender, BELL_AWAKE);
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

ssize_t ring_slots_send(struct ipc *s, unsigned slot, const void *records, size_t n, unsigned flags)
{
	struct ring_slot *to = at(s, slot);

	(void)flags; /* nothing here blocks: the facade sleeps on ring_slots_pollfd */
	if (n != 1 || !to->ring.live || !ring_push_event(&to->ring, records))
		return send_any(s, to, records, n);
	if (to->full || bell_announced(&to->ring) || !bell_never(&to->ring.control->receiver))
		return sent(s, to, 1);
	return 1;
}

/* Tells the sender how far we are, and wakes it if it waits for room. */
static __attribute__((noinline)) void tell(struct ipc *s, struct ring_slot *from)
{
	struct ring *r = &from->ring;

	ring_tell(r);
	wake(s, from, &r->control->sender);
	if (r->said == BELL_AWAKE && r->position - from->slept >= RING_SLOTS_CALM &&
	    set_of(s)->asymmetric)
		bell_say(r, &r->control->receiver, BELL_NEVER);
}

/* Something was popped: the rest of a receive where there is any. */
static inline void taken(struct ipc *s, struct ring_slot *from)
{
	struct ring *r = &from->ring;

	if (bell_announced(r)) {
		from->slept = r->position;
		bell_say(r, &r->control->receiver, BELL_AWAKE);
	}
	if (ring_due(r))
		tell(s, from);
}

static __attribute__((noinline)) ssize_t take(struct ipc *s, struct ring_slot *from, void *records,
					      size_t cap)
{
	ssize_t rc = from->ring.live ? ring_pop(&from->ring, records, cap) : 0;

	if (rc > 0)
		taken(s, from);
	else if (rc < 0)
		from->ring.live = false; /* told once; then silent until it is detached */
	return rc == 0 ? -EAGAIN : rc;
}

static __attribute__((noinline)) ssize_t took_event(struct ipc *s, struct ring_slot *from)
{
	taken(s, from);
	return 1;
}

/*
 * A hub with several slots looks at one after the other, from where it stopped the last time: 3 ns
 * for each that has nothing, so 3 us for 1,000 of them, a tenth of what waking up has cost.
 */
static __attribute__((noinline)) ssize_t take_any(struct ipc *s, unsigned *slot, void *records,
						  size_t cap)
{
	struct ring_slots *set = set_of(s);
	unsigned left;

	for (left = s->slots; left > 0; left--) {
		unsigned i = set->next;
		ssize_t rc;

		set->next = i + 1 < s->slots ? i + 1 : 0;
		rc = take(s, at(s, i), records, cap);
		if (rc != -EAGAIN) {
			*slot = i;
			return rc;
		}
	}
	return -EAGAIN;
}

ssize_t ring_slots_recv(struct ipc *s, unsigned *slot, void *records, size_t cap, unsigned flags)
{
	struct ring_slot *own = at(s, s->self);

	(void)flags; /* nothing here blocks: the facade sleeps on ring_slots_pollfd */
	if (!s->single)
		return take_any(s, slot, records, cap);
	*slot = s->self;
	if (cap != 1 || !own->ring.live || !ring_pop_event(&own->ring, records))
		return take(s, own, records, cap);
	if (bell_announced(&own->ring) || ring_due(&own->ring))
		return took_event(s, own);
	return 1;
}

/* ---- sleep ---- */

/* Which bells were rung since the last look? One event each, so this ends, whoever rings. */
static void hear(struct ipc *s)
{
	struct epoll_event turn[RING_SLOTS_TURN];
	unsigned heard;
	ssize_t n, i;

	for (heard = 0; heard <= s->slots; heard += RING_SLOTS_TURN) {
		n = SYS(s, epoll_wait(set_of(s)->epoll, turn, RING_SLOTS_TURN, 0));
		for (i = 0; i < n; i++)
			at(s, turn[i].data.u32)->rung = true;
		if (n < RING_SLOTS_TURN)
			break;
	}
}

/* Does the session wait for this one? A hub that sends: only if its last send met no room. */
static bool awaited(const struct ipc *s, const struct ring_slot *slot)
{
	return slot->ring.live && (s->single || slot->full || ipc_receives(s));
}

/*
 * (A) of ring.h for one slot, unless an announcement stands that nobody can have answered.
 * True: (B) has to be membarrier(2).
 */
static bool announce(struct ipc *s, struct ring_slot *slot)
{
	/* Who sends while we sleep sees all the room there is. */
	if (ipc_receives(s) && slot->ring.known != slot->ring.position)
		tell(s, slot);
	if (bell_announced(&slot->ring) && !slot->rung)
		return false;
	slot->rung = false;
	return bell_announce(&slot->ring, own_word(s, slot));
}

/* (C) of ring.h: has this one published in the meantime? */
static bool look_again(const struct ipc *s, struct ring_slot *slot)
{
	if (ipc_receives(s) ? !ring_ready(&slot->ring) : ring_room(&slot->ring) == 0)
		return false;
	slot->full = false; /* room is told once, the caller may have lost interest */
	return true;
}

int ring_slots_pollfd(struct ipc *s, short *events)
{
	struct ring_slots *set = set_of(s);
	unsigned first = s->single ? s->self : 0, end = s->single ? s->self + 1 : s->slots;
	unsigned i, waiting = 0;
	bool never = false;
	int rc = 0;

	/* Before the announcements: what was rung for is seen below, a ring from now on stays. */
	if (set->announced)
		hear(s);
	set->announced = true;
	for (i = first; i < end; i++)
		if (awaited(s, at(s, i))) {
			never |= announce(s, at(s, i));
			waiting++;
		}
	if (never)
		rc = membarrier(s, MEMBARRIER_CMD_GLOBAL_EXPEDITED);
	else
		bell_fence();
	if (rc < 0)
		return rc; /* a sandbox: to sleep now could be for ever */
	for (i = first; i < end; i++)
		if (awaited(s, at(s, i)) && look_again(s, at(s, i)))
			return -EAGAIN;
	if (waiting == 0 && !ipc_receives(s))
		return -EAGAIN; /* as far as we know there is room in all of them */
	*events = POLLIN;
	return set->epoll;
}
