/* SPDX-License-Identifier: MIT */
/*
 * table.c - the result for people.
 *
 * Columns are a table, too: each says what it shows and how gladly it is given up on a narrow
 * terminal. How the receiver waits and where the two ends run is never given up.
 */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/axes.h"
#include "bench/write/write.h"

#define CELL 40
#define KEEP 0 /* rank of a column that stays whatever the width */

struct table_row {
	const struct row *row;
	const struct figures *f;
};

struct column {
	const char *title;
	int width;   /* negative: left-aligned */
	int rank;    /* the greatest goes first when it is narrow */
	unsigned in; /* bits of modes */
	void (*cell)(char cell[static CELL], const struct table_row *line);
	bool (*varies)(const struct bench *bench); /* NULL: always shown */
};

/* ---- cells ---- */

static void cell_name(char cell[static CELL], const struct table_row *l)
{
	(void)snprintf(cell, CELL, "%s%s%s", l->row->axes.backend,
		       l->row->axes.block > 1 ? " x16" : "",
		       l->row->axes.api == API_FLOOR ? " floor" : "");
}

static void cell_wait(char cell[static CELL], const struct table_row *l)
{
	(void)snprintf(cell, CELL, "%s", wait_name(l->row->axes.wait));
}

static void cell_place(char cell[static CELL], const struct table_row *l)
{
	(void)snprintf(cell, CELL, "%s", l->row->axes.place.name);
}

static void cell_size(char cell[static CELL], const struct table_row *l)
{
	(void)snprintf(cell, CELL, "%zu", l->row->axes.size);
}

static void cell_senders(char cell[static CELL], const struct table_row *l)
{
	(void)snprintf(cell, CELL, "%u", l->row->axes.senders);
}

static void cell_batch(char cell[static CELL], const struct table_row *l)
{
	(void)snprintf(cell, CELL, "%u", l->row->axes.batch);
}

#define TIME_CELL(name, member)                                             \
 static void cell_##name(char cell[static CELL], const struct table_row *l) \
 {                                                                          \
  (void)words_time(cell, l->f->member);                                     \
 }

TIME_CELL(p50, p50)
TIME_CELL(mean, mean)
TIME_CELL(cpu, costs.cpu_ns)

/* In blocks a sample is itself a mean, and its tail says nothing of single round trips. */
#define TAIL_CELL(name, member)                                             \
 static void cell_##name(char cell[static CELL], const struct table_row *l) \
 {                                                                          \
  (void)words_time(cell, l->row->axes.block > 1 ? NAN : l->f->member);      \
 }

TAIL_CELL(min, min)
TAIL_CELL(p90, p90)
TAIL_CELL(p99, p99)
TAIL_CELL(p999, p999)
TAIL_CELL(max, max)

static void cell_ci(char cell[static CELL], const struct table_row *l)
{
	char low[WORDS_SIZE], high[WORDS_SIZE];

	if (!isfinite(l->f->p50_ci.low))
		(void)snprintf(cell, CELL, "-");
	else
		(void)snprintf(cell, CELL, "%s..%s", words_time(low, l->f->p50_ci.low),
			       words_time(high, l->f->p50_ci.high));
}

static void cell_rate(char cell[static CELL], const struct table_row *l)
{
	(void)words_count(cell, l->f->rate);
}

static void cell_rate_ci(char cell[static CELL], const struct table_row *l)
{
	char low[WORDS_SIZE], high[WORDS_SIZE];

	(void)snprintf(cell, CELL, "%s..%s", words_count(low, l->f->rate_ci.low),
		       words_count(high, l->f->rate_ci.high));
}

static void cell_bytes(char cell[static CELL], const struct table_row *l)
{
	char count[WORDS_SIZE];

	(void)snprintf(cell, CELL, "%sB", words_count(count, l->f->bytes));
}

static void cell_fine(char cell[static CELL], double value, const char *format)
{
	if (isfinite(value))
		(void)snprintf(cell, CELL, format[0] == 'r' ? "%.3f" : "%.2f", value);
	else
		(void)snprintf(cell, CELL, "-");
}

