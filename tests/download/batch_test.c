/* SPDX-License-Identifier: MIT */
/*
 * batch_test.c - what a failure means for a job, the parent's own check of a file, its commit, and
 * the counts at the end. No worker runs here: the test says what one would have said.
 */
#include "config.h"

#include "download/batch.h"

#include "download/filename.h"
#include "tests/download/batch_stage.h"

#define BIG (9u << 20) /* more than two slices of a checksum */

static const char abc_sha256[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
static const char zero_sha256[] =
	"0000000000000000000000000000000000000000000000000000000000000000";

/* ---- the beginning ---- */

static void fail_name(struct job *job)
{
	job->state = JOB_FAILED;
	job->failure = (struct failure){ .kind = FAILURE_NAME, .code = FILENAME_NO_HOST };
}

static void test_batch_begin_counts_what_is_settled(void **state)
{
	struct batch_stage *stage = *state;

	add(stage, "a", NULL);
	add(stage, "b", NULL)->state = JOB_SKIPPED;
	fail_name(add(stage, "c", NULL));
	add(stage, "d", NULL);
	(void)batch_begin(&stage->batch, &stage->settings, &stage->jobs);
	assert_counts(&stage->batch, 2, 0, 1);
	assert_int_equal(stage->batch.skipped, 1);
	assert_true(next_retry_ns(stage) == UINT64_MAX);
	assert_said(stage, "http://localhost/c: it is not a URL\n");
}

/* ---- a file arrives ---- */

static void test_batch_received_commits_and_counts(void **state)
{
	struct batch_stage *stage = *state;
	struct job *job = begun(stage, 2, NULL);

	deliver(stage, &job[0], "abc");
	assert_int_equal(job[0].state, JOB_OK);
	assert_counts(&stage->batch, 1, 1, 0);
	assert_true(stage->batch.bytes == 3);
	assert_true(job[0].took_ns == 2 * NS_PER_S);
	expect_content(stage->place, "a", "abc");
	expect_absent(stage->place, "a.part");
	deliver(stage, &job[1], "");
	assert_counts(&stage->batch, 0, 2, 0);
	assert_true(stage->batch.bytes == 3);
	assert_true(stage->batch.job_ns == 4 * NS_PER_S);
	assert_false(batch_check(&stage->batch));
}

/* A worker's stamps are its own; a time of 584 years would be nonsense for all. */
static void test_batch_received_before_its_start_took_no_time(void **state)
{
	struct batch_stage *stage = *state;
	struct job *job = begun(stage, 1, NULL);
	struct batch_result result;
	int fd = write_part(stage, job, "abc", &result);

	result.ended_ns = 999;
	batch_received(&stage->batch, job, 0, &result);
	close(fd);
	assert_int_equal(job->state, JOB_OK);
	assert_true(job->took_ns == 0);
}

/* What a worker says is a claim. The file is looked at. */
static void test_batch_received_other_file_is_no_success(void **state)
{
	struct batch_stage *stage = *state;
	struct batch_result result;
	struct job *job;
	int fd;

	stage->settings.retries = 0;
	job = begun(stage, 3, NULL);
	fd = write_part(stage, &job[0], "abc", &result);
	result.bytes = 4;
	batch_received(&stage->batch, &job[0], 0, &result);
	close(fd);
	assert_job_failed(&job[0], FAILURE_VANISHED);
	expect_absent(stage->place, "a");
	expect_absent(stage->place, "a.part");

	fd = write_part(stage, &job[1], "abc", &result);
	result.inode++;
	batch_received(&stage->batch, &job[1], 0, &result);
	close(fd);
	assert_job_failed(&job[1], FAILURE_VANISHED);
	expect_absent(stage->place, "b");

	result.bytes = 0;
	batch_received(&stage->batch, &job[2], 0, &result); /* never written at all */
	assert_job_failed(&job[2], FAILURE_VANISHED);
	expect_absent(stage->place, "c");
	assert_counts(&stage->batch, 0, 0, 3);
}

/* Somebody made a file of that name while it was fetched. */
static void test_batch_received_name_taken_meanwhile_follows_the_policy(void **state)
{
	struct batch_stage *stage = *state;
	struct job *job = begun(stage, 2, NULL);

	put(stage->place, "a", "mine");
	deliver(stage, &job[0], "abc");
	assert_job_failed(&job[0], FAILURE_EXISTS);
	expect_content(stage->place, "a", "mine");
	expect_absent(stage->place, "a.part");

	stage->settings.exists = EXISTS_OVERWRITE;
	put(stage->place, "b", "mine");
	deliver(stage, &job[1], "abc");
	assert_int_equal(job[1].state, JOB_OK);
	expect_content(stage->place, "b", "abc");
}

/* ---- checksums ---- */

static void test_batch_check_right_sum_commits(void **state)
{
	struct batch_stage *stage = *state;
	struct job *job = begun(stage, 1, abc_sha256);
	struct batch_result result;
	int fd = write_part(stage, job, "abc", &result);

	batch_received(&stage->batch, job, 0, &result);
	assert_int_equal(job->state, JOB_CHECKING);
	expect_absent(stage->place, "a"); /* not before it is checked */
	while (batch_check(&stage->batch))
		continue;
	close(fd);
	assert_int_equal(job->state, JOB_OK);
	expect_content(stage->place, "a", "abc");
	assert_counts(&stage->batch, 0, 1, 0);
}

/* Bytes may be damaged on their way: it is fetched anew, at once. */
static void test_batch_check_wrong_sum_is_removed_and_tried_again(void **state)
{
	struct batch_stage *stage = *state;
	struct job *job = begun(stage, 1, abc_sha256);

	deliver(stage, job, "abd");
	assert_int_equal(job->state, JOB_WAITING);
	assert_int_equal(job->failure.kind, FAILURE_CHECKSUM);
	assert_true(job->retry_ns <= clock_ns());
	assert_counts(&stage->batch, 1, 0, 0);
	expect_absent(stage->place, "a");
	expect_absent(stage->place, "a.part");
	assign_waiting(stage);
	deliver(stage, job, "abc");
	assert_int_equal(job->state, JOB_OK);
	expect_content(stage->place, "a", "abc");
}

/* Twice the same is no damage: further tries would cost the origin and bring nothing. */
static void test_batch_check_sum_wrong_twice_fails(void **state)
{
	struct batch_stage *stage = *state;
	struct job *job = begun(stage, 1, abc_sha256);

	deliver(stage, job, "abd");
	assign_waiting(stage);
	deliver(stage, job, "abd");
	assert_job_failed(job, FAILURE_CHECKSUM);
}

/* Another run of the same list was faster. */
static void test_batch_skips_what_another_run_made(void **state)
{
	struct batch_stage *stage = *state;
	struct job *job;

	stage->settings.exists = EXISTS_SKIP;
	job = begun(stage, 2, NULL);
	put(stage->place, "a", "theirs");
	deliver(stage, &job[0], "ours");
	assert_int_equal(job[0].state, JOB_SKIPPED);
	expect_content(stage->place, "a", "theirs");
	expect_absent(stage->place, "a.part");
	/* While it writes the file, this run waits for it ... */
	fail_by(stage, &job[1], FAILURE_HELD, false);
	assert_int_equal(job[1].state, JOB_WAITING);
	put(stage->place, "b", "theirs");
	assign_waiting(stage);
	assert_int_equal(job[1].state, JOB_SKIPPED);
	assert_counts(&stage->batch, 0, 0, 0);
	assert_int_equal(stage->batch.skipped, 2);
}

static void test_batch_check_sum_that_stays_wrong_fails(void **state)
{
	struct batch_stage *stage = *state;
	struct job *job;

	stage->settings.retries = 0;
	job = begun(stage, 1, zero_sha256);
	deliver(stage, job, "abc");
	assert_job_failed(job, FAILURE_CHECKSUM);
	assert_counts(&stage->batch, 0, 0, 1);
	expect_absent(stage->place, "a");
	expect_absent(stage->place, "a.part");
	assert_said(stage, "http://localhost/a: its SHA-256 is not the one given");
}

static void test_batch_check_several_files_each_get_their_own_verdict(void **state)
{
	struct batch_stage *stage = *state;
	struct batch_result result;
	struct job *job;
	int fds[4];

	stage->settings.retries = 0;
	job = begun(stage, 4, abc_sha256);
	for (unsigned i = 0; i < 4; i++) {
		fds[i] = write_part(stage, &job[i], i % 2 ? "abd" : "abc", &result);
		batch_received(&stage->batch, &job[i], i, &result);
		assert_int_equal(job[i].state, JOB_CHECKING);
	}
	while (batch_check(&stage->batch))
		continue;
	for (unsigned i = 0; i < 4; i++) {
		close(fds[i]);
		assert_int_equal(job[i].state, i % 2 ? JOB_FAILED : JOB_OK);
	}
	assert_counts(&stage->batch, 0, 2, 2);
}

/* A large file is read in slices: the workers are heard in between. */
static void test_batch_check_large_file_takes_several_turns(void **state)
{
	struct batch_stage *stage = *state;
	struct job *job = begun(stage, 1, zero_sha256);
	struct batch_result result;
	int fd = write_part(stage, job, "", &result);
	unsigned turns = 1;

	assert_int_equal(ftruncate(fd, BIG), 0);
	result.bytes = BIG;
	batch_received(&stage->batch, job, 0, &result);
	while (batch_check(&stage->batch))
		turns++;
	close(fd);
	assert_in_range(turns, 3, 100);
}

/* As for a file without a sum: it can be fetched again. */
static void test_batch_check_file_that_vanishes_is_tried_again(void **state)
{
	struct batch_stage *stage = *state;
	struct job *job = begun(stage, 1, abc_sha256);
	struct batch_result result;
	int fd = write_part(stage, job, "abc", &result);

	batch_received(&stage->batch, job, 0, &result);
	assert_int_equal(unlinkat(stage->place->dirfd, "a.part", 0), 0);
	while (batch_check(&stage->batch))
		continue;
	close(fd);
	assert_int_equal(job->failure.kind, FAILURE_VANISHED);
	assert_int_equal(job->state, JOB_WAITING);
	assert_counts(&stage->batch, 1, 0, 0);
	expect_absent(stage->place, "a");
}

/* The message names what failed: the reading, not the rename that was not tried. */
static void test_batch_check_file_that_cannot_be_read_says_so(void **state)
{
	struct batch_stage *stage = *state;
	struct job *job = begun(stage, 1, abc_sha256);
	struct batch_result result;
	int fd = write_part(stage, job, "abc", &result);

	batch_received(&stage->batch, job, 0, &result);
	assert_int_equal(unlinkat(stage->place->dirfd, "a.part", 0), 0);
	assert_int_equal(symlinkat("nowhere", stage->place->dirfd, "a.part"), 0);
	while (batch_check(&stage->batch))
		continue;
	close(fd);
	assert_job_failed(job, FAILURE_READ);
	assert_said(stage, "cannot read its .part file for the checksum");
	assert_int_equal(unlinkat(stage->place->dirfd, "a.part", 0), 0);
}

/* ---- the user stops the batch ---- */

static void test_batch_abandon_leaves_what_is_open_and_removes_its_part(void **state)
{
	struct batch_stage *stage = *state;
	struct job *job = begun(stage, 5, NULL);
	struct batch_result result;

	deliver(stage, &job[0], "abc");
	fail_by(stage, &job[1], FAILURE_CREATE, false);
	close(write_part(stage, &job[2], "ab", &result));
	close(write_part(stage, &job[3], "ab", &result));
	fail_by(stage, &job[3], FAILURE_FETCH, true);
	batch_requeue(&stage->batch, &job[4]);
	put(stage->place, "e.part", "not ours: never begun");
	batch_abandon(&stage->batch);
	assert_counts(&stage->batch, 0, 1, 1);
	assert_int_equal(stage->batch.left, 3);
	assert_int_equal(job[0].state, JOB_OK);
	assert_job_failed(&job[1], FAILURE_CREATE);
	for (unsigned i = 2; i < 5; i++)
		assert_job_failed(&job[i], FAILURE_CANCELLED);
	expect_content(stage->place, "a", "abc");
	expect_absent(stage->place, "c.part");
	expect_absent(stage->place, "d.part");
	expect_content(stage->place, "e.part", "not ours: never begun");
}

/* In the middle of a checksum: what reads the file is freed too (the sanitizers look). */
static void test_batch_abandon_while_checking_leaves_nothing(void **state)
{
	struct batch_stage *stage = *state;
	struct job *job = begun(stage, 2, zero_sha256);
	struct batch_result result;
	int fd = write_part(stage, &job[0], "", &result);

	assert_int_equal(ftruncate(fd, BIG), 0);
	result.bytes = BIG;
	batch_received(&stage->batch, &job[0], 0, &result);
	assert_true(batch_check(&stage->batch));
	close(fd);
	batch_abandon(&stage->batch);
	batch_end(&stage->batch);
	assert_counts(&stage->batch, 0, 0, 0);
	assert_int_equal(stage->batch.left, 2);
	assert_job_failed(&job[0], FAILURE_CANCELLED);
	expect_absent(stage->place, "a");
	expect_absent(stage->place, "a.part");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ENACTED(test_batch_begin_counts_what_is_settled),
		ENACTED(test_batch_received_commits_and_counts),
		ENACTED(test_batch_received_before_its_start_took_no_time),
		ENACTED(test_batch_received_other_file_is_no_success),
		ENACTED(test_batch_received_name_taken_meanwhile_follows_the_policy),
		ENACTED(test_batch_check_right_sum_commits),
		ENACTED(test_batch_check_wrong_sum_is_removed_and_tried_again),
		ENACTED(test_batch_check_sum_that_stays_wrong_fails),
		ENACTED(test_batch_check_sum_wrong_twice_fails),
		ENACTED(test_batch_skips_what_another_run_made),
		ENACTED(test_batch_check_several_files_each_get_their_own_verdict),
		ENACTED(test_batch_check_large_file_takes_several_turns),
		ENACTED(test_batch_check_file_that_vanishes_is_tried_again),
		ENACTED(test_batch_check_file_that_cannot_be_read_says_so),
		ENACTED(test_batch_abandon_leaves_what_is_open_and_removes_its_part),
		ENACTED(test_batch_abandon_while_checking_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
