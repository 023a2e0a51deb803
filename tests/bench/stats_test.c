/* SPDX-License-Identifier: MIT */
/*
 * stats_test.c - the benchmark's arithmetic against definitions worked out another way: by
 * counting, by enumeration, and by drawing many samples of a known kind.
 */
#include "config.h"

#include "bench/stats.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <math.h>
#include <unistd.h>

#define MANY   20000u
#define TIES_P 0.1341691801

static bool near(double a, double b, double tolerance)
{
	return fabs(a - b) <= tolerance;
}

/* ---- draws: the same in every run ---- */

static double uniform(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return ((double)(*seed >> 11) + 0.5) / 9007199254740992.0;
}

static double normal(uint64_t *seed)
{
	return sqrt(-2 * log(uniform(seed))) * cos(2 * M_PI * uniform(seed));
}

/* Like a latency: lognormal about CENTRE, SPREAD as a share of it. */
static double latency(uint64_t *seed, double centre, double spread)
{
	return centre * exp(spread * normal(seed));
}

/* ---- percentiles ---- */

/* The definition: at least P hundredths of a percent of N are at most this one, by integers. */
static void test_rank_is_the_smallest_that_covers_the_share(void **state)
{
	size_t n, rank;
	uint64_t p;

	(void)state;
	for (n = 1; n <= 300; n++)
		for (p = 0; p <= 10000; p += 25) {
			for (rank = 1; rank * 10000 < p * n; rank++)
				;
			assert_int_equal(stats_rank((double)p / 100, n), rank - 1);
		}
}

static void test_rank_of_even_thousands_takes_no_rounding_error(void **state)
{
	(void)state;
	assert_int_equal(stats_rank(99.9, 1000), 998);
	assert_int_equal(stats_rank(99.99, 10000), 9998);
	assert_int_equal(stats_rank(99.99, 1000000), 999899);
	assert_int_equal(stats_rank(99.9, 7), 6);
	assert_int_equal(stats_rank(50, 1), 0);
	assert_int_equal(stats_rank(100, 5), 4);
}

static void test_sort_puts_the_smallest_first(void **state)
{
	uint64_t whole[] = { 5, UINT64_MAX, 0, 3, 3 };
	double real[] = { 2.5, -1, 1e300, 0, 2.5 };

	(void)state;
	stats_sort_u64(whole, 5);
	assert_int_equal(whole[0], 0);
	assert_int_equal(whole[2], 3);
	assert_true(whole[4] == UINT64_MAX);
	stats_sort(real, 5);
	assert_true(real[0] == -1 && real[1] == 0 && real[2] == 2.5 && real[4] == 1e300);
}

static void test_mean_median_and_deviation_of_known_values(void **state)
{
	const double odd[] = { 1, 2, 9 }, even[] = { 2, 4, 4, 4, 5, 5, 7, 9 };

	(void)state;
	assert_true(stats_median(odd, 3) == 2);
	assert_true(stats_median(even, 8) == 4.5);
	assert_true(stats_mean(even, 8) == 5);
	assert_true(near(stats_stddev(even, 8), 2.138089935, 1e-9));
	assert_true(stats_stddev(odd, 1) == 0);
	assert_true(stats_mean(odd, 0) == 0);
}

/* ---- the interval of a median ---- */

static void test_median_interval_needs_six(void **state)
{
	const double values[] = { 1, 2, 3, 4, 5, 6 };
	struct stats_interval five = stats_median_interval(values, 5, 0.95);
	struct stats_interval six = stats_median_interval(values, 6, 0.95);

	(void)state;
	assert_true(isnan(five.low) && isnan(five.high));
	assert_true(six.low == 1 && six.high == 6);
}

/* The share of all 2^n ways to fall below or above that leaves the median inside ranks k..n+1-k. */
static double coverage(unsigned n, unsigned k)
{
	double choose = 1, outside = 0;
	unsigned below;

	for (below = 0; below < k; below++) {
		outside += choose;
		choose = choose * (n - below) / (below + 1);
	}
	return 1 - 2 * outside / pow(2, n);
}

static void test_median_interval_is_the_narrowest_that_covers(void **state)
{
	double values[50];
	unsigned n, k;

	(void)state;
	for (n = 0; n < 50; n++)
		values[n] = n + 1;
	for (n = 6; n <= 50; n++) {
		struct stats_interval interval = stats_median_interval(values, n, 0.95);

		k = (unsigned)interval.low;
		assert_true(interval.high == n + 1 - k);
		assert_true(coverage(n, k) >= 0.95);
		assert_true(coverage(n, k + 1) < 0.95);
	}
}

/* ---- Mann-Whitney ---- */

/* By enumeration: the share of all ways to choose N of N + M ranks whose U is as far out. */
static double enumerated(const double *a, unsigned n, const double *b, unsigned m)
{
	unsigned i, j, mask, total = 0, extreme = 0;
	double u = 0, out;

	for (i = 0; i < n; i++)
		for (j = 0; j < m; j++)
			u += a[i] < b[j];
	out = fabs(u - n * m / 2.0);
	for (mask = 0; mask < 1u << (n + m); mask++) {
		unsigned seen = 0;

		if ((unsigned)__builtin_popcount(mask) != n)
			continue;
		u = 0;
		for (i = 0; i < n + m; i++) {
			if (mask & 1u << i)
				seen++;
			else
				u += seen;
		}
		total++;
		extreme += fabs(u - n * m / 2.0) >= out;
	}
	return (double)extreme / total;
}

