/* SPDX-License-Identifier: MIT */
/*
 * contract_flow.c - rules of a session in which nobody dies: order and no loss, batches, full
 * and empty queues.
 */
#include "config.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/select.h>
#include <unistd.h>

#include "tests/ipc/contract.h"

/* ---- order and no loss ---- */

static void order_worker(struct world *w, unsigned slot)
{
	unsigned count = w->subject->count;
	struct stream stream = {
		.first = id_of(slot, 0, 0), .count = count, .batch = 17, .rng = rng_for(slot)
	};
	struct inbox inbox;

	if (w->subject->direction == IPC_TO_HUB) {
		CHECK_EQ(stream_send(w, slot, &stream), 0);
		worker_farewell(w);
		return;
	}
	inbox_open(&inbox, w);
	inbox_until(&inbox, w, count, 13);
	CHECK_EQ((long long)inbox.total, count);
	gate_await(&w->board->gate[GATE_ALL_READ], 1);
	CHECK_EQ(inbox_recv(&inbox, w, &slot, 1, IPC_NOWAIT), -EAGAIN);
}

/* All slots in turn, so that their streams are interleaved. */
static void pour(struct world *w)
{
	struct stream stream = { .batch = 17, .rng = rng_for(7) };
	unsigned done, slot;

	for (done = 0; done < w->subject->count; done += (unsigned)stream.count) {
		stream.count = w->subject->count - done;
		if (stream.count > 25)
			stream.count = 25;
		for (slot = 0; slot < w->slots; slot++) {
			stream.first = id_of(slot, 0, done);
			CHECK_EQ(stream_send(w, slot, &stream), 0);
		}
	}
}

/* Everything was read. Nothing more may come, but of each sender its end, once. */
static void expect_ends(struct world *w, struct inbox *inbox)
{
	uint64_t total = inbox->total;
	unsigned slot;

	gate_open(&w->board->gate[GATE_ALL_READ]);
	for (slot = 0; slot < w->slots; slot++)
		world_reap(w, slot, 0);
	if (w->slots == 1) { /* a single peer's end is known by any means, and may be told again */
		CHECK_EQ(inbox_recv(inbox, w, &slot, 8, 0), 0);
		return;
	}
	while (inbox_recv(inbox, w, &slot, 8, IPC_NOWAIT) != -EAGAIN)
		CHECK(inbox->ends <= w->slots);
	CHECK_EQ(inbox->ends, can(w, IPC_CAP_EOF) ? w->slots : 0);
	CHECK_EQ((long long)inbox->total, (long long)total);
}

static void spawn_all(struct world *w, worker_main *main)
{
	unsigned slot;
	int rc;

	for (slot = 0; slot < w->slots; slot++) {
		rc = world_try_spawn(w, slot, main);
		if (w->slots >= CONTRACT_MANY && contract_no_room(rc)) {
			world_kill_and_close(w);
			contract_skip("many slots", rc);
		}
		CHECK_EQ(rc, 0);
	}
}

static int low[FD_SETSIZE]; /* descriptors */
static size_t low_count;

/* With these taken, the session's descriptors are beyond FD_SETSIZE, as with many more slots. */
static void take_low_descriptors(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			contract_skip("many descriptors", -errno);
		low[low_count++] = fd;
	} while (fd < FD_SETSIZE - 1);
}

static void close_low_descriptors(void)
{
	while (low_count > 0)
		(void)close(low[--low_count]);
}

static void run_order(const struct subject *subject)
{
	struct inbox inbox;
	struct world w;

	if (subject->rule->slots >= CONTRACT_MANY)
		take_low_descriptors();
	world_open(&w, subject, subject->rule->slots);
	spawn_all(&w, order_worker);
	if (subject->direction == IPC_TO_HUB) {
		inbox_open(&inbox, &w);
		inbox_until(&inbox, &w, (uint64_t)subject->count * w.slots, 13);
		expect_ends(&w, &inbox);
		inbox_close(&inbox);
	} else {
		pour(&w);
	}
	CHECK(ipc_syscalls(w.s) > 0);
	CHECK(ipc_session_info(w.s) == &subject->backend->info);
	world_close(&w);
	close_low_descriptors();
}

/* ---- batches: more records than the receiver takes, and fewer ---- */

static const struct {
	unsigned n, cap;
} batches[] = { { 64, 1 }, { 1, 64 }, { 64, 64 }, { 7, 5 }, { 5, 7 }, { 300, 300 }, { 1000, 3 } };
#define BATCHES      (sizeof batches / sizeof batches[0])
#define BATCH_ROUNDS 20

static void batch_sender(struct world *w, unsigned slot)
{
	static char records[1000 * 56];
	uint64_t id = id_of(slot, 0, 0);
	unsigned round, i, n;

	for (round = 0; round < BATCHES * BATCH_ROUNDS; round++) {
		n = batches[round / BATCH_ROUNDS].n;
		for (i = 0; i < n; i++)
			record_fill(records + i * w->record, w->record, id++);
		CHECK_EQ(ipc_send_all(w->s, slot, records, n), 0);
		gate_await(&w->board->gate[0], round + 1);
	}
	worker_farewell(w);
}

static void batch_receiver(struct world *w, unsigned slot)
{
	struct inbox inbox;
	uint64_t due = 0;
	unsigned round;

	inbox_open(&inbox, w);
	for (round = 0; round < BATCHES * BATCH_ROUNDS; round++) {
		due += batches[round / BATCH_ROUNDS].n;
		while (inbox.total < due) {
			CHECK(inbox_recv(&inbox, w, &slot, batches[round / BATCH_ROUNDS].cap, 0) >
			      0);
			CHECK_EQ(slot, 0);
		}
		CHECK_EQ((long long)inbox.total, (long long)due);
		gate_open(&w->board->gate[0]);
	}
	inbox_close(&inbox);
}

