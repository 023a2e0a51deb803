/* SPDX-License-Identifier: MIT */
/*
 * table.c - the result for people.
 *
 * Each column has a rank: on a narrow terminal, columns of the greatest rank are left out first.
 * How the receiver waits and where the two ends run is always shown.
 */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/axes.h"
#include "bench/write/write.h"
#include "common/language.h"

#define CELL 40
#define LEFT -1 /* aligned there, and as wide as its words: of what says which row it is */
#define KEEP 0  /* rank of a column that is always shown */

struct line {
	const struct row *row;
	const struct figures *f;
};

struct column {
	const char *title;
	int width; /* at least; or LEFT */
	int rank;
	unsigned in; /* bits of modes */
	void (*cell)(char cell[static CELL], const struct line *line);
	bool (*shown)(const struct bench *bench); /* NULL: always */
};

/* ---- cells ---- */

#define TEXT_CELL(name, format, value)                                 \
 static void cell_##name(char cell[static CELL], const struct line *l) \
 {                                                                     \
  (void)snprintf(cell, CELL, format, value);                           \
 }

TEXT_CELL(wait, "%s", wait_name(l->row->axes.wait))
TEXT_CELL(place, "%s", l->row->axes.place.name)
TEXT_CELL(size, "%zu", l->row->axes.size)
TEXT_CELL(depth, "%u", l->row->axes.depth)
TEXT_CELL(senders, "%u", l->row->axes.senders)
TEXT_CELL(batch, "%u", l->row->axes.batch)
TEXT_CELL(load, "%s", l->row->axes.load->name)
TEXT_CELL(start, "%s", l->row->axes.start->name)

static void cell_name(char cell[static CELL], const struct line *l)
{
	(void)snprintf(cell, CELL, "%s%s%s", l->row->axes.backend,
		       l->row->axes.block > 1 ? " x16" : "",
		       l->row->axes.api == API_FLOOR && !l->row->axes.load ? _(" floor") : "");
}

#define TIME_CELL(name, value)                                         \
 static void cell_##name(char cell[static CELL], const struct line *l) \
 {                                                                     \
  (void)words_time(cell, value);                                       \
 }

TIME_CELL(mean, l->f->mean)
TIME_CELL(cpu, l->f->costs.cpu_ns)
TIME_CELL(cache_line, l->f->cache_line)
TIME_CELL(wall, l->f->wall_s * 1e9)
TIME_CELL(cpu_s, l->f->cpu_s * 1e9)
TIME_CELL(late, l->f->late)

/* In blocks a sample is itself a mean, and its tail says nothing of single round trips. */
#define SINGLE(l, member) ((l)->row->axes.block > 1 ? NAN : (l)->f->member)

TIME_CELL(min, SINGLE(l, min))
TIME_CELL(p90, SINGLE(l, p90))
TIME_CELL(p99, SINGLE(l, p99))
TIME_CELL(p999, SINGLE(l, p999))
TIME_CELL(max, SINGLE(l, max))

static void cell_p50(char cell[static CELL], const struct line *l)
{
	char time[WORDS_SIZE];

	(void)snprintf(cell, CELL, "%s%s", words_time(time, l->f->p50),
		       l->f->bimodal && l->row->axes.block == 1 ? "~" : " ");
}

static void cell_p50_ci(char cell[static CELL], const struct line *l)
{
	char low[WORDS_SIZE], high[WORDS_SIZE];

	(void)snprintf(cell, CELL, "%s..%s", words_time(low, l->f->p50_ci.low),
		       words_time(high, l->f->p50_ci.high));
}

static void cell_rate(char cell[static CELL], const struct line *l)
{
	(void)words_count(cell, l->f->rate);
}

static void cell_rate_ci(char cell[static CELL], const struct line *l)
{
	char low[WORDS_SIZE], high[WORDS_SIZE];

	(void)snprintf(cell, CELL, "%s..%s", words_count(low, l->f->rate_ci.low),
		       words_count(high, l->f->rate_ci.high));
}

static void cell_achieved(char cell[static CELL], const struct line *l)
{
	(void)words_count(cell, l->f->achieved);
}

static void cell_rate_asked(char cell[static CELL], const struct line *l)
{
	(void)snprintf(cell, CELL, l->row->axes.rate ? "%u" : "-", l->row->axes.rate);
}

static void cell_bytes(char cell[static CELL], const struct line *l)
{
	char count[WORDS_SIZE];

	(void)snprintf(cell, CELL, "%sB", words_count(count, l->f->bytes));
}

static void cell_memory(char cell[static CELL], const struct line *l)
{
	if (isfinite(l->f->memory))
		(void)snprintf(cell, CELL, "%.0f KiB", l->f->memory / 1024);
	else
		(void)snprintf(cell, CELL, "-");
}

