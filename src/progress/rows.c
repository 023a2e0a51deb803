/* SPDX-License-Identifier: MIT */
/* rows.c - which columns of a row fit, and the text of each. */
#include "config.h"

#include "progress/rows.h"

#include <stdio.h>
#include <string.h>

#include "common/language.h"
#include "progress/units.h"

/* Room for "1000 of 1000 files". */
#define NAME_LEAST  18
#define NAME_ENOUGH 20
#define BAR_LEAST   8
#define BAR_MOST    30
#define NAME_GAP    2

#define TURN_NS UINT64_C(100000000)

/* Gap before and width of each column; a bar's width is BAR_LEAST at first. */
static const struct {
	unsigned gap, width;
} column[ROW_COLUMNS] = {
	[ROW_COL_BAR] = { 1, BAR_LEAST },
	[ROW_COL_PERCENT] = { 1, 4 },
	[ROW_COL_BYTES] = { 2, UNITS_SIZE_COLUMNS },
	[ROW_COL_SIZE] = { 1, 3 + UNITS_SIZE_COLUMNS }, /* "of 30.0 MiB" */
	[ROW_COL_SPEED] = { 2, UNITS_SPEED_COLUMNS },
	[ROW_COL_LEFT] = { 2, 1 + UNITS_CLOCK_COLUMNS }, /* "~0:12" */
};

/* The order in which columns are left out, and for how narrow a name. */
static const struct {
	enum row_column column;
	unsigned name;
} dispensable[ROW_COLUMNS] = {
	{ ROW_COL_SIZE, NAME_LEAST },  { ROW_COL_BYTES, NAME_LEAST }, { ROW_COL_BAR, NAME_LEAST },
	{ ROW_COL_SPEED, NAME_LEAST }, { ROW_COL_LEFT, 12 },          { ROW_COL_PERCENT, 8 },
};

static unsigned digits(unsigned n)
{
	unsigned count = 1;

	for (; n >= 10; n /= 10)
		count++;
	return count;
}

void row_layout(struct row_layout *layout, unsigned columns, unsigned workers)
{
	/* The last column stays empty: terminals differ in what follows a character there. */
	unsigned room = columns > 1 ? columns - 1 : 0;
	enum row_column gone;
	unsigned used;
	unsigned i;

	layout->whole = room;
	layout->number = (unsigned)text_columns(_("all"), true);
	if (layout->number < digits(workers))
		layout->number = digits(workers);
	used = layout->number + NAME_GAP;
	for (i = 0; i < ROW_COLUMNS; i++) {
		layout->shown[i] = true;
		used += column[i].gap + column[i].width;
	}
	for (i = 0; i < ROW_COLUMNS && used + dispensable[i].name > room; i++) {
		gone = dispensable[i].column;
		layout->shown[gone] = false;
		used -= column[gone].gap + column[gone].width;
	}
	layout->name = room > used ? room - used : 0;
	layout->bar = BAR_LEAST;
	if (layout->shown[ROW_COL_BAR] && layout->name > NAME_ENOUGH) {
		layout->bar += (layout->name - NAME_ENOUGH) / 2;
		if (layout->bar > BAR_MOST)
			layout->bar = BAR_MOST;
		layout->name -= layout->bar - BAR_LEAST;
	}
}

/* The figures of one row. */
struct cells {
	uint64_t bytes;
	uint64_t size;   /* PROGRESS_SIZE_UNKNOWN: a spinner */
	uint64_t speed;  /* RATE_UNKNOWN */
	uint64_t left_s; /* PROGRESS_SIZE_UNKNOWN */
	bool left_is_guess;
	uint64_t moved_ns; /* turns the spinner: a stalled transfer's stands still */
};

static void row_clear(struct row *row)
{
	text_clear(&row->text);
	row->columns = row->bar_from = row->bar_to = 0;
	row->idle = false;
}

static void row_fill(struct row *row, size_t n)
{
	text_fill(&row->text, ' ', n);
	row->columns += n;
}

/* Adds S right-aligned in WIDTH columns. */
static void row_right(struct row *row, const char *s, size_t width)
{
	const size_t used = text_columns(s, true);

	text_add_right(&row->text, s, width);
	row->columns += width > used ? width : used;
}

static void row_bar_ascii(struct row *row, unsigned width, double part)
{
	unsigned inner = width - 2;
	unsigned full = (unsigned)(part * inner);

	text_add(&row->text, "[");
	text_fill(&row->text, '=', full);
	text_fill(&row->text, ' ', inner - full);
	text_add(&row->text, "]");
}

