/* SPDX-License-Identifier: MIT */
/*
 * plan.c - the product of the axes: the rows, and what is left out and why.
 *
 * Rows are in the order of display: rows that differ only in the mechanism stand together, because
 * they may be compared.
 */
#include "config.h"

#include "bench/plan.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/axes.h"
#include "bench/download_cost.h"
#include "bench/floor.h"
#include "bench/start_cost.h"
#include "common/language.h"

static int skip(struct bench *bench, const struct axes *axes, bool unavailable, const char *reason)
{
	struct plan *plan = &bench->plan;
	struct skip *grown;

	if (plan->skips_n == plan->skips_room) {
		size_t room = plan->skips_room ? 2 * plan->skips_room : 16;

		grown = reallocarray(plan->skips, room, sizeof *grown);
		if (!grown)
			return -ENOMEM;
		plan->skips = grown;
		plan->skips_room = room;
	}
	grown = &plan->skips[plan->skips_n++];
	*grown = (struct skip){ .axes = *axes, .unavailable = unavailable };
	(void)snprintf(grown->reason, sizeof grown->reason, "%s", reason);
	return 0;
}

/* A new row at AT. NULL: no memory. */
static struct row *insert(struct bench *bench, size_t at, const struct axes *axes)
{
	struct plan *plan = &bench->plan;
	struct row *row = calloc(1, sizeof *row);
	struct row **grown;

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
	row->cpu_share = NAN;
	memmove(plan->rows + at + 1, plan->rows + at, (plan->rows_n - at) * sizeof *plan->rows);
	plan->rows[at] = row;
	plan->rows_n++;
	return row;
}

/* A row of ours at AT, and its floor if asked for. */
static int insert_pair(struct bench *bench, size_t at, const struct axes *axes, struct row **ours)
{
	struct axes floor = *axes;
	const char *reason;

	*ours = insert(bench, at, axes);
	if (!*ours)
		return -ENOMEM;
	if (!bench->options->floor)
		return 0;
	floor.api = API_FLOOR;
	if (!floor_find(&floor, &reason))
		return skip(bench, &floor, false, reason);
	(*ours)->floor = insert(bench, at + 1, &floor);
	return (*ours)->floor ? 0 : -ENOMEM;
}

int plan_add_blocks(struct bench *bench, struct row *row)
{
	struct axes axes = row->axes;
	size_t at = 0;

	if (row->block || axes.block > 1)
		return 0;
	while (bench->plan.rows[at] != row)
		at++;
	axes.block = BLOCK_TRIPS;
	return insert_pair(bench, at + (row->floor ? 2 : 1), &axes, &row->block);
}

/* The reason why this combination is not measured, or NULL. TEXT is room for the reason. */
static const char *senseless(const struct bench *bench, const struct axes *axes, char *text,
			     size_t room)
{
	const struct ipc_info *info = ipc_info_find(axes->backend);
	bool trips = axes->mode != MODE_THROUGHPUT;

	if (info && axes->size > info->record_limit) {
		(void)snprintf(text, room,
			       _("a record of %zu bytes is over the mechanism's limit of %zu"),
			       axes->size, info->record_limit);
		return text;
	}
	if (axes->wait == IPC_SPIN && axes->place.hub == axes->place.slot)
		return _("spinning on the CPU that the other end needs: each turn would last a "
			 "whole time slice");
	if (axes->wait == IPC_SPIN && axes->senders >= bench->cpus_n && axes->senders > 1)
		return _("more spinning processes than CPUs");
	if (trips && axes->senders > 1)
		return _(
			"a round trip has one sender at a time; several are for --mode=throughput");
	if (trips && axes->batch > 1)
		return _("a round trip carries one record; batches are for --mode=throughput");
	if (!trips && axes->rate > 0)
		return _("a stream goes as fast as it can; a rate is for --mode=latency or oneway");
	if (axes->mode == MODE_ONEWAY && axes->size < 16)
		return _("the sender's stamp travels in the record, which needs 16 bytes");
	return NULL;
}

static int add(struct bench *bench, const struct axes *axes)
{
	struct row *row;
	char text[REASON_SIZE];
	const char *reason;

	if (axes->mode == MODE_START &&
	    !start_cost_fits(axes->start, ipc_info_find(axes->backend), &reason))
		return skip(bench, axes, false, reason);
	if (axes->mode == MODE_DOWNLOAD || axes->mode == MODE_START)
		return insert(bench, bench->plan.rows_n, axes) ? 0 : -ENOMEM;
	reason = senseless(bench, axes, text, sizeof text);
	if (reason)
		return skip(bench, axes, false, reason);
	return insert_pair(bench, bench->plan.rows_n, axes, &row);
}

/* ---- mechanisms ---- */

/* Is NAME the first of its group that can be used here? True if it has no group. */
static bool first_of_group(const char *name)
{
	const struct ipc_info *info = ipc_info_find(name), *other;
	char reason[REASON_SIZE];
	size_t i;

	for (i = 0; info && (other = ipc_info_at(i)) && other != info; i++)
		if (other->group == info->group && info->group != IPC_GROUP_OTHER &&
		    ipc_probe(other->name, reason, sizeof reason) == 0)
			return false;
	return info != NULL;
}

/* Is NAME asked for? Names given twice count once, in the registry's order. */
static bool wanted(const struct options *options, const char *name)
{
	size_t i;

	for (i = 0; options->ipc[i]; i++)
		if (strcmp(options->ipc[i], name) == 0 || strcmp(options->ipc[i], "all") == 0 ||
		    (strcmp(options->ipc[i], AXES_GROUPS) == 0 && first_of_group(name)))
			return true;
	return false;
}

