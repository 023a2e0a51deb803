/* SPDX-License-Identifier: MIT */
/*
 * compare.h - two results of `ipcdemo bench`, row by row.
 */
#ifndef IPCDEMO_COMPARE_H
#define IPCDEMO_COMPARE_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "bench/stats.h"

#define COMPARE_LEVEL 0.01 /* one false alarm in a hundred comparisons of two results */

enum compare_verdict { COMPARE_SAME, COMPARE_BETTER, COMPARE_WORSE, COMPARE_UNKNOWN };

struct compare_row {
	const json_t *old, *new; /* borrowed; NULL: this run lacks it */
	const char *figure;      /* what is compared: the key of an array with a value per round */
	bool floor;              /* it is a ratio to the floor */
	size_t old_n, new_n;     /* rounds */
	double old_median, new_median;  /* of times or ratios of times, also for rates: ns */
	double ratio;                   /* NEW / OLD, above 1 is slower */
	struct stats_interval interval; /* of confidence 1 - COMPARE_LEVEL */
	double p;                       /* corrected for the number of rows */
	enum compare_verdict verdict;   /* UNKNOWN: one side has no figures, or ... */
	bool disturbed; /* ... a run was not quiet, and the row's figures depend on that */
};

struct comparison {
	json_t *old, *new; /* borrowed */
	struct compare_row *rows;
	size_t rows_n;
	size_t counts[COMPARE_UNKNOWN + 1]; /* of each verdict */
	bool quiet;                         /* no other program disturbed either run */
	size_t disturbed;                   /* rows; see struct compare_row */
	double resolution; /* a smaller difference cannot be shown in half of the rows; NAN */
};

/* A result file. NULL after one line on stderr that says what is wrong with PATH. */
json_t *compare_read(const char *path);

/*
 * Matches the rows of c->old and c->new by their axes and compares them, except the floors. The
 * caller frees c->rows. 0 or -ENOMEM.
 */
int compare_rows(struct comparison *c);

/* Are two values of an axis the same? NULL: an earlier version, in which it was 0. */
bool compare_same_axis(const json_t *a, const json_t *b);

const char *compare_verdict_name(enum compare_verdict verdict);

#endif
