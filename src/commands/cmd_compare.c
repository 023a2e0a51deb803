/* SPDX-License-Identifier: MIT */
/*
 * cmd_compare.c - `ipcdemo compare OLD.json NEW.json`: did it become faster or slower?
 */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/axes.h"
#include "bench/compare.h"
#include "bench/write/write.h"
#include "commands/commands.h"
#include "common/exit_code.h"
#include "common/language.h"
#include "common/options.h"

#define COLUMNS 80

enum compare_format { TABLE, JSON };

struct compare_options {
	const char *files[2];
	size_t files_n;
	const char *fail_above;
	double limit; /* of the ratio; INFINITY: none */
	bool without_floor;
	enum compare_format format;
};

static const char *const formats[] = { "table", "json", NULL };

static const struct option_spec specs[] = {
	{ .name = "fail-above",
	  .key = 0x100,
	  .arg = "PERCENT",
	  .type = OPTION_TEXT,
	  .offset = offsetof(struct compare_options, fail_above),
	  .help = N_("exit with 1 if a row is slower by more than this, and not by chance") },
	{ .name = "without-floor",
	  .key = 0x102,
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct compare_options, without_floor),
	  .help = N_(
		  "let --fail-above look at rows without a floor, too, although a slower machine "
		  "then looks like a slower program") },
	{ .name = "format",
	  .key = 0x101,
	  .arg = "FORMAT",
	  .type = OPTION_CHOICE,
	  .offset = offsetof(struct compare_options, format),
	  .initial = "table",
	  .choices = formats,
	  .help = N_("what is printed: table or json") },
	{ .name = NULL },
};

static int take_file(void *values, const char *argument, struct argp_state *state)
{
	struct compare_options *o = values;

	if (o->files_n == 2)
		argp_error(state, _("'%s' is one argument too many"), argument);
	o->files[o->files_n++] = argument;
	return 0;
}

static void finish(void *values, struct argp_state *state)
{
	struct compare_options *o = values;
	char *end;

	if (o->files_n != 2)
		argp_error(state, _("two results are needed: OLD.json NEW.json"));
	o->limit = INFINITY;
	if (!o->fail_above)
		return;
	o->limit = 1 + strtod(o->fail_above, &end) / 100;
	if (end == o->fail_above || (*end && strcmp(end, "%") != 0) || !(o->limit >= 1))
		argp_error(state, _("--fail-above: '%s' is not a percentage (such as 5%%)"),
			   o->fail_above);
}

/* ---- the table ---- */

static const char *text(const json_t *row, const char *key)
{
	const char *value = json_string_value(json_object_get(row, key));

	return value ? value : "?";
}

static long long whole(const json_t *row, const char *key)
{
	return (long long)json_integer_value(json_object_get(row, key));
}

static const json_t *axes_of(const struct compare_row *row)
{
	return row->old ? row->old : row->new;
}

/* Equal in all axes but the mechanism? */
static bool same_group(const struct compare_row *a, const struct compare_row *b)
{
	size_t i;

	for (i = 0; axes_keys[i]; i++)
		if (strcmp(axes_keys[i], "backend") != 0 && strcmp(axes_keys[i], "block") != 0 &&
		    !compare_same_axis(json_object_get(axes_of(a), axes_keys[i]),
				       json_object_get(axes_of(b), axes_keys[i])))
			return false;
	return true;
}

static void add_group(struct text *line, const struct compare_row *row)
{
	const json_t *axes = axes_of(row);

	if (json_object_get(axes, "start")) {
		text_printf(line, "%s, %s", text(axes, "mode"), text(axes, "start"));
		return;
	}
	text_printf(line, _("%s, %s, %s, %lld bytes"), text(axes, "mode"), text(axes, "wait"),
		    text(axes, "placement"), whole(axes, "size_bytes"));
	if (whole(axes, "senders") > 1)
		text_printf(line, _(", %lld senders"), whole(axes, "senders"));
	if (whole(axes, "batch") > 1)
		text_printf(line, _(", batches of %lld"), whole(axes, "batch"));
	if (whole(axes, "rate_per_s") > 0)
		text_printf(line, _(", %lld a second"), whole(axes, "rate_per_s"));
	if (whole(axes, "depth") > 0)
		text_printf(line, _(", depth %lld"), whole(axes, "depth"));
}

static const char *name_of(const struct compare_row *row, char name[static 32])
{
	(void)snprintf(name, 32, "%s%s", text(axes_of(row), "backend"),
		       whole(axes_of(row), "block") > 1 ? " x16" : "");
	return name;
}

