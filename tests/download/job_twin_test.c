/* SPDX-License-Identifier: MIT */
/* job_twin_test.c - the same URL twice in a list, with and without checksums. */
#include "config.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "download/job_list.h"

/* They differ in their last byte alone: half of a comparison would not see it. */
#define SUM_A "00112233445566778899aabbccddeeff00112233445566778899aabbccddee00"
#define SUM_B "00112233445566778899aabbccddeeff00112233445566778899aabbccddee01"

/* The list of http://host/a with each of the two sums (NULL: none), settled. */
static struct job_list settled(const char *first, const char *second)
{
	struct job_wish wish = { .url = "http://host/a", .sha256 = first };
	struct job_list list = { .jobs = NULL };
	const struct output_dirs dirs = { .first = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
					  .count = 1 };
	char why[64];

	assert_true(dirs.first >= 0);
	assert_int_equal(job_list_add(&list, &wish, why, sizeof why), 0);
	wish.sha256 = second;
	assert_int_equal(job_list_add(&list, &wish, why, sizeof why), 0);
	assert_int_equal(job_list_settle(&list, &dirs, EXISTS_FAIL), 0);
	(void)close(dirs.first);
	return list;
}

static void test_twin_without_or_with_the_same_sum_is_one_job(void **state)
{
	static const char *const sums[][2] = {
		{ NULL, NULL }, { SUM_A, SUM_A }, { SUM_A, NULL }, { NULL, SUM_A }
	};

	(void)state;
	for (size_t i = 0; i < sizeof sums / sizeof sums[0]; i++) {
		struct job_list list = settled(sums[i][0], sums[i][1]);

		assert_int_equal(list.count, 1);
		assert_int_equal(list.jobs[0].state, JOB_READY);
		/* Whichever of the two lines has the sum. */
		assert_int_equal(list.jobs[0].has_sha256, i > 0);
		if (i > 0)
			assert_memory_equal(list.jobs[0].sha256, "\x00\x11\x22\x33", 4);
		job_list_free(&list);
	}
}

static void test_twin_with_another_sum_is_a_clash(void **state)
{
	struct job_list list = settled(SUM_A, SUM_B);

	(void)state;
	assert_int_equal(list.count, 2);
	assert_int_equal(list.jobs[1].state, JOB_FAILED);
	assert_int_equal(list.jobs[1].failure.kind, FAILURE_CLASH);
	job_list_free(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_twin_without_or_with_the_same_sum_is_one_job),
		cmocka_unit_test(test_twin_with_another_sum_is_a_clash),
	};

	return cmocka_run_group_tests_name("twins", tests, NULL, NULL);
}
