/* SPDX-License-Identifier: MIT */
/*
 * model_process.c - the process model: one loop over what workers say, who died, what the user's
 * signals want, and what time it is.
 *
 * The order of a turn matters: hear first, then bury. A death that is handled before the last
 * words would lose a DONE.
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>

#include "common/clock.h"
#include "download/pool.h"
#include "download/batch.h"
#include "common/signals.h"

#define GRACE_NS   (2 * NS_PER_S)  /* between "quit" and SIGKILL */
#define NAP_NS     (2 * NS_PER_MS) /* where no descriptor tells of room for a command */
#define STOPPED_NS (2 * NS_PER_S)  /* a turn that late was not late: we were stopped (Ctrl-Z) */

struct pool {
	struct crew crew;
	struct run *run;
	struct signals signals;
	uint64_t stall_ns, kill_ns; /* next times of these; UINT64_MAX: none */
	bool ending;                /* everybody was told to quit */
};

/* ---- signals ---- */

static void end_crew(struct pool *pool)
{
	pool->ending = true;
	pool->kill_ns = clock_ns() + GRACE_NS;
	crew_dismiss(&pool->crew);
}

/* The first time: end cleanly. The second time: at once. */
static void stop_by(struct pool *pool, int signo)
{
	if (pool->run->signo) {
		crew_kill(&pool->crew);
		return;
	}
	pool->run->signo = signo;
	end_crew(pool);
}

static void read_signals(struct pool *pool)
{
	int signo;

	while ((signo = signals_next(&pool->signals))) {
		if (signals_ends(signo)) {
			stop_by(pool, signo);
			continue;
		}
		ui_resize(pool->run->settings->ui);
		if (signo == SIGCONT)
			crew_forgive(&pool->crew, clock_ns());
	}
}

/* ---- one turn ---- */

static uint64_t earliest(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* When the loop has to turn again although nothing happens. */
static uint64_t next_time(const struct pool *pool, uint64_t now_ns)
{
	int64_t ui_ns = ui_next_ns(pool->run->settings->ui, now_ns);
	uint64_t next_ns = earliest(earliest(pool->run->retry_ns, pool->stall_ns), pool->kill_ns);

	if (pool->run->checking > 0 && !pool->ending)
		return now_ns;
	return ui_ns < 0 ? next_ns : earliest(next_ns, now_ns + (uint64_t)ui_ns);
}

enum { FD_SIGNALS, FD_DEATHS, FD_EVENTS, FD_COMMANDS, FD_COUNT };

/* Fills FDS, and lowers *UNTIL_NS where something is there already. */
static void watch(struct pool *pool, struct pollfd fds[FD_COUNT], uint64_t *until_ns,
		  uint64_t now_ns)
{
	struct crew *crew = &pool->crew;

	fds[FD_SIGNALS] = (struct pollfd){ .fd = pool->signals.fd, .events = POLLIN };
	fds[FD_DEATHS] = (struct pollfd){ .fd = crew->deaths, .events = POLLIN };
	fds[FD_EVENTS].fd = ipc_pollfd(crew->events, &fds[FD_EVENTS].events);
	fds[FD_COMMANDS] = (struct pollfd){ .fd = -1 };
	if (fds[FD_EVENTS].fd == -EAGAIN)
		*until_ns = now_ns;
	else if (fds[FD_EVENTS].fd < 0)
		*until_ns = earliest(*until_ns, now_ns + NAP_NS);
	if (crew->unsent > 0) {
		fds[FD_COMMANDS].fd = ipc_pollfd(crew->commands, &fds[FD_COMMANDS].events);
		if (fds[FD_COMMANDS].fd < 0)
			*until_ns = earliest(*until_ns, now_ns + NAP_NS);
	}
}

/* Sleeps until something happens. 0 or -errno. */
static int pool_sleep(struct pool *pool, struct pollfd fds[FD_COUNT])
{
	uint64_t now_ns = clock_ns();
	uint64_t until_ns = next_time(pool, now_ns);
	uint64_t left, woke_ns;
	struct timespec wait;

	watch(pool, fds, &until_ns, now_ns);
	left = until_ns > now_ns ? until_ns - now_ns : 0;
	wait = (struct timespec){ .tv_sec = (time_t)(left / NS_PER_S),
				  .tv_nsec = (long)(left % NS_PER_S) };
	if (ppoll(fds, FD_COUNT, until_ns == UINT64_MAX ? NULL : &wait, NULL) < 0 && errno != EINTR)
		return -errno;
	woke_ns = clock_ns();
	if (until_ns != UINT64_MAX && woke_ns > until_ns + STOPPED_NS)
		crew_forgive(&pool->crew, woke_ns);
	return 0;
}

static void pool_clocks(struct pool *pool)
{
	uint64_t now_ns = clock_ns();

	if (now_ns >= pool->stall_ns)
		pool->stall_ns = crew_check_stalled(&pool->crew, now_ns);
	if (now_ns >= pool->kill_ns) {
		crew_kill(&pool->crew);
		pool->kill_ns = UINT64_MAX;
	}
	if (!pool->ending)
		(void)run_wake(pool->run, now_ns, crew_add_job, &pool->crew);
	ui_tick(pool->run->settings->ui, now_ns);
}

static int pool_turn(struct pool *pool)
{
	struct pollfd fds[FD_COUNT];
	int rc = pool_sleep(pool, fds);

	if (rc == 0)
		rc = crew_hear(&pool->crew);
	if (rc == 0 && fds[FD_DEATHS].revents)
		rc = crew_bury(&pool->crew);
	if (rc < 0)
		return rc;
	if (fds[FD_SIGNALS].revents)
		read_signals(pool);
	if (!pool->ending)
		(void)run_check(pool->run);
	pool_clocks(pool);
	crew_flush(&pool->crew);
	if (!pool->ending)
		rc = crew_employ(&pool->crew);
	return rc;
}

int pool_run(struct run *run)
{
	struct pool pool = { .run = run, .signals = { .fd = -1 }, .kill_ns = UINT64_MAX };
	int rc;

	/* Sessions first: a mechanism's own signal is then in the mask that workers inherit. */
	rc = crew_open(&pool.crew, run);
	if (rc < 0)
		return rc;
	rc = signals_open(&pool.signals);
	pool.crew.signals = pool.signals.fd;
	if (rc == 0)
		rc = crew_employ(&pool.crew);
	while (rc == 0 && run->open > 0 && !run->signo)
		rc = pool_turn(&pool);
	if (rc == 0 && !pool.ending)
		end_crew(&pool);
	while (rc == 0 && pool.crew.alive > 0)
		rc = pool_turn(&pool);
	crew_close(&pool.crew);
	signals_close(&pool.signals);
	return rc;
}
