/* SPDX-License-Identifier: MIT */
/*
 * failure_text.c - from the numbers of a failure to the sentence that the user reads.
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
#include <sys/stat.h>

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

static void http_text(const struct failure *failure, char *buf, size_t size)
{
	const char *phrase = http_phrase(failure->code);
	const char *gap = *phrase ? " " : "";
	const char *hint = failure->code == 401 ? ": it wants a password, see --netrc" : "";

	if (failure->after_s == 0)
		snprintf(buf, size, "HTTP %" PRId32 "%s%s%s", failure->code, gap, phrase, hint);
	else
		snprintf(buf, size, "HTTP %" PRId32 "%s%s, to be tried again after %" PRIu32 " s",
			 failure->code, gap, phrase, failure->after_s);
}

static void size_text(const struct failure *failure, char *buf, size_t size)
{
	if (failure->bytes < failure->total)
		snprintf(buf, size,
			 "the origin closed the connection after %" PRIu64 " of %" PRIu64 " bytes",
			 failure->bytes, failure->total);
	else if (failure->bytes > failure->total && failure->total > 0)
		snprintf(buf, size,
			 "the origin sent %" PRIu64 " bytes where it had announced %" PRIu64,
			 failure->bytes, failure->total);
	else if (failure->bytes > 0)
		snprintf(buf, size,
			 "the origin closed the connection after %" PRIu64 " bytes, before the end",
			 failure->bytes);
	else
		snprintf(buf, size, "the origin did not send as many bytes as it had announced");
}

/* The errno values that part_file_open gives a meaning of its own. */
static void create_text(const struct failure *failure, char *buf, size_t size)
{
	char words[WORDS_BYTES];

	switch (failure->code) {
	case ELOOP:
		snprintf(buf, size, "its .part file is a symbolic link");
		break;
	case EISDIR:
		snprintf(buf, size, "its .part file is a directory");
		break;
	case EEXIST:
		snprintf(buf, size, "its .part file is not a regular file");
		break;
	case EPERM:
		snprintf(buf, size, "its .part file belongs to another user, or is immutable");
		break;
	default:
		snprintf(buf, size, "cannot create its .part file: %s",
			 errno_words(failure->code, words));
	}
}

static void not_file_text(const struct failure *failure, char *buf, size_t size)
{
	mode_t type = (mode_t)failure->code & S_IFMT;
	const char *what = S_ISDIR(type)                  ? "a directory" :
			   S_ISCHR(type) || S_ISBLK(type) ? "a device" :
			   S_ISFIFO(type)                 ? "a FIFO" :
			   S_ISSOCK(type)                 ? "a socket" :
							    "no regular file";

	snprintf(buf, size, "%s has this name already, and is never replaced: choose another",
		 what);
}

static void held_text(const struct failure *failure, char *buf, size_t size)
{
	if (failure->code > 0)
		snprintf(buf, size, "the file is being written by process %" PRId32, failure->code);
	else
		snprintf(buf, size, "the file is being written by another process");
}

static void killed_text(const struct failure *failure, char *buf, size_t size)
{
	const char *name = sigabbrev_np(failure->code);

	if (name)
		snprintf(buf, size, "its worker was killed by signal %" PRId32 " (SIG%s)",
			 failure->code, name);
	else
		snprintf(buf, size, "its worker was killed by signal %" PRId32, failure->code);
}

/* Kinds whose sentence holds no number; NULL for the others. */
static const char *plain_text(enum failure_kind kind)
{
	static const char *const texts[FAILURE_KINDS] = {
		[FAILURE_NONE] = "no failure",
		[FAILURE_TOO_BIG] = "larger than --max-size allows",
		[FAILURE_CHECKSUM] =
			"its SHA-256 is not the one given: another file, or a wrong sum",
		[FAILURE_EXISTS] = "the file exists already",
		[FAILURE_VANISHED] = "its .part file was removed or changed by another program",
		[FAILURE_PROTOCOL] = "its worker broke the protocol: a bug, please report it",
		[FAILURE_CANCELLED] = "cancelled",
		[FAILURE_TOO_LONG] = "the URL is longer than 64 KiB",
	};

	/* Cast: a hostile value may lie below or above the enumerators. */
	return (size_t)kind < FAILURE_KINDS ? texts[kind] : NULL;
}

/* Kinds that hold one number or one errno. */
static void numbered_text(const struct failure *failure, char *buf, size_t size)
{
	char words[WORDS_BYTES];
	int32_t code = failure->code;

	switch (failure->kind) {
	case FAILURE_WRITE:
		snprintf(buf, size, "cannot write: %s", errno_words(code, words));
		break;
	case FAILURE_COMMIT:
		snprintf(buf, size, "cannot rename its .part file: %s", errno_words(code, words));
		break;
	case FAILURE_NAME:
		snprintf(buf, size, "%s", filename_strerror((enum filename_error)code));
		break;
	case FAILURE_CLASH:
		snprintf(buf, size, "URL %" PRId32 " of the list is to be a file of the same name",
			 code);
		break;
	case FAILURE_EXITED:
		snprintf(buf, size, "its worker ended early, with exit status %" PRId32, code);
		break;
	case FAILURE_STALLED:
		snprintf(buf, size, "stalled: its worker said nothing for %" PRId32 " s", code);
		break;
	case FAILURE_IDLE:
		snprintf(buf, size, "stalled: the origin sent nothing for %" PRId32 " s", code);
		break;
	case FAILURE_READ:
		snprintf(buf, size, "cannot read its .part file for the checksum: %s",
			 errno_words(code, words));
		break;
	default:
		snprintf(buf, size, "unknown failure (kind %d, code %" PRId32 ")",
			 (int)failure->kind, code);
	}
}

char *failure_text(const struct failure *failure, char *buf, size_t size)
{
	const char *plain = plain_text(failure->kind);
	char words[WORDS_BYTES];

	if (plain)
		snprintf(buf, size, "%s", plain);
	else if (failure->kind == FAILURE_FETCH)
		snprintf(buf, size, "%s",
			 failure->os_errno ? errno_words(failure->os_errno, words) :
					     lowered(fetch_strerror(failure->code), words));
	else if (failure->kind == FAILURE_HTTP)
		http_text(failure, buf, size);
	else if (failure->kind == FAILURE_SIZE)
		size_text(failure, buf, size);
	else if (failure->kind == FAILURE_CREATE)
		create_text(failure, buf, size);
	else if (failure->kind == FAILURE_NOT_FILE)
		not_file_text(failure, buf, size);
	else if (failure->kind == FAILURE_HELD)
		held_text(failure, buf, size);
	else if (failure->kind == FAILURE_KILLED)
		killed_text(failure, buf, size);
	else
		numbered_text(failure, buf, size);
	return buf;
}
