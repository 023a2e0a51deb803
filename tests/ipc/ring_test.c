/* SPDX-License-Identifier: MIT */
/*
 * ring_test.c - ipc/core/ring.h alone, both sides in one thread: exactly what was pushed comes out,
 * whatever the other side writes. ring_stream_test.c lets two run at once.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/ipc/ring_stage.h"

static const size_t sizes[] = RING_STAGE_SIZES;

/* ---- one thread: exactly as many as there is room for, exactly as many as there are ---- */

/* What a ring must be, said in plain arithmetic. */
struct reference {
	uint64_t pushed, popped, told;
	uint32_t entries;
};

static void push_some(struct ring *r, struct reference *m, unsigned char *buffer, size_t n)
{
	size_t i, room = m->entries - (size_t)(m->pushed - m->told);

	for (i = 0; i < n; i++)
		record_fill(buffer + i * r->size, r->size, m->pushed + i);
	assert_int_equal(ring_push(r, buffer, n), least(n, room));
	m->pushed += least(n, room);
}

static void pop_some(struct ring *r, struct reference *m, unsigned char *buffer, size_t n)
{
	size_t i, there = (size_t)(m->pushed - m->popped);
	size_t due = ring_quarter(r) - (size_t)(m->popped - m->told);
	ssize_t got = ring_pop(r, buffer, n);

	assert_int_equal(got, least(least(n, there), due));
	for (i = 0; i < (size_t)got; i++)
		assert_true(record_is(buffer + i * r->size, r->size, m->popped + i));
	m->popped += (size_t)got;
	assert_int_equal(ring_tail_due(r), m->popped - m->told == ring_quarter(r));
	if (ring_tail_due(r)) {
		ring_store_tail(r);
		m->told = m->popped;
	}
	assert_int_equal(ring_ready(r), m->pushed > m->popped);
}

static void exact(size_t size, uint32_t entries, unsigned turns)
{
	struct fenced f = fenced_ring(size, entries);
	struct reference m = { .entries = entries };
	unsigned char *buffer = malloc(BATCH_MAX * size);
	uint64_t seed = size + entries;
	struct ring out, in;
	unsigned i;

	assert_non_null(buffer);
	ring_init_sender(&out, f.memory, size, entries);
	ring_init_receiver(&in, f.memory, size, entries);
	for (i = 0; i < turns; i++) {
		unsigned most = roll(&seed, 4) ? 3 : BATCH_MAX;

		if (roll(&seed, 2))
			push_some(&out, &m, buffer, 1 + roll(&seed, most));
		else
			pop_some(&in, &m, buffer, 1 + roll(&seed, most));
	}
	assert_true(m.popped > 3 * (uint64_t)entries); /* it did wrap */
	free(buffer);
	fenced_free(&f);
}

static void test_ring_wraps_gives_exactly_what_was_pushed(void **state)
{
	static const uint32_t entries[] = { 2, 4, 8, 64, 256 };
	size_t i, k;

	(void)state;
	for (i = 0; i < SIZES; i++)
		for (k = 0; k < sizeof entries / sizeof entries[0]; k++)
			if (sizes[i] * entries[k] <= 1u << 21)
				exact(sizes[i], entries[k], sizes[i] > 4096 ? 1000 : 5000);
}

static void test_ring_event_at_a_time_is_the_same_ring(void **state)
{
	struct fenced f = fenced_ring(56, 8);
	unsigned char record[56];
	struct ring out, in;
	uint64_t n;

	(void)state;
	ring_init_sender(&out, f.memory, 56, 8);
	ring_init_receiver(&in, f.memory, 56, 8);
	for (n = 0; n < 100; n++) {
		record_fill(record, 56, n);
		if (!ring_push_event(&out, record))
			assert_int_equal(ring_push(&out, record, 1), 1);
		assert_int_equal(ring_pop(&in, record, 5), 1);
		assert_true(record_is(record, 56, n));
		if (ring_tail_due(&in))
			ring_store_tail(&in);
	}
	for (n = 0; n < 8; n++)
		assert_int_equal(ring_push(&out, record, 1), 1);
	assert_false(ring_push_event(&out, record));
	fenced_free(&f);
}

