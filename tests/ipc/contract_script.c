/* SPDX-License-Identifier: MIT */
/*
 * contract_script.c - a random script of events leaves the same trace, slot by slot, over every
 * mechanism.
 *
 * The seed decides what happens: which worker sends how many records, in which batches, when the
 * hub looks, how much it takes and how it waits, who is killed and replaced, with how much
 * unread. The trace of a slot is the line of its records and of its owners' ends, as the hub
 * learns them. The script says what that must be, and the digests of all traces are compared too.
 *
 * Over a mechanism that is not DURABLE a worker is killed only once all it sent was read: that
 * leaves the trace as it is.
 */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tests/ipc/contract.h"

#define SLOTS   6
#define TOLD_NS 5000000000 /* an end that has not been told by then never is */

struct script {
	struct world w; /* session[0] to the hub, session[1] from it: orders, a number of records */
	struct rng rng; /* of what happens */
	struct rng timing; /* of how: drawn from more or less often, as the mechanism is fast */
	struct inbox inbox;
	uint64_t ordered[SLOTS]; /* the id after the last that the slot's owner was told to send */
	unsigned generation[SLOTS];
	uint64_t digest[SLOTS]; /* of the trace */
};

/* FNV-1a, a word at a time. */
static void trace(struct script *x, unsigned slot, uint64_t event)
{
	x->digest[slot] = (x->digest[slot] ^ event) * 0x100000001b3;
}

/* An owner does as it is told: an order is a record with the id to begin at, and how many. */
static void obedient(struct world *w, unsigned slot)
{
	struct stream stream = { .batch = 11, .rng = rng_for(slot + 70) };
	uint64_t order[7];
	unsigned from;

	for (;;) {
		CHECK_EQ(ipc_recv(w->session[1], &from, order, 1, 0), 1);
		CHECK_EQ(from, slot);
		stream.first = order[0];
		stream.count = order[1];
		CHECK_EQ(stream_send(w, slot, &stream), 0);
	}
}

static void appoint(struct script *x, unsigned slot)
{
	x->ordered[slot] = x->inbox.next[slot] = id_of(slot, x->generation[slot], 0);
	atomic_store(&x->w.board->acked[slot], 0);
	world_spawn(&x->w, slot, obedient);
}

/* One call; what comes is in order, or inbox_recv fails the rule. */
static bool look(struct script *x, unsigned flags)
{
	uint64_t before[SLOTS];
	unsigned slot;
	ssize_t rc;

	memcpy(before, x->inbox.next, sizeof before);
	rc = inbox_recv(&x->inbox, &x->w, &slot, 1 + rng_below(&x->timing, 20), flags);
	if (rc == -EAGAIN)
		return false;
	CHECK_RC(rc, rc > 0); /* nobody ends but by our hand, and then drain() sees it */
	for (; before[slot] < x->inbox.next[slot]; before[slot]++)
		trace(x, slot, before[slot]);
	CHECK(x->inbox.next[slot] <= x->ordered[slot]);
	return true;
}

static void give_order(struct script *x, unsigned slot)
{
	uint64_t order[7] = { x->ordered[slot], 1 + rng_below(&x->rng, 200) };
	ssize_t rc;

	/* What is under way is bounded, so that orders never pile up before a worker that waits. */
	while (x->ordered[slot] - x->inbox.next[slot] > 400)
		(void)look(x, 0);
	/* Where both sessions share a quota the events may fill it: so no blocking call here. */
	while ((rc = ipc_send(x->w.session[1], slot, order, 1, IPC_NOWAIT)) == -EAGAIN)
		if (!look(x, IPC_NOWAIT))
			(void)ipc_wait(x->w.session[1], 1000000);
	CHECK_EQ(rc, 1);
	x->ordered[slot] += order[1];
}

static bool anything_due(const struct script *x)
{
	unsigned slot;

	for (slot = 0; slot < SLOTS; slot++)
		if (x->inbox.next[slot] < x->ordered[slot])
			return true;
	return false;
}

