/* SPDX-License-Identifier: MIT */
/*
 * screen.h - a terminal in memory, to see what a person would see.
 *
 * It knows what view_tty.c may use and nothing more; any other control byte or sequence is a
 * fault, and so a test failure. Like most terminals of today it breaks lines anew when it
 * becomes narrower, unless it CLIPS as xterm does.
 */
#ifndef TESTS_SCREEN_H
#define TESTS_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

#define SCREEN_COLUMNS_MAX 256
#define SCREEN_LINES_MAX   64
#define SCREEN_LINE_BYTES  2048

struct screen {
	unsigned columns, lines;
	/* One string per cell; "" behind a wide character, NULL-less: " " when empty. */
	char cell[SCREEN_LINES_MAX][SCREEN_COLUMNS_MAX][8];
	unsigned row, column;
	bool wraps, wrap_pending, cursor_shown;
	bool clips;
	unsigned scrolled; /* lines that left at the top */
	char *history;     /* those lines, each with its newline */
	size_t history_len;
	char partial[64]; /* a sequence that is not complete yet */
	size_t partial_len;
	char fault[128]; /* the first thing that a terminal should not be sent */
	/* A string between ESC _ and ESC \, which a test's script sends in line. */
	void (*mark)(struct screen *screen, const char *text);
	void *mark_data;
};

void screen_open(struct screen *screen, unsigned columns, unsigned lines);
void screen_close(struct screen *screen);
void screen_write(struct screen *screen, const char *bytes, size_t n);
void screen_resize(struct screen *screen, unsigned columns, unsigned lines);

/* Row ROW without the spaces at its end. BUF holds SCREEN_LINE_BYTES. */
const char *screen_row(const struct screen *screen, unsigned row, char *buf);

/* How many rows hold NEEDLE; the last of them in *ROW, if any. */
unsigned screen_find(const struct screen *screen, const char *needle, unsigned *row);

#endif
