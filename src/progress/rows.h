/* SPDX-License-Identifier: MIT */
/*
 * rows.h - the rows of the terminal view as plain text, without any terminal code.
 *
 * At 80 columns:
 *	  0 ███████▌      52%  12.4 MiB   3.1 MiB/s     0:04  name.pdf
 *	  1                ⠹    3.4 MiB   1.1 MiB/s     -:--  other.bin
 *	all █████         41%  15.8 MiB   4.2 MiB/s    ~0:12  0 of 4 files, over unix
 * On a narrower terminal columns are left out one by one, the name last, since a person looks for
 * it. Wider terminals get longer bars and the expected size.
 */
#ifndef IPCDEMO_ROWS_H
#define IPCDEMO_ROWS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/text.h"
#include "progress/totals.h"

enum row_column {
	ROW_COL_BAR,
	ROW_COL_PERCENT,
	ROW_COL_BYTES,
	ROW_COL_SIZE,
	ROW_COL_SPEED,
	ROW_COL_LEFT,
	ROW_COLUMNS
};

struct row_layout {
	bool utf8;       /* names */
	bool blocks;     /* bars and spinners of more than ASCII */
	unsigned number; /* width of the column of worker numbers */
	unsigned bar;
	unsigned name;
	unsigned whole; /* all but the last column */
	bool shown[ROW_COLUMNS];
};

struct row {
	struct text text;
	size_t columns;          /* its width on the screen, below the terminal's */
	size_t bar_from, bar_to; /* bytes of text that are bar; equal: none */
	bool idle;
};

void row_layout(struct row_layout *layout, unsigned columns, unsigned workers);

/* Each replaces what ROW holds. */
void row_worker(struct row *row, const struct row_layout *layout, const struct totals *totals,
		unsigned worker, uint64_t now_ns);
void row_more(struct row *row, const struct row_layout *layout, unsigned hidden, unsigned busy);

/* IPC may be NULL. */
void row_total(struct row *row, const struct row_layout *layout, const struct totals *totals,
	       const char *ipc, uint64_t now_ns);

#endif
