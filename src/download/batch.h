/* SPDX-License-Identifier: MIT */
/*
 * batch.h - a batch: a list of jobs brought to an end by one of the models.
 *
 * The batch owns every job that no worker has, and is the only one that sets a job's state:
 *
 *	READY ---batch_next---> ASSIGNED ---batch_received---> (CHECKING) ---> OK
 *	  ^ ^                    |    |                            |
 *	  | +---batch_requeue----+    +------batch_failed----------+--> FAILED
 *	  +-------batch_wake------- WAITING <--+ (if it may be tried again)
 *
 * It also decides what a failure means for a job, checks and commits the file, and tells the user.
 */
#ifndef IPCDEMO_BATCH_H
#define IPCDEMO_BATCH_H

#include "download/fetch.h"
#include "download/job_list.h"
#include "download/meter.h"
#include "download/part_file.h"
#include "download/sandbox.h"
#include "download/split.h"
#include "progress/progress.h"

#include <stdbool.h>
#include <stdint.h>

enum start_method { START_FORK, START_SPAWN };

/* What the user asked for; the options write into it. All borrowed for the time of the batch. */
struct batch_settings {
	const char *ipc;         /* mechanism; NULL in a model that needs none */
	const char *runtime_dir; /* see ipc_config */
	unsigned workers;
	bool in_threads;  /* workers are threads of this process */
	unsigned threads; /* workers of one process; 0 is 1 */
	int start;        /* enum start_method of processes */
	int sandbox;      /* enum sandbox_mode of processes */
	int argc;         /* the program's own command line, for START_SPAWN */
	const char *const *argv;
	unsigned recycle; /* jobs per worker, then a fresh one; 0: no limit */
	unsigned retries;
	unsigned split; /* ranges of one file, by several workers; below 2: none */
	struct output_dirs dirs;
	const char *dir; /* the one for all, as the user named it; NULL: its files are not kept */
	int exists;      /* enum exists_policy */
	struct fetch_settings fetch;
	uint64_t limit_rate; /* bytes a second of all workers together; 0: no limit */
	unsigned max_host;   /* jobs of one host at once; 0: no limit */
	bool retry_all;      /* also after failures that are not transient */
	bool fail_fast;      /* end with the first job that fails */
	int ordered;         /* the ends of jobs are shown in the order of the list */
	bool remote_time;    /* files get the time that the origin gives */
	struct progress *progress;
	const char *trace; /* see trace_open; NULL: no trace */
};

struct batch {
	const struct batch_settings *settings;
	struct job_list *jobs;
	size_t open; /* jobs that are neither done, skipped nor failed */
	unsigned ok, failed, skipped;
	uint64_t records;   /* IPC records handled by the parent */
	uint64_t wakeups;   /* of the parent, because of a record */
	struct meter meter; /* the parent's calls into libipc, and what workers report of theirs */
	struct progress_worker_figures *figures; /* by slot, borrowed; NULL: nobody wants them */
	struct trace *trace;                     /* borrowed; NULL: none */
	uint64_t bytes;                          /* of the jobs that are done ... */
	uint64_t earlier;                        /* ... those that an earlier run had fetched */
	uint64_t job_ns;                         /* the sum of their own times */
	uint64_t begun_ns;
	unsigned kept; /* NAME.part that a later run can go on with */
	bool stopped;  /* by a failure under fail_fast, or by the user's q */
	bool unlocked; /* the user was told that the file system has no locks */
	unsigned left; /* not finished when the batch ended early */
	size_t shown;  /* jobs whose end was shown, under ordered */
	int signo;     /* 0, or the signal that ended the batch */
	/* batch.c alone writes these: */
	struct job_queue ready, waiting, checking; /* waiting: the first to be tried is first */
	unsigned checking_count;
	size_t ready_count;
	struct split_list splits;
	uint32_t next_number;       /* of a range */
	struct host_limit *hosts;   /* keeps those of ready whose host has enough; NULL: no limit */
	struct part_digest *digest; /* of the first that is checked */
};

