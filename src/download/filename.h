/* SPDX-License-Identifier: MIT */
/*
 * filename.h - the file name that a URL asks for, settled before any network byte.
 *
 * Pure functions. The origin has no say in a name: neither Content-Disposition nor a
 * redirect is looked at.
 */
#ifndef IPCDEMO_FILENAME_H
#define IPCDEMO_FILENAME_H

#include <stddef.h>

/* What a file is called until it is complete. No finished file may be called so. */
#define FILENAME_PART_SUFFIX ".part"

/* Room for FILENAME_PART_SUFFIX behind the name within NAME_MAX (255). */
#define FILENAME_BYTES_MAX 250

/* Wire values: append only. */
enum filename_error {
	FILENAME_OK = 0,
	FILENAME_NO_HOST,  /* not a URL */
	FILENAME_DOT,      /* begins with a dot (".", "..", ".bashrc") */
	FILENAME_SLASH,    /* holds a slash, perhaps as %2F */
	FILENAME_CONTROL,  /* holds a NUL or another control byte */
	FILENAME_LONG,     /* over FILENAME_BYTES_MAX bytes */
	FILENAME_ENCODING, /* a % without two hexadecimal digits */
	FILENAME_EMPTY,    /* out= with nothing behind it */
	FILENAME_PART, /* ends in ".part": a later download of the rest of the name would take the
			* finished file for a leftover of its own, and empty it */
};

/*
 * The last segment of URL's path, percent-decoded, without query and fragment; "index.html"
 * when the path ends in a slash or is empty. A URL without "scheme://" begins with its host.
 * NAME has room for SIZE bytes; FILENAME_BYTES_MAX + 1 are always enough. It is "" after an error.
 * Bytes above 0x7f pass as they are.
 */
enum filename_error filename_from_url(const char *url, char *name, size_t size);

/* The same rules for a name that the user gave (-o, out=). */
enum filename_error filename_check(const char *name);

/* What to tell the user: "its name begins with a dot". Static storage, for any value of ERROR. */
const char *filename_strerror(enum filename_error error);

#endif
