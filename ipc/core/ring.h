/* SPDX-License-Identifier: MIT */
/*
 * ring.h - a ring of fixed-size records between one sender and one receiver, in memory that
 * two processes map. Pure memory: no system call, no lock, nothing that a dead peer can hold.
 *
 *      line 0   tail       the receiver's: how many records it has taken, stored every quarter ring
 *      line 1   receiver   the receiver's: does it sleep? (see "The doorbell" below)
 *      line 2   sender     the sender's: does it sleep, for room?
 *      line 3+  entries    [ record, padding, sequence ] [ record, padding, sequence ] ...
 *
 * There is no head in memory. An entry is the record, then in the last 8 bytes of its last cache
 * line the sequence, stored last: the lap in which the entry was filled, 1 for the first time
 * round. A record of up to 56 bytes and its sequence share one line, so a round trip moves one
 * line each way; the indices of the usual ring would move two more. The receiver knows which
 * lap it waits for: it finds that one (a record) or the one before (nothing yet). No honest sender
 * writes anything else.
 *
 * Each side keeps its position in its own memory (struct ring) and believes nothing that it
 * reads: a word is loaded once, through RING_LOAD, compared, and a payload is copied out before
 * anyone looks at it. Whatever the other side writes, a call ends after a bounded number of steps
 * inside the mapping, with records, with "nothing", or with -EPROTO.
 *
 * The copy of a payload may race with a hostile sender, who can only spoil its own records. An
 * honest one never writes an entry before the tail has passed it.
 */
#ifndef IPC_RING_H
#define IPC_RING_H

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

/* Each load from shared memory. A fuzzing build puts the fuzzer's bytes in its place. */
#ifndef RING_LOAD
# define RING_LOAD(word, order) atomic_load_explicit(word, order)
#endif

#define RING_LINE        64u
#define RING_ENTRIES_MIN 2u
#define RING_ENTRIES_MAX 65536u
#define RING_EVENT       56u   /* bytes that fill a line with their sequence: made fast here */
#define RING_GROUP_BYTES 2048u /* published in one go at most: 32 events */

/* A copy of constant size is four moves, of any other a call: one for events, one for the rest. */
#define RING_INLINE   static inline __attribute__((always_inline))
#define RING_NOINLINE static __attribute__((noinline, unused))

/*
 * What both sides map. The entries follow. A cache line has one writer: if words of both sides
 * shared a line, each write by one side would throw the line out of the other's cache, although
 * the other does not read that word (false sharing). The bells count the rings, for a side that
 * sleeps on a word of memory (futex(2)).
 */
struct ring_control {
	_Alignas(RING_LINE) _Atomic uint64_t tail;
	_Alignas(RING_LINE) _Atomic uint64_t receiver;
	_Atomic uint32_t sender_bell; /* the receiver rings it */
	_Alignas(RING_LINE) _Atomic uint64_t sender;
	_Atomic uint32_t receiver_bell; /* the sender rings it */
};

/*
 * One side's private view. The first line is all that a look at an empty ring needs: the place
 * and the sequence of the next record are kept, not computed.
 */
struct ring {
	unsigned char *entry; /* of the next record to push, or to pop */
	uint64_t lap;         /* its sequence once it is filled; one less before */
	uint64_t position;    /* records pushed, or popped, so far */
	uint64_t limit;     /* sender: no push beyond; receiver: store the tail at this position */
	unsigned char *end; /* of the entries */
	struct ring_control *control; /* NULL: no ring */
	uint32_t stride;              /* bytes of an entry */
	uint32_t size;                /* bytes of a record */
	uint32_t group;               /* records published in one go */
	bool live;                    /* for the owner of the view: is it in use? */
	/* seldom used */
	uint32_t entries;
	uint64_t known;         /* the tail as this side last loaded or stored it */
	uint64_t bell;          /* this side's own word of the doorbell, as last written */
	uint64_t announcements; /* of this side, so far */
	uint64_t rung;          /* the peer's announcement that this side has answered */
};

_Static_assert(offsetof(struct ring, live) < RING_LINE, "see above");

static inline size_t ring_stride(size_t record_size)
{
	return (record_size + sizeof(uint64_t) + RING_LINE - 1) / RING_LINE * RING_LINE;
}

/* Bytes of memory for a ring. ENTRIES is within the limits above. */
static inline size_t ring_bytes(size_t record_size, uint32_t entries)
{
	return sizeof(struct ring_control) + entries * ring_stride(record_size);
}