static void cell_calls(char cell[static CELL], const struct table_row *l)
{
	cell_fine(cell, l->f->costs.syscalls, "n");
}

static void cell_ctxsw(char cell[static CELL], const struct table_row *l)
{
	cell_fine(cell, l->f->costs.ctxsw, "n");
}

static void cell_line(char cell[static CELL], const struct table_row *l)
{
	(void)words_time(cell, l->f->cache_line);
}

static void cell_ratio(char cell[static CELL], const struct table_row *l)
{
	cell_fine(cell, l->f->ratio, "r");
}

static void cell_ratio_ci(char cell[static CELL], const struct table_row *l)
{
	if (isfinite(l->f->ratio_ci.low))
		(void)snprintf(cell, CELL, "%.3f..%.3f", l->f->ratio_ci.low, l->f->ratio_ci.high);
	else
		(void)snprintf(cell, CELL, "-");
}

/* ---- which columns ---- */

#define VARIES(name, list)                            \
 static bool varies_##name(const struct bench *bench) \
 {                                                    \
  return bench->options->list##_n > 1;                \
 }

VARIES(size, sizes)
VARIES(senders, senders)
VARIES(batch, batches)

static bool has_floor(const struct bench *bench)
{
	return bench->options->floor;
}

static bool has_line(const struct bench *bench)
{
	size_t i, at;

	for (i = 0; i < bench->plan.rows_n; i++)
		for (at = 0; at < bench->plan.rows[i]->rounds; at++)
			if (isfinite(bench->plan.rows[i]->round[at].cache_line_ns))
				return true;
	return false;
}

#define LATENCY (1u << MODE_LATENCY)
#define STREAM  (1u << MODE_THROUGHPUT)
#define TRIPS   (LATENCY | 1u << MODE_ONEWAY)
#define ALL     (STREAM | TRIPS)

static const struct column columns[] = {
	{ "mechanism", -16, KEEP, ALL, cell_name, NULL },
	{ "wait", -8, KEEP, ALL, cell_wait, NULL },
	{ "place", -9, KEEP, ALL, cell_place, NULL },
	{ "bytes", 6, KEEP, ALL, cell_size, varies_size },
	{ "senders", 7, KEEP, STREAM, cell_senders, varies_senders },
	{ "batch", 6, KEEP, STREAM, cell_batch, varies_batch },
	{ "min", 8, 12, TRIPS, cell_min, NULL },
	{ "p50", 8, KEEP, TRIPS, cell_p50, NULL },
	{ "95% interval", 18, 13, TRIPS, cell_ci, NULL },
	{ "p90", 8, 11, TRIPS, cell_p90, NULL },
	{ "p99", 8, KEEP, TRIPS, cell_p99, NULL },
	{ "p99.9", 8, 9, TRIPS, cell_p999, NULL },
	{ "max", 8, 10, TRIPS, cell_max, NULL },
	{ "mean", 8, 1, TRIPS, cell_mean, NULL },
	{ "records/s", 9, KEEP, STREAM, cell_rate, NULL },
	{ "95% interval", 15, 6, STREAM, cell_rate_ci, NULL },
	{ "bytes/s", 8, KEEP, STREAM, cell_bytes, NULL },
	{ "CPU/rec", 8, 3, ALL, cell_cpu, NULL },
	{ "calls", 6, 4, ALL, cell_calls, NULL },
	{ "ctxsw", 6, 5, ALL, cell_ctxsw, NULL },
	{ "line", 8, 8, TRIPS, cell_line, has_line },
	{ "x floor", 7, KEEP, ALL, cell_ratio, has_floor },
	{ "95% interval", 12, 7, ALL, cell_ratio_ci, has_floor },
};

#define COLUMNS (sizeof columns / sizeof columns[0])

