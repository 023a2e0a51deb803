/* SPDX-License-Identifier: MIT */
/*
 * write.h - what is written of a finished run.
 */
#ifndef IPCDEMO_BENCH_OUT_H
#define IPCDEMO_BENCH_OUT_H

#include <stdio.h>

#include <jansson.h>

#include "bench/bench.h"

/* All figures of all rows, computed once for all writers: [plan.rows_n]. NULL: no memory. */
struct bench_figures *bench_all_figures(struct bench *bench);
void bench_all_figures_free(const struct bench *bench, struct bench_figures *figures);

/*
 * The result as schema "ipcdemo-bench/1". ENVIRONMENT is borrowed. WITH_CURVES adds each row's
 * percentile curve, for the page. A new reference; NULL: no memory.
 */
json_t *bench_json(const struct bench *bench, const struct bench_figures *figures,
		   json_t *environment, bool with_curves);

/* For people: within COLUMNS columns. */
void bench_table(FILE *out, const struct bench *bench, const struct bench_figures *figures,
		 const json_t *environment, unsigned columns);

/* What stands below the tables. */
void bench_notes(FILE *out, const struct bench *bench, const struct bench_figures *figures,
		 const json_t *environment, unsigned columns);

/* One line a row, a header first (RFC 4180). */
void bench_csv(FILE *out, const struct bench *bench, const struct bench_figures *figures);

/*
 * One file a row with samples, as HdrHistogram prints percentiles: PATH itself if there is one
 * row, else with the row's axes put before its suffix. 0 or -errno, and then FAILED is the file's
 * name.
 */
int hgrm_write(const char *path, const struct bench *bench, const struct bench_figures *figures,
	       char failed[static 4096]);

/* The page. RESULT is bench_json's, with curves. 0 or -errno. */
int report_write(const char *path, const json_t *result);

/* The bare cache line's round trip between two CPUs, median over rounds. NAN: only one CPU. */
double bench_line_ns(const struct bench *bench);

/* "1.23 us": a time for people, in BUF of BENCH_TIME. "-" for NAN. */
#define BENCH_TIME 16
char *bench_time(char buf[static BENCH_TIME], double ns);
/* "1.50 M", "812 k". */
char *bench_count(char buf[static BENCH_TIME], double count);

/*
 * One sentence: what the latencies of this run mean. Computed, not canned. "" when it shows
 * nothing.
 */
void bench_meaning(char *text, size_t size, const struct bench *bench,
		   const struct bench_figures *figures);

#endif
