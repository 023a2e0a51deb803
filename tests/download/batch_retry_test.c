/* SPDX-License-Identifier: MIT */
/*
 * batch_retry_test.c - which failures are tried again, how often, and when. The origin's and the
 * network's doing counts against --retries, the death of a worker against a limit of its own.
 */
#include "config.h"

#include "tests/download/batch_stage.h"

#define DEADLINE_S 60

static const enum failure_kind deaths[] = { FAILURE_KILLED, FAILURE_EXITED, FAILURE_PROTOCOL,
					    FAILURE_STALLED };
#define DEATH_COUNT (sizeof deaths / sizeof deaths[0])

/* ---- how often ---- */

static void test_run_failed_transient_is_tried_as_often_as_asked(void **state)
{
	struct batch_stage *stage = *state;

	for (unsigned retries = 0; retries < 5; retries++) {
		struct job *job;

		stage->settings.retries = retries;
		job = given(stage, 1, NULL);
		for (unsigned i = 0; i < retries; i++) {
			fail_by(stage, job, FAILURE_FETCH, true);
			assert_int_equal(job->state, JOB_WAITING);
			assert_counts(&stage->batch, 1, 0, 0);
			hand_out(stage);
		}
		fail_by(stage, job, FAILURE_FETCH, true);
		assert_job_failed(job, FAILURE_FETCH);
		assert_counts(&stage->batch, 0, 0, 1);
		assert_true(stage->batch.retry_ns == UINT64_MAX);
		job_list_free(&stage->jobs);
	}
}

/* Every kind, as permanent: only the death of a worker is not the job's own failure. */
static void test_run_failed_permanent_is_final_at_once(void **state)
{
	struct batch_stage *stage = *state;

	for (int kind = FAILURE_NONE + 1; kind < FAILURE_KINDS; kind++) {
		struct job *job = given(stage, 1, NULL);
		bool death = false;

		for (size_t i = 0; i < DEATH_COUNT; i++)
			death |= kind == (int)deaths[i];
		close(write_part(stage, job, "ab"));
		fail_by(stage, job, (enum failure_kind)kind, false);
		assert_int_equal(job->state, death ? JOB_WAITING : JOB_FAILED);
		assert_int_equal(job->failure.kind, kind);
		if (!death)
			expect_absent(stage->place, "a.part");
		job_list_free(&stage->jobs);
	}
}

/* A URL that kills every worker must end: three are forgiven, whatever --retries says. */
static void test_run_failed_three_deaths_are_forgiven(void **state)
{
	struct batch_stage *stage = *state;

	for (unsigned i = 0; i < DEATH_COUNT * 2; i++) {
		struct job *job;

		stage->settings.retries = i % 2 ? 1000 : 0;
		job = given(stage, 1, NULL);
		for (unsigned death = 0; death < 3; death++) {
			fail_by(stage, job, deaths[(i + death) % DEATH_COUNT], death % 2);
			assert_int_equal(job->state, JOB_WAITING);
			assert_true(job->retry_ns <= clock_ns()); /* at once */
			hand_out(stage);
		}
		fail_by(stage, job, deaths[i / 2], true);
		assert_job_failed(job, deaths[i / 2]);
		assert_counts(&stage->batch, 0, 0, 1);
		job_list_free(&stage->jobs);
	}
}