static void test_ring_told_before_sleep_leaves_no_false_full(void **state)
{
	struct fenced f = fenced_ring(8, 64);
	unsigned char records[64 * 8] = { 0 };
	struct ring out, in;

	(void)state;
	ring_init_sender(&out, f.memory, 8, 64);
	ring_init_receiver(&in, f.memory, 8, 64);
	assert_int_equal(ring_push(&out, records, 64), 64);
	assert_int_equal(ring_pop(&in, records, 3), 3);
	assert_int_equal(ring_push(&out, records, 9), 0); /* not due yet */
	ring_store_tail(&in);
	assert_int_equal(ring_push(&out, records, 9), 3);
	fenced_free(&f);
}

/* Every record of a group but the first is in place, and none of it is seen. */
static void test_ring_group_without_its_first_is_invisible(void **state)
{
	struct fenced f = fenced_ring(56, 8);
	unsigned char record[56];
	struct ring out, in;
	unsigned i;

	(void)state;
	ring_init_sender(&out, f.memory, 56, 8);
	ring_init_receiver(&in, f.memory, 56, 8);
	for (i = 1; i < 4; i++) {
		record_fill(record, 56, i);
		ring_fill(out.entry + i * RING_LINE, RING_LINE, 1, record, 56);
		assert_false(ring_ready(&in));
		assert_int_equal(ring_pop(&in, record, 1), 0);
	}
	record_fill(record, 56, 0);
	ring_fill(out.entry, RING_LINE, 1, record, 56);
	for (i = 0; i < 4; i++) {
		assert_int_equal(ring_pop(&in, record, 1), 1);
		assert_true(record_is(record, 56, i));
		if (ring_tail_due(&in))
			ring_store_tail(&in);
	}
	fenced_free(&f);
}

/* ---- a hostile other side ---- */

static void test_ring_hostile_sequence_is_refused(void **state)
{
	static const uint64_t wild[] = { 0,          1,         4,          5,
					 UINT32_MAX, INT64_MAX, UINT64_MAX, UINT64_MAX - 1 };
	size_t i, size;

	(void)state;
	for (i = 0; i < sizeof wild / sizeof wild[0]; i++)
		for (size = 56; size <= 4096; size = size == 56 ? 4096 : size + 1) {
			struct fenced f = fenced_ring(size, 4);
			unsigned char *record = calloc(1, size);
			struct ring out, in, before;
			unsigned n;

			assert_non_null(record);
			ring_init_sender(&out, f.memory, size, 4);
			ring_init_receiver(&in, f.memory, size, 4);
			for (n = 0; n < 9; n++) { /* lap 3 begins: an empty entry says 2 */
				assert_int_equal(ring_push(&out, record, 1), 1);
				assert_int_equal(ring_pop(&in, record, 1), 1);
				ring_store_tail(&in);
			}
			before = in;
			atomic_store(ring_sequence(in.entry, in.stride), wild[i]);
			assert_true(ring_ready(&in));
			assert_int_equal(ring_pop(&in, record, 4), -EPROTO);
			assert_memory_equal(&in, &before, sizeof in);
			free(record);
			fenced_free(&f);
		}
}

static void test_ring_hostile_tail_is_refused(void **state)
{
	static const uint64_t wild[] = { 0, 1, 2, 10, 11, 4096, UINT64_MAX, UINT64_MAX - 3 };
	static const struct {
		uint64_t tail;
		ssize_t pushed;
	} honest[] = { { 5, 0 }, { 6, 1 }, { 9, 4 } };
	unsigned char records[56 * 8] = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof wild / sizeof wild[0] + 3; i++) {
		struct fenced f = fenced_ring(56, 4);
		struct ring out, before;

		ring_init_sender(&out, f.memory, 56, 4);
		assert_int_equal(ring_push(&out, records, 4), 4);
		atomic_store(&out.control->tail, 3);
		assert_int_equal(ring_push(&out, records, 3), 3);
		atomic_store(&out.control->tail, 5);
		assert_int_equal(ring_push(&out, records, 2), 2); /* 9 sent, 5 taken: full */
		before = out;
		if (i < 3) {
			atomic_store(&out.control->tail, honest[i].tail);
			assert_int_equal(ring_push(&out, records, 5), honest[i].pushed);
		} else {
			atomic_store(&out.control->tail, wild[i - 3]);
			assert_int_equal(ring_push(&out, records, 1), -EPROTO);
			assert_int_equal(ring_room(&out), -EPROTO);
			assert_memory_equal(&out, &before, sizeof out);
		}
		fenced_free(&f);
	}
}

