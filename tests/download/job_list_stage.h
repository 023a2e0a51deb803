/* SPDX-License-Identifier: MIT */
/* job_list_stage.h - what the tests of the list of jobs share. */
#ifndef TESTS_JOB_LIST_STAGE_H
#define TESTS_JOB_LIST_STAGE_H

#include "download/job_list.h"
#include "tests/download/part_file_place.h"

static inline void add_job(struct job_list *list, const char *url, const char *name)
{
	const struct job_wish wish = { .url = url, .name = name };
	char why[512];

	assert_int_equal(job_list_add(list, &wish, why, sizeof why), 0);
}

/* All of its jobs go into the directory DIRFD. */
static inline int settle(struct job_list *list, int dirfd, enum exists_policy policy)
{
	const struct output_dirs dirs = { .first = dirfd, .count = 1 };

	return job_list_settle(list, &dirs, policy);
}

static inline void assert_job(const struct job *job, enum job_state state, enum failure_kind kind,
			      int32_t code)
{
	assert_int_equal(job->state, state);
	assert_int_equal(job->failure.kind, kind);
	assert_int_equal(job->failure.code, code);
}

#endif
