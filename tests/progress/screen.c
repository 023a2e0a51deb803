/* SPDX-License-Identifier: MIT */
/* screen.c - a terminal in memory. */
#include "config.h"

#include "tests/progress/screen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

static void screen_blank(struct screen *screen, unsigned row, unsigned from)
{
	unsigned i;

	for (i = from; i < SCREEN_COLUMNS_MAX; i++)
		memcpy(screen->cell[row][i], " ", 2);
}

void screen_open(struct screen *screen, unsigned columns, unsigned lines)
{
	unsigned i;

	*screen = (struct screen){
		.columns = columns,
		.lines = lines,
		.wraps = true,
		.cursor_shown = true,
	};
	for (i = 0; i < SCREEN_LINES_MAX; i++)
		screen_blank(screen, i, 0);
}

void screen_close(struct screen *screen)
{
	free(screen->history);
}

static void screen_fault(struct screen *screen, const char *what, const char *bytes)
{
	size_t used;
	size_t i;

	if (screen->fault[0])
		return;
	used = (size_t)snprintf(screen->fault, sizeof screen->fault, "%s:", what);
	for (i = 0; bytes[i] && used + 4 < sizeof screen->fault; i++)
		used += (size_t)snprintf(screen->fault + used, sizeof screen->fault - used, " %02x",
					 (unsigned)(unsigned char)bytes[i]);
}

const char *screen_row(const struct screen *screen, unsigned row, char *buf)
{
	size_t len = 0;
	size_t end = 0;
	unsigned i;

	for (i = 0; i < screen->columns; i++) {
		size_t n = strlen(screen->cell[row][i]);

		memcpy(buf + len, screen->cell[row][i], n);
		len += n;
		if (n > 0 && strcmp(screen->cell[row][i], " ") != 0)
			end = len;
	}
	buf[end] = '\0';
	return buf;
}

unsigned screen_find(const struct screen *screen, const char *needle, unsigned *row)
{
	char buf[SCREEN_LINE_BYTES];
	unsigned found = 0;
	unsigned i;

	for (i = 0; i < screen->lines; i++) {
		if (!strstr(screen_row(screen, i, buf), needle))
			continue;
		found++;
		if (row)
			*row = i;
	}
	return found;
}

static void screen_scroll(struct screen *screen)
{
	char buf[SCREEN_LINE_BYTES];
	size_t len = strlen(screen_row(screen, 0, buf));
	char *history = realloc(screen->history, screen->history_len + len + 2);

	if (!history)
		abort();
	memcpy(history + screen->history_len, buf, len);
	memcpy(history + screen->history_len + len, "\n", 2);
	screen->history = history;
	screen->history_len += len + 1;
	screen->scrolled++;
	memmove(screen->cell[0], screen->cell[1], sizeof screen->cell[0] * (SCREEN_LINES_MAX - 1));
	screen_blank(screen, SCREEN_LINES_MAX - 1, 0);
}

static void screen_line_feed(struct screen *screen)
{
	screen->wrap_pending = false;
	if (screen->row + 1 < screen->lines)
		screen->row++;
	else
		screen_scroll(screen);
}

static void screen_print(struct screen *screen, const char *bytes, size_t n, wchar_t code)
{
	int width = wcwidth(code);
	char *cell;

	if (width < 0) {
		screen_fault(screen, "not printable", bytes);
		return;
	}
	if (width == 0)
		return; /* a mark on the cell before; the tests need no more */
	if (screen->wraps &&
	    (screen->wrap_pending || screen->column + (unsigned)width > screen->columns)) {
		screen->column = 0;
		screen_line_feed(screen);
	}
	if (screen->column + (unsigned)width > screen->columns)
		screen->column = screen->columns - (unsigned)width;
	cell = screen->cell[screen->row][screen->column];
	memcpy(cell, bytes, n);
	cell[n] = '\0';
	if (width == 2)
		screen->cell[screen->row][screen->column + 1][0] = '\0';
	screen->column += (unsigned)width;
	if (screen->column >= screen->columns) {
		screen->column = screen->columns - 1;
		screen->wrap_pending = true;
	}
}

static void screen_erase_below(struct screen *screen)
{
	unsigned i;

	screen_blank(screen, screen->row, screen->column);
	for (i = screen->row + 1; i < SCREEN_LINES_MAX; i++)
		screen_blank(screen, i, 0);
}

