/* SPDX-License-Identifier: MIT */
/*
 * run.c - the coordinator: which row's round comes next, and a deadline for each.
 *
 * It never opens a session itself, so nothing that a mechanism does can hold it up. Rounds go over
 * all rows in turn, in a new order each time; a row and its floor run next to each other, now
 * the one first, now the other: drift and neighbours hit all alike.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/link.h"
#include "common/signals.h"
#include "common/spawn.h"

#define ROOM_AUTO  50000u /* samples of a round at most, when the time decides */
#define NEAR_CLOCK 20     /* a figure under so many steps of the clock is taken in blocks, too */
#define ORPHANS_MS 2000

struct runner {
	struct bench *bench;
	struct bench_area *area;
	uint64_t *samples, *lags;
	size_t room;
	struct signals signals;
	uint64_t shuffle;
};

static void *shared(size_t bytes)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	return at == MAP_FAILED ? NULL : at;
}

/* xorshift64: a fixed seed, so that two runs go the same way. */
static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* ---- one round in its processes ---- */

/* Slots whose hub was killed die with it and become our children. */
static void reap_orphans(void)
{
	uint64_t end = clock_ns() + ORPHANS_MS * NS_PER_MS;
	pid_t pid;

	do {
		pid = waitpid(-1, NULL, WNOHANG);
		if (pid == 0)
			(void)poll(NULL, 0, 1);
	} while ((pid >= 0 || errno == EINTR) && clock_ns() < end);
}

/* A signal that asks us to end? */
static bool asked_to_end(struct runner *r)
{
	int signo;

	while ((signo = signals_next(&r->signals)) != 0)
		if (signals_ends(signo))
			r->bench->signal = signo;
	return r->bench->signal != 0;
}

/* Waits for CHILD: 0 well ended, 1 not, -ETIMEDOUT, -EINTR asked to end. CHILD is gone then. */
static int wait_child(struct runner *r, struct child *child)
{
	uint64_t end = clock_ns() + r->bench->options->timeout_s * NS_PER_S;
	int status = 0, rc = 0;

	for (;;) {
		struct pollfd fds[2] = { { .fd = child->pidfd, .events = POLLIN },
					 { .fd = r->signals.fd, .events = POLLIN } };
		uint64_t now = clock_ns();

		if (now >= end) {
			rc = -ETIMEDOUT;
			break;
		}
		if (poll(fds, 2, (int)((end - now) / NS_PER_MS) + 1) < 0)
			continue; /* EINTR: with all signals of ours blocked, a stop and continue */
		if (fds[1].revents && asked_to_end(r)) {
			rc = -EINTR;
			break;
		}
		if (fds[0].revents)
			break;
	}
	if (rc < 0)
		child_kill(child, SIGKILL);
	(void)child_reap(child, true, &status); /* it is dead, or will be at once */
	reap_orphans();
	if (rc == 0 && WIFSIGNALED(status))
		(void)snprintf(r->area->reason, sizeof r->area->reason,
			       "the hub's process was killed by signal %d", WTERMSIG(status));
	return rc < 0 ? rc : status != 0;
}

/* Runs MAIN on AXES in fresh processes. As wait_child, or another -errno. */
static int in_fresh_process(struct runner *r, const struct bench_axes *axes, int (*main)(void *))
{
	struct bench_job job = {
		.bench = r->bench,
		.axes = axes,
		.area = r->area,
		.samples = r->samples,
		.lags = r->lags,
		.room = r->room,
	};
	struct child child = CHILD_NONE;
	int rc;

	memset(r->area, 0, sizeof *r->area);
	rc = spawn(&child, "bench-hub", main, &job);
	return rc < 0 ? rc : wait_child(r, &child);
}

static void row_fails(struct bench_row *row, const char *reason)
{
	row->status = BENCH_ERROR;
	(void)snprintf(row->reason, sizeof row->reason, "%s", reason);
}