/* A median as the bench's table shows it. */
static const char *median(const struct compare_row *row, double value, char buf[static WORDS_SIZE])
{
	const struct stats_interval near = { value * row->interval.low,
					     value * row->interval.high };

	if (row->floor)
		(void)words_within(buf, value, near, 3);
	else if (strcmp(row->figure, "round_records_per_s") == 0)
		(void)words_count(buf, 1e9 / value);
	else
		(void)words_time(buf, value);
	return buf;
}

static void print_padded(const char *cell, size_t columns)
{
	struct text padded = { .at = NULL };

	text_add_padded(&padded, cell, columns);
	fputs(text_string(&padded), stdout);
	text_free(&padded);
}

static void print_row(const struct compare_row *row)
{
	const char *what = "p50";
	char name[32], old[WORDS_SIZE], new[WORDS_SIZE];
	char ratio[WORDS_SIZE], low[WORDS_SIZE], high[WORDS_SIZE], interval[48] = "-";

	printf("  %-12s ", name_of(row, name));
	if (row->verdict == COMPARE_UNKNOWN) {
		if (row->disturbed)
			printf(_("needs two quiet runs\n"));
		else if (row->old && row->new)
			printf(_("no figures to compare\n"));
		else
			printf(row->old ? _("only in the old run\n") : _("only in the new run\n"));
		return;
	}
	if (row->floor)
		what = _("x floor");
	else if (strcmp(row->figure, "round_records_per_s") == 0)
		what = _("records/s");
	else if (strcmp(row->figure, "round_mean_ns") == 0)
		what = _("mean");
	if (isfinite(row->interval.low))
		(void)snprintf(interval, sizeof interval, "%s..%s",
			       words_within(low, row->interval.low, row->interval, 3),
			       words_within(high, row->interval.high, row->interval, 3));
	print_padded(what, 9);
	printf(" %9s %9s %8s %14s %s\n", median(row, row->old_median, old),
	       median(row, row->new_median, new), words_within(ratio, row->ratio, row->interval, 3),
	       interval, _(compare_verdict_name(row->verdict)));
}

/* The end of the group that begins at AT: the first row that does not belong to it. */
static size_t group_end(const struct comparison *c, size_t at)
{
	size_t end = at;

	while (end < c->rows_n && same_group(&c->rows[at], &c->rows[end]))
		end++;
	return end;
}

/* The rows of a group that differ, below its name. */
static void print_group(const struct comparison *c, size_t at, size_t end)
{
	struct text name = { .at = NULL };
	bool begun = false;

	add_group(&name, &c->rows[at]);
	for (; at < end; at++) {
		if (c->rows[at].verdict == COMPARE_SAME)
			continue;
		if (!begun)
			printf("%s\n", text_string(&name));
		begun = true;
		print_row(&c->rows[at]);
	}
	text_free(&name);
}

/* The mechanisms of a group that do not differ, as one paragraph. */
static void print_same(const struct comparison *c, size_t at, size_t end)
{
	struct text line = { .at = NULL }, lines = { .at = NULL };
	bool begun = false;
	char name[32];

	add_group(&line, &c->rows[at]);
	for (; at < end; at++) {
		if (c->rows[at].verdict != COMPARE_SAME)
			continue;
		text_printf(&line, "%s %s", begun ? "," : ":", name_of(&c->rows[at], name));
		begun = true;
	}
	if (begun)
		text_add_wrapped(&lines, text_string(&line), 2, COLUMNS);
	fputs(text_string(&lines), stdout);
	text_free(&line);
	text_free(&lines);
}

static void print_groups(const struct comparison *c,
			 void (*print)(const struct comparison *c, size_t at, size_t end))
{
	size_t at, end;

	for (at = 0; at < c->rows_n; at = end) {
		end = group_end(c, at);
		print(c, at, end);
	}
}

/* Prints in what the two runs differ, besides what was meant to differ. */
static void print_difference(const struct comparison *c, const char *object, const char *key,
			     const char *what)
{
	json_t *a = json_object_get(c->old, "environment");
	json_t *b = json_object_get(c->new, "environment");

	a = json_object_get(object ? json_object_get(a, object) : a, key);
	b = json_object_get(object ? json_object_get(b, object) : b, key);
	if (a && b && !json_equal(a, b) && json_is_string(a) && json_is_string(b))
		printf(_("The two runs differ in %s:\n  %s\n  %s\n"), _(what), json_string_value(a),
		       json_string_value(b));
}

