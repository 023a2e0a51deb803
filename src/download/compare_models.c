/* SPDX-License-Identifier: MIT */
/* compare_models.c - see compare_models.h */
#include "config.h"

#include "download/compare_models.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <jansson.h>

#include "common/clock.h"
#include "common/exit_code.h"
#include "common/language.h"
#include "common/message.h"
#include "common/signals.h"
#include "common/spawn.h"
#include "common/terminal.h"
#include "common/text.h"

#define SAMPLE_MS 20 /* between two looks at the memory */

/* What one model cost. */
struct cost {
	const char *model;
	bool measured; /* false: WHY says why not */
	char why[128];
	unsigned ok, failed;
	double wall_s, cpu_s;
	uint64_t memory_bytes; /* the peak of all its processes together; shared pages count once */
	uint64_t switches;     /* of context */
};

/* What the model's process needs, and where it stores its figures. */
struct trial {
	struct download download; /* a copy, with the model */
	struct job_list *jobs;
	const char *dir;
	struct cost *shared;
};

/* ---- in the process of a model ---- */

static int trial_main(void *arg)
{
	struct trial *trial = arg;
	struct batch batch = { .jobs = NULL };
	const uint64_t begun_ns = clock_ns();
	const int code = download_jobs(&trial->download, trial->dir, trial->jobs, &batch);

	trial->shared->wall_s = (double)(clock_ns() - begun_ns) / (double)NS_PER_S;
	trial->shared->ok = batch.ok;
	trial->shared->failed = batch.failed + batch.left;
	return code;
}

/* ---- what a process and its descendants use ---- */

static uint64_t proportional_bytes(pid_t pid)
{
	char path[64], line[128];
	uint64_t kib = 0;
	FILE *file;

	(void)snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof line, file) && sscanf(line, "Pss: %" SCNu64, &kib) != 1)
		;
	if (file)
		(void)fclose(file); /* it was only read */
	return kib * 1024;
}

/* Processes are two levels deep here: the model's own, and its workers. */
static uint64_t tree_bytes(pid_t pid)
{
	uint64_t bytes = proportional_bytes(pid);
	char path[64];
	FILE *file;
	int child;

	(void)snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid, (int)pid);
	file = fopen(path, "re");
	while (file && fscanf(file, "%d", &child) == 1)
		bytes += proportional_bytes(child);
	if (file)
		(void)fclose(file);
	return bytes;
}

static double seconds_of(const struct timeval *time)
{
	return (double)time->tv_sec + (double)time->tv_usec / 1e6;
}

/* Waits for the model's process. Returns its wait status; *SIGNO: a signal asked us to end. */
static int watch(struct child *child, struct signals *signals, struct cost *cost, int *signo)
{
	struct pollfd fds[2] = { { .fd = child->pidfd, .events = POLLIN },
				 { .fd = signals->fd, .events = POLLIN } };
	struct rusage before, after;
	int status = 0, came;
	uint64_t bytes;

	(void)getrusage(RUSAGE_CHILDREN, &before); /* cannot fail for valid arguments */
	while (poll(fds, 2, SAMPLE_MS) >= 0 && !fds[0].revents) {
		bytes = tree_bytes(child->pid);
		if (bytes > cost->memory_bytes)
			cost->memory_bytes = bytes;
		came = fds[1].revents ? signals_next(signals) : 0;
		if (signals_ends(came)) {
			*signo = came;
			child_kill(child, came); /* the second time it ends at once: its own rule */
		}
	}
	(void)child_reap(child, true, &status);
	(void)getrusage(RUSAGE_CHILDREN, &after);
	cost->cpu_s = seconds_of(&after.ru_utime) + seconds_of(&after.ru_stime) -
		      seconds_of(&before.ru_utime) - seconds_of(&before.ru_stime);
	cost->switches =
		(uint64_t)(after.ru_nvcsw + after.ru_nivcsw - before.ru_nvcsw - before.ru_nivcsw);
	return status;
}

/* ---- one model ---- */

/* Our own directory, with files alone in it. */
static void remove_dir(const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		(void)unlinkat(dirfd(dir), entry->d_name, 0); /* EISDIR for . and .. */
	if (dir)
		(void)closedir(dir);
	(void)rmdir(path);
}