/* Whatever is written meanwhile: every call ends, within the ring, and moves by what it says. */
static void test_ring_random_junk_never_leads_outside(void **state)
{
	unsigned char *records = malloc(64 * 64);
	uint64_t seed = 7;
	unsigned turn, i;

	(void)state;
	assert_non_null(records);
	for (turn = 0; turn < 300; turn++) {
		struct fenced f = fenced_ring(56, 16);
		uint64_t *words = f.memory;
		struct ring out, in;

		ring_init_sender(&out, f.memory, 56, 16);
		ring_init_receiver(&in, f.memory, 56, 16);
		for (i = 0; i < 200; i++) {
			unsigned at = roll(&seed, (unsigned)(ring_bytes(56, 16) / 8));
			uint64_t was = in.position;
			ssize_t rc;

			words[at] = roll(&seed, 3) ? roll(&seed, 20) : mix(seed);
			rc = ring_pop(&in, records, 1 + roll(&seed, 40));
			assert_in_range(rc + 100, 100 - EPROTO, 100 + 4);
			assert_int_equal(in.position, was + (rc > 0 ? (uint64_t)rc : 0));
			if (ring_tail_due(&in))
				ring_store_tail(&in);
			rc = ring_push(&out, records, 1 + roll(&seed, 40));
			assert_in_range(rc + 100, 100 - EPROTO, 100 + 16);
		}
		fenced_free(&f);
	}
	free(records);
}

/* ---- the doorbell's words ---- */

static void test_bell_rings_once_for_an_announcement(void **state)
{
	struct fenced f = fenced_ring(56, 4);
	_Atomic uint64_t *word;
	struct ring out, in;

	(void)state;
	ring_init_sender(&out, f.memory, 56, 4);
	ring_init_receiver(&in, f.memory, 56, 4);
	word = &in.control->receiver;
	assert_true(bell_never(word));
	assert_false(bell_wanted(&out, word)); /* never slept */
	assert_true(bell_announce(&in, word)); /* so it has to do membarrier */
	assert_true(bell_announced(&in));
	assert_true(bell_wanted(&out, word));
	assert_false(bell_wanted(&out, word)); /* rung already */
	assert_false(bell_announce(&in, word));
	assert_true(bell_wanted(&out, word)); /* a new one */
	bell_write(&in, word, BELL_AWAKE);
	assert_false(bell_announced(&in));
	assert_false(bell_wanted(&out, word));
	assert_false(bell_announce(&in, word));
	assert_true(bell_wanted(&out, word));
	fenced_free(&f);
}

static void test_bell_own_word_overwritten_is_not_believed(void **state)
{
	struct fenced f = fenced_ring(56, 4);
	struct ring in;

	(void)state;
	ring_init_receiver(&in, f.memory, 56, 4);
	(void)bell_announce(&in, &in.control->receiver);
	atomic_store(&in.control->receiver, BELL_AWAKE);
	assert_true(bell_announced(&in));
	atomic_store(&in.control->receiver, BELL_NEVER);
	assert_false(bell_announce(&in, &in.control->receiver));
	fenced_free(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ring_wraps_gives_exactly_what_was_pushed),
		cmocka_unit_test(test_ring_event_at_a_time_is_the_same_ring),
		cmocka_unit_test(test_ring_told_before_sleep_leaves_no_false_full),
		cmocka_unit_test(test_ring_group_without_its_first_is_invisible),
		cmocka_unit_test(test_ring_hostile_sequence_is_refused),
		cmocka_unit_test(test_ring_hostile_tail_is_refused),
		cmocka_unit_test(test_ring_random_junk_never_leads_outside),
		cmocka_unit_test(test_bell_rings_once_for_an_announcement),
		cmocka_unit_test(test_bell_own_word_overwritten_is_not_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
