/* SPDX-License-Identifier: MIT */
/* batch_stage.h - a batch in its own directory, without a worker: the test plays the worker. */
#ifndef TESTS_RUN_STAGE_H
#define TESTS_RUN_STAGE_H

#include "download/batch.h"

#include <sys/mman.h>

#include "common/clock.h"
#include "tests/download/part_file_place.h"

#define RETRIES       3u
#define ENACTED(test) cmocka_unit_test_setup_teardown(test, batch_enter, batch_leave)

struct batch_stage {
	struct place *place;
	struct job_list jobs;
	struct batch_settings settings;
	struct batch batch;
	int stderr_copy, captured; /* what goes to stderr meanwhile is kept in a memory file */
};

static inline int batch_enter(void **state)
{
	static const struct progress_config silent = { .progress = PROGRESS_NONE,
						       .workers = 1,
						       .jobs = 1 };
	struct batch_stage *stage = calloc(1, sizeof *stage);
	void *place;

	assert_non_null(stage);
	enter(&place);
	stage->place = place;
	stage->settings =
		(struct batch_settings){ .dirs = { .first = stage->place->dirfd, .count = 1 },
					 .workers = 4,
					 .retries = RETRIES,
					 .progress = progress_open(&silent) };
	assert_non_null(stage->settings.progress);
	stage->captured = memfd_create("stderr", MFD_CLOEXEC);
	stage->stderr_copy = dup(STDERR_FILENO);
	assert_true(stage->captured >= 0 && stage->stderr_copy >= 0);
	assert_true(dup2(stage->captured, STDERR_FILENO) >= 0);
	*state = stage;
	return 0;
}

static inline int batch_leave(void **state)
{
	struct batch_stage *stage = *state;
	void *place = stage->place;

	batch_end(&stage->batch);
	assert_true(dup2(stage->stderr_copy, STDERR_FILENO) >= 0);
	close(stage->stderr_copy);
	close(stage->captured);
	assert_int_equal(progress_close(stage->settings.progress), 0);
	job_list_free(&stage->jobs);
	free(stage);
	return leave(&place);
}

static inline struct job *add(struct batch_stage *stage, const char *name, const char *sha256)
{
	char url[64], why[64];
	const struct job_wish wish = { .url = url, .sha256 = sha256 };

	(void)snprintf(url, sizeof url, "http://localhost/%s", name);
	assert_int_equal(job_list_add(&stage->jobs, &wish, why, sizeof why), 0);
	return &stage->jobs.jobs[stage->jobs.count - 1];
}

/* The batch with COUNT jobs a, b, c ..., each assigned to a worker that has begun it. */
static inline struct job *begun(struct batch_stage *stage, unsigned count, const char *sha256)
{
	static const char *const names[] = { "a", "b", "c", "d", "e" };

	for (unsigned i = 0; i < count; i++)
		add(stage, names[i], sha256);
	(void)batch_begin(&stage->batch, &stage->settings, &stage->jobs);
	for (unsigned i = 0; i < count; i++) {
		assert_ptr_equal(batch_next(&stage->batch, i), &stage->jobs.jobs[i]);
		batch_started(&stage->batch, &stage->jobs.jobs[i], i, 4711, 1000);
	}
	return stage->jobs.jobs;
}

/* A worker has written TEXT into JOB's file. Returns the descriptor that it would hold. */
static inline int write_part(struct batch_stage *stage, const struct job *job, const char *text,
			     struct batch_result *result)
{
	*result = (struct batch_result){ .bytes = strlen(text),
					 .total = strlen(text),
					 .ended_ns = 1000 + 2 * NS_PER_S };
	return open_and_write(stage->place, job->name, text, &result->inode);
}

/* A worker writes TEXT and sends DONE. */
static inline void deliver(struct batch_stage *stage, struct job *job, const char *text)
{
	struct batch_result result;
	int fd = write_part(stage, job, text, &result);

	batch_received(&stage->batch, job, 0, &result);
	while (job->state == JOB_CHECKING)
		(void)batch_check(&stage->batch);
	close(fd);
}

static inline void fail_by(struct batch_stage *stage, struct job *job, enum failure_kind kind,
			   bool transient)
{
	const struct failure failure = { .kind = kind, .code = 1, .transient = transient };

	batch_failed(&stage->batch, job, 0, &failure, 0);
}

/* All that waits is assigned again at once, whatever its time. */
static inline void assign_waiting(struct batch_stage *stage)
{
	assert_true(batch_wake(&stage->batch, UINT64_MAX - 1) == UINT64_MAX);
	while (batch_next(&stage->batch, 0))
		;
}

/* When the first waiting job may be tried. */
static inline uint64_t next_retry_ns(struct batch_stage *stage)
{
	return batch_wake(&stage->batch, 0);
}

static inline void assert_counts(const struct batch *batch, size_t open, unsigned ok,
				 unsigned failed)
{
	assert_int_equal(batch->open, open);
	assert_int_equal(batch->ok, ok);
	assert_int_equal(batch->failed, failed);
}

static inline void assert_job_failed(const struct job *job, enum failure_kind kind)
{
	assert_int_equal(job->state, JOB_FAILED);
	assert_int_equal(job->failure.kind, kind);
}

static inline void assert_said(struct batch_stage *stage, const char *words)
{
	char text[4096] = "";

	assert_true(pread(stage->captured, text, sizeof text - 1, 0) >= 0);
	if (!strstr(text, words))
		fail_msg("stderr is '%s', without '%s'", text, words);
}

#endif
