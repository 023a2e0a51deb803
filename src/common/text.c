/* SPDX-License-Identifier: MIT */
/* text.c - see text.h */
#include "config.h"

#include "common/text.h"

#include <inttypes.h>
#include <langinfo.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

void text_free(struct text *text)
{
	free(text->at);
	*text = (struct text){ 0 };
}

void text_clear(struct text *text)
{
	text->len = 0;
	text->incomplete = false;
	if (text->at)
		text->at[0] = '\0';
}

static bool text_reserve(struct text *text, size_t more)
{
	size_t room = text->room ? text->room : 128;
	char *at;

	if (more < text->room - text->len)
		return true;
	while (room - text->len <= more) {
		if (room > SIZE_MAX / 2)
			goto fail;
		room *= 2;
	}
	at = realloc(text->at, room);
	if (!at)
		goto fail;
	text->at = at;
	text->room = room;
	return true;
fail:
	text->incomplete = true;
	return false;
}

void text_add_bytes(struct text *text, const char *bytes, size_t n)
{
	if (!text_reserve(text, n))
		return;
	memcpy(text->at + text->len, bytes, n);
	text->len += n;
	text->at[text->len] = '\0';
}

void text_add(struct text *text, const char *string)
{
	text_add_bytes(text, string, strlen(string));
}

void text_fill(struct text *text, char c, size_t n)
{
	if (!text_reserve(text, n))
		return;
	memset(text->at + text->len, c, n);
	text->len += n;
	text->at[text->len] = '\0';
}

void text_printf(struct text *text, const char *format, ...)
{
	va_list args;
	int need;

	va_start(args, format);
	need = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (need < 0 || !text_reserve(text, (size_t)need)) {
		text->incomplete = true;
		return;
	}
	va_start(args, format);
	(void)vsnprintf(text->at + text->len, (size_t)need + 1, format,
			args); /* fits: just measured */
	va_end(args);
	text->len += (size_t)need;
}

const char *text_string(const struct text *text)
{
	return text->at ? text->at : "";
}

bool text_locale(void)
{
	const char *name = setlocale(LC_CTYPE, "");

	/* Containers and cron have no locale, and today's files and terminals are UTF-8. */
	if (!name || strcmp(name, "C") == 0 || strcmp(name, "POSIX") == 0)
		(void)setlocale(LC_CTYPE, "C.UTF-8"); /* if it fails, the codeset is not UTF-8 */
	return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

/* One character as it will be printed. */
struct glyph {
	uint32_t code;
	const char *bytes;
	size_t len;
	size_t columns;
	bool changed;
	char escape[12]; /* what bytes points at when changed */
};

/* The bytes of the UTF-8 character at S, 0 when there is none. Strict, as in RFC 3629. */
static size_t utf8_decode(const unsigned char *s, uint32_t *code)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len;
	size_t i;

	if (s[0] < 0x80) {
		*code = s[0];
		return 1;
	}
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	len = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	*code = s[0] & (0x7fU >> len);
	for (i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80) /* also the NUL at the end */
			return 0;
		*code = *code << 6 | (s[i] & 0x3fU);
	}
	if (*code < least[len] || *code > 0x10ffff || (*code >= 0xd800 && *code <= 0xdfff))
		return 0;
	return len;
}

/*
 * Characters that wcwidth takes for printable, but which move or hide their neighbours:
 * "invoice<U+202E>fdp.exe" shows as "invoiceexe.pdf".
 */
static bool code_deceives(uint32_t code)
{
	static const struct {
		uint32_t from, to;
	} range[] = {
		{ 0x00ad, 0x00ad },   /* soft hyphen */
		{ 0x061c, 0x061c },   /* Arabic letter mark */
		{ 0x115f, 0x1160 },   /* Hangul fillers */
		{ 0x180e, 0x180e },   /* Mongolian vowel separator */
		{ 0x200b, 0x200b },   /* zero width space; the joiners after it spell words */
		{ 0x200e, 0x200f },   /* direction marks */
		{ 0x2028, 0x202e },   /* line separators, direction overrides */
		{ 0x2060, 0x206f },   /* word joiner, direction isolates */
		{ 0x3164, 0x3164 },   /* Hangul filler */
		{ 0xfeff, 0xfeff },   /* byte order mark */
		{ 0xfff9, 0xfffb },   /* interlinear annotation */
		{ 0xe0000, 0xe007f }, /* tags */
	};
	size_t i;

	for (i = 0; i < sizeof range / sizeof range[0]; i++) {
		if (code >= range[i].from && code <= range[i].to)
			return true;
	}
	return false;
}

static void glyph_escape(struct glyph *glyph, const char *format, uint32_t value)
{
	int n = snprintf(glyph->escape, sizeof glyph->escape, format, value);

	glyph->bytes = glyph->escape;
	glyph->len = n > 0 ? (size_t)n : 0;
	glyph->columns = glyph->len;
	glyph->changed = true;
}

/* The glyph at *S, which moves on. False at the end of the string. */
static bool glyph_next(const char **s, bool utf8, struct glyph *glyph)
{
	const unsigned char *at = (const unsigned char *)*s;
	uint32_t code = 0;
	size_t len;
	int columns;

	if (*at == '\0')
		return false;
	len = utf8_decode(at, &code);
	glyph->code = code;
	if (len == 0 || (len > 1 && !utf8)) {
		glyph_escape(glyph, "\\x%02" PRIx32, *at);
		*s += 1;
		return true;
	}
	columns = wcwidth((wchar_t)code);
	if (len == 1 && (code < 0x20 || code == 0x7f)) {
		glyph_escape(glyph, "\\x%02" PRIx32, code);
	} else if (columns < 0 || code_deceives(code)) {
		glyph_escape(glyph, code > 0xffff ? "\\U%08" PRIx32 : "\\u%04" PRIx32, code);
	} else {
		glyph->bytes = *s;
		glyph->len = len;
		glyph->columns = (size_t)columns;
		glyph->changed = false;
	}
	*s += len;
	return true;
}

