/* SPDX-License-Identifier: MIT */
/*
 * filename.h - the file name that a URL asks for, settled before any network byte.
 *
 * Pure functions. The origin has no say in a name: neither Content-Disposition nor a
 * redirect is looked at.
 */
#ifndef IPCDEMO_NAME_H
#define IPCDEMO_NAME_H

#include <stddef.h>

/* What a file is called until it is complete. No finished file may be called so. */
#define NAME_PART_SUFFIX ".part"

/* Room for NAME_PART_SUFFIX behind the name within NAME_MAX (255). */
#define NAME_BYTES_MAX 250

/* Wire values: append only. */
enum name_error {
	NAME_OK = 0,
	NAME_NO_HOST,  /* not a URL */
	NAME_DOT,      /* begins with a dot (".", "..", ".bashrc") */
	NAME_SLASH,    /* holds a slash, perhaps as %2F */
	NAME_CONTROL,  /* holds a NUL or another control byte */
	NAME_LONG,     /* over NAME_BYTES_MAX bytes */
	NAME_ENCODING, /* a % without two hexadecimal digits */
	NAME_EMPTY,    /* out= with nothing behind it */
	NAME_PART,     /* ends in ".part": a later download of the rest of the name would take the
			* finished file for a leftover of its own, and empty it */
};

/*
 * The last segment of URL's path, percent-decoded, without query and fragment; "index.html"
 * when the path ends in a slash or is empty. A URL without "scheme://" begins with its host.
 * NAME has room for SIZE bytes; NAME_BYTES_MAX + 1 are always enough. It is "" after an error.
 * Bytes above 0x7f pass as they are.
 */
enum name_error name_from_url(const char *url, char *name, size_t size);

/* The same rules for a name that the user gave (-o, out=). */
enum name_error name_check(const char *name);

/* What to tell the user: "its name begins with a dot". Static storage, for any value of ERROR. */
const char *name_strerror(enum name_error error);

#endif
