/* SPDX-License-Identifier: MIT */
/*
 * fetch_internal.h - between fetch.c, which drives libcurl, and fetch_result.c, which says what
 * became of a transfer. Nobody else includes it.
 */
#ifndef IPCDEMO_FETCH_INTERNAL_H
#define IPCDEMO_FETCH_INTERNAL_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include <curl/curl.h>

#include "download/fetch.h"

/* The transfer in progress. */
struct transfer {
	int fd;
	bool begun; /* fetch_begin() has looked at the answer's header */
	bool too_big;
	bool bad_status; /* the body is not that of the file */
	bool bad_header;
	int write_errno;
	size_t header_bytes;
	uint64_t bytes;
	uint64_t total;
	uint64_t received;    /* bytes of header and body when something last came ... */
	uint64_t received_ns; /* ... and when that was */
	const struct fetch_hooks *hooks;
	bool stopped;            /* by a hook; no hook is called any more */
	uint64_t looked_ns;      /* when the hooks' times were last looked at */
	uint64_t reported_ns;    /* when the progress hook was last called ... */
	uint64_t reported_bytes; /* ... and what it was told */
};

struct fetch {
	CURLM *multi;
	CURL *easy;
	struct fetch_limits limits;
	struct transfer now;
};

/* libcurl takes longs, and means "no limit" by none. */
static inline long to_long(unsigned value)
{
	return value > INT_MAX ? INT_MAX : (long)value;
}

/* The header is complete: is this an answer whose body may be written? */
bool fetch_begin(struct fetch *fetch);

/* What became of the transfer that libcurl ended with RC. */
struct failure fetch_conclude(struct fetch *fetch, CURLcode rc);

#endif
