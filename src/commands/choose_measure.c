/* SPDX-License-Identifier: MIT */
/*
 * choose_measure.c - figures for choose: runs `ipcdemo bench` in a process of its own and reads its
 * JSON; both its options and its JSON are stable.
 */
#include "config.h"

#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "commands/choose.h"
#include "common/language.h"
#include "common/message.h"
#include "common/spawn.h"
#include "common/text.h"

struct bench_run {
	char *argv[11];
	int out; /* becomes its standard output */
};

static int run_bench(void *arg)
{
	const struct bench_run *run = arg;

	if (dup2(run->out, STDOUT_FILENO) < 0)
		return EXIT_FAILURE;
	(void)execv("/proc/self/exe", run->argv);
	return EXIT_FAILURE;
}

/* Runs it and returns its JSON, or NULL. */
static json_t *bench(struct bench_run *run)
{
	struct child child;
	json_error_t error;
	json_t *result = NULL;
	int status = 0, rc;

	run->out = memfd_create("ipcdemo-choose", MFD_CLOEXEC);
	if (run->out < 0)
		return NULL;
	rc = spawn(&child, "ipcdemo-bench", run_bench, run);
	if (rc == 0)
		rc = child_reap(&child, true, &status);
	if (rc == 0 && WIFEXITED(status) && lseek(run->out, 0, SEEK_SET) == 0)
		result = json_loadfd(run->out, 0, &error);
	(void)close(run->out);
	return result;
}

static double number(const json_t *row, const char *object, const char *key)
{
	const json_t *at = object ? json_object_get(row, object) : row;

	return json_number_value(json_object_get(at, key)); /* 0 where there is none */
}

/* A row of "block" in which nobody was ever switched away: its receiver does not sleep. */
static bool stayed_awake(const json_t *row)
{
	const char *wait = json_string_value(json_object_get(row, "wait"));
	const json_t *switches = json_object_get(row, "ctxsw_per_record");

	return wait && strcmp(wait, "block") == 0 && json_is_number(switches) &&
	       json_number_value(switches) < 0.5;
}

static void take_row(const json_t *row, struct candidate *candidates, size_t n)
{
	const char *name = json_string_value(json_object_get(row, "backend"));
	const char *mode = json_string_value(json_object_get(row, "mode"));
	size_t i;

	for (i = 0; name && mode && i < n; i++) {
		struct candidate *at = &candidates[i];

		if (strcmp(at->info->name, name) != 0)
			continue;
		if (strcmp(mode, "latency") == 0) {
			at->p50_ns = number(row, "rtt_ns", "p50");
			at->awake = stayed_awake(row);
		} else {
			at->records_per_s = number(row, NULL, "records_per_s");
			at->cpu_ns = number(row, NULL, "cpu_ns_per_record");
		}
	}
}

int choose_measure(const struct needs *needs, struct candidate *candidates, size_t n)
{
	struct text names = { 0 }, size = { 0 };
	struct bench_run run;
	const json_t *row;
	json_t *result;
	size_t i;

	for (i = 0; i < n; i++)
		if (candidates[i].fits)
			text_printf(&names, "%s%s",
				    names.len ? "," : "--ipc=", candidates[i].info->name);
	if (names.len == 0)
		return 0;
	text_printf(&size, "--size=%llu", (unsigned long long)(needs->record_bytes + 7) / 8 * 8);
	run = (struct bench_run){ .argv = { (char *)"ipcdemo", (char *)"bench", names.at, size.at,
					    (char *)"--mode=latency,throughput",
					    (char *)(needs->spin ? "--wait=spin" : "--wait=block"),
					    (char *)"--place=cross", (char *)"--rounds=3",
					    (char *)"--format=json", (char *)"--quiet", NULL } };
	result = bench(&run);
	if (!result && !needs->spin) { /* one CPU only */
		run.argv[6] = (char *)"--place=same";
		result = bench(&run);
	}
	if (!result)
		message_error(_("the benchmark gave no figures; ipcdemo bench may say why"));
	json_array_foreach(json_object_get(result, "results"), i, row) take_row(row, candidates, n);
	for (i = 0; i < n; i++)
		candidates[i].busy = json_is_false(
			json_object_get(json_object_get(result, "environment"), "quiet"));
	json_decref(result);
	text_free(&names);
	text_free(&size);
	return 0;
}
