/* SPDX-License-Identifier: MIT */
/*
 * fetch.h - one URL into one descriptor. fetch*.c are the only files that know libcurl.
 *
 * A fetcher keeps its connections between calls (keep-alive) and nothing else: make one per worker
 * and use it for all its jobs. It is not shared between threads or across a fork. Call
 * signals_ignore_failed_writes() first: libcurl's own writes and ours then fail with an errno.
 */
#ifndef IPCDEMO_FETCH_H
#define IPCDEMO_FETCH_H

#include "download/failure.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define FETCH_SIZE_UNKNOWN    UINT64_MAX
#define FETCH_VALIDATOR_BYTES 256 /* longer ones are not used */

struct fetch;

/* What holds for all transfers of a fetcher. Times in seconds, sizes in bytes; text is borrowed. */
struct fetch_settings {
	unsigned connect_timeout; /* name look-up, connection and TLS handshake together */
	unsigned stall_timeout;   /* no byte for so long: the transfer fails. 0: never */
	unsigned max_redirs;
	uint64_t max_size;      /* FETCH_SIZE_UNKNOWN: none */
	const char *user_agent; /* NULL: "ipcdemo/VERSION" */
	const char **headers;   /* "Name: value" each, NULL at the end; NULL: none */
	const char *cacert;     /* file of certificates to trust; NULL: the system's */
	const char *capath;     /* directory of them; NULL: the system's */
	bool insecure;          /* trust any certificate */
	bool netrc;             /* name and password from ~/.netrc */
	bool compressed;        /* ask for compression, write what was compressed */
	bool http2;             /* over TLS, where the origin has it */
};

/*
 * Which version of a resource some bytes are of. VALIDATOR is a strong ETag or a date that RFC 9110
 * section 8.8.2.2 calls strong, as the origin sent it; "": none, the rest cannot be asked for.
 */
struct fetch_source {
	char validator[FETCH_VALIDATOR_BYTES];
	uint64_t total; /* bytes in all, or FETCH_SIZE_UNKNOWN */
	/* Not part of the version: */
	bool ranges;     /* the origin said that it serves ranges of it */
	time_t modified; /* as in struct fetch_result */
};

struct fetch_progress {
	uint64_t bytes; /* that FD holds */
	uint64_t total; /* that the origin announced, or FETCH_SIZE_UNKNOWN */
	uint64_t kept;  /* of BYTES: those that were there when the answer began */
};

/* Called by fetch_run, and never within another hook; each may be NULL. ARG is the caller's. */
struct fetch_hooks {
	void *arg;
	/*
	 * Called at most every 50 ms while bytes arrive, else about once a second; and before that,
	 * when an answer goes on behind bytes that are there: BYTES is KEPT then. A return value
	 * that is not 0 stops the transfer with FAILURE_CANCELLED.
	 */
	int (*progress)(void *arg, const struct fetch_progress *progress);
	/*
	 * Returns the descriptor to watch beside the sockets; called before each sleep
	 * (ipc_pollfd). -EAGAIN: something waits already, call wakeup and do not sleep. -ENOTSUP:
	 * there is no descriptor, so call wakeup every 50 ms. Any other negative value: watch
	 * nothing.
	 */
	int (*pollfd)(void *arg);
	/*
	 * That descriptor is readable, or hung up; while bytes arrive without a sleep we look every
	 * 50 ms. The hook must take what is there, or it is called again at once. A return value
	 * that is not 0 stops the transfer with FAILURE_CANCELLED.
	 */
	int (*wakeup)(void *arg);
};

struct fetch_request {
	const char *url; /* http, https, file; without "://" http is meant */
	int fd;          /* stays the caller's */
	uint64_t offset; /* bytes of SOURCE that FD holds; the rest is asked for. 0: all of it */
	uint64_t end; /* 0, or ask for the bytes from offset to here alone, behind its own ones */
	bool strict;  /* with end: any other answer is FAILURE_RANGE and leaves FD alone */
	struct fetch_source source;      /* with offset or end */
	const struct fetch_hooks *hooks; /* NULL: none */
	/*
	 * NULL, or called when the bytes in FD are SOURCE's, so that a later fetch_run can continue
	 * after them: 50 ms into a body, or when the transfer breaks off. SOURCE is NULL when the
	 * earlier bytes in FD are about to be replaced.
	 */
	void (*note_source)(const struct fetch_request *request, const struct fetch_source *source);
	/* NULL, or told of N bytes that were written to FD. */
	void (*written)(const struct fetch_request *request, const void *bytes, size_t n);
	/*
	 * NULL, or called before the first byte is written: the answer is SOURCE's, and its bytes
	 * go to OFFSET of FD. Returns where to stop: when FD holds that many bytes the transfer is
	 * complete. FETCH_SIZE_UNKNOWN: at the answer's end.
	 */
	uint64_t (*begun)(const struct fetch_request *request, const struct fetch_source *source,
			  uint64_t offset);
	void *arg; /* for these three */
};

struct fetch_result {
	struct failure failure; /* FAILURE_NONE: all bytes arrived and were written */
	uint64_t bytes;         /* that FD holds, the earlier ones included */
	uint64_t total;         /* as announced, or where it stops; FETCH_SIZE_UNKNOWN: unknown */
	time_t modified;        /* by the origin's Last-Modified; -1: it said nothing */
};

/* Once, before the first fork: the libraries' tables are then shared with all workers. 0 or
 * -errno. */
int fetch_global_init(void);
void fetch_global_cleanup(void);

/* NULL when memory is short. SETTINGS is copied, its text is not. */
struct fetch *fetch_new(const struct fetch_settings *settings);
void fetch_free(struct fetch *fetch);

/*
 * Downloads REQUEST. Blocks until done, failed or stopped by a hook. Only the body of a successful
 * answer is written: no byte of an error page, of a redirect, of an answer that announces more than
 * max_size. A short body, contradictory lengths and a body over max_size are failures. What an
 * origin sends beyond the length it announced is no part of the answer: it is left unread, with the
 * connection. A body without a length that breaks off cannot be told from a whole one:
 * result->total is then FETCH_SIZE_UNKNOWN.
 * Without an offset FD is written from its present position. With one it must be a regular file,
 * and is emptied when the origin has no such rest: another version, no ranges, a wrong range.
 * With an end it is never cut short of what it holds behind that.
 * Returns result->failure.kind == FAILURE_NONE ? 0 : -1.
 */
int fetch_run(struct fetch *fetch, const struct fetch_request *request,
	      struct fetch_result *result);

/* From now on takes at most BYTES a second from the network, on average; 0: no limit. */
void fetch_set_rate(struct fetch *fetch, uint64_t bytes);

/* Takes nothing from the network until it is called with false. That is no stall. */
void fetch_pause(struct fetch *fetch, bool paused);

/* Text for a CURLcode, without a full stop, in static storage. Any number is allowed. */
const char *fetch_strerror(int code);

/* The transfer library's own, "7.88.1", for --version. Static storage. */
const char *fetch_version(void);

#endif
