/* SPDX-License-Identifier: MIT */
/* batch_queue_test.c - the order of the jobs, their count, and all bytes of a checksum. */
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		ENACTED(test_batch_every_byte_of_a_checksum_counts),
		ENACTED(test_batch_job_that_comes_back_is_next),
	};

	return cmocka_run_group_tests_name("batch queue", tests, NULL, NULL);
}
