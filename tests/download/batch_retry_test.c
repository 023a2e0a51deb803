/* SPDX-License-Identifier: MIT */
/*
 * batch_retry_test.c - which failures are tried again, how often, and when. The origin's and the
 * network's doing counts against --retries, the death of a worker against a limit of its own.
 */
#include "config.h"

#include <errno.h>

#include "download/retry.h"
#include "tests/download/batch_stage.h"

static const enum failure_kind deaths[] = { FAILURE_KILLED, FAILURE_EXITED, FAILURE_PROTOCOL,
					    FAILURE_STALLED, FAILURE_SANDBOX };
#define DEATH_COUNT (sizeof deaths / sizeof deaths[0])

/* ---- how often ---- */

static void test_batch_failed_transient_is_tried_as_often_as_asked(void **state)
{
	struct batch_stage *stage = *state;

	for (unsigned retries = 0; retries < 5; retries++) {
		struct job *job;

		stage->settings.retries = retries;
		job = begun(stage, 1, NULL);
		for (unsigned i = 0; i < retries; i++) {
			fail_by(stage, job, FAILURE_FETCH, true);
			assert_int_equal(job->state, JOB_WAITING);
			assert_counts(&stage->batch, 1, 0, 0);
			assign_waiting(stage);
		}
		fail_by(stage, job, FAILURE_FETCH, true);
		assert_job_failed(job, FAILURE_FETCH);
		assert_counts(&stage->batch, 0, 0, 1);
		assert_true(next_retry_ns(stage) == UINT64_MAX);
		job_list_free(&stage->jobs);
	}
}

/* An origin that was there a moment ago is being started anew; one that never was is not there. */
static void test_batch_failed_refused_after_an_ended_try_is_tried_again(void **state)
{
	static const struct failure refused = { .kind = FAILURE_FETCH, .os_errno = ECONNREFUSED };
	struct batch_stage *stage = *state;
	struct job *job = begun(stage, 3, NULL);

	fail_by(stage, &job[0], FAILURE_SIZE, true);
	fail_by(stage, &job[1], FAILURE_KILLED, false);
	assign_waiting(stage);
	batch_failed(&stage->batch, &job[0], 0, &refused, 0);
	assert_int_equal(job[0].state, JOB_WAITING);
	batch_failed(&stage->batch, &job[1], 0, &refused, 0);
	assert_int_equal(job[1].state, JOB_WAITING);
	batch_failed(&stage->batch, &job[2], 0, &refused, 0);
	assert_job_failed(&job[2], FAILURE_FETCH);
}

/* Every kind, as permanent: only the death of a worker is not the job's own failure. */
static void test_batch_failed_permanent_is_final_at_once(void **state)
{
	struct batch_stage *stage = *state;

	for (int kind = FAILURE_NONE + 1; kind < FAILURE_KINDS; kind++) {
		struct job *job = begun(stage, 1, NULL);
		struct batch_result result;
		bool death = false;

		for (size_t i = 0; i < DEATH_COUNT; i++)
			death |= kind == (int)deaths[i];
		close(write_part(stage, job, "ab", &result));
		fail_by(stage, job, (enum failure_kind)kind, false);
		assert_int_equal(job->state, death ? JOB_WAITING : JOB_FAILED);
		assert_int_equal(job->failure.kind, kind);
		if (!death)
			expect_absent(stage->place, "a.part");
		job_list_free(&stage->jobs);
	}
}

/* A URL that kills every worker must end: three are forgiven, whatever --retries says. */
static void test_batch_failed_three_deaths_are_forgiven(void **state)
{
	struct batch_stage *stage = *state;

	for (unsigned i = 0; i < DEATH_COUNT * 2; i++) {
		struct job *job;

		stage->settings.retries = i % 2 ? 1000 : 0;
		job = begun(stage, 1, NULL);
		for (unsigned death = 0; death < 3; death++) {
			fail_by(stage, job, deaths[(i + death) % DEATH_COUNT], death % 2);
			assert_int_equal(job->state, JOB_WAITING);
			assert_true(job->retry_ns <= clock_ns()); /* at once */
			assign_waiting(stage);
		}
		fail_by(stage, job, deaths[i / 2], true);
		assert_job_failed(job, deaths[i / 2]);
		assert_counts(&stage->batch, 0, 0, 1);
		job_list_free(&stage->jobs);
	}
}