/* Which columns fit: bits. */
static unsigned choose(const struct bench *bench, enum mode mode, unsigned room)
{
	unsigned chosen = 0;
	int limit = 100;

	for (;;) {
		unsigned used = 0;
		int worst = 0;
		size_t i;

		chosen = 0;
		for (i = 0; i < COLUMNS; i++) {
			if (!(columns[i].in & 1u << mode) || columns[i].rank >= limit ||
			    (columns[i].varies && !columns[i].varies(bench)))
				continue;
			chosen |= 1u << i;
			used += (unsigned)abs(columns[i].width) + 1;
			worst = columns[i].rank > worst ? columns[i].rank : worst;
		}
		if (used <= room + 1 || worst == KEEP)
			return chosen;
		limit = worst;
	}
}

/* ---- the table ---- */

/* A narrower "mechanism" where no floor needs the room. */
static int width_of(const struct bench *bench, size_t column)
{
	if (column == 0 && !bench->options->floor)
		return -10;
	return columns[column].width;
}

static void print_header(FILE *out, const struct bench *bench, unsigned chosen)
{
	size_t i;

	for (i = 0; i < COLUMNS; i++)
		if (chosen & 1u << i)
			fprintf(out, "%s%*s", i ? " " : "", width_of(bench, i), columns[i].title);
	fputc('\n', out);
}

static void print_line(FILE *out, const struct bench *bench, unsigned chosen,
		       const struct table_row *line)
{
	char cell[CELL];
	size_t i;

	for (i = 0; i < COLUMNS; i++) {
		if (!(chosen & 1u << i))
			continue;
		if (line->row->rounds == 0 && i > 5) {
			fprintf(out, " %s: %s", row_status_name(line->row->status),
				line->row->reason);
			break;
		}
		columns[i].cell(cell, line);
		fprintf(out, "%s%*s", i ? " " : "", width_of(bench, i), cell);
	}
	fputc('\n', out);
}

static void print_title(FILE *out, const struct bench *bench, enum mode mode)
{
	static const char *const titles[MODES] = {
		"Round trip of one record, one outstanding",
		"Stream of records, one way, until the receiver has said that it has the last",
		"One record's way, by one clock",
	};
	const struct options *o = bench->options;

	fprintf(out, "%s", titles[mode]);
	if (o->sizes_n == 1)
		fprintf(out, "; %zu bytes", o->sizes[0]);
	if (mode == MODE_THROUGHPUT && o->batches_n == 1)
		fprintf(out, "; batches of %zu", o->batches[0]);
	if (mode == MODE_THROUGHPUT && o->senders_n == 1 && o->senders[0] > 1)
		fprintf(out, "; %zu senders", o->senders[0]);
	if (mode != MODE_THROUGHPUT && o->rate > 0)
		fprintf(out, "; open loop, %u a second", o->rate);
	fprintf(out, "; %u rounds\n", bench->rounds);
}

/* Rows that say nothing about each other are set apart. */
static bool new_group(const struct axes *a, const struct axes *b)
{
	return a->wait != b->wait || strcmp(a->place.name, b->place.name) != 0 ||
	       a->size != b->size || a->batch != b->batch || a->senders != b->senders;
}

static void print_mode(FILE *out, const struct bench *bench, const struct figures *figures,
		       enum mode mode, unsigned room)
{
	unsigned chosen = choose(bench, mode, room);
	const struct row *before = NULL;
	size_t i;

	for (i = 0; i < bench->plan.rows_n; i++) {
		struct table_row line = { bench->plan.rows[i], &figures[i] };

		if (line.row->axes.mode != mode)
			continue;
		if (!before) {
			print_title(out, bench, mode);
			fputc('\n', out);
			print_header(out, bench, chosen);
		} else if (new_group(&before->axes, &line.row->axes)) {
			fputc('\n', out);
		}
		print_line(out, bench, chosen, &line);
		before = line.row;
	}
	if (before)
		fputc('\n', out);
}

void table_print(FILE *out, const struct result *result, unsigned room)
{
	unsigned mode;

	for (mode = 0; mode < MODES; mode++)
		print_mode(out, result->bench, result->figures, (enum mode)mode, room);
	notes_print(out, result, room);
}
