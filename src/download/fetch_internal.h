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
#include <sys/queue.h>

#include <curl/curl.h>

#include "download/fetch.h"

/* The transfer in progress: one request, with its redirects. */
struct transfer {
	const struct fetch_request *request;
	const struct fetch_hooks *hooks;
	struct fetch_source source; /* of what arrives; the validator is "" where there is none */
	uint64_t offset;            /* what is asked for begins here ... */
	uint64_t end;               /* ... and ends here; FETCH_SIZE_UNKNOWN: with the file */
	uint64_t stop;              /* by request->begun; FETCH_SIZE_UNKNOWN: at the answer's end */
	bool begun;                 /* fetch_begin() has looked at the answer's header */
	bool too_big;
	bool bad_status; /* the body is not that of the file */
	bool bad_header;
	bool no_rest; /* the origin does not have the rest that was asked for */
	bool reached; /* stop, before the answer's end */
	bool noted;   /* request->note_source was called */
	int write_errno;
	size_t header_bytes;
	uint64_t bytes; /* of the body so far, and ... */
	uint64_t kept;  /* ... what was there before */
	uint64_t total;
	uint64_t received;       /* bytes of header and body when something last came ... */
	uint64_t received_ns;    /* ... and when that was */
	bool paused;             /* ... and as libcurl was told */
	bool stopped;            /* by a hook; no hook is called any more */
	uint64_t looked_ns;      /* when the hooks' times were last looked at */
	uint64_t reported_ns;    /* when the progress hook was last called ... */
	uint64_t reported_bytes; /* ... and what it was told */
};

struct fetch {
	struct fetch_settings settings;
	CURLM *multi;
	bool own_multi;
	CURLSH *share; /* TLS sessions: they outlive the easy handle */
	CURL *easy;    /* of the transfer in progress */
	struct curl_slist *headers;
	struct transfer now;
	char *gathered; /* body that is still to be written; NULL: none was yet */
	size_t gathered_bytes;
	uint64_t rate;         /* bytes a second, 0: no limit ... */
	uint64_t due_ns;       /* ... and when the next byte is due */
	bool paused;           /* as wanted ... */
	bool fresh_connection; /* the next try must not use a kept one */
	uint64_t offset, end;  /* what it asks for, as in struct transfer */
	/* In a fetch_loop: */
	void *owner;
	const struct fetch_request *request; /* NULL: idle */
	struct fetch_result result;
	TAILQ_ENTRY(fetch) link; /* in its list of active or of ended ones */
};

/* Is a part of the file asked for? */
static inline bool fetch_is_ranged(const struct transfer *now)
{
	return now->offset > 0 || now->end != FETCH_SIZE_UNKNOWN;
}

/* libcurl takes longs, and means "no limit" by none. */
static inline long to_long(unsigned value)
{
	return value > INT_MAX ? INT_MAX : (long)value;
}

/* ---- fetch.c ---- */

/* As fetch_new, with the caller's multi handle; NULL: one of its own. */
struct fetch *fetch_new_in(CURLM *multi, const struct fetch_settings *settings);

/* Settles where the first try of REQUEST begins. */
void fetch_first_try(struct fetch *fetch, const struct fetch_request *request);

/* Sets a try up and adds it to the multi handle. False: memory is short. */
bool fetch_begin_try(struct fetch *fetch, const struct fetch_request *request);

/* libcurl has ended the try with RC. True: make it again; else *RESULT is set. */
bool fetch_end_try(struct fetch *fetch, CURLcode rc, struct fetch_result *result);

void fetch_call_hooks(struct fetch *fetch);
bool fetch_has_stalled(struct fetch *fetch);

/* ---- fetch_rate.c ---- */

/* How much libcurl may read at once, MOST at most. */
long fetch_piece_bytes(const struct fetch *fetch, long most);

/* So many bytes came, so the next ones are due later. Called in libcurl's callback. */
void fetch_spend(struct fetch *fetch, size_t bytes);

/*
 * Pauses the transfer or continues it. Not in a callback, since libcurl may deliver from within it.
 */
void fetch_pace(struct fetch *fetch);

/* When to call fetch_pace again, for a transfer that its rate has paused. */
uint64_t fetch_due_ns(const struct fetch *fetch, uint64_t latest_ns);

/* ---- fetch_setup.c ---- */

/* Sets fetch->easy up for fetch->now, except for the callbacks. False: memory is short. */
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
