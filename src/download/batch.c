/* SPDX-License-Identifier: MIT */
/* batch.c - see batch.h */
#include "config.h"

#include "download/batch_show.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "download/host_limit.h"
#include "download/retry.h"

#define CHECK_SLICE (4u << 20) /* bytes of a file hashed between two looks at the workers */

/* Any file that exists will do, even one that another run of this list has just made. */
static bool skips(const struct batch *batch)
{
	return batch->settings->exists == EXISTS_SKIP || batch->settings->exists == EXISTS_RESUME;
}

static void skip_open(struct batch *batch, struct job *job)
{
	job->state = JOB_SKIPPED;
	batch->open--;
	batch_show_skipped(batch, job);
}

/* ---- jobs on their way to a worker ---- */

static void add_ready(struct batch *batch, struct job *job)
{
	job->state = JOB_READY;
	TAILQ_INSERT_TAIL(&batch->ready, job, link);
	batch->ready_count++;
}

static void add_ready_first(struct batch *batch, struct job *job)
{
	job->state = JOB_READY;
	TAILQ_INSERT_HEAD(&batch->ready, job, link);
	batch->ready_count++;
}

int batch_begin(struct batch *batch, const struct batch_settings *settings, struct job_list *jobs)
{
	size_t i;

	*batch = (struct batch){ .settings = settings, .jobs = jobs, .begun_ns = clock_ns() };
	TAILQ_INIT(&batch->ready);
	TAILQ_INIT(&batch->waiting);
	TAILQ_INIT(&batch->checking);
	LIST_INIT(&batch->splits);
	batch->next_number = (uint32_t)jobs->count;
	if (settings->max_host > 0) {
		batch->hosts = host_limit_new(jobs, settings->max_host);
		if (!batch->hosts)
			return -ENOMEM;
	}
	for (i = 0; i < jobs->count; i++) {
		struct job *job = &jobs->jobs[i];

		if (job->state == JOB_READY) {
			batch->open++;
			add_ready(batch, job);
		} else if (job->state == JOB_SKIPPED) {
			batch_show_skipped(batch, job);
		} else {
			batch_show_failed(batch, job, 0);
		}
	}
	return 0;
}

/* No worker has JOB any longer, so its host may be given another job. */
static void release_host(struct batch *batch, struct job *job)
{
	struct job *next = host_limit_release(job);

	if (next)
		add_ready_first(batch, next);
}

/* ---- files in ranges ---- */

static void end_failed(struct batch *batch, struct job *job, unsigned worker);

/* Nobody has a range of SPLIT any more, which is void. */
static void end_void(struct batch *batch, struct split *split, unsigned worker)
{
	struct job *file = split->file;
	struct progress_event event;

	split_free(split);
	if (!file->unsplit) {
		end_failed(batch, file, worker);
		return;
	}
	add_ready_first(batch, file);
	event = batch_event_of(batch, PROGRESS_RETRY, file, worker);
	batch_show_reason(batch, &event, file);
}

/* RANGE belongs to a split that is void. It has come back, or will not be handed out. */
static void drop_range(struct batch *batch, struct job *range, unsigned worker)
{
	struct split *split = range->split;

	range->state = JOB_SKIPPED;
	if (--split->open == 0)
		end_void(batch, split, worker);
}

/* Its ready ranges are dropped when their turn comes; those that run are stopped. */
static void void_split(struct batch *batch, struct split *split, const struct failure *failure)
{
	unsigned i;

	split->is_void = true;
	split->file->failure = *failure;
	split->file->unsplit = failure->kind == FAILURE_RANGE;
	for (i = 0; i < split->count; i++) {
		struct job *range = &split->ranges[i];

		if (range->state != JOB_WAITING)
			continue;
		TAILQ_REMOVE(&batch->waiting, range, link);
		range->state = JOB_SKIPPED;
		split->open--; /* not the last: somebody has just brought one back */
	}
}

