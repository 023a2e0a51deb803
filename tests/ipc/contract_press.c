/* SPDX-License-Identifier: MIT */
/*
 * contract_press.c - rules of a session under load: back-pressure, the four ways to wait,
 * fairness.
 */
#include "config.h"

#include "tests/ipc/contract.h"

/* ---- back-pressure: a blocking sender at the queue's limit ---- */

/*
 * More than any queue holds, many times over; less where a record costs several system calls
 * (records of a few hundred bytes at most), where a library carries it, or where nothing wakes the
 * receiver. A rule's count divides that.
 */
static uint64_t bulk(const struct world *w)
{
	bool cheap = can(w, IPC_CAP_DURABLE | IPC_CAP_POLLABLE) &&
		     w->subject->backend->info.record_limit >= 4096;

	return contract_count(cheap ? 300000 : 50000) / w->subject->count;
}

static void pressing_sender(struct world *w, unsigned slot)
{
	uint64_t sent = stream_fill(w, slot, 0);
	struct stream stream = { .first = id_of(slot, 0, sent),
				 .count = bulk(w) - sent,
				 .batch = 64,
				 .rng = rng_for(3) };

	CHECK(sent < bulk(w));
	gate_open(&w->board->gate[0]); /* full: from here on it waits */
	CHECK_EQ(stream_send(w, slot, &stream), 0);
	worker_farewell(w);
}

static void slow_receiver(struct world *w, unsigned slot)
{
	struct rng rng = rng_for(4);
	struct inbox inbox;

	inbox_open(&inbox, w);
	gate_await(&w->board->gate[0], 1);
	while (inbox.total < bulk(w)) {
		CHECK(inbox_recv(&inbox, w, &slot, 1 + rng_below(&rng, 64), 0) > 0);
		if (rng_below(&rng, 512) == 0)
			dawdle(&rng);
	}
	CHECK_EQ((long long)inbox.total, (long long)bulk(w));
	inbox_close(&inbox);
}

static void run_pressure(const struct subject *subject)
{
	world_duet(subject, pressing_sender, slow_receiver);
}

/* ---- the four ways to wait, on both sides ---- */

static void halting_sender(struct world *w, unsigned slot)
{
	struct stream stream = { .first = id_of(slot, 0, 0),
				 .count = w->subject->count,
				 .batch = 5,
				 .pause = 8,
				 .rng = rng_for(5) };

	CHECK_EQ(stream_send(w, slot, &stream), 0);
	worker_farewell(w);
}

static void halting_receiver(struct world *w, unsigned slot)
{
	struct rng rng = rng_for(6);
	struct inbox inbox;

	inbox_open(&inbox, w);
	while (inbox.total < w->subject->count) {
		CHECK(inbox_recv(&inbox, w, &slot, 1 + rng_below(&rng, 9), 0) > 0);
		if (rng_below(&rng, 16) == 0)
			dawdle(&rng);
	}
	inbox_close(&inbox);
}

static void run_strategy(const struct subject *subject)
{
	world_duet(subject, halting_sender, halting_receiver);
}

/* ---- fairness: a flood in slot 0 does not starve slot 1 ---- */

static void flooder(struct world *w, unsigned slot)
{
	static char records[64 * 56];
	uint64_t next = 0;
	unsigned i;

	while (atomic_load(&w->board->gate[1]) == 0) {
		ssize_t rc;

		for (i = 0; i < 64; i++)
			record_fill(records + i * w->record, w->record, id_of(slot, 0, next + i));
		rc = ipc_send(w->s, slot, records, 64, 0);
		CHECK_RC(rc, rc > 0);
		next += (uint64_t)rc;
	}
	atomic_store(&w->board->value[slot], next);
	gate_open(&w->board->gate[2]);
	gate_await(&w->board->gate[GATE_ALL_READ], 1);
}

static void trickler(struct world *w, unsigned slot)
{
	char record[56];
	unsigned i;

	for (i = 0; i < w->subject->count; i++) {
		record_fill(record, w->record, id_of(slot, 0, i));
		CHECK_EQ(ipc_send(w->s, slot, record, 1, 0), 1);
		atomic_fetch_add(&w->board->acked[slot], 1);
		gate_await(&w->board->gate[0], i + 1);
	}
	gate_open(&w->board->gate[1]);
	gate_await(&w->board->gate[GATE_ALL_READ], 1);
}

