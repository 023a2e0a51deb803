/* SPDX-License-Identifier: MIT */
/* download_cost.c - see download_cost.h: the rounds. */
#include "config.h"

#include "bench/download_cost.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/download_cost_internal.h"
#include "common/clock.h"
#include "download/job_list.h"
#include "origin/process.h"
#include "common/signals.h"
#include "common/spawn.h"
#include "download/attempt.h"
#include "download/models.h"

#define ROUND_LIMIT_S 120

/* Many small files: IPC at its most frequent. A few large ones: as most downloads are. */
static const struct download_load loads[DOWNLOAD_LOADS] = {
	{ .name = "1,000 x 16 KiB", .files = 1000, .size = 16384, .workers = 4 },
	{ .name = "8 x 32 MiB", .files = 8, .size = 32 << 20, .workers = 4 },
};

/* What the child that runs one round needs, and where it puts what it found. */
struct fetch_round {
	const struct download_load *load;
	const char *ipc; /* NULL: none */
	uint16_t port;
	char dir[64];
	struct download_round *cost; /* shared */
	struct job_list jobs;
	struct batch_settings settings;
};

/* ---- in the child: workers that report to nobody ---- */

struct share {
	struct fetch_round *round;
	unsigned first;
};

/* Fetches, checks and commits every Nth job. The exit status. */
static int work_alone(void *arg)
{
	const struct share *share = arg;
	struct fetch_round *round = share->round;
	struct fetch *fetch = fetch_new(&round->settings.fetch);
	struct attempt attempt;
	struct failure failure;
	size_t i;

	for (i = share->first; fetch && i < round->jobs.count; i += round->load->workers) {
		const struct job *job = &round->jobs.jobs[i];
		const struct attempt_config order = { .fetch = fetch,
						      .dirfd = round->settings.dirfd,
						      .url = job->url,
						      .name = job->name };

		attempt_run(&attempt, &order);
		if (attempt.fd < 0 ||
		    !part_file_check(order.dirfd, job->name, attempt.inode, attempt.result.bytes,
				     &failure) ||
		    !part_file_commit(order.dirfd, job->name, EXISTS_FAIL, &failure))
			return 1;
		(void)close(attempt.fd);
	}
	return !fetch;
}

static int batch_alone(struct fetch_round *round)
{
	struct child children[DOWNLOAD_WORKERS_MAX];
	struct share share = { .round = round };
	int rc = 0, status;
	unsigned i, n;

	for (n = 0; n < round->load->workers && rc == 0; n++) {
		share.first = n;
		rc = spawn(&children[n], "ipcdemo-worker", work_alone, &share);
	}
	for (i = 0; i < n; i++)
		if (children[i].pid && (child_reap(&children[i], true, &status) < 0 || status != 0))
			rc = rc ? rc : -EIO;
	return rc;
}

/* ---- in the child: a round ---- */

static int make_jobs(struct fetch_round *round)
{
	char url[96], name[32], why[128];
	struct job_wish wish = { .url = url };
	unsigned i;
	int rc = 0;

	for (i = 0; i < round->load->files && rc == 0; i++) {
		(void)snprintf(name, sizeof name, "f%u", i);
		(void)snprintf(url, sizeof url, "http://127.0.0.1:%u/bytes/%llu/%s", round->port,
			       (unsigned long long)round->load->size, name);
		rc = job_list_add(&round->jobs, &wish, why, sizeof why);
	}
	return rc;
}

