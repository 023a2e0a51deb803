/* SPDX-License-Identifier: MIT */
/* download.c - see download.h */
#include "config.h"

#include "download/download.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/exit_code.h"
#include "ipc/ipc.h"
#include "common/message.h"

#define WORKERS_DEFAULT 8u
#define FDS_OF_OUR_OWN  40u /* streams, directory, signalfd, epoll, a worker's sockets and file */

static const char *const model_names[] = { "process", "sequential" };

static unsigned worker_count(const struct download *download, size_t jobs)
{
	size_t wanted = download->workers ? download->workers : WORKERS_DEFAULT;

	if (download->model == MODEL_SEQUENTIAL)
		return 1;
	return (unsigned)(jobs < wanted ? jobs : wanted);
}

/* Where a mechanism may make a private directory for a name: short, and ours if possible. */
static const char *runtime_dir(void)
{
	static const char *const variables[] = { "XDG_RUNTIME_DIR", "TMPDIR" };
	const char *dir;
	size_t i;

	for (i = 0; i < sizeof variables / sizeof variables[0]; i++) {
		dir = getenv(variables[i]);
		if (dir && *dir == '/' && access(dir, W_OK | X_OK) == 0)
			return dir;
	}
	return "/tmp";
}

/* All descriptors that will be needed are counted first: half-way through is too late. 0 or an exit
 * code. */
static int check_descriptors(const char *ipc, unsigned workers)
{
	struct rlimit limit;
	unsigned need = 2 * (unsigned)ipc_hub_fds(ipc, workers) + workers + FDS_OF_OUR_OWN;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 0;
	if (limit.rlim_cur < limit.rlim_max && limit.rlim_cur < need) {
		limit.rlim_cur = limit.rlim_max; /* the soft limit is ours to raise */
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
	if (limit.rlim_cur >= need)
		return 0;
	message_error("%u workers over %s need about %u open files, but the limit is %llu: raise "
		      "ulimit -n, or use fewer workers (-j)",
		      workers, ipc, need, (unsigned long long)limit.rlim_cur);
	return EXIT_UNAVAILABLE;
}

static void summarize(const struct batch *batch, const struct download *download)
{
	double wall_s = (double)(clock_ns() - batch->begun_ns) / (double)NS_PER_S;
	double job_s = (double)batch->job_ns / (double)NS_PER_S;
	const struct progress_summary summary = { .ipc = batch->settings->ipc,
						  .model = model_names[download->model],
						  .jobs = (unsigned)batch->jobs->count,
						  .ok = batch->ok,
						  .failed = batch->failed,
						  .skipped = batch->skipped,
						  .left = batch->left,
						  .wall_s = wall_s,
						  .bytes = batch->bytes,
						  .records = batch->records,
						  .job_seconds = job_s,
						  .concurrency = wall_s > 0 ? job_s / wall_s : 0,
						  .signal = batch->signo };

	progress_summary(batch->settings->progress, &summary);
}

/* A set-up or a loop that broke down: what may help is another limit or mechanism, but for a bug.
 */
static int exit_code_of(int rc)
{
	switch (rc) {
	case -EMFILE:
	case -ENFILE:
	case -EAGAIN:
	case -ENOSPC:
	case -ENOMEM:
	case -EACCES:
	case -EPERM:
	case -ENOSYS:
	case -ENOTSUP:
		return EXIT_UNAVAILABLE;
	default:
		return EXIT_INTERNAL;
	}
}

static int batch_jobs(const struct download *download, struct batch_settings *settings,
		      struct job_list *jobs, struct batch *batch)
{
	int rc = job_list_settle(jobs, settings->dirfd, settings->exists);

	if (rc < 0)
		return EXIT_INTERNAL;
	batch_begin(batch, settings, jobs);
	if (batch->open > 0)
		rc = download->model == MODEL_SEQUENTIAL ? model_sequential_run(batch) :
							   model_process_run(batch);
	batch_abandon(batch);
	batch_end(batch);
	summarize(batch, download);
	if (rc < 0)
		return exit_code_of(rc);
	return batch->failed + batch->left > 0 ? EXIT_JOB_FAILED : EXIT_ALL_DONE;
}

static int tell(const char *what, int rc)
{
	message_error("%s: %s", what, strerror(-rc));
	return EXIT_JOB_FAILED;
}

int download_jobs(const struct download *download, const char *dir, struct job_list *jobs,
		  struct batch *batch)
{
	const bool sequential = download->model == MODEL_SEQUENTIAL;
	struct batch_settings settings = {
		.ipc = sequential ? NULL : download->ipc,
		.runtime_dir = runtime_dir(),
		.workers = worker_count(download, jobs->count),
		.recycle = download->recycle,
		.retries = download->retries,
		.exists = (enum exists_policy)download->exists,
		.limits = { .connect_timeout = download->connect_timeout,
			    .stall_timeout = download->stall_timeout,
			    .max_redirs = download->max_redirs,
			    .max_size = download->max_size },
		.trace = download->trace,
	};
	const struct progress_config progress = { .progress =
							  (enum progress_style)download->progress,
						  .workers = settings.workers,
						  .jobs = (unsigned)jobs->count,
						  .quiet = download->quiet,
						  .verbose = download->verbose,
						  .ipc = settings.ipc,
						  .model = model_names[download->model] };
	int code, rc;

	code = sequential ? 0 : check_descriptors(download->ipc, settings.workers);
	if (code)
		return code;
	settings.dirfd = output_dir_open(dir);
	if (settings.dirfd < 0)
		return tell(dir, settings.dirfd);
	settings.progress = progress_open(&progress);
	if (!settings.progress)
		code = tell("the progress display", -errno);
	else
		code = batch_jobs(download, &settings, jobs, batch);
	rc = progress_close(settings.progress);
	batch->settings = NULL;      /* they end here */
	(void)close(settings.dirfd); /* opened for reading: nothing to lose */
	if (rc < 0 && code == EXIT_ALL_DONE)
		code = tell("standard output", rc);
	return code;
}
