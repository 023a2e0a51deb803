/* SPDX-License-Identifier: MIT */
/*
 * view_tty.c - the view for a terminal: a row per worker and one for all, redrawn in place. The
 * only file with terminal codes, and the only one of the views that reads the environment.
 *
 * The rows are a block at the end of what was printed; the cursor rests on the free line below
 * it. A frame goes up, rewrites the rows that changed, and comes back, in one write. Lines that
 * stay are printed where the block began, and the block again below them. Nothing of the
 * terminal's state outlasts a frame (the cursor is hidden and wrapping off only within it), so
 * there is nothing to restore after kill -9, Ctrl-Z or a crash.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "common/text.h"
#include "progress/output_lines.h"
#include "progress/view.h"
#include "progress/lines.h"
#include "progress/rows.h"
#include "progress/totals.h"

#define TTY_FRAME_NS UINT64_C(100000000)
#define TTY_IDLE_NS  UINT64_C(500000000) /* without events: speeds and times change */

/* On a narrower terminal there are no rows. */
#define TTY_LEAST_COLUMNS 10

/* Lines held back at most, while the terminal is stopped with Ctrl-S. */
#define TTY_HELD_BYTES (1024 * 1024)

#define CODE_HIDE_CURSOR "\033[?25l"
#define CODE_SHOW_CURSOR "\033[?25h"
#define CODE_WRAP_OFF    "\033[?7l" /* a row of misjudged width is clipped, not wrapped */
#define CODE_WRAP_ON     "\033[?7h"
#define CODE_UP          "\033[%uA"
#define CODE_ERASE_LINE  "\033[K"     /* from the cursor to the end of the line */
#define CODE_ERASE_BELOW "\033[J"     /* from the cursor to the end of the screen */
#define CODE_BAR         "\033[36m"   /* cyan */
#define CODE_IDLE        "\033[2m"    /* faint */
#define CODE_ERROR       "\033[1;31m" /* bold red */
#define CODE_DONE        "\033[32m"   /* green */
#define CODE_NORMAL      "\033[0m"

struct tty {
	struct totals totals;
	struct row_layout layout;
	unsigned columns, lines;
	bool plain_glyphs; /* the console's font has no eighths */
	bool colour;
	bool dead; /* the terminal is gone */
	bool dirty;
	bool redraw;     /* the screen no longer shows what was drawn last */
	struct row *row; /* the next frame's */
	struct row *shown;
	unsigned room;    /* of both */
	unsigned drawn;   /* how many of shown are on the screen */
	struct text held; /* lines that stay and are not yet on the screen */
	struct text frame;
	uint64_t due_ns; /* no frame before this */
};

bool progress_tty_usable(void)
{
	const char *term = getenv("TERM");

	return isatty(STDERR_FILENO) && term && *term && strcmp(term, "dumb") != 0;
}

/* Makes room for N rows, which never shrinks: what is shown must outlast a resize. */
static int rows_grow(struct row **rows, unsigned room, unsigned n)
{
	struct row *grown = reallocarray(*rows, n, sizeof *grown);

	if (!grown)
		return -ENOMEM;
	memset(grown + room, 0, (n - room) * sizeof *grown);
	*rows = grown;
	return 0;
}

static void rows_free(struct row *row, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++)
		text_free(&row[i].text);
	free(row);
}

/* Lays out for SIZE. 0, or -ENOMEM and the old layout stays. */
static int tty_measure(struct progress *progress, const struct winsize *size)
{
	struct tty *tty = progress->state;
	int rc = 0;

	if (size->ws_row > tty->room) {
		rc = rows_grow(&tty->row, tty->room, size->ws_row);
		if (rc == 0)
			rc = rows_grow(&tty->shown, tty->room, size->ws_row);
		if (rc < 0)
			return rc;
		tty->room = size->ws_row;
	}
	tty->lines = size->ws_row;
	tty->columns = size->ws_col;
	tty->layout.utf8 = progress->utf8;
	tty->layout.blocks = progress->utf8 && !tty->plain_glyphs;
	row_layout(&tty->layout, tty->columns, progress->config.workers);
	return 0;
}

