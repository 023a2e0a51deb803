/* SPDX-License-Identifier: MIT */
/*
 * failure.h - why a job failed, in numbers.
 *
 * A worker is not trusted with text: what it parses comes from the network, and the parent
 * prints it on a terminal. So a FAILED event carries numbers only, and the sentence that the
 * user reads is made here, in the parent.
 */
#ifndef IPCDEMO_FAILURE_H
#define IPCDEMO_FAILURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What became of NAME.part. */
enum vanished {
	VANISHED_REMOVED,
	VANISHED_REPLACED, /* the name is another file's */
	VANISHED_CHANGED,  /* its size is not what was written */
};

/* The meaning of failure.code is given beside each kind. Wire values: append only. */
enum failure_kind {
	FAILURE_NONE = 0,
	FAILURE_FETCH,     /* the transfer itself: a CURLcode; failure.os_errno may say more */
	FAILURE_HTTP,      /* the origin's answer is no file: an HTTP status */
	FAILURE_CREATE,    /* NAME.part could not be made: errno, see part_file_open */
	FAILURE_WRITE,     /* writing it failed: errno (ENOSPC, EDQUOT, EFBIG, EIO) */
	FAILURE_HELD,      /* another process writes NAME.part: its pid, 0 unknown */
	FAILURE_TOO_BIG,   /* --max-size exceeded: 0 */
	FAILURE_SIZE,      /* fewer or more bytes than the origin announced: 0; see bytes, total */
	FAILURE_CHECKSUM,  /* SHA-256 differs: 0 */
	FAILURE_EXISTS,    /* the name is taken and --exists=fail: 0 */
	FAILURE_COMMIT,    /* the rename to the final name failed: errno */
	FAILURE_VANISHED,  /* NAME.part is not the file that was written: enum vanished */
	FAILURE_NAME,      /* no safe file name follows from the URL: enum filename_error */
	FAILURE_CLASH,     /* another job of this batch writes the same name: that job */
	FAILURE_KILLED,    /* the worker died by a signal: its number */
	FAILURE_EXITED,    /* the worker ended by itself: its exit status */
	FAILURE_PROTOCOL,  /* the worker said what it may not say: 0 */
	FAILURE_STALLED,   /* the worker said nothing for --stall-timeout: seconds */
	FAILURE_CANCELLED, /* the user asked to stop: 0 */
	FAILURE_TOO_LONG,  /* URL longer than a worker accepts: 0 */
	FAILURE_READ,      /* reading NAME.part for its checksum failed: errno */
	FAILURE_IDLE,      /* the origin sent nothing for --stall-timeout: seconds */
	FAILURE_NOT_FILE,  /* what bears the name is no file: its S_IFMT bits */
	FAILURE_RANGE,     /* a range of a split file cannot be had by itself: 0 */
	FAILURE_SANDBOX,   /* the worker made a system call that none may: its number, or -1 */
	FAILURE_TRUST,     /* the origin's certificate: X509_V_*, see verify(1) */
	FAILURE_DIR,       /* the directory that its entry names cannot be used: errno */
	FAILURE_KINDS
};

struct failure {
	enum failure_kind kind;
	int32_t code;
	int32_t os_errno; /* 0, or the errno behind a FAILURE_FETCH */
	bool transient;   /* a later try may succeed: --retries applies */
	uint32_t after_s; /* the origin's Retry-After, 0 when it gave none */
	uint64_t bytes;   /* FAILURE_SIZE: received of total announced; both 0 when not known */
	uint64_t total;
};

/*
 * Writes one sentence without full stop or newline, such as "connection refused" or
 * "HTTP 404 Not Found", in the user's language, always NUL-terminated, and cut at SIZE (400 bytes
 * hold the longest). All of it is ours or a library's, whatever the worker sent. Returns BUF.
 */
char *failure_text(const struct failure *failure, char *buf, size_t size);

#endif
