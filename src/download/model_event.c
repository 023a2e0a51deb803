/* SPDX-License-Identifier: MIT */
/*
 * model_event.c - the event model: one process, one thread, many transfers at once in one epoll
 * loop, no IPC. A lane is what elsewhere is a worker.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/language.h"
#include "download/control.h"
#include "download/fetch_loop.h"
#include "download/local_job.h"
#include "download/models.h"

struct event_model;

struct lane {
	struct event_model *model;
	unsigned number;
	struct fetch *fetch;
	struct job *job; /* NULL: idle */
	bool fetched;    /* its transfer is over; the job is being checked */
	struct fetch_hooks hooks;
	struct attempt_config config;
	struct attempt attempt;
};

struct event_model {
	struct batch *batch;
	struct control control;
	struct fetch_loop *loop;
	struct lane *lanes;
};

static int on_progress(void *arg, const struct fetch_progress *progress)
{
	const struct lane *lane = arg;

	batch_moved(lane->model->batch, lane->job, lane->number, progress);
	return batch_ends_early(lane->model->batch); /* the reader of our output has gone */
}

static void read_control(struct event_model *model)
{
	unsigned i;

	if (!(control_read(&model->control) & CONTROL_PAUSED))
		return;
	for (i = 0; i < model->batch->settings->workers; i++)
		fetch_pause(model->lanes[i].fetch, model->control.paused);
}

/* The file is committed, or will not be: its lock may go. */
static void leave_job(struct lane *lane)
{
	if (lane->attempt.fd >= 0)
		(void)close(lane->attempt.fd);
	lane->job = NULL;
	lane->fetched = false;
}

static void end_job(struct lane *lane)
{
	lane->fetched = true;
	local_job_ended(lane->model->batch, lane->job, lane->number, &lane->attempt);
	if (lane->job->state != JOB_CHECKING)
		leave_job(lane);
}

static void begin_job(struct lane *lane, struct job *job)
{
	struct event_model *model = lane->model;

	lane->job = job;
	lane->config = local_job_config(model->batch, job, lane->fetch, &lane->hooks);
	batch_started(model->batch, job, lane->number, getpid(), clock_ns());
	if (attempt_begin(&lane->attempt, &lane->config))
		fetch_loop_start(model->loop, lane->fetch, &lane->attempt.request);
	else
		end_job(lane);
}

static void begin_jobs(struct event_model *model)
{
	struct batch *batch = model->batch;
	unsigned i;

	if (model->control.paused)
		return;
	for (i = 0; i < batch->settings->workers && batch->ready_count > 0; i++) {
		struct job *job = model->lanes[i].job ? NULL : batch_next(batch, i);

		if (job)
			begin_job(&model->lanes[i], job);
	}
}

/* An equal part of --limit-rate for each that has a job. */
static void share_rate(struct event_model *model)
{
	const struct batch_settings *settings = model->batch->settings;
	unsigned i, busy = 0;

	if (settings->limit_rate == 0)
		return;
	for (i = 0; i < settings->workers; i++)
		busy += model->lanes[i].job != NULL;
	for (i = 0; i < settings->workers && busy > 0; i++)
		fetch_set_rate(model->lanes[i].fetch, settings->limit_rate / busy + 1);
}

static void end_transfers(struct event_model *model)
{
	struct fetch_result result;
	struct fetch *fetch;
	struct lane *lane;

	while ((fetch = fetch_loop_next(model->loop, &result))) {
		lane = fetch_owner(fetch);
		lane->attempt.result = result;
		attempt_end(&lane->attempt);
		end_job(lane);
	}
}

static void check(struct event_model *model)
{
	struct batch *batch = model->batch;
	unsigned i;

	if (!batch_is_checking(batch))
		return;
	(void)batch_check(batch);
	for (i = 0; i < batch->settings->workers; i++)
		if (model->lanes[i].fetched && model->lanes[i].job->state != JOB_CHECKING)
			leave_job(&model->lanes[i]);
}

static uint64_t next_timeout(const struct event_model *model, uint64_t retry_ns)
{
	const struct batch *batch = model->batch;
	const uint64_t now_ns = clock_ns();
	const int64_t progress_ns = progress_next_ns(batch->settings->progress, now_ns);
	uint64_t timeout_ns = UINT64_MAX;

	if (batch_is_checking(batch))
		return 0;
	if (retry_ns != UINT64_MAX)
		timeout_ns = retry_ns > now_ns ? retry_ns - now_ns : 0;
	if (progress_ns >= 0 && (uint64_t)progress_ns < timeout_ns)
		timeout_ns = (uint64_t)progress_ns;
	return timeout_ns;
}

static int turn(struct event_model *model)
{
	const uint64_t retry_ns = batch_wake(model->batch, clock_ns());
	int rc;

	begin_jobs(model);
	share_rate(model);
	rc = fetch_loop_wait(model->loop, next_timeout(model, retry_ns));
	if (rc < 0)
		return batch_report(model->batch, _("cannot wait for the transfers"), NULL, rc);
	end_transfers(model);
	check(model);
	read_control(model);
	progress_refresh(model->batch->settings->progress, clock_ns());
	return 0;
}

static int open_lanes(struct event_model *model)
{
	const struct batch_settings *settings = model->batch->settings;
	unsigned i;

	model->loop = fetch_loop_new(model->control.fd);
	model->lanes = calloc(settings->workers, sizeof *model->lanes);
	for (i = 0; model->loop && model->lanes && i < settings->workers; i++) {
		struct lane *lane = &model->lanes[i];

		*lane = (struct lane){ .model = model,
				       .number = i,
				       .hooks = { .arg = lane, .progress = on_progress },
				       .attempt.fd = -1 };
		lane->fetch = fetch_loop_add(model->loop, &settings->fetch, lane);
		if (!lane->fetch)
			return -ENOMEM;
	}
	return model->loop && model->lanes ? 0 : -ENOMEM;
}

static void close_lanes(struct event_model *model)
{
	unsigned i;

	for (i = 0; model->lanes && i < model->batch->settings->workers; i++) {
		struct lane *lane = &model->lanes[i];

		if (lane->job) {
			fetch_loop_stop(model->loop, lane->fetch);
			leave_job(lane);
		}
		fetch_free(lane->fetch);
	}
	free(model->lanes);
	fetch_loop_free(model->loop);
}

int model_event_run(struct batch *batch)
{
	struct event_model model = { .batch = batch };
	int rc = control_open(&model.control, batch);

	if (rc < 0)
		return rc;
	rc = open_lanes(&model);
	if (rc < 0)
		(void)batch_report(batch, _("cannot prepare the transfers"), NULL, rc);
	while (rc == 0 && batch_goes_on(batch))
		rc = turn(&model);
	close_lanes(&model);
	control_close(&model.control);
	return rc;
}