static struct winsize tty_size(void)
{
	struct winsize size = { 0 };

	/* Zero is unknown, too: a serial line, some containers. */
	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_row == 0 || size.ws_col == 0)
		size = (struct winsize){ .ws_row = 24, .ws_col = 80 };
	return size;
}

static void tty_free(struct tty *tty)
{
	rows_free(tty->row, tty->room);
	rows_free(tty->shown, tty->room);
	text_free(&tty->held);
	text_free(&tty->frame);
	totals_close(&tty->totals);
}

static int tty_open(struct progress *progress)
{
	struct tty *tty = progress->state;
	const char *no_colour = getenv("NO_COLOR");
	const char *term = getenv("TERM");
	struct winsize size = tty_size();
	int rc;

	tty->colour = !no_colour || !*no_colour;
	tty->plain_glyphs = term && strcmp(term, "linux") == 0;
	tty->dirty = true;
	rc = totals_open(&tty->totals, progress->config.workers, progress->config.jobs);
	if (rc < 0)
		return rc;
	rc = tty_measure(progress, &size);
	if (rc < 0)
		tty_free(tty);
	return rc;
}

/* In the background of its shell the program may write lines, but must draw no rows. */
static bool tty_is_ours(void)
{
	pid_t front = tcgetpgrp(STDERR_FILENO);

	return front < 0 || front == getpgrp(); /* not our controlling terminal: no shell uses it */
}

/* Fills up to ROWS rows in order of worker numbers, the busy first if not all fit. */
static unsigned tty_pick(struct tty *tty, unsigned rows, uint64_t now_ns)
{
	const struct totals *totals = &tty->totals;
	bool all = totals->workers <= rows;
	unsigned n = 0;
	unsigned pass, i;

	for (pass = 0; pass < (all ? 1U : 2U); pass++) {
		for (i = 0; i < totals->workers && n < rows; i++) {
			if (all || totals->worker[i].busy == (pass == 0))
				row_worker(&tty->row[n++], &tty->layout, totals, i, now_ns);
		}
	}
	return n;
}

static unsigned tty_busy(const struct tty *tty)
{
	unsigned busy = 0;
	unsigned i;

	for (i = 0; i < tty->totals.workers; i++)
		busy += tty->totals.worker[i].busy;
	return busy;
}

/* Fills tty->row, returns the number of rows. The cursor needs the line below them. */
static unsigned tty_compose(struct progress *progress, uint64_t now_ns)
{
	struct tty *tty = progress->state;
	unsigned room = tty->lines - 1;
	unsigned workers = tty->totals.workers;
	unsigned busy;
	unsigned n = 0;

	if (room == 0 || tty->columns < TTY_LEAST_COLUMNS || !tty_is_ours())
		return 0;
	if (workers + 1 <= room) {
		n = tty_pick(tty, workers, now_ns);
	} else if (room > 2) {
		busy = tty_busy(tty);
		n = tty_pick(tty, room - 2, now_ns);
		row_more(&tty->row[n], &tty->layout, workers - n, busy > n ? busy - n : 0);
		n++;
	}
	row_total(&tty->row[n++], &tty->layout, &tty->totals, progress->config.ipc, now_ns);
	return n;
}

/* After a failed write the terminal is gone: from then on nothing is written. */
static void tty_write(struct tty *tty, const struct text *what)
{
	if (!tty->dead && output_write(STDERR_FILENO, text_string(what), what->len) < 0)
		tty->dead = true;
	text_clear(&tty->held);
	tty->redraw = false;
}

