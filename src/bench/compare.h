/* SPDX-License-Identifier: MIT */
/*
 * compare.h - two results of `ipcdemo bench`, row by row.
 */
#ifndef IPCDEMO_COMPARE_H
#define IPCDEMO_COMPARE_H

#include <stddef.h>

#include <jansson.h>

#include "bench/stats.h"

#define COMPARE_LEVEL 0.01 /* of the test: one false alarm in a hundred rows */

enum compare_verdict { COMPARE_SAME, COMPARE_BETTER, COMPARE_WORSE, COMPARE_UNKNOWN };

struct compare_row {
	const json_t *old, *new; /* borrowed; NULL: this run lacks it */
	const char *figure;      /* what is compared: the key of an array with a value per round */
	size_t old_n, new_n;     /* rounds */
	double ratio;            /* of time: NEW / OLD, above 1 is slower; also for rates */
	struct stats_interval interval; /* of confidence 1 - COMPARE_LEVEL */
	double p;
	enum compare_verdict verdict; /* UNKNOWN: one side has no figures */
};

/* A result file. NULL after one line on stderr that says what is wrong with PATH. */
json_t *compare_read(const char *path);

/*
 * Matches the rows of OLD and NEW by their axes and compares them; floors only serve as such and
 * are left out. *ROWS is the caller's to free. 0 or -ENOMEM.
 */
int compare_rows(const json_t *old, const json_t *new, struct compare_row **rows, size_t *n);

const char *compare_verdict_name(enum compare_verdict verdict);

#endif
