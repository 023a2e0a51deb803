/* SPDX-License-Identifier: MIT */
/*
 * contract_wait.c - rules of waiting: the session's descriptor announces and wakes, no wake-up
 * is lost, time runs out in time, a stop in the middle is no error. And the arguments.
 */
#include "config.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "tests/ipc/contract.h"

#define LOST_MS (750 * CONTRACT_SILENT_S) /* a wake-up that has not come by then is lost */

static uint64_t now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* ---- the descriptor ---- */

/* As ipc.h tells a caller with an event loop of its own: announce before EACH sleep, then poll. */
static void sleep_on_descriptor(struct ipc *s)
{
	struct pollfd entry = { .fd = -1 };
	int fd = ipc_pollfd(s, &entry.events);

	if (fd == -EAGAIN)
		return;
	if (fd == -ENOTSUP) {
		CHECK(ipc_wait(s, 1000000) >= 0);
		return;
	}
	CHECK(fd >= 0);
	CHECK(entry.events != 0);
	entry.fd = fd;
	CHECK_EQ(poll(&entry, 1, LOST_MS), 1);
}

/* One record, by NOWAIT calls and sleeps on the descriptor. */
static uint64_t loop_recv(struct ipc *s, size_t record, unsigned *slot)
{
	char buffer[56];
	ssize_t rc;

	while ((rc = ipc_recv(s, slot, buffer, 1, IPC_NOWAIT)) == -EAGAIN)
		sleep_on_descriptor(s);
	CHECK_EQ(rc, 1);
	return record_id(buffer, record);
}

static void loop_send(struct ipc *s, unsigned slot, size_t record, uint64_t id)
{
	char buffer[56];
	ssize_t rc;

	record_fill(buffer, record, id);
	while ((rc = ipc_send(s, slot, buffer, 1, IPC_NOWAIT)) == -EAGAIN)
		sleep_on_descriptor(s);
	CHECK_EQ(rc, 1);
}

/* session[0] to the hub, session[1] from it: each answer is the other side's only wake-up. */
static void wake_worker(struct world *w, unsigned slot)
{
	struct rng rng = rng_for(slot + 20);
	unsigned round, from;

	for (round = 0; round < w->subject->count; round++) {
		CHECK_EQ((long long)loop_recv(w->session[1], w->record, &from),
			 (long long)id_of(slot, 0, round));
		CHECK_EQ(from, slot);
		dawdle(&rng);
		loop_send(w->session[0], slot, w->record, id_of(slot, 0, round));
	}
	gate_await(&w->board->gate[GATE_ALL_READ], 1);
}

static void run_wake(const struct subject *subject)
{
	unsigned count = subject->count, slot, round;
	struct rng rng = rng_for(19);
	struct world w;

	world_open(&w, subject, subject->rule->slots);
	world_also(&w, IPC_FROM_HUB);
	for (slot = 0; slot < w.slots; slot++)
		world_spawn(&w, slot, wake_worker);
	for (round = 0; round < count; round++) {
		unsigned answers, from;
		uint64_t seen = 0, id;

		for (slot = 0; slot < w.slots; slot++)
			loop_send(w.session[1], slot, w.record, id_of(slot, 0, round));
		dawdle(&rng);
		for (answers = 0; answers < w.slots; answers++) {
			id = loop_recv(w.session[0], w.record, &from);
			CHECK_EQ((long long)id, (long long)id_of(from, 0, round));
			CHECK(!(seen & 1u << from));
			seen |= 1u << from;
		}
	}
	world_close(&w);
}

/* ---- room ---- */

static void room_sender(struct world *w, unsigned slot)
{
	unsigned i;

	for (i = 0; i < w->subject->count; i++)
		loop_send(w->s, slot, w->record, id_of(slot, 0, i));
	worker_farewell(w);
}

static void room_receiver(struct world *w, unsigned slot)
{
	struct rng rng = rng_for(21);
	struct inbox inbox;

	inbox_open(&inbox, w);
	while (inbox.total < w->subject->count) {
		CHECK(inbox_recv(&inbox, w, &slot, 1 + rng_below(&rng, 200), 0) > 0);
		if (rng_below(&rng, 16) == 0)
			dawdle(&rng);
	}
	inbox_close(&inbox);
}

static void run_room(const struct subject *subject)
{
	world_duet(subject, room_sender, room_receiver);
}

/* ---- ipc_wait ---- */

static void wait_sender(struct world *w, unsigned slot)
{
	gate_await(&w->board->gate[0], 1);
	loop_send(w->s, slot, w->record, id_of(slot, 0, 0));
	worker_farewell(w);
}

