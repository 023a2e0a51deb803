/* SPDX-License-Identifier: MIT */
/*
 * ring_slots.c - for ring_slots.h: a slot's life, from its memory to its end. ring_records.c moves
 * the records, ring_bells.c has the sleeps.
 */
#include "config.h"

#include "ipc/core/ring_slots.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/membarrier.h>

#include "ipc/core/sys.h"

#define OWN_BYTES   16384u      /* of entries, if the caller names no depth: half of an L1 cache */
#define OWN_LARGE   16u         /* records, if they are larger than that ... */
#define OWN_LARGEST (1u << 20)  /* ... but no more bytes than this, unless two records need more */
#define MOST_BYTES  (64u << 20) /* of entries in a slot, whatever the caller asks for */

/* ---- life of a slot ---- */

/*
 * A ring of 16 KiB fits into the caches of both CPUs: 256 events stream twice as fast as 512, and
 * two records of 8 KiB twice as fast as sixteen. Records too large for that gain from a deeper
 * ring, in which the two copies overlap: with records of 64 KiB, sixteen move 13 GB/s and two move
 * 5.
 */
static size_t own_depth(size_t stride)
{
	size_t wish = OWN_BYTES / stride;

	if (wish >= 1)
		return wish;
	wish = OWN_LARGEST / stride + 1;
	return wish < OWN_LARGE ? wish : OWN_LARGE;
}

static uint32_t entries_for(size_t record_size, unsigned depth)
{
	size_t stride = ring_stride(record_size);
	size_t wish = depth ? depth : own_depth(stride);
	uint32_t entries = RING_ENTRIES_MIN;

	while (entries < wish && entries < RING_ENTRIES_MAX && entries * 2 * stride <= MOST_BYTES)
		entries *= 2;
	return entries;
}

size_t ring_slots_slot_bytes(size_t record_size)
{
	return ring_bytes(record_size, entries_for(record_size, 0));
}

size_t ring_slots_bytes(const struct ipc *s)
{
	return ring_bytes(s->record_size, ring_slots_of(s)->entries) + ring_slots_of(s)->extra;
}

void ring_slots_use(struct ipc *s, ring_slots_ring *ring, size_t extra)
{
	ring_slots_of(s)->ring = ring;
	ring_slots_of(s)->extra = extra;
}

/* This process' epoll instance, unless the mechanism sleeps in another way. */
static int open_epoll(struct ipc *s)
{
	struct ring_slots *set = ring_slots_of(s);

	set->epoll = set->peer = -1;
	if (set->ring)
		return 0;
	set->epoll = (int)SYS(s, epoll_create1(EPOLL_CLOEXEC));
	return set->epoll < 0 ? set->epoll : 0;
}

int ring_slots_open(struct ipc *s)
{
	struct ring_slots *set = ring_slots_of(s);
	unsigned i;
	int rc;

	set->entries = entries_for(s->record_size, s->depth);
	for (i = 0; i < s->slots; i++)
		ring_slot_at(s, i)->to_hub = ring_slot_at(s, i)->to_slot = -1;
	rc = open_epoll(s);
	if (rc < 0)
		return rc;
	set->asymmetric = sys_membarrier(s, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED) == 0;
	return 0;
}

int ring_slots_size(struct ipc *s, int fd)
{
	int rc;

	/*
	 * Allocates the pages now: on a full tmpfs ftruncate succeeds, and a store would kill us.
	 */
	do {
		s->syscalls++;
		rc = posix_fallocate(fd, 0, (off_t)ring_slots_bytes(s));
	} while (rc == EINTR);
	return -rc;
}

/* This side's view of the ring at MEMORY. */
static void look(struct ipc *s, struct ring_slot *slot, void *memory)
{
	uint32_t entries = ring_slots_of(s)->entries;

	if (ipc_receives(s))
		ring_init_receiver(&slot->ring, memory, s->record_size, entries);
	else
		ring_init_sender(&slot->ring, memory, s->record_size, entries);
	if (!ring_slots_of(s)->asymmetric)
		bell_write(&slot->ring, ring_slots_own_word(s, slot), BELL_AWAKE);
}