size_t text_columns(const char *string, bool utf8)
{
	struct glyph glyph;
	size_t columns = 0;

	while (glyph_next(&string, utf8, &glyph))
		columns += glyph.columns;
	return columns;
}

bool text_is_clean(const char *string, bool utf8)
{
	struct glyph glyph;

	while (glyph_next(&string, utf8, &glyph)) {
		if (glyph.changed)
			return false;
	}
	return true;
}

size_t text_add_escaped(struct text *text, const char *string, bool utf8)
{
	struct glyph glyph;
	size_t columns = 0;

	while (glyph_next(&string, utf8, &glyph)) {
		text_add_bytes(text, glyph.bytes, glyph.len);
		columns += glyph.columns;
	}
	return columns;
}

size_t text_add_cut(struct text *text, const char *string, size_t columns, bool utf8)
{
	const char *dots = utf8 ? "\xe2\x80\xa6" : columns < 3 ? "." : "...";
	size_t dots_columns = utf8 || columns < 3 ? 1 : 3;
	size_t whole = text_columns(string, utf8);
	size_t head_most;
	size_t used = 0;
	size_t passed = 0;
	struct glyph glyph;

	if (whole <= columns)
		return text_add_escaped(text, string, utf8);
	if (columns == 0)
		return 0;
	head_most = (columns - dots_columns + 1) / 2;
	while (glyph_next(&string, utf8, &glyph)) {
		passed += glyph.columns;
		if (used + glyph.columns > head_most)
			break;
		text_add_bytes(text, glyph.bytes, glyph.len);
		used += glyph.columns;
	}
	text_add(text, dots);
	used += dots_columns;
	/* Skip to where the rest fits; an accent there would attach to the dots, so skip it too. */
	while (whole - passed > columns - used && glyph_next(&string, utf8, &glyph))
		passed += glyph.columns;
	while (glyph_next(&string, utf8, &glyph)) {
		if (glyph.columns > 0)
			break;
	}
	if (whole > passed) {
		text_add_bytes(text, glyph.bytes, glyph.len);
		used += glyph.columns;
		used += text_add_escaped(text, string, utf8);
	}
	return used;
}

/*
 * May a line end between these two? Chinese has no blanks: there it may beside any character of two
 * columns, but no line begins with what closes, or ends with what opens.
 */
static bool may_break(const struct glyph *before, const struct glyph *after)
{
	static const wchar_t closing[] = L")]},.;:!?%\u2019\u201d\u2026\u3001\u3002\u3009\u300b"
					 L"\u300d\u3011\uff01\uff05\uff09\uff0c\uff1a\uff1b\uff1f";
	static const wchar_t opening[] = L"([{\u2018\u201c\u3008\u300a\u300c\u3010\uff08";

	if (before->columns < 2 && after->columns < 2)
		return false;
	return !wcschr(closing, (wchar_t)after->code) && !wcschr(opening, (wchar_t)before->code);
}

static bool is_within(char c, char first, char last)
{
	return c >= first && c <= last;
}

/* The first blank of STRING that does not stand between a figure and its unit. */
static const char *blank_at(const char *string)
{
	const char *end = string + strcspn(string, " ");

	while (end > string && *end && is_within(end[-1], '0', '9') &&
	       (is_within(end[1], 'A', 'Z') || is_within(end[1], 'a', 'z')))
		end += 1 + strcspn(end + 1, " ");
	return end;
}

/* The bytes at the beginning of STRING that belong on one line, *COLUMNS wide. */
static size_t word_at(const char *string, size_t *columns)
{
	const char *at = string, *end = blank_at(string), *next = string;
	struct glyph glyph, before = { .columns = 0 };

	for (*columns = 0; at < end && glyph_next(&next, true, &glyph); at = next) {
		if (at > string && may_break(&before, &glyph))
			break;
		*columns += glyph.columns;
		before = glyph;
	}
	return (size_t)(at - string);
}

void text_add_wrapped(struct text *text, const char *string, size_t indent, size_t columns)
{
	size_t used = 0; /* of the line; 0: none is begun */
	size_t blanks, word, len;

	for (; *(string += blanks = strspn(string, " ")); string += len) {
		len = word_at(string, &word);
		blanks = blanks > 0;
		if (used > 0 && used + blanks + word > columns) {
			text_add(text, "\n");
			used = 0;
		}
		text_fill(text, ' ', used > 0 ? blanks : indent);
		text_add_bytes(text, string, len);
		used = used > 0 ? used + blanks + word : indent + word;
	}
	if (used > 0)
		text_add(text, "\n");
}

void text_add_padded(struct text *text, const char *string, size_t columns)
{
	const size_t used = text_columns(string, true);

	text_add(text, string);
	text_fill(text, ' ', columns > used ? columns - used : 0);
}

void text_add_right(struct text *text, const char *string, size_t columns)
{
	const size_t used = text_columns(string, true);

	text_fill(text, ' ', columns > used ? columns - used : 0);
	text_add(text, string);
}

void text_add_utf8(struct text *text, const char *string)
{
	uint32_t code;
	size_t len;

	for (; *string; string += len) {
		len = utf8_decode((const unsigned char *)string, &code);
		if (len > 0) {
			text_add_bytes(text, string, len);
			continue;
		}
		len = 1;
		text_printf(text, "\\x%02x", (unsigned)(unsigned char)*string);
	}
}
