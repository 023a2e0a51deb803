/* SPDX-License-Identifier: MIT */
/*
 * url.h - the parts of a URL that this program looks at itself; libcurl judges the whole.
 *
 * Pure functions. A URL without "scheme://" begins with its host.
 */
#ifndef IPCDEMO_URL_H
#define IPCDEMO_URL_H

#include <stdbool.h>
#include <stddef.h>

/* A piece of a URL, not NUL-terminated. */
struct url_part {
	const char *at;
	size_t len;
};

struct url_parts {
	struct url_part scheme;    /* with its "://"; empty: none */
	struct url_part authority; /* "user:password@host:port" */
	struct url_part host;      /* without port; a bracketed IPv6 address is whole */
	struct url_part path;      /* from its slash on */
	struct url_part query;     /* behind the question mark */
};

void url_split(const char *url, struct url_parts *parts);

bool url_is_file(const struct url_parts *parts);

/*
 * TEXT as somebody typed or pasted it, made a URL as a browser does: blanks around it go, and what
 * may not stand in a path or query (blanks, quotes, angle brackets, bytes above 0x7f) is
 * percent-encoded; the host stays as it is. To be freed. NULL with errno ENOMEM, or EINVAL: it
 * holds a control character.
 */
char *url_clean(const char *text);

/* The URL for eyes and logs: "user:password@" becomes "user:***@". To be freed; NULL: no memory. */
char *url_without_password(const char *url);

#endif
