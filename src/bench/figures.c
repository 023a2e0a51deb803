/* SPDX-License-Identifier: MIT */
/*
 * figures.c - see figures.h
 */
#include "config.h"

#include "bench/figures.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/language.h"

#define KEPT  0.95 /* of a rate: less is saturated */
#define DOUBT 0.25 /* a larger difference: the two figures do not divide to their ratio */

#define OVER_ROUNDS(row, member, ci) STATS_MEDIAN((row)->round, (row)->rounds, member, ci)

static int append(uint64_t **to, size_t *n, size_t *room, const uint64_t *from, size_t count)
{
	if (count == 0)
		return 0;
	if (*n + count > *room) {
		size_t more = *n + count > 2 * *room ? *n + count : 2 * *room;
		uint64_t *grown = reallocarray(*to, more, sizeof **to);

		if (!grown)
			return -ENOMEM;
		*to = grown;
		*room = more;
	}
	memcpy(*to + *n, from, count * sizeof *from);
	*n += count;
	return 0;
}

/* ---- a round ---- */

static double rate_of(const struct row *row, const struct area *area,
		      const struct stamp_clock *clock)
{
	uint64_t start = UINT64_MAX, end = 0;
	unsigned slot;

	for (slot = 0; slot < row->axes.senders; slot++) {
		start = area->slot[slot].start < start ? area->slot[slot].start : start;
		end = area->slot[slot].end > end ? area->slot[slot].end : end;
	}
	return (double)area->records * 1e9 / stamp_to_ns(clock, end - start);
}

/* Records (or round trips) a second, at most the rate asked for: the last may end early. */
static double achieved_of(const struct row *row, const struct area *area,
			  const struct stamp_clock *clock)
{
	bool oneway = row->axes.mode == MODE_ONEWAY;
	uint64_t end = oneway ? area->slot[0].end : area->hub.end;
	double s = stamp_to_ns(clock, end - area->hub.start) / 1e9;

	return fmin(row->axes.rate, (double)area->samples_n / s);
}

/* Adds to SUM what a record cost on one SIDE, of which there are COUNT alike. */
static void add_side(struct costs *sum, const struct side *side, unsigned count)
{
	const struct usage *usage = &side->usage;
	double records = (double)(usage->records ? usage->records : 1) * count;

	sum->cpu_ns += (double)usage->cpu_ns / records;
	sum->ctxsw += (double)usage->ctxsw / records;
	sum->faults += (double)usage->faults / records;
	sum->syscalls += usage->syscalls == UINT64_MAX ? NAN : (double)usage->syscalls / records;
}

/* What a record costs its sender and its receiver together. */
static struct costs costs_of(const struct row *row, const struct area *area)
{
	struct costs sum = { 0, 0, 0, 0 };
	unsigned slot;

	add_side(&sum, &area->hub, 1);
	for (slot = 0; slot < row->axes.senders; slot++)
		add_side(&sum, &area->slot[slot], row->axes.senders);
	return sum;
}

static bool compares_means(const struct axes *axes);

/* P50 or mean of SORTED[n]. */
static double compared_of(const struct axes *axes, const uint64_t *sorted, size_t n)
{
	double sum = 0;
	size_t i;

	if (n == 0)
		return NAN;
	if (!compares_means(axes))
		return (double)sorted[stats_rank(50, n)];
	for (i = 0; i < n; i++)
		sum += (double)sorted[i];
	return sum / (double)n;
}

/* The parts of a round, in ticks; SORTED is room for its samples. */
static void parts_of(const struct row *row, const struct area *area, const uint64_t *samples,
		     uint64_t *sorted, struct round *round)
{
	size_t begin = 0;
	unsigned part;

	round->parts = area->parts;
	for (part = 0; part < area->parts; part++) {
		size_t n = area->part_end[part] - begin;

		memcpy(sorted, samples + begin, n * sizeof *sorted);
		stats_sort_u64(sorted, n);
		round->part[part] = compared_of(&row->axes, sorted, n);
		begin += n;
	}
}