/* One round of ROW. 0, or -EINTR. */
static int measure(struct runner *r, struct bench_row *row)
{
	char text[BENCH_REASON];
	int rc;

	if (row->status != BENCH_OK)
		return 0;
	rc = in_fresh_process(r, &row->axes, bench_round_main);
	if (rc == -EINTR)
		return rc;
	if (rc == -ETIMEDOUT) {
		(void)snprintf(text, sizeof text, "no end within %u s",
			       r->bench->options->timeout_s);
		row_fails(row, text);
	} else if (rc < 0) {
		row_fails(row, strerror(-rc));
	} else if (rc > 0 || !r->area->complete) {
		row_fails(row, r->area->reason[0] ? r->area->reason : "ended without a result");
	} else {
		rc = bench_absorb(r->bench, row, r->area, r->samples, r->lags);
		if (rc < 0)
			row_fails(row, strerror(-rc));
	}
	return 0;
}

/* A row and its floor, side by side. */
static int measure_pair(struct runner *r, struct bench_row *row, bool floor_first)
{
	int rc = 0;

	if (row->floor && floor_first)
		rc = measure(r, row->floor);
	if (rc == 0)
		rc = measure(r, row);
	if (rc == 0 && row->floor && !floor_first)
		rc = measure(r, row->floor);
	return rc;
}

/* ---- rounds ---- */

static int baselines(struct runner *r)
{
	struct bench_axes axes = {
		.backend = "",
		.api = BENCH_FLOOR,
		.mode = BENCH_LATENCY,
		.place = r->bench->base.line_place,
		.size = r->bench->base.copy_bytes,
		.senders = 1,
		.batch = 1,
		.block = 1,
	};
	int rc = in_fresh_process(r, &axes, bench_base_main);

	if (rc == 0)
		bench_base_absorb(r->bench, r->area);
	return rc == -EINTR ? rc : 0; /* rows do without them */
}

/* Rows in a new order: ORDER[returned]; floors go with their rows. */
static size_t shuffled(struct runner *r, struct bench_row **order)
{
	const struct bench_plan *plan = &r->bench->plan;
	size_t n = 0, i;

	for (i = 0; i < plan->rows_n; i++)
		if (plan->rows[i]->axes.api == BENCH_IPC)
			order[n++] = plan->rows[i];
	for (i = n; i > 1; i--) {
		size_t other = next_random(&r->shuffle) % i;
		struct bench_row *swap = order[i - 1];

		order[i - 1] = order[other];
		order[other] = swap;
	}
	return n;
}

/* Shorter than so many steps of the clock? Then single stamps say little. */
static bool near_the_clock(const struct runner *r, const struct bench_row *row, unsigned round)
{
	double limit = NEAR_CLOCK * r->bench->clock.resolution_ns;

	return row->axes.mode == BENCH_LATENCY && row->axes.rate == 0 && row->axes.block == 1 &&
	       row->rounds > round && row->round[round].p50_ns < limit;
}

/* Such a row gets another in blocks, which catches up on the rounds that it missed. */
static int add_blocks(struct runner *r, struct bench_row *const *order, size_t n, unsigned round)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < n && rc == 0; i++) {
		if (order[i]->block || !near_the_clock(r, order[i], round))
			continue;
		rc = bench_plan_block(r->bench, order[i]);
		while (rc == 0 && order[i]->block->status == BENCH_OK &&
		       order[i]->block->rounds <= round)
			rc = measure_pair(r, order[i]->block, order[i]->block->rounds % 2);
	}
	return rc;
}

static int one_round(struct runner *r, unsigned round)
{
	struct bench_row **order = calloc(r->bench->plan.rows_n + 1, sizeof *order);
	size_t n, i;
	int rc;

	if (!order)
		return -ENOMEM;
	n = shuffled(r, order);
	rc = baselines(r);
	for (i = 0; i < n && rc == 0; i++)
		rc = measure_pair(r, order[i], (round + i) % 2);
	if (rc == 0)
		rc = add_blocks(r, order, n, round);
	free(order);
	return rc;
}