struct job *batch_split(struct batch *batch, struct job *job, unsigned worker,
			const struct split_report *report)
{
	struct split *split;
	struct job *range;
	unsigned i;

	if (batch->settings->split < 2 || job->split || job->unsplit || report->table == 0 ||
	    report->ranges < 2 || report->ranges > RANGES_MAX || report->range >= report->ranges ||
	    report->total < report->ranges || report->total > INT64_MAX)
		return NULL;
	split = split_new(job, report, batch->next_number);
	if (!split)
		return NULL;
	batch->next_number += report->ranges;
	LIST_INSERT_HEAD(&batch->splits, split, link);
	for (i = report->ranges; i-- > 0;)
		if (i != report->range)
			add_ready_first(batch, &split->ranges[i]);
	range = &split->ranges[report->range];
	range->state = JOB_ASSIGNED;
	range->worker = worker;
	range->host_taken = job->host_taken;
	job->host_taken = false;
	batch_show_moved(batch, range, worker);
	return range;
}

struct job *batch_next(struct batch *batch, unsigned worker)
{
	struct job *job;

	while ((job = TAILQ_FIRST(&batch->ready))) {
		TAILQ_REMOVE(&batch->ready, job, link);
		batch->ready_count--;
		if (job_is_void(job))
			drop_range(batch, job, worker);
		else if (skips(batch) && !job_is_range(job) &&
			 output_type(batch_dirfd(batch, job), job->name) > 0)
			skip_open(batch, job);
		else if (!batch->hosts || host_limit_take(batch->hosts, job))
			break;
	}
	if (!job)
		return NULL;
	job->state = JOB_ASSIGNED;
	job->worker = worker;
	return job;
}

void batch_requeue(struct batch *batch, struct job *job)
{
	release_host(batch, job);
	add_ready_first(batch, job);
}

/* It goes behind those that are due earlier, which is most often the last place. */
static void add_waiting(struct batch *batch, struct job *job)
{
	struct job *before;

	job->state = JOB_WAITING;
	TAILQ_FOREACH_REVERSE(before, &batch->waiting, job_queue, link)
	{
		if (before->retry_ns <= job->retry_ns)
			break;
	}
	if (before)
		TAILQ_INSERT_AFTER(&batch->waiting, before, job, link);
	else
		TAILQ_INSERT_HEAD(&batch->waiting, job, link);
}

uint64_t batch_wake(struct batch *batch, uint64_t now_ns)
{
	struct job *job;

	while ((job = TAILQ_FIRST(&batch->waiting)) && job->retry_ns <= now_ns) {
		TAILQ_REMOVE(&batch->waiting, job, link);
		add_ready(batch, job);
	}
	return job ? job->retry_ns : UINT64_MAX;
}

/* ---- a try ---- */

void batch_started(struct batch *batch, struct job *job, unsigned worker, int pid,
		   uint64_t begun_ns)
{
	struct progress_event event;

	job->begun_ns = begun_ns;
	job->kept = 0;
	if (!job_is_range(job)) {
		job->bytes = 0;
		job->total = FETCH_SIZE_UNKNOWN;
	}
	event = batch_event_of(batch, PROGRESS_START, job, worker);
	event.pid = pid;
	batch_show(batch, &event);
}

void batch_moved(struct batch *batch, struct job *job, unsigned worker,
		 const struct fetch_progress *progress)
{
	job->bytes = progress->bytes;
	job->kept = progress->kept;
	if (job->tries + job->deaths == 0)
		job->earlier = job->kept;
	if (job_is_range(job))
		split_sum(job->split);
	else
		job->total = progress->total;
	batch_show_moved(batch, job, worker);
}

/* Keeps what JOB has so far, if a later run can continue it. */
static void leave_part(struct batch *batch, struct job *job, bool keep)
{
	if (part_file_discard(batch_dirfd(batch, job), job->name, keep))
		batch->kept++;
}

static void drop_lock(struct job *file)
{
	if (file->has_lock)
		(void)close(file->lock);
	file->has_lock = false;
}

