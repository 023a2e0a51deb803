/* SPDX-License-Identifier: MIT */
/* job_settle_test.c - what is settled of a list of jobs before the first network byte. */
#include "config.h"

#include "download/job_list.h"

#include <errno.h>

#include "download/filename.h"
#include "tests/download/job_list_stage.h"

static const char hex[] = "00112233445566778899aabbccddeeffFFEEDDCCBBAA99887766554433221100";

static void test_job_settle_first_of_a_name_keeps_it(void **state)
{
	struct place *place = *state;
	struct job_list list = { .jobs = NULL };

	add_job(&list, "http:///x", NULL); /* without a name: neither here nor there */
	add_job(&list, "http://a/same", NULL);
	add_job(&list, "http://a/other", NULL);
	add_job(&list, "http://b/same", NULL);
	add_job(&list, "http://c/z", "same");
	add_job(&list, "http://c/sam", NULL);
	assert_int_equal(settle(&list, place->dirfd, EXISTS_FAIL), 0);
	assert_job(&list.jobs[0], JOB_FAILED, FAILURE_NAME, FILENAME_NO_HOST);
	assert_job(&list.jobs[1], JOB_READY, FAILURE_NONE, 0);
	assert_job(&list.jobs[2], JOB_READY, FAILURE_NONE, 0);
	assert_job(&list.jobs[3], JOB_FAILED, FAILURE_CLASH, 1);
	assert_job(&list.jobs[4], JOB_FAILED, FAILURE_CLASH, 1);
	assert_job(&list.jobs[5], JOB_READY, FAILURE_NONE, 0);
	job_list_free(&list);
}

static void assert_names(const struct job_list *list, const char *const *names, size_t count)
{
	assert_int_equal(list->count, count);
	for (size_t i = 0; i < count; i++) {
		assert_job(&list->jobs[i], JOB_READY, FAILURE_NONE, 0);
		assert_string_equal(list->jobs[i].name, names[i]);
	}
}

static void test_job_settle_queries_tell_pages_apart(void **state)
{
	static const char *const names[] = { "page?id=2", "page?id=3", "page", "alone" };
	struct place *place = *state;
	struct job_list list = { .jobs = NULL };

	add_job(&list, "http://a/page?id=2", NULL);
	add_job(&list, "http://a/page?id=3", NULL);
	add_job(&list, "http://a/page", NULL);
	add_job(&list, "http://a/alone?id=4", NULL);
	assert_int_equal(settle(&list, place->dirfd, EXISTS_FAIL), 0);
	assert_names(&list, names, 4);
	job_list_free(&list);
}

static void test_job_settle_a_url_that_comes_twice_is_one_job(void **state)
{
	static const char *const names[] = { "x", "y", "z" };
	const struct job_wish summed = { .url = "http://a/x", .sha256 = hex };
	struct place *place = *state;
	struct job_list list = { .jobs = NULL };
	char why[512];

	add_job(&list, "http://a/x", NULL);
	add_job(&list, "http://a/y", NULL);
	assert_int_equal(job_list_add(&list, &summed, why, sizeof why), 0);
	add_job(&list, "http://a/y", NULL);
	add_job(&list, "http://a/x", "z"); /* two files, so two jobs */
	assert_int_equal(settle(&list, place->dirfd, EXISTS_FAIL), 0);
	assert_names(&list, names, 3);
	assert_true(list.jobs[0].has_sha256);
	job_list_free(&list);
}

/* Whichever of the jobs of that name has it. */
static void test_job_settle_a_later_url_that_comes_twice_is_one_job(void **state)
{
	static const char *const urls[] = { "http://h/x", "http://i/x", "http://i/x",
					    "http://h/x", "http://j/x", "http://i/x" };
	struct place *place = *state;
	struct job_list list = { .jobs = NULL };

	for (size_t i = 0; i < 6; i++)
		add_job(&list, urls[i], NULL);
	assert_int_equal(settle(&list, place->dirfd, EXISTS_RENAME), 0);
	assert_int_equal(list.count, 3);
	assert_string_equal(list.jobs[0].url, "http://h/x");
	assert_string_equal(list.jobs[1].name, "x.1");
	assert_string_equal(list.jobs[2].url, "http://j/x");
	assert_string_equal(list.jobs[2].name, "x.2");
	job_list_free(&list);
}