static void frame_row(struct tty *tty, const struct row *row)
{
	const char *at = text_string(&row->text);

	if (!tty->colour || (!row->idle && row->bar_from == row->bar_to)) {
		text_add(&tty->frame, at);
	} else if (row->idle) {
		text_printf(&tty->frame, CODE_IDLE "%s" CODE_NORMAL, at);
	} else {
		text_add_bytes(&tty->frame, at, row->bar_from);
		text_add(&tty->frame, CODE_BAR);
		text_add_bytes(&tty->frame, at + row->bar_from, row->bar_to - row->bar_from);
		text_add(&tty->frame, CODE_NORMAL);
		text_add(&tty->frame, at + row->bar_to);
	}
	text_add(&tty->frame, CODE_ERASE_LINE);
}

static bool rows_equal(const struct row *a, const struct row *b)
{
	return strcmp(text_string(&a->text), text_string(&b->text)) == 0;
}

/*
 * Moves the cursor to the first column of the block's first row. A terminal that became narrower
 * may have wrapped the rows again, which makes the block taller, or may have cut them off. To ask
 * which, we would have to read from the terminal. Going up one line for each row is right for the
 * second kind, and leaves pieces of old rows on the first; going up further would erase lines that
 * stay.
 */
static void frame_begin(struct tty *tty)
{
	text_clear(&tty->frame);
	text_add(&tty->frame, CODE_HIDE_CURSOR "\r");
	if (tty->drawn > 0)
		text_printf(&tty->frame, CODE_UP, tty->drawn);
	if (tty->held.len > 0 || tty->redraw) {
		/*
		 * Before the text: after a line as wide as the screen, it would erase its last
		 * character.
		 */
		text_add(&tty->frame, CODE_ERASE_BELOW);
		text_add(&tty->frame, text_string(&tty->held));
	}
	text_add(&tty->frame, CODE_WRAP_OFF);
}

/* Writes the frame in one call. False: memory was short, nothing was written. */
static bool frame_end(struct tty *tty)
{
	text_add(&tty->frame, CODE_WRAP_ON CODE_ERASE_BELOW CODE_SHOW_CURSOR);
	if (tty->frame.incomplete)
		return false;
	tty_write(tty, &tty->frame);
	return true;
}

static bool tty_unchanged(const struct tty *tty, unsigned n)
{
	unsigned i;

	if (tty->redraw || tty->held.len > 0 || n != tty->drawn)
		return false;
	for (i = 0; i < n; i++) {
		if (!rows_equal(&tty->row[i], &tty->shown[i]))
			return false;
	}
	return true;
}

/* Draws a frame of N rows. 0: writes the held lines and removes the rows. */
static void tty_draw(struct tty *tty, unsigned n)
{
	bool anew = tty->redraw || tty->held.len > 0;
	struct row *swap = tty->shown;
	unsigned i;

	if (tty_unchanged(tty, n))
		return;
	if (n == 0 && tty->drawn == 0) {
		/* No rows are on the screen: plain output, which is right in the background too. */
		tty_write(tty, &tty->held);
		return;
	}
	frame_begin(tty);
	for (i = 0; i < n; i++) {
		if (anew || i >= tty->drawn || !rows_equal(&tty->row[i], &tty->shown[i]))
			frame_row(tty, &tty->row[i]);
		text_add(&tty->frame, "\r\n");
	}
	if (!frame_end(tty))
		return;
	tty->shown = tty->row;
	tty->row = swap;
	tty->drawn = n;
}

static int64_t tty_next_ns(const struct progress *progress, uint64_t now_ns)
{
	const struct tty *tty = progress->state;
	uint64_t due_ns = tty->due_ns;

	if (tty->dead)
		return -1;
	if (!tty->dirty && tty_busy(tty) == 0)
		return -1;
	if (!tty->dirty)
		due_ns += TTY_IDLE_NS - TTY_FRAME_NS;
	return due_ns > now_ns ? (int64_t)(due_ns - now_ns) : 0;
}

