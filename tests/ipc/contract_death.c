/* SPDX-License-Identifier: MIT */
/*
 * contract_death.c - rules of the end: who learns of it and when, nothing acknowledged is
 * lost, a slot's next owner sees nothing of the last one.
 */
#include "config.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/ipc/contract.h"

#define DEATH_MS (750 * CONTRACT_SILENT_S)
#define ORPHAN_S (3 * CONTRACT_SILENT_S) /* the rule has been given up by then */

static void await_death(const struct ipc_peer *peer)
{
	struct pollfd entry = { .fd = peer->pidfd, .events = POLLIN };

	CHECK_EQ(poll(&entry, 1, DEATH_MS), 1);
}

static void murder(struct world *w, unsigned slot)
{
	CHECK_EQ(kill(w->worker[slot].pid, SIGKILL), 0);
	world_reap(w, slot, SIGKILL);
}

/* Takes SLOT's records until its end is told or, where nothing tells, until nothing is left. */
static void drain_dead(struct world *w, struct inbox *inbox, unsigned slot)
{
	unsigned from;
	ssize_t rc;

	await_death(&w->worker[slot]);
	do {
		rc = inbox_recv(inbox, w, &from, 5, IPC_NOWAIT);
		CHECK_RC(rc, rc != -EPROTO);
		CHECK_RC(rc, rc != 0 || from == slot);
		if (rc == -EAGAIN && can(w, IPC_CAP_EOF)) /* then the end is on its way */
			CHECK_EQ(ipc_wait(w->s, (int64_t)DEATH_MS * 1000000), rc = 1);
	} while (rc > 0);
}

/* ---- the slot ends first ---- */

static void leaving_sender(struct world *w, unsigned slot)
{
	struct stream stream = { .first = id_of(slot, 0, 0),
				 .count = w->subject->count,
				 .batch = 9,
				 .rng = rng_for(slot + 30) };

	CHECK_EQ(stream_send(w, slot, &stream), 0);
	if (!can(w, IPC_CAP_DURABLE))
		gate_await(&w->board->gate[0], 1);
	ipc_close(w->s);
}

/* All that it sent, then its end: 0 by blocking where the end can be known, and then silence. */
static void run_slot_first(const struct subject *subject)
{
	unsigned count = subject->count, slot;
	struct inbox inbox;
	struct world w;

	world_open(&w, subject, subject->rule->slots);
	for (slot = 1; slot < w.slots; slot++)
		world_spawn(&w, slot, worker_idle);
	world_spawn(&w, 0, leaving_sender);
	inbox_open(&inbox, &w);
	inbox_until(&inbox, &w, count, 7);
	gate_open(&w.board->gate[0]);
	if (w.slots == 1 || can(&w, IPC_CAP_EOF)) {
		CHECK_EQ(inbox_recv(&inbox, &w, &slot, 7, 0), 0);
		CHECK_EQ(slot, 0);
	}
	await_death(&w.worker[0]);
	if (w.slots > 1) /* told once; the living say nothing */
		CHECK_EQ(inbox_recv(&inbox, &w, &slot, 7, IPC_NOWAIT), -EAGAIN);
	CHECK_EQ((long long)inbox.total, count);
	inbox_close(&inbox);
	world_close(&w);
}

/* The hub sends to a slot that dies: -EPIPE, where it can know it, and never SIGPIPE. */
static void run_to_the_dead(const struct subject *subject)
{
	struct subject dead = *subject;
	char record[56];
	struct world w;
	ssize_t rc = 0;
	unsigned i;

	dead.direction = IPC_FROM_HUB;
	world_open(&w, &dead, subject->rule->slots);
	for (i = 0; i < w.slots; i++)
		world_spawn(&w, i, worker_idle);
	record_fill(record, w.record, id_of(0, 0, 0));
	CHECK_EQ(ipc_send(w.s, 0, record, 1, 0), 1);
	murder(&w, 0);
	for (i = 0; i < 10000000; i++) /* a mute mechanism fills up first, then the pidfd tells */
		if ((rc = ipc_send(w.s, 0, record, 1, 0)) != 1)
			break;
	CHECK_EQ(rc, -EPIPE);
	if (can(&w, IPC_CAP_EOF) && w.slots > 1)
		CHECK_EQ(ipc_send(w.s, 1, record, 1, 0), 1); /* the living still get theirs */
	world_close(&w);
}

