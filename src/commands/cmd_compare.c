/* SPDX-License-Identifier: MIT */
/*
 * cmd_compare.c - `ipcdemo compare OLD.json NEW.json`: did it become faster or slower?
 */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands/commands.h"
#include "common/exit_code.h"
#include "bench/compare.h"
#include "common/options.h"

enum format { TABLE, JSON };

struct options {
	const char *files[2];
	size_t files_n;
	const char *fail_above;
	double limit; /* of the ratio; INFINITY: none */
	enum format format;
};

static const char *const formats[] = { "table", "json", NULL };

static const struct option_spec specs[] = {
	{ .name = "fail-above",
	  .key = 0x100,
	  .arg = "PERCENT",
	  .type = OPTION_TEXT,
	  .offset = offsetof(struct options, fail_above),
	  .help = "exit with 1 if a row is slower by more than this, and not by chance" },
	{ .name = "format",
	  .key = 0x101,
	  .arg = "FORMAT",
	  .type = OPTION_CHOICE,
	  .offset = offsetof(struct options, format),
	  .initial = "table",
	  .choices = formats,
	  .help = "what is printed: table or json" },
	{ .name = NULL },
};

static int take_file(void *values, const char *argument, struct argp_state *state)
{
	struct options *o = values;

	if (o->files_n == 2)
		argp_error(state, "'%s' is one argument too many", argument);
	o->files[o->files_n++] = argument;
	return 0;
}

static void finish(void *values, struct argp_state *state)
{
	struct options *o = values;
	char *end;

	if (o->files_n != 2)
		argp_error(state, "two results are needed: OLD.json NEW.json");
	o->limit = INFINITY;
	if (!o->fail_above)
		return;
	o->limit = 1 + strtod(o->fail_above, &end) / 100;
	if (end == o->fail_above || (*end && strcmp(end, "%") != 0) || !(o->limit >= 1))
		argp_error(state, "--fail-above: '%s' is no percentage (such as 5%%)",
			   o->fail_above);
}

/* ---- rows in words ---- */

static const char *text(const json_t *row, const char *key)
{
	const char *value = json_string_value(json_object_get(row, key));

	return value ? value : "?";
}

static long long whole(const json_t *row, const char *key)
{
	return (long long)json_integer_value(json_object_get(row, key));
}

/* Do any rows differ in the number that KEY gives? */
static bool varies(const struct compare_row *rows, size_t n, const char *key)
{
	size_t i;

	for (i = 1; i < n; i++)
		if (whole(rows[i].old ? rows[i].old : rows[i].new, key) !=
		    whole(rows[0].old ? rows[0].old : rows[0].new, key))
			return true;
	return false;
}

static void print_row(const struct compare_row *row, bool wide)
{
	const json_t *axes = row->old ? row->old : row->new;
	char size[32], interval[32] = "-";

	(void)snprintf(size, sizeof size, "%lld%s", whole(axes, "size_bytes"),
		       whole(axes, "block") > 1 ? " x16" : "");
	printf("%-8s %-10s %-8s %-9s %7s ", text(axes, "backend"), text(axes, "mode"),
	       text(axes, "wait"), text(axes, "placement"), size);
	if (wide)
		printf("%7lld %5lld ", whole(axes, "senders"), whole(axes, "batch"));
	if (!row->old || !row->new) {
		printf("only in the %s run\n", row->old ? "old" : "new");
		return;
	}
	if (row->verdict == COMPARE_UNKNOWN) {
		printf("no figures to compare\n");
		return;
	}
	if (isfinite(row->interval.low))
		(void)snprintf(interval, sizeof interval, "%.3f..%.3f", row->interval.low,
			       row->interval.high);
	printf("%7.3f %14s %s%s\n", row->ratio, interval, compare_verdict_name(row->verdict),
	       strcmp(row->figure, "round_floor_ratio") == 0 ? "" : " (no floor)");
}

/* What the two runs have not in common, besides what was meant to differ. */
static void print_difference(const json_t *old, const json_t *new, const char *object,
			     const char *key, const char *what)
{
	json_t *a = json_object_get(old, "environment"), *b = json_object_get(new, "environment");

	a = json_object_get(object ? json_object_get(a, object) : a, key);
	b = json_object_get(object ? json_object_get(b, object) : b, key);
	if (a && b && !json_equal(a, b) && json_is_string(a) && json_is_string(b))
		printf("The two runs differ in %s: %s, %s.\n", what, json_string_value(a),
		       json_string_value(b));
}

