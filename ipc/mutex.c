/* SPDX-License-Identifier: MIT */
/*
 * mutex.c - a queue under a lock: the textbook's way to share memory, made to survive a death.
 *
 * Mechanism: a queue in memory that two processes map, a process-shared robust mutex that guards
 *   it, and two conditions to wait for: there is a record, there is room.
 *
 *      hub                                worker
 *      memory with lock, counters, records
 *      fork ----------------------------> munmap of every sibling's queue
 *      lock; empty                        lock
 *      unlock and sleep on "filled"       record into the queue, filled++
 *      woken  <------- FUTEX_WAKE ------- unlock, and wake if somebody sleeps
 *      lock (it may be empty still), take, freed++, unlock
 *      lock = EOWNERDEAD  <-------------- dies with the lock held
 *
 * Life cycle: memory made before the fork, without a name; gone with its last mapping, and the
 *   mutex, which is nothing but bytes in it, with it.
 * Guarantees: a record is seen whole or not at all, first in, first out; it survives its sender. If
 *   the lock's owner dies, the next one gets EOWNERDEAD together with the lock. It has to make
 *   the state consistent, then says so (pthread_mutex_consistent(3)). Here the state is always
 *   consistent, as a counter is stored after the record that it counts. No end of file.
 * Limits: the depth of the session, 256 records unless asked otherwise, at most 64 MiB.
 * Wake-up: none that poll(2) could wait for. A hub with several slots looks every 200 us.
 * Failure modes: full - EAGAIN, or the sender sleeps. Peer gone - silence; a sleep ends after a
 *   second, and the pidfd tells. Peer stopped with the lock held - we wait, even with IPC_NOWAIT.
 *   Counters that no honest peer writes - EPROTO.
 * Costs: two copies of the record, and on each side two atomic operations on a line that the
 *   other side has just written: a lock moves more cache lines than a ring, which has none. A
 *   sleeper costs one system call, and its peer one; and who meets the other in the lock, two
 *   more. A sleep starts a timer of a second, so that a dead peer is found: an eighth of a round
 *   trip.
 * Pitfalls: woken does not mean that the condition holds: look again, in a loop. The conditions
 *   are counters and futex(2), not pthread_cond_t: that has a lock of its own, which is not
 *   robust, so a process that is killed in pthread_cond_signal leaves everybody else waiting for
 *   ever. A robust mutex is a link in a list of its owner's: who shares one with a hostile
 *   process lets it write anywhere, by the pointers in it. So this is for peers that one trusts.
 * Use when: several fields have to change as one, and both sides are yours.
 * Avoid when: a slot's process may be hostile, or a queue of records is all that is needed: a ring
 *   is faster and needs no lock.
 * Read next: futex.c - the same sleep without the lock: diff them; skeleton.c - the queue alone.
 */
#include "config.h"

#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "ipc/core/backend.h"
#include "ipc/core/sealed_memory.h"
#include "ipc/core/sys.h"

#define MUTEX_DEPTH 256u
#define MUTEX_BYTES (64u << 20) /* of records in a queue, whatever the caller asks for */

/* A condition to wait for. It counts its changes, so that a waiter misses none. */
struct mutex_condition {
	_Atomic uint32_t changes;
	uint32_t sleeper; /* under the lock: is there one? */
};

/* What both processes see. The lock protects all of it but the futexes. */
struct mutex_queue {
	pthread_mutex_t lock;
	struct mutex_condition filled, freed;
	uint64_t sent, received;
	_Alignas(64) char records[];
};

struct mutex_slot {
	struct mutex_queue *queue; /* NULL: none in this process */
	bool inherited;            /* a child that is forked now would have it too */
};

struct mutex_state {
	size_t depth;
	unsigned next; /* receiving: the slot to try first, so that none starves */
};

static struct mutex_state *mutex_state(const struct ipc *s)
{
	return s->state;
}

static struct mutex_slot *mutex_slot(const struct ipc *s, unsigned slot)
{
	return (struct mutex_slot *)s->slot_state + slot;
}

static size_t mutex_bytes(const struct ipc *s)
{
	return sizeof(struct mutex_queue) + mutex_state(s)->depth * s->record_size;
}

static int mutex_limits(struct ipc_limit *limits, size_t cap)
{
	(void)cap;
	sys_limit(&limits[0], "size of a mutex", "sizeof(pthread_mutex_t)", "%zu bytes",
		  sizeof(pthread_mutex_t));
	return 1;
}

static int mutex_hub_fds(unsigned slots)
{
	(void)slots;
	return 1; /* for a moment the memory */
}

/* ---- the lock and the conditions ---- */

static int mutex_init(struct mutex_queue *queue)
{
	pthread_mutexattr_t attributes;
	int rc = pthread_mutexattr_init(&attributes);

	if (rc == 0) /* else a waiting thread of another process would never be woken */
		rc = pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	if (rc == 0) /* else the lock of a dead owner stays locked for ever */
		rc = pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
	if (rc == 0)
		rc = pthread_mutex_init(&queue->lock, &attributes);
	return -rc;
}

