/* SPDX-License-Identifier: MIT */
/*
 * futex.c - futexes: the ring of memfd.c, with words of memory to sleep on.
 *
 * Mechanism: a word in memory that two processes map. The kernel knows nothing of it, until
 *   somebody sleeps on it (FUTEX_WAIT: only if it still has the value that I saw) or wakes who
 *   does (FUTEX_WAKE).
 *
 *      hub                                worker
 *      memory with a ring and a robust lock
 *      fork ----------------------------> locks the lock, for as long as it lives
 *      announces a sleep, marks the lock
 *      looks again: nothing
 *      FUTEX_WAIT(lock is marked)         record, then its sequence, into the ring
 *      woken  <-- unmark, FUTEX_WAKE ---- only if the hub has announced its sleep
 *      woken  <-- the kernel: FUTEX_OWNER_DIED <-- dies, however it dies
 *
 * Life cycle: memory made before the fork, without a name; gone with its last mapping. A futex
 *   is no object: nothing is made for it, so nothing remains of it.
 * Guarantees: those of the ring: a record is seen whole or not at all, first in, first out, and
 *   survives its sender. No wake-up is lost: the kernel compares the word and begins the sleep as
 *   one step. The death of a worker wakes the hub: the kernel walks the list of robust locks of
 *   every thread that ends (get_robust_list(2)), and the hub sleeps on the worker's lock.
 * Limits: 128 words in one futex_waitv (it has no manual page yet: the kernel's futex2.rst), by
 *   which a hub with several slots waits for all: with more of them it looks every 200 us
 *   instead. What the ring holds, see memfd.c.
 * Wake-up: a futex has no descriptor, so neither poll(2) nor epoll(7) can wait for it. An event
 *   loop that has other things to wait for must look again and again, and pays with time or CPU.
 * Failure modes: full - EAGAIN, or the sender sleeps until the receiver has taken a quarter. Hub
 *   gone - silence; a sleep ends after a second, and the pidfd tells. Sequence or tail that no
 *   honest peer writes - EPROTO.
 * Costs: two copies of the record, no system call. A sleeper costs one call, and its peer one, as
 *   an eventfd in an epoll instance does, but cheaper ones. A sleep starts a timer of a second, so
 *   that a dead hub is found: an eighth of a round trip. A second word in its place, which the
 *   kernel marks when the hub dies (futex_waitv), costs half of that, and the hub would have to
 *   hold a lock for each slot where no worker can write.
 * Pitfalls: FUTEX_PRIVATE_FLAG between processes wakes nobody, and reports no error. To wait
 *   without the value that one has looked at loses the wake-up. Of the lock the hub touches one
 *   bit of one word: who takes or releases a robust lock that a hostile process can write to
 *   follows pointers that lie in it. So the hub holds none, and a worker learns of the hub's
 *   death by its pidfd.
 * Use when: both sides do nothing else while they wait, and the last microsecond counts.
 * Avoid when: an event loop must wait for other things, too.
 * Read next: ring.h - the fences between announcement and look; mutex.c - what a lock would cost.
 */
#include "config.h"

#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "ipc/core/backend.h"
#include "ipc/core/ring_slots.h"
#include "ipc/core/sealed_memory.h"
#include "ipc/core/sys.h"

/* Of the slot's lock, whose first word it is; the kernel's robust lists rest on that, too. */
static _Atomic uint32_t *futex_lock(const struct ipc *s, const struct ring_slot *slot)
{
	return ring_slots_extra(s, slot);
}

/* A slot's owner sleeps on a count of rings. */
static _Atomic uint32_t *futex_bell(const struct ring_slot *slot, bool receiver)
{
	struct ring_control *control = slot->ring.control;

	return receiver ? &control->receiver_bell : &control->sender_bell;
}

/* First the word, then the call: who is about to sleep on the old value does not. */
static void futex_ring(struct ipc *s, const struct ring_slot *slot)
{
	_Atomic uint32_t *word = s->role == IPC_SLOT ? futex_lock(s, slot) :
						       futex_bell(slot, !ipc_receives(s));

	if (s->role == IPC_SLOT)
		(void)atomic_fetch_and(word, ~FUTEX_WAITERS);
	else
		(void)atomic_fetch_add(word, 1);
	(void)SYS(s, syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0));
}

/*
 * The word that this side sleeps on, and in *SEEN the value that it has before the announcement.
 * The hub marks the lock: so the kernel wakes it if the owner dies, and whoever rings changes the
 * word. A lock without an owner is not there yet, or let go: only a ring ends that sleep. NULL:
 * the owner is dead.
 */
