/* SPDX-License-Identifier: MIT */
/* pool_split_test.c - the rules of pool.h for files in ranges. */
#include "config.h"

#include "tests/download/pool_stage.h"

#define REPORTS_MAX 15000 /* after its sibling failed; far more than are ever under way */
#define FAILED      15    /* of notes->jobs: the sibling has */

/* Reports PROGRESS until it is told to stop. */
static void go_on_until_stopped(struct script *script, uint32_t job)
{
	const struct timespec nap = { .tv_nsec = 1000000 };
	unsigned char record[RECORD_BYTES];
	unsigned slot, after = 0;
	int rc = 0;

	while (rc == 0) {
		send_event(script, (struct event){ .kind = EVENT_PROGRESS, .job = job });
		(void)nanosleep(&nap, NULL);
		after += notes->jobs[FAILED];
		CHECK(after < REPORTS_MAX);
		if (ipc_recv(script->commands, &slot, record, 1, IPC_NOWAIT) == 1)
			rc = command_read(&script->reader, record);
	}
	CHECK(rc == 1 && script->reader.command.kind == COMMAND_STOP);
	CHECK(script->reader.command.job == job);
}

/* The first splits the file, the second has its other range and fails for good. */
static void split_or_fail(struct script *script)
{
	const struct command *command = next_command(script);
	struct failure failure = { .kind = FAILURE_HTTP, .code = 404 };

	CHECK(command->kind == COMMAND_JOB && command->ranges == 2);
	CHECK(command->table == (script->life ? 7 : 0) && command->range == script->life);
	start(script, command->job);
	if (script->life == 0) {
		send_event(script, (struct event){ .kind = EVENT_SPLIT,
						   .job = 0,
						   .total = 10,
						   .table = 7,
						   .range = 0,
						   .ranges = 2 });
		go_on_until_stopped(script, 0);
		failure = (struct failure){ .kind = FAILURE_CANCELLED };
	} else {
		notes->jobs[FAILED] = 1;
	}
	send_event(script, (struct event){ .kind = EVENT_FAILED,
					   .job = script->life ? command->job : 0,
					   .failure = failure });
	hang();
}

static void test_pool_range_that_fails_stops_the_others(void **state)
{
	struct batch_stage *stage = *state;
	struct job *job;

	stage->settings.split = 2;
	job = play(stage, 1, 2, split_or_fail);
	while (job->state != JOB_FAILED) {
		assert_true(pool_dispatch(&pool) >= 0);
		turn();
	}
	assert_job_failed(job, FAILURE_HTTP);
	assert_int_equal(notes->lives, 2);
	assert_int_equal(pool.assigned, 0);
	close_pool(stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ENACTED(test_pool_range_that_fails_stops_the_others),
	};

	return run_plays(tests, sizeof tests / sizeof tests[0]);
}
