/* SPDX-License-Identifier: MIT */
/*
 * loop.h - the measuring loops, the same for our library and for every floor.
 *
 * They get the two functions that move records as constant function pointers and are always
 * inlined, so that a floor's system call is in the loop itself: a call through a pointer would cost
 * a bare ring some percent. LINK_LOOPS(name) makes NAME_hub and NAME_slot of NAME_send and
 * NAME_recv.
 *
 * The first word of a record says what it is (8 bits) and carries a number (56 bits), which the
 * receiver checks: a record that is lost, doubled or changed ends the row. The rest of the record
 * is payload, which travels like any other.
 */
#ifndef IPCDEMO_BENCH_LOOP_H
#define IPCDEMO_BENCH_LOOP_H

#include "bench/link.h"

#include <errno.h>

#define LOOP_INLINE   static inline __attribute__((always_inline))
#define LOOP_WARM_NS  (10 * NS_PER_MS) /* warm-up, if no count was asked for */
#define LOOP_WARM_MIN 16u
#define LOOP_KIND     56
#define STREAM_MAX    100000000u /* records of a slot in one round */

enum loop_kind {
	LOOP_DATA, /* the number is its sequence */
	LOOP_MARK, /* the measured part begins */
	LOOP_GO,   /* the number is how many records to stream */
	LOOP_ACK,  /* the receiver has all records */
	LOOP_STOP,
};

/* Sends N records of l->records to SLOT, waiting for room. 0 or -errno. */
typedef int (*loop_send)(struct link *l, unsigned slot, size_t n);
/* Receives 1..cap records into l->records; waits. 0: the sender ended. */
typedef ssize_t (*loop_recv)(struct link *l, unsigned *slot, size_t cap);

static inline uint64_t loop_word(enum loop_kind kind, uint64_t number)
{
	return (uint64_t)kind << LOOP_KIND | number;
}

static inline enum loop_kind loop_kind(uint64_t word)
{
	return (enum loop_kind)(word >> LOOP_KIND);
}

static inline uint64_t loop_number(uint64_t word)
{
	return word & (((uint64_t)1 << LOOP_KIND) - 1);
}

/* The words of the I-th record of the buffer. */
static inline uint64_t *loop_at(const struct link *l, size_t i)
{
	return (uint64_t *)(void *)((char *)l->records + i * l->axes->size);
}

LOOP_INLINE int loop_send_word(struct link *l, unsigned slot, uint64_t word, loop_send send)
{
	*loop_at(l, 0) = word;
	return send(l, slot, 1);
}

/* Receives one record. 0 or -errno. */
LOOP_INLINE int loop_receive(struct link *l, unsigned *slot, loop_recv recv)
{
	ssize_t n = recv(l, slot, 1);

	return n > 0 ? 0 : n < 0 ? (int)n : -EPIPE;
}

LOOP_INLINE int loop_receive_word(struct link *l, uint64_t word, loop_recv recv)
{
	unsigned slot = 0;
	int rc = loop_receive(l, &slot, recv);

	return rc < 0 ? rc : *loop_at(l, 0) == word ? 0 : -EBADMSG;
}

/* One round trip. */
LOOP_INLINE int loop_round_trip(struct link *l, uint64_t word, loop_send send, loop_recv recv)
{
	int rc = loop_send_word(l, 0, word, send);

	return rc < 0 ? rc : loop_receive_word(l, word, recv);
}

/* When the measuring of this part is to end, in ticks. */
static inline uint64_t loop_end(const struct link *l, uint64_t start)
{
	const struct options *o = l->options;

	if (o->count)
		return UINT64_MAX;
	return start + stamp_from_ns(l->clock, (double)o->round_ms * (double)NS_PER_MS / l->parts);
}

/* How many samples to take in this part, at most. */
static inline size_t loop_samples_max(const struct link *l)
{
	size_t all = (l->options->count + l->axes->block - 1) / l->axes->block;
	size_t n = all * (l->part + 1) / l->parts - all * l->part / l->parts;

	return all && n < l->room ? n : l->room;
}

/*
 * Round trips that are not measured, until caches and adaptive waiting have settled; after the
 * first part only the caches have to.
 */