static void tell_start(const struct bench *bench)
{
	if (!bench->options->quiet && isatty(STDERR_FILENO))
		fprintf(stderr, "ipcdemo bench: %zu rows, %u rounds; Ctrl-C ends it early\n",
			bench->plan.rows_n, bench->options->rounds);
}

static void tell_time(const struct bench *bench, uint64_t begin)
{
	double round_s = (double)(clock_ns() - begin) / (double)NS_PER_S;

	if (!bench->options->quiet && isatty(STDERR_FILENO) && bench->options->rounds > 1)
		fprintf(stderr, "ipcdemo bench: about %.0f s to go\n",
			round_s * (bench->options->rounds - 1));
}

static int all_rounds(struct runner *r)
{
	struct bench *bench = r->bench;
	uint64_t begin = clock_ns();
	unsigned round;
	int rc = 0;

	tell_start(bench);
	for (round = 0; round < bench->options->rounds && rc == 0; round++) {
		rc = one_round(r, round);
		bench->rounds += rc == 0;
		if (round == 0 && rc == 0)
			tell_time(bench, begin);
	}
	bench->wall_s = (double)(clock_ns() - begin) / (double)NS_PER_S;
	return rc == -EINTR ? 0 : rc;
}

static void mark_stopped(struct bench *bench)
{
	size_t i;

	for (i = 0; i < bench->plan.rows_n; i++) {
		struct bench_row *row = bench->plan.rows[i];

		if (row->status != BENCH_OK || row->rounds == bench->options->rounds)
			continue;
		row->status = BENCH_STOPPED;
		(void)snprintf(row->reason, sizeof row->reason, "stopped after %u of %u rounds",
			       row->rounds, bench->options->rounds);
	}
}

/* ---- set-up ---- */

/* A place for mechanisms that need names, ours alone, so that a killed round leaves nothing. */
static void make_dir(struct bench *bench)
{
	const char *base = getenv("TMPDIR");

	if (!base || base[0] != '/' ||
	    (size_t)snprintf(bench->dir, sizeof bench->dir, "%s/ipcdemo-bench-XXXXXX", base) >=
		    sizeof bench->dir)
		(void)snprintf(bench->dir, sizeof bench->dir, "/tmp/ipcdemo-bench-XXXXXX");
	if (!mkdtemp(bench->dir))
		bench->dir[0] = '\0'; /* the mechanism will make its own, or say why not */
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *at)
{
	(void)info;
	(void)type;
	(void)at;
	(void)remove(path); /* what cannot be removed is left, like its directory */
	return 0;
}

int bench_run(struct bench *bench)
{
	struct runner r = { .bench = bench, .shuffle = 0x9e3779b97f4a7c15u };
	/* Blocked in the children, too: what to do about Ctrl-C is decided here. */
	int rc = signals_open(&r.signals);

	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	make_dir(bench);
	r.room = bench->options->count ? bench->options->count : ROOM_AUTO;
	r.area = shared(sizeof *r.area);
	r.samples = shared(r.room * sizeof *r.samples);
	r.lags = shared(r.room * sizeof *r.lags);
	if (rc == 0)
		rc = r.area && r.samples && r.lags ? all_rounds(&r) : -ENOMEM;
	mark_stopped(bench);
	if (r.area)
		(void)munmap(r.area, sizeof *r.area);
	if (r.samples)
		(void)munmap(r.samples, r.room * sizeof *r.samples);
	if (r.lags)
		(void)munmap(r.lags, r.room * sizeof *r.lags);
	if (bench->dir[0])
		(void)nftw(bench->dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	(void)prctl(PR_SET_CHILD_SUBREAPER, 0);
	signals_close(&r.signals);
	return rc;
}
