/* SPDX-License-Identifier: MIT */
/*
 * failure_text.c - from the numbers of a fault to the sentence that the user reads.
 *
 * The numbers may come from a hostile worker: every table is left by a range check, and
 * every text is our own or the C library's, never the locale's and never the network's.
 */
#include "config.h"

#include "download/failure.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "download/fetch.h"
#include "download/filename.h"

/* Room for the longest words of any library. */
#define WORDS_BYTES 120

/*
 * "permission denied": TEXT as a part of a sentence, so without a full stop, and begun with a
 * small letter unless with an abbreviation as "SSL".
 */
static const char *lowered(const char *text, char words[WORDS_BYTES])
{
	int n = (int)strlen(text);

	if (n > 0 && text[n - 1] == '.')
		n--;
	snprintf(words, WORDS_BYTES, "%.*s", n, text);
	if (!isupper((unsigned char)words[1]))
		words[0] = (char)tolower((unsigned char)words[0]);
	return words;
}

/* Not strerror(): it speaks the locale's language, in bytes that need not be ASCII. */
static const char *errno_words(int error, char words[WORDS_BYTES])
{
	const char *text = strerrordesc_np(error);

	if (text)
		return lowered(text, words);
	snprintf(words, WORDS_BYTES, "error %d", error);
	return words;
}

static const char *http_phrase(int32_t status)
{
	static const struct {
		int32_t status;
		const char *phrase;
	} phrases[] = {
		{ 206, "Partial Content" },
		{ 300, "Multiple Choices" },
		{ 304, "Not Modified" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 402, "Payment Required" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 406, "Not Acceptable" },
		{ 407, "Proxy Authentication Required" },
		{ 408, "Request Timeout" },
		{ 409, "Conflict" },
		{ 410, "Gone" },
		{ 411, "Length Required" },
		{ 412, "Precondition Failed" },
		{ 413, "Content Too Large" },
		{ 414, "URI Too Long" },
		{ 415, "Unsupported Media Type" },
		{ 416, "Range Not Satisfiable" },
		{ 417, "Expectation Failed" },
		{ 421, "Misdirected Request" },
		{ 422, "Unprocessable Content" },
		{ 425, "Too Early" },
		{ 426, "Upgrade Required" },
		{ 428, "Precondition Required" },
		{ 429, "Too Many Requests" },
		{ 431, "Request Header Fields Too Large" },
		{ 451, "Unavailable For Legal Reasons" },
		{ 500, "Internal Server Error" },
		{ 501, "Not Implemented" },
		{ 502, "Bad Gateway" },
		{ 503, "Service Unavailable" },
		{ 504, "Gateway Timeout" },
		{ 505, "HTTP Version Not Supported" },
		{ 507, "Insufficient Storage" },
		{ 508, "Loop Detected" },
		{ 511, "Network Authentication Required" },
	};

	for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++) {
		if (phrases[i].status == status)
			return phrases[i].phrase;
	}
	return "";
}

static void http_text(const struct fault *fault, char *buf, size_t size)
{
	const char *phrase = http_phrase(fault->code);
	const char *gap = *phrase ? " " : "";

	if (fault->after_s == 0)
		snprintf(buf, size, "HTTP %" PRId32 "%s%s", fault->code, gap, phrase);
	else
		snprintf(buf, size, "HTTP %" PRId32 "%s%s, to be tried again after %" PRIu32 " s",
			 fault->code, gap, phrase, fault->after_s);
}

static void size_text(const struct fault *fault, char *buf, size_t size)
{
	if (fault->bytes < fault->total)
		snprintf(buf, size,
			 "the origin closed the connection after %" PRIu64 " of %" PRIu64 " bytes",
			 fault->bytes, fault->total);
	else if (fault->bytes > fault->total && fault->total > 0)
		snprintf(buf, size,
			 "the origin sent %" PRIu64 " bytes where it had announced %" PRIu64,
			 fault->bytes, fault->total);
	else if (fault->bytes > 0)
		snprintf(buf, size,
			 "the origin closed the connection after %" PRIu64 " bytes, before the end",
			 fault->bytes);
	else
		snprintf(buf, size, "the origin did not send as many bytes as it had announced");
}