/*
 * All that it was told to send, then its end. Records of the others come in between. Not compared
 * with what was acknowledged: a worker may die after a record has come and before it says so. By
 * the network nothing tells of one that was killed before it had come: it has sent nothing.
 */
static void drain(struct script *x, unsigned slot)
{
	const bool told = can(&x->w, IPC_CAP_EOF) &&
			  !(x->w.subject->networked &&
			    x->ordered[slot] == id_of(slot, x->generation[slot], 0));
	uint64_t before[SLOTS];
	unsigned from;
	ssize_t rc;

	for (;;) {
		memcpy(before, x->inbox.next, sizeof before);
		rc = inbox_recv(&x->inbox, &x->w, &from, 16, IPC_NOWAIT);
		if (rc == -EAGAIN && told) /* the end may still be on its way */
			CHECK_EQ(ipc_wait(x->w.s, TOLD_NS), 1);
		else if (rc == -EAGAIN || (rc == 0 && from == slot))
			break;
		for (; rc > 0 && before[from] < x->inbox.next[from]; before[from]++)
			trace(x, from, before[from]);
	}
	CHECK_EQ((long long)x->inbox.next[slot], (long long)x->ordered[slot]);
}

/* A worker's death, once all that it was told to send is acknowledged, or read. */
static void kill_owner(struct script *x, unsigned slot)
{
	uint64_t first = id_of(slot, x->generation[slot], 0);
	bool unread = rng_below(&x->rng, 2) && can(&x->w, IPC_CAP_DURABLE);
	struct timespec nap = { .tv_nsec = 100000 };

	while (atomic_load(&x->w.board->acked[slot]) < x->ordered[slot] - first ||
	       (!unread && x->inbox.next[slot] < x->ordered[slot]))
		if (!look(x, IPC_NOWAIT))
			(void)nanosleep(&nap, NULL);
	CHECK_EQ(kill(x->w.worker[slot].pid, SIGKILL), 0);
	world_reap(&x->w, slot, SIGKILL);
	drain(x, slot);
	trace(x, slot, UINT64_MAX); /* its end */
	world_detach(&x->w, slot);
	x->generation[slot]++;
	appoint(x, slot);
}

static void step(struct script *x)
{
	static const enum ipc_strategy strategies[] = { IPC_BLOCK, IPC_POLL, IPC_ADAPTIVE };
	unsigned slot = rng_below(&x->rng, SLOTS), dice = rng_below(&x->rng, 100);

	if (dice < 40)
		give_order(x, slot);
	else if (dice < 70)
		(void)look(x, IPC_NOWAIT);
	else if (dice < 90 && anything_due(x))
		(void)look(x, 0);
	else if (dice < 95)
		ipc_set_strategy(x->w.s, strategies[rng_below(&x->timing, 3)]);
	else if (dice < 98)
		dawdle(&x->timing);
	else
		kill_owner(x, slot);
}

static void run_script(const struct subject *subject)
{
	struct script x = { .rng = rng_for(71), .timing = rng_for(72) };
	uint64_t digest = 0, first = 0;
	unsigned slot, i;

	world_open(&x.w, subject, SLOTS);
	world_also(&x.w, IPC_FROM_HUB);
	inbox_open(&x.inbox, &x.w);
	for (slot = 0; slot < SLOTS; slot++)
		appoint(&x, slot);
	for (i = 0; i < subject->count; i++)
		step(&x);
	while (anything_due(&x))
		(void)look(&x, 0);
	for (slot = 0; slot < SLOTS; slot++)
		digest = digest * 31 + x.digest[slot];
	/* The first mechanism's is the measure for all the others. */
	if (atomic_compare_exchange_strong(contract_digest, &first, digest))
		printf("contract: digest of all traces %016llx\n", (unsigned long long)digest);
	else
		CHECK_EQ((long long)digest, (long long)first);
	inbox_close(&x.inbox);
	world_kill_and_close(&x.w);
}

const struct rule contract_script_rules[] = {
	{ .name = "script", .run = run_script, .count = 4000 },
	{ .name = NULL },
};
