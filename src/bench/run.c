/* SPDX-License-Identifier: MIT */
/*
 * run.c - see run.h: the order of the rounds.
 *
 * This process opens no session, so a mechanism cannot block the run. Rounds go over all rows in
 * turn, in a new order each time; a row and its floor take turns within a round, or run one after
 * the other in changing order. So drift and other programs disturb all rows alike.
 */
#include "config.h"

#include "bench/run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench/baseline.h"
#include "bench/download_cost.h"
#include "bench/figures.h"
#include "bench/find_rate.h"
#include "bench/plan.h"
#include "bench/round.h"
#include "bench/runner.h"
#include "bench/start_cost.h"
#include "common/language.h"

#define ROOM_AUTO    50000u /* samples of a round at most, if its time is fixed */
#define CPU_ROUNDS   3
#define CPU_ROUND_MS 20 /* shorter, a round at CPU_RATE has too few trips */
#define NEAR_CLOCK   20 /* a figure under so many steps of the clock is also measured in blocks */

struct run {
	struct bench *bench;
	struct runner runner;
	struct link_job job;   /* the argument of the process that is measured */
	struct link_job floor; /* the same of the floor, where the two take turns */
};

static void row_fails(struct row *row, const char *reason)
{
	row->status = ROW_ERROR;
	(void)snprintf(row->reason, sizeof row->reason, "%s", reason);
}

/* Runs MAIN on AXES in new processes. As runner_measure. */
static int in_new_process(struct run *r, const char *name, int (*main)(void *),
			  const struct axes *axes)
{
	memset(r->job.area, 0, sizeof *r->job.area);
	r->job.axes = axes;
	r->job.beside = NULL;
	return runner_measure(&r->runner, name, main, &r->job);
}

static int (*main_of(const struct axes *axes))(void *)
{
	switch (axes->mode) {
	case MODE_DOWNLOAD:
		return download_cost_main;
	case MODE_START:
		return start_cost_main;
	default:
		return round_main;
	}
}

/* One round of ROW. 0, or -EINTR. */
static int measure(struct run *r, struct row *row)
{
	const struct area *area = r->job.area;
	char text[REASON_SIZE];
	int rc;

	if (row->status != ROW_OK)
		return 0;
	rc = in_new_process(r, "bench-hub", main_of(&row->axes), &row->axes);
	if (rc == -EINTR)
		return rc;
	if (rc == 0 && area->complete)
		rc = figures_add_round(row, &r->bench->clock, area, r->job.samples, r->job.lags);
	else if (rc >= 0 && area->reason[0])
		return row_fails(row, area->reason), 0;
	if (rc != 0 || !area->complete)
		row_fails(row, runner_reason(&r->runner, rc, text, sizeof text));
	return 0;
}

/* Do row and floor share a round? A stream and a rate need more time to settle than a part has. */
static bool take_turns(const struct row *row)
{
	return row->floor && !row->apart && row->axes.mode == MODE_LATENCY && row->axes.rate == 0 &&
	       row->status == ROW_OK && row->floor->status == ROW_OK;
}

/* One round of ROW and its floor in turn. 0, -EINTR, or another error: it did not work. */
static int measure_in_turn(struct run *r, struct row *row)
{
	const struct stamp_clock *clock = &r->bench->clock;
	struct link_job *job = &r->job, *floor = &r->floor;
	int rc;

	memset(job->area, 0, sizeof *job->area);
	memset(floor->area, 0, sizeof *floor->area);
	job->axes = &row->axes;
	floor->axes = &row->floor->axes;
	job->beside = floor;
	rc = runner_measure(&r->runner, "bench-hub", round_main, job);
	if (rc == 0 && job->area->complete && floor->area->complete)
		rc = figures_add_round(row, clock, job->area, job->samples, job->lags);
	else if (rc >= 0)
		rc = -ECHILD;
	if (rc == 0)
		rc = figures_add_round(row->floor, clock, floor->area, floor->samples, floor->lags);
	return rc;
}

/* A row and its own floor. */
static int measure_pair(struct run *r, struct row *row, bool floor_first)
{
	bool own_floor = row->floor && row->axes.mode != MODE_DOWNLOAD;
	int rc;

	if (take_turns(row)) {
		rc = measure_in_turn(r, row);
		if (rc == 0 || rc == -EINTR)
			return rc;
		row->apart = true; /* measured apart, it shows which of the two fails */
	}
	rc = 0;
	if (own_floor && floor_first)
		rc = measure(r, row->floor);
	if (rc == 0)
		rc = measure(r, row);
	if (rc == 0 && own_floor && !floor_first)
		rc = measure(r, row->floor);
	return rc;
}

