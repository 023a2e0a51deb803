/* SPDX-License-Identifier: MIT */
/*
 * cmd_bench.c - `ipcdemo bench`: measures latency and throughput of every mechanism.
 */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "bench/axes.h"
#include "bench/machine.h"
#include "bench/plan.h"
#include "bench/run.h"
#include "bench/start_cost.h"
#include "bench/write/write.h"
#include "commands/commands.h"
#include "common/exit_code.h"
#include "common/language.h"
#include "common/signals.h"

#define COLUMNS 80 /* of a table that goes to no terminal */

static unsigned columns_of(FILE *out)
{
	struct winsize size;

	if (ioctl(fileno(out), TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
		return COLUMNS;
	return size.ws_col;
}

static int complain(const char *what, int rc, int status)
{
	fprintf(stderr, _("ipcdemo bench: %s: %s\n"), what, language_errno(-rc));
	return status;
}

static int cannot_write(const char *name, int rc)
{
	fprintf(stderr, _("ipcdemo bench: cannot write %s: %s\n"), name, language_errno(-rc));
	return EXIT_JOB_FAILED;
}

/* Nothing can be measured: prints why. An exit code. */
static int nothing(const struct plan *plan)
{
	bool unavailable = plan->skips_n > 0;
	size_t i;

	for (i = 0; i < plan->skips_n; i++)
		unavailable = unavailable && plan->skips[i].unavailable;
	notes_left_out(stderr, plan, "ipcdemo bench: ", UINT_MAX);
	return unavailable ? EXIT_UNAVAILABLE : EXIT_USAGE;
}

/* Is a mechanism missing that was asked for by name? Then the exit status is a failure. */
static bool named_but_missing(const struct bench *bench)
{
	size_t i, at;

	for (i = 0; i < bench->plan.skips_n; i++)
		for (at = 0; bench->options->ipc[at]; at++)
			if (bench->plan.skips[i].unavailable &&
			    strcmp(bench->options->ipc[at], bench->plan.skips[i].axes.backend) == 0)
				return true;
	return false;
}

static int status_of(const struct bench *bench)
{
	size_t i;

	for (i = 0; i < bench->plan.rows_n; i++)
		if (bench->plan.rows[i]->status == ROW_ERROR)
			return EXIT_JOB_FAILED;
	return named_but_missing(bench) ? EXIT_UNAVAILABLE : EXIT_ALL_DONE;
}

static void print(FILE *out, const struct result *result, const json_t *json)
{
	switch (result->bench->options->format) {
	case FORMAT_JSON:
		(void)json_dumpf(json, out, JSON_INDENT(1) | JSON_REAL_PRECISION(15));
		(void)fputc('\n', out);
		break;
	case FORMAT_CSV:
		csv_print(out, result);
		break;
	case FORMAT_TABLE:
		table_print(out, result, columns_of(out));
	}
}

/* To --output, which was opened before measuring, or standard output. */
static int print_result(FILE *out, const struct result *result, const json_t *json)
{
	const char *name = result->bench->options->output;

	print(out, result, json);
	if (fflush(out) == 0 && !ferror(out))
		return 0;
	return cannot_write(name ? name : _("standard output"), errno ? -errno : -EIO);
}

static int write_all(FILE *out, struct bench *bench, json_t *environment)
{
	const struct options *o = bench->options;
	struct figures *figures;
	struct result result = { .bench = bench, .environment = environment };
	json_t *json = NULL, *curves = NULL;
	char failed[4096];
	int status = 0, rc;

	figures_ratios(&bench->plan);
	result.figures = figures = figures_all(bench);
	if (!figures)
		return complain(_("cannot sum up the samples"), -ENOMEM, EXIT_INTERNAL);
	json = json_result(&result, false);
	if (o->report)
		curves = json_result(&result, true);
	status = print_result(out, &result, json);
	if (o->report && (rc = html_write(o->report, curves)) < 0)
		status = cannot_write(o->report, rc);
	if (o->hgrm && (rc = hgrm_write(o->hgrm, &result, failed)) < 0)
		status = cannot_write(failed, rc);
	json_decref(json);
	json_decref(curves);
	figures_free(figures, bench->plan.rows_n);
	return status;
}

static int measure_and_write(FILE *out, struct bench *bench, const struct topology *topology)
{
	struct machine_watch watch;
	json_t *environment;
	int status, rc;

	machine_watch(&watch);
	stamp_init(&bench->clock);
	rc = run_rounds(bench);
	if (rc < 0)
		return complain(_("cannot set up the rounds"), rc, EXIT_INTERNAL);
	environment = machine_record(&watch, topology, &bench->baselines);
	if (!environment)
		return complain(_("cannot describe the machine"), -ENOMEM, EXIT_INTERNAL);
	status = write_all(out, bench, environment);
	json_decref(environment);
	return status ? status : status_of(bench);
}

/* Plans and measures into OUT. An exit code. */
static int plan_and_measure(FILE *out, struct bench *bench, const struct topology *topology)
{
	int rc = plan_make(bench, topology);

	if (rc < 0)
		return complain(_("cannot plan the rows"), rc, EXIT_INTERNAL);
	return bench->plan.rows_n == 0 ? nothing(&bench->plan) :
					 measure_and_write(out, bench, topology);
}

/* The language of reasons and warnings, which are formed while measuring: English for programs. */
static locale_t language_for(const struct options *options)
{
	return options->format == FORMAT_TABLE ? (locale_t)0 : language_english();
}

int cmd_bench(int argc, char **argv)
{
	struct options options;
	struct bench bench = { .options = &options };
	struct topology *topology;
	FILE *out = stdout;
	int status = EXIT_UNAVAILABLE;
	locale_t users;

	if (argc > 1 && strcmp(argv[1], START_COMMAND) == 0)
		return start_cost_executed(argc - 1, argv + 1);
	axes_parse(&options, argc, argv);
	users = language_for(&options);
	topology = topology_open();
	if (!topology)
		fprintf(stderr, _("ipcdemo bench: hwloc finds no CPU to run on\n"));
	/* Opened before measuring: a minute's work must not end with "no such directory". */
	if (topology && options.output && !(out = fopen(options.output, "we")))
		status = cannot_write(options.output, -errno);
	if (topology && out)
		status = plan_and_measure(out, &bench, topology);
	if (out && out != stdout && fclose(out) != 0 && status == 0)
		status = cannot_write(options.output, -errno);
	language_back(users);
	plan_free(&bench);
	topology_close(topology);
	axes_free(&options);
	if (bench.signal)
		signals_die(bench.signal); /* so that a shell's loop ends, too */
	return status;
}
