/* SPDX-License-Identifier: MIT */
/*
 * skeleton.c - template of a mechanism: a queue in memory that hub and slot share.
 *
 * Copy this file to NAME.c, replace the names, fill in what the comments ask for, add one
 * line to IPC_BACKENDS in Makefile.am. The contract tests then run it, and this file, through
 * every rule. It is compiled and tested, but never registered. This paragraph goes.
 *
 * Mechanism: an anonymous shared mapping per slot, made before the fork, with two counters
 *   and room for a fixed number of records. (One sentence: what it is, who may use it.)
 *
 *      hub                                worker
 *      mmap(MAP_SHARED) -> q
 *      fork ----------------------------> munmap of every sibling's queue
 *                                         q.records[sent % depth] = record
 *      q.sent > received  <-------------- q.sent++
 *      copy, then q.received++ ---------> there is room again
 *
 * Life cycle: made before the fork, unnamed; gone with the last process that maps it. (Who makes
 *   it, who removes it, and what remains after kill -9 of either.)
 * Guarantees: a record is seen whole or not at all, because its bytes are stored before the
 *   counter says so (release, acquire). First in, first out. What was sent survives its
 *   sender. (What is whole up to which size, order, boundaries, end of file, who sent it.)
 * Limits: the depth of the session, SKELETON_DEPTH unless asked otherwise; memory.
 * Wake-up: none: there is no descriptor, so the facade looks again, after 200 us at first. (The
 *   descriptor, level- or edge-triggered, and what has to be announced before a sleep.)
 * Failure modes: full - EAGAIN, the facade waits. Peer gone - no sign; its pidfd tells. (What
 *   each side meets when the queue is full, and when the other side has died. The words "full -"
 *   and "Peer gone -", or Reader, Writer, Hub, Worker, make a row of ipc/README.md.)
 * Costs: no system call and two copies a record; up to 200 us until a sleeper looks again. (The
 *   first sentence goes into that row.)
 * Pitfalls: every counter in the mapping may be changed by the other side at any moment: read it
 *   once, bound the copy. A mapping that a sibling kept would let it forge records.
 * Use when: you write a new mechanism and want to start from something that works.
 * Avoid when: anything is to be delivered in good time: shm.c wakes its receiver.
 * Read next: backend.h - what each operation must do; then pipe.c.
 */
#include "config.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ipc/core/backend.h"

#define SKELETON_DEPTH        256u
#define SKELETON_RECORD_LIMIT 4096

/* ---- state: the core allocates it, zeroed; a mechanism never does ---- */

/* What both processes see. Each counter has one writer and a cache line of its own. */
struct skeleton_queue {
	_Alignas(64) _Atomic uint64_t sent;
	_Alignas(64) _Atomic uint64_t received;
	_Alignas(64) char records[];
};

/* Per slot. Own figures live here, where the other side cannot reach them. */
struct skeleton_slot {
	struct skeleton_queue *queue; /* NULL: none in this process */
	uint64_t count;               /* records sent, or received, by this process */
	bool spoilt;                  /* -EPROTO was told: nothing more is taken from it */
};

/* Per session. */
struct skeleton_state {
	unsigned depth;
	unsigned next; /* receiving: the slot to try first, so that none starves */
};

static struct skeleton_state *skeleton_state(const struct ipc *s)
{
	return s->state;
}

static struct skeleton_slot *skeleton_slot(const struct ipc *s, unsigned slot)
{
	return (struct skeleton_slot *)s->slot_state + slot;
}

static size_t skeleton_bytes(const struct ipc *s)
{
	return sizeof(struct skeleton_queue) + skeleton_state(s)->depth * s->record_size;
}

static char *skeleton_record(const struct ipc *s, struct skeleton_queue *queue, uint64_t index)
{
	return queue->records + index % skeleton_state(s)->depth * s->record_size;
}

/* ---- without a session ---- */

/* This machine's figures that limit the mechanism. If it may be missing there is a probe too. */
static int skeleton_limits(struct ipc_limit *limits, size_t cap)
{
	if (cap < 1)
		return 0;
	*limits = (struct ipc_limit){ .name = "a mapping is a multiple of",
				      .source = "sysconf(_SC_PAGESIZE)" };
	(void)snprintf(limits->value, sizeof limits->value, "%ld bytes", sysconf(_SC_PAGESIZE));
	return 1;
}

/* The hub's descriptors at the worst moment: while the last slot is armed. */
static int skeleton_hub_fds(unsigned slots)
{
	(void)slots;
	return 0;
}

/* ---- life ---- */

/* Once: what all slots share (an epoll instance, a directory, a library's context). */
static int skeleton_open(struct ipc *s)
{
	skeleton_state(s)->depth = s->depth > 0 ? s->depth : SKELETON_DEPTH;
	return 0;
}