static double cpu_s(int who)
{
	struct rusage usage;

	if (getrusage(who, &usage) < 0)
		return NAN;
	return (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* All but the clock is set up before. */
static int timed(struct fetch_round *round, struct batch *batch)
{
	uint64_t begun_ns = clock_ns();
	double cpu_before_s = cpu_s(RUSAGE_SELF);
	int rc = round->ipc ? model_process_run(batch) : batch_alone(round);

	round->cost->wall_s = (double)(clock_ns() - begun_ns) / (double)NS_PER_S;
	round->cost->cpu_s = cpu_s(RUSAGE_SELF) - cpu_before_s + cpu_s(RUSAGE_CHILDREN);
	round->cost->records = batch->records;
	if (rc == 0 && round->ipc && batch->ok != round->load->files)
		rc = -EIO;
	return rc;
}

static void remove_files(const struct fetch_round *round)
{
	size_t i;

	for (i = 0; i < round->jobs.count; i++)
		(void)unlinkat(round->settings.dirfd, round->jobs.jobs[i].name, 0);
	(void)rmdir(round->dir);
}

static int fetch_round_main(void *arg)
{
	struct fetch_round *round = arg;
	const struct progress_config quiet = { .progress = PROGRESS_NONE, .workers = 1, .jobs = 1 };
	struct batch batch;
	int rc = make_jobs(round);

	round->settings = (struct batch_settings){ .ipc = round->ipc,
						   .runtime_dir = "/tmp",
						   .workers = round->load->workers,
						   .fetch = { .connect_timeout = 15,
							       .stall_timeout = 30,
							       .max_redirs = 0,
							       .max_size = FETCH_SIZE_UNKNOWN } };
	round->settings.dirfd = output_dir_open(round->dir);
	round->settings.progress = progress_open(&quiet);
	if (rc == 0 && (round->settings.dirfd < 0 || !round->settings.progress))
		rc = -EIO;
	if (rc == 0) {
		batch_begin(&batch, &round->settings, &round->jobs);
		rc = timed(round, &batch);
		batch_end(&batch);
	}
	round->cost->error = -rc;
	remove_files(round);
	return rc != 0;
}

/* ---- the coordinator ---- */

/* 0, -ETIMEDOUT or -EINTR (a signal asks us to end); CHILD is gone then. */
static int wait_for(struct child *child, struct signals *signals, int *signo)
{
	struct pollfd fds[2] = { { .fd = child->pidfd, .events = POLLIN },
				 { .fd = signals->fd, .events = POLLIN } };
	int rc = -ETIMEDOUT, status, came;

	while ((came = poll(fds, 2, ROUND_LIMIT_S * 1000)) != 0) {
		if (came > 0 && fds[0].revents) {
			rc = 0;
			break;
		}
		came = signals_next(signals);
		if (signals_ends(came)) {
			*signo = came;
			rc = -EINTR;
			break;
		}
	}
	if (rc < 0)
		child_kill(child, SIGKILL); /* its workers die with it */
	(void)child_reap(child, true, &status);
	return rc;
}

/* One round in a fresh process. 0, or -errno: its figures are then worth nothing. */
static int measure(struct download_cost *b, struct signals *signals, const char *ipc,
		   const struct download_load *load, struct download_round *into)
{
	struct fetch_round round = { .load = load, .ipc = ipc, .port = b->port, .cost = b->shared };
	struct child child = CHILD_NONE;
	int rc;

	(void)snprintf(round.dir, sizeof round.dir, "%s/ipcdemo-bench.XXXXXX",
		       access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (!mkdtemp(round.dir))
		return -errno;
	*b->shared = (struct download_round){ .error = ECHILD };
	rc = spawn(&child, "ipcdemo-bench", fetch_round_main, &round);
	if (rc == 0)
		rc = wait_for(&child, signals, &b->signo);
	(void)rmdir(round.dir); /* the round has removed it, unless it was killed */
	*into = *b->shared;
	return rc < 0 ? rc : -into->error;
}

static int all_rounds(struct download_cost *b, struct signals *signals)
{
	unsigned row, turn;
	int rc;

	for (b->rounds = 0; b->rounds < b->rounds_wanted; b->rounds++) {
		/* Another row begins each round, so that none is always the first or the last. */
		for (turn = 0; turn < b->rows_n; turn++) {
			row = (turn + b->rounds) % b->rows_n;
			if (b->rows[row].error)
				continue;
			rc = measure(b, signals, b->rows[row].ipc, b->rows[row].load,
				     &b->rows[row].costs[b->rounds]);
			if (rc == -EINTR)
				return 0;
			if (rc < 0)
				b->rows[row].error = -rc;
		}
	}
	return 0;
}

/* A row for each load and mechanism, and the one without. */
static int add_rows(struct download_cost *b, const char *ipc)
{
	struct download_row *row;
	size_t i;

	for (i = 0; i < DOWNLOAD_LOADS; i++) {
		row = &b->rows[b->rows_n];
		row->costs = calloc(b->rounds_wanted, sizeof *row->costs);
		if (!row->costs)
			return -ENOMEM;
		row->ipc = ipc;
		row->load = &loads[i];
		b->rows_n++;
	}
	return 0;
}

static int plan(struct download_cost *b, const struct options *o)
{
	const bool all = strcmp(o->ipc[0], "all") == 0;
	const struct ipc_info *info;
	char reason[64];
	size_t i;
	int rc = add_rows(b, NULL);

	for (i = 0; rc == 0 && all && (info = ipc_info_at(i)); i++)
		if (ipc_probe(info->name, reason, sizeof reason) == 0)
			rc = add_rows(b, info->name);
	for (i = 0; rc == 0 && !all && o->ipc[i]; i++)
		rc = add_rows(b, o->ipc[i]);
	return rc;
}

int download_cost_run(struct download_cost **result, struct bench *bench)
{
	struct download_cost *b = calloc(1, sizeof *b);
	struct signals signals = { .fd = -1 };
	const struct origin_config config = { .files = NULL };
	struct child origin = CHILD_NONE;
	int rc = -ENOMEM, status;

	if (!b)
		return rc;
	b->rounds_wanted = bench->options->rounds;
	b->shared = mmap(NULL, sizeof *b->shared, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (b->shared != MAP_FAILED)
		rc = plan(b, bench->options);
	if (rc == 0)
		rc = fetch_global_init();
	if (rc == 0)
		rc = origin_spawn(&origin, &b->port, &config);
	if (rc == 0)
		rc = signals_open(&signals);
	if (rc == 0)
		rc = all_rounds(b, &signals);
	signals_close(&signals);
	child_kill(&origin, SIGKILL);
	if (origin.pid)
		(void)child_reap(&origin, true, &status);
	fetch_global_cleanup();
	bench->signal = b->signo;
	*result = b;
	return rc;
}

void download_cost_free(struct download_cost *b)
{
	unsigned i;

	if (!b)
		return;
	for (i = 0; i < b->rows_n; i++)
		free(b->rows[i].costs);
	if (b->shared != MAP_FAILED)
		(void)munmap(b->shared, sizeof *b->shared);
	free(b);
}
