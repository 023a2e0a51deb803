/* SPDX-License-Identifier: MIT */
/*
 * find_rate_test.c - the search for a rate, on mechanisms made up here, whose answer is known.
 */
#include "config.h"

#include "bench/find_rate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>

#define US 1e3

/* What is measured: it serves CAPACITY a second, and its p99 is QUICK within a range, else SLOW. */
struct fake {
	double capacity, quick_from, quick_to;
	unsigned spoilt;   /* every so manyth round is disturbed; 0: none */
	unsigned fails_at; /* the round that ends its row; 0: none */
	unsigned interrupted_at;
	unsigned rounds;    /* done */
	double least_asked; /* the lowest rate that was tried */
};

static int measure(void *context, struct row *row)
{
	struct fake *fake = context;
	const double rate = row->axes.rate;
	const bool spoilt = fake->spoilt && (fake->rounds + 1) % fake->spoilt == 0;
	const bool quick = rate >= fake->quick_from && rate <= fake->quick_to && !spoilt;

	fake->rounds++;
	fake->least_asked = fmin(fake->least_asked, rate);
	if (fake->rounds == fake->interrupted_at)
		return -EINTR;
	if (fake->rounds == fake->fails_at) {
		row->status = ROW_ERROR;
		(void)snprintf(row->reason, sizeof row->reason, "broken");
		return 0;
	}
	row->round[row->rounds++] = (struct round){
		.p99_ns = quick ? 40 * US : 60 * US,
		.achieved = fmin(rate, fake->capacity),
		.late_share = rate > fake->capacity ? 1 : 0,
	};
	return 0;
}

static const struct options bound_50us = { .find_rate = true, .p99_ns = 50 * US, .timeout_s = 20 };

static int find_of(struct fake *fake, const struct options *options, struct row *row)
{
	const struct find_rate find = { options, measure, fake };

	*row = (struct row){ .axes.mode = MODE_LATENCY };
	fake->least_asked = INFINITY;
	return find_rate(&find, row);
}

static void expect_rate(const struct row *row, double rate)
{
	assert_int_equal(row->status, ROW_OK);
	assert_true(row->axes.rate <= rate + 1);
	assert_true(row->axes.rate >= rate / 1.05);
}

static void test_find_rate_with_an_edge_finds_it(void **state)
{
	static const double edges[] = { 100, 1234, 7777, 55555, 99999 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof edges / sizeof edges[0]; i++) {
		struct fake fake = { .capacity = 1e5, .quick_to = edges[i] };
		struct row row;

		assert_int_equal(find_of(&fake, &bound_50us, &row), 0);
		expect_rate(&row, edges[i]);
	}
}

/* A receiver that is idle sleeps deeper: the bound holds from 10,000 to 40,000 only. */
static void test_find_rate_where_low_rates_are_slow_finds_the_upper_edge(void **state)
{
	struct fake fake = { .capacity = 1e5, .quick_from = 1e4, .quick_to = 4e4 };
	struct row row;

	(void)state;
	assert_int_equal(find_of(&fake, &bound_50us, &row), 0);
	expect_rate(&row, 4e4);
}

static void test_find_rate_of_quick_rounds_ends_at_what_it_can_do(void **state)
{
	struct fake fake = { .capacity = 30000, .quick_to = INFINITY };
	struct row row;

	(void)state;
	assert_int_equal(find_of(&fake, &bound_50us, &row), 0);
	expect_rate(&row, 30000);
}

static void test_find_rate_with_one_round_of_three_disturbed_finds_the_same(void **state)
{
	struct fake fake = { .capacity = 1e5, .quick_to = 7777, .spoilt = 3 };
	struct row row;

	(void)state;
	assert_int_equal(find_of(&fake, &bound_50us, &row), 0);
	expect_rate(&row, 7777);
}

static void test_find_rate_that_no_rate_keeps_says_so(void **state)
{
	struct fake fake = { .capacity = 1e5 };
	struct row row;

	(void)state;
	assert_int_equal(find_of(&fake, &bound_50us, &row), 0);
	assert_int_equal(row.status, ROW_ERROR);
	assert_string_equal(row.reason,
			    "p99 is above 50 us at each rate from 100000 to 24 a second");
}

/* 200 records at 24 a second would outlast 5 seconds, and so fail. */
static void test_find_rate_with_a_count_asks_for_no_round_beyond_its_deadline(void **state)
{
	const struct options options = {
		.find_rate = true, .p99_ns = 50 * US, .timeout_s = 5, .count = 200
	};
	struct fake fake = { .capacity = 1e5 };
	struct row row;

	(void)state;
	assert_int_equal(find_of(&fake, &options, &row), 0);
	assert_true(options.count / fake.least_asked < options.timeout_s);
}

static void test_find_rate_of_a_row_that_fails_has_its_reason(void **state)
{
	unsigned round;

	(void)state;
	for (round = 1; round < 12; round++) {
		struct fake fake = { .capacity = 1e5, .quick_to = 7777, .fails_at = round };
		struct row row;

		assert_int_equal(find_of(&fake, &bound_50us, &row), 0);
		assert_int_equal(row.status, ROW_ERROR);
		assert_string_equal(row.reason, "broken");
		assert_int_equal(fake.rounds, round);
	}
}

static void test_find_rate_interrupted_ends_at_once(void **state)
{
	unsigned round;

	(void)state;
	for (round = 1; round < 12; round++) {
		struct fake fake = { .capacity = 1e5, .quick_to = 7777, .interrupted_at = round };
		struct row row;

		assert_int_equal(find_of(&fake, &bound_50us, &row), -EINTR);
		assert_int_equal(fake.rounds, round);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find_rate_with_an_edge_finds_it),
		cmocka_unit_test(test_find_rate_where_low_rates_are_slow_finds_the_upper_edge),
		cmocka_unit_test(test_find_rate_of_quick_rounds_ends_at_what_it_can_do),
		cmocka_unit_test(test_find_rate_with_one_round_of_three_disturbed_finds_the_same),
		cmocka_unit_test(test_find_rate_that_no_rate_keeps_says_so),
		cmocka_unit_test(test_find_rate_with_a_count_asks_for_no_round_beyond_its_deadline),
		cmocka_unit_test(test_find_rate_of_a_row_that_fails_has_its_reason),
		cmocka_unit_test(test_find_rate_interrupted_ends_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
