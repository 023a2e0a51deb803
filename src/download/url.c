/* SPDX-License-Identifier: MIT */
/* url.c - see url.h */
#include "config.h"

#include "download/url.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/hex.h"

#define BLANKS " \t\r\n\f\v"

/* Not isalpha(): the locale must not decide what a URL is. */
static bool is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_scheme_char(char c)
{
	return is_alpha(c) || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
}

/* The length of "scheme://" at the start of URL, 0 when there is none. */
static size_t scheme_length(const char *url)
{
	size_t n = 0;

	if (!is_alpha(url[0]))
		return 0;
	while (is_scheme_char(url[n]))
		n++;
	return strncmp(url + n, "://", 3) == 0 ? n + 3 : 0;
}

static struct url_part host_of(struct url_part authority)
{
	const char *at = memrchr(authority.at, '@', authority.len);
	struct url_part host = authority;
	const char *end;

	if (at)
		host = (struct url_part){ at + 1, authority.len - (size_t)(at + 1 - authority.at) };
	end = host.len > 0 && *host.at == '[' ? memchr(host.at, ']', host.len) : NULL;
	end = end ? end + 1 : memchr(host.at, ':', host.len);
	if (end)
		host.len = (size_t)(end - host.at);
	return host;
}

void url_split(const char *url, struct url_parts *parts)
{
	const char *at = url + scheme_length(url);

	/* A backslash is an ordinary byte, as in RFC 3986. */
	parts->scheme = (struct url_part){ url, (size_t)(at - url) };
	parts->authority = (struct url_part){ at, strcspn(at, "/?#") };
	parts->host = host_of(parts->authority);
	at += parts->authority.len;
	parts->path = (struct url_part){ at, strcspn(at, "?#") };
	at += parts->path.len;
	at += *at == '?';
	parts->query = (struct url_part){ at, strcspn(at, "#") };
}

bool url_is_file(const struct url_parts *parts)
{
	static const char file[] = "file://";

	return parts->scheme.len == sizeof(file) - 1 &&
	       strncasecmp(parts->scheme.at, file, sizeof(file) - 1) == 0;
}

static bool is_control(char c)
{
	unsigned char byte = (unsigned char)c;

	return byte < 0x20 || byte == 0x7f;
}

static bool may_stand(char c)
{
	return (unsigned char)c < 0x80 && !strchr(" \"<>", c);
}

char *url_clean(const char *text)
{
	size_t blanks = strspn(text, BLANKS);
	size_t n = strlen(text + blanks);
	struct url_parts parts;
	char *url, *out;

	text += blanks;
	while (n > 0 && strchr(BLANKS, text[n - 1]))
		n--;
	url = malloc(3 * n + 1);
	if (!url)
		return NULL;
	url_split(text, &parts);
	out = url;
	for (const char *in = text; in < text + n; in++) {
		if (is_control(*in)) {
			free(url);
			errno = EINVAL;
			return NULL;
		}
		if (in < parts.path.at || may_stand(*in)) {
			*out++ = *in;
		} else {
			*out++ = '%';
			hex_encode(out, (const unsigned char *)in, 1);
			out += 2;
		}
	}
	*out = '\0';
	return url;
}

char *url_without_password(const char *url)
{
	struct url_parts parts;
	const char *at, *colon;
	char *shown;

	url_split(url, &parts);
	at = memrchr(parts.authority.at, '@', parts.authority.len);
	colon = at ? memchr(parts.authority.at, ':', (size_t)(at - parts.authority.at)) : NULL;
	if (!colon)
		return strdup(url);
	return asprintf(&shown, "%.*s:***%s", (int)(colon - url), url, at) < 0 ? NULL : shown;
}