__attribute__((format(printf, 2, 0))) static void print_warnings(const json_t *run,
								 const char *which)
{
	const json_t *warnings = json_object_get(json_object_get(run, "environment"), "warnings");
	const json_t *warning;
	size_t i;

	json_array_foreach(warnings, i, warning)
	{
		if (json_is_string(warning))
			printf(which, json_string_value(warning));
	}
}

static void print_header(void)
{
	struct text line = { .at = NULL };

	text_add(&line, "  ");
	text_add_padded(&line, _("mechanism"), 13);
	text_add_padded(&line, _("figure"), 9);
	text_add_right(&line, _("old"), 10);
	text_add_right(&line, _("new"), 10);
	text_add_right(&line, _("new/old"), 9);
	/* xgettext:no-c-format */
	text_add_right(&line, _("99% interval"), 15);
	printf("%s\n", text_string(&line));
	text_free(&line);
}

static void print_rows(const struct comparison *c)
{
	if (c->counts[COMPARE_SAME] < c->rows_n) {
		print_header();
		print_groups(c, print_group);
		putchar('\n');
	}
	if (c->counts[COMPARE_SAME] > 0) {
		puts(_("No difference shown:"));
		print_groups(c, print_same);
		putchar('\n');
	}
}

static void print_table(const struct comparison *c)
{
	char percent[WORDS_SIZE];

	print_rows(c);
	notes_wrap(
		stdout,
		_("new/old: above 1 is slower, in throughput too; the median of all pairs of "
		  "rounds (Hodges-Lehmann), of the ratio to the floor where both runs have one. "
		  "Better and worse: by a Mann-Whitney U test of the rounds, corrected for the "
		  "number of rows (Holm); at most one comparison in a hundred says so by chance."),
		COLUMNS);
	if (isfinite(c->resolution))
		printf(_("Half of the rows cannot show less than %s%%; more rounds show more.\n"),
		       words_two_digits(percent, 100 * c->resolution));
	if (!c->quiet)
		notes_wrap(stdout,
			   _("A run was not quiet: a difference is believed only above 2%. Rows "
			     "whose receiver stays awake, or whose library has threads, are not "
			     "compared: what they take depends on what else runs."),
			   COLUMNS);
	print_warnings(c->old, _("Not quiet, old run: %s.\n"));
	print_warnings(c->new, _("Not quiet, new run: %s.\n"));
	print_difference(c, "cpu", "model", N_("the CPU"));
	print_difference(c, "kernel", "release", N_("the kernel"));
	print_difference(c, NULL, "compiler", N_("the compiler"));
	print_difference(c, NULL, "cflags", N_("the compiler's flags"));
	printf(_("\n%zu rows: %zu worse, %zu better, %zu with no difference shown, %zu not "
		 "compared.\n"),
	       c->rows_n, c->counts[COMPARE_WORSE], c->counts[COMPARE_BETTER],
	       c->counts[COMPARE_SAME], c->counts[COMPARE_UNKNOWN]);
}

/* ---- rows for machines ---- */

static json_t *real(double value)
{
	return isfinite(value) && value > 0 ? json_real(value) : json_null();
}

static json_t *row_json(const struct compare_row *row)
{
	json_t *out = json_object();
	size_t i;

	for (i = 0; axes_keys[i]; i++)
		json_object_set(out, axes_keys[i], json_object_get(axes_of(row), axes_keys[i]));
	json_object_set_new(out, "figure", row->figure ? json_string(row->figure) : json_null());
	json_object_set_new(out, "old_median", real(row->old_median));
	json_object_set_new(out, "new_median", real(row->new_median));
	json_object_set_new(out, "ratio", real(row->ratio));
	json_object_set_new(out, "ratio_ci99",
			    isfinite(row->interval.low) && row->interval.low > 0 ?
				    json_pack("[f, f]", row->interval.low, row->interval.high) :
				    json_null());
	json_object_set_new(out, "p", json_real(row->p));
	json_object_set_new(out, "rounds",
			    json_pack("[I, I]", (json_int_t)row->old_n, (json_int_t)row->new_n));
	json_object_set_new(out, "verdict", json_string(compare_verdict_name(row->verdict)));
	return out;
}

