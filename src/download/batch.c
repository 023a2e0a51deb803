/* SPDX-License-Identifier: MIT */
/* batch.c - see batch.h */
#include "config.h"

#include "download/batch.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"

#define RETRY_FIRST_S     1u /* then doubled, as curl --retry does */
#define RETRY_MAX_S       60u
#define RETRY_AFTER_MAX_S 600u       /* an origin that asks for more is told to the user at once */
#define CHECK_SLICE       (4u << 20) /* bytes of a file hashed between two looks at the workers */

static unsigned number_of(const struct batch *batch, const struct job *job)
{
	return (unsigned)(job - batch->jobs->jobs);
}

static struct progress_event event_of(const struct batch *batch, enum progress_event_kind kind,
				      const struct job *job, unsigned worker)
{
	return (struct progress_event){ .kind = kind,
					.now_ns = clock_ns(),
					.job = number_of(batch, job),
					.worker = worker,
					.url = job->shown,
					.file = job->name ? job->name : "",
					.bytes = job->bytes,
					.total = job->total };
}

static void tell(struct batch *batch, const struct progress_event *event)
{
	progress_event(batch->settings->progress, event);
	/* As if SIGPIPE had ended us, but for what we would leave behind. */
	if (progress_reader_gone(batch->settings->progress) && !batch->signo)
		batch->signo = SIGPIPE;
}

static void tell_failed(struct batch *batch, const struct job *job, unsigned worker)
{
	struct progress_event event = event_of(batch, PROGRESS_FAILED, job, worker);
	char reason[256];

	event.reason = failure_text(&job->failure, reason, sizeof reason);
	tell(batch, &event);
}

void batch_begin(struct batch *batch, const struct batch_settings *settings, struct job_list *jobs)
{
	size_t i;

	*batch = (struct batch){
		.settings = settings, .jobs = jobs, .begun_ns = clock_ns(), .retry_ns = UINT64_MAX
	};
	for (i = 0; i < jobs->count; i++) {
		struct job *job = &jobs->jobs[i];
		struct progress_event event = event_of(batch, PROGRESS_SKIPPED, job, 0);

		if (job->state == JOB_READY) {
			batch->open++;
		} else if (job->state == JOB_SKIPPED) {
			batch->skipped++;
			event.reason = "exists already";
			tell(batch, &event);
		} else {
			batch->failed++;
			tell_failed(batch, job, 0);
		}
	}
}

void batch_started(struct batch *batch, struct job *job, unsigned worker, uint64_t begun_ns)
{
	struct progress_event event;

	job->begun_ns = begun_ns;
	job->bytes = 0;
	job->total = FETCH_SIZE_UNKNOWN;
	event = event_of(batch, PROGRESS_START, job, worker);
	tell(batch, &event);
}

void batch_moved(struct batch *batch, struct job *job, unsigned worker, uint64_t bytes,
		 uint64_t total)
{
	struct progress_event event;

	job->bytes = bytes;
	job->total = total;
	event = event_of(batch, PROGRESS_MOVED, job, worker);
	tell(batch, &event);
}

/* ---- the end of a try ---- */

/* The file is no good. Its writer may still hold the lock, so it is removed by its identity. */
static void try_failed_here(struct batch *batch, struct job *job, unsigned worker,
			    const struct failure *failure)
{
	part_file_discard_own(batch->settings->dirfd, job->name, job->inode);
	batch_failed(batch, job, worker, failure);
}

static void commit(struct batch *batch, struct job *job, unsigned worker)
{
	const struct batch_settings *settings = batch->settings;
	struct progress_event event;
	struct failure failure;

	if (!part_file_commit(settings->dirfd, job->name, settings->exists, &failure)) {
		try_failed_here(batch, job, worker, &failure);
		return;
	}
	job->state = JOB_OK;
	batch->open--;
	batch->ok++;
	batch->bytes += job->bytes;
	batch->job_ns += job->took_ns;
	event = event_of(batch, PROGRESS_DONE, job, worker);
	event.seconds = (double)job->took_ns / (double)NS_PER_S;
	tell(batch, &event);
}

void batch_received(struct batch *batch, struct job *job, unsigned worker, uint64_t ended_ns)
{
	struct failure failure;

	/* Both stamps are the worker's: a nonsense pair gives nonsense for its own job alone. */
	job->took_ns = ended_ns > job->begun_ns ? ended_ns - job->begun_ns : 0;
	if (!part_file_check(batch->settings->dirfd, job->name, job->inode, job->bytes, &failure)) {
		try_failed_here(batch, job, worker, &failure);
		return;
	}
	if (job->has_sha256) {
		job->state = JOB_CHECKING;
		job->worker = worker;
		batch->checking++;
	} else {
		commit(batch, job, worker);
	}
}