static void try_model(struct trial *trial, struct signals *signals, struct cost *cost, int *signo)
{
	const char *base = trial->download.dir ? trial->download.dir : getenv("TMPDIR");
	struct child child = CHILD_NONE;
	char path[512];
	int status, rc;

	if (trial->download.dir) {
		rc = output_dir_open(trial->download.dir); /* makes it */
		if (rc >= 0)
			(void)close(rc); /* it was opened for reading */
	}
	(void)snprintf(path, sizeof path, "%s/ipcdemo-models.XXXXXX", base ? base : "/tmp");
	trial->dir = mkdtemp(path);
	if (!trial->dir) {
		(void)snprintf(cost->why, sizeof cost->why, _("no directory for its files: %s"),
			       language_errno(errno));
		return;
	}
	*trial->shared = (struct cost){ .ok = 0 };
	rc = spawn(&child, "ipcdemo-model", trial_main, trial);
	if (rc == 0) {
		status = watch(&child, signals, cost, signo);
		cost->measured = trial->shared->ok > 0;
		cost->ok = trial->shared->ok;
		cost->failed = trial->shared->failed;
		cost->wall_s = trial->shared->wall_s;
		if (!cost->measured)
			(void)snprintf(cost->why, sizeof cost->why, _("it ended with status %d"),
				       WIFEXITED(status) ? WEXITSTATUS(status) :
							   128 + WTERMSIG(status));
	} else {
		(void)snprintf(cost->why, sizeof cost->why, _("no process: %s"),
			       language_errno(-rc));
	}
	remove_dir(path);
}

/* ---- the table ---- */

static const struct cost *cost_of(const struct cost *costs, size_t n, const char *model)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strcmp(costs[i].model, model) == 0 && costs[i].measured)
			return &costs[i];
	return NULL;
}

/* What the figures say about this job. */
static void add_words(struct text *words, const struct cost *costs, size_t n)
{
	const struct cost *first = cost_of(costs, n, "sequential"), *best = first;
	double busy, gain;
	size_t i;

	for (i = 0; first && i < n; i++)
		if (costs[i].measured && costs[i].wall_s < best->wall_s)
			best = &costs[i];
	if (!first || first->wall_s <= 0)
		return;
	busy = 100 * first->cpu_s / first->wall_s;
	gain = first->wall_s / best->wall_s;
	text_printf(words, _("One after the other, a CPU was busy for %.0f %% of the time. "),
		    busy);
	if (busy < 50)
		text_printf(
			words,
			_("The job mostly waits for the network, so whatever waits for several "
			  "files at once gains (%.1f times here: %s); how it does so, by "
			  "processes, threads or one loop, shows in memory and switches, not in "
			  "time."),
			gain, best->model);
	else
		text_printf(
			words,
			_("The job mostly computes and copies, so at most as many files as there "
			  "are CPUs (%ld) gain from going at once (%.1f times here: %s). One loop "
			  "has one CPU however many files it has."),
			sysconf(_SC_NPROCESSORS_ONLN), gain, best->model);
}

static void add_row(struct text *table, const struct cost *cost, const struct cost *first)
{
	text_printf(table, "%-11s", cost->model);
	if (!cost->measured) {
		text_printf(table, _(" not measured: %s\n"), cost->why);
		return;
	}
	text_printf(table, " %8.2f %8.2f %11.1f %9" PRIu64, cost->wall_s, cost->cpu_s,
		    (double)cost->memory_bytes / (1 << 20), cost->switches);
	if (first)
		text_printf(table, " %9.2f", first->wall_s / cost->wall_s);
	if (cost->failed)
		text_printf(table, _("   %u failed"), cost->failed);
	text_add(table, "\n");
}

static void print_table(const struct cost *costs, size_t n, const struct download *download)
{
	static const struct {
		const char *title;
		size_t width;
	} columns[] = { { N_("wall s"), 9 },
			{ N_("CPU s"), 9 },
			{ N_("memory MiB"), 12 },
			{ N_("switches"), 10 },
			{ N_("speed-up"), 10 } };
	const unsigned terminal = terminal_columns(STDOUT_FILENO, 80);
	const size_t width = terminal < 100 ? terminal - 1 : 99;
	struct text table = { 0 }, words = { 0 };
	size_t i;

	text_add_padded(&table, _("model"), 11);
	for (i = 0; i < sizeof columns / sizeof columns[0]; i++)
		text_add_right(&table, _(columns[i].title), columns[i].width);
	text_add(&table, "\n");
	for (i = 0; i < n; i++)
		add_row(&table, &costs[i], cost_of(costs, n, "sequential"));
	add_words(&words, costs, n);
	text_add(&table, words.len > 0 ? "\n" : "");
	text_add_wrapped(&table, text_string(&words), 0, width);
	text_clear(&words);
	text_printf(
		&words,
		_("Models with workers report over %s. Memory is the most that all processes of "
		  "a model had together at once, what they share counted once."),
		download->batch.ipc);
	text_add_wrapped(&table, text_string(&words), 0, width);
	(void)fputs(text_string(&table), stdout);
	text_free(&table);
	text_free(&words);
}

