/* SPDX-License-Identifier: MIT */
/*
 * batch.h - a batch: a list of jobs brought to an end by one of the models. What all models share
 * is here: what a failure means for the job, the parent's own check of a file, its
 * commit, and telling the user.
 */
#ifndef IPCDEMO_RUN_H
#define IPCDEMO_RUN_H

#include "download/fetch.h"
#include "download/job_list.h"
#include "download/part_file.h"
#include "progress/progress.h"

#include <stdbool.h>
#include <stdint.h>

/* What the user asked for. All borrowed for the time of the batch. */
struct batch_settings {
	const char *ipc;         /* mechanism; NULL in the sequential model */
	const char *runtime_dir; /* see ipc_config */
	unsigned workers;
	unsigned recycle; /* jobs per worker, then a fresh one; 0: no limit */
	unsigned retries;
	int dirfd; /* the output directory */
	enum exists_policy exists;
	struct fetch_settings limits;
	struct progress *progress;
	bool trace;
};

struct batch {
	const struct batch_settings *settings;
	struct job_list *jobs;
	size_t open; /* jobs that are neither done, skipped nor failed */
	unsigned ok, failed, skipped;
	uint64_t records; /* IPC records handled by the parent */
	uint64_t bytes;   /* of the jobs that are done */
	uint64_t job_ns;  /* the sum of their own times */
	uint64_t begun_ns;
	unsigned left; /* not finished when the batch ended early */
	int signo;     /* 0, or the signal that ended the batch */
	/* batch.c's own, but for looking: */
	size_t waiting, checking;
	uint64_t retry_ns; /* when the first waiting job may be tried; UINT64_MAX: none waits */
	struct part_digest *digest; /* of digest_job */
	struct job *digest_job;
};

/* Counts the jobs that are settled already and reports them. */
void batch_begin(struct batch *batch, const struct batch_settings *settings, struct job_list *jobs);

/* The worker's START, PROGRESS of a job. */
void batch_started(struct batch *batch, struct job *job, unsigned worker, uint64_t begun_ns);
void batch_moved(struct batch *batch, struct job *job, unsigned worker, uint64_t bytes,
		 uint64_t total);

/*
 * All bytes are said to be there: checks the file (job->inode, job->bytes), commits it and
 * ends the job, or fails the try. A job with a checksum becomes JOB_CHECKING instead:
 * call batch_check until it no longer is.
 */
void batch_received(struct batch *batch, struct job *job, unsigned worker, uint64_t ended_ns);

/* A slice of the checksum of some JOB_CHECKING job. True while there is more to do. */
bool batch_check(struct batch *batch);

/* A try failed. The job is tried again later (JOB_WAITING), or is JOB_FAILED. */
void batch_failed(struct batch *batch, struct job *job, unsigned worker,
		  const struct failure *failure);

/* Waiting jobs whose time has come become JOB_READY; TAKE is told each. Returns the time of the
 * next, or UINT64_MAX. */
uint64_t batch_wake(struct batch *batch, uint64_t now_ns, void (*take)(void *arg, struct job *job),
		    void *arg);

/* The batch ends early: what is open is left, its .part removed. */
void batch_abandon(struct batch *batch);

void batch_end(struct batch *batch);

/* The models: bring all open jobs to an end. 0, or -errno when the batch could not be set up or
 * go on (with one line already told to the user). */
int model_process_run(struct batch *batch);
int model_sequential_run(struct batch *batch);

#endif