static int each_mechanism(struct bench *bench, struct axes *axes)
{
	const struct ipc_info *info;
	char reason[REASON_SIZE];
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

/* One entry for each mechanism, not for each combination. */
static int skip_unavailable(struct bench *bench)
{
	struct axes axes = { .backend = NULL };
	const struct ipc_info *info;
	char text[REASON_SIZE];
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

static int each_wait(struct bench *bench, struct axes *axes)
{
	unsigned wait;
	int rc = 0;

	for (wait = 0; wait < WAITS && rc == 0; wait++) {
		axes->wait = (enum ipc_strategy)wait;
		if (bench->options->waits & 1u << wait)
			rc = each_mechanism(bench, axes);
	}
	return rc;
}

static int at_pair(struct bench *bench, struct axes *axes, const struct topology *topology, int hub,
		   int slot)
{
	axes->place.hub = hub;
	axes->place.slot = slot;
	axes->place.nearest = topology_nearest(topology, hub, slot);
	if (bench->baselines.cache_line_place.hub == bench->baselines.cache_line_place.slot)
		bench->baselines.cache_line_place = axes->place;
	return each_wait(bench, axes);
}

static int all_pairs(struct bench *bench, struct axes *axes, const struct topology *topology)
{
	size_t a, b;
	int rc = 0;

	for (a = 0; a < bench->cpus_n && rc == 0; a++)
		for (b = a; b < bench->cpus_n && rc == 0; b++) {
			(void)snprintf(axes->place.name, sizeof axes->place.name, "cpu%d-cpu%d",
				       bench->cpus[a], bench->cpus[b]);
			rc = at_pair(bench, axes, topology, bench->cpus[a], bench->cpus[b]);
		}
	return rc;
}

static int each_place(struct bench *bench, struct axes *axes, const struct topology *topology)
{
	const char *reason;
	int pair[2], rc = 0;
	size_t i;

	for (i = 0; bench->options->places[i] && rc == 0; i++) {
		const char *name = bench->options->places[i];

		if (strcmp(name, "all") == 0) {
			rc = all_pairs(bench, axes, topology);
			continue;
		}
		(void)snprintf(axes->place.name, sizeof axes->place.name, "%s", name);
		axes->backend = NULL;
		axes->place.hub = axes->place.slot = -1;
		if (topology_pair(topology, name, pair, &reason) < 0)
			rc = skip(bench, axes, false, reason);
		else
			rc = at_pair(bench, axes, topology, pair[0], pair[1]);
	}
	return rc;
}

static int each_size(struct bench *bench, struct axes *axes, const struct topology *topology)
{
	const struct options *o = bench->options;
	size_t batch, sender, size, depth;
	int rc = 0;

	for (sender = 0; sender < o->senders_n; sender++)
		for (batch = 0; batch < o->batches_n; batch++)
			for (size = 0; size < o->sizes_n; size++)
				for (depth = 0; depth < o->depths_n && rc == 0; depth++) {
					axes->senders = (unsigned)o->senders[sender];
					axes->batch = (unsigned)o->batches[batch];
					axes->size = o->sizes[size];
					axes->depth = (unsigned)o->depths[depth];
					rc = each_place(bench, axes, topology);
				}
	return rc;
}

static int make_baselines(struct bench *bench)
{
	struct baselines *baselines = &bench->baselines;

	baselines->round = calloc(bench->options->rounds, sizeof *baselines->round);
	baselines->copy_bytes = bench->options->sizes[0];
	baselines->cache_line_place.hub = baselines->cache_line_place.slot = bench->cpus[0];
	return baselines->round ? 0 : -ENOMEM;
}

/* For each load: a row without IPC, which is the floor, then a row for each mechanism. */
static int each_load(struct bench *bench, struct axes *axes)
{
	struct plan *plan = &bench->plan;
	int rc = 0;

	for (axes->load = download_loads; axes->load->name && rc == 0; axes->load++) {
		struct axes none = *axes;
		size_t at = plan->rows_n;
		struct row *floor;

		none.api = API_FLOOR;
		none.backend = DOWNLOAD_NONE;
		rc = each_mechanism(bench, axes);
		if (rc < 0 || plan->rows_n == at)
			continue;
		floor = insert(bench, at, &none);
		if (!floor)
			return -ENOMEM;
		while (++at < plan->rows_n)
			plan->rows[at]->floor = floor;
	}
	return rc;
}

static int each_start(struct bench *bench, struct axes *axes)
{
	int rc = 0;

	for (axes->start = start_methods; axes->start->name && rc == 0; axes->start++)
		rc = each_mechanism(bench, axes);
	axes->start = NULL;
	return rc;
}

int plan_make(struct bench *bench, const struct topology *topology)
{
	struct axes axes = { .api = API_IPC, .block = 1, .rate = bench->options->rate };
	const int *cpus;
	unsigned mode;
	int rc;

	bench->cpus_n = topology_cpus(topology, &cpus);
	bench->cpus = cpus;
	rc = make_baselines(bench);
	if (rc == 0)
		rc = skip_unavailable(bench);
	for (mode = 0; mode < MODES && rc == 0; mode++) {
		axes.mode = (enum mode)mode;
		if (!(bench->options->modes & 1u << mode))
			continue;
		rc = mode == MODE_DOWNLOAD ? each_load(bench, &axes) :
		     mode == MODE_START    ? each_start(bench, &axes) :
					     each_size(bench, &axes, topology);
	}
	return rc;
}

void plan_free(struct bench *bench)
{
	struct plan *plan = &bench->plan;
	size_t i;

	for (i = 0; i < plan->rows_n; i++) {
		free(plan->rows[i]->round);
		free(plan->rows[i]->samples);
		free(plan->rows[i]->lags);
		free(plan->rows[i]);
	}
	free(plan->rows);
	free(plan->skips);
	free(bench->baselines.round);
}