static void number(char cell[static CELL], double value, int decimals)
{
	if (isfinite(value))
		(void)snprintf(cell, CELL, "%.*f", decimals, value);
	else
		(void)snprintf(cell, CELL, "-");
}

#define NUMBER_CELL(name, value, decimals)                             \
 static void cell_##name(char cell[static CELL], const struct line *l) \
 {                                                                     \
  number(cell, value, decimals);                                       \
 }

NUMBER_CELL(calls, l->f->costs.syscalls, 2)
NUMBER_CELL(ctxsw, l->f->costs.ctxsw, 2)
NUMBER_CELL(records, (double)l->row->records / l->row->rounds, 0)

static void cell_spread(char cell[static CELL], const struct line *l)
{
	if (isfinite(l->f->spread))
		(void)snprintf(cell, CELL, "%.0f%%", 100 * l->f->spread);
	else
		(void)snprintf(cell, CELL, "-");
}

static void cell_ratio(char cell[static CELL], const struct line *l)
{
	char ratio[WORDS_SIZE];

	(void)snprintf(cell, CELL, "%s%s", words_within(ratio, l->f->ratio, l->f->ratio_ci, 2),
		       l->f->ratio_doubtful ? "!" : " ");
}

static void interval(char cell[static CELL], struct stats_interval ci, int most)
{
	char low[WORDS_SIZE], high[WORDS_SIZE];

	if (isfinite(ci.low))
		(void)snprintf(cell, CELL, "%s..%s", words_within(low, ci.low, ci, most),
			       words_within(high, ci.high, ci, most));
	else
		(void)snprintf(cell, CELL, "-");
}

static void cell_ratio_ci(char cell[static CELL], const struct line *l)
{
	interval(cell, l->f->ratio_ci, 2);
}

/* If the interval holds 0, the share is too small to measure: shown as "<". */
static void share(char cell[static CELL], double value, struct stats_interval ci)
{
	const struct stats_interval percent = { 100 * ci.low, 100 * ci.high };
	char text[WORDS_SIZE];

	if (ci.low > 0)
		(void)snprintf(cell, CELL, "%s%%", words_within(text, 100 * value, percent, 1));
	else if (ci.high > 0)
		(void)snprintf(cell, CELL, "<%s%%", words_within(text, percent.high, percent, 1));
	else
		(void)snprintf(cell, CELL, "-");
}

/* In percent. IPC cannot save time: values below 0 are noise. */
static void share_interval(char cell[static CELL], struct stats_interval ci)
{
	interval(cell,
		 (struct stats_interval){ 100 * (ci.low < 0 ? 0 : ci.low),
					  100 * (ci.high < 0 ? 0 : ci.high) },
		 1);
}

static void cell_wall_share(char cell[static CELL], const struct line *l)
{
	share(cell, l->f->wall_share, l->f->wall_share_ci);
}

static void cell_cpu_share(char cell[static CELL], const struct line *l)
{
	share(cell, l->f->cpu_share, l->f->cpu_share_ci);
}

static void cell_wall_share_ci(char cell[static CELL], const struct line *l)
{
	share_interval(cell, l->f->wall_share_ci);
}