LOOP_INLINE int loop_warm(struct link *l, loop_send send, loop_recv recv)
{
	const unsigned most = l->options->warmup;
	uint64_t until = stamp_now(l->clock);
	uint64_t i;
	int rc;

	if (l->part == 0)
		until += stamp_from_ns(l->clock, LOOP_WARM_NS);
	for (i = 0; i < most; i++) {
		if (l->axes->mode == MODE_ONEWAY)
			loop_at(l, 0)[1] = stamp_now(l->clock);
		rc = loop_round_trip(l, loop_word(LOOP_DATA, i), send, recv);
		if (rc < 0)
			return rc;
		if ((most == WARMUP_AUTO || l->part > 0) && i >= LOOP_WARM_MIN &&
		    stamp_now(l->clock) >= until)
			break;
	}
	return loop_round_trip(l, loop_word(LOOP_MARK, 0), send, recv);
}

/* Closed loop: the next begins when the last has ended. */
LOOP_INLINE int loop_latency(struct link *l, loop_send send, loop_recv recv)
{
	unsigned block = l->axes->block;
	size_t most = loop_samples_max(l), i;
	uint64_t last = stamp_now(l->clock), end = loop_end(l, last);
	uint64_t sequence = 0;
	int rc;

	for (i = 0; i < most && last < end; i++) {
		uint64_t now;
		unsigned in_block;

		for (in_block = 0; in_block < block; in_block++) {
			rc = loop_round_trip(l, loop_word(LOOP_DATA, sequence++), send, recv);
			if (rc < 0)
				return rc;
		}
		now = stamp_now(l->clock);
		l->samples[i] = now - last;
		last = now;
	}
	l->area->samples_n = i;
	l->area->records = 2 * sequence;
	return 0;
}

/*
 * Open loop: each record begins at a time fixed beforehand, and its latency counts from that time,
 * so that one slow answer delays all records that were due meanwhile. By how much the pacing itself
 * was late, which is not the mechanism's fault, is kept in the lags. REPLY: round trips; else the
 * slot takes the time.
 */
LOOP_INLINE int loop_paced(struct link *l, bool reply, loop_send send, loop_recv recv)
{
	double step = 1e9 / l->axes->rate / l->clock->ns_per_tick;
	size_t most = loop_samples_max(l), i;
	uint64_t start = stamp_now(l->clock) + stamp_from_ns(l->clock, 100000), last = start;
	uint64_t end = loop_end(l, start), due = start;
	int rc;

	for (i = 0; i < most && due < end; i++) {
		if (last <= due) { /* the one before had ended */
			last = link_pace(l, due);
			l->lags[l->area->lags_n++] = last - due;
		}
		l->area->late = last - due;
		if (i > 0 && last > end && last - end > end - start)
			break; /* the round would take several times as long */
		if (!reply)
			loop_at(l, 0)[1] = due;
		rc = reply ? loop_round_trip(l, loop_word(LOOP_DATA, i), send, recv) :
			     loop_send_word(l, 0, loop_word(LOOP_DATA, i), send);
		if (rc < 0)
			return rc;
		last = stamp_now(l->clock);
		if (reply)
			l->samples[i] = last - due;
		due = start + (uint64_t)((double)(i + 1) * step);
	}
	l->area->hub.start = start;
	l->area->hub.end = last;
	l->area->records = i * (reply ? 2 : 1);
	if (reply)
		l->area->samples_n = i;
	return 0;
}

/* One record at a time, each stamped by its sender. The slot takes the sample: the way there. */
LOOP_INLINE int loop_oneway(struct link *l, loop_send send, loop_recv recv)
{
	size_t most = loop_samples_max(l), i;
	uint64_t now = stamp_now(l->clock), end = loop_end(l, now);
	uint64_t back_min = UINT64_MAX;
	int rc;

	for (i = 0; i < most && now < end; i++) {
		loop_at(l, 0)[1] = stamp_now(l->clock);
		rc = loop_round_trip(l, loop_word(LOOP_DATA, i), send, recv);
		if (rc < 0)
			return rc;
		now = stamp_now(l->clock);
		if (now - loop_at(l, 0)[1] < back_min)
			back_min = now - loop_at(l, 0)[1];
	}
	l->area->back_min = back_min;
	l->area->records = 2 * i;
	return 0;
}