/* A quarter of the ring: how often the receiver stores the tail. */
static inline uint32_t ring_quarter(const struct ring *r)
{
	return r->entries >= 4 ? r->entries / 4 : 1;
}

/*
 * A side's view of MEMORY, which was zero when the first side came. RECORD_SIZE is a multiple of
 * 8, MEMORY is aligned to a line and outlives the view.
 */
static inline void ring_init(struct ring *r, void *memory, size_t record_size, uint32_t entries)
{
	size_t stride = ring_stride(record_size);
	unsigned char *first = (unsigned char *)memory + sizeof(struct ring_control);

	*r = (struct ring){ .entry = first,
			    .lap = 1,
			    .end = first + entries * stride,
			    .control = memory,
			    .stride = (uint32_t)stride,
			    .size = (uint32_t)record_size,
			    .group = stride < RING_GROUP_BYTES ?
					     (uint32_t)(RING_GROUP_BYTES / stride) :
					     1,
			    .entries = entries };
}

static inline void ring_init_sender(struct ring *r, void *memory, size_t size, uint32_t entries)
{
	ring_init(r, memory, size, entries);
	r->limit = entries;
}

static inline void ring_init_receiver(struct ring *r, void *memory, size_t size, uint32_t entries)
{
	ring_init(r, memory, size, entries);
	r->limit = ring_quarter(r);
}

/* The receiver's view goes on at POSITION, the tail that an earlier receiver has stored. */
static inline void ring_resume(struct ring *r, uint64_t position)
{
	r->position = r->known = position;
	r->lap = position / r->entries + 1;
	r->entry = (unsigned char *)(r->control + 1) + position % r->entries * r->stride;
}

/* The last 8 bytes of an entry. */
static inline _Atomic uint64_t *ring_sequence(unsigned char *entry, size_t stride)
{
	return (void *)(entry + stride - sizeof(uint64_t));
}

/* From one entry to the next, and into the next lap. */
static inline unsigned char *ring_next(const struct ring *r, unsigned char *entry, size_t stride,
				       uint64_t *lap)
{
	entry += stride;
	if (entry != r->end)
		return entry;
	++*lap;
	return (unsigned char *)(r->control + 1);
}

/* Moves the view on by one event, from ENTRY. Stores the lap only where it changes. */
static inline void ring_step(struct ring *r, unsigned char *entry)
{
	entry += RING_LINE;
	if (entry == r->end) {
		entry = (unsigned char *)(r->control + 1);
		r->lap++;
	}
	r->entry = entry;
	r->position++;
}

/* ---- the sender ---- */

/* Loads the tail. Returns for how many records there is room, or -EPROTO for an invalid tail. */
static inline ssize_t ring_room(struct ring *r)
{
	/* Acquire: pairs with ring_store_tail's release: copies out of those entries are over. */
	uint64_t tail = RING_LOAD(&r->control->tail, memory_order_acquire);

	if (tail - r->known > r->position - r->known)
		return -EPROTO; /* before an earlier tail, or after the last record that was sent */
	r->known = tail;
	r->limit = tail + r->entries;
	return (ssize_t)(r->limit - r->position);
}

static inline void ring_fill(unsigned char *entry, size_t stride, uint64_t lap, const void *record,
			     size_t size)
{
	memcpy(entry, record, size);
	/*
	 * Release: pairs with ring_pop's acquire. A receiver that sees the sequence sees the
	 * record.
	 */
	atomic_store_explicit(ring_sequence(entry, stride), lap, memory_order_release);
}

/*
 * Publishes N records, not more than a group, in one go: filled from the last to the first. The
 * receiver waits at the first and looks at no other, so nothing of the group is seen if we are
 * killed before. And no other CPU asks for the cache lines while they are written, which is what
 * makes a stream slow that publishes record by record. (If the group is filled forwards, with its
 * first record last, a stream is a quarter slower: the receiver's CPU prefetches lines that are
 * just being written.)
 */
RING_INLINE void ring_publish(struct ring *r, const unsigned char *from, size_t n, size_t size,
			      size_t stride)
{
	unsigned char *begin = (unsigned char *)(r->control + 1);
	unsigned char *entry = r->entry + n * stride;
	uint64_t lap = r->lap;

	if (entry >= r->end) {
		entry = begin + (entry - r->end);
		lap++;
	}
	r->entry = entry;
	r->lap = lap;
	r->position += n;
	while (n-- > 0) {
		if (entry == begin) {
			entry = r->end;
			lap--;
		}
		entry -= stride;
		ring_fill(entry, stride, lap, from + n * size, size);
	}
}