/* A failure is ignored: rows can do without baselines. 0 or -EINTR. */
static int measure_baseline(struct run *r)
{
	struct baselines *baselines = &r->bench->baselines;
	struct axes axes = { .place = baselines->cache_line_place, .size = baselines->copy_bytes };
	int rc = in_new_process(r, "bench-baseline", baseline_main, &axes);

	if (rc == 0)
		baselines->round[baselines->rounds++] = r->job.area->baseline;
	return rc == -EINTR ? rc : 0;
}

/* Is the row's time under NEAR_CLOCK steps of the clock, so that single stamps say little? */
static bool near_the_clock(const struct run *r, const struct row *row, unsigned round)
{
	double limit = NEAR_CLOCK * r->bench->clock.resolution_ns;

	return row->axes.mode == MODE_LATENCY && row->axes.rate == 0 && row->axes.block == 1 &&
	       row->rounds > round && row->round[round].p50_ns < limit;
}

/* Adds a row in blocks to such a row, and measures the rounds that the new row has missed. */
static int measure_blocks(struct run *r, struct row *row, unsigned round)
{
	int rc = 0;

	if (row->block || !near_the_clock(r, row, round))
		return 0;
	rc = plan_add_blocks(r->bench, row);
	while (rc == 0 && row->block->status == ROW_OK && row->block->rounds <= round)
		rc = measure_pair(r, row->block, row->block->rounds % 2);
	return rc;
}

static int one_round(struct run *r, unsigned round)
{
	const struct plan *plan = &r->bench->plan;
	struct row **order = calloc(plan->rows_n + 1, sizeof *order);
	size_t n = 0, i;
	int rc;

	if (!order)
		return -ENOMEM;
	for (i = 0; i < plan->rows_n; i++)
		if (plan->rows[i]->axes.api == API_IPC || plan->rows[i]->axes.mode == MODE_DOWNLOAD)
			order[n++] = plan->rows[i];
	runner_shuffle(&r->runner, (void **)order, n);
	rc = measure_baseline(r);
	for (i = 0; i < n && rc == 0; i++)
		rc = measure_pair(r, order[i], (round + i) % 2);
	for (i = 0; i < n && rc == 0; i++)
		rc = measure_blocks(r, order[i], round);
	free(order);
	return rc;
}

/* ---- the highest rates at which p99 stays below a bound ---- */

static int measure_trial(void *context, struct row *row)
{
	return measure(context, row);
}

/* Finds the rate of each row. 0, -EINTR or -ENOMEM. */
static int find_rates(struct run *r)
{
	const struct find_rate find = { r->bench->options, measure_trial, r };
	const struct plan *plan = &r->bench->plan;
	size_t i;
	int rc = 0;

	for (i = 0; i < plan->rows_n && rc == 0; i++)
		rc = find_rate(&find, plan->rows[i]);
	return rc;
}

/* ---- CPU time at a moderate rate ---- */

/*
 * A loop without pauses never sleeps for long, so its CPU time per record says nothing about a
 * program that sends from time to time. A row that fails here keeps its other figures.
 */
static int measure_cpu(struct run *r, struct row *row)
{
	struct round round[CPU_ROUNDS];
	struct row trial = { .axes = row->axes, .round = round };
	unsigned i;
	int rc = 0;

	trial.axes.rate = CPU_RATE;
	for (i = 0; i < CPU_ROUNDS && rc == 0; i++)
		rc = measure(r, &trial);
	if (trial.rounds > 0) /* a trip is two records */
		row->cpu_share = STATS_MEDIAN(round, trial.rounds, costs.cpu_ns, NULL) * 2 *
				 CPU_RATE / (double)NS_PER_S;
	free(trial.samples);
	free(trial.lags);
	return rc;
}

static bool has_cpu_share(const struct options *o, const struct row *row)
{
	return row->axes.api == API_IPC && row->axes.mode == MODE_LATENCY && row->axes.block == 1 &&
	       row->axes.rate == 0 && row->status == ROW_OK && o->count == 0 &&
	       o->round_ms >= CPU_ROUND_MS;
}

static int measure_all_cpu(struct run *r)
{
	const struct plan *plan = &r->bench->plan;
	size_t i;
	int rc = 0;

	for (i = 0; i < plan->rows_n && rc == 0; i++)
		if (has_cpu_share(r->bench->options, plan->rows[i]))
			rc = measure_cpu(r, plan->rows[i]);
	return rc;
}

/* ---- all rounds ---- */

/* The time of a round that is not measured: starting two processes and the warm-up. */
#define ROW_EXTRA_MS 20

