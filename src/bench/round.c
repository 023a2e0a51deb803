/* SPDX-License-Identifier: MIT */
/*
 * round.c - see round.h: a new hub process, pinned to its CPU, and its new slots.
 *
 * They are new in each round, because addresses, page placement and what a mechanism caches differ
 * from process to process. In one long-lived pair that luck would be part of every sample; here it
 * is part of the spread between rounds. Whatever happens here, the coordinator has a deadline.
 */
#include "config.h"

#include "bench/round.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/floor.h"
#include "common/spawn.h"

#define RECV_BYTES       262144u /* what a receiver of a stream takes at once, at most */
#define RECV_RECORDS     64u
#define PACKET           4096u /* bytes of the longest batch in one packet, which must fit */
#define CACHE_LINE_TRIPS 2000u
#define GRACE_MS         100 /* between the end of a slot's channel and its own */

struct slot_start {
	struct link *link;
	unsigned slot;
	struct ipc_peer hub;
};

/* Beside a row of shared memory: the host may have moved the virtual CPUs closer or further. */
static void measure_cache_line(struct link *l, bool lead)
{
	double ticks;

	if (!ipc_info_find(l->axes->backend)->shared_memory ||
	    l->axes->place.hub == l->axes->place.slot || l->axes->senders > 1)
		return;
	ticks = link_cache_line(l->area, l->clock, lead, CACHE_LINE_TRIPS);
	if (lead)
		l->area->cache_line_ticks = ticks;
}

/* ---- set-up ---- */

/* One call's worth of records. Touched: the first page faults are not the mechanism's. */
static int make_records(struct link *l)
{
	size_t size = l->axes->size, least = PACKET / size + 1, bytes;

	l->cap = RECV_BYTES / size < RECV_RECORDS ? RECV_BYTES / size : RECV_RECORDS;
	if (l->cap < least)
		l->cap = least;
	if (l->cap < l->axes->batch)
		l->cap = l->axes->batch;
	bytes = (l->cap * size + 63) / 64 * 64;
	l->records = aligned_alloc(64, bytes);
	if (!l->records)
		return -ENOMEM;
	memset(l->records, 0x5a, bytes);
	return 0;
}

/* Pages of shared memory are not mapped into a child by the fork itself. */
static void touch(uint64_t *values, size_t n)
{
	size_t i;

	for (i = 0; i < n; i += 512)
		values[i] = 0;
}

static int fail(struct side *side, int rc, const char *what)
{
	side->rc = rc;
	(void)snprintf(side->what, sizeof side->what, "%s", what);
	return rc;
}

static int slot_run(struct link *l, unsigned slot, const struct ipc_peer *hub)
{
	struct side *side = &l->area->slot[slot];
	int rc = l->ops->attach(l, slot, IPC_SLOT, hub);

	if (rc < 0)
		return fail(side, rc, "attach");
	rc = l->ops->slot(l, slot);
	if (rc < 0)
		return fail(side, rc, "answering");
	measure_cache_line(l, false);
	return 0;
}

/* The CPU of SLOT: fan-in spreads over the CPUs that the hub does not use. */
static int slot_cpu(const struct link *l, unsigned slot)
{
	const struct place *place = &l->axes->place;
	const struct bench *bench = l->bench;
	size_t at = 0;

	if (place->hub == place->slot || slot == 0)
		return place->slot;
	while (at < bench->cpus_n && bench->cpus[at] != place->slot)
		at++;
	while (slot > 0) {
		at = (at + 1) % bench->cpus_n;
		slot -= bench->cpus[at] != place->hub;
	}
	return bench->cpus[at];
}

static int slot_main(void *arg)
{
	const struct slot_start *start = arg;
	struct link *l = start->link;
	struct ipc_peer hub = start->hub;
	int rc = link_pin(slot_cpu(l, start->slot));

	if (rc < 0)
		return fail(&l->area->slot[start->slot], rc, "pin to its CPU"), 1;
	if (l->axes->mode == MODE_ONEWAY)
		touch(l->samples, l->room);
	if (make_records(l) < 0)
		return 1;
	rc = slot_run(l, start->slot, &hub);
	l->ops->close(l);
	free(l->records);
	return rc < 0;
}