/* 0, or -errno: nobody made it consistent, or it is no longer a lock. */
static int mutex_lock(struct mutex_queue *queue)
{
	int rc = pthread_mutex_lock(&queue->lock);

	/*
	 * The last owner died while it held the lock. A record that it had not counted yet does not
	 * exist.
	 */
	return rc == EOWNERDEAD ? -pthread_mutex_consistent(&queue->lock) : -rc;
}

/* Called with the lock, and releases it. Changes the condition, and wakes those who wait for it. */
static void mutex_signal(struct ipc *s, struct mutex_queue *queue, struct mutex_condition *what)
{
	bool sleeper = what->sleeper;

	what->sleeper = false;
	(void)atomic_fetch_add(&what->changes, 1);
	(void)pthread_mutex_unlock(&queue->lock);
	if (sleeper) /* after the unlock, or it would wake up only to wait for the lock */
		(void)SYS(s, syscall(SYS_futex, &what->changes, FUTEX_WAKE, 1, NULL, NULL, 0));
}

/*
 * Called with the lock, and releases it. Sleeps until the condition changes: 0; -EAGAIN after a
 * second.
 */
static int mutex_wait(struct ipc *s, struct mutex_queue *queue, struct mutex_condition *what)
{
	const struct timespec second = { .tv_sec = 1 };
	uint32_t seen = atomic_load(&what->changes);
	long rc;

	what->sleeper = true;
	(void)pthread_mutex_unlock(&queue->lock);
	/*
	 * A change between the two is not missed: the kernel compares before it puts us to sleep.
	 */
	rc = syscall(SYS_futex, &what->changes, FUTEX_WAIT, seen, &second, NULL, 0);
	s->syscalls++;
	return rc < 0 && errno == ETIMEDOUT ? -EAGAIN : 0; /* EINTR: look, as if woken */
}

/* ---- life ---- */

static int mutex_open(struct ipc *s)
{
	size_t depth = s->depth > 1 ? s->depth : s->depth == 1 ? 2 : MUTEX_DEPTH;
	size_t most = MUTEX_BYTES / s->record_size;

	mutex_state(s)->depth = depth < most ? depth : most;
	return 0;
}

