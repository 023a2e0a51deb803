/* SPDX-License-Identifier: MIT */
/* batch.c - see batch.h */
#include "config.h"

#include "download/batch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"

#define RETRY_FIRST_S     1u /* then doubled, as curl --retry does */
#define RETRY_MAX_S       60u
#define RETRY_AFTER_MAX_S 600u       /* an origin that asks for more is told to the user at once */
#define CHECK_SLICE       (4u << 20) /* bytes of a file hashed between two looks at the workers */

static unsigned number_of(const struct run *run, const struct job *job)
{
	return (unsigned)(job - run->jobs->jobs);
}

static struct ui_event event_of(const struct run *run, enum ui_kind kind, const struct job *job,
				unsigned worker)
{
	return (struct ui_event){ .kind = kind,
				  .now_ns = clock_ns(),
				  .job = number_of(run, job),
				  .worker = worker,
				  .url = job->shown,
				  .file = job->name ? job->name : "",
				  .bytes = job->bytes,
				  .total = job->total };
}

static void tell(struct run *run, const struct ui_event *event)
{
	ui_event(run->settings->ui, event);
}

static void tell_failed(struct run *run, const struct job *job, unsigned worker)
{
	struct ui_event event = event_of(run, UI_FAILED, job, worker);
	char reason[256];

	event.reason = fault_text(&job->fault, reason, sizeof reason);
	tell(run, &event);
}

void run_begin(struct run *run, const struct run_settings *settings, struct job_list *jobs)
{
	size_t i;

	*run = (struct run){
		.settings = settings, .jobs = jobs, .begun_ns = clock_ns(), .retry_ns = UINT64_MAX
	};
	for (i = 0; i < jobs->count; i++) {
		struct job *job = &jobs->jobs[i];
		struct ui_event event = event_of(run, UI_SKIPPED, job, 0);

		if (job->state == JOB_READY) {
			run->open++;
		} else if (job->state == JOB_SKIPPED) {
			run->skipped++;
			event.reason = "exists already";
			tell(run, &event);
		} else {
			run->failed++;
			tell_failed(run, job, 0);
		}
	}
}

void run_started(struct run *run, struct job *job, unsigned worker, uint64_t begun_ns)
{
	struct ui_event event;

	job->begun_ns = begun_ns;
	job->bytes = 0;
	job->total = FETCH_SIZE_UNKNOWN;
	event = event_of(run, UI_START, job, worker);
	tell(run, &event);
}

void run_moved(struct run *run, struct job *job, unsigned worker, uint64_t bytes, uint64_t total)
{
	struct ui_event event;

	job->bytes = bytes;
	job->total = total;
	event = event_of(run, UI_MOVED, job, worker);
	tell(run, &event);
}

/* ---- the end of a try ---- */

/* The file is no good. Its writer may still hold the lock, so it is removed by its identity. */
static void try_failed_here(struct run *run, struct job *job, unsigned worker,
			    const struct fault *fault)
{
	output_discard_own(run->settings->dirfd, job->name, job->inode);
	run_failed(run, job, worker, fault);
}

static void commit(struct run *run, struct job *job, unsigned worker)
{
	const struct run_settings *settings = run->settings;
	struct ui_event event;
	struct fault fault;

	if (!output_commit(settings->dirfd, job->name, settings->exists, &fault)) {
		try_failed_here(run, job, worker, &fault);
		return;
	}
	job->state = JOB_OK;
	run->open--;
	run->ok++;
	run->bytes += job->bytes;
	run->job_ns += job->took_ns;
	event = event_of(run, UI_DONE, job, worker);
	event.seconds = (double)job->took_ns / (double)NS_PER_S;
	tell(run, &event);
}

void run_received(struct run *run, struct job *job, unsigned worker, uint64_t ended_ns)
{
	struct fault fault;

	/* Both stamps are the worker's: a nonsense pair gives nonsense for its own job alone. */
	job->took_ns = ended_ns > job->begun_ns ? ended_ns - job->begun_ns : 0;
	if (!output_check_part(run->settings->dirfd, job->name, job->inode, job->bytes, &fault)) {
		try_failed_here(run, job, worker, &fault);
		return;
	}
	if (job->has_sha256) {
		job->state = JOB_CHECKING;
		job->worker = worker;
		run->checking++;
	} else {
		commit(run, job, worker);
	}
}

