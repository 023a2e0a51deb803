/* SPDX-License-Identifier: MIT */
/* download.c - see download.h */
#include "config.h"

#include "download/download.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/exit_code.h"
#include "common/language.h"
#include "common/message.h"
#include "download/models.h"
#include "download/trace.h"
#include "ipc/ipc.h"

#define WORKERS_DEFAULT 8u
#define THREADS_DEFAULT 4u /* of each process of the hybrid model */
#define FDS_OF_THREAD   8u /* its ends, sockets and files, in our own table */
#define RUNTIME_DIR_MAX 80u
#define FDS_OF_OUR_OWN  40u /* streams, directory, signalfd, epoll, a worker's sockets and file */

const char *const download_models[] = {
	"sequential", "process", "thread", "hybrid", "event", NULL
};
const char *const download_start_methods[] = { "fork", "spawn", NULL };

static const struct {
	bool one_worker, no_ipc, processes;
	bool one_stream;       /* a file is never split */
	unsigned capabilities; /* that the mechanism must have */
	int (*run)(struct batch *batch);
} models[] = {
	[MODEL_SEQUENTIAL] = { .run = model_sequential_run,
			       .one_worker = true,
			       .no_ipc = true,
			       .one_stream = true },
	[MODEL_PROCESS] = { .run = model_pool_run, .processes = true },
	[MODEL_THREAD] = { .run = model_pool_run, .capabilities = IPC_CAP_THREADS },
	[MODEL_HYBRID] = { .run = model_pool_run,
			   .processes = true,
			   .capabilities = IPC_CAP_THREADS },
	[MODEL_EVENT] = { .run = model_event_run, .no_ipc = true, .one_stream = true },
};

bool download_uses_ipc(const struct download *download)
{
	return !models[download->model].no_ipc;
}

bool download_model_fits(const struct download *download, char *why, size_t size)
{
	const struct batch_settings *batch = &download->batch;
	const char *model = download_models[download->model];
	const struct ipc_info *info = ipc_info_find(batch->ipc);
	const unsigned has = info ? info->capabilities : 0;
	const unsigned needs = models[download->model].capabilities |
			       (batch->start == START_SPAWN ? IPC_CAP_JOIN : 0u);

	if (batch->threads > 0 && download->model != MODEL_HYBRID && !download->compare_models)
		(void)snprintf(why, size, _("--threads goes with --model=hybrid, not with %s"),
			       model);
	else if (batch->split > 1 && models[download->model].one_stream &&
		 !download->compare_models)
		(void)snprintf(why, size,
			       _("--split needs several workers: --model=process, thread or "
				 "hybrid, not %s"),
			       model);
	else if (batch->start == START_SPAWN && download->model != MODEL_PROCESS)
		(void)snprintf(why, size, _("--start=spawn goes with --model=process, not with %s"),
			       model);
	else if (batch->sandbox == SANDBOX_REQUIRE && !models[download->model].processes)
		(void)snprintf(why, size,
			       _("--sandbox=require goes with --model=process or hybrid, whose "
				 "workers are processes, not with %s"),
			       model);
	else if (needs & ~has & IPC_CAP_JOIN)
		(void)snprintf(why, size,
			       _("--start=spawn cannot use %s: only a fork gives a worker "
				 "its end there"),
			       batch->ipc);
	else if (needs & ~has)
		(void)snprintf(why, size,
			       _("--model=%s cannot use %s: it tells workers apart as "
				 "processes, and has no end for a thread"),
			       model, batch->ipc);
	else
		return true;
	return false;
}

/* Processes of the hybrid model times their threads; elsewhere one or the other. */
static void set_workers(const struct download *download, struct batch_settings *settings,
			size_t jobs)
{
	const size_t asked = settings->workers;
	size_t wanted = asked ? asked : WORKERS_DEFAULT;

	settings->in_threads = download->model == MODEL_THREAD;
	if (models[download->model].one_stream)
		settings->split = 0;
	if (settings->split > 1)
		jobs *= settings->split; /* each range may have a worker */
	if (download->model != MODEL_HYBRID) {
		settings->threads = 1;
	} else {
		if (settings->threads == 0)
			settings->threads = THREADS_DEFAULT;
		if (settings->threads > jobs)
			settings->threads = (unsigned)jobs;
		if (!asked)
			wanted = (WORKERS_DEFAULT + settings->threads - 1) / settings->threads;
		jobs = (jobs + settings->threads - 1) / settings->threads;
	}
	if (models[download->model].one_worker)
		wanted = 1;
	if (wanted * settings->threads > IPC_SLOTS_MAX)
		wanted = IPC_SLOTS_MAX / settings->threads;
	settings->workers = (unsigned)(jobs < wanted ? jobs : wanted) * settings->threads;
}

