/* SPDX-License-Identifier: MIT */
/*
 * contract_owner.c - rules of a slot's owners: the next one sees nothing of the last and is
 * never taken for it, whether that one is dead, or only disowned and still at work.
 */
#include "config.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/ipc/contract.h"

/* Which owner of its slot a worker is; set by the hub before the fork. */
static unsigned generation_of(struct world *w, unsigned slot)
{
	return (unsigned)atomic_load(&w->board->value[slot]);
}

static void new_owner(struct world *w, unsigned slot, unsigned generation, worker_main *main)
{
	atomic_store(&w->board->value[slot], generation);
	world_spawn(w, slot, main);
}

static void fire(struct world *w, unsigned slot)
{
	CHECK_EQ(kill(w->worker[slot].pid, SIGKILL), 0);
	world_reap(w, slot, SIGKILL);
	world_detach(w, slot);
}

static void flood(struct world *w, unsigned slot)
{
	struct stream stream = { .first = id_of(slot, generation_of(w, slot), 0),
				 .count = UINT64_MAX >> 1,
				 .batch = 40,
				 .rng = rng_for(slot + 50) };

	CHECK_EQ(stream_send(w, slot, &stream), -EPIPE);
}

/* ---- to the hub: unread records, half a batch in the hub, a send under way ---- */

/* The new owner's records, from its first on. */
static void run_reuse(const struct subject *subject)
{
	unsigned generation, slot, some;
	struct rng rng = rng_for(51);
	struct inbox inbox;
	struct world w;

	world_open(&w, subject, subject->rule->slots);
	inbox_open(&inbox, &w);
	for (slot = 0; slot < w.slots; slot++)
		new_owner(&w, slot, 0, flood);
	for (generation = 1; generation <= subject->count; generation++) {
		for (some = rng_below(&rng, 40); some > 0; some--) /* 3: a batch is cut in two */
			CHECK(inbox_recv(&inbox, &w, &slot, 3, 0) > 0);
		slot = rng_below(&rng, w.slots);
		if (rng_below(&rng, 2))
			dawdle(&rng); /* into a full queue */
		fire(&w, slot);
		inbox.next[slot] = id_of(slot, generation, 0);
		new_owner(&w, slot, generation, flood);
		/* inbox_recv compares: the next of this slot is the new owner's first. */
		while (id_sequence(inbox.next[slot]) == 0)
			CHECK(inbox_recv(&inbox, &w, &some, 16, 0) > 0);
	}
	inbox_close(&inbox);
	world_kill_and_close(&w);
}

/* ---- from the hub: commands that the old owner did not read ---- */

static void lazy_reader(struct world *w, unsigned slot)
{
	unsigned generation = generation_of(w, slot), from;
	char record[56];
	uint64_t i;

	for (i = 0;; i++) {
		CHECK_EQ(ipc_recv(w->s, &from, record, 1, 0), 1);
		CHECK_EQ(from, slot);
		CHECK_EQ((long long)record_id(record, w->record),
			 (long long)id_of(slot, generation, i));
		gate_open(&w->board->gate[slot]);
	}
}

static void run_unread(const struct subject *subject)
{
	struct subject commands = *subject;
	unsigned generation, slot, i, read;
	struct rng rng = rng_for(52);
	char records[30 * 56];
	struct world w;

	commands.direction = IPC_FROM_HUB;
	world_open(&w, &commands, subject->rule->slots);
	for (slot = 0; slot < w.slots; slot++)
		new_owner(&w, slot, 0, lazy_reader);
	for (generation = 1; generation <= subject->count; generation++) {
		slot = rng_below(&rng, w.slots);
		fire(&w, slot);
		new_owner(&w, slot, generation, lazy_reader);
		read = atomic_load(&w.board->gate[slot]);
		for (i = 0; i < 30; i++)
			record_fill(records + i * w.record, w.record, id_of(slot, generation, i));
		CHECK_EQ(ipc_send(w.s, slot, records, 1, 0), 1);
		CHECK_EQ(kill(w.worker[slot].pid, SIGSTOP), 0);
		for (i = 1; i < 30; i++) /* it is stopped: most of these stay unread */
			if (ipc_send(w.s, slot, records + i * w.record, 1, IPC_NOWAIT) != 1)
				break;
		if (rng_below(&rng, 4) == 0)
			continue; /* this one dies without having read at all */
		CHECK_EQ(kill(w.worker[slot].pid, SIGCONT), 0);
		gate_await(&w.board->gate[slot], read + 1);
	}
	world_kill_and_close(&w);
}

/* ---- the old owner lives on ---- */

/* Sends as its slot's first owner for as long as anything takes it. */
static void zombie_owner(struct world *w, unsigned slot)
{
	struct rng rng = rng_for(53);
	char record[56];
	ssize_t rc;
	uint64_t i;

	for (i = 0; atomic_load(&w->board->gate[GATE_ALL_READ]) == 0; i++) {
		record_fill(record, w->record, id_of(slot, generation_of(w, 8), i));
		rc = ipc_send(w->s, slot, record, 1, IPC_NOWAIT);
		CHECK_RC(rc, rc == 1 || rc == -EAGAIN || rc == -EPIPE);
		if (rc != 1)
			dawdle(&rng);
		if (i == 10)
			gate_open(&w->board->gate[0]);
	}
}

