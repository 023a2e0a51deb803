/* SPDX-License-Identifier: MIT */
/* download_cost.c - see download_cost.h */
#include "config.h"

#include "bench/download_cost.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/language.h"
#include "common/signals.h"
#include "download/attempt.h"
#include "download/failure.h"
#include "download/job_list.h"
#include "download/models.h"
#include "origin/process.h"

/* Many small files need the most records. A few large ones are the usual download. */
const struct load download_loads[] = {
	{ .name = "1,000 x 16 KiB", .files = 1000, .size = 16384, .workers = 4 },
	{ .name = "8 x 32 MiB", .files = 8, .size = 32 << 20, .workers = 4 },
	{ .name = NULL },
};

struct work {
	const struct link_job *job;
	const struct load *load;
	const char *ipc; /* NULL: none */
	struct job_list jobs;
	struct batch_settings settings;
};

const char *download_cost_place(void)
{
	static const char memory[] = "/dev/shm";
	const struct load *load;
	struct statvfs room;

	if (access(memory, W_OK) < 0 || statvfs(memory, &room) < 0)
		return NULL;
	for (load = download_loads; load->name; load++)
		if (room.f_bavail < load->files * load->size / room.f_frsize + load->files)
			return NULL; /* containers have 64 MiB of it */
	return memory;
}

int download_cost_open(struct child *origin, uint16_t *port)
{
	static const struct origin_config config = { .files = NULL };
	int rc = fetch_global_init();

	return rc < 0 ? rc : origin_spawn(origin, port, &config);
}

void download_cost_close(struct child *origin)
{
	int status;

	child_kill(origin, SIGKILL);
	if (origin->pid)
		(void)child_reap(origin, true, &status);
	fetch_global_cleanup();
}

/* The first failure of a round is enough to know: the row tells it. */
static void note_failure(struct area *area, const char *what, const struct failure *failure)
{
	char why[128];

	if (!atomic_flag_test_and_set(&area->has_reason))
		(void)snprintf(area->reason, REASON_SIZE, "%s: %s", what,
			       failure_text(failure, why, sizeof why));
}

/* ---- workers that report to nobody ---- */

struct share {
	struct work *work;
	unsigned first;
};

/* Fetches, checks and commits every Nth job. The exit status. */
static int work_alone(void *arg)
{
	const struct share *share = arg;
	const struct work *work = share->work;
	struct fetch *fetch = fetch_new(&work->settings.fetch);
	struct attempt attempt;
	size_t i;

	for (i = share->first; fetch && i < work->jobs.count; i += work->load->workers) {
		const struct job *job = &work->jobs.jobs[i];
		const struct attempt_config order = { .fetch = fetch,
						      .dirfd = output_dirs_fd(&work->settings.dirs,
									      0),
						      .url = job->url,
						      .name = job->name };
		struct failure *failure = &attempt.result.failure;

		attempt_run(&attempt, &order);
		if (attempt.fd < 0 ||
		    !part_file_check(order.dirfd, job->name, attempt.inode, attempt.result.bytes,
				     failure) ||
		    !part_file_commit(order.dirfd, job->name, EXISTS_FAIL, failure)) {
			note_failure(work->job->area, job->name, failure);
			return 1;
		}
		(void)close(attempt.fd);
	}
	return !fetch;
}

/* An end that the worker itself did not tell, as one that fails to fetch does. */
static void note_end(struct area *area, int status)
{
	const struct failure failure = {
		.kind = WIFSIGNALED(status) ? FAILURE_KILLED : FAILURE_EXITED,
		.code = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status)
	};

	note_failure(area, DOWNLOAD_NONE, &failure);
}

static int run_without_ipc(struct work *work)
{
	struct child *children = calloc(work->load->workers, sizeof *children);
	struct share share = { .work = work };
	int rc = children ? 0 : -ENOMEM, status;
	unsigned n;

	for (n = 0; n < work->load->workers && rc == 0; n++) {
		share.first = n;
		rc = spawn(&children[n], "bench-worker", work_alone, &share);
	}
	while (n-- > 0) {
		status = 0;
		if (children[n].pid && child_reap(&children[n], true, &status) < 0)
			rc = -ECHILD;
		if (status == 0)
			continue;
		note_end(work->job->area, status);
		rc = -EIO;
	}
	free(children);
	return rc;
}

/* ---- a round ---- */

static int make_jobs(struct work *work)
{
	char url[96], name[32], why[128];
	struct job_wish wish = { .url = url };
	unsigned i;
	int rc = 0;

	for (i = 0; i < work->load->files && rc == 0; i++) {
		(void)snprintf(name, sizeof name, "f%u", i);
		(void)snprintf(url, sizeof url, "http://127.0.0.1:%u/bytes/%llu/%s",
			       work->job->port, (unsigned long long)work->load->size, name);
		rc = job_list_add(&work->jobs, &wish, why, sizeof why);
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

static void note_failed_job(const struct work *work)
{
	size_t i = 0;

	while (i < work->jobs.count && work->jobs.jobs[i].state != JOB_FAILED)
		i++;
	if (i < work->jobs.count)
		note_failure(work->job->area, work->jobs.jobs[i].name, &work->jobs.jobs[i].failure);
}

static int run_timed(struct work *work)
{
	struct area *area = work->job->area;
	struct batch batch;
	uint64_t begun_ns;
	double cpu_before_s;
	int rc;

	(void)batch_begin(&batch, &work->settings, &work->jobs);
	cpu_before_s = cpu_s(RUSAGE_SELF);
	begun_ns = clock_ns();
	rc = work->ipc ? model_pool_run(&batch) : run_without_ipc(work);
	area->wall_s = (double)(clock_ns() - begun_ns) / (double)NS_PER_S;
	area->cpu_s = cpu_s(RUSAGE_SELF) - cpu_before_s + cpu_s(RUSAGE_CHILDREN);
	area->records = batch.records;
	if (rc == 0 && work->ipc && batch.ok != work->load->files) {
		note_failed_job(work);
		rc = -EIO;
	}
	batch_end(&batch);
	return rc;
}

int download_cost_main(void *arg)
{
	const struct link_job *job = arg;
	const struct progress_config quiet = { .progress = PROGRESS_NONE, .workers = 1, .jobs = 1 };
	struct work work = {
		.job = job,
		.load = job->axes->load,
		.ipc = job->axes->api == API_IPC ? job->axes->backend : NULL,
	};
	char path[128];
	int rc = make_jobs(&work);

	signals_ignore_failed_writes(); /* as fetch.h asks, in the workers too */
	(void)snprintf(path, sizeof path, "%s/files", job->dir);
	work.settings = (struct batch_settings){ .ipc = work.ipc,
						 .runtime_dir = job->dir,
						 .workers = work.load->workers,
						 .fail_fast = true,
						 .fetch = { .connect_timeout = 15,
							    .stall_timeout = 30,
							    .max_redirs = 0,
							    .max_size = FETCH_SIZE_UNKNOWN } };
	/* Without a directory of its own it would write beside others, into "/files". */
	if (rc >= 0)
		rc = job->dir[0] ? output_dir_open(path) : -ENOENT;
	work.settings.progress = progress_open(&quiet);
	if (rc >= 0) {
		work.settings.dirs = (struct output_dirs){ .first = rc, .count = 1 };
		rc = work.settings.progress ? run_timed(&work) : -ENOMEM;
	}
	if (rc < 0 && job->area->reason[0] == '\0')
		(void)snprintf(job->area->reason, sizeof job->area->reason, "%s",
			       language_errno(-rc));
	job->area->complete = rc == 0;
	return rc < 0;
}