/*
 * The directory in which a mechanism may make a private one for its names. We prefer our user's
 * own; it must be short, as a socket's address has little room (sun_path, unix(7)).
 */
static const char *runtime_dir(void)
{
	static const char *const variables[] = { "XDG_RUNTIME_DIR", "TMPDIR" };
	const char *dir;
	size_t i;

	for (i = 0; i < sizeof variables / sizeof variables[0]; i++) {
		dir = getenv(variables[i]);
		if (dir && *dir == '/' && strlen(dir) <= RUNTIME_DIR_MAX &&
		    access(dir, W_OK | X_OK) == 0)
			return dir;
	}
	return "/tmp";
}

/* Descriptors that this process needs for so many workers. */
static rlim_t descriptors_for(const struct batch_settings *settings, unsigned workers,
			      unsigned directories)
{
	const unsigned reports = settings->sandbox == SANDBOX_OFF ? 0 : workers;

	return 2 * (rlim_t)ipc_hub_fds(settings->ipc, workers) + workers + reports +
	       2 * directories + FDS_OF_OUR_OWN + /* twice: before they stand in a row */
	       batch_checking_max(workers) + (settings->in_threads ? workers * FDS_OF_THREAD : 0);
}

/*
 * Decides the number of workers before the first one starts, since half-way through is too late:
 * all that were asked for, or as many as descriptors allow if that is most of them. Returns 0 or an
 * exit code.
 */