/* Is it known before the first round how long one takes? */
static bool is_timed(const struct options *o)
{
	return o->modes != 1u << MODE_DOWNLOAD && o->count == 0;
}

static void print_start(const struct bench *bench)
{
	const struct options *o = bench->options;
	double s = (double)bench->plan.rows_n * o->rounds * (o->round_ms + ROW_EXTRA_MS) / 1e3;

	if (o->quiet)
		return;
	fprintf(stderr, _("ipcdemo bench: %zu rows, %u rounds"), bench->plan.rows_n, o->rounds);
	if (is_timed(o))
		fprintf(stderr, _(", about %.0f s"), s);
	fputs(_("; Ctrl-C ends it early\n"), stderr);
}

/*
 * Progress on a terminal: one line that each round rewrites and the last one erases. Elsewhere the
 * time that the first round has taught.
 */
static void print_round(const struct bench *bench, uint64_t begin)
{
	const struct options *o = bench->options;
	double left_s = (double)(clock_ns() - begin) / (double)NS_PER_S / bench->rounds *
			(o->rounds - bench->rounds);
	char line[80] = "";

	if (o->quiet)
		return;
	if (bench->rounds < o->rounds)
		(void)snprintf(line, sizeof line, _("round %u of %u done, about %.0f s to go"),
			       bench->rounds, o->rounds, left_s);
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r%-60s\r%s", "", line);
	else if (bench->rounds == 1 && !is_timed(o) && *line)
		fprintf(stderr, "ipcdemo bench: %s\n", line);
}

static int all_rounds(struct run *r)
{
	struct bench *bench = r->bench;
	uint64_t begin = clock_ns();
	unsigned round;
	int rc = 0;

	print_start(bench);
	if (bench->options->find_rate)
		rc = find_rates(r);
	begin = clock_ns();
	for (round = 0; round < bench->options->rounds && rc == 0; round++) {
		rc = one_round(r, round);
		bench->rounds += rc == 0;
		if (rc == 0)
			print_round(bench, begin);
	}
	if (rc == 0)
		rc = measure_all_cpu(r);
	bench->wall_s = (double)(clock_ns() - begin) / (double)NS_PER_S;
	bench->signal = r->runner.signal;
	return rc == -EINTR ? 0 : rc;
}

static void mark_stopped(struct bench *bench)
{
	size_t i;

	for (i = 0; i < bench->plan.rows_n; i++) {
		struct row *row = bench->plan.rows[i];

		if (row->status != ROW_OK || row->rounds == bench->options->rounds)
			continue;
		row->status = ROW_STOPPED;
		(void)snprintf(row->reason, sizeof row->reason, _("stopped after %u of %u rounds"),
			       row->rounds, bench->options->rounds);
	}
}

static void job_close(struct link_job *job)
{
	if (job->area)
		(void)munmap(job->area, sizeof *job->area);
	if (job->samples)
		(void)munmap(job->samples, job->room * sizeof *job->samples);
	if (job->lags)
		(void)munmap(job->lags, job->room * sizeof *job->lags);
}

/* Prepares the floor's own area. Rows that take turns have no pacing, and so no lags. */
static int share_with_floor(struct run *r)
{
	r->floor = r->job;
	r->floor.lags = NULL;
	r->floor.area = runner_share(sizeof *r->floor.area);
	r->floor.samples = runner_share(r->floor.room * sizeof *r->floor.samples);
	return r->floor.area && r->floor.samples ? 0 : -ENOMEM;
}

int run_rounds(struct bench *bench)
{
	const bool download = bench->options->modes == 1u << MODE_DOWNLOAD;
	const char *place = download ? download_cost_place() : NULL;
	struct run r = { .bench = bench, .job.bench = bench };
	struct link_job *job = &r.job;
	struct child origin = CHILD_NONE;
	int rc = runner_open(&r.runner, place, bench->options->timeout_s);

	job->room = bench->options->count ? bench->options->count : ROOM_AUTO;
	job->area = runner_share(sizeof *job->area);
	job->samples = runner_share(job->room * sizeof *job->samples);
	job->lags = runner_share(job->room * sizeof *job->lags);
	job->dir = r.runner.dir;
	if (rc == 0 && bench->options->floor)
		rc = share_with_floor(&r);
	if (rc == 0 && download)
		rc = download_cost_open(&origin, &job->port);
	if (rc == 0)
		rc = job->area && job->samples && job->lags ? all_rounds(&r) : -ENOMEM;
	mark_stopped(bench);
	if (download)
		download_cost_close(&origin);
	job_close(&r.floor);
	job_close(job);
	runner_close(&r.runner);
	return rc;
}
