/* SPDX-License-Identifier: MIT */
/*
 * compare.c - see compare.h
 *
 * Compares figures per round, never single samples: samples of one round share its processes and
 * its moment, so a million of them are not a million observations. If both runs have a floor, it
 * compares the ratios to the floor, in which changes of the machine cancel out.
 */
#include "config.h"

#include "bench/compare.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/axes.h"
#include "common/language.h"

#define NOISE 0.02 /* if a run was not quiet, a smaller difference counts as equal */

json_t *compare_read(const char *path)
{
	FILE *file = fopen(path, "re");
	json_error_t error;
	const char *schema;
	json_t *result;

	if (!file) {
		fprintf(stderr, _("ipcdemo compare: %s: %s\n"), path, language_errno(errno));
		return NULL;
	}
	result = json_loadf(file, JSON_REJECT_DUPLICATES, &error);
	(void)fclose(file); /* it was only read */
	if (!result) {
		fprintf(stderr, _("ipcdemo compare: %s: %s\n"), path, error.text);
		return NULL;
	}
	schema = json_string_value(json_object_get(result, "schema"));
	if (schema && strcmp(schema, SCHEMA) == 0 &&
	    json_is_array(json_object_get(result, "results")))
		return result;
	fprintf(stderr, _("ipcdemo compare: %s: not a result of ipcdemo bench --format=json\n"),
		path);
	json_decref(result);
	return NULL;
}

static bool is_ours(const json_t *row)
{
	const char *api = json_string_value(json_object_get(row, "api"));

	return json_is_object(row) && api && strcmp(api, "ipc") == 0;
}

/* Results of earlier versions lack later axes, whose value was 0 then. */
bool compare_same_axis(const json_t *a, const json_t *b)
{
	if (a && b)
		return json_equal(a, b);
	return (!a || json_integer_value(a) == 0) && (!b || json_integer_value(b) == 0);
}

static bool same_axes(const json_t *a, const json_t *b)
{
	size_t i;

	for (i = 0; axes_keys[i]; i++)
		if (!compare_same_axis(json_object_get(a, axes_keys[i]),
				       json_object_get(b, axes_keys[i])))
			return false;
	return true;
}

static const json_t *find(const json_t *results, const json_t *wanted)
{
	const json_t *row;
	size_t i;

	json_array_foreach(results, i, row)
	{
		if (is_ours(row) && same_axes(row, wanted))
			return row;
	}
	return NULL;
}

/* Are the figures of ROW under KEY rates (more is better)? Ratios of earlier versions were. */
static bool are_rates(const json_t *row, const char *key)
{
	const char *of = json_string_value(json_object_get(row, "floor_ratio_of"));

	return strcmp(key, "round_records_per_s") == 0 ||
	       (strcmp(key, "round_floor_ratio") == 0 && of && strcmp(of, "records_per_s") == 0);
}

/* The positive figures of ROW under KEY as times, sorted: a new array of *N. NULL: no memory. */
static double *figures(const json_t *row, const char *key, size_t *n)
{
	const json_t *list = json_object_get(row, key), *value;
	double *all = calloc(json_array_size(list) + 1, sizeof *all);
	bool rates = are_rates(row, key);
	double per = strcmp(key, "round_records_per_s") == 0 ? 1e9 : 1; /* ns, or a ratio */
	size_t i;

	*n = 0;
	json_array_foreach(list, i, value)
	{
		double figure = json_is_number(value) ? json_number_value(value) : 0;

		if (all && figure > 0)
			all[(*n)++] = rates ? per / figure : figure;
	}
	if (all)
		stats_sort(all, *n);
	return all;
}

static bool has(const json_t *row, const char *key)
{
	return json_array_size(json_object_get(row, key)) > 0;
}

/* The most precise figure that both have. */
static const char *choose(const json_t *old, const json_t *new)
{
	static const char *const keys[] = { "round_floor_ratio", "round_records_per_s",
					    "round_p50_ns" };
	const char *of = json_string_value(json_object_get(old, "floor_ratio_of"));
	size_t i;

	for (i = 0; i < sizeof keys / sizeof keys[0]; i++)
		if (has(old, keys[i]) && has(new, keys[i])) {
			/*
			 * Near the clock's resolution the mean is more precise, as for the ratio.
			 */
			if (strcmp(keys[i], "round_p50_ns") == 0 &&
			    ((of && strcmp(of, "mean_ns") == 0) ||
			     json_integer_value(json_object_get(old, "block")) > 1))
				return "round_mean_ns";
			return keys[i];
		}
	return NULL;
}

/*
 * Does its time depend on who else wants a CPU? A receiver that stays awake shares one with them,
 * and so do a library's own threads, whose calls nobody can count. Their figures may be the same in
 * all rounds of a run and others in the next: rounds cannot tell that from a change of the program.
 */
static bool needs_quiet(const json_t *row)
{
	const char *wait = json_string_value(json_object_get(row, "wait"));

	return (wait && strcmp(wait, "block") != 0) ||
	       json_is_null(json_object_get(row, "syscalls_per_record"));
}