static void tty_refresh(struct progress *progress, uint64_t now_ns)
{
	struct tty *tty = progress->state;

	tty->due_ns = now_ns + TTY_FRAME_NS;
	/* A terminal that is stopped with Ctrl-S must not stop the downloads. */
	if (!output_writable(STDERR_FILENO) && tty->held.len < TTY_HELD_BYTES)
		return;
	tty->dirty = false;
	tty_draw(tty, tty_compose(progress, now_ns));
}

/* Adds a line that stays. COLOUR may be ""; the words alone must tell as much. */
static void tty_hold(struct tty *tty, const struct text *line, const char *colour)
{
	bool coloured = tty->colour && *colour;

	text_printf(&tty->held, "%s%s%s\r\n", coloured ? colour : "", text_string(line),
		    coloured ? CODE_NORMAL : "");
	tty->dirty = true;
}

/* The same for words: broken between them where the line is wider than the terminal. */
static void tty_hold_sentence(struct tty *tty, const struct text *line, const char *colour)
{
	struct text lines = { 0 }, one = { 0 };
	const char *at, *end;

	if (text_columns(text_string(line), tty->layout.utf8) < tty->columns) {
		tty_hold(tty, line, colour);
		return;
	}
	text_add_wrapped(&lines, text_string(line), 0, tty->columns - 1);
	for (at = text_string(&lines); (end = strchr(at, '\n')); at = end + 1) {
		text_clear(&one);
		text_add_bytes(&one, at, (size_t)(end - at));
		tty_hold(tty, &one, colour);
	}
	text_free(&lines);
	text_free(&one);
}

static void tty_event(struct progress *progress, const struct progress_event *event)
{
	struct tty *tty = progress->state;
	struct text line = { 0 };

	totals_event(&tty->totals, event);
	tty->dirty = true;
	if (event->kind == PROGRESS_START || event->kind == PROGRESS_MOVED)
		return; /* a row shows it */
	line_event(&line, event, progress->utf8);
	tty_hold_sentence(tty, &line,
			  event->kind == PROGRESS_FAILED ? CODE_ERROR :
			  event->kind == PROGRESS_DONE   ? CODE_DONE :
							   "");
	text_free(&line);
}

/*
 * If the size is unchanged this is a SIGCONT: the shell has written below the block, which is left
 * alone.
 */
static void tty_resize(struct progress *progress)
{
	struct tty *tty = progress->state;
	struct winsize size = tty_size();

	if (size.ws_col == tty->columns && size.ws_row == tty->lines)
		tty->drawn = 0;
	if (tty_measure(progress, &size) < 0)
		return;
	tty->redraw = true;
	tty->dirty = true;
}

static void tty_note(struct progress *progress, bool error, const char *text)
{
	struct tty *tty = progress->state;
	struct text line = { 0 };

	line_note(&line, text, progress->utf8);
	tty_hold_sentence(tty, &line, error ? CODE_ERROR : "");
	tty->due_ns = 0; /* it may be the answer to a key: draw at once */
	text_free(&line);
}

static void tty_summary(struct progress *progress, const struct progress_summary *summary)
{
	struct tty *tty = progress->state;
	struct text line = { 0 };
	unsigned part;

	for (part = 0; line_summary(&line, part, summary, progress->utf8); part++) {
		if (line.len > 0)
			tty_hold_sentence(tty, &line, "");
		text_clear(&line);
	}
	text_free(&line);
	tty_draw(tty, 0);
}

static void tty_close(struct progress *progress)
{
	struct tty *tty = progress->state;

	tty_draw(tty, 0);
	tty_free(tty);
}

const struct progress_view progress_view_tty = {
	.name = "tty",
	.state_size = sizeof(struct tty),
	.open = tty_open,
	.event = tty_event,
	.next_ns = tty_next_ns,
	.refresh = tty_refresh,
	.resize = tty_resize,
	.note = tty_note,
	.summary = tty_summary,
	.close = tty_close,
};
