/* SPDX-License-Identifier: MIT */
/*
 * demo.c - the built-in demo: fetches the tutorial's two files from an origin in a process of its
 * own, by the same code as any download, then compares with one after the other.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/exit_code.h"
#include "common/hex.h"
#include "common/language.h"
#include "common/message.h"
#include "common/spawn.h"
#include "common/terminal.h"
#include "common/text.h"
#include "download/demo_picture.h"
#include "download/compare_models.h"
#include "download/download.h"
#include "origin/process.h"

#define FILES PICTURE_FILES

struct demo {
	const struct download *download;
	struct origin_file files[FILES];
	struct origin_config config;
	struct child origin;
	uint16_t port;
	char made_dir[64]; /* removed at the end; "": the user named a directory */
	const char *dir;
};

/* From MIN to MAX seconds, in steps of a millisecond. */
static double random_seconds(const double range[2])
{
	uint32_t random = 0;

	(void)getrandom(&random, sizeof random, 0); /* if it fails, the shortest time is taken */
	return range[0] + (range[1] - range[0]) * ((double)(random % 1000) / 999.0);
}

static void stop_origin(struct demo *demo)
{
	int status;

	child_kill(&demo->origin, SIGKILL);
	if (demo->origin.pid)
		(void)child_reap(&demo->origin, true, &status);
}

static int make_dir(struct demo *demo)
{
	const char *tmp = getenv("TMPDIR");

	demo->dir = demo->download->dir;
	if (demo->dir)
		return 0;
	if (!tmp || *tmp != '/' || strlen(tmp) > 40)
		tmp = "/tmp";
	(void)snprintf(demo->made_dir, sizeof demo->made_dir, "%s/ipcdemo.XXXXXX", tmp);
	demo->dir = mkdtemp(demo->made_dir);
	if (demo->dir)
		return 0;
	demo->made_dir[0] = '\0';
	return -errno;
}

/* Removes only what the demo can have made there. */
static void remove_dir(struct demo *demo)
{
	char path[sizeof demo->made_dir + 64];
	size_t i;

	if (!*demo->made_dir)
		return;
	for (i = 0; i < FILES; i++) {
		(void)snprintf(path, sizeof path, "%s/%s", demo->made_dir, demo->files[i].name);
		(void)unlink(path);
	}
	(void)rmdir(demo->made_dir);
}

/* The path of a URL, percent-encoded. */
static void add_encoded(char *url, size_t size, const char *name)
{
	size_t used = strlen(url);

	for (; *name && used + 4 < size; name++)
		used += (size_t)snprintf(url + used, size - used,
					 (unsigned char)*name < 0x80 ? "%c" : "%%%02X",
					 (unsigned char)*name);
}

