/* SPDX-License-Identifier: MIT */
/* pool_rate_test.c - how a pool shares --limit-rate among its workers, as time and bytes go on. */
#include "config.h"

#include <sched.h>

#include "tests/download/pool_stage.h"

#define LIMIT 1000000u
#define TOLD  8 /* of notes->jobs: the rate that the worker in slot 0 was told last; then slot 1 */

/* Notes its rates. The first ends its job once the test says so, the second never does. */
static void note_rates(struct script *script)
{
	const struct command *command;

	do {
		command = next_command(script);
		if (command->kind == COMMAND_RATE)
			notes->jobs[TOLD + script->slot] = (unsigned)command->rate;
		if (command->kind != COMMAND_JOB)
			continue;
		start(script, script->slot);
		if (script->slot > 0)
			continue;
		while (!notes->go)
			(void)sched_yield();
		send_event(script, fetched(script, script->slot));
	} while (command->kind != COMMAND_QUIT);
}

/* Two workers, each with a job that it has begun. */
static void two_at_work(struct batch_stage *stage)
{
	stage->settings.limit_rate = LIMIT;
	(void)play(stage, 2, 2, note_rates);
	while (!pool.workers[0].guard.running || !pool.workers[1].guard.running) {
		assert_true(pool_dispatch(&pool) >= 0);
		turn();
	}
}

static void leave_early(struct batch_stage *stage)
{
	notes->go = true;
	stage->batch.signo = SIGINT;
	pool_quit_all(&pool);
	turn_to_the_end();
	batch_abandon(&stage->batch);
	close_pool(stage);
}

static void assert_rates(uint64_t first, uint64_t second)
{
	assert_int_equal(pool.workers[0].rate, first);
	assert_int_equal(pool.workers[1].rate, second);
}

/* At once, not at the next look: a hundredth more or less is not told. */
static void test_rate_of_a_worker_without_a_job_goes_to_the_others(void **state)
{
	struct batch_stage *stage = *state;
	uint64_t now_ns = 10 * NS_PER_S;

	two_at_work(stage);
	(void)pool_share_rate(&pool, now_ns);
	assert_rates(LIMIT / 2 + 1, LIMIT / 2 + 1);
	notes->go = true;
	while (pool.busy > 1)
		turn();
	(void)pool_share_rate(&pool, ++now_ns);
	assert_rates(LIMIT / 2 + 1, LIMIT);
	pool_flush(&pool);
	while (notes->jobs[TOLD + 1] != LIMIT)
		(void)sched_yield();
	leave_early(stage);
}

/* In each second the first has 100,000 bytes, as its origin gives no more, the second its share. */
static void test_rate_that_a_worker_cannot_use_goes_to_the_others(void **state)
{
	struct batch_stage *stage = *state;
	uint64_t now_ns = 10 * NS_PER_S;

	two_at_work(stage);
	for (unsigned i = 0; i < 10; i++) {
		assert_true(pool_share_rate(&pool, now_ns) > now_ns);
		pool.workers[0].received += 100000;
		pool.workers[1].received += pool.workers[1].rate;
		now_ns += NS_PER_S;
	}
	assert_in_range(pool.workers[0].rate, 100000, 150000);
	assert_in_range(pool.workers[1].rate, LIMIT - 150000, LIMIT - 100000);
	/* It can have more now: it takes all it may, and is soon given as much as the other. */
	for (unsigned i = 0; i < 2; i++) {
		pool.workers[0].received += pool.workers[0].rate;
		pool.workers[1].received += pool.workers[1].rate;
		(void)pool_share_rate(&pool, now_ns);
		now_ns += NS_PER_S;
	}
	assert_rates(LIMIT / 2, LIMIT / 2);
	leave_early(stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ENACTED(test_rate_of_a_worker_without_a_job_goes_to_the_others),
		ENACTED(test_rate_that_a_worker_cannot_use_goes_to_the_others),
	};

	return run_plays(tests, sizeof tests / sizeof tests[0]);
}
