/* SPDX-License-Identifier: MIT */
/*
 * output_lines.h - how views write: with write(2), a whole line or frame in one call. A fork would
 * copy stdio's buffers, and both processes would print them; and lines of several processes would
 * mix.
 */
#ifndef IPCDEMO_OUTPUT_LINES_H
#define IPCDEMO_OUTPUT_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "common/text.h"
#include "progress/progress.h"

/* Writes all N bytes: partial writes go on, a full non-blocking FD is waited for. 0 or -errno. */
int output_write(int fd, const char *bytes, size_t n);

/* Whether a small write to FD would not block now. */
bool output_writable(int fd);

/* Write one line to stderr, for views that draw nothing there. The first frees LINE. */
void output_line(struct progress *progress, struct text *line);
void output_note(struct progress *progress, const char *note);
void output_event(struct progress *progress, const struct progress_event *event);

#endif