static void drop(struct ipc *s, struct ring_slot *slot)
{
	if (slot->ring.control)
		(void)SYS(s, munmap(slot->ring.control, ring_slots_bytes(s)));
	slot->ring.control = NULL;
	slot->ring.live = false;
	sys_close(&slot->to_hub);
	sys_close(&slot->to_slot);
}

static int map_memory(struct ipc *s, struct ring_slot *new, int fd)
{
	void *memory = mmap(NULL, ring_slots_bytes(s), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	s->syscalls++;
	if (memory == MAP_FAILED)
		return -errno;
	look(s, new, memory);
	new->inherited = true;
	new->full = new->rung = false;
	return 0;
}

int ring_slots_map(struct ipc *s, unsigned slot, int fd)
{
	struct ring_slot *new = ring_slot_at(s, slot);
	int rc = map_memory(s, new, fd);

	if (rc < 0 || ring_slots_of(s)->ring)
		return rc;
	rc = new->to_hub = (int)SYS(s, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
	if (rc >= 0)
		rc = new->to_slot = (int)SYS(s, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
	if (rc < 0)
		drop(s, new);
	return rc < 0 ? rc : 0;
}

/* A ring of BELL wakes this process, as SLOT's. */
static int listen_to(struct ipc *s, unsigned slot, int bell)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET, .data.u32 = slot };

	if (ring_slots_of(s)->ring)
		return 0;
	return (int)SYS(s, epoll_ctl(ring_slots_of(s)->epoll, EPOLL_CTL_ADD, bell, &event));
}

/* Where there is one peer, its death ends a sleep: no bell of a dead one is rung. */
static int listen_to_peer(struct ipc *s, const struct ipc_peer *peer)
{
	struct ring_slots *set = ring_slots_of(s);
	int rc;

	set->gone = false;
	if (!s->single || set->ring || peer->pidfd < 0)
		return 0;
	rc = listen_to(s, s->slots, peer->pidfd);
	if (rc == 0)
		set->peer = peer->pidfd;
	return rc;
}

static int attach_hub(struct ipc *s, unsigned slot, const struct ipc_peer *peer)
{
	struct ring_slot *own = ring_slot_at(s, slot);
	int rc = listen_to_peer(s, peer);

	if (rc < 0)
		return rc;

	/* Later children do not inherit the mapping; if this fails, they unmap it themselves. */
	own->inherited = SYS(s, madvise(own->ring.control, ring_slots_bytes(s), MADV_DONTFORK)) < 0;
	own->ring.live = true;
	return listen_to(s, slot, own->to_hub);
}

/*
 * The rest of attach and of join in the slot's process, which has the ring mapped and both bells.
 */
static int enter_slot(struct ipc *s, unsigned slot, const struct ipc_peer *peer)
{
	struct ring_slots *set = ring_slots_of(s);
	struct ring_slot *own = ring_slot_at(s, slot);
	uint64_t never = BELL_NEVER;
	int rc = open_epoll(s);

	if (rc == 0)
		rc = listen_to(s, slot, own->to_slot);
	if (rc == 0)
		rc = listen_to_peer(s, peer);
	if (rc < 0)
		return rc;
	sys_close(&own->to_slot); /* stays registered: the hub has it open */
	set->announced = false;   /* that was the hub's sleep */
	look(s, own, own->ring.control);
	own->ring.live = true;
	/*
	 * Each process registers itself for membarrier(2). One that may not has to fence. It writes
	 * that into the peer's word, as if the peer had done so, unless the peer has written a
	 * value meanwhile.
	 */
	if (set->asymmetric && sys_membarrier(s, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED) < 0)
		(void)atomic_compare_exchange_strong(ring_slots_peer_word(s, own), &never,
						     BELL_AWAKE);
	return 0;
}

/*
 * In a forked process: drops everything of its siblings. A ring with MADV_DONTFORK was not
 * inherited, and something else may be mapped at its former address by now. The hub's epoll
 * instance is closed without an epoll_ctl: fork shares the registrations, it does not copy them
 * (epoll(7), Q6).
 */
static int attach_slot(struct ipc *s, unsigned slot, const struct ipc_peer *peer)
{
	unsigned i;

	for (i = 0; i < s->slots; i++) {
		if (i == slot)
			continue;
		if (!ring_slot_at(s, i)->inherited)
			ring_slot_at(s, i)->ring.control = NULL;
		drop(s, ring_slot_at(s, i));
	}
	sys_close(&ring_slots_of(s)->epoll);
	return enter_slot(s, slot, peer);
}

int ring_slots_attach(struct ipc *s, unsigned slot, const struct ipc_peer *peer)
{
	return s->role == IPC_HUB ? attach_hub(s, slot, peer) : attach_slot(s, slot, peer);
}

/* The hub keeps both doorbells, so the slot's new process gets duplicates. */
int ring_slots_ticket(struct ipc *s, unsigned slot, int fd, struct ipc_ticket *ticket)
{
	const struct ring_slot *own = ring_slot_at(s, slot);
	int rc = 0;

	if (!ring_slots_of(s)->ring) {
		rc = ticket->fds[1] = (int)SYS(s, fcntl(own->to_hub, F_DUPFD_CLOEXEC, 0));
		if (rc >= 0)
			rc = ticket->fds[2] = (int)SYS(s, fcntl(own->to_slot, F_DUPFD_CLOEXEC, 0));
	}
	if (rc < 0) {
		sys_close(&ticket->fds[1]);
		ring_slots_detach(s, slot);
		return rc;
	}
	ticket->fds[0] = fd;
	ticket->words[0] = ring_slots_of(s)->asymmetric;
	return 0;
}

int ring_slots_join(struct ipc *s, unsigned slot, const struct ipc_ticket *ticket,
		    const struct ipc_peer *peer)
{
	struct ring_slot *own = ring_slot_at(s, slot);
	struct stat file;
	int rc;

	ring_slots_of(s)->entries = entries_for(s->record_size, s->depth);
	ring_slots_of(s)->asymmetric = ticket->words[0];
	ring_slots_of(s)->epoll = -1;
	rc = (int)SYS(s, fstat(ticket->fds[0], &file));
	if (rc == 0 && (size_t)file.st_size < ring_slots_bytes(s))
		rc = -EINVAL; /* a load beyond the end would be SIGBUS */
	if (rc == 0)
		rc = map_memory(s, own, ticket->fds[0]);
	if (rc < 0)
		return rc;
	own->to_hub = ticket->fds[1];
	own->to_slot = ticket->fds[2];
	rc = enter_slot(s, slot, peer);
	if (rc == 0)
		return close(ticket->fds[0]) < 0 ? -errno : 0; /* the mapping stays */
	own->to_hub = own->to_slot = -1;                       /* still the caller's */
	drop(s, own);
	sys_close(&ring_slots_of(s)->epoll);
	return rc;
}

void ring_slots_detach(struct ipc *s, unsigned slot)
{
	struct ring_slot *old = ring_slot_at(s, slot);

	/*
	 * Explicitly: a child that was forked just now may hold the bell open, and with it the
	 * events.
	 */
	if (s->role == IPC_HUB && old->to_hub >= 0) /* ENOENT: was only armed */
		(void)SYS(s, epoll_ctl(ring_slots_of(s)->epoll, EPOLL_CTL_DEL, old->to_hub, NULL));
	if (s->role == IPC_HUB && ring_slots_of(s)->peer >= 0)
		(void)SYS(s, epoll_ctl(ring_slots_of(s)->epoll, EPOLL_CTL_DEL,
				       ring_slots_of(s)->peer, NULL));
	ring_slots_of(s)->peer = -1;
	drop(s, old);
}

void ring_slots_close(struct ipc *s)
{
	sys_close(&ring_slots_of(s)->epoll);
}

int ring_slots_hub_fds(unsigned slots)
{
	return 2 * (int)slots + 2; /* two bells each, the epoll instance, for a moment the memory */
}
