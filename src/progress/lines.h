/* SPDX-License-Identifier: MIT */
/* lines.h - the lines that stay: what faces for people say of one event, or at the end. */
#ifndef IPCDEMO_UI_LINES_H
#define IPCDEMO_UI_LINES_H

#include "common/text.h"
#include "progress/progress.h"
#include "progress/totals.h"

/* Each adds one line, without newline, its foreign parts escaped. */
void ui_line_event(struct text *line, const struct ui_event *event, bool utf8);
void ui_line_note(struct text *line, const char *note, bool utf8);
void ui_line_total(struct text *line, const struct ui_tally *tally, uint64_t now_ns);
void ui_line_summary(struct text *line, const struct ui_summary *summary, bool utf8);

#endif
