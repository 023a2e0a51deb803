/* SPDX-License-Identifier: MIT */
/*
 * figures.c - from rounds to figures.
 */
#include "config.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/link.h"
#include "bench/stats.h"

#define CONFIDENCE 0.95

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

static double rate_of(const struct bench_row *row, const struct bench_area *area,
		      const struct tick_clock *clock)
{
	uint64_t start = UINT64_MAX, end = 0;
	unsigned slot;

	for (slot = 0; slot < row->axes.senders; slot++) {
		start = area->slot[slot].start < start ? area->slot[slot].start : start;
		end = area->slot[slot].end > end ? area->slot[slot].end : end;
	}
	return (double)area->records * 1e9 / tick_to_ns(clock, end - start);
}

static void add_cost(struct bench_costs *sum, const struct bench_cost *cost)
{
	double records = cost->records ? (double)cost->records : 1;

	sum->cpu_ns += (double)cost->cpu_ns / records;
	sum->ctxsw += (double)cost->ctxsw / records;
	sum->faults += (double)cost->faults / records;
	sum->syscalls += cost->syscalls == UINT64_MAX ? NAN : (double)cost->syscalls / records;
}

/* Both sides: what a record costs its sender and its receiver together. */
static struct bench_costs costs_of(const struct bench_row *row, const struct bench_area *area)
{
	struct bench_costs sum = { 0, 0, 0, 0 }, slots = { 0, 0, 0, 0 };
	unsigned slot;

	for (slot = 0; slot < row->axes.senders; slot++)
		add_cost(&slots, &area->slot[slot].cost);
	add_cost(&sum, &area->hub.cost);
	sum.cpu_ns += slots.cpu_ns / row->axes.senders;
	sum.syscalls += slots.syscalls / row->axes.senders;
	sum.ctxsw += slots.ctxsw / row->axes.senders;
	sum.faults += slots.faults / row->axes.senders;
	return sum;
}

static int trips_of(struct bench_row *row, const struct tick_clock *clock, const uint64_t *samples,
		    size_t n, struct bench_round *round)
{
	uint64_t *sorted = malloc((n ? n : 1) * sizeof *sorted);
	double scale = tick_to_ns(clock, 1) / row->axes.block, sum = 0;
	size_t i;

	if (!sorted)
		return -ENOMEM;
	if (n == 0) {
		free(sorted);
		return -ENODATA;
	}
	memcpy(sorted, samples, n * sizeof *sorted);
	stats_sort_u64(sorted, n);
	for (i = 0; i < n; i++)
		sum += (double)sorted[i];
	round->p50_ns = (double)sorted[stats_rank(50, n)] * scale;
	round->mean_ns = sum / (double)n * scale;
	free(sorted);
	return append(&row->samples, &row->samples_n, &row->samples_room, samples, n);
}

int bench_absorb(struct bench *bench, struct bench_row *row, const struct bench_area *area,
		 const uint64_t *samples, const uint64_t *lags)
{
	const struct tick_clock *clock = &bench->clock;
	struct bench_round *round = &row->round[row->rounds];
	int rc = 0;

	*round = (struct bench_round){ NAN, NAN, NAN, NAN, NAN, NAN, costs_of(row, area) };
	if (row->axes.mode == BENCH_THROUGHPUT)
		round->rate = rate_of(row, area, clock);
	else
		rc = trips_of(row, clock, samples, area->samples_n, round);
	if (rc == 0)
		rc = append(&row->lags, &row->lags_n, &row->lags_room, lags, area->lags_n);
	if (area->line_ticks > 0)
		round->line_ns = area->line_ticks * clock->ns_per_tick;
	if (row->axes.mode == BENCH_ONEWAY && row->axes.rate == 0)
		round->error_ns = tick_to_ns(clock, area->there_min + area->back_min) / 2;
	row->records += area->records;
	row->rounds += rc == 0;
	return rc;
}

