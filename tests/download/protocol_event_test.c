/* SPDX-License-Identifier: MIT */
/*
 * protocol_event_test.c - the wire form of events, byte by byte, and the permit table: what a
 * worker may say when. A worker is not trusted, so most of this is about what must be refused.
 *
 * The wire form is spelled out here once more, by hand: a change of it breaks these tests.
 */
#include "config.h"

#include "download/protocol.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <unistd.h>

static const enum event_kind kinds[] = { EVENT_START,  EVENT_PROGRESS, EVENT_DONE,
					 EVENT_FAILED, EVENT_RETURNED, EVENT_SPLIT };
#define KIND_COUNT (sizeof kinds / sizeof kinds[0])

/* No two bytes of an integer are alike, so a swapped pair shows. */
static struct event sample(enum event_kind kind)
{
	struct event event = { .kind = kind,
			       .slot = 0x0201,
			       .job = 0x06050403,
			       .seq = UINT64_C(0x1817161514131211),
			       .time_ns = UINT64_C(0x2827262524232221),
			       .bytes = UINT64_C(0x3837363534333231),
			       .total = UINT64_C(0x4847464544434241) };

	if (kind == EVENT_SPLIT) {
		event.table = UINT64_C(0x5857565554535251);
		event.range = 0x68676665;
		event.ranges = 0x64636261;
	} else if (kind == EVENT_PROGRESS)
		event.kept = UINT64_C(0x5857565554535251);
	else if (kind != EVENT_FAILED)
		event.inode = UINT64_C(0x5857565554535251);
	else
		event.failure = (struct failure){ .kind = FAILURE_HTTP,
						  .code = 0x64636261,
						  .os_errno = 0x74737271,
						  .transient = true,
						  .after_s = 0x84838281 };
	return event;
}

static void assert_same(const struct event *a, const struct event *b)
{
	assert_int_equal(a->kind, b->kind);
	assert_int_equal(a->slot, b->slot);
	assert_int_equal(a->job, b->job);
	assert_true(a->seq == b->seq);
	assert_true(a->time_ns == b->time_ns);
	assert_true(a->bytes == b->bytes);
	assert_true(a->total == b->total);
	assert_true(a->inode == b->inode);
	assert_true(a->kept == b->kept);
	assert_true(a->table == b->table);
	assert_int_equal(a->range, b->range);
	assert_int_equal(a->ranges, b->ranges);
	assert_int_equal(a->failure.kind, b->failure.kind);
	assert_int_equal(a->failure.code, b->failure.code);
	assert_int_equal(a->failure.os_errno, b->failure.os_errno);
	assert_int_equal(a->failure.transient, b->failure.transient);
	assert_int_equal(a->failure.after_s, b->failure.after_s);
}

/* ---- the wire form ---- */

static void test_event_encode_gives_the_bytes_of_the_wire_form(void **state)
{
	static const unsigned char head[] = {
		0x00, 0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16,
		0x17, 0x18, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28, 0x31, 0x32, 0x33, 0x34,
		0x35, 0x36, 0x37, 0x38, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48,
	};
	static const unsigned char inode[16] = { 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58 };
	static const unsigned char split[16] = { 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58,
						 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68 };
	static const unsigned char failure[16] = { FAILURE_HTTP, 0,    0,    0,    0x61, 0x62,
						   0x63,         0x64, 0x71, 0x72, 0x73, 0x74,
						   0x81,         0x82, 0x83, 0x84 };

	(void)state;
	for (size_t i = 0; i < KIND_COUNT; i++) {
		const struct event event = sample(kinds[i]);
		unsigned char expected[RECORD_BYTES], record[RECORD_BYTES];

		memcpy(expected, head, sizeof head);
		expected[0] = (unsigned char)(i + 1); /* wire values: 1, 2, 3 ... */
		expected[1] = kinds[i] == EVENT_FAILED;
		memcpy(expected + 40,
		       kinds[i] == EVENT_FAILED ? failure :
		       kinds[i] == EVENT_SPLIT  ? split :
						  inode,
		       16);
		memset(record, 0xa5, sizeof record);
		event_encode(&event, record);
		assert_memory_equal(record, expected, RECORD_BYTES);
	}
}