/* The file is bad. Its writer may still hold the lock, so the file is removed by its identity. */
static void try_failed_here(struct batch *batch, struct job *job, unsigned worker,
			    const struct failure *failure)
{
	part_file_discard_own(batch_dirfd(batch, job), job->name, job->inode);
	drop_lock(job);
	batch_failed(batch, job, worker, failure, job->bytes);
}

static void commit(struct batch *batch, struct job *job, unsigned worker)
{
	const struct batch_settings *settings = batch->settings;
	struct failure failure;

	if (!part_file_commit(batch_dirfd(batch, job), job->name,
			      (enum exists_policy)settings->exists, &failure)) {
		if (failure.kind == FAILURE_EXISTS && skips(batch)) {
			part_file_discard_own(batch_dirfd(batch, job), job->name, job->inode);
			drop_lock(job);
			skip_open(batch, job);
			return;
		}
		try_failed_here(batch, job, worker, &failure);
		return;
	}
	drop_lock(job);
	job->state = JOB_OK;
	batch->open--;
	batch->bytes += job->bytes;
	batch->earlier += job_earlier(job);
	batch->job_ns += job->took_ns;
	batch_show_done(batch, job, worker);
}

/* The worker's lock goes with its next command, which may be long before the check. */
static void wait_for_check(struct batch *batch, struct job *job)
{
	job->has_lock = job->has_lock || part_file_join_lock(batch_dirfd(batch, job), job->name,
							     job->inode, &job->lock);
	job->state = JOB_CHECKING;
	TAILQ_INSERT_TAIL(&batch->checking, job, link);
	batch->checking_count++;
	while (batch->checking_count > batch_checking_max(batch->settings->workers))
		(void)batch_check(batch);
}

static void check_received(struct batch *batch, struct job *job, unsigned worker)
{
	struct failure failure;

	if (!part_file_check(batch_dirfd(batch, job), job->name, job->inode, job->bytes,
			     &failure)) {
		try_failed_here(batch, job, worker, &failure);
	} else if (job->has_sha256) {
		wait_for_check(batch, job);
	} else {
		commit(batch, job, worker);
	}
}

/* The ranges are all said to be there. */
static void end_split(struct batch *batch, struct split *split, unsigned worker)
{
	const struct batch_settings *settings = batch->settings;
	struct job *file = split->file;
	const struct part_file part = { .inode = file->inode, .table = split->table };
	struct failure failure;

	split_free(split);
	file->lock = part_ranges_finish(batch_dirfd(batch, file), file->name, &part,
					settings->remote_time, &failure);
	file->has_lock = file->lock >= 0;
	if (file->has_lock)
		check_received(batch, file, worker);
	else
		try_failed_here(batch, file, worker, &failure);
}

static void range_received(struct batch *batch, struct job *range, unsigned worker)
{
	struct split *split = range->split;
	struct progress_event event;

	if (split->is_void) {
		drop_range(batch, range, worker);
		return;
	}
	range->state = JOB_OK;
	range->bytes = range->total;
	split_sum(split);
	event = batch_event_of(batch, PROGRESS_RANGE, range, worker);
	batch_show(batch, &event);
	if (--split->open == 0)
		end_split(batch, split, worker);
}

void batch_received(struct batch *batch, struct job *job, unsigned worker,
		    const struct batch_result *result)
{
	struct job *file = job_file(job);

	release_host(batch, job);
	file->inode = result->inode;
	if (result->unlocked)
		batch_note_unlocked(batch);
	/* Both times come from the worker. Wrong ones spoil the figures of its own job alone. */
	file->took_ns = result->ended_ns > file->begun_ns ? result->ended_ns - file->begun_ns : 0;
	if (job_is_range(job)) {
		range_received(batch, job, worker);
		return;
	}
	job->bytes = result->bytes;
	job->total = result->total;
	check_received(batch, job, worker);
}