static int trips_of(struct row *row, const struct stamp_clock *clock, const struct area *area,
		    const uint64_t *samples, struct round *round)
{
	size_t n = area->samples_n;
	uint64_t *sorted = malloc((n ? n : 1) * sizeof *sorted);
	double scale = stamp_to_ns(clock, 1) / row->axes.block, sum = 0;
	size_t i;

	if (!sorted)
		return -ENOMEM;
	if (n == 0) {
		free(sorted);
		return -ENODATA;
	}
	parts_of(row, area, samples, sorted, round);
	for (i = 0; i < round->parts; i++)
		round->part[i] *= scale;
	memcpy(sorted, samples, n * sizeof *sorted);
	stats_sort_u64(sorted, n);
	for (i = 0; i < n; i++)
		sum += (double)sorted[i];
	round->p50_ns = (double)sorted[stats_rank(50, n)] * scale;
	round->p99_ns = (double)sorted[stats_rank(99, n)] * scale;
	round->mean_ns = sum / (double)n * scale;
	free(sorted);
	return append(&row->samples, &row->samples_n, &row->samples_room, samples, n);
}

int figures_add_round(struct row *row, const struct stamp_clock *clock, const struct area *area,
		      const uint64_t *samples, const uint64_t *lags)
{
	struct round *round = &row->round[row->rounds];
	int rc = 0;

	*round = (struct round){
		.p50_ns = NAN,
		.mean_ns = NAN,
		.p99_ns = NAN,
		.rate = NAN,
		.cache_line_ns = NAN,
		.error_ns = NAN,
		.achieved = NAN,
		.late_ns = NAN,
		.late_share = NAN,
		.ratio = NAN,
		.wall_s = NAN,
		.cpu_s = NAN,
		.wall_share = NAN,
		.cpu_share = NAN,
		.memory = NAN,
		.costs = { NAN, NAN, NAN, NAN },
	};
	if (row->axes.mode == MODE_DOWNLOAD) {
		round->wall_s = area->wall_s;
		round->cpu_s = area->cpu_s;
	} else if (row->axes.mode == MODE_START) {
		round->memory = area->memory;
	} else {
		round->costs = costs_of(row, area);
	}
	if (row->axes.mode == MODE_THROUGHPUT)
		round->rate = rate_of(row, area, clock);
	else if (row->axes.mode != MODE_DOWNLOAD)
		rc = trips_of(row, clock, area, samples, round);
	if (rc == 0)
		rc = append(&row->lags, &row->lags_n, &row->lags_room, lags, area->lags_n);
	if (area->cache_line_ticks > 0)
		round->cache_line_ns = area->cache_line_ticks * clock->ns_per_tick;
	if (row->axes.rate > 0) {
		round->achieved = achieved_of(row, area, clock);
		round->late_ns = stamp_to_ns(clock, area->late);
		/*
		 * In mode oneway the sender does not wait, and the queue hides how late the
		 * receiver is.
		 */
		round->late_share = row->axes.mode == MODE_ONEWAY ?
					    1 :
					    1 - (double)area->lags_n / (double)area->samples_n;
	}
	if (row->axes.mode == MODE_ONEWAY && row->axes.rate == 0)
		round->error_ns = stamp_to_ns(clock, area->there_min + area->back_min) / 2;
	row->records += area->records;
	row->rounds += rc == 0;
	return rc;
}

/* ---- ratios to the floor ---- */

/*
 * Normally medians are compared. But a round trip over shared memory takes only a few steps of the
 * clock, so its median jumps by a whole step; its mean does not.
 */
static bool compares_means(const struct axes *axes)
{
	return (axes->wait == IPC_SPIN || axes->wait == IPC_ADAPTIVE || axes->block > 1) &&
	       ipc_info_find(axes->backend)->shared_memory;
}

const char *figures_ratio_of(const struct axes *axes)
{
	if (axes->mode == MODE_THROUGHPUT)
		return "ns_per_record";
	return compares_means(axes) ? "mean_ns" : "p50_ns";
}

static double compared_figure(const struct axes *axes, const struct round *round)
{
	switch (figures_ratio_of(axes)[0]) {
	case 'n':
		return 1e9 / round->rate;
	case 'm':
		return round->mean_ns;
	default:
		return round->p50_ns;
	}
}

