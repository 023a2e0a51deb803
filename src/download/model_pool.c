/* SPDX-License-Identifier: MIT */
/*
 * model_pool.c - the models with workers (process, thread, hybrid): a pool, and one loop over the
 * workers' events, their deaths, the user's signals and the timers.
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>

#include "common/clock.h"
#include "common/keys.h"
#include "common/signals.h"
#include "download/models.h"
#include "download/pool.h"

#define GRACE_NS   (2 * NS_PER_S)  /* between "quit" and SIGKILL */
#define NAP_NS     (2 * NS_PER_MS) /* where no descriptor becomes ready with room for a command */
#define STOPPED_NS (2 * NS_PER_S) /* a wake-up that late means: this program was stopped (Ctrl-Z) */

struct model {
	struct pool pool;
	struct batch *batch;
	struct signals signals;
	struct keys keys;
	bool paused;                                    /* by a key */
	uint64_t retry_ns, stall_ns, kill_ns, share_ns; /* next times of these; UINT64_MAX: none */
	bool starting; /* more workers are to be started in the next turn */
	bool ending;   /* all workers were told to quit */
};

/* ---- signals ---- */

static void end_workers(struct model *model)
{
	model->ending = true;
	model->kill_ns = clock_ns() + GRACE_NS;
	pool_quit_all(&model->pool);
}

/* The first time: end cleanly. The second time: at once. */
static void stop_by(struct model *model, int signo)
{
	if (model->batch->signo) {
		pool_kill_all(&model->pool);
		return;
	}
	model->batch->signo = signo;
	end_workers(model);
}

static void read_signals(struct model *model)
{
	int signo;

	while ((signo = signals_next(&model->signals))) {
		if (signals_ends(signo)) {
			stop_by(model, signo);
			continue;
		}
		progress_resize(model->batch->settings->progress);
		if (signo != SIGCONT)
			continue;
		pool_restart_timeouts(&model->pool, clock_ns());
		if (progress_has_rows(model->batch->settings->progress))
			keys_open(&model->keys);
	}
}

/* ---- keys ---- */

static void pause_all(struct model *model, bool paused)
{
	struct progress *progress = model->batch->settings->progress;

	if (paused == model->paused)
		return;
	model->paused = paused;
	pool_pause(&model->pool, paused);
	progress_note(progress, false, paused ? "paused: c continues, q ends" : "continued");
}

static void read_keys(struct model *model)
{
	int key;

	while ((key = keys_next(&model->keys))) {
		switch (key) {
		case 'p':
		case 'c':
			pause_all(model, key == 'p');
			break;
		case 'q':
			model->batch->stopped = true;
			break;
		case '?':
			progress_note(
				model->batch->settings->progress, false,
				"p pauses, c continues, q ends and keeps what can be resumed");
			break;
		default:
			break; /* a person's finger slips */
		}
	}
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

enum { FD_SIGNALS, FD_DEATHS, FD_EVENTS, FD_COMMANDS, FD_KEYS, FD_COUNT };

/* Fills FDS; lowers *UNTIL_NS where something has arrived already, or no descriptor tells. */
static void watch(struct model *model, struct pollfd fds[FD_COUNT], uint64_t *until_ns,
		  uint64_t now_ns)
{
	struct pool *pool = &model->pool;

	fds[FD_SIGNALS] = (struct pollfd){ .fd = model->signals.fd, .events = POLLIN };
	fds[FD_DEATHS] = (struct pollfd){ .fd = pool->deaths, .events = POLLIN };
	fds[FD_EVENTS].fd = ipc_pollfd(pool->events, &fds[FD_EVENTS].events);
	fds[FD_COMMANDS] = (struct pollfd){ .fd = -1 };
	fds[FD_KEYS] = (struct pollfd){ .fd = model->keys.fd, .events = POLLIN };
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
		return batch_report(model->batch, "wait for the workers", NULL, -errno);
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
	int rc = model->ending || model->paused ? 0 : pool_dispatch(&model->pool);

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
	if (fds[FD_SIGNALS].revents)
		read_signals(model);
	if (fds[FD_KEYS].revents)
		read_keys(model);
	if (!model->ending)
		(void)batch_check(model->batch);
	model_timers(model);
	pool_flush(&model->pool);
	return model_dispatch(model);
}

int model_pool_run(struct batch *batch)
{
	struct model model = {
		.batch = batch, .signals = { .fd = -1 }, .keys = KEYS_NONE, .kill_ns = UINT64_MAX
	};
	int rc;

	/* Sessions first: a mechanism's own signal is then in the mask that workers inherit. */
	rc = pool_open(&model.pool, batch);
	if (rc < 0)
		return rc;
	rc = signals_open(&model.signals);
	if (rc < 0)
		(void)batch_report(batch, "receive signals", NULL, rc);
	model.pool.signals = model.signals.fd;
	if (rc == 0)
		rc = model_dispatch(&model);
	if (progress_has_rows(batch->settings->progress))
		keys_open(&model.keys);
	while (rc == 0 && batch_goes_on(batch))
		rc = model_turn(&model);
	keys_close(&model.keys);
	if (rc == 0 && !model.ending)
		end_workers(&model);
	while (rc == 0 && model.pool.alive > 0)
		rc = model_turn(&model);
	pool_close(&model.pool);
	signals_close(&model.signals);
	return rc;
}