/* ---- the hub ends first ---- */

/* Runs until it learns that the hub is gone, and says so on the board. */
static void orphan(struct world *w, unsigned slot)
{
	char record[56];
	ssize_t rc = 1;

	(void)alarm(ORPHAN_S); /* nobody else would end it */
	record_fill(record, w->record, id_of(slot, 0, 0));
	gate_open(&w->board->gate[0]);
	while (rc == 1)
		rc = ipc_receives(w->s) ? ipc_recv(w->s, &slot, record, 1, 0) :
					  ipc_send(w->s, slot, record, 1, 0);
	CHECK_EQ(rc, ipc_receives(w->s) ? 0 : -EPIPE);
	ipc_close(w->s);
	gate_open(&w->board->gate[1]);
}

/* In a process of its own: the hub, which ends while its workers are busy. */
static void mortal_hub(struct world *w)
{
	char record[56];
	unsigned slot;

	(void)alarm(ORPHAN_S);
	w->hub.pid = getpid();
	w->orphans = true;
	for (slot = 0; slot < w->slots; slot++)
		world_spawn(w, slot, orphan);
	gate_await(&w->board->gate[0], w->slots);
	if (ipc_receives(w->s)) {
		CHECK_EQ(ipc_recv(w->s, &slot, record, 1, 0), 1);
	} else {
		record_fill(record, w->record, id_of(0, 0, 0));
		CHECK_EQ(ipc_send(w->s, 0, record, 1, 0), 1);
	}
	ipc_close(w->s);
	/* Where the mechanism itself has an end, the workers learn it from a hub that lives on. */
	if (can(w, IPC_CAP_EOF))
		gate_await(&w->board->gate[1], w->slots);
	_exit(0);
}

static void run_hub_first(const struct subject *subject)
{
	int status, left;
	struct world w;
	pid_t hub;

	hub = fork();
	if (hub == 0) {
		world_open(&w, subject, subject->rule->slots);
		mortal_hub(&w);
	}
	/* The rule's process is their subreaper: the hub and each of its workers ends well. */
	for (left = (int)subject->rule->slots + 1; left > 0; left--) {
		CHECK(waitpid(-1, &status, 0) > 0);
		CHECK_EQ(status, 0);
	}
}

/* ---- one sibling dies while another lives ---- */

#define GATE_ATTACHED 14

static void talker(struct world *w, unsigned slot)
{
	char record[56];
	uint64_t i;

	gate_open(&w->board->gate[GATE_ATTACHED]);
	for (i = 0;; i++) {
		gate_await(&w->board->gate[slot], (uint32_t)i + 1);
		record_fill(record, w->record, id_of(slot, 0, i));
		CHECK_EQ(ipc_send(w->s, slot, record, 1, 0), 1);
	}
}

/*
 * Slot by slot, and each of the living is heard after each death. Who was forked first dies first:
 * its ends were inherited by all that came later. With a COUNT all slots are armed before the first
 * fork, so the first inherits ends of the later ones, which are the first to die: each worker gives
 * up what is not its own when it attaches, and until the last has done so no end can be told.
 */
static void run_sibling(const struct subject *subject)
{
	unsigned slots = subject->rule->slots, i, slot, living, from;
	bool backwards = subject->count > 0;
	struct inbox inbox;
	struct world w;

	world_open(&w, subject, slots);
	if (backwards)
		world_arm_all(&w);
	for (slot = 0; slot < slots; slot++)
		world_spawn(&w, slot, talker);
	gate_await(&w.board->gate[GATE_ATTACHED], slots);
	inbox_open(&inbox, &w);
	for (i = 0; i < slots; i++) {
		slot = backwards ? slots - 1 - i : i;
		murder(&w, slot);
		drain_dead(&w, &inbox, slot);
		for (living = 0; living < slots; living++) {
			if (w.worker[living].pid == 0)
				continue;
			gate_open(&w.board->gate[living]);
			CHECK_EQ(inbox_recv(&inbox, &w, &from, 1, 0), 1);
			CHECK_EQ(from, living);
		}
	}
	inbox_close(&inbox);
	world_close(&w);
}

