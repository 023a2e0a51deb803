/* SPDX-License-Identifier: MIT */
/*
 * stats.h - the arithmetic of the benchmark, without state.
 *
 * Percentiles are exact, by nearest rank: the smallest sample such that at least that share of
 * all samples is no greater. Intervals of a median come from order statistics (the binomial
 * distribution of how many samples lie below it), which assumes nothing of the distribution. Two
 * runs are compared by the Mann-Whitney U test and the Hodges-Lehmann estimate of the shift.
 */
#ifndef IPCDEMO_STATS_H
#define IPCDEMO_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stats_interval {
	double low, high; /* NAN, NAN: too few figures for this confidence */
};

void stats_sort(double *values, size_t n);
void stats_sort_u64(uint64_t *values, size_t n);

/* 0-based index of the percentile P (0..100) among N >= 1 sorted samples. */
size_t stats_rank(double p, size_t n);

/* Of SORTED[n >= 1]: the middle one, or the mean of the two in the middle. */
double stats_median(const double *sorted, size_t n);

double stats_mean(const double *values, size_t n);
/* The sample's standard deviation (n - 1); 0 when n < 2. */
double stats_stddev(const double *values, size_t n);

/*
 * Interval of the median of SORTED[n] that covers it with at least CONFIDENCE (0.95): from the
 * k-th smallest to the k-th largest. NAN when n is too small (under 6 for 0.95).
 */
struct stats_interval stats_median_interval(const double *sorted, size_t n, double confidence);

/*
 * The median of N doubles that lie STRIDE bytes apart, from AT on, without those that are NAN, and
 * its 95 % interval in *CI unless that is NULL. NAN: there is none.
 */
double stats_median_of(const double *at, size_t n, size_t stride, struct stats_interval *ci);

/* The same over MEMBER of ARRAY[n] of structs, such as rounds. */
#define STATS_MEDIAN(array, n, member, ci) \
 ((n) ? stats_median_of(&(array)->member, n, sizeof *(array), ci) : stats_median_of(NULL, 0, 0, ci))

/*
 * Two humps in SORTED[n] positive samples? On a log scale, in bins, smoothed: true when a valley
 * between two peaks holds less than half of the smaller peak, and each side of it at least 5% of
 * the samples. *LOW and *HIGH are then the peaks.
 */
bool stats_bimodal(const double *sorted, size_t n, double *low, double *high);

/*
 * Mann-Whitney: the two-sided probability that samples as different as A and B come
 * from one distribution. Exact when there are no ties and n + m <= 50; else the normal
 * approximation with corrections for ties and continuity. 1 when one is empty.
 */
double stats_mann_whitney(const double *a, size_t n, const double *b, size_t m);

/* Two sets of figures that are to be compared. */
struct stats_pair {
	const double *a;
	size_t n;
	const double *b;
	size_t m;
};

/*
 * The ratio of B's values to A's: the Hodges-Lehmann estimate, which is the median of all b/a, with
 * the interval that belongs to the Mann-Whitney test of level 1 - CONFIDENCE. Values must be
 * positive. SCRATCH holds n * m doubles.
 */
double stats_ratio(const struct stats_pair *pair, double confidence,
		   struct stats_interval *interval, double *scratch);

#endif