static void test_batch_failed_deaths_and_tries_count_apart(void **state)
{
	struct batch_stage *stage = *state;
	struct job *job = begun(stage, 1, NULL);

	for (unsigned i = 0; i < 3; i++) {
		fail_by(stage, job, FAILURE_KILLED, false);
		assign_waiting(stage);
		fail_by(stage, job, FAILURE_FETCH, true);
		assert_int_equal(job->state, JOB_WAITING);
		assign_waiting(stage);
	}
	deliver(stage, job, "abc"); /* the seventh try */
	assert_int_equal(job->state, JOB_OK);
	assert_counts(&stage->batch, 0, 1, 0);
}

/* ---- when ---- */

/* It waits from LEAST_S to MOST_S, however slow this machine is between two looks at the clock. */
static void assert_waits(const struct job *job, uint64_t before_ns, double least_s, double most_s)
{
	const double longest_s = (double)(int64_t)(job->retry_ns - before_ns) / 1e9;
	const double shortest_s = (double)(int64_t)(job->retry_ns - clock_ns()) / 1e9;

	assert_int_equal(job->state, JOB_WAITING);
	if (longest_s < least_s || shortest_s > most_s)
		fail_msg("%g to %g s is not %g to %g s", shortest_s, longest_s, least_s, most_s);
}

/* 1, 2, 4 ... seconds, spread by up to a quarter so that many jobs do not come back as one. */
static void test_batch_failed_waits_longer_each_time(void **state)
{
	struct batch_stage *stage = *state;
	struct job *job;
	double wanted_s = 1;

	stage->settings.retries = 1000;
	job = begun(stage, 1, NULL);
	for (unsigned i = 0; i < 40; i++) {
		const uint64_t before_ns = clock_ns();

		fail_by(stage, job, FAILURE_FETCH, true);
		assert_waits(job, before_ns, wanted_s, wanted_s * 1.25);
		assert_true(next_retry_ns(stage) == job->retry_ns);
		assign_waiting(stage);
		wanted_s = wanted_s < 32 ? 2 * wanted_s : 60;
	}
}

/* Many that were turned away at once do not come back at once. */
static void test_batch_failed_spreads_the_next_tries(void **state)
{
	static const struct retry_settings settings = { .retries = 1 };
	static const struct failure failure = { .kind = FAILURE_FETCH, .transient = true };
	double delay_s, least_s = 100, most_s = 0;

	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		struct job job = { .tries = 0 };

		assert_true(retry_permitted(&settings, &job, &failure, &delay_s));
		least_s = delay_s < least_s ? delay_s : least_s;
		most_s = delay_s > most_s ? delay_s : most_s;
	}
	assert_true(least_s >= 1 && most_s <= 1.25 && most_s - least_s > 0.05);
}

static void test_batch_failed_waits_as_long_as_the_origin_asks(void **state)
{
	static const uint32_t asked_s[] = { 9, 3, 600 };
	struct batch_stage *stage = *state;
	struct job *job = begun(stage, 1, NULL);

	for (size_t i = 0; i < sizeof asked_s / sizeof asked_s[0]; i++) {
		const struct failure failure = {
			.kind = FAILURE_HTTP, .code = 503, .transient = true, .after_s = asked_s[i]
		};
		const uint64_t before_ns = clock_ns();

		batch_failed(&stage->batch, job, 0, &failure, 0);
		assert_waits(job, before_ns, asked_s[i], asked_s[i]);
		assign_waiting(stage);
	}
}

/* Nobody waits an hour for a file in silence: the user hears of it now. */
static void test_batch_failed_does_not_wait_longer_than_ten_minutes(void **state)
{
	struct batch_stage *stage = *state;
	struct job *job = begun(stage, 1, NULL);
	const struct failure failure = {
		.kind = FAILURE_HTTP, .code = 503, .transient = true, .after_s = 601
	};

	batch_failed(&stage->batch, job, 0, &failure, 0);
	assert_int_equal(job->state, JOB_FAILED);
}

