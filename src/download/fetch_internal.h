/* SPDX-License-Identifier: MIT */
/*
 * fetch_internal.h - between fetch.c, which drives libcurl, and fetch_result.c, which says what
 * became of a transfer. Nobody else includes it.
 */
#ifndef IPCDEMO_FETCH_CURL_H
#define IPCDEMO_FETCH_CURL_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include <curl/curl.h>

#include "download/beat.h"
#include "download/fetch.h"

/* The transfer in progress. */
struct transfer {
	int fd;
	bool begun; /* the header of the answer was judged, by fetch_begin() */
	bool too_big;
	bool bad_status; /* the body is not that of the file */
	bool bad_header;
	int write_errno;
	size_t header_bytes;
	uint64_t bytes;
	uint64_t total;
	uint64_t received;    /* bytes of header and body when something last came ... */
	uint64_t received_ns; /* ... and when that was */
};

struct fetch {
	CURLM *multi;
	CURL *easy;
	struct fetch_limits limits;
	struct beat beat;
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