static int mutex_map(struct ipc *s, unsigned slot, int fd)
{
	void *queue = mmap(NULL, mutex_bytes(s), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	s->syscalls++;
	if (queue == MAP_FAILED)
		return -errno;
	*mutex_slot(s, slot) = (struct mutex_slot){ .queue = queue, .inherited = true };
	return 0;
}

static void mutex_drop(struct ipc *s, unsigned slot)
{
	struct mutex_slot *at = mutex_slot(s, slot);

	if (at->queue && at->inherited)
		(void)SYS(s, munmap(at->queue, mutex_bytes(s)));
	at->queue = NULL;
}

/* TICKET: the slot's owner needs the memory's descriptor. NULL: a forked owner does not. */
static int mutex_make(struct ipc *s, unsigned slot, struct ipc_ticket *ticket)
{
	int fd = sealed_memory(s, mutex_bytes(s));
	int rc = fd < 0 ? fd : mutex_map(s, slot, fd);

	if (rc == 0 && (rc = mutex_init(mutex_slot(s, slot)->queue)) < 0)
		mutex_drop(s, slot);
	if (rc == 0 && ticket)
		ticket->fds[0] = fd;
	else
		sys_close(&fd);
	return rc;
}

static int mutex_arm(struct ipc *s, unsigned slot)
{
	return mutex_make(s, slot, NULL);
}

static int mutex_attach(struct ipc *s, unsigned slot, const struct ipc_peer *peer)
{
	struct mutex_slot *at = mutex_slot(s, slot);
	unsigned i;

	(void)peer;               /* the facade watches its pidfd */
	if (s->role == IPC_HUB) { /* later workers need not drop it; if this fails, they do */
		at->inherited = SYS(s, madvise(at->queue, mutex_bytes(s), MADV_DONTFORK)) < 0;
		return 0;
	}
	for (i = 0; i < s->slots; i++)
		if (i != slot)
			mutex_drop(s, i);
	return 0;
}

static int mutex_ticket(struct ipc *s, unsigned slot, struct ipc_ticket *ticket)
{
	return mutex_make(s, slot, ticket);
}

static int mutex_join(struct ipc *s, unsigned slot, const struct ipc_ticket *ticket,
		      const struct ipc_peer *peer)
{
	int rc;

	(void)peer;
	(void)mutex_open(s);
	rc = mutex_map(s, slot, ticket->fds[0]);
	return rc < 0 ? rc : (int)SYS(s, close(ticket->fds[0])); /* mapped: not needed any more */
}

static void mutex_detach(struct ipc *s, unsigned slot)
{
	mutex_slot(s, slot)->inherited = true; /* it is here, whoever inherits it */
	mutex_drop(s, slot);
}

/* ---- records ---- */

static char *mutex_record(const struct ipc *s, struct mutex_queue *queue, uint64_t index)
{
	return queue->records + index % mutex_state(s)->depth * s->record_size;
}

static ssize_t mutex_send(struct ipc *s, unsigned slot, const void *records, size_t n,
			  unsigned flags)
{
	struct mutex_queue *queue = mutex_slot(s, slot)->queue;
	uint64_t used, depth = mutex_state(s)->depth;
	size_t i;
	int rc = mutex_lock(queue);

	if (rc < 0)
		return rc;
	while ((used = queue->sent - queue->received) == depth && !(flags & IPC_NOWAIT))
		if ((rc = mutex_wait(s, queue, &queue->freed)) < 0 || (rc = mutex_lock(queue)) < 0)
			return rc;
	if (n > depth - used)
		n = (size_t)(depth - used);
	for (i = 0; i < n && used <= depth; i++)
		memcpy(mutex_record(s, queue, queue->sent + i),
		       (const char *)records + i * s->record_size, s->record_size);
	if (n == 0 || used > depth) {
		(void)pthread_mutex_unlock(&queue->lock);
		return n == 0 ? -EAGAIN : -EPROTO;
	}
	atomic_signal_fence(memory_order_release); /* killed here: nothing was sent */
	queue->sent += n;
	mutex_signal(s, queue, &queue->filled);
	return (ssize_t)n;
}

/* Receives from one slot. -EAGAIN: nothing is there, or nothing came for a second. */
static ssize_t mutex_take(struct ipc *s, unsigned slot, void *records, size_t cap, bool wait)
{
	struct mutex_queue *queue = mutex_slot(s, slot)->queue;
	uint64_t there;
	size_t i;
	int rc = queue ? mutex_lock(queue) : -EAGAIN;

	if (rc < 0)
		return rc;
	while ((there = queue->sent - queue->received) == 0 && wait)
		if ((rc = mutex_wait(s, queue, &queue->filled)) < 0 || (rc = mutex_lock(queue)) < 0)
			return rc;
	if (there == 0 || there > mutex_state(s)->depth) {
		(void)pthread_mutex_unlock(&queue->lock);
		return there == 0 ? -EAGAIN : -EPROTO;
	}
	cap = cap < there ? cap : (size_t)there;
	for (i = 0; i < cap; i++)
		memcpy((char *)records + i * s->record_size,
		       mutex_record(s, queue, queue->received + i), s->record_size);
	atomic_signal_fence(memory_order_release);
	queue->received += cap;
	mutex_signal(s, queue, &queue->freed);
	return (ssize_t)cap;
}

static ssize_t mutex_recv(struct ipc *s, unsigned *slot, void *records, size_t cap, unsigned flags)
{
	struct mutex_state *state = mutex_state(s);
	unsigned left;

	*slot = s->self;
	if (s->single)
		return mutex_take(s, s->self, records, cap, !(flags & IPC_NOWAIT));
	for (left = s->slots; left > 0; left--) {
		ssize_t rc;

		*slot = state->next;
		state->next = (state->next + 1) % s->slots;
		rc = mutex_take(s, *slot, records, cap, false);
		if (rc != -EAGAIN)
			return rc;
	}
	return -EAGAIN;
}

const struct ipc_backend ipc_mutex = {
	.info = {
		.name = "mutex",
		.title = "queue under a mutex",
		.summary = "a queue per slot in shared memory under a robust lock, two conditions",
		.group = IPC_GROUP_MEMORY,
		.capabilities = IPC_CAP_TRUSTED_SLOT | IPC_CAP_DURABLE | IPC_CAP_JOIN |
				IPC_CAP_THREADS | IPC_CAP_FAIR | IPC_CAP_TRUSTING,
		.record_limit = 1 << 20,
		.shared_memory = true,
		.objects = { { "a mapped memfd per slot", "grep memfd:ipcdemo /proc/PID/maps" },
			     { "who sleeps, and in which call", "cat /proc/PID/syscall" } },
		.syscalls = { "futex", "memfd_create", "fcntl", "fallocate", "mmap", "munmap",
			      "madvise", "close" },
		.man = { "pthread_mutexattr_setrobust(3)", "pthread_mutex_consistent(3)",
			 "pthread_mutexattr_setpshared(3)", "futex(2)", "get_robust_list(2)" },
	},
	.state_size = sizeof(struct mutex_state),
	.slot_size = sizeof(struct mutex_slot),
	.free_try = true,
	.limits = mutex_limits,
	.hub_fds = mutex_hub_fds,
	.open = mutex_open,
	.arm = mutex_arm,
	.attach = mutex_attach,
	.ticket = mutex_ticket,
	.join = mutex_join,
	.send = mutex_send,
	.recv = mutex_recv,
	.detach = mutex_detach,
};