LOOP_INLINE int loop_hub_trips(struct link *l, loop_send send, loop_recv recv)
{
	struct side *side = &l->area->hub;
	int rc = loop_warm(l, send, recv);

	if (rc < 0)
		return rc;
	link_usage(l, &side->usage);
	if (l->axes->rate > 0)
		rc = loop_paced(l, l->axes->mode == MODE_LATENCY, send, recv);
	else if (l->axes->mode == MODE_ONEWAY)
		rc = loop_oneway(l, send, recv);
	else
		rc = loop_latency(l, send, recv);
	link_usage_since(l, &side->usage, l->area->records);
	if (rc < 0)
		return rc;
	return loop_send_word(l, 0, loop_word(LOOP_STOP, 0), send);
}

/* The slot of round trips and of one way: answers each record, with a rate one way only MARK. */
LOOP_INLINE int loop_slot_trips(struct link *l, unsigned slot, loop_send send, loop_recv recv)
{
	struct side *side = &l->area->slot[slot];
	bool oneway = l->axes->mode == MODE_ONEWAY, answer = true, measured = false;
	uint64_t there_min = UINT64_MAX;
	size_t n = 0;
	int rc;

	while ((rc = loop_receive(l, &slot, recv)) == 0) {
		enum loop_kind kind = loop_kind(*loop_at(l, 0));

		if (kind == LOOP_STOP)
			break;
		if (kind == LOOP_MARK) {
			link_usage(l, &side->usage);
			measured = true;
		} else if (oneway) {
			uint64_t now = stamp_now(l->clock), way = now - loop_at(l, 0)[1];

			side->end = now;
			if (measured && n < l->room) {
				/*
				 * the two CPUs' clocks differ: a record may seem to arrive before
				 * it was sent
				 */
				l->samples[n] = (int64_t)way < 0 ? 0 : way;
				there_min = l->samples[n] < there_min ? l->samples[n] : there_min;
			}
			n += measured;
			loop_at(l, 0)[1] = stamp_now(l->clock);
			answer = l->axes->rate == 0 || !measured;
		} else {
			n += measured;
		}
		if ((answer || kind == LOOP_MARK) && (rc = send(l, slot, 1)) < 0)
			return rc;
	}
	/* The answer to MARK and the receipt of STOP cost as much as one more round trip. */
	link_usage_since(l, &side->usage, (answer ? 2 : 1) * (n + 1));
	if (oneway) {
		l->area->samples_n = n < l->room ? n : l->room;
		l->area->there_min = there_min;
	}
	return rc;
}

/* ---- streams: slots send, the hub receives ---- */

/* Sends WORD to every slot. */
LOOP_INLINE int loop_send_word_all(struct link *l, uint64_t word, loop_send send)
{
	unsigned slot;
	int rc = 0;

	for (slot = 0; slot < l->axes->senders && rc == 0; slot++)
		rc = loop_send_word(l, slot, word, send);
	return rc;
}

/* COUNT records from each slot, every one checked. */
LOOP_INLINE int loop_burst(struct link *l, uint64_t count, loop_send send, loop_recv recv)
{
	uint64_t expected[SENDERS_MAX] = { 0 };
	uint64_t left = count * l->axes->senders;
	int rc = loop_send_word_all(l, loop_word(LOOP_GO, count), send);

	while (rc == 0 && left > 0) {
		unsigned slot = 0;
		ssize_t n = recv(l, &slot, l->cap), i;

		if (n <= 0)
			return n < 0 ? (int)n : -EPIPE;
		for (i = 0; i < n; i++)
			if (*loop_at(l, (size_t)i) != loop_word(LOOP_DATA, expected[slot]++))
				return -EBADMSG;
		if ((uint64_t)n > left)
			return -EBADMSG;
		left -= (uint64_t)n;
	}
	return rc < 0 ? rc : loop_send_word_all(l, loop_word(LOOP_ACK, 0), send);
}