static _Atomic uint32_t *futex_word(const struct ipc *s, unsigned slot, uint32_t *seen)
{
	struct ring_slot *at = ring_slot_at(s, slot);
	_Atomic uint32_t *word = s->role == IPC_HUB ? futex_lock(s, at) :
						      futex_bell(at, ipc_receives(s));

	*seen = atomic_load(word);
	if (s->role == IPC_SLOT || *seen == 0)
		return word;
	if (*seen & FUTEX_OWNER_DIED)
		return NULL;
	if (atomic_compare_exchange_strong(word, seen, *seen | FUTEX_WAITERS))
		*seen |= FUTEX_WAITERS;
	return word; /* if it has changed just now, the sleep ends at once */
}

static int futex_probe(char *reason, size_t size)
{
	/* Without a word to wait for: EINVAL where the call exists. */
	if (syscall(SYS_futex_waitv, NULL, 0, 0, NULL, 0) < 0 && errno == EINVAL)
		return 0;
	return sys_reason(reason, size, -ENOSYS, "futex_waitv(2) needs Linux 5.16");
}

static int futex_limits(struct ipc_limit *limits, size_t cap)
{
	(void)cap;
	sys_limit(&limits[0], "words in one wait", "FUTEX_WAITV_MAX, linux/futex.h", "%d",
		  FUTEX_WAITV_MAX);
	sys_limit(&limits[1], "ring of a slot, 56-byte records", "ipc/core/ring_slots.c",
		  "%zu bytes", ring_slots_slot_bytes(56));
	return 2;
}

static int futex_hub_fds(unsigned slots)
{
	(void)slots;
	return 1; /* for a moment the memory */
}

static int futex_open(struct ipc *s)
{
	ring_slots_use(s, futex_ring, sizeof(pthread_mutex_t));
	return ring_slots_open(s);
}

/* A lock that the kernel marks if its owner dies, in memory of several processes. */
static int futex_make_lock(pthread_mutex_t *lock)
{
	pthread_mutexattr_t attributes;
	int rc = pthread_mutexattr_init(&attributes);

	if (rc == 0)
		rc = pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	if (rc == 0)
		rc = pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
	if (rc == 0)
		rc = pthread_mutex_init(lock, &attributes);
	return -rc;
}

/* TICKET: the slot's owner needs the descriptor. NULL: it is forked, and does not. */
static int futex_make_ring(struct ipc *s, unsigned slot, struct ipc_ticket *ticket)
{
	int fd = sealed_memory(s, ring_slots_bytes(s));
	int rc;

	if (fd < 0)
		return fd;
	rc = ring_slots_map(s, slot, fd);
	if (rc == 0 && (rc = futex_make_lock(ring_slots_extra(s, ring_slot_at(s, slot)))) < 0)
		ring_slots_detach(s, slot);
	if (rc == 0 && ticket)
		rc = ring_slots_ticket(s, slot, fd, ticket);
	if (rc < 0 || !ticket)
		sys_close(&fd);
	return rc;
}

static int futex_arm(struct ipc *s, unsigned slot)
{
	return futex_make_ring(s, slot, NULL);
}

/* The slot's owner holds its lock until it detaches, or dies. */
static int futex_enter(struct ipc *s, unsigned slot)
{
	return -pthread_mutex_lock(ring_slots_extra(s, ring_slot_at(s, slot)));
}

static int futex_attach(struct ipc *s, unsigned slot, const struct ipc_peer *peer)
{
	int rc = ring_slots_attach(s, slot, peer);

	return rc == 0 && s->role == IPC_SLOT ? futex_enter(s, slot) : rc;
}

static int futex_ticket(struct ipc *s, unsigned slot, struct ipc_ticket *ticket)
{
	return futex_make_ring(s, slot, ticket);
}

static int futex_join(struct ipc *s, unsigned slot, const struct ipc_ticket *ticket,
		      const struct ipc_peer *peer)
{
	int rc;

	ring_slots_use(s, futex_ring, sizeof(pthread_mutex_t));
	rc = ring_slots_join(s, slot, ticket, peer);
	return rc == 0 ? futex_enter(s, slot) : rc;
}

/* Sleeps until a word has changed, at most a second. 0: look; -EAGAIN: the facade has to look. */
static int futex_sleep_one(struct ipc *s, unsigned slot)
{
	const struct timespec second = { .tv_sec = 1 };
	_Atomic uint32_t *word;
	uint32_t seen;
	int rc;

	if (!ring_slot_at(s, slot)->ring.live || !(word = futex_word(s, slot, &seen)))
		return -EAGAIN;
	ring_slot_at(s, slot)->rung = true; /* announce anew: the last one may have been answered */
	rc = ring_slots_announce(s, slot, slot + 1);
	if (rc < 0)
		return rc == -EAGAIN ? 0 : rc;
	rc = (int)SYS(s, syscall(SYS_futex, word, FUTEX_WAIT, seen, &second, NULL, 0));
	return rc == -ETIMEDOUT ? -EAGAIN : rc == -EAGAIN || rc >= 0 ? 0 : rc;
}