static void checked(struct run *run, struct job *job, int rc, const unsigned char *sha256)
{
	struct fault fault = { .kind = FAULT_CHECKSUM, .transient = true };

	run->checking--;
	if (rc == 0 && memcmp(sha256, job->sha256, SHA256_BYTES) == 0) {
		commit(run, job, job->worker);
	} else {
		if (rc == -ENOENT)
			fault.kind = FAULT_VANISHED;
		else if (rc < 0)
			fault = (struct fault){ .kind = FAULT_COMMIT, .code = -rc };
		try_failed_here(run, job, job->worker, &fault);
	}
	/* Last: in the sequential model its close would drop this process' lock on the file. */
	output_digest_free(run->digest);
	run->digest = NULL;
}

bool run_check(struct run *run)
{
	unsigned char sha256[SHA256_BYTES];
	size_t i;
	int rc;

	if (run->checking == 0)
		return false;
	if (!run->digest) {
		for (i = 0; run->jobs->jobs[i].state != JOB_CHECKING; i++)
			;
		run->digest_job = &run->jobs->jobs[i];
		run->digest = output_digest_new(run->settings->dirfd, run->digest_job->name);
	}
	rc = run->digest ? output_digest_step(run->digest, CHECK_SLICE, sha256) : -errno;
	if (rc <= 0)
		checked(run, run->digest_job, rc, sha256);
	return run->checking > 0;
}

/* Seconds until the next try: doubling, spread by up to a quarter, or what the origin asks for. */
static double retry_delay(const struct job *job, const struct fault *fault)
{
	unsigned doublings = job->tries < 7 ? job->tries : 7;
	double delay = (double)(RETRY_FIRST_S << (doublings - 1));

	if (fault->after_s > 0)
		return (double)fault->after_s;
	if (delay > RETRY_MAX_S)
		delay = RETRY_MAX_S;
	return delay * (1.0 + (double)(clock_ns() % 251) / 1000.0);
}

static bool worker_died(const struct fault *fault)
{
	return fault->kind == FAULT_KILLED || fault->kind == FAULT_EXITED ||
	       fault->kind == FAULT_PROTOCOL || fault->kind == FAULT_STALLED;
}

/* True if the job has another try; *DELAY_S is then set. */
static bool may_retry(struct run *run, struct job *job, const struct fault *fault, double *delay_s)
{
	*delay_s = 0;
	if (worker_died(fault))
		return ++job->deaths <= JOB_DEATHS_MAX;
	if (!fault->transient || fault->after_s > RETRY_AFTER_MAX_S ||
	    ++job->tries > run->settings->retries)
		return false;
	*delay_s = retry_delay(job, fault);
	return true;
}

void run_failed(struct run *run, struct job *job, unsigned worker, const struct fault *fault)
{
	struct ui_event event;
	char reason[256];
	double delay_s;

	job->fault = *fault;
	if (!may_retry(run, job, fault, &delay_s)) {
		job->state = JOB_FAILED;
		run->open--;
		run->failed++;
		output_discard_part(run->settings->dirfd, job->name);
		tell_failed(run, job, worker);
		return;
	}
	job->state = JOB_WAITING;
	job->retry_ns = clock_ns() + (uint64_t)(delay_s * (double)NS_PER_S);
	run->waiting++;
	if (job->retry_ns < run->retry_ns)
		run->retry_ns = job->retry_ns;
	event = event_of(run, UI_RETRY, job, worker);
	event.reason = fault_text(fault, reason, sizeof reason);
	event.seconds = delay_s;
	tell(run, &event);
}

uint64_t run_wake(struct run *run, uint64_t now_ns, void (*take)(void *arg, struct job *job),
		  void *arg)
{
	size_t i;

	if (now_ns < run->retry_ns)
		return run->retry_ns;
	run->retry_ns = UINT64_MAX;
	for (i = 0; run->waiting > 0 && i < run->jobs->count; i++) {
		struct job *job = &run->jobs->jobs[i];

		if (job->state != JOB_WAITING)
			continue;
		if (job->retry_ns > now_ns) {
			run->retry_ns = job->retry_ns < run->retry_ns ? job->retry_ns :
									run->retry_ns;
			continue;
		}
		job->state = JOB_READY;
		run->waiting--;
		take(arg, job);
	}
	return run->retry_ns;
}

void run_abandon(struct run *run)
{
	size_t i;

	for (i = 0; run->open > 0 && i < run->jobs->count; i++) {
		struct job *job = &run->jobs->jobs[i];

		if (job->state == JOB_OK || job->state == JOB_SKIPPED || job->state == JOB_FAILED)
			continue;
		if (job->state != JOB_READY)
			output_discard_part(run->settings->dirfd, job->name);
		job->state = JOB_FAILED;
		job->fault = (struct fault){ .kind = FAULT_CANCELLED };
		run->open--;
		run->left++;
	}
}

void run_end(struct run *run)
{
	output_digest_free(run->digest);
	run->digest = NULL;
}
