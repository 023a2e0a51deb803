/* SPDX-License-Identifier: MIT */
/* stats.c - see stats.h */
#include "config.h"

#include "bench/stats.h"

#include <math.h>
#include <stdlib.h>

#define BINS        96 /* of the log scale between the 1st and the 99th percentile */
#define EXACT_MAX   50 /* samples in all for the exact Mann-Whitney distribution: counts < 2^53 */
#define MODE_SHARE  0.05
#define VALLEY      0.5
#define MODES_APART 1.5 /* closer peaks are one, in bins of noise */

static int compare_double(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

static int compare_u64(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

void stats_sort(double *values, size_t n)
{
	qsort(values, n, sizeof *values, compare_double);
}

void stats_sort_u64(uint64_t *values, size_t n)
{
	qsort(values, n, sizeof *values, compare_u64);
}

size_t stats_rank(double p, size_t n)
{
	/*
	 * The tolerance keeps 99.9% of 1000 at rank 999, although 0.999 * 1000 is a little above
	 * it.
	 */
	double rank = ceil(p / 100 * (double)n - 1e-9 * (double)n);

	if (rank < 1)
		return 0;
	return rank > (double)n ? n - 1 : (size_t)rank - 1;
}

double stats_median(const double *sorted, size_t n)
{
	return n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

double stats_mean(const double *values, size_t n)
{
	double sum = 0;
	size_t i;

	for (i = 0; i < n; i++)
		sum += values[i];
	return n ? sum / (double)n : 0;
}

double stats_stddev(const double *values, size_t n)
{
	double mean = stats_mean(values, n), sum = 0;
	size_t i;

	for (i = 0; i < n; i++)
		sum += (values[i] - mean) * (values[i] - mean);
	return n < 2 ? 0 : sqrt(sum / (double)(n - 1));
}

struct stats_interval stats_median_interval(const double *sorted, size_t n, double confidence)
{
	struct stats_interval interval = { NAN, NAN };
	double log_half = (double)n * log(0.5);
	double below = 0; /* P(fewer than k samples lie below the median) */
	size_t k;

	for (k = 1; k <= n / 2; k++) {
		double choose =
			lgamma((double)n + 1) - lgamma((double)k) - lgamma((double)(n - k) + 2);

		below += exp(choose + log_half);
		if (1 - 2 * below < confidence)
			break;
		interval.low = sorted[k - 1];
		interval.high = sorted[n - k];
	}
	return interval;
}

double stats_median_of(const double *at, size_t n, size_t stride, struct stats_interval *ci)
{
	double *values = calloc(n + 1, sizeof *values);
	double median = NAN;
	size_t kept = 0, i;

	for (i = 0; values && i < n; i++) {
		double value = *(const double *)(const void *)((const char *)at + i * stride);

		if (!isnan(value))
			values[kept++] = value;
	}
	if (ci)
		*ci = (struct stats_interval){ NAN, NAN };
	if (kept > 0) {
		stats_sort(values, kept);
		median = stats_median(values, kept);
		if (ci)
			*ci = stats_median_interval(values, kept, 0.95);
	}
	free(values);
	return median;
}

/* ---- one hump or two ---- */

struct histogram {
	double count[BINS];
	double origin, width; /* of the logarithm */
};

static bool histogram_fill(struct histogram *h, const double *sorted, size_t n)
{
	double raw[BINS] = { 0 };
	double low = sorted[stats_rank(1, n)], high = sorted[stats_rank(99, n)];
	size_t i;
	int bin;

	if (low <= 0 || high / low < MODES_APART)
		return false;
	h->origin = log(low);
	h->width = (log(high) - h->origin) / BINS;
	for (i = stats_rank(1, n); i <= stats_rank(99, n); i++) {
		bin = (int)((log(sorted[i]) - h->origin) / h->width);
		raw[bin < BINS ? bin : BINS - 1]++;
	}
	/* Smoothed over five bins, so that the clock's steps are not taken for valleys. */
	for (bin = 0; bin < BINS; bin++) {
		int from = bin < 2 ? 0 : bin - 2, to = bin + 2 < BINS ? bin + 2 : BINS - 1;
		int at;

		h->count[bin] = 0;
		for (at = from; at <= to; at++)
			h->count[bin] += raw[at];
		h->count[bin] /= to - from + 1;
	}
	return true;
}

static int peak(const struct histogram *h, int from, int to)
{
	int best = from, bin;

	for (bin = from; bin < to; bin++)
		if (h->count[bin] > h->count[best])
			best = bin;
	return best;
}

static double share(const struct histogram *h, int from, int to)
{
	double part = 0, all = 0;
	int bin;

	for (bin = 0; bin < BINS; bin++) {
		all += h->count[bin];
		if (bin >= from && bin < to)
			part += h->count[bin];
	}
	return part / all;
}

bool stats_bimodal(const double *sorted, size_t n, double *low, double *high)
{
	struct histogram h;
	double depth = VALLEY;
	bool found = false;
	int cut;

	if (n < 100 || !histogram_fill(&h, sorted, n))
		return false;
	for (cut = 1; cut < BINS - 1; cut++) {
		int left = peak(&h, 0, cut), right = peak(&h, cut, BINS);
		double lesser = fmin(h.count[left], h.count[right]);

		if (h.count[cut] >= depth * lesser || share(&h, 0, cut) < MODE_SHARE ||
		    share(&h, cut, BINS) < MODE_SHARE ||
		    (right - left) * h.width < log(MODES_APART))
			continue;
		depth = h.count[cut] / lesser;
		*low = exp(h.origin + (left + 0.5) * h.width);
		*high = exp(h.origin + (right + 0.5) * h.width);
		found = true;
	}
	return found;
}

/* ---- comparing two samples ---- */

/*
 * The distribution of U under "no difference", in CDF[0..n*m]: how many of all arrangements give U
 * or less, as a share. Recurrence over the Gaussian binomial coefficients. False: no memory.
 */
static bool u_distribution(size_t n, size_t m, double *cdf)
{
	size_t top = n * m, i, u;
	double total = 0;

	for (u = 0; u <= top; u++)
		cdf[u] = u == 0;
	/* Multiply by (1 - x^(m+i)) and divide by (1 - x^i), for i = 1..n. */
	for (i = 1; i <= n; i++) {
		for (u = top; u + 1 > m + i; u--)
			cdf[u] -= cdf[u - m - i];
		for (u = i; u <= top; u++)
			cdf[u] += cdf[u - i];
	}
	for (u = 0; u <= top; u++)
		total += cdf[u];
	for (u = 0; u <= top; u++)
		cdf[u] = cdf[u] / total + (u ? cdf[u - 1] : 0);
	return total > 0;
}

/* Twice U, so that a tie (a half) stays whole. TIES: how many pairs are equal. */
static double twice_u(const double *a, size_t n, const double *b, size_t m, size_t *ties)
{
	double u2 = 0;
	size_t i, j;

	*ties = 0;
	for (i = 0; i < n; i++)
		for (j = 0; j < m; j++) {
			u2 += a[i] < b[j] ? 2 : a[i] == b[j];
			*ties += a[i] == b[j];
		}
	return u2;
}

/* Sum of t^3 - t over the groups of equal values of both samples together. */
static double tie_term(const double *a, size_t n, const double *b, size_t m)
{
	double *all = calloc(n + m, sizeof *all);
	double term = 0;
	size_t i, run = 1;

	if (!all)
		return 0; /* without the correction the test is a little more cautious */
	for (i = 0; i < n + m; i++)
		all[i] = i < n ? a[i] : b[i - n];
	stats_sort(all, n + m);
	for (i = 1; i <= n + m; i++) {
		if (i < n + m && all[i] == all[i - 1]) {
			run++;
			continue;
		}
		term += (double)run * (double)run * (double)run - (double)run;
		run = 1;
	}
	free(all);
	return term;
}

static double normal_p(double u, size_t n, size_t m, double ties)
{
	double all = (double)(n + m), pairs = (double)n * (double)m;
	double variance = pairs / 12 * (all + 1 - ties / (all * (all - 1)));
	double distance = fabs(u - pairs / 2) - 0.5;

	if (variance <= 0 || distance <= 0)
		return 1;
	return erfc(distance / sqrt(variance) / sqrt(2));
}

double stats_mann_whitney(const double *a, size_t n, const double *b, size_t m)
{
	double *cdf;
	double u, p;
	size_t ties;

	if (n == 0 || m == 0)
		return 1;
	u = twice_u(a, n, b, m, &ties) / 2;
	if (ties > 0 || n + m > EXACT_MAX)
		return normal_p(u, n, m, ties ? tie_term(a, n, b, m) : 0);
	cdf = calloc(n * m + 1, sizeof *cdf);
	if (!cdf || !u_distribution(n, m, cdf)) {
		free(cdf);
		return normal_p(u, n, m, 0);
	}
	if (u > (double)(n * m) / 2)
		u = (double)(n * m) - u;
	p = 2 * cdf[(size_t)u];
	free(cdf);
	return p > 1 ? 1 : p;
}

/* How many of the smallest (and largest) b/a lie outside the interval. */
static size_t interval_cut(size_t n, size_t m, double confidence)
{
	double *cdf = n + m <= EXACT_MAX ? calloc(n * m + 1, sizeof *cdf) : NULL;
	double tail = (1 - confidence) / 2;
	size_t cut = 0;

	if (cdf && u_distribution(n, m, cdf)) {
		while (cut < n * m / 2 && cdf[cut] <= tail)
			cut++;
	} else {
		while (cut < n * m / 2 && normal_p((double)cut, n, m, 0) <= 2 * tail)
			cut++;
	}
	free(cdf);
	return cut;
}

double stats_ratio(const struct stats_pair *pair, double confidence,
		   struct stats_interval *interval, double *scratch)
{
	size_t n = pair->n, m = pair->m, i, j;
	size_t cut = interval_cut(n, m, confidence);

	*interval = (struct stats_interval){ NAN, NAN };
	if (n == 0 || m == 0)
		return NAN;
	for (i = 0; i < n; i++)
		for (j = 0; j < m; j++)
			scratch[i * m + j] = pair->b[j] / pair->a[i];
	stats_sort(scratch, n * m);
	if (cut > 0)
		*interval = (struct stats_interval){ scratch[cut - 1], scratch[n * m - cut] };
	return stats_median(scratch, n * m);
}
