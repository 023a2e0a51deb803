/* SPDX-License-Identifier: MIT */
/*
 * ring_fuzz.c - both sides of a ring, whose every word in shared memory may be another each time it
 * is read: the input plays a peer that writes while we read. See fuzz.h and ipc/core/ring.h.
 */
#include "config.h"

#include <stdatomic.h>
#include <stdint.h>

static uint64_t hostile_load(const _Atomic uint64_t *word);
#define RING_LOAD(word, order) hostile_load(word)

#include "ipc/core/ring.h"
#include "tests/fuzz/fuzz.h"

#define BATCH 20u

static struct input input;

/* Mostly what is there, so that a call gets somewhere; else near it, or anything. */
static uint64_t hostile_load(const _Atomic uint64_t *word)
{
	uint64_t value = atomic_load(word);
	uint8_t mode = input_byte(&input);

	if (mode < 160)
		return value;
	if (mode < 224)
		return value + (uint64_t)(mode - 192);
	input_take(&input, &value, sizeof value);
	return value;
}

static void check_view(const struct ring *r)
{
	unsigned char *first = (unsigned char *)(r->control + 1);

	REQUIRE(r->entry >= first && r->entry < r->end);
	REQUIRE((size_t)(r->entry - first) % r->stride == 0);
	REQUIRE((size_t)(r->entry - first) / r->stride == r->position % r->entries);
	REQUIRE(r->limit - r->position <= r->entries);
}

static void receive(struct ring *r, unsigned char *records)
{
	uint64_t before = r->position;
	size_t cap = 1 + input_byte(&input) % BATCH;
	ssize_t rc;

	(void)ring_ready(r);
	rc = cap == 1 && ring_pop_event(r, records) ? 1 : ring_pop(r, records, cap);
	REQUIRE(rc == -EPROTO || (rc >= 0 && rc <= (ssize_t)cap));
	REQUIRE(r->position - before == (uint64_t)(rc > 0 ? rc : 0));
	if (ring_tail_due(r))
		ring_store_tail(r);
}

static void send(struct ring *r, const unsigned char *records)
{
	uint64_t before = r->position;
	size_t n = 1 + input_byte(&input) % BATCH;
	ssize_t rc = n == 1 && ring_push_event(r, records) ? 1 : ring_push(r, records, n);

	REQUIRE(rc == -EPROTO || (rc >= 0 && rc <= (ssize_t)n));
	REQUIRE(r->position - before == (uint64_t)(rc > 0 ? rc : 0));
}

/* Of its exact size, so that a step outside is seen by a sanitizer. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t sizes[] = { 8, 56, 64, 512 };
	uint32_t entries;
	size_t record;
	unsigned char *records, *memory;
	struct ring sender, receiver;

	input = (struct input){ data, size };
	record = sizes[input_byte(&input) % 4];
	entries = RING_ENTRIES_MIN + input_byte(&input) % 30;
	records = calloc(BATCH, record);
	memory = aligned_alloc(RING_LINE, ring_bytes(record, entries));
	REQUIRE(records && memory);
	memset(memory, 0, ring_bytes(record, entries));
	ring_init_sender(&sender, memory, record, entries);
	ring_init_receiver(&receiver, memory, record, entries);
	while (input.size > 0) {
		if (input_byte(&input) % 2)
			receive(&receiver, records);
		else
			send(&sender, records);
		check_view(&sender);
		check_view(&receiver);
	}
	free(memory);
	free(records);
	return 0;
}
