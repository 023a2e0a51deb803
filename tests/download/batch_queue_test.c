/* SPDX-License-Identifier: MIT */
/*
 * batch_queue_test.c - the order of the jobs, their count and that of each host; all bytes of a
 * checksum; what is said once.
 */
#include "config.h"

#include "tests/download/batch_stage.h"

/* Of "abc", but for the last digit. */
static const char nearly[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ae";

static void test_batch_every_byte_of_a_checksum_counts(void **state)
{
	struct batch_stage *stage = *state;
	struct job *job = begun(stage, 1, nearly);

	deliver(stage, job, "abc");
	assert_int_equal(job->state, JOB_WAITING); /* it may have been damaged on its way */
	assert_counts(&stage->batch, 1, 0, 0);
	expect_absent(stage->place, "a");
}

static void test_batch_job_that_comes_back_is_next(void **state)
{
	struct batch_stage *stage = *state;
	struct job *jobs;

	add(stage, "a", NULL);
	add(stage, "b", NULL);
	add(stage, "c", NULL);
	jobs = stage->jobs.jobs;
	assert_int_equal(batch_begin(&stage->batch, &stage->settings, &stage->jobs), 0);
	assert_int_equal(stage->batch.ready_count, 3);
	assert_ptr_equal(batch_next(&stage->batch, 0), &jobs[0]);
	assert_int_equal(stage->batch.ready_count, 2);
	batch_requeue(&stage->batch, &jobs[0]);
	assert_int_equal(stage->batch.ready_count, 3);
	for (unsigned i = 0; i < 3; i++)
		assert_ptr_equal(batch_next(&stage->batch, 0), &jobs[i]);
	assert_int_equal(stage->batch.ready_count, 0);
	assert_null(batch_next(&stage->batch, 0));
	assert_int_equal(stage->batch.ready_count, 0);
}

/* Each ends, and the next that its host allows is handed out: in the list's order. */
static void test_batch_jobs_of_one_host_take_turns(void **state)
{
	struct batch_stage *stage = *state;
	const struct job_wish shouted = { .url = "http://LocalHost/d" };
	char why[64];
	struct job *jobs;

	stage->settings.max_host = 1;
	add(stage, "a", NULL);
	add(stage, "b", NULL);
	add(stage, "c", NULL);
	assert_int_equal(job_list_add(&stage->jobs, &shouted, why, sizeof why), 0);
	jobs = stage->jobs.jobs;
	assert_int_equal(batch_begin(&stage->batch, &stage->settings, &stage->jobs), 0);
	for (unsigned i = 0; i < 4; i++) {
		assert_ptr_equal(batch_next(&stage->batch, 0), &jobs[i]);
		assert_null(batch_next(&stage->batch, 1));
		fail_by(stage, &jobs[i], FAILURE_HTTP, false);
	}
	assert_counts(&stage->batch, 0, 0, 4);
}

static void test_batch_missing_locks_are_told_once(void **state)
{
	static const char note[] = "has no locks";
	struct batch_stage *stage = *state;
	struct job *jobs = begun(stage, 2, NULL);
	struct batch_result result;
	char said[4096] = "";
	const char *first;

	for (unsigned i = 0; i < 2; i++) {
		const int fd = write_part(stage, &jobs[i], "abc", &result);

		result.unlocked = true;
		batch_received(&stage->batch, &jobs[i], i, &result);
		close(fd);
	}
	assert_counts(&stage->batch, 0, 2, 0);
	assert_true(pread(stage->captured, said, sizeof said - 1, 0) >= 0);
	first = strstr(said, note);
	assert_non_null(first);
	assert_null(strstr(first + 1, note));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ENACTED(test_batch_every_byte_of_a_checksum_counts),
		ENACTED(test_batch_job_that_comes_back_is_next),
		ENACTED(test_batch_jobs_of_one_host_take_turns),
		ENACTED(test_batch_missing_locks_are_told_once),
	};

	return cmocka_run_group_tests_name("batch queue", tests, NULL, NULL);
}
