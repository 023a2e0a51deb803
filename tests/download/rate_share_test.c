/* SPDX-License-Identifier: MIT */
/* rate_share_test.c - one limit, shared fairly by those that can use it. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "download/rate_share.h"

#define ALL RATE_SHARE_ALL

static void test_share_cases(void **state)
{
	static const struct {
		uint64_t limit, demand[4], share[4];
	} cases[] = {
		{ 100, { ALL, ALL, ALL, ALL }, { 25, 25, 25, 25 } },
		{ 100, { ALL, 0, 0, ALL }, { 50, 0, 0, 50 } },
		{ 100, { 10, ALL, ALL, ALL }, { 10, 30, 30, 30 } },
		/* What the first leaves makes the second's 28 a modest demand. */
		{ 100, { 10, 28, ALL, ALL }, { 10, 28, 31, 31 } },
		/* Nobody wants the rest: for who can take more than it could. */
		{ 100, { 10, 10, 10, 10 }, { 25, 25, 25, 25 } },
		{ 100, { 10, 20, 0, 0 }, { 45, 55, 0, 0 } },
		{ 100, { 0, 0, 0, 0 }, { 0, 0, 0, 0 } },
		{ 10, { ALL, ALL, ALL, 0 }, { 3, 3, 4, 0 } },
		{ 2, { ALL, ALL, ALL, ALL }, { 1, 1, 1, 1 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		uint64_t share[4];

		rate_share(cases[i].limit, cases[i].demand, share, 4);
		for (size_t j = 0; j < 4; j++)
			assert_int_equal(share[j], cases[i].share[j]);
	}
}

static void test_share_of_random_demands_is_all_there_is(void **state)
{
	(void)state;
	srandom(1);
	for (int i = 0; i < 10000; i++) {
		const uint64_t limit = 1000 + (uint64_t)random() % 1000000;
		uint64_t demand[16], share[16], demands = 0, shares = 0, most = 0;

		for (unsigned j = 0; j < 16; j++) {
			demand[j] = (uint64_t)random() % (limit / 8);
			demands += demand[j];
		}
		rate_share(limit, demand, share, 16);
		for (unsigned j = 0; j < 16; j++) {
			assert_true(share[j] <= demand[j] || demands < limit);
			shares += share[j];
			most = share[j] > most ? share[j] : most;
		}
		assert_int_equal(shares, limit);
		for (unsigned j = 0; j < 16; j++) /* nobody with less would have liked more */
			assert_true(share[j] >= demand[j] || share[j] + 1 >= most);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_share_cases),
		cmocka_unit_test(test_share_of_random_demands_is_all_there_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
