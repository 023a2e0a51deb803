/* SPDX-License-Identifier: MIT */
/*
 * plan.c - the product of the axes: the rows, and what is left out and why.
 *
 * The order is the order of display: what differs only in the mechanism stands together, because
 * that is what may be compared.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/link.h"
#include "bench/topology.h"

static int skip(struct bench *bench, const struct bench_axes *axes, bool unavailable,
		const char *reason)
{
	struct bench_plan *plan = &bench->plan;
	struct bench_skip *grown;

	if (plan->skips_n == plan->skips_room) {
		size_t room = plan->skips_room ? 2 * plan->skips_room : 16;

		grown = reallocarray(plan->skips, room, sizeof *grown);
		if (!grown)
			return -ENOMEM;
		plan->skips = grown;
		plan->skips_room = room;
	}
	grown = &plan->skips[plan->skips_n++];
	*grown = (struct bench_skip){ .axes = *axes, .unavailable = unavailable };
	(void)snprintf(grown->reason, sizeof grown->reason, "%s", reason);
	return 0;
}

/* A new row at AT. NULL: no memory. */
static struct bench_row *insert(struct bench *bench, size_t at, const struct bench_axes *axes)
{
	struct bench_plan *plan = &bench->plan;
	struct bench_row *row = calloc(1, sizeof *row);
	struct bench_row **grown;

	if (plan->rows_n == plan->rows_room) {
		size_t room = plan->rows_room ? 2 * plan->rows_room : 32;

		grown = reallocarray(plan->rows, room, sizeof *grown);
		if (grown) {
			plan->rows = grown;
			plan->rows_room = room;
		}
	}
	if (row)
		row->round = calloc(bench->options->rounds, sizeof *row->round);
	if (!row || !row->round || plan->rows_n == plan->rows_room) {
		free(row ? row->round : NULL);
		free(row);
		return NULL;
	}
	row->axes = *axes;
	memmove(plan->rows + at + 1, plan->rows + at, (plan->rows_n - at) * sizeof *plan->rows);
	plan->rows[at] = row;
	plan->rows_n++;
	return row;
}

/* A row of ours at AT, and its floor if asked for. */
static int insert_pair(struct bench *bench, size_t at, const struct bench_axes *axes,
		       struct bench_row **ours)
{
	struct bench_axes floor = *axes;
	const char *reason;

	*ours = insert(bench, at, axes);
	if (!*ours)
		return -ENOMEM;
	if (!bench->options->floor)
		return 0;
	floor.api = BENCH_FLOOR;
	if (!floor_find(&floor, &reason))
		return skip(bench, &floor, false, reason);
	(*ours)->floor = insert(bench, at + 1, &floor);
	return (*ours)->floor ? 0 : -ENOMEM;
}

int bench_plan_block(struct bench *bench, struct bench_row *row)
{
	struct bench_axes axes = row->axes;
	size_t at = 0;

	if (row->block || axes.block > 1)
		return 0;
	while (bench->plan.rows[at] != row)
		at++;
	axes.block = BENCH_BLOCK;
	return insert_pair(bench, at + (row->floor ? 2 : 1), &axes, &row->block);
}

/* Why this combination makes no sense; NULL: it does. TEXT is room for the reason. */
static const char *senseless(const struct bench *bench, const struct bench_axes *axes, char *text,
			     size_t room)
{
	const struct ipc_info *info = ipc_info_find(axes->backend);
	bool trips = axes->mode != BENCH_THROUGHPUT;

	if (info && axes->size > info->record_limit) {
		(void)snprintf(text, room,
			       "a record of %zu bytes is over the mechanism's limit of %zu",
			       axes->size, info->record_limit);
		return text;
	}
	if (axes->wait == IPC_SPIN && axes->place.hub == axes->place.slot)
		return "spinning on the CPU that the other end needs: each turn would last a "
		       "whole time slice";
	if (axes->wait == IPC_SPIN && axes->senders >= bench->cpus_n && axes->senders > 1)
		return "more spinning processes than CPUs";
	if (trips && axes->senders > 1)
		return "a round trip has one sender at a time; several are for --mode=throughput";
	if (trips && axes->batch > 1)
		return "a round trip carries one record; batches are for --mode=throughput";
	if (!trips && axes->rate > 0)
		return "a stream goes as fast as it can; a rate is for --mode=latency or oneway";
	if (axes->mode == BENCH_ONEWAY && axes->size < 16)
		return "the sender's stamp travels in the record, which needs 16 bytes";
	return NULL;
}

static int add(struct bench *bench, const struct bench_axes *axes)
{
	struct bench_row *row;
	char text[BENCH_REASON];
	const char *reason = senseless(bench, axes, text, sizeof text);

	if (reason)
		return skip(bench, axes, false, reason);
	return insert_pair(bench, bench->plan.rows_n, axes, &row);
}

/* ---- mechanisms ---- */

/* Is NAME asked for? Names given twice count once, in the registry's order. */
static bool wanted(const struct bench_options *options, const char *name)
{
	size_t i;

	for (i = 0; options->ipc[i]; i++)
		if (strcmp(options->ipc[i], name) == 0 || strcmp(options->ipc[i], "all") == 0)
			return true;
	return false;
}

static int each_mechanism(struct bench *bench, struct bench_axes *axes)
{
	const struct ipc_info *info;
	char reason[BENCH_REASON];
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && (info = ipc_info_at(i)); i++) {
		axes->backend = info->name;
		if (wanted(bench->options, info->name) &&
		    ipc_probe(info->name, reason, sizeof reason) == 0)
			rc = add(bench, axes);
	}
	return rc;
}