/*
 * The median over the parts, since the machine differs from moment to moment. NAN: there are none.
 */
static double ratio_of_parts(const struct round *round, const struct round *floor)
{
	double ratio[BENCH_PARTS_MAX];
	unsigned part;

	if (round->parts != floor->parts)
		return NAN;
	for (part = 0; part < round->parts; part++)
		ratio[part] = round->part[part] / floor->part[part];
	return stats_median_of(ratio, round->parts, sizeof *ratio, NULL);
}

static void compare_to_floor(const struct axes *axes, struct round *round,
			     const struct round *floor)
{
	if (axes->mode == MODE_DOWNLOAD) {
		round->wall_share = 1 - floor->wall_s / round->wall_s;
		round->cpu_share = 1 - floor->cpu_s / round->cpu_s;
	} else {
		round->ratio = ratio_of_parts(round, floor);
		if (isnan(round->ratio))
			round->ratio = compared_figure(axes, round) / compared_figure(axes, floor);
	}
}

bool figures_kept(const struct round *round, unsigned rate)
{
	return round->achieved >= KEPT * rate || round->late_share < 0.5;
}

/* If a row missed its rate in most rounds, its queue grew, so that its latency means nothing. */
static void check_rate(struct row *row)
{
	unsigned kept = 0, i;

	for (i = 0; i < row->rounds; i++)
		kept += figures_kept(&row->round[i], row->axes.rate);
	if (row->status != ROW_OK || row->axes.rate == 0 || 2 * kept >= row->rounds)
		return;
	row->status = ROW_SATURATED;
	(void)snprintf(row->reason, sizeof row->reason,
		       _("%.0f of %u a second; the last began %.1f ms late"),
		       OVER_ROUNDS(row, achieved, NULL), row->axes.rate,
		       OVER_ROUNDS(row, late_ns, NULL) / 1e6);
}

void figures_ratios(struct plan *plan)
{
	size_t i;
	unsigned at;

	for (i = 0; i < plan->rows_n; i++) {
		struct row *row = plan->rows[i];

		check_rate(row);
		for (at = 0; row->floor && at < row->rounds && at < row->floor->rounds; at++)
			compare_to_floor(&row->axes, &row->round[at], &row->floor->round[at]);
	}
}

/* ---- all rounds ---- */

static void percentiles(struct figures *f)
{
	f->min = f->sorted[0];
	f->p50 = f->sorted[stats_rank(50, f->n)];
	f->p90 = f->sorted[stats_rank(90, f->n)];
	f->p99 = f->sorted[stats_rank(99, f->n)];
	f->p999 = f->sorted[stats_rank(99.9, f->n)];
	f->p9999 = f->sorted[stats_rank(99.99, f->n)];
	f->max = f->sorted[f->n - 1];
	f->mean = stats_mean(f->sorted, f->n);
	f->stddev = stats_stddev(f->sorted, f->n);
	f->bimodal = stats_bimodal(f->sorted, f->n, &f->mode_low, &f->mode_high);
}

static int lags(const struct row *row, double ns_per_tick, struct figures *f)
{
	uint64_t *sorted;

	f->lag_p50 = f->lag_p99 = f->lag_max = NAN;
	if (row->lags_n == 0)
		return 0;
	sorted = malloc(row->lags_n * sizeof *sorted);
	if (!sorted)
		return -ENOMEM;
	memcpy(sorted, row->lags, row->lags_n * sizeof *sorted);
	stats_sort_u64(sorted, row->lags_n);
	f->lag_p50 = (double)sorted[stats_rank(50, row->lags_n)] * ns_per_tick;
	f->lag_p99 = (double)sorted[stats_rank(99, row->lags_n)] * ns_per_tick;
	f->lag_max = (double)sorted[row->lags_n - 1] * ns_per_tick;
	free(sorted);
	return 0;
}

/* Of the figure by which rows are compared. NAN: too few rounds. */
static double spread_of(const struct row *row)
{
	double *values = calloc(row->rounds + 1, sizeof *values), spread = NAN;
	size_t n = row->rounds, i;

	for (i = 0; values && i < n; i++)
		values[i] = compared_figure(&row->axes, &row->round[i]);
	if (values && n >= 4) {
		stats_sort(values, n);
		spread = (values[stats_rank(75, n)] - values[stats_rank(25, n)]) /
			 stats_median(values, n);
	}
	free(values);
	return spread;
}

