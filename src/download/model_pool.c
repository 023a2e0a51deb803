/* SPDX-License-Identifier: MIT */
/*
 * model_pool.c - the models with workers (process, thread, hybrid): a pool, and one loop over the
 * workers' events, their deaths, the user's signals and the timers.
 */
#include "config.h"

#include <errno.h>
#include <poll.h>

#include "common/clock.h"
#include "common/language.h"
#include "download/control.h"
#include "download/models.h"
#include "download/pool.h"

#define GRACE_NS   (2 * NS_PER_S)  /* between "quit" and SIGKILL */
#define NAP_NS     (2 * NS_PER_MS) /* where no descriptor becomes ready with room for a command */
#define STOPPED_NS (2 * NS_PER_S) /* a wake-up that late means: this program was stopped (Ctrl-Z) */

struct model {
	struct pool pool;
	struct batch *batch;
	struct control control;
	uint64_t retry_ns, stall_ns, kill_ns, share_ns; /* next times of these; UINT64_MAX: none */
	bool starting; /* more workers are to be started in the next turn */
	bool ending;   /* all workers were told to quit */
};

/* ---- the user ---- */

static void end_workers(struct model *model)
{
	model->ending = true;
	model->kill_ns = clock_ns() + GRACE_NS;
	pool_quit_all(&model->pool);
}

/* The first signal ends cleanly, the second at once. */
static void read_control(struct model *model)
{
	const unsigned what = control_read(&model->control);

	if (what & CONTROL_AT_ONCE)
		pool_kill_all(&model->pool);
	else if (what & CONTROL_END)
		end_workers(model);
	if (what & CONTROL_CONTINUED)
		pool_restart_timeouts(&model->pool, clock_ns());
	if (what & CONTROL_PAUSED)
		pool_pause(&model->pool, model->control.paused);
}

/* ---- one turn ---- */

static uint64_t earliest(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* When the loop has to turn again although nothing happens. */
static uint64_t next_time(const struct model *model, uint64_t now_ns)
{
	int64_t progress_ns = progress_next_ns(model->batch->settings->progress, now_ns);
	uint64_t next_ns = earliest(earliest(model->retry_ns, model->stall_ns),
				    earliest(model->kill_ns, model->share_ns));

	if (!model->ending && (model->starting || batch_is_checking(model->batch)))
		return now_ns;
	return progress_ns < 0 ? next_ns : earliest(next_ns, now_ns + (uint64_t)progress_ns);
}

enum { FD_CONTROL, FD_DEATHS, FD_EVENTS, FD_COMMANDS, FD_COUNT };

/* Fills FDS. Lowers *UNTIL_NS if something has arrived already, or if no descriptor will tell. */
static void watch(struct model *model, struct pollfd fds[FD_COUNT], uint64_t *until_ns,
		  uint64_t now_ns)
{
	struct pool *pool = &model->pool;

	fds[FD_CONTROL] = (struct pollfd){ .fd = model->control.fd, .events = POLLIN };
	fds[FD_DEATHS] = (struct pollfd){ .fd = pool->deaths, .events = POLLIN };
	fds[FD_EVENTS].fd = ipc_pollfd(pool->events, &fds[FD_EVENTS].events);
	fds[FD_COMMANDS] = (struct pollfd){ .fd = -1 };
	if (fds[FD_EVENTS].fd == -EAGAIN)
		*until_ns = now_ns;
	else if (fds[FD_EVENTS].fd < 0)
		*until_ns = earliest(*until_ns, now_ns + NAP_NS);
	if (!LIST_EMPTY(&pool->unsent)) {
		fds[FD_COMMANDS].fd = ipc_pollfd(pool->commands, &fds[FD_COMMANDS].events);
		if (fds[FD_COMMANDS].fd < 0)
			*until_ns = earliest(*until_ns, now_ns + NAP_NS);
	}
}

/* Sleeps until something happens. 0 or -errno (told). */
static int model_sleep(struct model *model, struct pollfd fds[FD_COUNT])
{
	uint64_t now_ns = clock_ns();
	uint64_t until_ns = next_time(model, now_ns);
	uint64_t left, woke_ns;
	struct timespec wait;

	watch(model, fds, &until_ns, now_ns);
	left = until_ns > now_ns ? until_ns - now_ns : 0;
	wait = (struct timespec){ .tv_sec = (time_t)(left / NS_PER_S),
				  .tv_nsec = (long)(left % NS_PER_S) };
	if (ppoll(fds, FD_COUNT, until_ns == UINT64_MAX ? NULL : &wait, NULL) < 0 && errno != EINTR)
		return batch_report(model->batch, _("cannot wait for the workers"), NULL, -errno);
	model->batch->wakeups += fds[FD_EVENTS].revents != 0;
	woke_ns = clock_ns();
	if (until_ns != UINT64_MAX && woke_ns > until_ns + STOPPED_NS)
		pool_restart_timeouts(&model->pool, woke_ns);
	return 0;
}

static void model_timers(struct model *model)
{
	uint64_t now_ns = clock_ns();

	if (now_ns >= model->stall_ns)
		model->stall_ns = pool_check_stalled(&model->pool, now_ns);
	model->share_ns = pool_share_rate(&model->pool, now_ns);
	if (now_ns >= model->kill_ns) {
		pool_kill_all(&model->pool);
		model->kill_ns = UINT64_MAX;
	}
	if (!model->ending)
		model->retry_ns = batch_wake(model->batch, now_ns);
	progress_refresh(model->batch->settings->progress, now_ns);
}

static int model_dispatch(struct model *model)
{
	int rc = model->ending || model->control.paused ? 0 : pool_dispatch(&model->pool);

	model->starting = rc > 0;
	return rc < 0 ? rc : 0;
}

static int model_turn(struct model *model)
{
	struct pollfd fds[FD_COUNT];
	int rc = model_sleep(model, fds);

	if (rc == 0)
		rc = pool_receive(&model->pool);
	if (rc == 0 && fds[FD_DEATHS].revents)
		rc = pool_reap(&model->pool);
	if (rc < 0)
		return rc;
	if (fds[FD_CONTROL].revents)
		read_control(model);
	if (!model->ending)
		(void)batch_check(model->batch);
	model_timers(model);
	pool_flush(&model->pool);
	return model_dispatch(model);
}

int model_pool_run(struct batch *batch)
{
	struct model model = { .batch = batch, .control = CONTROL_NONE, .kill_ns = UINT64_MAX };
	int rc;

	/* Sessions come first, so that workers inherit a mask with the mechanism's own signal. */
	rc = pool_open(&model.pool, batch);
	if (rc < 0)
		return rc;
	rc = control_open(&model.control, batch);
	model.pool.control = model.control.fd;
	model.pool.signals = model.control.signals.fd;
	if (rc == 0)
		rc = model_dispatch(&model);
	while (rc == 0 && batch_goes_on(batch))
		rc = model_turn(&model);
	if (rc == 0 && !model.ending)
		end_workers(&model);
	while (rc == 0 && model.pool.alive > 0)
		rc = model_turn(&model);
	pool_close(&model.pool);
	control_close(&model.control);
	return rc;
}
