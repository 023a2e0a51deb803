/* SPDX-License-Identifier: MIT */
/*
 * cmd_bench.c - `ipcdemo bench`: measures latency and throughput of every mechanism.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "bench/download_cost.h"
#include "bench/axes.h"
#include "bench/write/write.h"
#include "commands/commands.h"
#include "common/exit_code.h"
#include "bench/machine.h"
#include "common/signals.h"
#include "bench/topology.h"

#define COLUMNS 100 /* of a table that goes to no terminal */

static unsigned columns_of(FILE *out)
{
	struct winsize size;

	if (ioctl(fileno(out), TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
		return COLUMNS;
	return size.ws_col;
}

static int complain(const char *what, const char *name, int rc, int status)
{
	fprintf(stderr, "ipcdemo bench: %s %s: %s\n", what, name, strerror(-rc));
	return status;
}

/* Nothing to measure: why, and what that means for the caller. */
static int nothing(const struct bench *bench)
{
	const struct bench_plan *plan = &bench->plan;
	bool unavailable = plan->skips_n > 0;
	size_t i;

	for (i = 0; i < plan->skips_n; i++) {
		const struct bench_axes *axes = &plan->skips[i].axes;

		unavailable = unavailable && plan->skips[i].unavailable;
		fprintf(stderr, "ipcdemo bench: %s: %s\n",
			axes->backend ? axes->backend : axes->place.name, plan->skips[i].reason);
	}
	return unavailable ? EXIT_UNAVAILABLE : EXIT_USAGE;
}

/* A mechanism asked for by name that cannot be had is a failure, although the rest was measured. */
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
		if (bench->plan.rows[i]->status == BENCH_ERROR)
			return EXIT_JOB_FAILED;
	return named_but_missing(bench) ? EXIT_UNAVAILABLE : EXIT_ALL_DONE;
}

static void print(FILE *out, const struct bench *bench, const struct bench_figures *figures,
		  const json_t *environment, const json_t *result)
{
	switch (bench->options->format) {
	case BENCH_JSON:
		(void)json_dumpf(result, out, JSON_INDENT(1) | JSON_REAL_PRECISION(15));
		(void)fputc('\n', out);
		break;
	case BENCH_CSV:
		bench_csv(out, bench, figures);
		break;
	case BENCH_TABLE:
		bench_table(out, bench, figures, environment, columns_of(out));
	}
}

/* To --output, which was opened before measuring, or standard output. */
static int print_result(FILE *out, const struct bench *bench, const struct bench_figures *figures,
			const json_t *environment, const json_t *result)
{
	const char *name = bench->options->output ? bench->options->output : "standard output";

	print(out, bench, figures, environment, result);
	if (fflush(out) == 0 && !ferror(out))
		return 0;
	return complain("cannot write", name, errno ? -errno : -EIO, EXIT_JOB_FAILED);
}

static int write_all(FILE *out, struct bench *bench, json_t *environment)
{
	const struct bench_options *o = bench->options;
	struct bench_figures *figures;
	json_t *result = NULL, *curves = NULL;
	char failed[4096];
	int status = 0, rc;

	bench_ratios(bench);
	figures = bench_all_figures(bench);
	if (!figures)
		return complain("cannot sum up", "the samples", -ENOMEM, EXIT_INTERNAL);
	result = bench_json(bench, figures, environment, false);
	if (o->report)
		curves = bench_json(bench, figures, environment, true);
	status = print_result(out, bench, figures, environment, result);
	if (o->report && (rc = report_write(o->report, curves)) < 0)
		status = complain("cannot write", o->report, rc, EXIT_JOB_FAILED);
	if (o->hgrm && (rc = hgrm_write(o->hgrm, bench, figures, failed)) < 0)
		status = complain("cannot write", failed, rc, EXIT_JOB_FAILED);
	json_decref(result);
	json_decref(curves);
	bench_all_figures_free(bench, figures);
	return status;
}

static int measure_and_write(FILE *out, struct bench *bench, const struct topo *topo)
{
	struct env_watch watch;
	json_t *environment;
	int status, rc;

	env_begin(&watch);
	tick_init(&bench->clock);
	rc = bench_run(bench);
	if (rc < 0)
		return complain("cannot set up", "the rounds", rc, EXIT_INTERNAL);
	environment = env_record(&watch, topo, &bench->base);
	if (!environment)
		return complain("cannot describe", "the machine", -ENOMEM, EXIT_INTERNAL);
	status = write_all(out, bench, environment);
	json_decref(environment);
	return status ? status : status_of(bench);
}

/* Plans and measures into OUT. An exit code. */
static int plan_and_measure(FILE *out, struct bench *bench, const struct topo *topo)
{
	int rc = bench_plan(bench, topo);

	if (rc < 0)
		return complain("cannot plan", "the rows", rc, EXIT_INTERNAL);
	return bench->plan.rows_n == 0 ? nothing(bench) : measure_and_write(out, bench, topo);
}

static int write_download(FILE *out, const struct bench *bench,
			  const struct download_bench *figures, json_t *environment)
{
	json_t *result;

	if (bench->options->format == BENCH_TABLE) {
		download_bench_table(out, figures);
		return fflush(out) == 0 ? 0 : -errno;
	}
	result = json_pack("{s:s, s:O, s:o, s:[]}", "schema", "ipcdemo-bench/1", "environment",
			   environment, "results", download_bench_json(figures), "skipped");
	if (!result)
		return -ENOMEM;
	(void)json_dumpf(result, out, JSON_INDENT(1) | JSON_REAL_PRECISION(15));
	(void)fputc('\n', out);
	json_decref(result);
	return fflush(out) == 0 ? 0 : -errno;
}

/* --mode=download: an exit code. */
static int measure_download(FILE *out, struct bench *bench, const struct topo *topo)
{
	struct download_bench *figures = NULL;
	struct env_watch watch;
	json_t *environment;
	int rc;

	env_begin(&watch);
	rc = download_bench_run(&figures, bench);
	environment = env_record(&watch, topo, &bench->base);
	if (rc == 0)
		rc = environment ? write_download(out, bench, figures, environment) : -ENOMEM;
	json_decref(environment);
	download_bench_free(figures);
	return rc < 0 ? complain("cannot measure", "downloads", rc, EXIT_INTERNAL) : EXIT_ALL_DONE;
}

int cmd_bench(int argc, char **argv)
{
	struct bench_options options;
	struct bench bench = { .options = &options };
	struct topo *topo;
	FILE *out = stdout;
	int status = EXIT_UNAVAILABLE;

	bench_options_parse(&options, argc, argv);
	topo = topo_open();
	if (!topo)
		fprintf(stderr, "ipcdemo bench: hwloc finds no CPU to run on\n");
	/* Before measuring: a minute's work must not end with "no such directory". */
	if (topo && options.output && !(out = fopen(options.output, "we")))
		status = complain("cannot write", options.output, -errno, EXIT_JOB_FAILED);
	if (topo && out)
		status = options.modes == 1u << BENCH_DOWNLOAD ?
				 measure_download(out, &bench, topo) :
				 plan_and_measure(out, &bench, topo);
	if (out && out != stdout && fclose(out) != 0 && status == 0)
		status = complain("cannot write", options.output, -errno, EXIT_JOB_FAILED);
	bench_plan_free(&bench);
	topo_close(topo);
	bench_options_free(&options);
	if (bench.signal)
		signals_die(bench.signal); /* so that a shell's loop ends, too */
	return status;
}
