/* SPDX-License-Identifier: MIT */
/*
 * filename.h - the file name that a URL asks for, settled before any network byte.
 *
 * Pure functions. The origin has no say in a name: neither Content-Disposition nor a
 * redirect is looked at.
 */
#ifndef IPCDEMO_FILENAME_H
#define IPCDEMO_FILENAME_H

#include <stdbool.h>
#include <stddef.h>

/* The suffix of a file that is not complete. No finished file may have it. */
#define FILENAME_PART_SUFFIX ".part"

/* Room for FILENAME_PART_SUFFIX behind the name within NAME_MAX (255). */
#define FILENAME_BYTES_MAX 250

/* Values are part of FAILURE_NAME: append only. */
enum filename_error {
	FILENAME_OK = 0,
	FILENAME_NO_HOST,
	FILENAME_DOT,     /* is "." or ".." */
	FILENAME_SLASH,   /* holds a slash */
	FILENAME_CONTROL, /* holds a control byte */
	FILENAME_LONG,    /* over FILENAME_BYTES_MAX bytes */
	FILENAME_EMPTY,   /* out= with nothing behind it */
	FILENAME_PART, /* ends in ".part": a later download of the rest of the name would take the
			* finished file for a leftover of its own, and empty it */
};

/*
 * The last segment of URL's path, percent-decoded; "index.html" when the path ends in a slash or is
 * empty. WITH_QUERY: and its query behind a question mark. What may not stand in a name stays
 * percent-encoded or becomes so: slashes, control bytes, a dot at the beginning (a hidden file is
 * the user's to ask for), the dot of ".part" at the end. A name that is too long loses its middle.
 * NAME has room for FILENAME_BYTES_MAX + 1 bytes; it is "" after an error: FILENAME_NO_HOST.
 * Other bytes above 0x7f pass as they are.
 */
enum filename_error filename_from_url(const char *url, bool with_query, char *name);

/* May the user give this name (-o, out=)? A dot at the beginning is the user's wish. */
enum filename_error filename_check(const char *name);

/* What to tell the user: "its name holds a slash". Static storage, for any value of ERROR. */
const char *filename_strerror(enum filename_error error);

#endif