/* Draws in eighths of a cell. */
static void row_bar_blocks(struct row *row, unsigned width, double part)
{
	static const char *const block[] = {
		"", "\u258f", "\u258e", "\u258d", "\u258c", "\u258b", "\u258a", "\u2589",
	};
	unsigned eighths = (unsigned)(part * width * 8);
	unsigned full = eighths / 8;
	unsigned i;

	for (i = 0; i < full; i++)
		text_add(&row->text, "\u2588");
	text_add(&row->text, block[eighths % 8]);
	text_fill(&row->text, ' ', width - full - (eighths % 8 != 0));
}

static void row_bar(struct row *row, const struct row_layout *layout, const struct cells *cells)
{
	double part = cells->size ? (double)cells->bytes / (double)cells->size : 1.0;

	if (cells->size == PROGRESS_SIZE_UNKNOWN) {
		row_fill(row, layout->bar);
		return;
	}
	row->bar_from = row->text.len;
	if (layout->blocks)
		row_bar_blocks(row, layout->bar, part);
	else
		row_bar_ascii(row, layout->bar, part);
	row->bar_to = row->text.len;
	row->columns += layout->bar;
}

static void row_percent(struct row *row, const struct row_layout *layout, const struct cells *cells)
{
	static const char *const turning[] = {
		"\u280b", "\u2819", "\u2839", "\u2838", "\u283c",
		"\u2834", "\u2826", "\u2827", "\u2807", "\u280f",
	};
	static const char bars[] = "|/-\\";
	char figure[UNITS_MAX];
	uint64_t turn = cells->moved_ns / TURN_NS;
	unsigned percent = 100;

	if (cells->size == PROGRESS_SIZE_UNKNOWN) {
		row_fill(row, column[ROW_COL_PERCENT].width - 1);
		if (layout->blocks)
			text_add(&row->text, turning[turn % 10]);
		else
			text_fill(&row->text, bars[turn % 4], 1);
		row->columns++;
		return;
	}
	/* Rounded down: never 100% while a byte is missing. */
	if (cells->bytes < cells->size)
		percent = (unsigned)((double)cells->bytes / (double)cells->size * 100);
	if (cells->bytes < cells->size && percent > 99)
		percent = 99;
	(void)snprintf(figure, sizeof figure, "%u%%", percent); /* fits: at most 100 */
	row_right(row, figure, column[ROW_COL_PERCENT].width);
}

static void row_left(struct row *row, const struct cells *cells)
{
	char clock[UNITS_MAX], figure[UNITS_MAX + 1];

	if (cells->left_s == PROGRESS_SIZE_UNKNOWN) {
		row_right(row, "-:--", column[ROW_COL_LEFT].width);
		return;
	}
	(void)snprintf(figure, sizeof figure, "%s%s", cells->left_is_guess ? "~" : "",
		       units_clock(clock, cells->left_s)); /* fits: one more than the clock */
	row_right(row, figure, column[ROW_COL_LEFT].width);
}

static void row_size(struct row *row, const struct cells *cells)
{
	char size[UNITS_MAX], figure[2 * UNITS_MAX];

	if (cells->size == PROGRESS_SIZE_UNKNOWN) {
		row_fill(row, column[ROW_COL_SIZE].width);
		return;
	}
	/* TRANSLATORS: a column of the display: three columns beside the figure. */
	(void)snprintf(figure, sizeof figure, _("of %s"), units_size(size, cells->size));
	text_add_padded(&row->text, figure, column[ROW_COL_SIZE].width);
	row->columns += column[ROW_COL_SIZE].width;
}

/* All columns between the number and the name. */
static void row_cells(struct row *row, const struct row_layout *layout, const struct cells *cells)
{
	char figure[UNITS_MAX];
	unsigned i;

	for (i = 0; i < ROW_COLUMNS; i++) {
		if (!layout->shown[i])
			continue;
		row_fill(row, column[i].gap);
		if (i == ROW_COL_BAR)
			row_bar(row, layout, cells);
		else if (i == ROW_COL_PERCENT)
			row_percent(row, layout, cells);
		else if (i == ROW_COL_BYTES)
			row_right(row, units_size(figure, cells->bytes), column[i].width);
		else if (i == ROW_COL_SIZE)
			row_size(row, cells);
		else if (i == ROW_COL_SPEED)
			row_right(row, units_speed(figure, cells->speed), column[i].width);
		else
			row_left(row, cells);
	}
}