/* ---- ratios to the floor ---- */

/*
 * The median is what a kernel mechanism is judged by; a round trip over shared memory is only a
 * few steps of the clock, so that its median jumps by a step, while its mean does not.
 */
const char *bench_ratio_of(const struct bench_axes *axes)
{
	if (axes->mode == BENCH_THROUGHPUT)
		return "records_per_s";
	if (axes->wait == IPC_SPIN || axes->wait == IPC_ADAPTIVE || axes->block > 1)
		if (strcmp(axes->backend, "shm") == 0 || strcmp(axes->backend, "memfd") == 0)
			return "mean_ns";
	return "p50_ns";
}

static double judged(const struct bench_axes *axes, const struct bench_round *round)
{
	switch (bench_ratio_of(axes)[0]) {
	case 'r':
		return round->rate;
	case 'm':
		return round->mean_ns;
	default:
		return round->p50_ns;
	}
}

void bench_ratios(struct bench *bench)
{
	size_t i;
	unsigned at;

	for (i = 0; i < bench->plan.rows_n; i++) {
		struct bench_row *row = bench->plan.rows[i];

		for (at = 0; row->floor && at < row->rounds && at < row->floor->rounds; at++)
			row->round[at].ratio = judged(&row->axes, &row->round[at]) /
					       judged(&row->axes, &row->floor->round[at]);
	}
}

/* ---- all rounds ---- */

static double field(const struct bench_round *round, size_t offset)
{
	return *(const double *)(const void *)((const char *)round + offset);
}

/* The median over rounds of the double at OFFSET, of those that have one. NAN: none has. */
static double over_rounds(const struct bench_row *row, size_t offset, struct bench_interval *ci)
{
	double *values = calloc(row->rounds + 1, sizeof *values);
	struct stats_interval interval = { NAN, NAN };
	double median = NAN;
	size_t n = 0;
	unsigned i;

	for (i = 0; values && i < row->rounds; i++)
		if (!isnan(field(&row->round[i], offset)))
			values[n++] = field(&row->round[i], offset);
	if (n > 0) {
		stats_sort(values, n);
		median = stats_median(values, n);
		interval = stats_median_interval(values, n, CONFIDENCE);
	}
	if (ci)
		*ci = (struct bench_interval){ interval.low, interval.high };
	free(values);
	return median;
}

#define OVER_ROUNDS(row, member, ci) over_rounds(row, offsetof(struct bench_round, member), ci)

static void percentiles(struct bench_figures *f)
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

static int lags(const struct bench_row *row, double ns_per_tick, struct bench_figures *f)
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

int bench_figures(const struct bench *bench, const struct bench_row *row, struct bench_figures *f)
{
	double ns_per_tick = bench->clock.ns_per_tick;
	size_t i;

	*f = (struct bench_figures){ .n = row->samples_n };
	f->min = f->p50 = f->p90 = f->p99 = f->p999 = f->p9999 = f->max = f->mean = f->stddev = NAN;
	(void)OVER_ROUNDS(row, p50_ns, &f->p50_ci);
	f->rate = OVER_ROUNDS(row, rate, &f->rate_ci);
	f->bytes = f->rate * (double)row->axes.size;
	f->costs.cpu_ns = OVER_ROUNDS(row, costs.cpu_ns, NULL);
	f->costs.syscalls = OVER_ROUNDS(row, costs.syscalls, NULL);
	f->costs.ctxsw = OVER_ROUNDS(row, costs.ctxsw, NULL);
	f->costs.faults = OVER_ROUNDS(row, costs.faults, NULL);
	f->ratio = OVER_ROUNDS(row, ratio, &f->ratio_ci);
	f->line = OVER_ROUNDS(row, line_ns, NULL);
	f->error = OVER_ROUNDS(row, error_ns, NULL);
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

void bench_figures_free(struct bench_figures *f)
{
	free(f->sorted);
	f->sorted = NULL;
}