static int fit_descriptors(struct batch_settings *settings, unsigned directories, bool quiet)
{
	const unsigned asked = settings->workers;
	const rlim_t need = descriptors_for(settings, asked, directories);
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 0;
	if (limit.rlim_cur < limit.rlim_max && limit.rlim_cur < need) {
		limit.rlim_cur = limit.rlim_max; /* the soft limit is ours to raise */
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
	while (settings->workers > 0 &&
	       descriptors_for(settings, settings->workers, directories) > limit.rlim_cur)
		settings->workers -= settings->threads;
	if (settings->workers == asked)
		return 0;
	if (settings->workers > asked / 2) {
		if (!quiet)
			message_error(
				_("%u of %u workers start, for want of descriptors: ulimit -n "
				  "is %llu"),
				settings->workers, asked, (unsigned long long)limit.rlim_cur);
		return 0;
	}
	message_error(
		_("%u workers over %s need about %llu open files, but the limit is %llu: raise "
		  "ulimit -n, or use fewer workers (-j)"),
		asked, settings->ipc, (unsigned long long)need, (unsigned long long)limit.rlim_cur);
	return EXIT_UNAVAILABLE;
}

/* A worker that executes this program anew reads it from there. */
static int check_start(const struct batch_settings *settings)
{
	if (settings->start != START_SPAWN || access("/proc/self/exe", X_OK) == 0)
		return 0;
	message_error(_("--start=spawn needs /proc/self/exe: mount -t proc proc /proc"));
	return EXIT_UNAVAILABLE;
}

/* How many directories whole files are in; *PATH, to be freed, is then that of one of them. */
static unsigned filled_dirs(const struct batch *batch, char **path)
{
	bool seen[OUTPUT_DIRS_MAX + 1] = { false };
	unsigned count = 0;
	char link[64];

	for (size_t i = 0; i < batch->jobs->count; i++) {
		struct job *job = &batch->jobs->jobs[i];

		if (job->state != JOB_OK || seen[job->place])
			continue;
		seen[job->place] = true;
		/* Its name may be another's by now. */
		(void)snprintf(link, sizeof link, "/proc/self/fd/%d", batch_dirfd(batch, job));
		if (count++ == 0)
			*path = realpath(link, NULL);
	}
	return count;
}

static void summarize(const struct batch *batch, const struct download *download)
{
	const char *dir = batch->settings->dir;
	char *path = NULL;
	const unsigned dirs = dir ? filled_dirs(batch, &path) : 0;
	double wall_s = (double)(clock_ns() - batch->begun_ns) / (double)NS_PER_S;
	double job_s = (double)batch->job_ns / (double)NS_PER_S;
	const struct progress_summary summary = { .ipc = batch->settings->ipc,
						  .model = download_models[download->model],
						  .jobs = (unsigned)batch->jobs->count,
						  .ok = batch->ok,
						  .failed = batch->failed,
						  .skipped = batch->skipped,
						  .left = batch->left,
						  .wall_s = wall_s,
						  .bytes = batch->bytes,
						  .earlier = batch->earlier,
						  .records = batch->records,
						  .wakeups = batch->wakeups,
						  .ipc_cpu_s = (double)batch->meter.cpu_ns /
							       (double)NS_PER_S,
						  .job_seconds = job_s,
						  .concurrency = wall_s > 0 ? job_s / wall_s : 0,
						  .signal = batch->signo,
						  .dir = path ? path : dir,
						  .dirs = dirs,
						  .figures = batch->figures,
						  .workers = batch->settings->workers };

	progress_summary(batch->settings->progress, &summary);
	free(path);
}

/* A model could not start, or broke off. Was a resource missing, or is it a bug? */
static int exit_code_of(int rc)
{
	switch (-rc) {
	case EINVAL: /* we asked for what makes no sense */
	case EBADF:
	case EFAULT:
	case ENOTSOCK:
	case EMSGSIZE:
	case EPROTO:
	case ESRCH:
	case ECHILD:
		return EXIT_INTERNAL;
	default:
		return EXIT_UNAVAILABLE;
	}
}

static int report(const char *what, int rc)
{
	message_error("%s: %s", what, language_errno(-rc));
	return EXIT_JOB_FAILED;
}

/* Says once, not with each file, what to do about files that exist. */
static void hint_exists(const struct batch *batch)
{
	bool any = false;
	size_t i;

	for (i = 0; i < batch->jobs->count && !any; i++)
		any = batch->jobs->jobs[i].state == JOB_FAILED &&
		      batch->jobs->jobs[i].failure.kind == FAILURE_EXISTS;
	if (!any)
		return;
	progress_note(batch->settings->progress, false,
		      _("--exists=skip leaves such files alone, =rename writes NAME.1, "
			"=overwrite replaces them"));
}

static int batch_jobs(const struct download *download, struct batch_settings *settings,
		      struct job_list *jobs, struct batch *batch)
{
	struct progress_worker_figures *figures = NULL;
	int trace_rc = 0,
	    rc = job_list_settle(jobs, &settings->dirs, (enum exists_policy)settings->exists);

	if (rc == 0)
		rc = batch_begin(batch, settings, jobs);
	if (rc < 0) {
		(void)report(_("cannot prepare the list of files"), rc);
		return exit_code_of(rc);
	}
	if (download->display.verbose) /* without memory there are none to show */
		figures = calloc(settings->workers, sizeof *figures);
	batch->figures = figures;
	if (settings->trace)
		trace_rc = trace_open(&batch->trace, settings->trace, batch);
	if (batch_goes_on(batch) && trace_rc == 0)
		rc = models[download->model].run(batch);
	batch_abandon(batch);
	batch_end(batch);
	hint_exists(batch);
	summarize(batch, download);
	batch->figures = NULL;
	free(figures);
	if (trace_rc == 0)
		trace_rc = trace_close(batch->trace);
	batch->trace = NULL;
	if (trace_rc < 0)
		(void)report(settings->trace, trace_rc);
	if (rc < 0)
		return exit_code_of(rc);
	return batch->failed + batch->left > 0 || trace_rc < 0 ? EXIT_JOB_FAILED : EXIT_ALL_DONE;
}

int download_jobs(const struct download *download, const char *dir, struct job_list *jobs,
		  struct batch *batch)
{
	struct batch_settings settings = download->batch;
	struct progress_config display = download->display;
	int code = 0, rc;

	set_workers(download, &settings, jobs->count);
	settings.runtime_dir = runtime_dir();
	settings.dir = download->temporary ? NULL : dir;
	if (!download_uses_ipc(download))
		settings.ipc = NULL;
	display.jobs = (unsigned)jobs->count;
	display.ipc = settings.ipc;
	display.model = download_models[download->model];
	code = check_start(&settings);
	if (code == 0 && settings.ipc)
		code = fit_descriptors(&settings, jobs->dir_count, display.quiet);
	if (code)
		return code;
	display.workers = settings.workers;
	rc = output_dirs_open(&settings.dirs, jobs, dir, false);
	if (rc < 0)
		return report(dir, rc);
	settings.progress = progress_open(&display);
	if (!settings.progress)
		code = report(_("the progress display"), -errno);
	else
		code = batch_jobs(download, &settings, jobs, batch);
	rc = progress_close(settings.progress);
	batch->settings = NULL; /* they end here */
	output_dirs_close(&settings.dirs);
	if (rc < 0 && code == EXIT_ALL_DONE)
		code = report(_("standard output"), rc);
	return code;
}