static void test_event_every_kind_survives_the_round_trip(void **state)
{
	static const uint64_t figures[] = { 0, 1, UINT32_MAX, UINT64_MAX - 1, UINT64_MAX };

	(void)state;
	for (size_t i = 0; i < KIND_COUNT * 5; i++) {
		struct event event = sample(kinds[i / 5]), back;
		unsigned char record[RECORD_BYTES];

		event.slot = (uint16_t)figures[i % 5];
		event.job = (uint32_t)figures[i % 5];
		event.seq = event.time_ns = event.bytes = event.total = figures[i % 5];
		event_encode(&event, record);
		assert_int_equal(event_decode(&back, record), 0);
		assert_same(&event, &back);
	}
}

static void test_event_every_fault_survives_the_round_trip(void **state)
{
	static const int32_t codes[] = { INT32_MIN, -1, 0, 1, INT32_MAX };

	(void)state;
	for (unsigned i = 0; i < (FAILURE_KINDS - 1) * 10; i++) {
		struct event event = sample(EVENT_FAILED), back;
		unsigned char record[RECORD_BYTES];

		event.failure.kind = (enum failure_kind)(1 + i / 10);
		event.failure.code = codes[i % 5];
		event.failure.os_errno = codes[4 - i % 5];
		event.failure.transient = i % 2;
		event_encode(&event, record);
		assert_int_equal(event_decode(&back, record), 0);
		assert_same(&event, &back);
	}
}

/* failure_text makes "after 5 of 10 bytes" of these: the sentence must not depend on the model. */
static void test_event_fault_of_size_keeps_its_figures(void **state)
{
	struct event event = { .kind = EVENT_FAILED, .seq = 1, .bytes = 5, .total = 10 }, back;
	unsigned char record[RECORD_BYTES];
	char sequential[160], process[160];

	(void)state;
	event.failure = (struct failure){ .kind = FAILURE_SIZE, .bytes = 5, .total = 10 };
	event_encode(&event, record);
	assert_int_equal(event_decode(&back, record), 0);
	assert_string_equal(failure_text(&back.failure, process, sizeof process),
			    failure_text(&event.failure, sequential, sizeof sequential));
}

/* ---- hostile records ---- */

static void test_event_decode_unknown_kind_is_refused(void **state)
{
	(void)state;
	for (unsigned kind = 0; kind < 256; kind++) {
		const struct event event = sample(EVENT_FAILED);
		unsigned char record[RECORD_BYTES];
		struct event back;
		int rc;

		event_encode(&event, record);
		record[0] = (unsigned char)kind;
		record[1] = 0;
		rc = event_decode(&back, record);
		assert_int_equal(rc, kind >= 1 && kind <= 6 ? 0 : -EPROTO);
		assert_non_null(event_kind_name(back.kind)); /* for --trace, refused or not */
	}
}

static void test_event_decode_unknown_flags_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < KIND_COUNT; i++) {
		for (unsigned flags = 0; flags < 256; flags++) {
			const struct event event = sample(kinds[i]);
			unsigned char record[RECORD_BYTES];
			struct event back;
			const bool failed = kinds[i] == EVENT_FAILED, done = kinds[i] == EVENT_DONE;

			event_encode(&event, record);
			record[1] = (unsigned char)flags;
			assert_int_equal(event_decode(&back, record),
					 flags <= (failed || done) ? 0 : -EPROTO);
			assert_int_equal(back.failure.transient, flags == 1 && failed);
			assert_int_equal(back.unlocked, flags == 1 && done);
		}
	}
}

static void test_event_decode_unknown_fault_is_refused(void **state)
{
	static const uint32_t hostile[] = {
		0, FAILURE_KINDS, FAILURE_KINDS + 1, 0x100 + FAILURE_HTTP, 0x80000000, UINT32_MAX
	};

	(void)state;
	for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
		const struct event event = sample(EVENT_FAILED);
		unsigned char record[RECORD_BYTES];
		struct event back;

		event_encode(&event, record);
		for (unsigned byte = 0; byte < 4; byte++)
			record[40 + byte] = (unsigned char)(hostile[i] >> (8 * byte));
		assert_int_equal(event_decode(&back, record), -EPROTO);
		assert_int_equal(back.failure.kind, FAILURE_NONE);
	}
}

/* ---- the permit table ---- */

static const struct event_guard idle = { .slot = 7, .seq = 41, .job = 3, .bytes = 900 };
static const struct event_guard busy = { .slot = 7,
					 .running = true,
					 .job = 3,
					 .seq = 41,
					 .bytes = 100 };

