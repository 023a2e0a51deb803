/* SPDX-License-Identifier: MIT */
/*
 * text.h - text for people: safe to print, of known width.
 *
 * Names and URLs come from the user's list and end on a terminal, which obeys
 * escape sequences. So all text from outside goes through text_add_escaped or
 * text_add_cut. Columns are those of wcwidth(3), which needs text_locale first.
 */
#ifndef IPCDEMO_TEXT_H
#define IPCDEMO_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A growing string. Zeroed is empty; text_free gives the memory back and leaves it empty. */
struct text {
	char *at; /* NUL-terminated, or NULL while nothing was ever added */
	size_t len;
	size_t room;
	bool incomplete; /* memory was short: something is missing */
};

void text_free(struct text *text);
void text_clear(struct text *text);
void text_add_bytes(struct text *text, const char *bytes, size_t n);
void text_add(struct text *text, const char *string);
void text_fill(struct text *text, char c, size_t n);
__attribute__((format(printf, 2, 3))) void text_printf(struct text *text, const char *format, ...);

/* The string, "" when nothing was added. */
const char *text_string(const struct text *text);

/*
 * Sets LC_CTYPE from the environment, to C.UTF-8 where that is the C locale (or names a locale
 * that is not installed). True when the character set is UTF-8: the argument `utf8` below.
 */
bool text_locale(void);

/*
 * Adds STRING as one printable line: control characters, bytes that are not
 * UTF-8, and characters that reorder or hide text become \x1b or \u202e. Without UTF8 every
 * byte above 0x7e does. Returns the columns added.
 */
size_t text_add_escaped(struct text *text, const char *string, bool utf8);

/*
 * The same within COLUMNS columns. A longer string loses its middle, since the end of a name (its
 * suffix, a part number) matters as much as its beginning.
 */
size_t text_add_cut(struct text *text, const char *string, size_t columns, bool utf8);

/*
 * Adds the words of STRING, which must be safe to print, as lines of at most COLUMNS columns, each
 * with INDENT blanks before it and a newline. A longer word gets a line of its own.
 */
void text_add_wrapped(struct text *text, const char *string, size_t indent, size_t columns);

/* Adds STRING, which must be safe to print, and blanks after it, or before it, up to COLUMNS. */
void text_add_padded(struct text *text, const char *string, size_t columns);
void text_add_right(struct text *text, const char *string, size_t columns);

/* Adds STRING with bytes that are not UTF-8 as \xNN, everything else as it is. */
void text_add_utf8(struct text *text, const char *string);

/* Columns that text_add_escaped would add. */
size_t text_columns(const char *string, bool utf8);

/* Whether text_add_escaped would leave STRING as it is. */
bool text_is_clean(const char *string, bool utf8);

#endif