static void run_batches(const struct subject *subject)
{
	world_duet(subject, batch_sender, batch_receiver);
}

/* ---- full and empty ---- */

static void full_sender(struct world *w, unsigned slot)
{
	uint64_t sent;
	unsigned round;

	gate_await(&w->board->gate[0], 1);            /* the receiver has seen it empty */
	while ((sent = stream_fill(w, slot, 0)) == 0) /* a connection may still be on its way */
		CHECK_EQ(ipc_wait(w->s, 5000000000), 1);
	for (round = 1; round <= 3; round++) {
		uint64_t more = 0;

		atomic_store(&w->board->value[0], sent);
		gate_open(&w->board->gate[1]);         /* full */
		gate_await(&w->board->gate[2], round); /* all was received */
		while (more == 0) { /* room is announced; a library may take a moment to see it */
			CHECK_EQ(ipc_wait(w->s, 5000000000), 1);
			more = stream_fill(w, slot, sent);
		}
		sent += more;
	}
	atomic_store(&w->board->value[0], sent);
	gate_open(&w->board->gate[1]);
	worker_farewell(w);
}

static void full_receiver(struct world *w, unsigned slot)
{
	struct inbox inbox;
	unsigned round;

	inbox_open(&inbox, w);
	CHECK_EQ(inbox_recv(&inbox, w, &slot, 4, IPC_NOWAIT), -EAGAIN);
	gate_open(&w->board->gate[0]);
	for (round = 1; round <= 4; round++) {
		gate_await(&w->board->gate[1], round);
		inbox_until(&inbox, w, atomic_load(&w->board->value[0]), 29);
		CHECK_EQ((long long)inbox.total, (long long)atomic_load(&w->board->value[0]));
		if (round < 4)
			CHECK_EQ(inbox_recv(&inbox, w, &slot, 4, IPC_NOWAIT), -EAGAIN);
		gate_open(&w->board->gate[2]);
	}
	inbox_close(&inbox);
}

static void run_full(const struct subject *subject)
{
	world_duet(subject, full_sender, full_receiver);
}

const struct rule contract_flow_rules[] = {
	{ .name = "order, 8 B, 1 slot",
	  .run = run_order,
	  .record = 8,
	  .slots = 1,
	  .count = 20000,
	  .flags = RULE_BOTH_WAYS },
	{ .name = "order, 8 B, 16 slots",
	  .run = run_order,
	  .record = 8,
	  .slots = 16,
	  .count = 1000,
	  .flags = RULE_BOTH_WAYS },
	{ .name = "order, 56 B, 1 slot",
	  .run = run_order,
	  .slots = 1,
	  .count = 20000,
	  .flags = RULE_BOTH_WAYS | RULE_JOINED | RULE_EXECUTED },
	{ .name = "order, 56 B, 16 slots",
	  .run = run_order,
	  .slots = 16,
	  .count = 1000,
	  .flags = RULE_BOTH_WAYS | RULE_JOINED },
	{ .name = "order, 56 B, many slots",
	  .run = run_order,
	  .slots = CONTRACT_MANY,
	  .count = 5,
	  .flags = RULE_BOTH_WAYS,
	  .needs = IPC_CAP_POLLABLE },
	{ .name = "order, 4 KiB, 1 slot",
	  .run = run_order,
	  .record = 4096,
	  .slots = 1,
	  .count = 2000,
	  .flags = RULE_BOTH_WAYS },
	{ .name = "order, 4 KiB, 16 slots",
	  .run = run_order,
	  .record = 4096,
	  .slots = 16,
	  .count = 200,
	  .flags = RULE_BOTH_WAYS },
	{ .name = "order, limit, 1 slot",
	  .run = run_order,
	  .record = RECORD_LIMIT,
	  .slots = 1,
	  .count = 200,
	  .flags = RULE_BOTH_WAYS },
	{ .name = "order, limit, 16 slots",
	  .run = run_order,
	  .record = RECORD_LIMIT,
	  .slots = 16,
	  .count = 20,
	  .flags = RULE_BOTH_WAYS },
	{ .name = "order, old kernel",
	  .run = run_order,
	  .slots = 16,
	  .count = 1000,
	  .flags = RULE_BOTH_WAYS | RULE_OLD_KERNEL },
	{ .name = "batches, 1 slot", .run = run_batches, .slots = 1, .flags = RULE_BOTH_WAYS },
	{ .name = "batches, 3 slots",
	  .run = run_batches,
	  .slots = 3,
	  .flags = RULE_BOTH_WAYS | RULE_JOINED },
	{ .name = "full and empty, 1 slot", .run = run_full, .slots = 1, .flags = RULE_BOTH_WAYS },
	{ .name = "full and empty, 3 slots",
	  .run = run_full,
	  .slots = 3,
	  .flags = RULE_BOTH_WAYS | RULE_JOINED | RULE_EXECUTED },
	{ .name = "full and empty, limit",
	  .run = run_full,
	  .record = RECORD_LIMIT,
	  .slots = 1,
	  .flags = RULE_BOTH_WAYS },
	{ .name = "full and empty, old kernel",
	  .run = run_full,
	  .slots = 1,
	  .flags = RULE_BOTH_WAYS | RULE_OLD_KERNEL },
	{ .name = NULL },
};