static void test_mann_whitney_without_ties_is_exact(void **state)
{
	uint64_t seed = 7;
	double a[8], b[8];
	unsigned n, m, i, turn;

	(void)state;
	for (n = 1; n <= 7; n++)
		for (m = 1; m <= 7; m++)
			for (turn = 0; turn < 5; turn++) {
				for (i = 0; i < 8; i++) {
					a[i] = uniform(&seed);
					b[i] = uniform(&seed) + 0.2 * turn;
				}
				assert_true(near(stats_mann_whitney(a, n, b, m),
						 enumerated(a, n, b, m), 1e-12));
			}
}

static void test_mann_whitney_of_equal_samples_shows_nothing(void **state)
{
	const double same[] = { 3, 3, 3, 3 }, other[] = { 1, 2, 3, 4 };

	(void)state;
	assert_true(stats_mann_whitney(same, 4, same, 4) == 1);
	assert_true(stats_mann_whitney(other, 4, other, 4) == 1);
	assert_true(stats_mann_whitney(other, 0, other, 4) == 1);
}

/* Where the exact distribution ends and the approximation begins, both must say about the same. */
static void test_mann_whitney_approximation_joins_the_exact(void **state)
{
	uint64_t seed = 99;
	double a[26], b[26];
	unsigned i, turn;

	(void)state;
	for (turn = 0; turn < 40; turn++) {
		double exact, approximate;

		for (i = 0; i < 26; i++) {
			a[i] = normal(&seed);
			b[i] = normal(&seed) + 0.02 * turn;
		}
		exact = stats_mann_whitney(a, 25, b, 25);
		b[25] = a[25] =
			0.123; /* a tie of the two in the middle: 26 + 26 by approximation */
		approximate = stats_mann_whitney(a, 26, b, 26);
		assert_true(near(exact, approximate, 0.03 + 0.1 * exact));
	}
}

/* U = 13.5 of 16; equal values in groups of 3, 2, 2; worked out by hand. */
static void test_mann_whitney_with_ties_is_corrected_for_them(void **state)
{
	const double a[] = { 1, 2, 2, 3 }, b[] = { 2, 3, 4, 4 };

	(void)state;
	assert_true(near(stats_mann_whitney(a, 4, b, 4), TIES_P, 1e-9));
	assert_true(near(stats_mann_whitney(b, 4, a, 4), TIES_P, 1e-9));
}

static void test_mann_whitney_seldom_alarms_falsely(void **state)
{
	uint64_t seed = 1;
	double a[15], b[15];
	unsigned i, turn, alarms = 0;

	(void)state;
	for (turn = 0; turn < MANY; turn++) {
		for (i = 0; i < 15; i++) {
			a[i] = latency(&seed, 1.02, 0.03);
			b[i] = latency(&seed, 1.02, 0.03);
		}
		alarms += stats_mann_whitney(a, 15, b, 15) < 0.01;
	}
	/* one in a hundred: within five standard deviations of it */
	assert_in_range(alarms, MANY / 100 - 70, MANY / 100 + 70);
}

static void test_mann_whitney_finds_five_percent_in_fifteen_rounds(void **state)
{
	uint64_t seed = 2;
	double a[15], b[15];
	unsigned i, turn, found = 0;

	(void)state;
	for (turn = 0; turn < 1000; turn++) {
		for (i = 0; i < 15; i++) {
			a[i] = latency(&seed, 1, 0.025);
			b[i] = latency(&seed, 1.05, 0.025);
		}
		found += stats_mann_whitney(a, 15, b, 15) < 0.01;
	}
	assert_true(found > 970);
}

/* ---- Hodges-Lehmann ---- */

static void test_ratio_of_a_scaled_sample_is_the_scale(void **state)
{
	const double a[] = { 1, 2, 4 }, b[] = { 3, 6, 12 };
	const struct stats_pair pair = { a, 3, b, 3 }, empty = { a, 0, b, 3 };
	struct stats_interval interval;
	double scratch[9];

	(void)state;
	assert_true(stats_ratio(&pair, 0.99, &interval, scratch) == 3);
	assert_true(isnan(interval.low) && isnan(interval.high)); /* three say nothing at 99% */
	assert_true(isnan(stats_ratio(&empty, 0.99, &interval, scratch)));
}

