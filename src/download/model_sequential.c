/* SPDX-License-Identifier: MIT */
/*
 * model_sequential.c - the sequential model: one process, one job after the other, no IPC. The
 * tutorial begins with it, and every other model is compared with it.
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/language.h"
#include "download/control.h"
#include "download/local_job.h"
#include "download/models.h"

struct sequential {
	struct batch *batch;
	struct fetch *fetch;
	struct control control;
	struct job *job; /* the running one */
};

static int moved(void *arg, const struct fetch_progress *progress)
{
	struct sequential *seq = arg;

	batch_moved(seq->batch, seq->job, 0, progress);
	progress_refresh(seq->batch->settings->progress, clock_ns());
	return batch_ends_early(seq->batch);
}

static int control_pollfd(void *arg)
{
	return ((struct sequential *)arg)->control.fd;
}

/* Non-zero: stop the attempt. */
static int control_wakeup(void *arg)
{
	struct sequential *seq = arg;

	if (control_read(&seq->control) & CONTROL_PAUSED)
		fetch_pause(seq->fetch, seq->control.paused);
	progress_refresh(seq->batch->settings->progress, clock_ns()); /* the answer to a key */
	return batch_ends_early(seq->batch);
}

static void do_job(struct sequential *seq, struct job *job)
{
	struct batch *batch = seq->batch;
	const struct fetch_hooks hooks = {
		.arg = seq, .progress = moved, .pollfd = control_pollfd, .wakeup = control_wakeup
	};
	const struct attempt_config config = local_job_config(batch, job, seq->fetch, &hooks);
	struct attempt attempt;

	seq->job = job;
	batch_started(batch, job, 0, getpid(), clock_ns());
	attempt_run(&attempt, &config);
	local_job_ended(batch, job, 0, &attempt);
	while (job->state == JOB_CHECKING)
		(void)batch_check(batch);
	if (attempt.fd >= 0)
		(void)close(attempt.fd); /* committed, or removed */
}

/* Sleeps until a waiting job may be tried again, or the user says something. */
static void wait_idle(struct sequential *seq)
{
	struct pollfd fd = { .fd = seq->control.fd, .events = POLLIN };
	uint64_t now_ns = clock_ns();
	uint64_t next_ns = batch_wake(seq->batch, now_ns);
	int64_t progress_ns = progress_next_ns(seq->batch->settings->progress, now_ns);
	uint64_t left;
	struct timespec wait;

	if (seq->batch->ready_count > 0 && !seq->control.paused)
		return;
	left = next_ns > now_ns ? next_ns - now_ns : 0;
	if (seq->control.paused)
		left = NS_PER_S; /* nothing begins before the user says so */
	if (progress_ns >= 0 && (uint64_t)progress_ns < left)
		left = (uint64_t)progress_ns;
	wait = (struct timespec){ .tv_sec = (time_t)(left / NS_PER_S),
				  .tv_nsec = (long)(left % NS_PER_S) };
	if (ppoll(&fd, 1, &wait, NULL) > 0)
		(void)control_wakeup(seq);
	progress_refresh(seq->batch->settings->progress, clock_ns());
}

int model_sequential_run(struct batch *batch)
{
	struct sequential seq = { .batch = batch };
	struct job *job;
	int rc;

	seq.fetch = fetch_new(&batch->settings->fetch);
	if (!seq.fetch)
		return batch_report(batch, _("cannot prepare a transfer"), NULL, -ENOMEM);
	fetch_set_rate(seq.fetch, batch->settings->limit_rate);
	rc = control_open(&seq.control, batch);
	while (rc == 0 && batch_goes_on(batch)) {
		job = seq.control.paused ? NULL : batch_next(batch, 0);
		if (job)
			do_job(&seq, job);
		else
			wait_idle(&seq);
	}
	control_close(&seq.control);
	fetch_free(seq.fetch);
	return rc;
}