RING_INLINE ssize_t ring_push_sized(struct ring *r, const unsigned char *from, size_t n,
				    size_t size, size_t stride)
{
	size_t left = n, group = r->group;

	for (; left > group; left -= group, from += group * size)
		ring_publish(r, from, group, size, stride);
	ring_publish(r, from, left, size, stride);
	return (ssize_t)n;
}

RING_NOINLINE ssize_t ring_push_any(struct ring *r, const void *records, size_t n)
{
	return ring_push_sized(r, records, n, r->size, r->stride);
}

/* Pushes one event if there is room for it; the whole of a send in the usual case. */
RING_INLINE bool ring_push_event(struct ring *r, const void *record)
{
	unsigned char *entry = r->entry;

	if (r->position == r->limit || r->size != RING_EVENT)
		return false;
	ring_fill(entry, RING_LINE, r->lap, record, RING_EVENT);
	ring_step(r, entry);
	return true;
}

/* Pushes N >= 1 records, or as many as there is room for; 0: full; -EPROTO: an invalid tail. */
static inline ssize_t ring_push(struct ring *r, const void *records, size_t n)
{
	if (r->limit - r->position < n) {
		ssize_t room = ring_room(r);

		if (room <= 0)
			return room;
		if ((size_t)room < n)
			n = (size_t)room;
	}
	return r->size == RING_EVENT ? ring_push_sized(r, records, n, RING_EVENT, RING_LINE) :
				       ring_push_any(r, records, n);
}

/* ---- the receiver ---- */

/* Is there a record, or garbage, which ring_pop will report? */
static inline bool ring_ready(const struct ring *r)
{
	return RING_LOAD(ring_sequence(r->entry, r->stride), memory_order_relaxed) != r->lap - 1;
}

RING_INLINE ssize_t ring_pop_sized(struct ring *r, unsigned char *to, size_t most, size_t size,
				   size_t stride)
{
	unsigned char *entry = r->entry;
	uint64_t lap = r->lap;
	size_t n;

	for (n = 0; n < most; n++) {
		/* Acquire: pairs with ring_fill's release. */
		uint64_t found = RING_LOAD(ring_sequence(entry, stride), memory_order_acquire);

		if (found != lap) {
			if (n > 0)
				break;
			return found == lap - 1 ? 0 : -EPROTO;
		}
		memcpy(to + n * size, entry, size);
		entry = ring_next(r, entry, stride, &lap);
	}
	r->entry = entry;
	r->lap = lap;
	r->position += n;
	return (ssize_t)n;
}

RING_NOINLINE ssize_t ring_pop_any(struct ring *r, void *records, size_t most)
{
	return ring_pop_sized(r, records, most, r->size, r->stride);
}

/* Pops one event if it is there; the whole of a receive in the usual case. */
RING_INLINE bool ring_pop_event(struct ring *r, void *record)
{
	unsigned char *entry = r->entry;

	/* Acquire: pairs with ring_fill's release. It is at the end, whatever the stride. */
	if (RING_LOAD(ring_sequence(entry, r->stride), memory_order_acquire) != r->lap ||
	    r->size != RING_EVENT)
		return false;
	memcpy(record, entry, RING_EVENT);
	ring_step(r, entry);
	return true;
}

/*
 * Pops up to CAP >= 1 records, none beyond the position at which the tail is due. 0: nothing is
 * there; -EPROTO: an invalid sequence. Call ring_tail_due and ring_store_tail afterwards.
 */
static inline ssize_t ring_pop(struct ring *r, void *records, size_t cap)
{
	size_t most = r->limit - r->position;

	if (cap < most)
		most = cap;
	return r->size == RING_EVENT ? ring_pop_sized(r, records, most, RING_EVENT, RING_LINE) :
				       ring_pop_any(r, records, most);
}

/* Has the receiver to store the tail now? */
static inline bool ring_tail_due(const struct ring *r)
{
	return r->position == r->limit;
}