/*
 * Calls that may serve the flood while the other waits. With a queue for each slot: what epoll had
 * fetched, one turn, and one more. In one queue for all it stands behind what is there already.
 */
static unsigned fair_bound(const struct world *w)
{
	return can(w, IPC_CAP_DURABLE | IPC_CAP_FAIR) ? 3 : 20000;
}

static void run_fairness(const struct subject *subject)
{
	unsigned count = subject->count, slot, got = 0, passed = 0;
	struct inbox inbox;
	struct world w;

	world_open(&w, subject, 2);
	world_spawn(&w, 0, flooder);
	world_spawn(&w, 1, trickler);
	inbox_open(&inbox, &w);
	while (got < count) {
		bool waits = atomic_load(&w.board->acked[1]) > got;

		CHECK(inbox_recv(&inbox, &w, &slot, 64, 0) > 0);
		passed = slot == 0 && waits ? passed + 1 : 0;
		CHECK(passed <= fair_bound(&w));
		if (slot == 1) {
			got++;
			gate_open(&w.board->gate[0]);
		}
	}
	/* The flood ends when it sees the gate; until then it may be waiting for room. */
	gate_await(&w.board->gate[1], 1);
	while (atomic_load(&w.board->gate[2]) == 0 ||
	       inbox.next[0] < atomic_load(&w.board->value[0]))
		(void)inbox_recv(&inbox, &w, &slot, 64, IPC_NOWAIT);
	inbox_close(&inbox);
	world_close(&w);
}

const struct rule contract_press_rules[] = {
	{ .name = "back-pressure, 1 slot",
	  .run = run_pressure,
	  .slots = 1,
	  .count = 1,
	  .flags = RULE_BOTH_WAYS },
	{ .name = "back-pressure, 3 slots",
	  .run = run_pressure,
	  .slots = 3,
	  .count = 3,
	  .flags = RULE_BOTH_WAYS },
	{ .name = "back-pressure, old kernel",
	  .run = run_pressure,
	  .slots = 1,
	  .count = 3,
	  .flags = RULE_BOTH_WAYS | RULE_OLD_KERNEL },
	{ .name = "block, 1 slot",
	  .run = run_strategy,
	  .slots = 1,
	  .count = 4000,
	  .flags = RULE_BOTH_WAYS },
	{ .name = "block, 3 slots",
	  .run = run_strategy,
	  .slots = 3,
	  .count = 4000,
	  .flags = RULE_BOTH_WAYS },
	{ .name = "poll, 1 slot",
	  .run = run_strategy,
	  .slots = 1,
	  .count = 4000,
	  .flags = RULE_BOTH_WAYS,
	  .strategy = IPC_POLL },
	{ .name = "poll, 3 slots",
	  .run = run_strategy,
	  .slots = 3,
	  .count = 4000,
	  .flags = RULE_BOTH_WAYS,
	  .strategy = IPC_POLL },
	{ .name = "poll, old kernel",
	  .run = run_strategy,
	  .slots = 3,
	  .count = 4000,
	  .flags = RULE_BOTH_WAYS | RULE_OLD_KERNEL,
	  .strategy = IPC_POLL },
	{ .name = "spin, 1 slot",
	  .run = run_strategy,
	  .slots = 1,
	  .count = 4000,
	  .flags = RULE_BOTH_WAYS,
	  .strategy = IPC_SPIN },
	{ .name = "spin, 3 slots",
	  .run = run_strategy,
	  .slots = 3,
	  .count = 4000,
	  .flags = RULE_BOTH_WAYS,
	  .strategy = IPC_SPIN },
	{ .name = "adaptive, 1 slot",
	  .run = run_strategy,
	  .slots = 1,
	  .count = 4000,
	  .flags = RULE_BOTH_WAYS,
	  .strategy = IPC_ADAPTIVE },
	{ .name = "adaptive, 3 slots",
	  .run = run_strategy,
	  .slots = 3,
	  .count = 4000,
	  .flags = RULE_BOTH_WAYS,
	  .strategy = IPC_ADAPTIVE },
	{ .name = "adaptive, old kernel",
	  .run = run_strategy,
	  .slots = 1,
	  .count = 4000,
	  .flags = RULE_BOTH_WAYS | RULE_OLD_KERNEL,
	  .strategy = IPC_ADAPTIVE },
	{ .name = "fairness", .run = run_fairness, .slots = 2, .count = 300 },
	{ .name = NULL },
};
