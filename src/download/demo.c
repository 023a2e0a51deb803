/* SPDX-License-Identifier: MIT */
/*
 * demo.c - the built-in demo: the tutorial's two files, from an origin of our own in a process of
 * its own, fetched for real; then what it saved.
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
#include "common/message.h"
#include "common/spawn.h"
#include "download/download.h"
#include "origin/process.h"

#define FILES 2

struct demo {
	const struct download *download;
	struct origin_file files[FILES];
	struct origin_config config;
	struct child origin;
	uint16_t port;
	char made_dir[64]; /* to be removed; "": the user's own */
	const char *dir;
};

/* From MIN to MAX seconds, in steps of a millisecond. */
static double random_seconds(const double range[2])
{
	uint32_t random = 0;

	(void)getrandom(&random, sizeof random, 0); /* if it fails: the shortest time will do */
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

/* Only what the demo can have made there. */
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

/* The tutorial's comparison; true here, because the origin paces each file by itself. */
static void compare(const struct demo *demo, const struct job_list *jobs, double wall_s)
{
	double seconds[FILES], sum = 0, longest = 0;
	size_t i;

	for (i = 0; i < FILES; i++) {
		seconds[i] = (double)jobs->jobs[i].took_ns / (double)NS_PER_S;
		sum += seconds[i];
		longest = seconds[i] > longest ? seconds[i] : longest;
	}
	if (demo->download->model == MODEL_SEQUENTIAL) {
		(void)fprintf(stderr,
			      "\nOne after the other: %.2f s + %.2f s = %.2f s in all.\n"
			      "Two workers at once need as long as the longer file, %.2f s:\n"
			      "batch ipcdemo without --model=sequential.\n",
			      seconds[0], seconds[1], wall_s, longest);
		return;
	}
	(void)fprintf(
		stderr,
		"\nTwo at once, reporting over %s:    %.2f s\n"
		"One after the other: %.2f + %.2f = %.2f s   (see: ipcdemo --model=sequential)\n"
		"Saved:                              %.2f s, %.0f %%\n",
		demo->download->batch.ipc, wall_s, seconds[0], seconds[1], sum, sum - wall_s,
		100.0 * (sum - wall_s) / sum);
}

static int fetch_files(struct demo *demo, int *signo)
{
	struct job_list jobs = { .jobs = NULL };
	struct batch batch = { .jobs = NULL };
	int code = EXIT_INTERNAL;

	if (add_jobs(demo, &jobs) == 0)
		code = download_jobs(demo->download, demo->dir, &jobs, &batch);
	if (code == EXIT_ALL_DONE && batch.ok == FILES && !demo->download->display.quiet &&
	    demo->download->display.progress != PROGRESS_JSON &&
	    demo->download->display.progress != PROGRESS_NONE)
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
		message_error("the demo cannot start: %s", strerror(-rc));
	stop_origin(&demo);
	remove_dir(&demo);
	return code;
}