/* A complete control sequence, from its ESC on. */
static void screen_control(struct screen *screen, const char *sequence)
{
	unsigned up;
	char end;

	if (strcmp(sequence, "\033[K") == 0)
		screen_blank(screen, screen->row, screen->column);
	else if (strcmp(sequence, "\033[J") == 0)
		screen_erase_below(screen);
	else if (strcmp(sequence, "\033[?25l") == 0)
		screen->cursor_shown = false;
	else if (strcmp(sequence, "\033[?25h") == 0)
		screen->cursor_shown = true;
	else if (strcmp(sequence, "\033[?7l") == 0)
		screen->wraps = false;
	else if (strcmp(sequence, "\033[?7h") == 0)
		screen->wraps = true;
	else if (sscanf(sequence, "\033[%u%c", &up, &end) == 2 && end == 'A')
		screen->row -= up < screen->row ? up : screen->row;
	else if (sequence[1] != '[' || sequence[2 + strspn(sequence + 2, "0123456789;")] != 'm')
		screen_fault(screen, "unknown sequence", sequence);
}

/* Whether screen->partial is complete; then it was obeyed or printed. */
static bool screen_obey(struct screen *screen)
{
	const char *at = screen->partial;
	size_t len = screen->partial_len;
	mbstate_t state = { 0 };
	wchar_t code;
	size_t n;

	if (at[0] == '\r') {
		screen->column = 0;
		screen->wrap_pending = false;
	} else if (at[0] == '\n') {
		screen_line_feed(screen);
	} else if (at[0] == '\033' && at[1] == '_') {
		if (len < 4 || memcmp(at + len - 2, "\033\\", 2) != 0)
			return false;
		screen->partial[len - 2] = '\0';
		if (screen->mark)
			screen->mark(screen, at + 2);
	} else if (at[0] == '\033') {
		if (len == 1 || (at[1] == '[' && (len == 2 || at[len - 1] < '@')))
			return false;
		screen_control(screen, at);
	} else {
		n = mbrtowc(&code, at, len, &state);
		if (n == (size_t)-2)
			return false;
		if (n == (size_t)-1 || n == 0 || (unsigned char)at[0] < 0x20)
			screen_fault(screen, "control byte", at);
		else
			screen_print(screen, at, n, code);
	}
	return true;
}

void screen_write(struct screen *screen, const char *bytes, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (screen->partial_len + 1 >= sizeof screen->partial) {
			screen_fault(screen, "endless sequence", screen->partial);
			screen->partial_len = 0;
		}
		screen->partial[screen->partial_len++] = bytes[i];
		screen->partial[screen->partial_len] = '\0';
		if (screen_obey(screen))
			screen->partial_len = 0;
	}
}

/* Copies row ROW of OLD, cut into pieces, behind the rows that SCREEN already has. */
static void screen_append(struct screen *screen, const struct screen *old, unsigned row)
{
	unsigned end = old->columns;
	unsigned i;

	while (end > 0 && strcmp(old->cell[row][end - 1], " ") == 0)
		end--;
	if (row == old->row) {
		screen->column = 0;
		return; /* the cursor's own line, which the views leave empty */
	}
	for (i = 0; i < end; i++) {
		size_t n = strlen(old->cell[row][i]);
		mbstate_t state = { 0 };
		wchar_t code;

		if (n > 0 && mbrtowc(&code, old->cell[row][i], n, &state) <= n)
			screen_print(screen, old->cell[row][i], n, code);
	}
	screen->column = 0;
	screen_line_feed(screen);
}

void screen_resize(struct screen *screen, unsigned columns, unsigned lines)
{
	struct screen *old = malloc(sizeof *old);
	unsigned i;

	if (screen->clips) {
		for (i = 0; i < SCREEN_LINES_MAX; i++)
			screen_blank(screen, i, columns);
		screen->columns = columns;
		screen->lines = lines;
		free(old);
		return;
	}
	if (!old)
		abort();
	memcpy(old, screen, sizeof *old);
	screen->columns = columns;
	screen->lines = lines;
	screen->row = screen->column = 0;
	screen->wraps = true;
	screen->wrap_pending = false;
	for (i = 0; i < SCREEN_LINES_MAX; i++)
		screen_blank(screen, i, 0);
	for (i = 0; i <= old->row; i++)
		screen_append(screen, old, i);
	screen->wraps = old->wraps;
	free(old);
}