/*
 * Finds how many records each slot can send in the time of a round, by ever longer bursts, which
 * are also the warm-up.
 */
LOOP_INLINE int loop_calibrate(struct link *l, uint64_t *count, loop_send send, loop_recv recv)
{
	double target = (double)l->options->round_ms * (double)NS_PER_MS;
	uint64_t batch = l->axes->batch, n = batch * 8;
	double ns;
	int rc;

	for (;;) {
		uint64_t start = stamp_now(l->clock);

		rc = loop_burst(l, n, send, recv);
		if (rc < 0)
			return rc;
		ns = stamp_to_ns(l->clock, stamp_now(l->clock) - start);
		if (ns >= target / 8 || n >= COUNT_MAX)
			break;
		n = ns * 32 < target ? n * 4 : (uint64_t)((double)n * target / 7 / ns) + 1;
	}
	n = (uint64_t)((double)n * target / ns) / batch * batch + batch;
	if (l->options->count)
		n = (l->options->count + l->axes->senders - 1) / l->axes->senders;
	*count = n < STREAM_MAX ? n : STREAM_MAX;
	return 0;
}

LOOP_INLINE int loop_hub_stream(struct link *l, loop_send send, loop_recv recv)
{
	struct side *side = &l->area->hub;
	uint64_t count = 0;
	int rc = loop_calibrate(l, &count, send, recv);

	if (rc == 0)
		rc = loop_send_word_all(l, loop_word(LOOP_MARK, 0), send);
	link_usage(l, &side->usage);
	if (rc == 0)
		rc = loop_burst(l, count, send, recv);
	l->area->records = count * l->axes->senders;
	link_usage_since(l, &side->usage, l->area->records);
	return rc < 0 ? rc : loop_send_word_all(l, loop_word(LOOP_STOP, 0), send);
}

/* Sends COUNT records. The time ends when the receiver has confirmed the last. */
LOOP_INLINE int loop_stream(struct link *l, unsigned slot, uint64_t count, loop_send send,
			    loop_recv recv)
{
	struct side *side = &l->area->slot[slot];
	uint64_t batch = l->axes->batch, sent = 0, i;
	int rc;

	side->start = stamp_now(l->clock);
	while (sent < count) {
		uint64_t n = count - sent < batch ? count - sent : batch;

		for (i = 0; i < n; i++)
			*loop_at(l, i) = loop_word(LOOP_DATA, sent++);
		rc = send(l, slot, n);
		if (rc < 0)
			return rc;
	}
	rc = loop_receive_word(l, loop_word(LOOP_ACK, 0), recv);
	side->end = stamp_now(l->clock);
	return rc;
}

LOOP_INLINE int loop_slot_stream(struct link *l, unsigned slot, loop_send send, loop_recv recv)
{
	struct side *side = &l->area->slot[slot];
	uint64_t count = 0;
	unsigned from = slot;
	int rc;

	while ((rc = loop_receive(l, &from, recv)) == 0) {
		uint64_t word = *loop_at(l, 0);

		if (loop_kind(word) == LOOP_STOP)
			break;
		if (loop_kind(word) == LOOP_MARK) {
			link_usage(l, &side->usage);
			continue;
		}
		if (loop_kind(word) != LOOP_GO)
			return -EBADMSG;
		count = loop_number(word);
		rc = loop_stream(l, slot, count, send, recv);
		if (rc < 0)
			return rc;
	}
	link_usage_since(l, &side->usage, count);
	return rc;
}

#define LINK_LOOPS(name)                                                                          \
 static int name##_hub(struct link *l)                                                            \
 {                                                                                                \
  return l->axes->mode == MODE_THROUGHPUT ? loop_hub_stream(l, name##_send, name##_recv) :        \
					    loop_hub_trips(l, name##_send, name##_recv);          \
 }                                                                                                \
 static int name##_slot(struct link *l, unsigned slot)                                            \
 {                                                                                                \
  return l->axes->mode == MODE_THROUGHPUT ? loop_slot_stream(l, slot, name##_send, name##_recv) : \
					    loop_slot_trips(l, slot, name##_send, name##_recv);   \
 }

#endif
