/* SPDX-License-Identifier: MIT */
/*
 * floor_ring.c - the floor of shared memory: a bare ring of the mechanisms' own layout.
 *
 * An entry holds the record and, in the last 8 bytes of its last cache line, the lap as its
 * sequence. A batch is published in groups, the first record of a group last, so that the receiver
 * sees whole groups. The receiver publishes its tail each quarter of the ring. Nothing is checked.
 *
 * A side that finds nothing and may sleep writes the number of its sleep into a word, looks again
 * and reads its eventfd; a side that publishes looks at that word and writes the eventfd. For the
 * mechanism `futex` the side sleeps on the word itself.
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/futex.h>

#include "bench/floor.h"
#include "bench/loop.h"

#define LINE       64u
#define RING_BYTES 16384u
#define GROUP      2048u

struct ring_words {
	alignas(LINE) _Atomic uint64_t tail;
	alignas(LINE) _Atomic uint64_t receiver; /* 0 awake, else the number of its sleep */
	alignas(LINE) _Atomic uint64_t sender;
};

struct ring_end {
	struct ring_words *words;
	unsigned char *entries;
	uint64_t position, limit, rung, sleeps;
	int bell, peer_bell; /* to read, and to write; -1: the word is a futex */
};

struct ring_link {
	size_t stride, group;
	uint64_t count; /* entries */
	unsigned shift;
	void *memory; /* both rings: down, then up */
	size_t bytes; /* of one */
	int bells[2]; /* the hub's, the slot's */
	struct ring_end out, in;
};