static int print_json(const struct cost *costs, size_t n, const struct download *download)
{
	const struct cost *first = cost_of(costs, n, "sequential");
	json_t *rows = json_array();
	json_t *root = json_pack("{s:s, s:s, s:o}", "schema", "ipcdemo-models/1", "ipc",
				 download->batch.ipc, "models", rows);
	size_t i;
	int rc;

	for (i = 0; root && i < n; i++) {
		const struct cost *cost = &costs[i];
		json_t *row = !cost->measured ?
				      json_pack("{s:s, s:s, s:s}", "model", cost->model, "status",
						"error", "reason", cost->why) :
				      json_pack("{s:s, s:s, s:i, s:i, s:f, s:f, s:I, s:I}", "model",
						cost->model, "status", "ok", "ok", (int)cost->ok,
						"failed", (int)cost->failed, "wall_s", cost->wall_s,
						"cpu_s", cost->cpu_s, "memory_bytes",
						(json_int_t)cost->memory_bytes, "context_switches",
						(json_int_t)cost->switches);

		if (row && cost->measured && first)
			(void)json_object_set_new(row, "speedup",
						  json_real(first->wall_s / cost->wall_s));
		(void)json_array_append_new(rows, row); /* a NULL is left out */
	}
	rc = root ? json_dumpf(root, stdout, JSON_INDENT(1)) : -1;
	json_decref(root);
	(void)putchar('\n');
	return rc;
}

static int compare_all(const struct download *download, struct trial *trial, struct cost *costs,
		       size_t n, int *signo)
{
	struct signals signals = { .fd = -1 };
	locale_t users = (locale_t)0;
	unsigned failed = 0;
	size_t i;
	int rc = signals_open(&signals);

	if (rc < 0) {
		message_error(_("cannot receive signals: %s"), language_errno(-rc));
		return EXIT_UNAVAILABLE;
	}
	if (download->format_json)
		users = language_english(); /* reasons for programs */
	for (i = 0; i < n && !*signo; i++) {
		costs[i].model = download_models[i];
		trial->download.model = (int)i;
		if (!download_model_fits(&trial->download, costs[i].why, sizeof costs[i].why))
			continue;
		if (!download->display.quiet && isatty(STDERR_FILENO))
			(void)fprintf(stderr, "%s ...\n", costs[i].model);
		try_model(trial, &signals, &costs[i], signo);
		failed += !costs[i].measured || costs[i].failed > 0;
	}
	signals_close(&signals);
	language_back(users);
	if (*signo)
		return EXIT_JOB_FAILED;
	if (download->format_json)
		rc = print_json(costs, n, download);
	else
		print_table(costs, n, download);
	return failed > 0 || rc < 0 ? EXIT_JOB_FAILED : EXIT_ALL_DONE;
}

/* All files go into the trial's own directory, so those of several may have one name there. */
static void forget_dirs(struct trial *trial)
{
	size_t i;

	if (trial->jobs->dir_count > 0)
		trial->download.batch.exists = EXISTS_RENAME;
	for (i = 0; i < trial->jobs->count; i++)
		trial->jobs->jobs[i].dir = NULL;
}

int compare_models(const struct download *download, struct job_list *jobs, int *signo)
{
	struct trial trial = { .download = *download, .jobs = jobs };
	struct cost *costs;
	size_t n = 0;
	int code = EXIT_UNAVAILABLE;

	while (download_models[n])
		n++;
	costs = calloc(n, sizeof *costs);
	trial.shared = mmap(NULL, sizeof *trial.shared, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	trial.download.display.progress = PROGRESS_NONE;
	trial.download.display.quiet = true;
	trial.download.display.verbose = false;
	trial.download.temporary = true;
	forget_dirs(&trial);
	if (costs && trial.shared != MAP_FAILED)
		code = compare_all(download, &trial, costs, n, signo);
	else
		message_error(_("--compare-models: %s"), language_errno(ENOMEM));
	if (trial.shared != MAP_FAILED)
		(void)munmap(trial.shared, sizeof *trial.shared);
	free(costs);
	return code;
}