/* An event that is right in every respect but perhaps its kind. */
static struct event proper(unsigned kind)
{
	return (struct event){
		.kind = (enum event_kind)kind, .slot = 7, .job = 3, .seq = 42, .bytes = 100
	};
}

static void assert_refused(const struct event_guard *before, const struct event *event,
			   uint32_t next_job)
{
	struct event_guard guard = *before;

	assert_false(event_permit(&guard, event, next_job));
	assert_int_equal(guard.slot, before->slot);
	assert_int_equal(guard.running, before->running);
	assert_int_equal(guard.job, before->job);
	assert_true(guard.seq == before->seq);
	assert_true(guard.bytes == before->bytes);
}

/* Every kind that a byte can hold, in both states. decode refuses most; permit does it again. */
static void test_event_permit_table_is_exhaustive(void **state)
{
	static const bool permitted[2][256] = {
		[false] = { [EVENT_START] = true, [EVENT_RETURNED] = true },
		[true] = { [EVENT_PROGRESS] = true,
			   [EVENT_DONE] = true,
			   [EVENT_FAILED] = true,
			   [EVENT_RETURNED] = true,
			   [EVENT_SPLIT] = true },
	};

	(void)state;
	for (unsigned i = 0; i < 512; i++) {
		const bool running = i >= 256;
		const struct event_guard *before = running ? &busy : &idle;
		struct event_guard guard = *before;
		const struct event event = proper(i % 256);

		if (!permitted[running][i % 256]) {
			assert_refused(before, &event, 3);
			continue;
		}
		assert_true(event_permit(&guard, &event, 3));
		assert_true(guard.seq == 42);
		assert_int_equal(guard.running, event.kind == EVENT_START ||
							event.kind == EVENT_PROGRESS ||
							event.kind == EVENT_SPLIT ||
							(event.kind == EVENT_RETURNED && running));
	}
}

static void test_event_permit_sequence_has_no_gaps(void **state)
{
	static const uint64_t wrong[] = { 0, 1, 40, 41, 43, 44, UINT64_MAX };

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0] * KIND_COUNT; i++) {
		struct event event = proper(kinds[i % KIND_COUNT]);

		event.seq = wrong[i / KIND_COUNT];
		assert_refused(event.kind == EVENT_START ? &idle : &busy, &event, 3);
	}
}

static void test_event_permit_foreign_slot_is_refused(void **state)
{
	static const uint16_t wrong[] = { 0, 6, 8, 0x0700, UINT16_MAX };

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0] * KIND_COUNT; i++) {
		struct event event = proper(kinds[i % KIND_COUNT]);

		event.slot = wrong[i / KIND_COUNT];
		assert_refused(event.kind == EVENT_START ? &idle : &busy, &event, 3);
	}
}

static void test_event_permit_start_is_for_the_oldest_job_only(void **state)
{
	struct event event = proper(EVENT_START);
	struct event_guard guard = idle;

	(void)state;
	assert_refused(&idle, &event, 4);
	assert_refused(&idle, &event, UINT32_MAX);
	assert_true(event_permit(&guard, &event, 3));
	assert_true(guard.running);
	assert_int_equal(guard.job, 3);
	assert_true(guard.bytes == 0); /* of this job, not of the one before */
}

/* UINT32_MAX says "no job": a worker that says it too has not guessed right. */
static void test_event_permit_start_without_a_job_is_refused(void **state)
{
	struct event event = proper(EVENT_START);

	(void)state;
	event.job = UINT32_MAX;
	assert_refused(&idle, &event, UINT32_MAX);
}

static void test_event_permit_other_job_is_refused(void **state)
{
	static const enum event_kind of_a_job[] = { EVENT_PROGRESS, EVENT_DONE, EVENT_FAILED };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct event event = proper(of_a_job[i]);

		event.job = 4;
		assert_refused(&busy, &event, 4);
		event.job = UINT32_MAX;
		assert_refused(&busy, &event, UINT32_MAX);
	}
}

static void test_event_permit_no_more_is_kept_than_there_is(void **state)
{
	struct event event = proper(EVENT_PROGRESS);
	struct event_guard guard = busy;

	(void)state;
	event.kept = event.bytes + 1;
	assert_refused(&busy, &event, 3);
	event.kept = event.bytes;
	assert_true(event_permit(&guard, &event, 3));
}

