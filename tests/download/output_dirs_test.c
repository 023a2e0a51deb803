/* SPDX-License-Identifier: MIT */
/* output_dirs_test.c - the directories of a list: which are one, and which numbers they get. */
#include "config.h"

#include "download/output_dirs.h"

#include <errno.h>
#include <fcntl.h>

#include "tests/download/job_list_stage.h"

#define MANY 5

static void add_to(struct job_list *list, const char *url, const char *dir)
{
	const struct job_wish wish = { .url = url, .dir = dir };
	char why[512];

	assert_int_equal(job_list_add(list, &wish, why, sizeof why), 0);
}

/* NAME in PLACE, for as long as the program runs. */
static const char *beneath(const struct place *place, const char *name)
{
	static char paths[16][256];
	static unsigned next;
	char *path = paths[next++ % 16];

	(void)snprintf(path, sizeof paths[0], "%s/%s", place->path, name);
	return path;
}

static void test_output_dirs_two_spellings_are_one_directory(void **state)
{
	struct place *place = *state;
	struct job_list list = { .jobs = NULL };
	struct output_dirs dirs;

	assert_int_equal(mkdirat(place->dirfd, "a", 0700), 0);
	assert_int_equal(symlinkat("a", place->dirfd, "link"), 0);
	add_to(&list, "http://h/1", beneath(place, "a"));
	add_to(&list, "http://h/2", beneath(place, "link/../a/."));
	add_to(&list, "http://h/3", beneath(place, "link"));
	add_to(&list, "http://h/4", beneath(place, "new/deep"));
	add_to(&list, "http://h/5", NULL);
	assert_int_equal(output_dirs_open(&dirs, &list, beneath(place, "a//"), false), 0);
	assert_int_equal(dirs.count, 2);
	assert_int_equal(dirs.first % 2, 0);
	for (unsigned i = 1; i < 5; i++)
		if (i != 3)
			assert_int_equal(list.jobs[i].place, list.jobs[0].place);
	assert_int_not_equal(list.jobs[3].place, list.jobs[0].place);
	assert_int_equal(fcntl(dirs.first, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fcntl(dirs.first + 1, F_GETFD), FD_CLOEXEC);
	output_dirs_close(&dirs);
	assert_int_equal(dirs.count, 0);
	job_list_free(&list);
}

/* A filter tells them by a mask, and what is open already stays what it is. */
static void test_output_dirs_row_begins_at_a_power_of_two(void **state)
{
	struct place *place = *state;
	struct job_list list = { .jobs = NULL };
	struct output_dirs dirs;
	struct stat before, after;
	char name[16];
	int taken = fcntl(place->dirfd, F_DUPFD_CLOEXEC, 9);

	assert_in_range(taken, 9, 15);
	for (unsigned i = 0; i < MANY; i++) {
		(void)snprintf(name, sizeof name, "%u", i);
		add_to(&list, "http://h/x", beneath(place, name));
	}
	assert_int_equal(fstat(taken, &before), 0);
	assert_int_equal(output_dirs_open(&dirs, &list, "/nowhere/at/all", false), 0);
	assert_int_equal(dirs.count, MANY);
	assert_int_equal(dirs.first % 8, 0);
	assert_true(taken < dirs.first || taken >= dirs.first + 8);
	assert_int_equal(fstat(taken, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	for (unsigned i = 0; i < MANY; i++) {
		assert_int_equal(list.jobs[i].place, i);
		(void)snprintf(name, sizeof name, "%u", i);
		assert_int_equal(fstatat(place->dirfd, name, &before, 0), 0);
		assert_int_equal(fstat(output_dirs_fd(&dirs, i), &after), 0);
		assert_int_equal(before.st_ino, after.st_ino);
	}
	assert_int_equal(output_dirs_fd(&dirs, MANY), -1);
	output_dirs_close(&dirs);
	(void)close(taken);
	job_list_free(&list);
}

static void test_output_dirs_one_that_cannot_be_used_fails_its_jobs(void **state)
{
	struct place *place = *state;
	struct job_list list = { .jobs = NULL };
	struct output_dirs dirs;

	put(place, "file", "");
	add_to(&list, "http://h/1", beneath(place, "file"));
	add_to(&list, "http://h/2", beneath(place, "good"));
	assert_int_equal(output_dirs_open(&dirs, &list, "/nowhere", false), 0);
	assert_job(&list.jobs[0], JOB_FAILED, FAILURE_DIR, ENOTDIR);
	assert_job(&list.jobs[1], JOB_READY, FAILURE_NONE, 0);
	assert_int_equal(dirs.count, 1);
	output_dirs_close(&dirs);
	add_to(&list, "http://h/3", NULL);
	assert_int_equal(output_dirs_open(&dirs, &list, beneath(place, "file"), false), -ENOTDIR);
	assert_int_equal(dirs.count, 0);
	job_list_free(&list);
}

/* What a dry run would make is told apart, or not, as it would be. */
static void test_output_dirs_dry_run_makes_none(void **state)
{
	static const char *const spellings[] = { "new/one", "./new//one/", "new/two/../one",
						 "new/two", "link/new/one" };
	struct place *place = *state;
	struct job_list list = { .jobs = NULL };
	struct output_dirs dirs;

	assert_int_equal(symlinkat(".", place->dirfd, "link"), 0);
	for (unsigned i = 0; i < 5; i++)
		add_to(&list, "http://h/x", beneath(place, spellings[i]));
	assert_int_equal(output_dirs_open(&dirs, &list, "/nowhere", true), 0);
	assert_int_equal(dirs.count, 0);
	for (unsigned i = 1; i < 5; i++)
		assert_int_equal(list.jobs[i].place == list.jobs[0].place, i != 3);
	assert_int_equal(output_type(place->dirfd, "new"), 0);
	job_list_free(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLACED(test_output_dirs_two_spellings_are_one_directory),
		PLACED(test_output_dirs_row_begins_at_a_power_of_two),
		PLACED(test_output_dirs_one_that_cannot_be_used_fails_its_jobs),
		PLACED(test_output_dirs_dry_run_makes_none),
	};

	return cmocka_run_group_tests_name("output directories", tests, NULL, NULL);
}