/* Without a descriptor nothing tells: there ipc_wait only naps, and may always say "try". */
static void expect_timeout(struct world *w, int64_t timeout_ns)
{
	uint64_t start = now_ns();
	int rc = ipc_wait(w->s, timeout_ns);
	const bool comes = w->subject->networked && getpid() == w->hub.pid;
	unsigned wakes = 0, slot;
	char record[4096];

	CHECK(w->record <= sizeof record);
	if (!can(w, IPC_CAP_POLLABLE)) {
		CHECK_RC(rc, rc == 0 || rc == 1);
		return;
	}
	/* A library may be woken by its own affairs, a hub by a slot that comes; not for ever. */
	while (rc == 1 && (w->subject->backend->own_threads || comes) && ++wakes < 100) {
		if (comes)
			CHECK_EQ(ipc_recv(w->s, &slot, record, 1, IPC_NOWAIT), -EAGAIN);
		rc = ipc_wait(w->s, timeout_ns);
	}
	CHECK_EQ(rc, 0);
	CHECK(now_ns() - start >= (uint64_t)timeout_ns);
}

static void wait_receiver(struct world *w, unsigned slot)
{
	struct inbox inbox;

	inbox_open(&inbox, w);
	expect_timeout(w, 0);
	expect_timeout(w, 20000000);
	CHECK_EQ(inbox_recv(&inbox, w, &slot, 1, IPC_NOWAIT), -EAGAIN);
	gate_open(&w->board->gate[0]);
	do /* ready, yet nothing there, is allowed as for poll(2); but the record must come */
		CHECK_EQ(ipc_wait(w->s, (int64_t)LOST_MS * 1000000), 1);
	while (inbox_recv(&inbox, w, &slot, 1, IPC_NOWAIT) == -EAGAIN);
	CHECK_EQ((long long)inbox.total, 1);
	inbox_close(&inbox);
}

static void run_timeout(const struct subject *subject)
{
	world_duet(subject, wait_sender, wait_receiver);
}

/* ---- a stop and a continue while it waits (signal(7): some calls then fail with EINTR) ---- */

#define STOPS 20

/* Stops PID, once it sleeps, and lets it go on. */
static void interrupt(pid_t pid)
{
	await_state(pid, 'S');
	CHECK_EQ(kill(pid, SIGSTOP), 0);
	await_state(pid, 'T');
	CHECK_EQ(kill(pid, SIGCONT), 0);
}

static void stopped_receiver(struct world *w, unsigned slot)
{
	struct inbox inbox;

	(void)slot;
	inbox_open(&inbox, w);
	inbox_until(&inbox, w, STOPS, 1);
	inbox_close(&inbox);
}

/*
 * The worker waits for a record, and in the other direction for room: so all the records of the
 * rule, more than a queue holds, however it was built.
 */
static void stopped_sender(struct world *w, unsigned slot)
{
	struct stream stream = { .first = id_of(slot, 0, 0),
				 .count = (uint64_t)w->subject->rule->count,
				 .batch = 8,
				 .rng = rng_for(22) };

	CHECK_EQ(stream_send(w, slot, &stream), 0);
	worker_farewell(w);
}

static void run_stop(const struct subject *subject)
{
	bool to_hub = subject->direction == IPC_TO_HUB;
	struct inbox inbox;
	struct world w;
	char record[56];
	unsigned i;

	world_open(&w, subject, 1);
	world_spawn(&w, 0, to_hub ? stopped_sender : stopped_receiver);
	inbox_open(&inbox, &w);
	for (i = 0; i < STOPS; i++) {
		interrupt(w.worker[0].pid);
		if (to_hub) {
			inbox_until(&inbox, &w, inbox.total + 50, 8);
		} else {
			record_fill(record, w.record, id_of(0, 0, i));
			CHECK_EQ(ipc_send(w.s, 0, record, 1, 0), 1);
		}
	}
	if (to_hub)
		inbox_until(&inbox, &w, subject->rule->count, 64);
	inbox_close(&inbox);
	world_close(&w);
}

/* The hub is the one that is stopped, in its many-slots wait: by its worker. */
static void stopping_worker(struct world *w, unsigned slot)
{
	char record[56];
	unsigned i;

	for (i = 0; i < STOPS; i++) {
		interrupt(w->hub.pid);
		record_fill(record, w->record, id_of(slot, 0, i));
		CHECK_EQ(ipc_send(w->s, slot, record, 1, 0), 1);
		gate_await(&w->board->gate[0], i + 1);
	}
	worker_farewell(w);
}

