/* SPDX-License-Identifier: MIT */
/*
 * floor_mutex.c - the floor of the queue under a lock: a robust process-shared mutex, and two words
 * to sleep on. pthread_cond_t cannot be the floor: it has a lock of its own, so it costs more, and
 * it does not survive a process that is killed in it (ipc/mutex.c).
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/futex.h>

#include "bench/floor.h"
#include "bench/loop.h"

#define DEPTH 256u

struct condition {
	_Atomic uint32_t changes;
	bool sleeper; /* under the lock */
};

struct queue {
	pthread_mutex_t lock;
	struct condition filled, freed;
	uint64_t sent, received;
	alignas(64) char records[];
};

struct mutex_link {
	size_t depth, bytes; /* of one queue */
	char *memory;        /* both queues: down, then up */
	struct queue *in, *out;
};

static struct queue *queue_at(const struct mutex_link *state, unsigned index)
{
	return (void *)(state->memory + index * state->bytes);
}

static int queue_init(struct queue *queue)
{
	pthread_mutexattr_t attributes;
	int rc = pthread_mutexattr_init(&attributes);

	if (rc == 0)
		rc = pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	if (rc == 0)
		rc = pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
	return -(rc ? rc : pthread_mutex_init(&queue->lock, &attributes));
}

static int mutex_open(struct link *l)
{
	struct mutex_link *state = calloc(1, sizeof *state);
	int rc;

	if (!state)
		return -ENOMEM;
	l->state = state;
	state->depth = l->axes->depth ? l->axes->depth : DEPTH;
	state->bytes = (sizeof(struct queue) + state->depth * l->axes->size + 63) / 64 * 64;
	state->memory = mmap(NULL, 2 * state->bytes, PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (state->memory == MAP_FAILED) {
		state->memory = NULL;
		return -errno;
	}
	rc = queue_init(queue_at(state, 0));
	return rc < 0 ? rc : queue_init(queue_at(state, 1));
}

static int mutex_attach(struct link *l, unsigned slot, enum ipc_role role,
			const struct ipc_peer *peer)
{
	struct mutex_link *state = l->state;

	(void)slot;
	(void)peer;
	(void)madvise(state->memory, 2 * state->bytes, MADV_POPULATE_WRITE);
	state->out = queue_at(state, role == IPC_HUB ? 0 : 1);
	state->in = queue_at(state, role == IPC_HUB ? 1 : 0);
	return 0;
}

static void mutex_close(struct link *l)
{
	struct mutex_link *state = l->state;

	if (state && state->memory)
		(void)munmap(state->memory, 2 * state->bytes);
	free(state);
}

static uint64_t mutex_syscalls(const struct link *l)
{
	return l->syscalls;
}

/* Waits. Call it with the lock, which is released meanwhile. */
static inline void await(struct link *l, struct queue *queue, struct condition *what)
{
	uint32_t seen = atomic_load(&what->changes);

	what->sleeper = l->wait != IPC_SPIN;
	(void)pthread_mutex_unlock(&queue->lock);
	if (l->wait == IPC_SPIN) {
		link_pause();
	} else {
		l->syscalls++;
		(void)syscall(SYS_futex, &what->changes, FUTEX_WAIT, seen, NULL, NULL, 0);
	}
	(void)pthread_mutex_lock(&queue->lock);
}

/* Wakes the other side. Call it with the lock, which is released. */
static inline void change(struct link *l, struct queue *queue, struct condition *what)
{
	const bool sleeper = what->sleeper;

	what->sleeper = false;
	(void)atomic_fetch_add(&what->changes, 1);
	(void)pthread_mutex_unlock(&queue->lock);
	if (sleeper) {
		l->syscalls++;
		(void)syscall(SYS_futex, &what->changes, FUTEX_WAKE, 1, NULL, NULL, 0);
	}
}

static inline char *record_at(const struct link *l, struct queue *queue, uint64_t index)
{
	const struct mutex_link *state = l->state;

	return queue->records + index % state->depth * l->axes->size;
}

static inline int mutex_send(struct link *l, unsigned slot, size_t n)
{
	const struct mutex_link *state = l->state;
	struct queue *queue = state->out;
	size_t done = 0, end;

	(void)slot;
	while (done < n) {
		(void)pthread_mutex_lock(&queue->lock);
		while (queue->sent - queue->received == state->depth)
			await(l, queue, &queue->freed);
		end = done + state->depth - (size_t)(queue->sent - queue->received);
		for (end = end < n ? end : n; done < end; done++)
			memcpy(record_at(l, queue, queue->sent++), loop_at(l, done), l->axes->size);
		change(l, queue, &queue->filled);
	}
	return 0;
}

static inline ssize_t mutex_recv(struct link *l, unsigned *slot, size_t cap)
{
	const struct mutex_link *state = l->state;
	struct queue *queue = state->in;
	size_t got = 0;

	*slot = 0;
	(void)pthread_mutex_lock(&queue->lock);
	while (queue->sent == queue->received)
		await(l, queue, &queue->filled);
	for (; got < cap && queue->received < queue->sent; got++)
		memcpy(loop_at(l, got), record_at(l, queue, queue->received++), l->axes->size);
	change(l, queue, &queue->freed);
	return (ssize_t)got;
}

LINK_LOOPS(mutex)

const struct link_ops floor_mutex = {
	.open = mutex_open,
	.attach = mutex_attach,
	.hub = mutex_hub,
	.slot = mutex_slot,
	.syscalls = mutex_syscalls,
	.close = mutex_close,
};