static void test_job_settle_rename_numbers_them_in_order(void **state)
{
	static const char *const names[] = { "x.2", "x.3", "y", "x.1.1" };
	struct place *place = *state;
	struct job_list list = { .jobs = NULL };

	put(place, "x", "");
	put(place, "x.1", "");
	add_job(&list, "http://a/x", NULL);
	add_job(&list, "http://b/x", NULL);
	add_job(&list, "http://a/y", NULL);
	add_job(&list, "http://a/x.1", NULL);
	assert_int_equal(settle(&list, place->dirfd, EXISTS_RENAME), 0);
	assert_names(&list, names, 4);
	job_list_free(&list);
}

static void test_job_settle_many_of_a_name_all_name_the_first(void **state)
{
	struct place *place = *state;
	struct job_list list = { .jobs = NULL };
	char url[32];

	for (unsigned i = 0; i < 1000; i++) {
		(void)snprintf(url, sizeof url, "http://a%u/%s", i, i % 2 ? "odd" : "even");
		add_job(&list, url, NULL);
	}
	assert_int_equal(settle(&list, place->dirfd, EXISTS_OVERWRITE), 0);
	for (unsigned i = 0; i < 1000; i++)
		assert_job(&list.jobs[i], i < 2 ? JOB_READY : JOB_FAILED,
			   i < 2 ? FAILURE_NONE : FAILURE_CLASH, i < 2 ? 0 : (int32_t)i % 2);
	job_list_free(&list);
}

static void test_job_settle_existing_file_by_policy(void **state)
{
	static const struct {
		enum exists_policy policy;
		enum job_state state;
		enum failure_kind kind;
	} wanted[] = { { EXISTS_FAIL, JOB_FAILED, FAILURE_EXISTS },
		       { EXISTS_SKIP, JOB_SKIPPED, FAILURE_NONE },
		       { EXISTS_RESUME, JOB_SKIPPED, FAILURE_NONE },
		       { EXISTS_OVERWRITE, JOB_READY, FAILURE_NONE } };
	static const char *const taken[] = { "file", "link", "directory" };
	struct place *place = *state;

	put(place, "file", "mine");
	assert_int_equal(symlinkat("nowhere", place->dirfd, "link"), 0);
	assert_int_equal(mkdirat(place->dirfd, "directory", 0700), 0);
	put(place, "free.part", ""); /* a leftover takes no name */
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		struct job_list list = { .jobs = NULL };

		for (size_t j = 0; j < 3; j++)
			add_job(&list, "http://a/x", taken[j]);
		add_job(&list, "http://a/x", "free");
		assert_int_equal(settle(&list, place->dirfd, wanted[i].policy), 0);
		for (size_t j = 0; j < 2; j++)
			assert_job(&list.jobs[j], wanted[i].state, wanted[i].kind, 0);
		/* Under no policy would it be replaced, or be what was asked for. */
		assert_job(&list.jobs[2], JOB_FAILED, FAILURE_NOT_FILE, S_IFDIR);
		assert_job(&list.jobs[3], JOB_READY, FAILURE_NONE, 0);
		job_list_free(&list);
	}
}

/* Of two jobs with one name that is taken, each says what is wrong with it. */
static void test_job_settle_clash_comes_before_exists(void **state)
{
	struct place *place = *state;
	struct job_list list = { .jobs = NULL };

	put(place, "x", "mine");
	add_job(&list, "http://a/x", NULL);
	add_job(&list, "http://b/x", NULL);
	assert_int_equal(settle(&list, place->dirfd, EXISTS_SKIP), 0);
	assert_job(&list.jobs[0], JOB_SKIPPED, FAILURE_NONE, 0);
	assert_job(&list.jobs[1], JOB_FAILED, FAILURE_CLASH, 0);
	job_list_free(&list);
}

static void test_job_settle_nothing_is_fine(void **state)
{
	struct place *place = *state;
	struct job_list list = { .jobs = NULL };

	assert_int_equal(settle(&list, place->dirfd, EXISTS_FAIL), 0);
	job_list_free(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLACED(test_job_settle_first_of_a_name_keeps_it),
		PLACED(test_job_settle_queries_tell_pages_apart),
		PLACED(test_job_settle_a_url_that_comes_twice_is_one_job),
		PLACED(test_job_settle_a_later_url_that_comes_twice_is_one_job),
		PLACED(test_job_settle_rename_numbers_them_in_order),
		PLACED(test_job_settle_many_of_a_name_all_name_the_first),
		PLACED(test_job_settle_existing_file_by_policy),
		PLACED(test_job_settle_clash_comes_before_exists),
		PLACED(test_job_settle_nothing_is_fine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