/* Before each fork: the slot's own objects, new ones for each owner. */
static int skeleton_arm(struct ipc *s, unsigned slot)
{
	struct skeleton_slot *at = skeleton_slot(s, slot);
	void *queue = mmap(NULL, skeleton_bytes(s), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	s->syscalls++; /* SYS() is for calls that return an int */
	if (queue == MAP_FAILED)
		return -errno;
	at->queue = queue;
	at->count = 0;
	at->spoilt = false;
	return 0;
}

static void skeleton_drop(struct ipc *s, unsigned slot)
{
	struct skeleton_slot *at = skeleton_slot(s, slot);

	if (at->queue)
		(void)SYS(s,
			  munmap(at->queue, skeleton_bytes(s))); /* our own mapping: cannot fail */
	at->queue = NULL;
}

/* After the fork, in each process. The slot keeps its own end only; the hub learns the peer. */
static int skeleton_attach(struct ipc *s, unsigned slot, const struct ipc_peer *peer)
{
	unsigned i;

	(void)peer; /* the facade watches its pidfd */
	if (s->role == IPC_HUB)
		return 0;
	for (i = 0; i < s->slots; i++)
		if (i != slot)
			skeleton_drop(s, i);
	return 0;
}

/* ---- records ---- */

/*
 * The sending side: takes as many as fit; -EAGAIN when none does; -EPIPE where it sees the peer's
 * end.
 */
static ssize_t skeleton_send(struct ipc *s, unsigned slot, const void *records, size_t n,
			     unsigned flags)
{
	struct skeleton_slot *at = skeleton_slot(s, slot);
	struct skeleton_queue *queue = at->queue;
	/* Acquire: pairs with the release in recv, so that the record there has been copied. */
	uint64_t used = at->count - atomic_load_explicit(&queue->received, memory_order_acquire);
	uint64_t depth = skeleton_state(s)->depth;
	size_t i;

	(void)flags; /* no call blocks here: without IPC_NOWAIT the facade waits */
	if (used > depth)
		return -EPIPE; /* no honest receiver has received more than was sent */
	if (used == depth)
		return -EAGAIN;
	if (n > depth - used)
		n = (size_t)(depth - used);
	for (i = 0; i < n; i++)
		memcpy(skeleton_record(s, queue, at->count + i),
		       (const char *)records + i * s->record_size, s->record_size);
	at->count += n;
	/* Release: first the records, then the count that shows them. */
	atomic_store_explicit(&queue->sent, at->count, memory_order_release);
	return (ssize_t)n;
}

/* One slot: 0 nothing there, else records or -EPROTO. */
static ssize_t skeleton_take(struct ipc *s, unsigned slot, void *records, size_t cap)
{
	struct skeleton_slot *at = skeleton_slot(s, slot);
	struct skeleton_queue *queue = at->queue;
	uint64_t there;
	size_t i, n;

	if (!queue || at->spoilt)
		return 0;
	/* Reads it once and then uses the copy, since the other side may change it meanwhile. */
	there = atomic_load_explicit(&queue->sent, memory_order_acquire) - at->count;
	at->spoilt = there > skeleton_state(s)->depth;
	if (at->spoilt)
		return -EPROTO;
	n = there < cap ? (size_t)there : cap;
	for (i = 0; i < n; i++)
		memcpy((char *)records + i * s->record_size,
		       skeleton_record(s, queue, at->count + i), s->record_size);
	at->count += n;
	if (n > 0)
		atomic_store_explicit(&queue->received, at->count, memory_order_release);
	return (ssize_t)n;
}

/* The receiving side: each slot in turn. Where each has a descriptor, fd_slots.h does it. */
static ssize_t skeleton_recv(struct ipc *s, unsigned *slot, void *records, size_t cap,
			     unsigned flags)
{
	struct skeleton_state *state = skeleton_state(s);
	unsigned i;

	(void)flags;
	for (i = 0; i < s->slots; i++) {
		unsigned at = (state->next + i) % s->slots;
		ssize_t rc = skeleton_take(s, at, records, cap);

		if (rc == 0)
			continue;
		state->next = (at + 1) % s->slots;
		*slot = at;
		return rc;
	}
	return -EAGAIN;
}

/* The one descriptor of the session; announce a sleep here and check again. */
static int skeleton_pollfd(struct ipc *s, short *events)
{
	(void)s;
	(void)events;
	return -ENOTSUP;
}

/* ---- the end ---- */

/* Releases a slot's objects, whether arm or attach came last. */
static void skeleton_detach(struct ipc *s, unsigned slot)
{
	skeleton_drop(s, slot);
}

/* Releases what open made; names only if getpid() == s->opener. */
static void skeleton_close(struct ipc *s)
{
	(void)s;
}

extern const struct ipc_backend ipc_skeleton; /* a registered mechanism does not need this line */

const struct ipc_backend ipc_skeleton = {
	.info = {
		.name = "skeleton",
		.title = "template",
		.summary = "a queue in shared memory without a wake-up, to copy and fill in",
		.group = IPC_GROUP_OTHER,
		.capabilities = IPC_CAP_TRUSTED_SLOT | IPC_CAP_DURABLE | IPC_CAP_FAIR,
		.record_limit = SKELETON_RECORD_LIMIT,
		.shared_memory = true,
		.objects = { { "a shared mapping per slot", "grep zero /proc/PID/maps" } },
		.syscalls = { "mmap", "munmap" },
		.man = { "mmap(2)", "fork(2)" },
	},
	.state_size = sizeof(struct skeleton_state),
	.slot_size = sizeof(struct skeleton_slot),
	/* What a slot's process asks of the kernel once it is attached: here nothing of its own. */
	.slot_calls = { { .name = NULL } },
	.limits = skeleton_limits,
	.hub_fds = skeleton_hub_fds,
	.open = skeleton_open,
	.arm = skeleton_arm,
	.attach = skeleton_attach,
	.send = skeleton_send,
	.recv = skeleton_recv,
	.pollfd = skeleton_pollfd,
	.detach = skeleton_detach,
	.close = skeleton_close,
};