static int ring_open(struct link *l)
{
	struct ring_link *state = calloc(1, sizeof *state);

	if (!state)
		return -ENOMEM;
	l->state = state;
	state->stride = (l->axes->size + 8 + LINE - 1) / LINE * LINE;
	state->group = state->stride < GROUP ? GROUP / state->stride : 1;
	state->shift = 1;
	if (l->axes->depth == 0)
		while (state->stride << state->shift < RING_BYTES)
			state->shift++;
	while (1u << state->shift < l->axes->depth)
		state->shift++;
	state->count = 1u << state->shift;
	state->bytes = sizeof(struct ring_words) + state->count * state->stride;
	state->bells[0] = eventfd(0, EFD_CLOEXEC);
	state->bells[1] = eventfd(0, EFD_CLOEXEC);
	state->memory = mmap(NULL, 2 * state->bytes, PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (state->memory == MAP_FAILED)
		state->memory = NULL;
	return state->memory && state->bells[0] >= 0 && state->bells[1] >= 0 ? 0 : -errno;
}

static int ring_attach(struct link *l, unsigned slot, enum ipc_role role,
		       const struct ipc_peer *peer)
{
	struct ring_link *state = l->state;
	struct ring_words *down = state->memory;
	struct ring_words *up = (void *)((char *)state->memory + state->bytes);
	bool hub = role == IPC_HUB;

	(void)slot;
	(void)peer;
	/* Maps the pages before the start; if this fails, the warm-up does it. */
	(void)madvise(state->memory, 2 * state->bytes, MADV_POPULATE_WRITE);
	state->out.words = hub ? down : up;
	state->in.words = hub ? up : down;
	state->out.entries = (unsigned char *)(state->out.words + 1);
	state->in.entries = (unsigned char *)(state->in.words + 1);
	state->out.limit = state->count;
	state->in.limit = state->count / 4 ? state->count / 4 : 1;
	state->out.bell = state->in.bell = state->bells[hub ? 0 : 1];
	state->out.peer_bell = state->in.peer_bell = state->bells[hub ? 1 : 0];
	if (strcmp(l->axes->backend, "futex") == 0)
		state->out.peer_bell = state->in.peer_bell = -1;
	return 0;
}

static void ring_close(struct link *l)
{
	struct ring_link *state = l->state;

	if (!state)
		return;
	if (state->memory)
		(void)munmap(state->memory, 2 * state->bytes);
	(void)close(state->bells[0]);
	(void)close(state->bells[1]);
	free(state);
}

static uint64_t ring_syscalls(const struct link *l)
{
	return l->syscalls;
}

static inline unsigned char *entry_at(const struct ring_link *state, const struct ring_end *end,
				      uint64_t position)
{
	return end->entries + (position & (state->count - 1)) * state->stride;
}

static inline _Atomic uint64_t *sequence_of(const struct ring_link *state, unsigned char *entry)
{
	return (void *)(entry + state->stride - 8);
}

static inline uint64_t lap_of(const struct ring_link *state, uint64_t position)
{
	return (position >> state->shift) + 1;
}

static inline void copy_record(void *to, const void *from, size_t size)
{
	if (size == 56)
		memcpy(to, from, 56);
	else
		memcpy(to, from, size);
}

/*
 * Sleeps until woken. Each sleep has a number of its own: a publisher that is held up between its
 * record and its look at the word may wake a sleep that began later, and must then also wake the
 * next one.
 */
static void sleep_on(struct link *l, const struct ring_end *end, _Atomic uint64_t *word)
{
	struct pollfd bell = { .fd = end->bell, .events = POLLIN };
	uint64_t count;

	if (end->peer_bell < 0) { /* the word's lower half comes first: little endian */
		l->syscalls++;
		(void)syscall(SYS_futex, word, FUTEX_WAIT, (uint32_t)end->sleeps, NULL, NULL, 0);
		return;
	}
	if (l->wait == IPC_POLL) {
		l->syscalls++;
		(void)ppoll(&bell, 1, NULL, NULL);
	}
	l->syscalls++;
	(void)read(end->bell, &count, sizeof count); /* if spurious: only another look */
}

static inline void ring_if_asleep(struct link *l, struct ring_end *end, _Atomic uint64_t *word)
{
	static const uint64_t one = 1;
	uint64_t number;

	if (l->wait == IPC_SPIN)
		return;
	atomic_thread_fence(memory_order_seq_cst); /* pairs with the one after the announcement */
	number = atomic_load_explicit(word, memory_order_relaxed);
	if (number == 0 || number == end->rung)
		return;
	end->rung = number;
	l->syscalls++;
	if (end->peer_bell < 0) {
		/*
		 * Only if it is still NUMBER: the other side may have announced its next sleep
		 * already.
		 */
		(void)atomic_compare_exchange_strong(word, &number, 0);
		(void)syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
		return;
	}
	(void)write(end->peer_bell, &one, sizeof one);
}

/* Waits until READY(...), which is tested again after the sleep was announced in WORD. */
#define RING_AWAIT(l, end, word, ready)                                \
 do {                                                                  \
  if ((l)->wait == IPC_SPIN) {                                         \
   while (!(ready))                                                    \
    link_pause();                                                      \
   break;                                                              \
  }                                                                    \
  while (!(ready)) {                                                   \
   atomic_store_explicit(word, ++(end)->sleeps, memory_order_relaxed); \
   atomic_thread_fence(memory_order_seq_cst);                          \
   if (!(ready))                                                       \
    sleep_on(l, end, word);                                            \
   atomic_store_explicit(word, 0, memory_order_relaxed);               \
  }                                                                    \
 } while (0)

static inline bool has_room(const struct ring_link *state, struct ring_end *out)
{
	out->limit = atomic_load_explicit(&out->words->tail, memory_order_acquire) + state->count;
	return out->position < out->limit;
}

static inline int ring_send(struct link *l, unsigned slot, size_t n)
{
	struct ring_link *state = l->state;
	struct ring_end *out = &state->out;
	const unsigned char *from = l->records;
	size_t size = l->axes->size, i;

	(void)slot;
	while (n > 0) {
		size_t group = n < state->group ? n : state->group;

		if (out->position == out->limit)
			RING_AWAIT(l, out, &out->words->sender, has_room(state, out));
		if (group > out->limit - out->position)
			group = out->limit - out->position;
		for (i = group; i-- > 0;) {
			unsigned char *entry = entry_at(state, out, out->position + i);

			copy_record(entry, from + i * size, size);
			atomic_store_explicit(sequence_of(state, entry),
					      lap_of(state, out->position + i),
					      memory_order_release);
		}
		out->position += group;
		from += group * size;
		n -= group;
		ring_if_asleep(l, out, &out->words->receiver);
	}
	return 0;
}

static inline bool has_record(const struct ring_link *state, const struct ring_end *in)
{
	return atomic_load_explicit(sequence_of(state, entry_at(state, in, in->position)),
				    memory_order_acquire) == lap_of(state, in->position);
}

static inline ssize_t ring_recv(struct link *l, unsigned *slot, size_t cap)
{
	struct ring_link *state = l->state;
	struct ring_end *in = &state->in;
	unsigned char *to = l->records;
	size_t size = l->axes->size, got = 0;

	*slot = 0;
	RING_AWAIT(l, in, &in->words->receiver, has_record(state, in));
	do {
		copy_record(to + got * size, entry_at(state, in, in->position), size);
		in->position++;
		got++;
	} while (got < cap && in->position < in->limit && has_record(state, in));
	if (in->position == in->limit) {
		atomic_store_explicit(&in->words->tail, in->position, memory_order_release);
		in->limit += state->count / 4 ? state->count / 4 : 1;
		ring_if_asleep(l, in, &in->words->sender);
	}
	return (ssize_t)got;
}

LINK_LOOPS(ring)

const struct link_ops floor_ring = {
	.open = ring_open,
	.attach = ring_attach,
	.hub = ring_hub,
	.slot = ring_slot,
	.syscalls = ring_syscalls,
	.close = ring_close,
};