/*
 * Do the two figures beside a ratio not divide to it? The ratio is the median of the rounds'
 * ratios. If the machine changes between rounds, it can differ from the ratio of the medians.
 */
static bool doubtful(const struct row *row, const struct figures *f, const struct figures *floor)
{
	double here, there, divided;

	if (!row->floor || row->axes.load || isnan(f->ratio))
		return false;
	switch (figures_ratio_of(&row->axes)[0]) {
	case 'n':
		here = 1 / f->rate, there = 1 / floor->rate;
		break;
	case 'm':
		here = f->mean, there = floor->mean;
		break;
	default:
		here = f->p50, there = floor->p50;
	}
	divided = here / there;
	return divided < f->ratio * (1 - DOUBT) || divided > f->ratio * (1 + DOUBT);
}

static int figures_of_row(const struct row *row, double ns_per_tick, struct figures *f)
{
	size_t i;

	*f = (struct figures){ .n = row->samples_n };
	f->min = f->p50 = f->p90 = f->p99 = f->p999 = f->p9999 = f->max = f->mean = f->stddev = NAN;
	(void)OVER_ROUNDS(row, p50_ns, &f->p50_ci);
	f->rate = OVER_ROUNDS(row, rate, &f->rate_ci);
	f->bytes = f->rate * (double)row->axes.size;
	f->costs.cpu_ns = OVER_ROUNDS(row, costs.cpu_ns, NULL);
	f->costs.syscalls = OVER_ROUNDS(row, costs.syscalls, NULL);
	f->costs.ctxsw = OVER_ROUNDS(row, costs.ctxsw, NULL);
	f->costs.faults = OVER_ROUNDS(row, costs.faults, NULL);
	f->ratio = OVER_ROUNDS(row, ratio, &f->ratio_ci);
	f->cache_line = OVER_ROUNDS(row, cache_line_ns, NULL);
	f->error = OVER_ROUNDS(row, error_ns, NULL);
	f->achieved = OVER_ROUNDS(row, achieved, NULL);
	f->late = OVER_ROUNDS(row, late_ns, NULL);
	f->spread = spread_of(row);
	f->memory = OVER_ROUNDS(row, memory, NULL);
	f->wall_s = OVER_ROUNDS(row, wall_s, NULL);
	f->cpu_s = OVER_ROUNDS(row, cpu_s, NULL);
	f->wall_share = OVER_ROUNDS(row, wall_share, &f->wall_share_ci);
	f->cpu_share = OVER_ROUNDS(row, cpu_share, &f->cpu_share_ci);
	if (f->n > 0) {
		f->sorted = malloc(f->n * sizeof *f->sorted);
		if (!f->sorted)
			return -ENOMEM;
		for (i = 0; i < f->n; i++)
			f->sorted[i] = (double)row->samples[i] * ns_per_tick / row->axes.block;
		stats_sort(f->sorted, f->n);
		percentiles(f);
	}
	return lags(row, ns_per_tick, f);
}

struct figures *figures_all(const struct bench *bench)
{
	struct figures *figures = calloc(bench->plan.rows_n + 1, sizeof *figures);
	size_t i, floor;

	for (i = 0; figures && i < bench->plan.rows_n; i++)
		if (figures_of_row(bench->plan.rows[i], bench->clock.ns_per_tick, &figures[i]) <
		    0) {
			figures_free(figures, i);
			return NULL;
		}
	for (i = 0; figures && i < bench->plan.rows_n; i++)
		for (floor = 0; floor < bench->plan.rows_n; floor++)
			if (bench->plan.rows[floor] == bench->plan.rows[i]->floor)
				figures[i].ratio_doubtful =
					doubtful(bench->plan.rows[i], &figures[i], &figures[floor]);
	return figures;
}

void figures_free(struct figures *figures, size_t n)
{
	size_t i;

	for (i = 0; figures && i < n; i++)
		free(figures[i].sorted);
	free(figures);
}
