/* SPDX-License-Identifier: MIT */
/*
 * round.c - see round.h: a new hub process, pinned to its CPU, and its new slots.
 *
 * They are new in each round, because addresses, page placement and a mechanism's caches differ
 * from process to process. With one long-lived pair, that chance would be part of every sample;
 * here it is part of the spread between rounds. The coordinator ends a round that hangs.
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
#include "common/language.h"
#include "common/spawn.h"

#define RECV_BYTES       262144u /* the most that a receiver of a stream takes at once */
#define RECV_RECORDS     64u
#define PACKET           4096u /* bytes of the longest batch that is one packet */
#define CACHE_LINE_TRIPS 2000u
#define GRACE_MS         100 /* between the end of a slot's channel and its own */

/* What these processes measure: a row, and its floor if the two take turns. */
struct round_links {
	struct link link[2];
	unsigned n;
};

struct slot_start {
	struct round_links *links;
	unsigned slot;
	struct ipc_peer hub;
};

/* For a row of shared memory: the host may have moved the virtual CPUs closer or further apart. */
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

/* The buffer for one call's records, touched so that page faults are not measured. */
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

/* A fork does not map pages of shared memory into the child: touches them. */
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

/* ---- parts ---- */

static void add_usage(struct usage *sum, const struct usage *more)
{
	const bool hidden = sum->syscalls == UINT64_MAX || more->syscalls == UINT64_MAX;

	sum->records += more->records;
	sum->cpu_ns += more->cpu_ns;
	sum->syscalls = hidden ? UINT64_MAX : sum->syscalls + more->syscalls;
	sum->ctxsw += more->ctxsw;
	sum->faults += more->faults;
}

/* Measures one part. The loops count from 0, so the counts of earlier parts are added. */
static int hub_part(struct link *l, unsigned slot)
{
	struct area *area = l->area;
	const struct usage usage = area->hub.usage;
	const uint64_t records = area->records;
	const size_t samples_n = area->samples_n;
	int rc = l->ops->hub(l);

	(void)slot;
	if (rc < 0)
		return fail(&area->hub, rc, N_("measuring"));
	if (l->parts == 1) /* in some modes the slot writes samples_n */
		return 0;
	add_usage(&area->hub.usage, &usage);
	area->records += records;
	l->samples += area->samples_n;
	area->samples_n += samples_n;
	area->part_end[l->part] = area->samples_n;
	area->parts = l->part + 1;
	return 0;
}

static int slot_part(struct link *l, unsigned slot)
{
	struct side *side = &l->area->slot[slot];
	const struct usage usage = side->usage;
	int rc = l->ops->slot(l, slot);

	if (rc < 0)
		return fail(side, rc, N_("answering"));
	if (l->parts > 1)
		add_usage(&side->usage, &usage);
	return 0;
}

/*
 * The speed of a machine changes within milliseconds, by more than our library costs. So two
 * figures that will be divided are measured in small parts, in turn (a b, b a, a b ...).
 */
static int in_turn(struct round_links *links, unsigned slot,
		   int (*run)(struct link *link, unsigned slot))
{
	unsigned part, i;
	int rc = 0;

	for (part = 0; part < links->link[0].parts; part++)
		for (i = 0; i < links->n && rc == 0; i++) {
			struct link *l = &links->link[(i + part) % links->n];

			l->part = part;
			rc = run(l, slot);
		}
	return rc;
}

static unsigned parts_of(const struct link_job *job)
{
	const struct options *o = job->bench->options;
	unsigned n = o->count ? o->count / job->axes->block : o->round_ms; /* 1 ms each, or more */

	if (!job->beside || n == 0)
		return 1;
	return n < BENCH_PARTS_MAX ? n : BENCH_PARTS_MAX;
}

/* ---- the slot's process ---- */

static int slot_run(struct round_links *links, unsigned slot, const struct ipc_peer *hub)
{
	unsigned i;
	int rc = 0;

	for (i = 0; i < links->n; i++) {
		struct link *l = &links->link[i];

		rc = l->ops->attach(l, slot, IPC_SLOT, hub);
		if (rc < 0)
			return fail(&l->area->slot[slot], rc, N_("attach"));
	}
	rc = in_turn(links, slot, slot_part);
	for (i = 0; i < links->n && rc == 0; i++)
		measure_cache_line(&links->link[i], false);
	return rc;
}

/* The CPU of SLOT: several slots spread over the CPUs that the hub does not use. */
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

static int make_all_records(struct round_links *links)
{
	unsigned i;
	int rc = 0;

	for (i = 0; i < links->n && rc == 0; i++)
		rc = make_records(&links->link[i]);
	return rc;
}

static void close_links(struct round_links *links)
{
	unsigned i;

	for (i = 0; i < links->n; i++) {
		links->link[i].ops->close(&links->link[i]);
		free(links->link[i].records);
	}
}

static int slot_main(void *arg)
{
	const struct slot_start *start = arg;
	struct round_links *links = start->links;
	struct link *l = &links->link[0];
	struct ipc_peer hub = start->hub;
	int rc = link_pin(slot_cpu(l, start->slot));

	if (rc < 0)
		return fail(&l->area->slot[start->slot], rc, N_("pin to its CPU")), 1;
	if (l->axes->mode == MODE_ONEWAY)
		touch(l->samples, l->room);
	if (make_all_records(links) < 0)
		return 1;
	rc = slot_run(links, start->slot, &hub);
	close_links(links);
	return rc < 0;
}

