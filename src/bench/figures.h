/* SPDX-License-Identifier: MIT */
/*
 * figures.h - from rounds to figures.
 */
#ifndef IPCDEMO_FIGURES_H
#define IPCDEMO_FIGURES_H

#include "bench/link.h"

/* Of one row, in nanoseconds; NAN where there is none. Intervals are of 95 %. */
struct figures {
	double *sorted; /* all samples, ascending */
	size_t n;
	double min, p50, p90, p99, p999, p9999, max, mean, stddev;
	struct stats_interval p50_ci;
	double rate, bytes; /* a second */
	struct stats_interval rate_ci;
	struct costs costs;
	double ratio; /* of time, to the floor */
	struct stats_interval ratio_ci;
	bool ratio_doubtful;   /* the two rows' figures do not divide to it */
	double spread;         /* between the quartiles of the rounds, as a share of the median */
	double achieved, late; /* as in struct round */
	double cache_line, error; /* as in struct round */
	double wall_s, cpu_s, wall_share, cpu_share;
	struct stats_interval wall_share_ci, cpu_share_ci;
	double memory; /* as in struct round */
	double lag_p50, lag_p99, lag_max;
	bool bimodal;
	double mode_low, mode_high;
};

/* Adds what a round left in AREA, SAMPLES and LAGS to ROW. 0 or -errno. */
int figures_add_round(struct row *row, const struct stamp_clock *clock, const struct area *area,
		      const uint64_t *samples, const uint64_t *lags);

/*
 * Did ROUND keep RATE? It did not if it reached less and most of its records began late, because
 * they queue up. If another program disturbs it for a moment, only a few records are late.
 */
bool figures_kept(const struct round *round, unsigned rate);

/* Fills round[].ratio of all rows that have a floor. */
void figures_ratios(struct plan *plan);
/* Which figure floor_ratio divides: "p50_ns", "mean_ns" or "records_per_s". */
const char *figures_ratio_of(const struct axes *axes);

/* The figures of all rows: [plan.rows_n], to be freed by figures_free. NULL: no memory. */
struct figures *figures_all(const struct bench *bench);
void figures_free(struct figures *figures, size_t n);

#endif
