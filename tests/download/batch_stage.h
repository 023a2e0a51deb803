/* SPDX-License-Identifier: MIT */
/* batch_stage.h - a run in a directory of its own, without a worker: the test says what one would. */
#ifndef TESTS_RUN_STAGE_H
#define TESTS_RUN_STAGE_H

#include "download/batch.h"

#include <sys/mman.h>

#include "common/clock.h"
#include "tests/download/part_file_place.h"

#define RETRIES       3u
#define ENACTED(test) cmocka_unit_test_setup_teardown(test, run_enter, run_leave)

struct run_stage {
	struct place *place;
	struct job_list jobs;
	struct run_settings settings;
	struct run run;
	int stderr_copy, said; /* what goes to stderr meanwhile is kept in a memory file */
};

static inline int run_enter(void **state)
{
	static const struct ui_config silent = { .progress = UI_NONE, .workers = 1, .jobs = 1 };
	struct run_stage *stage = calloc(1, sizeof *stage);
	void *place;

	assert_non_null(stage);
	enter(&place);
	stage->place = place;
	stage->settings = (struct run_settings){ .dirfd = stage->place->dirfd,
						 .retries = RETRIES,
						 .ui = ui_open(&silent) };
	assert_non_null(stage->settings.ui);
	stage->said = memfd_create("stderr", MFD_CLOEXEC);
	stage->stderr_copy = dup(STDERR_FILENO);
	assert_true(stage->said >= 0 && stage->stderr_copy >= 0);
	assert_true(dup2(stage->said, STDERR_FILENO) >= 0);
	*state = stage;
	return 0;
}

static inline int run_leave(void **state)
{
	struct run_stage *stage = *state;
	void *place = stage->place;

	run_end(&stage->run);
	assert_true(dup2(stage->stderr_copy, STDERR_FILENO) >= 0);
	close(stage->stderr_copy);
	close(stage->said);
	assert_int_equal(ui_close(stage->settings.ui), 0);
	job_list_free(&stage->jobs);
	free(stage);
	return leave(&place);
}

static inline struct job *add(struct run_stage *stage, const char *name, const char *sha256)
{
	char url[64], why[64];
	const struct job_wish wish = { .url = url, .sha256 = sha256 };

	(void)snprintf(url, sizeof url, "http://localhost/%s", name);
	assert_int_equal(job_add(&stage->jobs, &wish, why, sizeof why), 0);
	return &stage->jobs.jobs[stage->jobs.count - 1];
}

/* The run with COUNT jobs a, b, c ..., all given to a worker. */
static inline struct job *given(struct run_stage *stage, unsigned count, const char *sha256)
{
	static const char *const names[] = { "a", "b", "c", "d", "e" };

	for (unsigned i = 0; i < count; i++)
		add(stage, names[i], sha256);
	run_begin(&stage->run, &stage->settings, &stage->jobs);
	for (unsigned i = 0; i < count; i++) {
		stage->jobs.jobs[i].state = JOB_GIVEN;
		run_started(&stage->run, &stage->jobs.jobs[i], i, 1000);
	}
	return stage->jobs.jobs;
}

/* A worker has written TEXT. Returns the descriptor that it would hold. */
static inline int write_part(struct run_stage *stage, struct job *job, const char *text)
{
	int fd = open_and_write(stage->place, job->name, text, &job->inode);

	job->bytes = strlen(text);
	return fd;
}

/* A worker writes TEXT and says DONE. */
static inline void deliver(struct run_stage *stage, struct job *job, const char *text)
{
	int fd = write_part(stage, job, text);

	run_received(&stage->run, job, 0, 1000 + 2 * NS_PER_S);
	while (job->state == JOB_CHECKING)
		(void)run_check(&stage->run);
	close(fd);
}

static inline void fail_by(struct run_stage *stage, struct job *job, enum fault_kind kind,
			   bool transient)
{
	const struct fault fault = { .kind = kind, .code = 1, .transient = transient };

	run_failed(&stage->run, job, 0, &fault);
}

static inline void take_none(void *arg, struct job *job)
{
	(void)arg;
	assert_int_equal(job->state, JOB_READY);
	job->state = JOB_GIVEN;
}

/* All that waits is handed out again at once, whatever its time. */
static inline void hand_out(struct run_stage *stage)
{
	assert_true(run_wake(&stage->run, UINT64_MAX - 1, take_none, NULL) == UINT64_MAX);
	assert_int_equal(stage->run.waiting, 0);
}

static inline void assert_counts(const struct run *run, size_t open, unsigned ok, unsigned failed)
{
	assert_int_equal(run->open, open);
	assert_int_equal(run->ok, ok);
	assert_int_equal(run->failed, failed);
}

static inline void assert_job_failed(const struct job *job, enum fault_kind kind)
{
	assert_int_equal(job->state, JOB_FAILED);
	assert_int_equal(job->fault.kind, kind);
}

static inline void assert_said(struct run_stage *stage, const char *words)
{
	char text[4096] = "";

	assert_true(pread(stage->said, text, sizeof text - 1, 0) >= 0);
	if (!strstr(text, words))
		fail_msg("stderr is '%s', without '%s'", text, words);
}

#endif