static void checked(struct batch *batch, struct job *job, int rc, const unsigned char *sha256)
{
	struct failure failure = { .kind = FAILURE_CHECKSUM, .transient = true };

	TAILQ_REMOVE(&batch->checking, job, link);
	batch->checking_count--;
	if (rc == 0 && memcmp(sha256, job->sha256, SHA256_BYTES) == 0) {
		commit(batch, job, job->worker);
	} else {
		if (rc == -ENOENT)
			failure.kind = FAILURE_VANISHED;
		else if (rc < 0)
			failure = (struct failure){ .kind = FAILURE_READ, .code = -rc };
		try_failed_here(batch, job, job->worker, &failure);
	}
	/* This comes last: if this process wrote the file, closing it drops the lock. */
	part_digest_free(batch->digest);
	batch->digest = NULL;
}

bool batch_check(struct batch *batch)
{
	struct job *job = TAILQ_FIRST(&batch->checking);
	unsigned char sha256[SHA256_BYTES];
	int rc;

	if (!job)
		return false;
	if (!batch->digest)
		batch->digest = part_digest_new(batch_dirfd(batch, job), job->name);
	rc = batch->digest ? part_digest_step(batch->digest, CHECK_SLICE, sha256) : -errno;
	if (rc <= 0)
		checked(batch, job, rc, sha256);
	return batch_is_checking(batch);
}

static void end_failed(struct batch *batch, struct job *job, unsigned worker)
{
	const struct failure *failure = &job->failure;

	job->state = JOB_FAILED;
	batch->open--;
	/* Without an answer the bytes that are there may still be right. */
	leave_part(batch, job,
		   failure->transient || failure->kind == FAILURE_FETCH ||
			   failure->kind == FAILURE_TRUST);
	batch_show_failed(batch, job, worker);
}

/* JOB is not tried again. */
static void give_up(struct batch *batch, struct job *job, unsigned worker)
{
	if (!job_is_range(job)) {
		end_failed(batch, job, worker);
		return;
	}
	void_split(batch, job->split, &job->failure);
	drop_range(batch, job, worker);
}

void batch_failed(struct batch *batch, struct job *job, unsigned worker,
		  const struct failure *failure, uint64_t bytes)
{
	const struct retry_settings settings = { .retries = batch->settings->retries,
						 .all = batch->settings->retry_all,
						 .held = skips(batch) };
	struct progress_event event;
	double delay_s;

	release_host(batch, job);
	job->failure = *failure;
	if (job_is_void(job)) {
		drop_range(batch, job, worker);
		return;
	}
	job->bytes = bytes;
	if (!retry_permitted(&settings, job, failure, &delay_s)) {
		give_up(batch, job, worker);
		return;
	}
	job->retry_ns = clock_ns() + (uint64_t)(delay_s * (double)NS_PER_S);
	add_waiting(batch, job);
	event = batch_event_of(batch, PROGRESS_RETRY, job, worker);
	event.seconds = delay_s;
	batch_show_reason(batch, &event, job);
}

void batch_abandon(struct batch *batch)
{
	const bool resumes = batch->settings->exists == EXISTS_RESUME;
	const bool keep = resumes || batch->signo != SIGPIPE; /* `| head`: nobody will come back */
	size_t i;

	batch_show_rest(batch);
	for (i = 0; batch->open > 0 && i < batch->jobs->count; i++) {
		struct job *job = &batch->jobs->jobs[i];

		if (job->state == JOB_OK || job->state == JOB_SKIPPED || job->state == JOB_FAILED)
			continue;
		drop_lock(job); /* it would be in our own way */
		if (job->state != JOB_READY)
			leave_part(batch, job, keep);
		job->state = JOB_FAILED;
		job->failure = (struct failure){ .kind = FAILURE_CANCELLED };
		batch->open--;
		batch->left++;
	}
	batch_note_kept(batch);
}

void batch_end(struct batch *batch)
{
	while (!LIST_EMPTY(&batch->splits))
		split_free(LIST_FIRST(&batch->splits));
	part_digest_free(batch->digest);
	batch->digest = NULL;
	host_limit_free(batch->hosts);
	batch->hosts = NULL;
}