static int compare(struct compare_row *row)
{
	double *old, *new, *scratch = NULL;
	int rc = -ENOMEM;

	row->ratio = NAN;
	row->p = 1;
	row->verdict = COMPARE_UNKNOWN;
	row->figure = row->old && row->new ? choose(row->old, row->new) : NULL;
	if (!row->figure)
		return 0;
	row->floor = strcmp(row->figure, "round_floor_ratio") == 0;
	old = figures(row->old, row->figure, &row->old_n);
	new = figures(row->new, row->figure, &row->new_n);
	if (old && new)
		scratch = calloc(row->old_n * row->new_n + 1, sizeof *scratch);
	if (scratch) {
		const struct stats_pair pair = { old, row->old_n, new, row->new_n };

		row->p = stats_mann_whitney(old, row->old_n, new, row->new_n);
		row->ratio = stats_ratio(&pair, 1 - COMPARE_LEVEL, &row->interval, scratch);
		if (isfinite(row->ratio)) {
			row->old_median = stats_median(old, row->old_n);
			row->new_median = stats_median(new, row->new_n);
			row->verdict = COMPARE_SAME;
		}
		rc = 0;
	}
	free(old);
	free(new);
	free(scratch);
	return rc;
}

static int by_p(const void *left, const void *right)
{
	const struct compare_row *a = *(struct compare_row *const *)left;
	const struct compare_row *b = *(struct compare_row *const *)right;

	return (a->p > b->p) - (a->p < b->p);
}

/*
 * Holm's correction: of 26 rows one has p < 0.04 by chance alone. The smallest p is multiplied by
 * the number of rows, the next by one less, and so on.
 */
static int correct(struct comparison *c)
{
	struct compare_row **order = calloc(c->rows_n + 1, sizeof *order);
	double least = 0;
	size_t n = 0, i;

	if (!order)
		return -ENOMEM;
	for (i = 0; i < c->rows_n; i++)
		if (c->rows[i].verdict != COMPARE_UNKNOWN)
			order[n++] = &c->rows[i];
	qsort(order, n, sizeof *order, by_p);
	for (i = 0; i < n; i++) {
		least = fmax(least, fmin(1, order[i]->p * (double)(n - i)));
		order[i]->p = least;
	}
	free(order);
	return 0;
}

static void leave_out(struct comparison *c, struct compare_row *row)
{
	row->disturbed = row->verdict != COMPARE_UNKNOWN &&
			 (needs_quiet(row->old) || needs_quiet(row->new));
	if (!row->disturbed)
		return;
	row->verdict = COMPARE_UNKNOWN;
	c->disturbed++;
}

static void decide(struct compare_row *row, bool quiet)
{
	double noise = quiet ? 0 : NOISE;

	if (row->verdict == COMPARE_UNKNOWN || row->p >= COMPARE_LEVEL)
		return;
	if (row->interval.low > 1 + noise)
		row->verdict = COMPARE_WORSE;
	else if (row->interval.high < 1 / (1 + noise))
		row->verdict = COMPARE_BETTER;
}

/* Half the width of the intervals, the median over the rows. */
static double resolution_of(const struct comparison *c)
{
	double *widths = calloc(c->rows_n + 1, sizeof *widths), median;
	size_t i;

	for (i = 0; widths && i < c->rows_n; i++) {
		const struct stats_interval *ci = &c->rows[i].interval;

		widths[i] = c->rows[i].verdict == COMPARE_UNKNOWN ? NAN :
								    sqrt(ci->high / ci->low) - 1;
	}
	median = stats_median_of(widths, widths ? c->rows_n : 0, sizeof *widths, NULL);
	free(widths);
	return median;
}

static bool was_quiet(const json_t *run)
{
	return !json_is_false(json_object_get(json_object_get(run, "environment"), "quiet"));
}

/* All rows of ours in either run. */
static int match(struct comparison *c)
{
	const json_t *left = json_object_get(c->old, "results");
	const json_t *right = json_object_get(c->new, "results");
	const json_t *row;
	size_t i;

	c->rows = calloc(json_array_size(left) + json_array_size(right) + 1, sizeof *c->rows);
	if (!c->rows)
		return -ENOMEM;
	json_array_foreach(left, i, row)
	{
		if (is_ours(row))
			c->rows[c->rows_n++] =
				(struct compare_row){ .old = row, .new = find(right, row) };
	}
	json_array_foreach(right, i, row)
	{
		if (is_ours(row) && !find(left, row))
			c->rows[c->rows_n++] = (struct compare_row){ .new = row };
	}
	return 0;
}

int compare_rows(struct comparison *c)
{
	size_t i;
	int rc = match(c);

	c->quiet = was_quiet(c->old) && was_quiet(c->new);
	for (i = 0; i < c->rows_n && rc == 0; i++)
		rc = compare(&c->rows[i]);
	for (i = 0; i < c->rows_n && !c->quiet; i++)
		leave_out(c, &c->rows[i]);
	if (rc == 0)
		rc = correct(c);
	c->resolution = resolution_of(c);
	for (i = 0; i < c->rows_n; i++) {
		decide(&c->rows[i], c->quiet);
		c->counts[c->rows[i].verdict]++;
	}
	return rc;
}

const char *compare_verdict_name(enum compare_verdict verdict)
{
	static const char *const names[] = { N_("no difference shown"), N_("better"), N_("worse"),
					     N_("not compared") };

	return names[verdict];
}