/* Starts SLOT and attaches to it. */
static int start_slot(struct link *l, unsigned slot, struct child *child,
		      const struct ipc_peer *self)
{
	struct slot_start start = { .link = l, .slot = slot, .hub = *self };
	struct ipc_peer peer;
	int rc = l->ops->arm ? l->ops->arm(l, slot) : 0;

	if (rc < 0)
		return fail(&l->area->hub, rc, "arm");
	rc = spawn(child, "bench-slot", slot_main, &start);
	if (rc < 0)
		return fail(&l->area->hub, rc, "fork");
	peer = (struct ipc_peer){ .pid = child->pid, .pidfd = child->pidfd };
	rc = l->ops->attach(l, slot, IPC_HUB, &peer);
	return rc < 0 ? fail(&l->area->hub, rc, "attach") : 0;
}

/* Reaps CHILD, which is about to end; after a failure it is killed if it does not. Its status. */
static int reap_slot(struct child *child, bool failed)
{
	struct pollfd ended = { .fd = child->pidfd, .events = POLLIN };
	int status = 0;

	if (failed && poll(&ended, 1, GRACE_MS) == 0) {
		child_kill(child, SIGKILL);
		(void)child_reap(child, true, &status);
		return 0;
	}
	return child_reap(child, true, &status) < 0 ? 0 : status;
}

/* Reaps all slots; the area says how one died that should not have. */
static int reap_slots(struct link *l, struct child *children, bool failed)
{
	unsigned slot;
	int bad = 0;

	for (slot = 0; slot < l->axes->senders; slot++) {
		int status = children[slot].pid ? reap_slot(&children[slot], failed) : 0;

		if (status != 0)
			bad = -ECHILD;
		if (WIFSIGNALED(status))
			(void)snprintf(l->area->reason, sizeof l->area->reason,
				       "the other process was killed by signal %d",
				       WTERMSIG(status));
	}
	return bad;
}

static void explain(struct link *l)
{
	const struct side *side = &l->area->hub;
	const char *who = "hub";
	unsigned slot;

	for (slot = 0; slot < l->axes->senders; slot++)
		if (l->area->slot[slot].rc < 0 &&
		    (side->rc == 0 || l->area->slot[slot].rc != -EPIPE)) {
			side = &l->area->slot[slot];
			who = "slot";
			break;
		}
	if (l->area->reason[0] == '\0' && side->rc < 0)
		(void)snprintf(l->area->reason, sizeof l->area->reason, "%s, %s: %s", who,
			       side->what,
			       side->rc == -EBADMSG ? "a record was lost or changed" :
						      strerror(-side->rc));
}

static int hub_run(struct link *l, struct child *children)
{
	struct ipc_peer self = { .pid = getpid(), .pidfd = pidfd_open(getpid(), 0) };
	unsigned slot;
	int rc = self.pidfd < 0 ? -errno : l->ops->open(l);

	if (rc < 0)
		return fail(&l->area->hub, rc, "open");
	for (slot = 0; slot < l->axes->senders; slot++) {
		rc = start_slot(l, slot, &children[slot], &self);
		if (rc < 0)
			return rc;
	}
	rc = l->ops->hub(l);
	if (rc < 0)
		return fail(&l->area->hub, rc, "measuring");
	measure_cache_line(l, true);
	return 0;
}

static const struct link_ops *ops_of(const struct axes *axes)
{
	const char *reason;

	return axes->api == API_IPC ? &link_ipc : floor_find(axes, &reason);
}

int round_main(void *arg)
{
	const struct link_job *job = arg;
	struct child children[SENDERS_MAX];
	struct link l = {
		.ops = ops_of(job->axes),
		.bench = job->bench,
		.axes = job->axes,
		.options = job->bench->options,
		.clock = &job->bench->clock,
		.wait = job->axes->api == API_IPC ? job->axes->wait : floor_wait(job->axes),
		.dir = job->dir[0] ? job->dir : NULL,
		.area = job->area,
		.samples = job->samples,
		.lags = job->lags,
		.room = job->room,
	};
	unsigned slot;
	int rc = link_pin(job->axes->place.hub);

	for (slot = 0; slot < SENDERS_MAX; slot++)
		children[slot] = CHILD_NONE;
	(void)prctl(PR_SET_TIMERSLACK, 1); /* for the pacing; a failure only makes it late */
	if (rc < 0)
		fail(&l.area->hub, rc, "pin to its CPU");
	else
		rc = make_records(&l);
	touch(l.samples, job->axes->mode == MODE_THROUGHPUT ? 0 : l.room);
	touch(l.lags, job->axes->rate > 0 ? l.room : 0);
	if (rc == 0)
		rc = hub_run(&l, children);
	if (reap_slots(&l, children, rc < 0) < 0)
		rc = -ECHILD;
	l.ops->close(&l);
	free(l.records);
	if (rc < 0)
		explain(&l);
	else
		l.area->complete = true;
	return rc < 0;
}