static int futex_sleep_any(struct ipc *s)
{
	struct futex_waitv wait[FUTEX_WAITV_MAX];
	struct timespec until;
	unsigned count = 0, i;
	uint32_t seen;
	int rc;

	for (i = 0; i < s->slots; i++) {
		_Atomic uint32_t *word = NULL;

		if (ring_slot_at(s, i)->ring.live)
			word = futex_word(s, i, &seen);
		if (!word)
			continue;
		if (count == FUTEX_WAITV_MAX)
			return -EAGAIN;
		wait[count++] = (struct futex_waitv){ .val = seen,
						      .uaddr = (uintptr_t)word,
						      .flags = FUTEX_32 };
		ring_slot_at(s, i)->rung = true;
	}
	rc = count > 0 ? ring_slots_announce(s, 0, s->slots) : -ENOENT;
	if (rc < 0)
		return rc == -EAGAIN ? 0 : rc == -ENOENT ? -EAGAIN : rc;
	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec++;
	rc = (int)SYS(s, syscall(SYS_futex_waitv, wait, count, 0, &until, CLOCK_MONOTONIC));
	return rc == -ETIMEDOUT ? -EAGAIN : rc == -EAGAIN || rc >= 0 ? 0 : rc;
}

static ssize_t futex_send(struct ipc *s, unsigned slot, const void *records, size_t n,
			  unsigned flags)
{
	ssize_t rc;
	int slept;

	if (flags & IPC_NOWAIT)
		return ring_slots_send(s, slot, records, n, flags);
	while ((rc = ring_slots_send(s, slot, records, n, IPC_NOWAIT)) == -EAGAIN)
		if ((slept = futex_sleep_one(s, slot)) < 0)
			return slept;
	return rc;
}

static ssize_t futex_recv(struct ipc *s, unsigned *slot, void *records, size_t cap, unsigned flags)
{
	ssize_t rc;
	int slept;

	if (flags & IPC_NOWAIT)
		return ring_slots_recv(s, slot, records, cap, flags);
	while ((rc = ring_slots_recv(s, slot, records, cap, IPC_NOWAIT)) == -EAGAIN)
		if ((slept = s->single ? futex_sleep_one(s, s->self) : futex_sleep_any(s)) < 0)
			return slept;
	return rc;
}

static void futex_detach(struct ipc *s, unsigned slot)
{
	if (s->role == IPC_SLOT) /* its memory goes: the kernel must not find it in our list */
		(void)pthread_mutex_unlock(ring_slots_extra(s, ring_slot_at(s, slot)));
	ring_slots_detach(s, slot);
}

const struct ipc_backend ipc_futex = {
	.info = {
		.name = "futex",
		.title = "futex",
		.summary = "a ring per slot in shared memory, and words of it to sleep on",
		.group = IPC_GROUP_MEMORY,
		.capabilities = IPC_CAP_TRUSTED_SLOT | IPC_CAP_DURABLE | IPC_CAP_JOIN |
				IPC_CAP_THREADS | IPC_CAP_FAIR,
		.record_limit = 1 << 20,
		.shared_memory = true,
		.objects = { { "a mapped memfd per slot", "grep memfd:ipcdemo /proc/PID/maps" },
			     { "who sleeps, and in which call", "cat /proc/PID/syscall" } },
		.syscalls = { "futex", "futex_waitv", "memfd_create", "fcntl", "fallocate", "mmap",
			      "munmap", "madvise", "membarrier", "close" },
		.man = { "futex(2)", "futex(7)", "get_robust_list(2)",
			 "pthread_mutexattr_setrobust(3)", "membarrier(2)" },
	},
	.state_size = sizeof(struct ring_slots),
	.slot_size = sizeof(struct ring_slot),
	.slot_calls = { { .name = "futex_waitv" }, { .name = "membarrier" } },
	.free_try = true,
	.probe = futex_probe,
	.limits = futex_limits,
	.hub_fds = futex_hub_fds,
	.open = futex_open,
	.arm = futex_arm,
	.attach = futex_attach,
	.ticket = futex_ticket,
	.join = futex_join,
	.send = futex_send,
	.recv = futex_recv,
	.detach = futex_detach,
	.close = ring_slots_close,
};
