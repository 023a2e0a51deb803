/* SPDX-License-Identifier: MIT */
/*
 * write.h - the writers of a finished run. FIGURES are figures_all's; ENVIRONMENT is
 * machine_record's.
 */
#ifndef IPCDEMO_WRITE_H
#define IPCDEMO_WRITE_H

#include <stdio.h>

#include <jansson.h>

#include "bench/figures.h"
#include "common/text.h"

/* What all writers need. Borrowed. */
struct result {
	const struct bench *bench;
	const struct figures *figures; /* [bench->plan.rows_n] */
	json_t *environment;
};

/* As SCHEMA. CURVES adds each row's percentiles, for the page. A new reference. */
json_t *json_result(const struct result *result, bool curves);

/* For people: within COLUMNS columns. notes_print writes what stands below the tables. */
void table_print(FILE *out, const struct result *result, unsigned columns);
void notes_print(FILE *out, const struct result *result, unsigned columns);
/* A line of TEXT, wrapped at COLUMNS; later lines are indented. */
void notes_wrap(FILE *out, const char *text, unsigned columns);
/* In the place of ROW's figures, on a line of which USED columns are full; else below it. */
void notes_reason(FILE *out, const struct row *row, size_t used, unsigned columns);
/* A line for each reason why something of PLAN was left out, after PREFIX. */
void notes_left_out(FILE *out, const struct plan *plan, const char *prefix, unsigned columns);

/* One line a row, a header first (RFC 4180). */
void csv_print(FILE *out, const struct result *result);

/*
 * One file a row with samples, as HdrHistogram prints percentiles: PATH itself if there is one
 * row, else with the row's axes before its suffix. 0 or -errno, and then FAILED is the file's name.
 */
int hgrm_write(const char *path, const struct result *result, char failed[static 4096]);

/* The page at PATH. JSON is json_result's, with curves. 0 or -errno. */
int html_write(const char *path, const json_t *json);

#define WORDS_SIZE 16
/* "1.23 us": a time of NS nanoseconds, in BUF. "-" for NAN. */
char *words_time(char buf[static WORDS_SIZE], double ns);
/* "1.50 M", "812 k". */
char *words_count(char buf[static WORDS_SIZE], double count);

/* A factor or a percentage: "0.3", "5.4", "62", "560". */
char *words_two_digits(char buf[static WORDS_SIZE], double value);
/* VALUE with as many digits as its interval supports: at least two, and MOST behind the point. */
char *words_within(char buf[static WORDS_SIZE], double value, struct stats_interval ci, int most);

/* Why nothing may be concluded from this run's figures, as a sentence; NULL: it may. */
const char *words_inconclusive(const struct result *result);

/* Adds to TEXT the former, or sentences on what this run's figures show; none if nothing. */
void words_meaning(struct text *text, const struct result *result);

#endif
