/* SPDX-License-Identifier: MIT */
/* runner_test.c - the processes in which the benchmark measures. */
#include "config.h"

#include "bench/runner.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define ROUNDS 20u

/* The exit status tells where the stack is, in lines of the cache. */
static int stack_place(void *arg)
{
	char here = 0;

	(void)arg;
	return (int)((uintptr_t)&here / 64 % 64);
}

/* If all rounds of a run share one place, what it costs there is taken for the mechanism's cost. */
static void test_runner_gives_rounds_stacks_at_many_places(void **state)
{
	struct runner runner;
	uint64_t seen = 0;
	unsigned round;

	(void)state;
	assert_int_equal(runner_open(&runner, NULL, 20), 0);
	for (round = 0; round < ROUNDS; round++) {
		int place = runner_measure(&runner, "place", stack_place, NULL);

		assert_in_range(place, 0, 63);
		seen |= UINT64_C(1) << place;
	}
	runner_close(&runner);
	assert_true(__builtin_popcountll(seen) > 4); /* 17 are to be expected */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_runner_gives_rounds_stacks_at_many_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