static void print_table(const json_t *old, const json_t *new, const struct compare_row *rows,
			size_t n, size_t counts[4])
{
	bool wide = varies(rows, n, "senders") || varies(rows, n, "batch");
	size_t i;

	printf("%-8s %-10s %-8s %-9s %7s ", "backend", "mode", "wait", "place", "bytes");
	if (wide)
		printf("%7s %5s ", "senders", "batch");
	printf("%7s %14s %s\n", "new/old", "99% interval", "verdict");
	for (i = 0; i < n; i++)
		print_row(&rows[i], wide);
	printf("\nnew/old above 1 is slower, in throughput too. It is the median of all pairs of "
	       "rounds (Hodges-Lehmann),\nof the ratio to the floor where both runs have one; "
	       "better or worse where a Mann-Whitney U test\nof the rounds says so at the 1%% "
	       "level.\n");
	print_difference(old, new, "cpu", "model", "the CPU");
	print_difference(old, new, "kernel", "release", "the kernel");
	print_difference(old, new, NULL, "compiler", "the compiler");
	print_difference(old, new, NULL, "cflags", "the compiler's flags");
	printf("\n%zu rows: %zu worse, %zu better, %zu with no difference shown, %zu not "
	       "compared.\n",
	       n, counts[COMPARE_WORSE], counts[COMPARE_BETTER], counts[COMPARE_SAME],
	       counts[COMPARE_UNKNOWN]);
}

/* ---- rows for machines ---- */

static json_t *real(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

static json_t *row_json(const struct compare_row *row)
{
	static const char *const keys[] = { "backend", "mode",  "wait",  "placement", "size_bytes",
					    "senders", "batch", "block", "rate_per_s" };
	const json_t *axes = row->old ? row->old : row->new;
	json_t *out = json_object();
	size_t i;

	for (i = 0; i < sizeof keys / sizeof keys[0]; i++)
		json_object_set(out, keys[i], json_object_get(axes, keys[i]));
	json_object_set_new(out, "figure", row->figure ? json_string(row->figure) : json_null());
	json_object_set_new(out, "ratio", real(row->ratio));
	json_object_set_new(out, "ratio_ci99",
			    isfinite(row->interval.low) ?
				    json_pack("[f, f]", row->interval.low, row->interval.high) :
				    json_null());
	json_object_set_new(out, "p", real(row->p));
	json_object_set_new(out, "rounds",
			    json_pack("[I, I]", (json_int_t)row->old_n, (json_int_t)row->new_n));
	json_object_set_new(out, "verdict", json_string(compare_verdict_name(row->verdict)));
	return out;
}

static void print_json(const struct compare_row *rows, size_t n, const size_t counts[4])
{
	json_t *result = json_pack("{s:s, s:I, s:I, s:I, s:I}", "schema", "ipcdemo-compare/1",
				   "worse", (json_int_t)counts[COMPARE_WORSE], "better",
				   (json_int_t)counts[COMPARE_BETTER], "no_difference",
				   (json_int_t)counts[COMPARE_SAME], "not_compared",
				   (json_int_t)counts[COMPARE_UNKNOWN]);
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < n; i++)
		json_array_append_new(list, row_json(&rows[i]));
	json_object_set_new(result, "rows", list);
	(void)json_dumpf(result, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
	(void)fputc('\n', stdout);
	json_decref(result);
}

/* ---- the command ---- */

static int compare_and_print(const struct options *o, const json_t *old, const json_t *new)
{
	struct compare_row *rows = NULL;
	size_t counts[4] = { 0 }, n = 0, i, failed = 0;

	if (compare_rows(old, new, &rows, &n) < 0) {
		free(rows);
		fprintf(stderr, "ipcdemo compare: out of memory\n");
		return EXIT_INTERNAL;
	}
	for (i = 0; i < n; i++) {
		counts[rows[i].verdict]++;
		failed += rows[i].verdict == COMPARE_WORSE && rows[i].ratio > o->limit;
	}
	if (o->format == JSON)
		print_json(rows, n, counts);
	else
		print_table(old, new, rows, n, counts);
	free(rows);
	if (fflush(stdout) != 0) {
		fprintf(stderr, "ipcdemo compare: cannot write standard output\n");
		return EXIT_JOB_FAILED;
	}
	if (failed > 0)
		fprintf(stderr, "ipcdemo compare: %zu rows are slower by more than %g%%\n", failed,
			100 * (o->limit - 1));
	return failed > 0 ? EXIT_JOB_FAILED : EXIT_ALL_DONE;
}

int cmd_compare(int argc, char **argv)
{
	static const struct command_options command = {
		.usage = "OLD.json NEW.json",
		.doc = "Compares two results of ipcdemo bench --format=json, row by row.",
		.specs = specs,
		.argument = take_file,
		.finish = finish,
	};
	struct options o = { .files_n = 0 };
	json_t *old, *new;
	int status = EXIT_USAGE;

	options_parse(&command, &o, argc, argv);
	old = compare_read(o.files[0]);
	new = old ? compare_read(o.files[1]) : NULL;
	if (old && new)
		status = compare_and_print(&o, old, new);
	json_decref(old);
	json_decref(new);
	return status;
}