/* Stores how far the receiver is: the sender may fill those entries again. */
static inline void ring_store_tail(struct ring *r)
{
	/* Release: pairs with ring_room's acquire; the copies out of the entries come before. */
	atomic_store_explicit(&r->control->tail, r->position, memory_order_release);
	r->known = r->position;
	r->limit = r->position + ring_quarter(r);
}

/*
 * ---- The doorbell ----
 *
 * A side that finds nothing to do writes into its own word that it is about to sleep, looks once
 * more, and sleeps. A side that has just published something reads that word, and rings if it
 * says so. This is Dekker's pattern: each side stores one word, then loads the other side's. A CPU
 * may carry out a load before an earlier store. Then neither side would see the other's store, and
 * the sleep would last for ever. So each side has a full fence between its store and its load:
 *
 *      sleeper                                 publisher
 *      (A) word = a new number                 (1) sequence (or tail) stored
 *      (B) fence, seq_cst                      (2) fence, seq_cst
 *      (C) look again: sequence (or tail)      (3) load the word: a number? ring
 *      sleep
 *
 * If (3) does not see (A), then (2) came before (B) in the total order of seq_cst fences, so (C)
 * sees (1). At least one side sees the other's store.
 *
 * A fence in each send waits until this CPU owns the cache line. It costs a stream two thirds of
 * its speed, for a receiver that may never sleep. So a word begins as BELL_NEVER: this side has
 * not slept yet. As long as the publisher reads BELL_NEVER, it leaves out (2). In return, the first
 * time, the sleeper's (B) is membarrier(2), which makes every CPU that runs a registered process
 * execute a full fence. A publisher that loaded the word before that fence, and so did not see (A),
 * stored (1) before the fence as well: (C) sees it. A publisher that loads the word later sees the
 * number. From then on the word is not BELL_NEVER and both sides fence, until the sleeper has been
 * awake for long and writes BELL_NEVER again.
 *
 * Only the sleeper writes its word. If the publisher cleared it after ringing, it could wipe out
 * the sleeper's next announcement, and both sides would sleep. Instead, the publisher remembers
 * the number for which it has rung: it wakes a sleeper once, however many records follow.
 *
 * A ring may come late: the publisher stores a record, the sleeper, still awake, takes it and
 * announces its next sleep, and only then does the publisher reach (3) and ring for the new
 * announcement. So a sleeper that has been rung for must assume that every announcement of its own
 * was answered: after it has collected the rings, it announces each sleep with a new number, also
 * where it found no record.
 *
 * tests/ipc/spin/ring.pml is a model of this protocol.
 */
#define BELL_NEVER 0u /* it calls membarrier(2) before it sleeps: the publisher needs no fence */
#define BELL_AWAKE 1u /* it may sleep: the publisher fences. From 2 on: asleep, with that number */

/* Writes this side's own word. It is remembered, because the other side could have changed it. */
static inline void bell_write(struct ring *r, _Atomic uint64_t *word, uint64_t value)
{
	r->bell = value;
	atomic_store_explicit(word, value, memory_order_relaxed);
}

static inline bool bell_announced(const struct ring *r)
{
	return r->bell > BELL_AWAKE;
}

/* The sleeper's (A). True: (B) must be membarrier(2). */
static inline bool bell_announce(struct ring *r, _Atomic uint64_t *word)
{
	bool never = r->bell == BELL_NEVER;

	bell_write(r, word, BELL_AWAKE + ++r->announcements);
	return never;
}

/* The sleeper's (B): pairs with the fence in bell_wanted. */
static inline void bell_fence(void)
{
	atomic_thread_fence(memory_order_seq_cst);
}

/* The publisher's (3), where (2) is not needed. WORD is the peer's. True: it has not slept. */
static inline bool bell_never(_Atomic uint64_t *word)
{
	atomic_signal_fence(memory_order_seq_cst); /* the compiler keeps (1) before this load */
	return RING_LOAD(word, memory_order_relaxed) == BELL_NEVER;
}

/* The publisher's (2) and (3). True: ring now; it answers once for each announcement. */
static inline bool bell_wanted(struct ring *r, _Atomic uint64_t *word)
{
	uint64_t number;

	if (bell_never(word))
		return false; /* the sleeper's membarrier(2) stands for our fence */
	atomic_thread_fence(memory_order_seq_cst); /* pairs with bell_fence */
	number = RING_LOAD(word, memory_order_relaxed);
	if (number <= BELL_AWAKE || number == r->rung)
		return false;
	r->rung = number;
	return true;
}

#endif
