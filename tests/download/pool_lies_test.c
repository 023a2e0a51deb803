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

static struct event split_of(uint32_t job)
{
	return (struct event){
		.kind = EVENT_SPLIT, .job = job, .total = 10, .table = 7, .range = 0, .ranges = 2
	};
}

/* Nobody asked for ranges. */
static void split_unasked(struct script *script)
{
	expect_jobs(script, 1);
	start(script, 0);
	send_event(script, split_of(0));
	hang();
}

static void violations_are_killed(struct batch_stage *stage)
{
	static void (*const lies[])(struct script * script) = {
		return_unasked,   return_twice, return_the_running, return_anothers, send_nonsense,
		start_the_second, start_twice,  lie_and_deliver,    split_unasked,
	};

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

static void test_pool_violation_is_killed_over_every_mechanism(void **state)
{
	over_each(state, 0, violations_are_killed);
}

/* ---- floods ---- */

/* Each of these alone is permitted. Slot 1 is honest. */
static void flood_or_work(struct script *script)
{
	expect_jobs(script, 1);
	start(script, script->reader.command.job);
	while (script->slot == 0)
		send_event(script, (struct event){ .kind = EVENT_PROGRESS,
						   .job = script->reader.command.job });
	send_event(script, fetched(script, script->reader.command.job));
	(void)next_command(script);
}

static long resident_pages(void)
{
	FILE *statm = fopen("/proc/self/statm", "re");
	long size, resident = 0;

	assert_non_null(statm);
	assert_int_equal(fscanf(statm, "%ld %ld", &size, &resident), 2);
	(void)fclose(statm);
	return resident;
}

static void flood_is_ended(struct batch_stage *stage)
{
	const struct job *job = play(stage, 2, 2, flood_or_work);
	long grown;

	assert_int_equal(pool_dispatch(&pool), 0);
	grown = -resident_pages();
	while (job[0].deaths == 0 || stage->batch.ok == 0)
		turn();
	grown += resident_pages();
#ifdef __SANITIZE_ADDRESS__
	grown = 0; /* what a sanitizer allocates is not ours */
#endif
	assert_true(grown < (1 << 20) / 4096);
	pool_quit_all(&pool);
	turn_to_the_end();
	assert_waits_after(&job[0], FAILURE_PROTOCOL);
	assert_int_equal(job[1].state, JOB_OK);
	batch_abandon(&stage->batch);
	close_pool(stage);
}

/* The parent would do nothing else for as long as it lasts. */
static void test_pool_flood_of_progress_is_a_violation_over_every_mechanism(void **state)
{
	over_each(state, 0, flood_is_ended);
}

/* Twenty a second for ten minutes, all at once: the whole program was stopped meanwhile. */
static void report_as_a_worker_of_ours(struct script *script)
{
	expect_jobs(script, 1);
	start(script, 0);
	for (unsigned i = 0; i < 12000; i++)
		send_event(script, (struct event){ .kind = EVENT_PROGRESS, .job = 0 });
	send_event(script, fetched(script, 0));
	(void)next_command(script);
}

static void test_pool_progress_that_has_waited_is_none(void **state)
{
	struct batch_stage *stage = *state;

	(void)play(stage, 1, 1, report_as_a_worker_of_ours);
	assert_int_equal(pool_dispatch(&pool), 0);
	while (stage->batch.ok == 0)
		turn();
	pool_quit_all(&pool);
	turn_to_the_end();
	close_pool(stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ENACTED(test_pool_violation_is_killed_over_every_mechanism),
		ENACTED(test_pool_flood_of_progress_is_a_violation_over_every_mechanism),
		ENACTED(test_pool_progress_that_has_waited_is_none),
	};

	return run_plays(tests, sizeof tests / sizeof tests[0]);
}