static void run_hub_stop(const struct subject *subject)
{
	struct inbox inbox;
	struct world w;
	unsigned i;

	world_open(&w, subject, 2);
	world_spawn(&w, 0, stopping_worker);
	world_spawn(&w, 1, worker_idle);
	inbox_open(&inbox, &w);
	for (i = 0; i < STOPS; i++) {
		inbox_until(&inbox, &w, i + 1, 1);
		gate_open(&w.board->gate[0]);
	}
	inbox_close(&inbox);
	world_close(&w);
}

/* ---- a call that must not wait does not sleep, not even as long as its own limit allows ---- */

#define TRIES 5 /* a busy kernel may make one of them sleep, too */

static long sleeps(void)
{
	struct rusage usage;

	CHECK_EQ(getrusage(RUSAGE_THREAD, &usage), 0);
	return usage.ru_nvcsw;
}

static void prompt_sender(struct world *w, unsigned slot)
{
	unsigned tries, slept = 0;
	char record[56];
	uint64_t sent;
	ssize_t rc;
	long before;

	gate_await(&w->board->gate[0], 1);
	sent = stream_fill(w, slot, 0);
	for (tries = 0; tries < TRIES; tries++) {
		record_fill(record, w->record, id_of(slot, 0, sent));
		before = sleeps();
		rc = ipc_send(w->s, slot, record, 1, IPC_NOWAIT);
		slept += sleeps() != before;
		CHECK_RC(rc, rc == -EAGAIN || rc == 1); /* a library goes on with its own work */
		sent += rc == 1;
	}
	CHECK(slept < TRIES);
	atomic_store(&w->board->value[0], sent);
	gate_open(&w->board->gate[1]);
	worker_farewell(w);
}

static void prompt_receiver(struct world *w, unsigned slot)
{
	unsigned tries, slept = 0;
	struct inbox inbox;
	long before;

	inbox_open(&inbox, w);
	for (tries = 0; tries < TRIES; tries++) {
		before = sleeps();
		CHECK_EQ(inbox_recv(&inbox, w, &slot, 1, IPC_NOWAIT), -EAGAIN);
		slept += sleeps() != before;
	}
	CHECK(slept < TRIES);
	gate_open(&w->board->gate[0]);
	gate_await(&w->board->gate[1], 1);
	inbox_until(&inbox, w, atomic_load(&w->board->value[0]), 16);
	inbox_close(&inbox);
}

static void run_prompt(const struct subject *subject)
{
	world_duet(subject, prompt_sender, prompt_receiver);
}

const struct rule contract_wait_rules[] = {
	/* 20,000 round trips are 40,000 wake-ups, each of which is the only one that can come. */
	{ .name = "wake-up, 1 slot",
	  .run = run_wake,
	  .slots = 1,
	  .count = 20000,
	  .needs = IPC_CAP_POLLABLE },
	{ .name = "wake-up, 4 slots",
	  .run = run_wake,
	  .flags = RULE_JOINED,
	  .slots = 4,
	  .count = 1000 },
	{ .name = "wake-up, old kernel",
	  .run = run_wake,
	  .slots = 2,
	  .count = 500,
	  .flags = RULE_OLD_KERNEL },
	{ .name = "room, 1 slot",
	  .run = run_room,
	  .slots = 1,
	  .count = 20000,
	  .flags = RULE_BOTH_WAYS },
	{ .name = "room, 3 slots",
	  .run = run_room,
	  .slots = 3,
	  .count = 20000,
	  .flags = RULE_BOTH_WAYS | RULE_JOINED },
	{ .name = "timeout, 1 slot", .run = run_timeout, .slots = 1, .flags = RULE_BOTH_WAYS },
	{ .name = "timeout, 3 slots",
	  .run = run_timeout,
	  .slots = 3,
	  .flags = RULE_BOTH_WAYS | RULE_JOINED | RULE_EXECUTED },
	{ .name = "not to wait, 1 slot", .run = run_prompt, .slots = 1, .flags = RULE_BOTH_WAYS },
	{ .name = "not to wait, 3 slots", .run = run_prompt, .slots = 3, .flags = RULE_BOTH_WAYS },
	{ .name = "not to wait, old kernel",
	  .run = run_prompt,
	  .slots = 1,
	  .flags = RULE_BOTH_WAYS | RULE_OLD_KERNEL },
	{ .name = "stop and continue, block",
	  .run = run_stop,
	  .count = 10000,
	  .flags = RULE_BOTH_WAYS | RULE_JOINED,
	  .strategy = IPC_BLOCK },
	{ .name = "stop and continue, poll",
	  .run = run_stop,
	  .count = 10000,
	  .flags = RULE_BOTH_WAYS,
	  .strategy = IPC_POLL },
	{ .name = "stop and continue, hub", .run = run_hub_stop },
	{ .name = NULL },
};
