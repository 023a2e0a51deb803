/* SPDX-License-Identifier: MIT */
/*
 * compare.c - see compare.h
 *
 * What is compared are figures per round, never single samples: samples of one round share its
 * processes and its moment, so a million of them are not a million observations. Where both
 * runs have a floor, it is the ratio to that, in which the machine's own mood cancels out.
 */
#include "config.h"

#include "bench/compare.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCHEMA "ipcdemo-bench/1"

static const char *const axes[] = { "backend", "mode",  "wait",  "placement", "size_bytes",
				    "senders", "batch", "block", "rate_per_s" };

json_t *compare_read(const char *path)
{
	FILE *file = fopen(path, "re");
	json_error_t error;
	const char *schema;
	json_t *result;

	if (!file) {
		fprintf(stderr, "ipcdemo compare: %s: %s\n", path, strerror(errno));
		return NULL;
	}
	result = json_loadf(file, JSON_REJECT_DUPLICATES, &error);
	(void)fclose(file); /* it was only read */
	if (!result) {
		fprintf(stderr, "ipcdemo compare: %s: %s\n", path, error.text);
		return NULL;
	}
	schema = json_string_value(json_object_get(result, "schema"));
	if (schema && strcmp(schema, SCHEMA) == 0 &&
	    json_is_array(json_object_get(result, "results")))
		return result;
	fprintf(stderr, "ipcdemo compare: %s: not a result of ipcdemo bench --format=json\n", path);
	json_decref(result);
	return NULL;
}

static bool is_ours(const json_t *row)
{
	const char *api = json_string_value(json_object_get(row, "api"));

	return json_is_object(row) && api && strcmp(api, "ipc") == 0;
}

static bool same_axes(const json_t *a, const json_t *b)
{
	size_t i;

	for (i = 0; i < sizeof axes / sizeof axes[0]; i++) {
		json_t *left = json_object_get(a, axes[i]), *right = json_object_get(b, axes[i]);

		if (left && right ? !json_equal(left, right) : left != right)
			return false;
	}
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

/* The positive figures of ROW's array KEY, appended to nothing: a new array of *N. NULL: none. */
static double *figures(const json_t *row, const char *key, size_t *n)
{
	const json_t *list = json_object_get(row, key), *value;
	double *all = calloc(json_array_size(list) + 1, sizeof *all);
	size_t i;

	*n = 0;
	json_array_foreach(list, i, value)
	{
		if (all && json_is_number(value) && json_number_value(value) > 0)
			all[(*n)++] = json_number_value(value);
	}
	return all;
}

static bool has(const json_t *row, const char *key)
{
	return json_array_size(json_object_get(row, key)) > 0;
}

/* The best figure that both have. */
static const char *choose(const json_t *old, const json_t *new)
{
	static const char *const keys[] = { "round_floor_ratio", "round_records_per_s",
					    "round_p50_ns" };
	const char *of = json_string_value(json_object_get(old, "floor_ratio_of"));
	size_t i;

	for (i = 0; i < sizeof keys / sizeof keys[0]; i++)
		if (has(old, keys[i]) && has(new, keys[i])) {
			/* Near the clock the mean is the finer figure, as for the ratio. */
			if (strcmp(keys[i], "round_p50_ns") == 0 &&
			    ((of && strcmp(of, "mean_ns") == 0) ||
			     json_integer_value(json_object_get(old, "block")) > 1))
				return "round_mean_ns";
			return keys[i];
		}
	return NULL;
}

/* A rate, or a ratio of rates: more is better. */
static bool more_is_better(const json_t *row)
{
	const char *mode = json_string_value(json_object_get(row, "mode"));

	return mode && strcmp(mode, "throughput") == 0;
}

static void judge(struct compare_row *row)
{
	if (!isfinite(row->ratio))
		row->verdict = COMPARE_UNKNOWN;
	else if (row->p >= COMPARE_LEVEL)
		row->verdict = COMPARE_SAME;
	else
		row->verdict = row->ratio > 1 ? COMPARE_WORSE : COMPARE_BETTER;
}

static int compare(struct compare_row *row)
{
	double *old, *new, *scratch = NULL;
	struct stats_pair pair;
	int rc = -ENOMEM;

	row->ratio = NAN;
	row->p = 1;
	row->figure = row->old && row->new ? choose(row->old, row->new) : NULL;
	if (!row->figure) {
		judge(row);
		return 0;
	}
	old = figures(row->old, row->figure, &row->old_n);
	new = figures(row->new, row->figure, &row->new_n);
	if (old && new)
		scratch = calloc(row->old_n * row->new_n + 1, sizeof *scratch);
	if (scratch) {
		pair = (struct stats_pair){ old, row->old_n, new, row->new_n };
		if (more_is_better(row->old))
			pair = (struct stats_pair){ new, row->new_n, old, row->old_n };
		row->p = stats_mann_whitney(old, row->old_n, new, row->new_n);
		row->ratio = stats_ratio(&pair, 1 - COMPARE_LEVEL, &row->interval, scratch);
		judge(row);
		rc = 0;
	}
	free(old);
	free(new);
	free(scratch);
	return rc;
}

int compare_rows(const json_t *old, const json_t *new, struct compare_row **rows, size_t *n)
{
	const json_t *left = json_object_get(old, "results");
	const json_t *right = json_object_get(new, "results");
	const json_t *row;
	size_t i;

	*n = 0;
	*rows = calloc(json_array_size(left) + json_array_size(right) + 1, sizeof **rows);
	if (!*rows)
		return -ENOMEM;
	json_array_foreach(left, i, row)
	{
		if (is_ours(row))
			(*rows)[(*n)++] =
				(struct compare_row){ .old = row, .new = find(right, row) };
	}
	json_array_foreach(right, i, row)
	{
		if (is_ours(row) && !find(left, row))
			(*rows)[(*n)++] = (struct compare_row){ .new = row };
	}
	for (i = 0; i < *n; i++)
		if (compare(&(*rows)[i]) < 0)
			return -ENOMEM;
	return 0;
}

const char *compare_verdict_name(enum compare_verdict verdict)
{
	static const char *const names[] = { "no difference shown", "better", "worse",
					     "not compared" };

	return names[verdict];
}
