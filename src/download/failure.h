/* SPDX-License-Identifier: MIT */
/*
 * failure.h - why a job failed, in numbers.
 *
 * A worker is not trusted with text: what it parses comes from the network, and the parent
 * prints it on a terminal. So a FAILED event carries numbers only, and the sentence that the
 * user reads is made here, in the parent.
 */
#ifndef IPCDEMO_FAULT_H
#define IPCDEMO_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The meaning of fault.code is given beside each kind. Wire values: append only. */
enum fault_kind {
	FAULT_NONE = 0,
	FAULT_FETCH,     /* the transfer itself: a CURLcode; fault.os_errno may say more */
	FAULT_HTTP,      /* the origin's answer is no file: an HTTP status */
	FAULT_CREATE,    /* NAME.part could not be made: errno, see output_open_part */
	FAULT_WRITE,     /* writing it failed: errno (ENOSPC, EDQUOT, EFBIG, EIO) */
	FAULT_HELD,      /* NAME.part is being written by another process: its pid, 0 unknown */
	FAULT_TOO_BIG,   /* --max-size exceeded: 0 */
	FAULT_SIZE,      /* fewer or more bytes than the origin announced: 0; see bytes, total */
	FAULT_CHECKSUM,  /* SHA-256 differs: 0 */
	FAULT_EXISTS,    /* the name is taken and --exists=fail: 0 */
	FAULT_COMMIT,    /* the rename to the final name failed: errno */
	FAULT_VANISHED,  /* NAME.part is gone or is not the file that was written: 0 */
	FAULT_NAME,      /* no safe file name follows from the URL: enum name_error */
	FAULT_CLASH,     /* another job of this run writes the same name: that job */
	FAULT_KILLED,    /* the worker died by a signal: its number */
	FAULT_EXITED,    /* the worker ended by itself: its exit status */
	FAULT_PROTOCOL,  /* the worker said what it may not say: 0 */
	FAULT_STALLED,   /* the worker said nothing for --stall-timeout: seconds */
	FAULT_CANCELLED, /* the user asked to stop: 0 */
	FAULT_TOO_LONG,  /* URL longer than a worker accepts: 0 */
	FAULT_QUEUE,     /* the mechanism's queue stayed full: errno */
	FAULT_IDLE,      /* the origin sent nothing for --stall-timeout: seconds */
	FAULT_KINDS
};

struct fault {
	enum fault_kind kind;
	int32_t code;
	int32_t os_errno; /* 0, or the errno behind a FAULT_FETCH */
	bool transient;   /* a later try may succeed: --retries applies */
	uint32_t after_s; /* the origin's Retry-After, 0 when it gave none */
	uint64_t bytes;   /* FAULT_SIZE: received of total announced; both 0 when not known */
	uint64_t total;
};

/*
 * Writes one sentence without full stop or newline, such as "connection refused" or
 * "HTTP 404 Not Found", always NUL-terminated, and cut at SIZE (160 bytes hold the longest).
 * Holds only printable ASCII, whatever the worker sent. Returns BUF.
 */
char *fault_text(const struct fault *fault, char *buf, size_t size);

#endif