/* The errno values that output_open_part gives a meaning of its own. */
static void create_text(const struct fault *fault, char *buf, size_t size)
{
	char words[WORDS_BYTES];

	switch (fault->code) {
	case ELOOP:
		snprintf(buf, size, "its .part file is a symbolic link");
		break;
	case EISDIR:
		snprintf(buf, size, "its .part file is a directory");
		break;
	case EEXIST:
		snprintf(buf, size, "its .part file is not a regular file");
		break;
	default:
		snprintf(buf, size, "cannot create its .part file: %s",
			 errno_words(fault->code, words));
	}
}

static void held_text(const struct fault *fault, char *buf, size_t size)
{
	if (fault->code > 0)
		snprintf(buf, size, "the file is being written by process %" PRId32, fault->code);
	else
		snprintf(buf, size, "the file is being written by another process");
}

static void killed_text(const struct fault *fault, char *buf, size_t size)
{
	const char *name = sigabbrev_np(fault->code);

	if (name)
		snprintf(buf, size, "its worker was killed by signal %" PRId32 " (SIG%s)",
			 fault->code, name);
	else
		snprintf(buf, size, "its worker was killed by signal %" PRId32, fault->code);
}

/* Kinds whose sentence holds no number; NULL for the others. */
static const char *plain_text(enum fault_kind kind)
{
	static const char *const texts[FAULT_KINDS] = {
		[FAULT_NONE] = "no fault",
		[FAULT_TOO_BIG] = "larger than --max-size",
		[FAULT_CHECKSUM] = "its SHA-256 checksum is not the expected one",
		[FAULT_EXISTS] = "the file exists already",
		[FAULT_VANISHED] = "its .part file was removed or changed by another program",
		[FAULT_PROTOCOL] = "its worker broke the protocol",
		[FAULT_CANCELLED] = "cancelled",
		[FAULT_TOO_LONG] = "the URL is too long",
	};

	/* Cast: a hostile value may lie below or above the enumerators. */
	return (size_t)kind < FAULT_KINDS ? texts[kind] : NULL;
}

/* Kinds that hold one number or one errno. */
static void numbered_text(const struct fault *fault, char *buf, size_t size)
{
	char words[WORDS_BYTES];
	int32_t code = fault->code;

	switch (fault->kind) {
	case FAULT_WRITE:
		snprintf(buf, size, "cannot write: %s", errno_words(code, words));
		break;
	case FAULT_COMMIT:
		snprintf(buf, size, "cannot rename its .part file: %s", errno_words(code, words));
		break;
	case FAULT_NAME:
		snprintf(buf, size, "%s", name_strerror((enum name_error)code));
		break;
	case FAULT_CLASH:
		snprintf(buf, size, "job %" PRId32 " writes a file of the same name", code);
		break;
	case FAULT_EXITED:
		snprintf(buf, size, "its worker ended early, with exit status %" PRId32, code);
		break;
	case FAULT_STALLED:
		snprintf(buf, size, "stalled: its worker said nothing for %" PRId32 " s", code);
		break;
	case FAULT_IDLE:
		snprintf(buf, size, "stalled: the origin sent nothing for %" PRId32 " s", code);
		break;
	case FAULT_QUEUE:
		snprintf(buf, size, "the mechanism's queue stayed full: %s",
			 errno_words(code, words));
		break;
	default:
		snprintf(buf, size, "unknown fault (kind %d, code %" PRId32 ")", (int)fault->kind,
			 code);
	}
}

char *fault_text(const struct fault *fault, char *buf, size_t size)
{
	const char *plain = plain_text(fault->kind);
	char words[WORDS_BYTES];

	if (plain)
		snprintf(buf, size, "%s", plain);
	else if (fault->kind == FAULT_FETCH)
		snprintf(buf, size, "%s",
			 fault->os_errno ? errno_words(fault->os_errno, words) :
					   lowered(fetch_strerror(fault->code), words));
	else if (fault->kind == FAULT_HTTP)
		http_text(fault, buf, size);
	else if (fault->kind == FAULT_SIZE)
		size_text(fault, buf, size);
	else if (fault->kind == FAULT_CREATE)
		create_text(fault, buf, size);
	else if (fault->kind == FAULT_HELD)
		held_text(fault, buf, size);
	else if (fault->kind == FAULT_KILLED)
		killed_text(fault, buf, size);
	else
		numbered_text(fault, buf, size);
	return buf;
}
