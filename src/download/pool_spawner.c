/* SPDX-License-Identifier: MIT */
/*
 * pool_spawner.c - starts the workers of a large pool by a helper process (spawner in spawn.h): it
 * was forked before the first of them, and holds nothing of any. An order is a worker's two
 * tickets, whose descriptors go to the helper and from there to the worker alone.
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "download/pool_internal.h"

#define WORKERS_MIN 64 /* fewer cost less than the helper does, and are children like any others */

struct order {
	unsigned slot;
	struct pool_ends ends;
	bool reports; /* the last descriptor is the one of worker_setup */
};

_Static_assert(sizeof(struct order) <= SPAWNER_ORDER_BYTES, "it fits into one message");

bool pool_has_tickets(const struct pool *pool)
{
	return ipc_session_info(pool->events)->capabilities & IPC_CAP_JOIN;
}

struct worker_setup pool_worker_setup(const struct pool *pool, unsigned slot,
				      const struct pool_ends *ends)
{
	const struct batch_settings *settings = pool->batch->settings;
	struct worker_setup setup = { .sandbox = pool->sandbox,
				      .report = -1,
				      .events = pool->events,
				      .commands = pool->commands,
				      .slot = slot,
				      .hub = pool->hub,
				      .dirs = settings->dirs,
				      .fetch = settings->fetch,
				      .remote_time = settings->remote_time };

	if (pool_has_tickets(pool)) {
		setup.events_ticket = ends->events.text;
		setup.commands_ticket = ends->commands.text;
	}
	return setup;
}

size_t pool_shared_descriptors(const struct pool *pool, int keep[POOL_SHARED_MAX])
{
	const struct output_dirs *dirs = &pool->batch->settings->dirs;
	size_t n = 0;
	unsigned i;

	for (i = 0; i < dirs->count; i++)
		keep[n++] = output_dirs_fd(dirs, i);
	keep[n++] = pool->hub.pidfd;
	keep[n++] = pool->sandbox.ruleset;
	keep[n++] = pool->sandbox.filter;
	return n;
}

/* ---- in the worker ---- */

/* The descriptors of TICKET are the next of FDS. Returns how many, or -errno. */
static int take_descriptors(struct ipc_ticket *ticket, const int *fds)
{
	int rc, count = 0;
	size_t i;

	for (i = 0; i < IPC_TICKET_FDS; i++)
		if (ticket->fds[i] >= 0)
			ticket->fds[i] = fds[count++];
	rc = ipc_ticket_moved(ticket);
	return rc < 0 ? rc : count;
}

static int carry_out(void *arg, const struct spawn_order *sent)
{
	const struct pool *pool = arg;
	struct worker_setup setup;
	struct order order;
	int events, commands;

	memcpy(&order, sent->bytes, sizeof order);
	events = take_descriptors(&order.ends.events, sent->fds);
	if (events < 0)
		return WORKER_BROKEN;
	commands = take_descriptors(&order.ends.commands, sent->fds + events);
	if (commands < 0)
		return WORKER_BROKEN;
	setup = pool_worker_setup(pool, order.slot, &order.ends);
	if (order.reports)
		setup.report = sent->fds[events + commands];
	return worker_main(&setup);
}

/* ---- in the pool ---- */

void pool_open_spawner(struct pool *pool)
{
	const struct batch_settings *settings = pool->batch->settings;
	int keep[POOL_SHARED_MAX];
	const struct spawner_setup setup = { .name = "ipcdemo-worker",
					     .run = carry_out,
					     .arg = pool,
					     .keep = keep,
					     .keep_count = pool_shared_descriptors(pool, keep) };

	if (pool->size < WORKERS_MIN || settings->in_threads || settings->threads > 1 ||
	    settings->start != START_FORK || !pool_has_tickets(pool))
		return;
	(void)spawner_open(&pool->spawner, &setup); /* else we fork ourselves */
}

static size_t add_descriptors(const struct ipc_ticket *ticket, int *fds)
{
	size_t i, count = 0;

	for (i = 0; i < IPC_TICKET_FDS; i++)
		if (ticket->fds[i] >= 0)
			fds[count++] = ticket->fds[i];
	return count;
}

int pool_order(struct pool *pool, struct child *child, unsigned slot, const struct pool_ends *ends,
	       int report)
{
	struct order order = { .slot = slot, .ends = *ends, .reports = report >= 0 };
	int fds[2 * IPC_TICKET_FDS + 1];
	struct spawn_order sent = { .bytes = &order, .size = sizeof order, .fds = fds };
	int rc;

	if (pool->spawner.socket < 0)
		return -ENOTSUP;
	sent.count = add_descriptors(&ends->events, fds);
	sent.count += add_descriptors(&ends->commands, fds + sent.count);
	if (report >= 0)
		fds[sent.count++] = report;
	rc = spawner_spawn(&pool->spawner, child, &sent);
	if (rc == -EPIPE || rc == -ENOSYS || rc == -EINVAL || rc == -EPERM) {
		spawner_close(&pool->spawner);
		rc = -ENOTSUP;
	}
	if (rc == -ETOOMANYREFS) /* this user has many descriptors under way at the moment */
		rc = -ENOTSUP;
	return rc;
}
