/* SPDX-License-Identifier: MIT */
/*
 * model_sequential.c - the sequential model: one process, one job after the other, no IPC. What the
 * tutorial begins with, and what every other model is to be compared with.
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "download/batch.h"
#include "common/signals.h"
#include "download/attempt.h"

struct sequential {
	struct run *run;
	struct fetch *fetch;
	struct signals signals;
	struct job *job; /* the running one */
};

static int moved(void *arg, uint64_t bytes, uint64_t total)
{
	struct sequential *seq = arg;

	run_moved(seq->run, seq->job, 0, bytes, total);
	ui_tick(seq->run->settings->ui, clock_ns());
	return 0;
}

static int signals_pollfd(void *arg)
{
	return ((struct sequential *)arg)->signals.fd;
}

/* Non-zero: stop the transfer. */
static int signals_wakeup(void *arg)
{
	struct sequential *seq = arg;
	int signo;

	while ((signo = signals_next(&seq->signals))) {
		if (signals_ends(signo))
			seq->run->signo = signo;
		else
			ui_resize(seq->run->settings->ui);
	}
	return seq->run->signo != 0;
}

static void do_job(struct sequential *seq, struct job *job)
{
	struct run *run = seq->run;
	const struct fetch_hooks hooks = {
		.arg = seq, .progress = moved, .pollfd = signals_pollfd, .wakeup = signals_wakeup
	};
	const struct transfer_order order = { .fetch = seq->fetch,
					      .dirfd = run->settings->dirfd,
					      .url = job->url,
					      .name = job->name,
					      .hooks = &hooks };
	struct transfer transfer;

	seq->job = job;
	job->state = JOB_GIVEN;
	run_started(run, job, 0, clock_ns());
	transfer_run(&transfer, &order);
	job->bytes = transfer.result.bytes;
	job->total = transfer.result.total;
	job->inode = transfer.inode;
	if (transfer.fd < 0) {
		if (!run->signo)
			run_failed(run, job, 0, &transfer.result.fault);
		return;
	}
	run_received(run, job, 0, clock_ns());
	while (job->state == JOB_CHECKING)
		(void)run_check(run);
	(void)close(transfer.fd); /* committed, or removed */
}

static void take_nothing(void *arg, struct job *job)
{
	(void)arg; /* the next pass over the jobs finds it */
	(void)job;
}

/* Only jobs that wait for another try are left: sleeps until the first may have it. */
static void wait_for_retry(struct sequential *seq)
{
	struct pollfd fd = { .fd = seq->signals.fd, .events = POLLIN };
	uint64_t now_ns = clock_ns();
	uint64_t next_ns = run_wake(seq->run, now_ns, take_nothing, NULL);
	int64_t ui_ns = ui_next_ns(seq->run->settings->ui, now_ns);
	uint64_t left;
	struct timespec wait;

	if (next_ns == UINT64_MAX)
		return;
	left = next_ns > now_ns ? next_ns - now_ns : 0;
	if (ui_ns >= 0 && (uint64_t)ui_ns < left)
		left = (uint64_t)ui_ns;
	wait = (struct timespec){ .tv_sec = (time_t)(left / NS_PER_S),
				  .tv_nsec = (long)(left % NS_PER_S) };
	if (ppoll(&fd, 1, &wait, NULL) > 0)
		(void)signals_wakeup(seq);
	ui_tick(seq->run->settings->ui, clock_ns());
}

int sequential_run(struct run *run)
{
	struct sequential seq = { .run = run, .signals = { .fd = -1 } };
	size_t i;
	int rc;

	seq.fetch = fetch_new(&run->settings->limits);
	if (!seq.fetch)
		return -ENOMEM;
	rc = signals_open(&seq.signals);
	while (rc == 0 && run->open > 0 && !run->signo) {
		for (i = 0; i < run->jobs->count && !run->signo; i++)
			if (run->jobs->jobs[i].state == JOB_READY)
				do_job(&seq, &run->jobs->jobs[i]);
		if (run->open > 0 && !run->signo)
			wait_for_retry(&seq);
	}
	signals_close(&seq.signals);
	fetch_free(seq.fetch);
	return rc;
}