static void honest_owner(struct world *w, unsigned slot)
{
	struct stream stream = { .first = id_of(slot, generation_of(w, slot), 0),
				 .count = w->subject->count,
				 .batch = 5,
				 .pause = 8,
				 .rng = rng_for(54) };

	CHECK_EQ(stream_send(w, slot, &stream), 0);
	worker_farewell(w);
}

/* The hub lets go of a worker that goes on sending; its successor's stream must be its own. */
static void run_disowned(const struct subject *subject)
{
	unsigned count = subject->count, from;
	struct ipc_peer old;
	struct inbox inbox;
	struct world w;
	int status;

	world_open(&w, subject, subject->rule->slots);
	inbox_open(&inbox, &w);
	atomic_store(&w.board->value[8], 77);
	world_spawn(&w, 0, zombie_owner);
	for (from = 1; from < w.slots; from++)
		world_spawn(&w, from, worker_idle);
	gate_await(&w.board->gate[0], 1);
	old = w.worker[0];
	w.worker[0] = (struct ipc_peer){ .pid = 0, .pidfd = -1 };
	ipc_detach(w.s, 0);
	inbox.next[0] = id_of(0, 1, 0);
	new_owner(&w, 0, 1, honest_owner);
	while (id_sequence(inbox.next[0]) < count)
		CHECK(inbox_recv(&inbox, &w, &from, 7, 0) > 0);
	gate_open(&w.board->gate[GATE_ALL_READ]);
	CHECK_EQ(waitpid(old.pid, &status, 0), old.pid);
	CHECK_EQ(status, 0);
	(void)close(old.pidfd);
	inbox_close(&inbox);
	world_close(&w);
}

/* ---- replacements at any time, while all the others are busy ---- */

static void passer_by(struct world *w, unsigned slot)
{
	struct stream stream = { .first = id_of(slot, generation_of(w, slot), 0),
				 .count = 1 + generation_of(w, slot) * 7 % 60,
				 .batch = 6,
				 .pause = 3,
				 .rng = rng_for(generation_of(w, slot)) };

	CHECK_EQ(stream_send(w, slot, &stream), 0);
	if (!can(w, IPC_CAP_DURABLE))
		gate_await(&w->board->gate[slot], generation_of(w, slot) + 1);
}

/* Each worker ends by itself; once it has, and all of it was read, it is replaced. */
static void run_replacement(const struct subject *subject)
{
	unsigned generation[8] = { 0 }, slot, from, replaced = 0;
	struct inbox inbox;
	struct world w;

	world_open(&w, subject, 8);
	inbox_open(&inbox, &w);
	for (slot = 0; slot < w.slots; slot++)
		new_owner(&w, slot, 0, passer_by);
	while (replaced < subject->count) {
		(void)ipc_wait(w.s, 1000000);
		while (inbox_recv(&inbox, &w, &from, 9, IPC_NOWAIT) >= 0)
			;
		for (slot = 0; slot < w.slots; slot++) {
			if (id_sequence(inbox.next[slot]) != 1 + generation[slot] * 7 % 60)
				continue;
			while (atomic_load(&w.board->gate[slot]) <= generation[slot])
				gate_open(&w.board->gate[slot]);
			world_reap(&w, slot, 0);
			world_detach(&w, slot);
			inbox.next[slot] = id_of(slot, ++generation[slot], 0);
			new_owner(&w, slot, generation[slot], passer_by);
			replaced++;
		}
	}
	inbox_close(&inbox);
	world_kill_and_close(&w);
}

const struct rule contract_owner_rules[] = {
	{ .name = "re-use, 1 slot", .run = run_reuse, .slots = 1, .count = 50 },
	{ .name = "re-use, 4 slots",
	  .run = run_reuse,
	  .flags = RULE_JOINED,
	  .slots = 4,
	  .count = 50 },
	{ .name = "re-use, old kernel",
	  .run = run_reuse,
	  .slots = 4,
	  .count = 50,
	  .flags = RULE_OLD_KERNEL },
	{ .name = "re-use of unread commands, 1 slot", .run = run_unread, .slots = 1, .count = 50 },
	{ .name = "re-use of unread commands, 4 slots",
	  .run = run_unread,
	  .flags = RULE_JOINED,
	  .slots = 4,
	  .count = 50 },
	{ .name = "the old owner lives on, 1 slot", .run = run_disowned, .slots = 1, .count = 500 },
	{ .name = "the old owner lives on, 3 slots",
	  .run = run_disowned,
	  .flags = RULE_JOINED,
	  .slots = 3,
	  .count = 500 },
	{ .name = "replacement", .run = run_replacement, .flags = RULE_JOINED, .count = 100 },
	{ .name = NULL },
};
