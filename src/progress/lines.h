/* SPDX-License-Identifier: MIT */
/* lines.h - lines that stay on the screen: for an event, a note, a total, and the closing lines. */
#ifndef IPCDEMO_LINES_H
#define IPCDEMO_LINES_H

#include <stdbool.h>

#include "common/text.h"
#include "progress/progress.h"
#include "progress/totals.h"

/* Each adds one line, without newline, its foreign parts escaped. */
void line_event(struct text *line, const struct progress_event *event, bool utf8);
void line_note(struct text *line, const char *note, bool utf8);
void line_total(struct text *line, const struct totals *totals, uint64_t now_ns);

/*
 * The closing lines, PART 0, 1, 2 ... False after the last. A part that has nothing to say adds
 * nothing.
 */
bool line_summary(struct text *line, unsigned part, const struct progress_summary *summary,
		  bool utf8);

#endif
