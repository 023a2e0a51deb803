/* SPDX-License-Identifier: MIT */
/* lines.h - the lines that stay: what views for people say of one event, or at the end. */
#ifndef IPCDEMO_UI_LINES_H
#define IPCDEMO_UI_LINES_H

#include "common/text.h"
#include "progress/progress.h"
#include "progress/totals.h"

/* Each adds one line, without newline, its foreign parts escaped. */
void line_event(struct text *line, const struct progress_event *event, bool utf8);
void line_note(struct text *line, const char *note, bool utf8);
void line_total(struct text *line, const struct totals *totals, uint64_t now_ns);
void line_summary(struct text *line, const struct progress_summary *summary, bool utf8);

#endif