/* ---- the hub's process ---- */

/* Starts SLOT and attaches to it. */
static int start_slot(struct round_links *links, unsigned slot, struct child *child,
		      const struct ipc_peer *self)
{
	struct slot_start start = { .links = links, .slot = slot, .hub = *self };
	struct ipc_peer peer;
	unsigned i;
	int rc;

	for (i = 0; i < links->n; i++) {
		struct link *l = &links->link[i];

		rc = l->ops->arm ? l->ops->arm(l, slot) : 0;
		if (rc < 0)
			return fail(&l->area->hub, rc, N_("arm"));
	}
	rc = spawn(child, "bench-slot", slot_main, &start);
	if (rc < 0)
		return fail(&links->link[0].area->hub, rc, N_("fork"));
	peer = (struct ipc_peer){ .pid = child->pid, .pidfd = child->pidfd };
	for (i = 0; i < links->n; i++) {
		struct link *l = &links->link[i];

		rc = l->ops->attach(l, slot, IPC_HUB, &peer);
		if (rc < 0)
			return fail(&l->area->hub, rc, N_("attach"));
	}
	return 0;
}

/* Reaps CHILD, which is about to end; after a failure kills it if it does not. Its status. */
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

/* Reaps all slots; stores in the area how one of them failed. */
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
				       _("the other process was killed by signal %d"),
				       WTERMSIG(status));
	}
	return bad;
}

static void explain(struct link *l)
{
	const struct side *side = &l->area->hub;
	const char *who = _("hub");
	unsigned slot;

	for (slot = 0; slot < l->axes->senders; slot++)
		if (l->area->slot[slot].rc < 0 &&
		    (side->rc == 0 || l->area->slot[slot].rc != -EPIPE)) {
			side = &l->area->slot[slot];
			who = _("slot");
			break;
		}
	if (l->area->reason[0] == '\0' && side->rc < 0)
		(void)snprintf(l->area->reason, sizeof l->area->reason, _("%s, %s: %s"), who,
			       _(side->what),
			       side->rc == -EBADMSG ? _("a record was lost or changed") :
						      language_errno(-side->rc));
}

static int hub_run(struct round_links *links, struct child *children)
{
	struct ipc_peer self = { .pid = getpid(), .pidfd = pidfd_open(getpid(), 0) };
	unsigned i;
	int rc = self.pidfd < 0 ? -errno : 0;

	for (i = 0; i < links->n && rc == 0; i++)
		rc = links->link[i].ops->open(&links->link[i]);
	if (rc < 0)
		return fail(&links->link[0].area->hub, rc, N_("open"));
	for (i = 0; i < links->link[0].axes->senders; i++) {
		rc = start_slot(links, i, &children[i], &self);
		if (rc < 0)
			return rc;
	}
	rc = in_turn(links, 0, hub_part);
	for (i = 0; i < links->n && rc == 0; i++)
		measure_cache_line(&links->link[i], true);
	return rc;
}

static const struct link_ops *ops_of(const struct axes *axes)
{
	const char *reason;

	return axes->api == API_IPC ? &link_ipc : floor_find(axes, &reason);
}

static void set_up(struct link *l, const struct link_job *job, unsigned parts)
{
	*l = (struct link){
		.ops = ops_of(job->axes),
		.bench = job->bench,
		.axes = job->axes,
		.options = job->bench->options,
		.clock = &job->bench->clock,
		.wait = job->axes->api == API_IPC ? job->axes->wait : floor_wait(job->axes),
		.dir = job->dir[0] ? job->dir : NULL,
		.area = job->area,
		.parts = parts,
		.samples = job->samples,
		.lags = job->lags,
		.room = job->bench->options->count ? job->room : job->room / parts,
	};
	touch(l->samples, job->axes->mode == MODE_THROUGHPUT ? 0 : job->room);
	touch(l->lags, job->axes->rate > 0 ? job->room : 0);
}

int round_main(void *arg)
{
	const struct link_job *job = arg;
	struct child children[SENDERS_MAX];
	struct round_links links = { .n = job->beside ? 2 : 1 };
	struct link *l = &links.link[0];
	unsigned parts = parts_of(job), slot, i;
	int rc = link_pin(job->axes->place.hub);

	set_up(l, job, parts);
	if (job->beside)
		set_up(&links.link[1], job->beside, parts);
	for (slot = 0; slot < SENDERS_MAX; slot++)
		children[slot] = CHILD_NONE;
	(void)prctl(PR_SET_TIMERSLACK, 1); /* for the pacing; a failure only makes it late */
	if (rc < 0)
		fail(&l->area->hub, rc, N_("pin to its CPU"));
	else
		rc = make_all_records(&links);
	if (rc == 0)
		rc = hub_run(&links, children);
	if (reap_slots(l, children, rc < 0) < 0)
		rc = -ECHILD;
	close_links(&links);
	if (rc < 0)
		explain(l);
	for (i = 0; i < links.n; i++)
		links.link[i].area->complete = rc == 0;
	return rc < 0;
}