/* The last of the living goes while the hub has its records in view, but has not taken them. */
static void run_turn_cut(const struct subject *subject)
{
	struct inbox inbox;
	struct world w;
	unsigned slot, first, cut;

	world_open(&w, subject, 3);
	inbox_open(&inbox, &w);
	for (slot = 0; slot < w.slots; slot++) {
		world_spawn(&w, slot, talker);
		gate_open(&w.board->gate[slot]);
	}
	for (slot = 0; slot < w.slots; slot++) /* asleep again: all have sent */
		await_state(w.worker[slot].pid, 'S');
	CHECK_EQ(inbox_recv(&inbox, &w, &first, 1, 0), 1);
	cut = (first + 1) % 3;
	murder(&w, cut);
	world_detach(&w, cut);
	CHECK_EQ(inbox_recv(&inbox, &w, &slot, 1, 0), 1);
	CHECK_EQ(slot, (first + 2) % 3);
	inbox.next[cut] = id_of(cut, 0, 0);
	world_spawn(&w, cut, worker_idle); /* nothing of it is there, so nobody may wait for it */
	gate_open(&w.board->gate[first]);
	CHECK_EQ(inbox_recv(&inbox, &w, &slot, 1, 0), 1);
	CHECK_EQ(slot, first);
	inbox_close(&inbox);
	world_kill_and_close(&w);
}

/* Takes what is there, then stops reading. */
static void one_gulp(struct world *w, unsigned slot)
{
	struct inbox inbox;

	inbox_open(&inbox, w);
	gate_open(&w->board->gate[2]);
	gate_await(&w->board->gate[slot], 1);
	inbox_until(&inbox, w, atomic_load(&w->board->value[slot]), 16);
	gate_await(&w->board->gate[GATE_ALL_READ], 1);
}

static void no_gulp(struct world *w, unsigned slot)
{
	gate_open(&w->board->gate[2]);
	worker_idle(w, slot);
}

/*
 * A hub waits for room in two full slots. One has room, or dies with a COUNT: it is told, it sends
 * what it has; and then it must be able to sleep on, although the other slot is still full.
 */
static void run_told_once(const struct subject *subject)
{
	bool dies = subject->count > 0;
	struct subject commands = *subject;
	char record[56];
	struct world w;
	short events;
	int tries;

	commands.direction = IPC_FROM_HUB;
	world_open(&w, &commands, 2);
	world_spawn(&w, 0, one_gulp);
	world_spawn(&w, 1, no_gulp);
	gate_await(&w.board->gate[2], 2); /* who has not attached yet may count as full */
	atomic_store(&w.board->value[0], stream_fill(&w, 0, 0));
	(void)stream_fill(&w, 1, 0);
	if (ipc_pollfd(w.s, &events) != -ENOTSUP) {
		if (dies)
			murder(&w, 0);
		else
			gate_open(&w.board->gate[0]);
		CHECK_EQ(ipc_wait(w.s, 5000000000), 1);
		record_fill(record, w.record, id_of(0, 0, atomic_load(&w.board->value[0])));
		CHECK_EQ(ipc_send(w.s, 0, record, 1, IPC_NOWAIT), dies ? -EPIPE : 1);
		for (tries = 0; tries < 5 && ipc_wait(w.s, 20000000) == 1; tries++)
			;
		CHECK(tries < 5);
	}
	gate_open(&w.board->gate[0]);
	world_close(&w);
}

/* ---- kill -9 of a sender ---- */

/* More than PIPE_BUF in a call; and time to get stuck in it. */
#define KILLED_BATCH 300

static void endless_sender(struct world *w, unsigned slot)
{
	struct stream stream = { .first = atomic_load(&w->board->value[slot]),
				 .count = UINT64_MAX >> 1,
				 .batch = KILLED_BATCH,
				 .rng = rng_for(slot + 40) };

	(void)stream_send(w, slot, &stream);
	CHECK(false && "the hub ended before its worker");
}

