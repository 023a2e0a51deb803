/* SPDX-License-Identifier: MIT */
/*
 * filename.c - from URL to file name.
 *
 * Whoever writes a URL list may be hostile or careless, and the name becomes a path
 * component. So what is not plainly a name is refused with a reason; nothing is repaired,
 * because a repaired name may be that of another file.
 */
#include "config.h"

#include "download/filename.h"

#include <stdbool.h>
#include <string.h>

#include "common/hex.h"

/* What separates host from path. A backslash is an ordinary byte, as in RFC 3986. */
#define AUTHORITY_ENDS "/?#"
#define PATH_ENDS      "?#"

/* Not isalpha(): the locale must not decide what a URL is. */
static bool is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_control(char c)
{
	unsigned char byte = (unsigned char)c;

	return byte < 0x20 || byte == 0x7f;
}

/* The length of "scheme://" at the start of URL, 0 when there is none. */
static size_t scheme_length(const char *url)
{
	size_t n = 0;

	if (!is_alpha(url[0]))
		return 0;
	while (is_alpha(url[n]) || is_digit(url[n]) || (url[n] && strchr("+-.", url[n])))
		n++;
	return strncmp(url + n, "://", 3) == 0 ? n + 3 : 0;
}

static bool is_file_scheme(const char *url, size_t length)
{
	static const char file[] = "file://";

	if (length != sizeof(file) - 1)
		return false;
	for (size_t i = 0; i < length; i++) {
		/* Bit 5 is the case of an ASCII letter, and set in ':' and '/' anyway. */
		if ((url[i] | 0x20) != file[i])
			return false;
	}
	return true;
}

/* Is there a host in the N bytes "user:password@host:port"? */
static bool has_host(const char *authority, size_t n)
{
	const char *at = memrchr(authority, '@', n);
	const char *host = at ? at + 1 : authority;

	return host < authority + n && *host != ':';
}

/* Decodes the N bytes at SEGMENT into NAME. A decoded NUL is refused here: it would cut the name.
 */
static enum filename_error decode(const char *segment, size_t n, char *name, size_t size)
{
	size_t used = 0;

	for (size_t i = 0; i < n; i++) {
		char byte = segment[i];

		if (byte == '%') {
			/* What ends a segment is no digit, so this reads nothing behind it. */
			int value = hex_byte(segment + i + 1);

			if (value < 0)
				return FILENAME_ENCODING;
			byte = (char)value;
			i += 2;
		}
		if (byte == '\0')
			return FILENAME_CONTROL;
		if (used + 1 >= size)
			return FILENAME_LONG;
		name[used++] = byte;
	}
	name[used] = '\0';
	return FILENAME_OK;
}

enum filename_error filename_check(const char *name)
{
	size_t n = strlen(name);
	size_t suffix = strlen(FILENAME_PART_SUFFIX);

	if (n == 0)
		return FILENAME_EMPTY;
	for (size_t i = 0; i < n; i++) {
		if (is_control(name[i]))
			return FILENAME_CONTROL;
	}
	if (memchr(name, '/', n))
		return FILENAME_SLASH;
	if (name[0] == '.')
		return FILENAME_DOT;
	if (n > FILENAME_BYTES_MAX)
		return FILENAME_LONG;
	if (n >= suffix && strcmp(name + n - suffix, FILENAME_PART_SUFFIX) == 0)
		return FILENAME_PART;
	return FILENAME_OK;
}

static enum filename_error last_segment(const char *url, char *name, size_t size)
{
	static const char index[] = "index.html";
	size_t scheme = scheme_length(url);
	const char *authority = url + scheme;
	const char *path = authority + strcspn(authority, AUTHORITY_ENDS);
	size_t path_length = strcspn(path, PATH_ENDS);
	const char *slash = memrchr(path, '/', path_length);
	const char *segment = slash ? slash + 1 : path;
	size_t n = (size_t)(path + path_length - segment);

	if (!is_file_scheme(url, scheme) && !has_host(authority, (size_t)(path - authority)))
		return FILENAME_NO_HOST;
	if (n == 0)
		return decode(index, sizeof(index) - 1, name, size);
	return decode(segment, n, name, size);
}

enum filename_error filename_from_url(const char *url, char *name, size_t size)
{
	enum filename_error error = last_segment(url, name, size);

	if (error == FILENAME_OK)
		error = filename_check(name);
	if (error != FILENAME_OK && size > 0)
		name[0] = '\0';
	return error;
}

const char *filename_strerror(enum filename_error error)
{
	static const char *const words[] = {
		[FILENAME_OK] = "its name is safe",
		[FILENAME_NO_HOST] = "it is not a URL",
		[FILENAME_DOT] = "its name begins with a dot",
		[FILENAME_SLASH] = "its name holds a slash",
		[FILENAME_CONTROL] = "its name holds a control character",
		[FILENAME_LONG] = "its name is longer than 250 bytes",
		[FILENAME_ENCODING] = "its name holds a % without two hexadecimal digits",
		[FILENAME_EMPTY] = "its name is empty",
		[FILENAME_PART] = "its name ends in .part, as only unfinished files do",
	};
	size_t i = (size_t)error;

	return i < sizeof(words) / sizeof(words[0]) ? words[i] : "its name is not safe";
}
