/* SPDX-License-Identifier: MIT */
/*
 * fetch.h - one URL into one descriptor. Its source is the only file that knows libcurl.
 *
 * A fetcher keeps its connections between calls (keep-alive): make one per worker and use it
 * for all its jobs. Not shared between threads or across a fork. Call
 * signals_ignore_failed_writes() first: libcurl's own writes and ours then fail with an errno.
 */
#ifndef IPCDEMO_FETCH_H
#define IPCDEMO_FETCH_H

#include "download/failure.h"

#include <stdint.h>

#define FETCH_SIZE_UNKNOWN UINT64_MAX

struct fetch;

/* Times in seconds, sizes in bytes. */
struct fetch_limits {
	unsigned connect_timeout; /* name look-up, connection and TLS handshake together */
	unsigned stall_timeout;   /* no byte for so long: the transfer fails. 0: never */
	unsigned max_redirs;
	uint64_t max_size; /* FETCH_SIZE_UNKNOWN: none */
};

/* Called by fetch_run, and never within another hook; each may be NULL. ARG is the caller's. */
struct fetch_hooks {
	void *arg;
	/*
	 * At most every 50 ms while bytes arrive, and about once a second when none do. BYTES
	 * so far, TOTAL announced (FETCH_SIZE_UNKNOWN). Non-zero stops the transfer with
	 * FAILURE_CANCELLED.
	 */
	int (*progress)(void *arg, uint64_t bytes, uint64_t total);
	/*
	 * The descriptor to watch beside the sockets: asked before each sleep (ipc_pollfd).
	 * -EAGAIN: something waits already, call wakeup and do not sleep. Another negative
	 * value: none.
	 */
	int (*pollfd)(void *arg);
	/*
	 * That descriptor became readable (or was hung up), also looked at every 50 ms while
	 * bytes arrive without a sleep. It must take what is there, or it is called again at
	 * once. Non-zero stops the transfer with FAILURE_CANCELLED.
	 */
	int (*wakeup)(void *arg);
};

struct fetch_result {
	struct failure failure; /* FAILURE_NONE: all bytes arrived and were written */
	uint64_t bytes;
	uint64_t total; /* as announced; FETCH_SIZE_UNKNOWN when it was not */
};

/* Once, before the first fork: the libraries' tables are then shared with all workers. 0 or
 * -errno. */
int fetch_global_init(void);
void fetch_global_cleanup(void);

/* NULL when memory is short. LIMITS is copied. */
struct fetch *fetch_new(const struct fetch_limits *limits);
void fetch_free(struct fetch *fetch);

/*
 * Downloads URL (http, https, file; without "://" http is meant) into FD from its present
 * offset. Blocks until done, failed or stopped by a hook. FD stays the caller's. HOOKS may be
 * NULL. Only the body of a successful answer is written: no byte of an error page, of a
 * redirect, of an answer that announces more than max_size.
 * A short body, contradictory lengths and a body over max_size are failures. What an origin
 * sends beyond the length it announced is no part of the answer: it is left unread, with the
 * connection. A body without a length that breaks off cannot be told from a whole one:
 * result->total is then FETCH_SIZE_UNKNOWN.
 * Returns result->failure.kind == FAILURE_NONE ? 0 : -1.
 */
int fetch_run(struct fetch *fetch, const char *url, int fd, const struct fetch_hooks *hooks,
	      struct fetch_result *result);

/* The text for a CURLcode, without a full stop, in static storage. Any number is allowed. */
const char *fetch_strerror(int code);

/* The transfer library's own, "7.88.1", for --version. Static storage. */
const char *fetch_version(void);

#endif