static int add_jobs(const struct demo *demo, struct job_list *jobs)
{
	unsigned char sha256[SHA256_BYTES];
	char hex[2 * SHA256_BYTES + 1];
	char url[256], why[128];
	const struct job_wish wish = { .url = url, .sha256 = hex };
	size_t i;
	int rc;

	for (i = 0; i < FILES; i++) {
		rc = origin_sha256(demo->files[i].name, demo->files[i].size, sha256);
		hex_encode(hex, sha256, sizeof sha256);
		(void)snprintf(url, sizeof url, "http://127.0.0.1:%u/", demo->port);
		add_encoded(url, sizeof url, demo->files[i].name);
		if (rc == 0)
			rc = job_list_add(jobs, &wish, why, sizeof why);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static void describe(const struct demo *demo)
{
	static const char *const how[] = {
		[MODEL_SEQUENTIAL] = N_("one process fetches two files, one after the other"),
		[MODEL_PROCESS] = N_("two workers, each a process, fetch two files at once"),
		[MODEL_THREAD] = N_("two workers, each a thread, fetch two files at once"),
		[MODEL_HYBRID] =
			N_("workers that are threads of several processes fetch two files at once"),
		[MODEL_EVENT] =
			N_("one process fetches two files at once, in one loop without workers"),
	};
	const struct download *download = demo->download;
	const double *range = download->demo_seconds;
	const unsigned columns = terminal_columns(STDERR_FILENO, 80);
	struct text words = { 0 }, lines = { 0 };

	text_printf(&words, _("A demo: %s."), _(how[download->model]));
	text_add(&words,
		 _(" They are those of a tutorial on processes, hence their Chinese names."));
	if (range[0] < range[1])
		text_printf(&words,
			    _(" A server inside this program spreads each over %g to %g s, so that "
			      "there is something to see and to save."),
			    range[0], range[1]);
	else
		text_printf(&words,
			    _(" A server inside this program spreads each over %g s, so that there "
			      "is something to see and to save."),
			    range[1]);
	text_add(&words, *demo->made_dir ? _(" No network is used, and nothing is kept.") :
					   _(" No network is used."));
	text_add_wrapped(&lines, text_string(&words), 0, columns < 80 ? columns - 1 : 79);
	(void)fprintf(stderr, "%s\n", text_string(&lines));
	text_free(&words);
	text_free(&lines);
}

/* The tutorial's comparison. It holds here because the origin paces each file separately. */
static void compare(const struct demo *demo, const struct job_list *jobs, double wall_s)
{
	struct picture picture = { .sequential = demo->download->model == MODEL_SEQUENTIAL,
				   .ipc = demo->download->batch.ipc,
				   .wall_s = wall_s };
	struct text lines = { 0 };
	size_t i;

	for (i = 0; i < FILES; i++) {
		picture.name[i] = demo->files[i].name;
		picture.seconds[i] = (double)jobs->jobs[i].took_ns / (double)NS_PER_S;
	}
	picture_draw(&lines, &picture);
	(void)fputs(text_string(&lines), stderr);
	text_free(&lines);
}

static int fetch_files(struct demo *demo, int *signo)
{
	struct download download = *demo->download;
	struct job_list jobs = { .jobs = NULL };
	struct batch batch = { .jobs = NULL };
	const bool talks = !download.display.quiet && download.display.progress != PROGRESS_JSON &&
			   download.display.progress != PROGRESS_NONE;
	int code = EXIT_INTERNAL;

	download.temporary = *demo->made_dir;
	if (talks && !download.compare_models)
		describe(demo);
	if (add_jobs(demo, &jobs) < 0)
		message_error(_("the demo cannot start: %s"), language_errno(ENOMEM));
	else if (download.compare_models)
		code = compare_models(&download, &jobs, &batch.signo);
	else
		code = download_jobs(&download, demo->dir, &jobs, &batch);
	if (code == EXIT_ALL_DONE && batch.ok == FILES && talks)
		compare(demo, &jobs, (double)(clock_ns() - batch.begun_ns) / (double)NS_PER_S);
	*signo = batch.signo;
	job_list_free(&jobs);
	return code;
}

int demo_run(const struct download *download, int *signo)
{
	struct demo demo = {
		.download = download,
		.files = { { .name = "Python从入门到放弃.pdf", .size = 7340032 },
			   { .name = "图解算法.pdf", .size = 12582912 } },
		.origin = CHILD_NONE,
	};
	int code = EXIT_INTERNAL;
	int rc;
	size_t i;

	for (i = 0; i < FILES; i++)
		demo.files[i].seconds = random_seconds(download->demo_seconds);
	demo.config = (struct origin_config){ .files = demo.files, .file_count = FILES };
	rc = origin_spawn(&demo.origin, &demo.port, &demo.config);
	if (rc == 0)
		rc = make_dir(&demo);
	if (rc == 0)
		code = fetch_files(&demo, signo);
	else
		message_error(_("the demo cannot start: %s"), language_errno(-rc));
	stop_origin(&demo);
	remove_dir(&demo);
	return code;
}