static void print_json(const struct comparison *c)
{
	const size_t *counts = c->counts;
	json_t *result = json_pack("{s:s, s:I, s:I, s:I, s:I, s:b, s:o}", "schema",
				   "ipcdemo-compare/1", "worse", (json_int_t)counts[COMPARE_WORSE],
				   "better", (json_int_t)counts[COMPARE_BETTER], "no_difference",
				   (json_int_t)counts[COMPARE_SAME], "not_compared",
				   (json_int_t)counts[COMPARE_UNKNOWN], "quiet", c->quiet,
				   "resolution", real(c->resolution));
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < c->rows_n; i++)
		json_array_append_new(list, row_json(&c->rows[i]));
	json_object_set_new(result, "rows", list);
	(void)json_dumpf(result, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
	(void)fputc('\n', stdout);
	json_decref(result);
}

/* ---- the command ---- */

/* A gate that judges nothing would let everything pass. */
static int refuse_blind_gate(const struct comparison *c)
{
	if (c->disturbed == 0 || c->counts[COMPARE_UNKNOWN] < c->rows_n)
		return EXIT_ALL_DONE;
	fprintf(stderr,
		_("ipcdemo compare: --fail-above: no row can be judged, since a run was not "
		  "quiet: measure again, or measure with --wait=block\n"));
	return EXIT_USAGE;
}

/* If the machine changed, every row of a run without floors is slower: the gate would err. */
static int refuse_gate(const struct comparison *c)
{
	size_t i, n = 0;

	for (i = 0; i < c->rows_n; i++)
		n += c->rows[i].verdict != COMPARE_UNKNOWN && !c->rows[i].floor;
	if (n > 0)
		fprintf(stderr,
			ngettext("ipcdemo compare: --fail-above: %zu row has no floor in both "
				 "runs, so a slower machine would look like a slower program; "
				 "measure with bench --floor, or add --without-floor\n",
				 "ipcdemo compare: --fail-above: %zu rows have no floor in both "
				 "runs, so a slower machine would look like a slower program; "
				 "measure with bench --floor, or add --without-floor\n",
				 n),
			n);
	return n > 0 ? EXIT_USAGE : EXIT_ALL_DONE;
}

static int print(const struct compare_options *o, const struct comparison *c)
{
	size_t i, failed = 0;

	for (i = 0; i < c->rows_n; i++)
		failed += c->rows[i].verdict == COMPARE_WORSE && c->rows[i].ratio > o->limit;
	if (o->format == JSON)
		print_json(c);
	else
		print_table(c);
	if (fflush(stdout) != 0) {
		fprintf(stderr, _("ipcdemo compare: cannot write standard output\n"));
		return EXIT_JOB_FAILED;
	}
	if (failed > 0)
		fprintf(stderr,
			ngettext("ipcdemo compare: %zu row is slower by more than %g%%\n",
				 "ipcdemo compare: %zu rows are slower by more than %g%%\n",
				 failed),
			failed, 100 * (o->limit - 1));
	return failed > 0 ? EXIT_JOB_FAILED : EXIT_ALL_DONE;
}

static int compare(const struct compare_options *o, struct comparison *c)
{
	int status = EXIT_ALL_DONE;

	if (compare_rows(c) < 0) {
		fprintf(stderr, _("ipcdemo compare: out of memory\n"));
		return EXIT_INTERNAL;
	}
	if (o->fail_above)
		status = refuse_blind_gate(c);
	if (status == EXIT_ALL_DONE && o->fail_above && !o->without_floor)
		status = refuse_gate(c);
	return status ? status : print(o, c);
}

int cmd_compare(int argc, char **argv)
{
	static const struct command_options command = {
		.usage = "OLD.json NEW.json",
		.doc = N_("Compares two results of ipcdemo bench --format=json, row by row."),
		.end = N_(
			"A row is better or worse where a Mann-Whitney U test of its rounds says "
			"so at a level of 1 %, corrected for the number of rows (Holm); where a "
			"run was not quiet, by more than 2 %, too, and rows whose time depends on "
			"what else runs are not compared.\nExit status: 0 compared, 1 "
			"--fail-above and a row is slower by more, 2 usage, 4 internal error."),
		.specs = specs,
		.argument = take_file,
		.finish = finish,
	};
	struct compare_options o = { .files_n = 0 };
	struct comparison c = { .rows = NULL };
	int status = EXIT_USAGE;

	options_parse(&command, &o, argc, argv);
	c.old = compare_read(o.files[0]);
	c.new = c.old ? compare_read(o.files[1]) : NULL;
	if (c.new)
		status = compare(&o, &c);
	free(c.rows);
	json_decref(c.old);
	json_decref(c.new);
	return status;
}