static void test_event_permit_bytes_never_fall(void **state)
{
	static const enum event_kind of_a_job[] = { EVENT_PROGRESS, EVENT_DONE, EVENT_FAILED };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct event event = proper(of_a_job[i]);
		struct event_guard guard = busy;

		event.bytes = 99;
		assert_refused(&busy, &event, 3);
		event.bytes = 101;
		assert_true(event_permit(&guard, &event, 3));
		assert_true(guard.bytes == 101);
	}
}

/* ---- fuzz ---- */

static uint64_t random_next(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* A right record, of which a few bytes are then wrong: pure noise would die at the first check. */
static void mangle(unsigned char *record, const struct event_guard *guard, uint64_t *seed)
{
	struct event event = sample(kinds[random_next(seed) % KIND_COUNT]);
	unsigned wounds = (unsigned)(random_next(seed) % 3);

	event.slot = guard->slot;
	event.seq = guard->seq + 1;
	event.job = (uint32_t)(random_next(seed) % 3);
	event.bytes = guard->bytes + random_next(seed) % 2;
	event.failure.kind = (enum failure_kind)(1 + random_next(seed) % (FAILURE_KINDS - 1));
	event_encode(&event, record);
	while (wounds-- > 0)
		record[random_next(seed) % RECORD_BYTES] = (unsigned char)random_next(seed);
}

/* What was let through is what was sent, and the guard is where the rules say it must be. */
static void check_permitted(const struct event *event, const struct event_guard *before,
			    const struct event_guard *after, uint32_t next_job)
{
	assert_in_range(event->kind, EVENT_START, EVENT_SPLIT);
	assert_int_equal(event->slot, before->slot);
	assert_true(after->seq == before->seq + 1);
	if (event->kind == EVENT_START) {
		assert_false(before->running);
		assert_int_equal(event->job, next_job);
	} else if (event->kind != EVENT_RETURNED) {
		assert_true(before->running);
		assert_int_equal(event->job, before->job);
		assert_true(after->bytes >= before->bytes);
	}
}

static void test_event_fuzz_nothing_unpermitted_passes(void **state)
{
	uint64_t seed = UINT64_C(0x9e3779b97f4a7c15);
	struct event_guard guard = { .slot = 7 };
	unsigned passed = 0;

	(void)state;
	for (unsigned i = 0; i < 300000; i++) {
		const struct event_guard before = guard;
		unsigned char record[RECORD_BYTES], again[RECORD_BYTES];
		const uint32_t next_job = (uint32_t)(random_next(&seed) % 3);
		struct event event;

		mangle(record, &guard, &seed);
		if (event_decode(&event, record) < 0)
			continue;
		event_encode(&event, again);
		assert_memory_equal(again, record, event.kind == EVENT_FAILED ? RECORD_BYTES : 48);
		if (!event_permit(&guard, &event, next_job))
			continue;
		check_permitted(&event, &before, &guard, next_job);
		passed++;
	}
	assert_in_range(passed, 10000, 290000); /* both outcomes were tried */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_event_encode_gives_the_bytes_of_the_wire_form),
		cmocka_unit_test(test_event_every_kind_survives_the_round_trip),
		cmocka_unit_test(test_event_every_fault_survives_the_round_trip),
		cmocka_unit_test(test_event_fault_of_size_keeps_its_figures),
		cmocka_unit_test(test_event_decode_unknown_kind_is_refused),
		cmocka_unit_test(test_event_decode_unknown_flags_are_refused),
		cmocka_unit_test(test_event_decode_unknown_fault_is_refused),
		cmocka_unit_test(test_event_permit_table_is_exhaustive),
		cmocka_unit_test(test_event_permit_sequence_has_no_gaps),
		cmocka_unit_test(test_event_permit_foreign_slot_is_refused),
		cmocka_unit_test(test_event_permit_start_is_for_the_oldest_job_only),
		cmocka_unit_test(test_event_permit_start_without_a_job_is_refused),
		cmocka_unit_test(test_event_permit_other_job_is_refused),
		cmocka_unit_test(test_event_permit_no_more_is_kept_than_there_is),
		cmocka_unit_test(test_event_permit_bytes_never_fall),
		cmocka_unit_test(test_event_fuzz_nothing_unpermitted_passes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