static void checked(struct batch *batch, struct job *job, int rc, const unsigned char *sha256)
{
	struct failure failure = { .kind = FAILURE_CHECKSUM, .transient = true };

	batch->checking--;
	if (rc == 0 && memcmp(sha256, job->sha256, SHA256_BYTES) == 0) {
		commit(batch, job, job->worker);
	} else {
		if (rc == -ENOENT)
			failure.kind = FAILURE_VANISHED;
		else if (rc < 0)
			failure = (struct failure){ .kind = FAILURE_READ, .code = -rc };
		try_failed_here(batch, job, job->worker, &failure);
	}
	/* Last: in the sequential model its close would drop this process' lock on the file. */
	part_digest_free(batch->digest);
	batch->digest = NULL;
}

bool batch_check(struct batch *batch)
{
	unsigned char sha256[SHA256_BYTES];
	size_t i;
	int rc;

	if (batch->checking == 0)
		return false;
	if (!batch->digest) {
		for (i = 0; batch->jobs->jobs[i].state != JOB_CHECKING; i++)
			;
		batch->digest_job = &batch->jobs->jobs[i];
		batch->digest = part_digest_new(batch->settings->dirfd, batch->digest_job->name);
	}
	rc = batch->digest ? part_digest_step(batch->digest, CHECK_SLICE, sha256) : -errno;
	if (rc <= 0)
		checked(batch, batch->digest_job, rc, sha256);
	return batch->checking > 0;
}

/* Seconds until the next try: doubling, spread by up to a quarter, or what the origin asks for. */
static double retry_delay(const struct job *job, const struct failure *failure)
{
	unsigned doublings = job->tries < 7 ? job->tries : 7;
	double delay = (double)(RETRY_FIRST_S << (doublings - 1));

	if (failure->after_s > 0)
		return (double)failure->after_s;
	if (delay > RETRY_MAX_S)
		delay = RETRY_MAX_S;
	return delay * (1.0 + (double)(clock_ns() % 251) / 1000.0);
}

static bool worker_died(const struct failure *failure)
{
	return failure->kind == FAILURE_KILLED || failure->kind == FAILURE_EXITED ||
	       failure->kind == FAILURE_PROTOCOL || failure->kind == FAILURE_STALLED;
}

/* True if the job has another try; *DELAY_S is then set. */
static bool may_retry(struct batch *batch, struct job *job, const struct failure *failure,
		      double *delay_s)
{
	*delay_s = 0;
	if (worker_died(failure))
		return ++job->deaths <= JOB_DEATHS_MAX;
	if (!failure->transient || failure->after_s > RETRY_AFTER_MAX_S ||
	    ++job->tries > batch->settings->retries)
		return false;
	*delay_s = retry_delay(job, failure);
	return true;
}

void batch_failed(struct batch *batch, struct job *job, unsigned worker,
		  const struct failure *failure)
{
	struct progress_event event;
	char reason[256];
	double delay_s;

	job->failure = *failure;
	if (!may_retry(batch, job, failure, &delay_s)) {
		job->state = JOB_FAILED;
		batch->open--;
		batch->failed++;
		part_file_discard(batch->settings->dirfd, job->name);
		tell_failed(batch, job, worker);
		return;
	}
	job->state = JOB_WAITING;
	job->retry_ns = clock_ns() + (uint64_t)(delay_s * (double)NS_PER_S);
	batch->waiting++;
	if (job->retry_ns < batch->retry_ns)
		batch->retry_ns = job->retry_ns;
	event = event_of(batch, PROGRESS_RETRY, job, worker);
	event.reason = failure_text(failure, reason, sizeof reason);
	event.seconds = delay_s;
	tell(batch, &event);
}

uint64_t batch_wake(struct batch *batch, uint64_t now_ns, void (*take)(void *arg, struct job *job),
		    void *arg)
{
	size_t i;

	if (now_ns < batch->retry_ns)
		return batch->retry_ns;
	batch->retry_ns = UINT64_MAX;
	for (i = 0; batch->waiting > 0 && i < batch->jobs->count; i++) {
		struct job *job = &batch->jobs->jobs[i];

		if (job->state != JOB_WAITING)
			continue;
		if (job->retry_ns > now_ns) {
			batch->retry_ns = job->retry_ns < batch->retry_ns ? job->retry_ns :
									    batch->retry_ns;
			continue;
		}
		job->state = JOB_READY;
		batch->waiting--;
		take(arg, job);
	}
	return batch->retry_ns;
}

void batch_abandon(struct batch *batch)
{
	size_t i;

	for (i = 0; batch->open > 0 && i < batch->jobs->count; i++) {
		struct job *job = &batch->jobs->jobs[i];

		if (job->state == JOB_OK || job->state == JOB_SKIPPED || job->state == JOB_FAILED)
			continue;
		if (job->state != JOB_READY)
			part_file_discard(batch->settings->dirfd, job->name);
		job->state = JOB_FAILED;
		job->failure = (struct failure){ .kind = FAILURE_CANCELLED };
		batch->open--;
		batch->left++;
	}
}

void batch_end(struct batch *batch)
{
	part_digest_free(batch->digest);
	batch->digest = NULL;
}