/* All that ipc_send took is received, and of the call under way whole records or nothing. */
static void run_killed(const struct subject *subject)
{
	struct rng rng = rng_for(41);
	struct inbox inbox;
	struct world w;
	unsigned round, from;

	world_open(&w, subject, 2);
	world_spawn(&w, 1, worker_idle);
	inbox_open(&inbox, &w);
	for (round = 0; round < subject->count; round++) {
		uint64_t first = id_of(0, round, 0), quota = rng_below(&rng, 2000), acked, got;

		if (subject->networked && quota == 0)
			quota = 1; /* nothing tells of a slot of another host that never came */
		atomic_store(&w.board->acked[0], 0);
		atomic_store(&w.board->value[0], first);
		inbox.next[0] = first;
		world_spawn(&w, 0, endless_sender);
		while (inbox.next[0] - first < quota)
			CHECK(inbox_recv(&inbox, &w, &from, 16, 0) > 0);
		if (rng_below(&rng, 2))
			dawdle(&rng); /* it may be waiting for room by now */
		murder(&w, 0);
		drain_dead(&w, &inbox, 0);
		acked = atomic_load(&w.board->acked[0]);
		got = inbox.next[0] - first;
		CHECK(got >= acked || !can(&w, IPC_CAP_DURABLE));
		CHECK(got <= acked + KILLED_BATCH);
		world_detach(&w, 0);
	}
	inbox_close(&inbox);
	world_close(&w);
}

const struct rule contract_death_rules[] = {
	{ .name = "slot first, 1 slot", .run = run_slot_first, .slots = 1, .count = 200 },
	{ .name = "slot first, 3 slots",
	  .run = run_slot_first,
	  .flags = RULE_JOINED,
	  .slots = 3,
	  .count = 200 },
	{ .name = "slot first, old kernel",
	  .run = run_slot_first,
	  .slots = 3,
	  .count = 200,
	  .flags = RULE_OLD_KERNEL },
	{ .name = "slot first, poll",
	  .run = run_slot_first,
	  .slots = 1,
	  .count = 200,
	  .strategy = IPC_POLL },
	{ .name = "slot first, spin",
	  .run = run_slot_first,
	  .slots = 1,
	  .count = 200,
	  .strategy = IPC_SPIN },
	{ .name = "slot first, adaptive",
	  .run = run_slot_first,
	  .slots = 1,
	  .count = 200,
	  .strategy = IPC_ADAPTIVE },
	{ .name = "sending to the dead, 1 slot", .run = run_to_the_dead, .slots = 1 },
	{ .name = "sending to the dead, 3 slots",
	  .run = run_to_the_dead,
	  .flags = RULE_JOINED,
	  .slots = 3,
	  .needs = IPC_CAP_EOF },
	{ .name = "sending to the dead, old kernel",
	  .run = run_to_the_dead,
	  .slots = 3,
	  .needs = IPC_CAP_EOF,
	  .flags = RULE_OLD_KERNEL },
	{ .name = "hub first, 1 slot",
	  .run = run_hub_first,
	  .slots = 1,
	  .flags = RULE_BOTH_WAYS | RULE_JOINED },
	{ .name = "hub first, 3 slots",
	  .run = run_hub_first,
	  .slots = 3,
	  .flags = RULE_BOTH_WAYS | RULE_JOINED },
	{ .name = "hub first, poll",
	  .run = run_hub_first,
	  .slots = 2,
	  .flags = RULE_BOTH_WAYS,
	  .strategy = IPC_POLL },
	{ .name = "hub first, adaptive",
	  .run = run_hub_first,
	  .slots = 2,
	  .flags = RULE_BOTH_WAYS,
	  .strategy = IPC_ADAPTIVE },
	{ .name = "hub first, old kernel",
	  .run = run_hub_first,
	  .slots = 3,
	  .flags = RULE_BOTH_WAYS | RULE_OLD_KERNEL },
	{ .name = "a sibling dies",
	  .run = run_sibling,
	  .flags = RULE_JOINED | RULE_EXECUTED,
	  .slots = 4 },
	{ .name = "a sibling dies, all armed first",
	  .run = run_sibling,
	  .flags = RULE_JOINED,
	  .slots = 4,
	  .count = 1 },
	{ .name = "detached within a turn",
	  .run = run_turn_cut,
	  .flags = RULE_JOINED | RULE_EXECUTED,
	  .slots = 3 },
	{ .name = "room is told once", .run = run_told_once, .flags = RULE_JOINED, .slots = 2 },
	{ .name = "a dead reader is told once",
	  .run = run_told_once,
	  .slots = 2,
	  .count = 1,
	  .needs = IPC_CAP_EOF },
	{ .name = "a sender is killed",
	  .run = run_killed,
	  .flags = RULE_JOINED,
	  .slots = 2,
	  .count = 50 },
	{ .name = NULL },
};