static void cell_cpu_share_ci(char cell[static CELL], const struct line *l)
{
	share_interval(cell, l->f->cpu_share_ci);
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
VARIES(depth, depths)

static bool has_floor(const struct bench *bench)
{
	return bench->options->floor;
}

static bool finds_rate(const struct bench *bench)
{
	return bench->options->find_rate;
}

static bool is_open_loop(const struct bench *bench)
{
	return bench->options->rate > 0 || finds_rate(bench);
}

static bool has_cache_line(const struct bench *bench)
{
	const struct plan *plan = &bench->plan;
	size_t i;

	for (i = 0; i < plan->rows_n; i++)
		if (plan->rows[i]->rounds > 0 && isfinite(plan->rows[i]->round[0].cache_line_ns))
			return true;
	return false;
}

#define LATENCY  (1u << MODE_LATENCY)
#define STREAM   (1u << MODE_THROUGHPUT)
#define TRIPS    (LATENCY | 1u << MODE_ONEWAY)
#define LINKS    (STREAM | TRIPS)
#define DOWNLOAD (1u << MODE_DOWNLOAD)
#define START    (1u << MODE_START)
#define SAMPLES  (TRIPS | START)

/* xgettext:no-c-format */
#define INTERVAL N_("95% interval")

static const struct column columns[] = {
	{ N_("mechanism"), LEFT, KEEP, LINKS | DOWNLOAD | START, cell_name, NULL },
	{ N_("wait"), LEFT, KEEP, LINKS, cell_wait, NULL },
	{ N_("place"), LEFT, KEEP, LINKS, cell_place, NULL },
	{ N_("files"), LEFT, KEEP, DOWNLOAD, cell_load, NULL },
	{ N_("start"), LEFT, KEEP, START, cell_start, NULL },
	{ N_("bytes"), 6, KEEP, LINKS, cell_size, varies_size },
	{ N_("depth"), 5, KEEP, LINKS, cell_depth, varies_depth },
	{ N_("senders"), 7, KEEP, STREAM, cell_senders, varies_senders },
	{ N_("batch"), 6, KEEP, STREAM, cell_batch, varies_batch },
	{ N_("rate/s"), 9, KEEP, TRIPS, cell_rate_asked, finds_rate },
	{ N_("reached/s"), 9, 1, TRIPS, cell_achieved, is_open_loop },
	{ N_("late"), 8, 1, TRIPS, cell_late, is_open_loop },
	{ N_("min"), 8, 12, SAMPLES, cell_min, NULL },
	{ "p50", 8, KEEP, SAMPLES, cell_p50, NULL },
	{ INTERVAL, 18, 13, SAMPLES, cell_p50_ci, NULL },
	{ "p90", 8, 11, SAMPLES, cell_p90, NULL },
	{ "p99", 8, KEEP, SAMPLES, cell_p99, NULL },
	{ "p99.9", 8, 9, TRIPS, cell_p999, NULL },
	{ N_("max"), 8, 10, SAMPLES, cell_max, NULL },
	{ N_("mean"), 8, 3, SAMPLES, cell_mean, NULL },
	{ N_("memory"), 10, KEEP, START, cell_memory, NULL },
	{ N_("records/s"), 9, KEEP, STREAM, cell_rate, NULL },
	{ INTERVAL, 15, 6, STREAM, cell_rate_ci, NULL },
	{ N_("bytes/s"), 8, 1, STREAM, cell_bytes, NULL },
	{ N_("CPU/rec"), 8, 4, LINKS, cell_cpu, NULL },
	{ N_("calls"), 6, 5, LINKS, cell_calls, NULL },
	{ N_("ctxsw"), 6, 7, LINKS, cell_ctxsw, NULL },
	{ N_("spread"), 6, 2, LINKS, cell_spread, NULL },
	{ N_("line"), 8, 8, TRIPS, cell_cache_line, has_cache_line },
	{ N_("x floor"), 8, KEEP, LINKS, cell_ratio, has_floor },
	{ INTERVAL, 12, 1, LINKS, cell_ratio_ci, has_floor },
	{ N_("wall"), 7, KEEP, DOWNLOAD, cell_wall, NULL },
	{ N_("CPU"), 7, KEEP, DOWNLOAD, cell_cpu_s, NULL },
	{ N_("records"), 7, 1, DOWNLOAD, cell_records, NULL },
	{ N_("of wall"), 7, KEEP, DOWNLOAD, cell_wall_share, NULL },
	{ INTERVAL, 12, 2, DOWNLOAD, cell_wall_share_ci, NULL },
	{ N_("of CPU"), 7, KEEP, DOWNLOAD, cell_cpu_share, NULL },
	{ INTERVAL, 12, 3, DOWNLOAD, cell_cpu_share_ci, NULL },
};

#define COLUMNS   (sizeof columns / sizeof columns[0])
#define AXES_LAST 9  /* the last column that says which row it is */
#define RATE_LAST 11 /* the last that a row has whose rate was not kept */

/* What says which row it is takes the room that its words need. */
static int width_of(const struct bench *bench, size_t column)
{
	const struct column *c = &columns[column];
	size_t width = text_columns(_(c->title), true), i;

	for (i = 0; c->width < 0 && i < bench->plan.rows_n; i++) {
		const struct line line = { bench->plan.rows[i], NULL };
		char cell[CELL];

		if (!(c->in & 1u << line.row->axes.mode))
			continue;
		c->cell(cell, &line);
		if (text_columns(cell, true) > width)
			width = text_columns(cell, true);
	}
	if (c->width < 0)
		return -(int)width;
	return c->width >= (int)width ? c->width : (int)width;
}

/* Which columns fit into ROOM: bits. */
static uint64_t choose(const struct bench *bench, enum mode mode, unsigned room)
{
	int limit = INT32_MAX;

	for (;;) {
		uint64_t chosen = 0;
		unsigned used = 0;
		int worst = KEEP;
		size_t i;

		for (i = 0; i < COLUMNS; i++) {
			if (!(columns[i].in & 1u << mode) || columns[i].rank >= limit ||
			    (columns[i].shown && !columns[i].shown(bench)))
				continue;
			chosen |= UINT64_C(1) << i;
			used += (unsigned)abs(width_of(bench, i)) + 1;
			worst = columns[i].rank > worst ? columns[i].rank : worst;
		}
		if (used <= room + 1 || worst == KEEP)
			return chosen;
		limit = worst;
	}
}

/* ---- the table ---- */

/* WIDTH below 0: at the left. */
static void print_cell(FILE *out, const char *cell, int width)
{
	struct text text = { .at = NULL };

	if (width < 0)
		text_add_padded(&text, cell, (size_t)-width);
	else
		text_add_right(&text, cell, (size_t)width);
	fputs(text_string(&text), out);
	text_free(&text);
}

static void print_header(FILE *out, const struct bench *bench, uint64_t chosen)
{
	size_t i;

	for (i = 0; i < COLUMNS; i++)
		if (chosen & UINT64_C(1) << i) {
			fputs(i ? " " : "", out);
			print_cell(out, _(columns[i].title), width_of(bench, i));
		}
	fputc('\n', out);
}

static void print_line(FILE *out, const struct bench *bench, uint64_t chosen,
		       const struct line *line, unsigned room)
{
	char cell[CELL];
	size_t used = 0, i;

	for (i = 0; i < COLUMNS; i++) {
		if (!(chosen & UINT64_C(1) << i))
			continue;
		if (i > AXES_LAST && line->row->rounds == 0) {
			notes_reason(out, line->row, used, room);
			return;
		}
		if (i > RATE_LAST && line->row->status == ROW_SATURATED) {
			fprintf(out, " %s", _(row_status_name(line->row->status)));
			break;
		}
		columns[i].cell(cell, line);
		fputs(i ? " " : "", out);
		print_cell(out, cell, width_of(bench, i));
		used += (size_t)abs(width_of(bench, i)) + (i ? 1 : 0);
	}
	fputc('\n', out);
}

static void print_title(FILE *out, const struct bench *bench, enum mode mode, unsigned room)
{
	static const char *const titles[MODES] = {
		N_("Round trip of one record, one outstanding"),
		N_("Stream of records one way, until the receiver has confirmed the last"),
		N_("One record's way, by one clock"),
		N_("The same files over each mechanism, and over none"),
		N_("From the start of a process or thread to its first record"),
	};
	const struct options *o = bench->options;
	struct text text = { .at = NULL };

	text_add(&text, _(titles[mode]));
	if (LINKS & 1u << mode && o->sizes_n == 1)
		text_printf(&text, _("; %zu bytes"), o->sizes[0]);
	if (LINKS & 1u << mode && o->depths_n == 1 && o->depths[0] > 0)
		text_printf(&text, _("; depth %zu"), o->depths[0]);
	if (mode == MODE_THROUGHPUT && o->batches_n == 1)
		text_printf(&text, _("; batches of %zu"), o->batches[0]);
	if (mode == MODE_THROUGHPUT && o->senders_n == 1 && o->senders[0] > 1)
		text_printf(&text, _("; %zu senders"), o->senders[0]);
	if (mode != MODE_THROUGHPUT && o->rate > 0)
		text_printf(&text, _("; open loop, %u a second"), o->rate);
	text_printf(&text, ngettext("; %u round", "; %u rounds", bench->rounds), bench->rounds);
	notes_wrap(out, text_string(&text), room);
	text_free(&text);
}

/* Are the two rows not comparable? Then a gap separates them. */
static bool new_group(const struct axes *a, const struct axes *b)
{
	return a->wait != b->wait || strcmp(a->place.name, b->place.name) != 0 ||
	       a->size != b->size || a->batch != b->batch || a->senders != b->senders ||
	       a->depth != b->depth || a->load != b->load;
}

static void print_mode(FILE *out, const struct result *result, enum mode mode, unsigned room)
{
	const struct bench *bench = result->bench;
	uint64_t chosen = choose(bench, mode, room);
	const struct row *before = NULL;
	size_t i;

	for (i = 0; i < bench->plan.rows_n; i++) {
		struct line line = { bench->plan.rows[i], &result->figures[i] };

		if (line.row->axes.mode != mode)
			continue;
		if (!before) {
			print_title(out, bench, mode, room);
			fputc('\n', out);
			print_header(out, bench, chosen);
		} else if (new_group(&before->axes, &line.row->axes)) {
			fputc('\n', out);
		}
		print_line(out, bench, chosen, &line, room);
		before = line.row;
	}
	if (before)
		fputc('\n', out);
}

void table_print(FILE *out, const struct result *result, unsigned room)
{
	unsigned mode;

	for (mode = 0; mode < MODES; mode++)
		print_mode(out, result, (enum mode)mode, room);
	notes_print(out, result, room);
}