static void test_run_failed_deaths_and_tries_count_apart(void **state)
{
	struct batch_stage *stage = *state;
	struct job *job = given(stage, 1, NULL);

	for (unsigned i = 0; i < 3; i++) {
		fail_by(stage, job, FAILURE_KILLED, false);
		hand_out(stage);
		fail_by(stage, job, FAILURE_FETCH, true);
		assert_int_equal(job->state, JOB_WAITING);
		hand_out(stage);
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
static void test_run_failed_waits_longer_each_time(void **state)
{
	struct batch_stage *stage = *state;
	struct job *job;
	double wanted_s = 1;

	stage->settings.retries = 1000;
	job = given(stage, 1, NULL);
	for (unsigned i = 0; i < 40; i++) {
		const uint64_t before_ns = clock_ns();

		fail_by(stage, job, FAILURE_FETCH, true);
		assert_waits(job, before_ns, wanted_s, wanted_s * 1.25);
		assert_true(stage->batch.retry_ns == job->retry_ns);
		hand_out(stage);
		wanted_s = wanted_s < 32 ? 2 * wanted_s : 60;
	}
}

static void test_run_failed_waits_as_long_as_the_origin_asks(void **state)
{
	static const uint32_t asked_s[] = { 9, 3, 600 };
	struct batch_stage *stage = *state;
	struct job *job = given(stage, 1, NULL);

	for (size_t i = 0; i < sizeof asked_s / sizeof asked_s[0]; i++) {
		const struct failure failure = {
			.kind = FAILURE_HTTP, .code = 503, .transient = true, .after_s = asked_s[i]
		};
		const uint64_t before_ns = clock_ns();

		batch_failed(&stage->batch, job, 0, &failure);
		assert_waits(job, before_ns, asked_s[i], asked_s[i]);
		hand_out(stage);
	}
}

/* Nobody waits an hour for a file in silence: the user hears of it now. */
static void test_run_failed_does_not_wait_longer_than_ten_minutes(void **state)
{
	struct batch_stage *stage = *state;
	struct job *job = given(stage, 1, NULL);
	const struct failure failure = {
		.kind = FAILURE_HTTP, .code = 503, .transient = true, .after_s = 601
	};

	batch_failed(&stage->batch, job, 0, &failure);
	assert_int_equal(job->state, JOB_FAILED);
}

/* ---- the order of waking ---- */

struct taken {
	const struct job *jobs[8];
	unsigned count;
};

static void take(void *arg, struct job *job)
{
	struct taken *taken = arg;

	assert_int_equal(job->state, JOB_READY);
	taken->jobs[taken->count++] = job;
}

static void test_run_wake_takes_who_is_due_and_tells_the_next_time(void **state)
{
	static const uint64_t times[] = { 300, 100, 200, 100, 400 };
	struct batch_stage *stage = *state;
	struct job *job = given(stage, 5, NULL);
	struct taken taken = { .count = 0 };

	for (unsigned i = 0; i < 5; i++) {
		fail_by(stage, &job[i], FAILURE_FETCH, true);
		job[i].retry_ns = times[i];
	}
	stage->batch.retry_ns = 100;
	assert_true(batch_wake(&stage->batch, 99, take, &taken) == 100);
	assert_int_equal(taken.count, 0);
	assert_true(batch_wake(&stage->batch, 100, take, &taken) == 200);
	assert_int_equal(taken.count, 2);
	assert_ptr_equal(taken.jobs[0], &job[1]); /* in the order of the list */
	assert_ptr_equal(taken.jobs[1], &job[3]);
	assert_int_equal(stage->batch.waiting, 3);
	assert_true(batch_wake(&stage->batch, 350, take, &taken) == 400);
	assert_ptr_equal(taken.jobs[2], &job[0]);
	assert_ptr_equal(taken.jobs[3], &job[2]);
	assert_true(batch_wake(&stage->batch, 400, take, &taken) == UINT64_MAX);
	assert_ptr_equal(taken.jobs[4], &job[4]);
	assert_int_equal(stage->batch.waiting, 0);
	assert_true(batch_wake(&stage->batch, 500, take, &taken) == UINT64_MAX);
	assert_int_equal(taken.count, 5);
	assert_counts(&stage->batch, 5, 0, 0);
}

/* The first to wait is not the first to be due. */
static void test_run_failed_earliest_time_is_kept(void **state)
{
	struct batch_stage *stage = *state;
	struct job *job = given(stage, 3, NULL);
	const struct failure late = {
		.kind = FAILURE_HTTP, .code = 503, .transient = true, .after_s = 100
	};

	batch_failed(&stage->batch, &job[0], 0, &late);
	fail_by(stage, &job[1], FAILURE_FETCH, true);
	batch_failed(&stage->batch, &job[2], 0, &late);
	assert_true(stage->batch.retry_ns == job[1].retry_ns);
	assert_true(batch_wake(&stage->batch, job[1].retry_ns, take_none, NULL) == job[0].retry_ns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ENACTED(test_run_failed_transient_is_tried_as_often_as_asked),
		ENACTED(test_run_failed_permanent_is_final_at_once),
		ENACTED(test_run_failed_three_deaths_are_forgiven),
		ENACTED(test_run_failed_deaths_and_tries_count_apart),
		ENACTED(test_run_failed_waits_longer_each_time),
		ENACTED(test_run_failed_waits_as_long_as_the_origin_asks),
		ENACTED(test_run_failed_does_not_wait_longer_than_ten_minutes),
		ENACTED(test_run_wake_takes_who_is_due_and_tells_the_next_time),
		ENACTED(test_run_failed_earliest_time_is_kept),
	};

	alarm(DEADLINE_S);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