static void test_ratio_interval_covers_and_agrees_with_the_test(void **state)
{
	uint64_t seed = 3;
	double a[15], b[15], scratch[225];
	const struct stats_pair pair = { a, 15, b, 15 };
	unsigned i, turn, covered = 0;

	(void)state;
	for (turn = 0; turn < 4000; turn++) {
		struct stats_interval interval;
		bool outside;

		for (i = 0; i < 15; i++) {
			a[i] = latency(&seed, 1, 0.03);
			b[i] = latency(&seed, 1.03, 0.03);
		}
		(void)stats_ratio(&pair, 0.99, &interval, scratch);
		covered += interval.low <= 1.03 && 1.03 <= interval.high;
		outside = interval.low > 1 || interval.high < 1;
		assert_int_equal(outside, stats_mann_whitney(a, 15, b, 15) < 0.01);
	}
	assert_in_range(covered, 3930, 3990); /* 99% of 4000 is 3960 */
}

/* ---- humps ---- */

static size_t draw(double *values, size_t n, double centre, double spread, uint64_t *seed)
{
	size_t i;

	for (i = 0; i < n; i++)
		values[i] = latency(seed, centre, spread);
	return n;
}

static void test_bimodal_sees_two_humps_and_where_they_are(void **state)
{
	static double values[MANY];
	uint64_t seed = 4;
	double low, high;
	size_t n = draw(values, MANY * 3 / 4, 90, 0.05, &seed);

	(void)state;
	n += draw(values + n, MANY - n, 400, 0.05, &seed);
	stats_sort(values, n);
	assert_true(stats_bimodal(values, n, &low, &high));
	assert_true(near(low, 90, 9));
	assert_true(near(high, 400, 40));
}

/* Equal humps, so far apart that the valley between holds a quarter of a peak, or most of it. */
static void test_bimodal_wants_a_deep_valley(void **state)
{
	static double values[MANY];
	uint64_t seed = 6;
	double low, high;
	size_t n = draw(values, MANY / 2, 100, 0.2, &seed);

	(void)state;
	(void)draw(values + n, MANY - n, 100 * exp(0.8), 0.2, &seed);
	stats_sort(values, MANY);
	assert_true(stats_bimodal(values, MANY, &low, &high));
	n = draw(values, MANY / 2, 100, 0.2, &seed);
	(void)draw(values + n, MANY - n, 100 * exp(0.51), 0.2, &seed);
	stats_sort(values, MANY);
	assert_false(stats_bimodal(values, MANY, &low, &high));
}

static void test_bimodal_is_not_misled_by_one_hump(void **state)
{
	static double values[MANY];
	uint64_t seed = 5;
	double low, high;
	size_t i;

	(void)state;
	stats_sort(values, draw(values, MANY, 6000, 0.05, &seed));
	assert_false(stats_bimodal(values, MANY, &low, &high));
	/* wide */
	stats_sort(values, draw(values, MANY, 6000, 0.6, &seed));
	assert_false(stats_bimodal(values, MANY, &low, &high));
	/* a long tail: one in fifty is late by up to a hundredfold */
	for (i = 0; i < MANY; i++)
		values[i] = latency(&seed, 6000, 0.05) * (i % 50 ? 1 : 1 + 100 * uniform(&seed));
	stats_sort(values, MANY);
	assert_false(stats_bimodal(values, MANY, &low, &high));
	/* a clock that steps by ten */
	for (i = 0; i < MANY; i++)
		values[i] = floor(latency(&seed, 95, 0.1) / 10) * 10;
	stats_sort(values, MANY);
	assert_false(stats_bimodal(values, MANY, &low, &high));
	for (i = 0; i < MANY; i++)
		values[i] = floor(latency(&seed, 300, 0.2) / 10) * 10;
	stats_sort(values, MANY);
	assert_false(stats_bimodal(values, MANY, &low, &high));
	/* all the same, and too few */
	for (i = 0; i < MANY; i++)
		values[i] = 70;
	assert_false(stats_bimodal(values, MANY, &low, &high));
	assert_false(stats_bimodal(values, 3, &low, &high));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rank_is_the_smallest_that_covers_the_share),
		cmocka_unit_test(test_rank_of_even_thousands_takes_no_rounding_error),
		cmocka_unit_test(test_sort_puts_the_smallest_first),
		cmocka_unit_test(test_mean_median_and_deviation_of_known_values),
		cmocka_unit_test(test_median_interval_needs_six),
		cmocka_unit_test(test_median_interval_is_the_narrowest_that_covers),
		cmocka_unit_test(test_mann_whitney_without_ties_is_exact),
		cmocka_unit_test(test_mann_whitney_of_equal_samples_shows_nothing),
		cmocka_unit_test(test_mann_whitney_approximation_joins_the_exact),
		cmocka_unit_test(test_mann_whitney_with_ties_is_corrected_for_them),
		cmocka_unit_test(test_mann_whitney_seldom_alarms_falsely),
		cmocka_unit_test(test_mann_whitney_finds_five_percent_in_fifteen_rounds),
		cmocka_unit_test(test_ratio_of_a_scaled_sample_is_the_scale),
		cmocka_unit_test(test_ratio_interval_covers_and_agrees_with_the_test),
		cmocka_unit_test(test_bimodal_sees_two_humps_and_where_they_are),
		cmocka_unit_test(test_bimodal_wants_a_deep_valley),
		cmocka_unit_test(test_bimodal_is_not_misled_by_one_hump),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
