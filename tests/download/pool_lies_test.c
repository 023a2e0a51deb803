/* SPDX-License-Identifier: MIT */
/* pool_lies_test.c - the rules of pool.h for workers that send what they may not send. */
#include "config.h"

#include "tests/download/pool_stage.h"

static void return_unasked(struct script *script)
{
	expect_jobs(script, 2);
	give_back(script, 1);
	hang();
}

static void return_twice(struct script *script)
{
	expect_jobs(script, 3);
	CHECK(next_command(script)->kind == COMMAND_CANCEL);
	give_back(script, 2);
	give_back(script, 1);
	hang();
}

static void return_the_running(struct script *script)
{
	expect_jobs(script, 3);
	start(script, 0);
	CHECK(next_command(script)->kind == COMMAND_CANCEL);
	give_back(script, 0);
	hang();
}

static void return_anothers(struct script *script)
{
	expect_jobs(script, 3);
	CHECK(next_command(script)->kind == COMMAND_CANCEL);
	give_back(script, 77);
	hang();
}

/* ---- violations ---- */

static void send_nonsense(struct script *script)
{
	unsigned char record[RECORD_BYTES];

	memset(record, 0xff, sizeof record);
	expect_jobs(script, 1);
	CHECK(ipc_send_all(script->events, script->slot, record, 1) == 0);
	hang();
}

static void start_the_second(struct script *script)
{
	expect_jobs(script, 2);
	start(script, 1);
	hang();
}

static void start_twice(struct script *script)
{
	expect_jobs(script, 2);
	start(script, 0);
	start(script, 1);
	hang();
}

/* All in one send: what follows the violation must not be looked at. */
static void lie_and_deliver(struct script *script)
{
	unsigned char records[3][RECORD_BYTES];

	expect_jobs(script, 1);
	encode(script, (struct event){ .kind = EVENT_START, .job = 0 }, records[0]);
	encode(script, (struct event){ .kind = EVENT_START, .job = 0 }, records[1]);
	script->seq--;
	encode(script, fetched(script, 0), records[2]);
	CHECK(ipc_send_all(script->events, script->slot, records, 3) == 0);
	hang();
}

static void test_pool_violation_is_killed(void **state)
{
	static void (*const lies[])(struct script * script) = {
		return_unasked, return_twice,     return_the_running, return_anothers,
		send_nonsense,  start_the_second, start_twice,        lie_and_deliver,
	};
	struct batch_stage *stage = *state;

	for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
		struct job *job = play(stage, 3, 1, lies[i]);

		assert_int_equal(pool_dispatch(&pool), 0);
		if (lies[i] != return_unasked)
			pool_recall(&pool);
		turn_to_the_end(); /* hang() is ended by SIGKILL alone */
		assert_waits_after(&job[0], FAILURE_PROTOCOL);
		assert_int_equal(job[1].state, JOB_READY);
		assert_int_equal(job[2].state, JOB_READY);
		assert_counts(&stage->batch, 3, 0, 0);
		batch_abandon(&stage->batch);
		close_pool(stage);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ENACTED(test_pool_violation_is_killed),
	};

	return run_plays(tests, sizeof tests / sizeof tests[0]);
}
