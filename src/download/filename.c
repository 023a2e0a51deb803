/* SPDX-License-Identifier: MIT */
/*
 * filename.c - from URL to file name.
 *
 * Whoever writes a URL list may be hostile or careless, and the name becomes a path component.
 * Every URL gets a name, because its user wants the file; what is no plain name is kept apart by
 * its percent-encoding, and job_settle.c looks after names that are equal in the end.
 */
#include "config.h"

#include "download/filename.h"

#include <string.h>

#include "common/hex.h"
#include "common/language.h"
#include "download/url.h"

#define GAP        "..."
#define TAIL_BYTES 60 /* of a name that loses its middle: the suffix is there */

static bool is_control(char c)
{
	unsigned char byte = (unsigned char)c;

	return byte < 0x20 || byte == 0x7f;
}

static bool is_continuation(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* A name that is being built: its first and its last bytes, whatever comes between them. */
struct draft {
	size_t len; /* as if it had no limit */
	char head[FILENAME_BYTES_MAX];
	char tail[TAIL_BYTES]; /* a ring */
};

static void add(struct draft *draft, char c)
{
	if (draft->len < FILENAME_BYTES_MAX)
		draft->head[draft->len] = c;
	draft->tail[draft->len % TAIL_BYTES] = c;
	draft->len++;
}

static void add_byte(struct draft *draft, char c)
{
	char hex[3];

	if (!is_control(c) && c != '/' && (c != '.' || draft->len > 0)) {
		add(draft, c);
		return;
	}
	hex_encode(hex, (const unsigned char *)&c, 1);
	add(draft, '%');
	add(draft, hex[0]);
	add(draft, hex[1]);
}

/* A % without two digits is an ordinary byte. */
static void add_decoded(struct draft *draft, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		/* A part of a URL ends with no digit, so this reads no further. */
		int byte = text[i] == '%' ? hex_byte(text + i + 1) : -1;

		add_byte(draft, byte < 0 ? text[i] : (char)byte);
		i += byte < 0 ? 0 : 2;
	}
}

/* The length of NAME's first N bytes without a UTF-8 character that they would cut in two. */
static size_t whole_characters(const char *name, size_t n)
{
	while (n > 0 && is_continuation(name[n]))
		n--;
	return n;
}

/* The byte at I of a full tail. */
static char tail_byte(const struct draft *draft, size_t i)
{
	return draft->tail[(draft->len + i) % TAIL_BYTES];
}

/* Writes DRAFT into NAME, in LIMIT bytes at most: a longer one loses its middle. */
static void finish(const struct draft *draft, size_t limit, char *name)
{
	size_t n = draft->len, skip = 0;

	if (n <= limit) {
		memcpy(name, draft->head, n);
	} else {
		n = whole_characters(draft->head, limit - strlen(GAP) - TAIL_BYTES);
		memcpy(name, draft->head, n);
		memcpy(name + n, GAP, strlen(GAP));
		n += strlen(GAP);
		while (skip < TAIL_BYTES && is_continuation(tail_byte(draft, skip)))
			skip++;
		for (; skip < TAIL_BYTES; skip++)
			name[n++] = tail_byte(draft, skip);
	}
	name[n] = '\0';
}

static bool ends_in_part(const char *name, size_t n)
{
	size_t suffix = strlen(FILENAME_PART_SUFFIX);

	return n >= suffix && strcmp(name + n - suffix, FILENAME_PART_SUFFIX) == 0;
}

enum filename_error filename_from_url(const char *url, bool with_query, char *name)
{
	struct url_parts parts;
	struct draft draft = { .len = 0 };
	const char *slash;

	name[0] = '\0';
	url_split(url, &parts);
	if (!url_is_file(&parts) && parts.host.len == 0)
		return FILENAME_NO_HOST;
	slash = memrchr(parts.path.at, '/', parts.path.len);
	if (slash)
		add_decoded(&draft, slash + 1,
			    (size_t)(parts.path.at + parts.path.len - (slash + 1)));
	if (draft.len == 0)
		add_decoded(&draft, "index.html", strlen("index.html"));
	if (with_query && parts.query.len > 0) {
		add(&draft, '?');
		add_decoded(&draft, parts.query.at, parts.query.len);
	}
	finish(&draft, FILENAME_BYTES_MAX, name);
	if (ends_in_part(name, strlen(name))) {
		finish(&draft, FILENAME_BYTES_MAX - strlen("2E"), name);
		memcpy(name + strlen(name) - strlen(FILENAME_PART_SUFFIX), "%2Epart",
		       sizeof("%2Epart"));
	}
	return FILENAME_OK;
}

enum filename_error filename_check(const char *name)
{
	size_t n = strlen(name);

	if (n == 0)
		return FILENAME_EMPTY;
	for (size_t i = 0; i < n; i++) {
		if (is_control(name[i]))
			return FILENAME_CONTROL;
	}
	if (memchr(name, '/', n))
		return FILENAME_SLASH;
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return FILENAME_DOT;
	if (n > FILENAME_BYTES_MAX)
		return FILENAME_LONG;
	return ends_in_part(name, n) ? FILENAME_PART : FILENAME_OK;
}

const char *filename_strerror(enum filename_error error)
{
	static const char *const words[] = {
		[FILENAME_OK] = N_("its name is safe"),
		[FILENAME_NO_HOST] = N_("it is not a URL"),
		[FILENAME_DOT] = N_("its name is that of a directory"),
		[FILENAME_SLASH] = N_("its name holds a slash"),
		[FILENAME_CONTROL] = N_("its name holds a control character"),
		[FILENAME_LONG] = N_("its name is longer than 250 bytes"),
		[FILENAME_EMPTY] = N_("its name is empty"),
		[FILENAME_PART] = N_("its name ends in .part, as only unfinished files do"),
	};
	size_t i = (size_t)error;

	return i < sizeof(words) / sizeof(words[0]) ? words[i] : N_("its name is not safe");
}