static void row_no_cells(struct row *row, const struct row_layout *layout)
{
	unsigned i;

	for (i = 0; i < ROW_COLUMNS; i++) {
		if (layout->shown[i])
			row_fill(row, column[i].gap +
					      (i == ROW_COL_BAR ? layout->bar : column[i].width));
	}
}

static void row_name(struct row *row, const struct row_layout *layout, const char *name)
{
	if (layout->name == 0)
		return;
	row_fill(row, NAME_GAP);
	row->columns += text_add_cut(&row->text, name, layout->name, layout->utf8);
}

void row_worker(struct row *row, const struct row_layout *layout, const struct totals *totals,
		unsigned worker, uint64_t now_ns)
{
	const struct progress_worker *at = &totals->worker[worker];
	struct cells cells = {
		.bytes = at->bytes,
		.size = at->total != PROGRESS_SIZE_UNKNOWN && at->bytes > at->total ?
				PROGRESS_SIZE_UNKNOWN :
				at->total, /* the announced size was wrong: a spinner */
		.speed = at->busy ? rate_bytes_per_s(&at->rate, now_ns) : RATE_UNKNOWN,
		.moved_ns = at->rate.moved_ns,
	};
	char number[UNITS_MAX];

	row_clear(row);
	(void)snprintf(number, sizeof number, "%u", worker); /* fits: 10 digits */
	row_right(row, number, layout->number);
	row->idle = !at->busy;
	if (!at->busy) {
		row_no_cells(row, layout);
		row_name(row, layout, _("idle"));
		return;
	}
	cells.left_s = progress_seconds_left(cells.bytes, cells.size, cells.speed);
	row_cells(row, layout, &cells);
	row_name(row, layout, at->name ? at->name : "?");
}

void row_more(struct row *row, const struct row_layout *layout, unsigned hidden, unsigned busy)
{
	struct text text = { 0 };

	row_clear(row);
	row->idle = true;
	row_right(row, "+", layout->number);
	text_printf(&text, ngettext(" %u more worker", " %u more workers", hidden), hidden);
	if (busy > 0 && busy < hidden)
		text_printf(&text, _(", %u of them busy"), busy);
	row->columns += text_add_cut(
		&row->text, text_string(&text),
		layout->whole > layout->number ? layout->whole - layout->number : 0, layout->utf8);
	text_free(&text);
}

/* Adds PART to NAME if the column has room for both. */
static void name_add(struct text *name, const struct row_layout *layout, const char *part)
{
	if (text_columns(text_string(name), true) + text_columns(part, true) <= layout->name)
		text_add(name, part);
}

static void name_add_others(struct text *name, const struct row_layout *layout,
			    const struct totals *totals)
{
	char part[64];

	(void)snprintf(part, sizeof part, _(", %u failed"), totals->failed);
	if (totals->failed > 0)
		name_add(name, layout, part);
	(void)snprintf(part, sizeof part, _(", %u skipped"), totals->skipped);
	if (totals->skipped > 0)
		name_add(name, layout, part);
}

void row_total(struct row *row, const struct row_layout *layout, const struct totals *totals,
	       const char *ipc, uint64_t now_ns)
{
	struct text name = { 0 };
	struct text over = { 0 };
	struct progress_total total;
	struct cells cells;

	totals_sum(totals, now_ns, &total);
	cells = (struct cells){
		.bytes = total.bytes,
		.size = total.bytes <= total.size ? total.size : PROGRESS_SIZE_UNKNOWN,
		.speed = total.speed,
		.left_s = total.left_s,
		.left_is_guess = total.left_is_guess,
		.moved_ns = totals->rate.moved_ns,
	};
	row_clear(row);
	row_right(row, _("all"), layout->number);
	row_cells(row, layout, &cells);
	text_printf(&name, _("%u of %u"), totals->ok, totals->jobs);
	name_add(&name, layout, ngettext(" file", " files", totals->jobs));
	name_add_others(&name, layout, totals);
	text_printf(&over, _(", over %s"), ipc ? ipc : "");
	if (ipc)
		name_add(&name, layout, text_string(&over));
	row_name(row, layout, text_string(&name));
	text_free(&name);
	text_free(&over);
}