/* ---- the queue ---- */

static void fail_until(struct batch_stage *stage, struct job *job, uint32_t after_s)
{
	const struct failure failure = {
		.kind = FAILURE_HTTP, .code = 503, .transient = true, .after_s = after_s
	};

	batch_failed(&stage->batch, job, 0, &failure, 0);
}

static void assert_next(struct batch_stage *stage, const struct job *job)
{
	assert_int_equal(stage->batch.ready_count, job ? stage->batch.ready_count : 0);
	assert_ptr_equal(batch_next(&stage->batch, 7), job);
	if (!job)
		return;
	assert_int_equal(job->state, JOB_ASSIGNED);
	assert_int_equal(job->worker, 7);
}

/* The first to fail is not the first to be due. */
static void test_batch_wake_readies_who_is_due_in_the_order_of_time(void **state)
{
	static const uint32_t after_s[] = { 300, 100, 200, 150, 400 };
	static const unsigned order[] = { 1, 3, 2, 0, 4 };
	struct batch_stage *stage = *state;
	struct job *job = begun(stage, 5, NULL);

	for (unsigned i = 0; i < 5; i++)
		fail_until(stage, &job[i], after_s[i]);
	assert_true(batch_wake(&stage->batch, job[1].retry_ns - 1) == job[1].retry_ns);
	assert_next(stage, NULL);
	for (unsigned i = 0; i < 4; i++) {
		const struct job *due = &job[order[i]], *next = &job[order[i + 1]];

		assert_true(batch_wake(&stage->batch, due->retry_ns) == next->retry_ns);
		assert_next(stage, due);
		assert_next(stage, NULL);
	}
	assert_true(batch_wake(&stage->batch, job[4].retry_ns) == UINT64_MAX);
	assert_next(stage, &job[4]);
	assert_counts(&stage->batch, 5, 0, 0);
}

static void test_batch_wake_readies_all_who_are_due(void **state)
{
	struct batch_stage *stage = *state;
	struct job *job = begun(stage, 3, NULL);

	for (unsigned i = 0; i < 3; i++)
		fail_until(stage, &job[i], 10 - i);
	assert_true(batch_wake(&stage->batch, UINT64_MAX - 1) == UINT64_MAX);
	assert_int_equal(stage->batch.ready_count, 3);
	for (unsigned i = 3; i-- > 0;)
		assert_next(stage, &job[i]);
}

/* What a worker did not begin is older than what is ready. */
static void test_batch_requeue_puts_to_the_front(void **state)
{
	struct batch_stage *stage = *state;
	struct job *job;

	for (unsigned i = 0; i < 3; i++)
		(void)add(stage, (const char *[]){ "a", "b", "c" }[i], NULL);
	(void)batch_begin(&stage->batch, &stage->settings, &stage->jobs);
	job = stage->jobs.jobs;
	assert_next(stage, &job[0]);
	assert_next(stage, &job[1]);
	batch_requeue(&stage->batch, &job[1]);
	batch_requeue(&stage->batch, &job[0]);
	assert_int_equal(job[0].state, JOB_READY);
	assert_int_equal(stage->batch.ready_count, 3);
	for (unsigned i = 0; i < 3; i++)
		assert_next(stage, &job[i]);
	assert_next(stage, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ENACTED(test_batch_failed_transient_is_tried_as_often_as_asked),
		ENACTED(test_batch_failed_refused_after_an_ended_try_is_tried_again),
		ENACTED(test_batch_failed_permanent_is_final_at_once),
		ENACTED(test_batch_failed_three_deaths_are_forgiven),
		ENACTED(test_batch_failed_deaths_and_tries_count_apart),
		ENACTED(test_batch_failed_waits_longer_each_time),
		ENACTED(test_batch_failed_spreads_the_next_tries),
		ENACTED(test_batch_failed_waits_as_long_as_the_origin_asks),
		ENACTED(test_batch_failed_does_not_wait_longer_than_ten_minutes),
		ENACTED(test_batch_wake_readies_who_is_due_in_the_order_of_time),
		ENACTED(test_batch_wake_readies_all_who_are_due),
		ENACTED(test_batch_requeue_puts_to_the_front),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
