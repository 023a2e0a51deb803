/* SPDX-License-Identifier: MIT */
/*
 * fetch_internal.h - between fetch.c, which drives libcurl, fetch_setup.c, which tells it what to
 * do, and fetch_result.c, which says what became of it. Nobody else includes it.
 */
#ifndef IPCDEMO_FETCH_INTERNAL_H
#define IPCDEMO_FETCH_INTERNAL_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include <curl/curl.h>

#include "download/fetch.h"

/* The transfer in progress: one request, with its redirects. */
struct transfer {
	const struct fetch_request *request;
	const struct fetch_hooks *hooks;
	struct fetch_source source; /* of what arrives; the validator is "" where there is none */
	uint64_t offset;            /* what is asked for begins here */
	bool begun;                 /* fetch_begin() has looked at the answer's header */
	bool too_big;
	bool bad_status; /* the body is not that of the file */
	bool bad_header;
	bool no_rest; /* the origin does not have the rest that was asked for */
	bool noted;   /* request->note_source was called */
	int write_errno;
	size_t header_bytes;
	uint64_t bytes;
	uint64_t total;
	uint64_t received;       /* bytes of header and body when something last came ... */
	uint64_t received_ns;    /* ... and when that was */
	bool stopped;            /* by a hook; no hook is called any more */
	uint64_t looked_ns;      /* when the hooks' times were last looked at */
	uint64_t reported_ns;    /* when the progress hook was last called ... */
	uint64_t reported_bytes; /* ... and what it was told */
};

struct fetch {
	struct fetch_settings settings;
	CURLM *multi;
	CURLSH *share; /* TLS sessions: they outlive the easy handle */
	CURL *easy;    /* of the transfer in progress */
	struct curl_slist *headers;
	struct transfer now;
};

/* libcurl takes longs, and means "no limit" by none. */
static inline long to_long(unsigned value)
{
	return value > INT_MAX ? INT_MAX : (long)value;
}

/* ---- fetch_setup.c ---- */

/* Makes fetch->easy for fetch->now, but for the callbacks. False: memory is short. */
bool fetch_setup(struct fetch *fetch, bool fresh_connection);
void fetch_teardown(struct fetch *fetch);

/* ---- fetch_result.c ---- */

/* The header is complete: is this an answer whose body may be written? */
bool fetch_begin(struct fetch *fetch);

/* What became of the transfer that libcurl ended with RC. */
struct failure fetch_conclude(struct fetch *fetch, CURLcode rc);

/* The connection was kept from an earlier job and ended before any byte of the answer. */
bool fetch_lost_kept_connection(struct fetch *fetch, CURLcode rc);

#endif