/*
 * What a worker says of a try that ended well. The batch believes it only after looking at the
 * file.
 */
struct batch_result {
	uint64_t bytes, total, inode;
	bool unlocked;     /* the file system has no locks */
	uint64_t ended_ns; /* by the worker's clock */
};

/* Queues the jobs that are JOB_READY; counts and reports those that are settled already. 0, or
 * -ENOMEM with nothing done. */
int batch_begin(struct batch *batch, const struct batch_settings *settings, struct job_list *jobs);

/* A signal, the user's q, or fail_fast has ended it early; jobs that are open stay unfinished. */
static inline bool batch_ends_early(const struct batch *batch)
{
	return batch->signo || batch->stopped;
}

/* Is there more to do, and is it to be done? */
static inline bool batch_goes_on(const struct batch *batch)
{
	return batch->open > 0 && !batch_ends_early(batch);
}

/* The next ready job, now JOB_ASSIGNED to WORKER: the caller's until one of the three functions
 * below ends the try, or batch_requeue. NULL: none is ready.
 * Those that another run has made meanwhile are skipped, where the policy says so. */
struct job *batch_next(struct batch *batch, unsigned worker);

/* The descriptor of the directory that the file of JOB goes into. */
static inline int batch_dirfd(const struct batch *batch, struct job *job)
{
	return output_dirs_fd(&batch->settings->dirs, job_file(job)->place);
}

/* Does the next attempt at JOB go on with what is there? */
static inline bool batch_resumes(const struct batch *batch, const struct job *job)
{
	return batch->settings->exists == EXISTS_RESUME || job->tries + job->deaths > 0;
}

/* A job that was assigned but not begun returns to the front of the queue. */
void batch_requeue(struct batch *batch, struct job *job);

/* The worker's START, PROGRESS of a job. PID: its process, or thread id. */
void batch_started(struct batch *batch, struct job *job, unsigned worker, int pid,
		   uint64_t begun_ns);
void batch_moved(struct batch *batch, struct job *job, unsigned worker,
		 const struct fetch_progress *progress);

/*
 * WORKER has split JOB as it REPORTs. Returns the range that it is at, which is the worker's job
 * instead from now on; the others are ready. NULL: this job was not to be split so, or memory is
 * short.
 */
struct job *batch_split(struct batch *batch, struct job *job, unsigned worker,
			const struct split_report *report);

/*
 * All bytes are said to be there: checks the file, commits it and ends the job, or fails the try. A
 * job with a checksum becomes JOB_CHECKING instead: call batch_check until it no longer is.
 */
void batch_received(struct batch *batch, struct job *job, unsigned worker,
		    const struct batch_result *result);

/* A slice of the checksum of the first JOB_CHECKING job. True while there is more to do. */
bool batch_check(struct batch *batch);

/*
 * So many files at most wait for their checksum, each with a descriptor that holds its lock: one of
 * each worker, since all workers may end at once.
 */
#define BATCH_CHECKING_MAX 64
static inline unsigned batch_checking_max(unsigned workers)
{
	return workers < BATCH_CHECKING_MAX ? workers : BATCH_CHECKING_MAX;
}

/* A try failed after BYTES. The job is tried again later (JOB_WAITING), or is JOB_FAILED. */
void batch_failed(struct batch *batch, struct job *job, unsigned worker,
		  const struct failure *failure, uint64_t bytes);

/* Waiting jobs whose time has come become ready. Returns the time of the next one, in ns of
 * CLOCK_MONOTONIC; UINT64_MAX: none waits. */
uint64_t batch_wake(struct batch *batch, uint64_t now_ns);

/* The batch ends early: jobs that are open stay unfinished, and their .part files are removed. */
void batch_abandon(struct batch *batch);

void batch_end(struct batch *batch);

/* One line for the user: "WHAT: the error[; HINT]", both in the user's language. Returns RC. */
int batch_report(const struct batch *batch, const char *what, const char *hint, int rc);

static inline bool batch_is_checking(const struct batch *batch)
{
	return !TAILQ_EMPTY(&batch->checking);
}

#endif