/* Said once for each mechanism, not for each combination. */
static int skip_unavailable(struct bench *bench)
{
	struct bench_axes axes = { .backend = NULL };
	const struct ipc_info *info;
	char text[BENCH_REASON];
	const char *reason;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && (info = ipc_info_at(i)); i++) {
		axes.backend = info->name;
		if (wanted(bench->options, info->name) &&
		    ipc_probe(info->name, text, sizeof text) < 0)
			rc = skip(bench, &axes, true, text);
	}
	for (i = 0; rc == 0 && (axes.backend = ipc_missing_at(i, &reason)); i++)
		if (wanted(bench->options, axes.backend))
			rc = skip(bench, &axes, true, reason);
	return rc;
}

/* ---- the other axes, from the inside out ---- */

static int each_wait(struct bench *bench, struct bench_axes *axes)
{
	unsigned wait;
	int rc = 0;

	for (wait = 0; wait < BENCH_WAITS && rc == 0; wait++) {
		axes->wait = (enum ipc_strategy)wait;
		if (bench->options->waits & 1u << wait)
			rc = each_mechanism(bench, axes);
	}
	return rc;
}

static int at_pair(struct bench *bench, struct bench_axes *axes, const struct topo *topo, int hub,
		   int slot)
{
	axes->place.hub = hub;
	axes->place.slot = slot;
	axes->place.nearest = topo_nearest(topo, hub, slot);
	if (bench->base.line_place.hub == bench->base.line_place.slot)
		bench->base.line_place = axes->place;
	return each_wait(bench, axes);
}

static int all_pairs(struct bench *bench, struct bench_axes *axes, const struct topo *topo)
{
	size_t a, b;
	int rc = 0;

	for (a = 0; a < bench->cpus_n && rc == 0; a++)
		for (b = a; b < bench->cpus_n && rc == 0; b++) {
			(void)snprintf(axes->place.name, sizeof axes->place.name, "cpu%d-cpu%d",
				       bench->cpus[a], bench->cpus[b]);
			rc = at_pair(bench, axes, topo, bench->cpus[a], bench->cpus[b]);
		}
	return rc;
}

static int each_place(struct bench *bench, struct bench_axes *axes, const struct topo *topo)
{
	const char *reason;
	int pair[2], rc = 0;
	size_t i;

	for (i = 0; bench->options->places[i] && rc == 0; i++) {
		const char *name = bench->options->places[i];

		if (strcmp(name, "all") == 0) {
			rc = all_pairs(bench, axes, topo);
			continue;
		}
		(void)snprintf(axes->place.name, sizeof axes->place.name, "%s", name);
		axes->backend = NULL;
		axes->place.hub = axes->place.slot = -1;
		if (topo_pair(topo, name, pair, &reason) < 0)
			rc = skip(bench, axes, false, reason);
		else
			rc = at_pair(bench, axes, topo, pair[0], pair[1]);
	}
	return rc;
}

static int each_size(struct bench *bench, struct bench_axes *axes, const struct topo *topo)
{
	const struct bench_options *o = bench->options;
	size_t batch, sender, size;
	int rc = 0;

	for (sender = 0; sender < o->senders_n; sender++)
		for (batch = 0; batch < o->batches_n; batch++)
			for (size = 0; size < o->sizes_n && rc == 0; size++) {
				axes->senders = (unsigned)o->senders[sender];
				axes->batch = (unsigned)o->batches[batch];
				axes->size = o->sizes[size];
				rc = each_place(bench, axes, topo);
			}
	return rc;
}

static int make_base(struct bench *bench)
{
	struct bench_base *base = &bench->base;
	double **arrays[] = { &base->call,  &base->copy, &base->getpid, &base->clock,
			      &base->stamp, &base->line, &base->lost };
	size_t i;

	for (i = 0; i < sizeof arrays / sizeof arrays[0]; i++) {
		*arrays[i] = calloc(bench->options->rounds, sizeof **arrays[i]);
		if (!*arrays[i])
			return -ENOMEM;
	}
	base->copy_bytes = bench->options->sizes[0];
	base->line_place.hub = base->line_place.slot = bench->cpus[0];
	return 0;
}

int bench_plan(struct bench *bench, const struct topo *topo)
{
	struct bench_axes axes = { .api = BENCH_IPC, .block = 1, .rate = bench->options->rate };
	const int *cpus;
	unsigned mode;
	int rc;

	bench->cpus_n = topo_cpus(topo, &cpus);
	bench->cpus = cpus;
	rc = make_base(bench);
	if (rc == 0)
		rc = skip_unavailable(bench);
	for (mode = 0; mode < BENCH_MODES && rc == 0; mode++) {
		axes.mode = (enum bench_mode)mode;
		if (bench->options->modes & 1u << mode)
			rc = each_size(bench, &axes, topo);
	}
	return rc;
}

void bench_plan_free(struct bench *bench)
{
	struct bench_plan *plan = &bench->plan;
	struct bench_base *base = &bench->base;
	size_t i;

	for (i = 0; i < plan->rows_n; i++) {
		free(plan->rows[i]->round);
		free(plan->rows[i]->samples);
		free(plan->rows[i]->lags);
		free(plan->rows[i]);
	}
	free(plan->rows);
	free(plan->skips);
	free(base->call);
	free(base->copy);
	free(base->getpid);
	free(base->clock);
	free(base->stamp);
	free(base->line);
	free(base->lost);
}
