/* SPDX-License-Identifier: MIT */
/*
 * failure_text.c - from the numbers of a failure to the sentence that the user reads.
 *
 * The numbers may come from a hostile worker: every table is left by a range check, and
 * every text is our own or a library's, never the network's.
 */
#include "config.h"

#include "download/failure.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/language.h"
#include "download/fetch.h"
#include "download/filename.h"
#include "download/sandbox.h"

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

static const char *errno_words(int error, char words[WORDS_BYTES])
{
	if (strerrordesc_np(error))
		return lowered(language_errno(error), words);
	snprintf(words, WORDS_BYTES, _("error %d"), error);
	return words;
}

static const char *http_phrase(int32_t status)
{
	static const struct {
		int32_t status;
		const char *phrase;
	} phrases[] = {
		{ 206, N_("Partial Content") },
		{ 300, N_("Multiple Choices") },
		{ 304, N_("Not Modified") },
		{ 400, N_("Bad Request") },
		{ 401, N_("Unauthorized") },
		{ 402, N_("Payment Required") },
		{ 403, N_("Forbidden") },
		{ 404, N_("Not Found") },
		{ 405, N_("Method Not Allowed") },
		{ 406, N_("Not Acceptable") },
		{ 407, N_("Proxy Authentication Required") },
		{ 408, N_("Request Timeout") },
		{ 409, N_("Conflict") },
		{ 410, N_("Gone") },
		{ 411, N_("Length Required") },
		{ 412, N_("Precondition Failed") },
		{ 413, N_("Content Too Large") },
		{ 414, N_("URI Too Long") },
		{ 415, N_("Unsupported Media Type") },
		{ 416, N_("Range Not Satisfiable") },
		{ 417, N_("Expectation Failed") },
		{ 421, N_("Misdirected Request") },
		{ 422, N_("Unprocessable Content") },
		{ 425, N_("Too Early") },
		{ 426, N_("Upgrade Required") },
		{ 428, N_("Precondition Required") },
		{ 429, N_("Too Many Requests") },
		{ 431, N_("Request Header Fields Too Large") },
		{ 451, N_("Unavailable For Legal Reasons") },
		{ 500, N_("Internal Server Error") },
		{ 501, N_("Not Implemented") },
		{ 502, N_("Bad Gateway") },
		{ 503, N_("Service Unavailable") },
		{ 504, N_("Gateway Timeout") },
		{ 505, N_("HTTP Version Not Supported") },
		{ 507, N_("Insufficient Storage") },
		{ 508, N_("Loop Detected") },
		{ 511, N_("Network Authentication Required") },
	};

	for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++) {
		if (phrases[i].status == status)
			return _(phrases[i].phrase);
	}
	return "";
}

static void http_text(const struct failure *failure, char *buf, size_t size)
{
	const char *phrase = http_phrase(failure->code);
	const char *gap = *phrase ? " " : "";
	const char *hint = failure->code == 401 ? _(": it wants a password, see --netrc") : "";

	if (failure->after_s == 0)
		snprintf(buf, size, "HTTP %" PRId32 "%s%s%s", failure->code, gap, phrase, hint);
	else
		snprintf(buf, size,
			 _("HTTP %" PRId32 "%s%s, to be tried again after %" PRIu32 " s"),
			 failure->code, gap, phrase, failure->after_s);
}

static void size_text(const struct failure *failure, char *buf, size_t size)
{
	if (failure->bytes < failure->total)
		snprintf(buf, size,
			 _("the origin closed the connection after %" PRIu64 " of %" PRIu64
			   " bytes"),
			 failure->bytes, failure->total);
	else if (failure->bytes > failure->total && failure->total > 0)
		snprintf(buf, size,
			 _("the origin sent %" PRIu64 " bytes where it had announced %" PRIu64),
			 failure->bytes, failure->total);
	else if (failure->bytes > 0)
		snprintf(buf, size,
			 _("the origin closed the connection after %" PRIu64
			   " bytes, before the end"),
			 failure->bytes);
	else
		snprintf(buf, size, _("the origin did not send as many bytes as it had announced"));
}

/* errno values to which part_file_open gives a meaning of its own. */
static void create_text(const struct failure *failure, char *buf, size_t size)
{
	char words[WORDS_BYTES];

	switch (failure->code) {
	case ELOOP:
		snprintf(buf, size, _("its .part file is a symbolic link"));
		break;
	case EISDIR:
		snprintf(buf, size, _("its .part file is a directory"));
		break;
	case EEXIST:
		snprintf(buf, size, _("its .part file is not a regular file"));
		break;
	case EPERM:
		snprintf(buf, size, _("its .part file belongs to another user, or is immutable"));
		break;
	default:
		snprintf(buf, size, _("cannot create its .part file: %s"),
			 errno_words(failure->code, words));
	}
}

static void not_file_text(const struct failure *failure, char *buf, size_t size)
{
	mode_t type = (mode_t)failure->code & S_IFMT;
	const char *what = S_ISDIR(type)                  ? _("a directory") :
			   S_ISCHR(type) || S_ISBLK(type) ? _("a device") :
			   S_ISFIFO(type)                 ? _("a FIFO") :
			   S_ISSOCK(type)                 ? _("a socket") :
							    _("no regular file");

	snprintf(buf, size, _("%s has this name already, and is never replaced: choose another"),
		 what);
}

static void held_text(const struct failure *failure, char *buf, size_t size)
{
	if (failure->code > 0)
		snprintf(buf, size, _("the file is being written by process %" PRId32),
			 failure->code);
	else
		snprintf(buf, size, _("the file is being written by another process"));
}

static void killed_text(const struct failure *failure, char *buf, size_t size)
{
	const char *name = sigabbrev_np(failure->code);

	if (name)
		snprintf(buf, size, _("its worker was killed by signal %" PRId32 " (SIG%s)"),
			 failure->code, name);
	else
		snprintf(buf, size, _("its worker was killed by signal %" PRId32), failure->code);
}

static void sandbox_text(const struct failure *failure, char *buf, size_t size)
{
	char name[32];

	if (failure->code >= 0)
		snprintf(buf, size, _("sandbox violation: its worker called %s"),
			 sandbox_call_name(failure->code, name, sizeof name));
	else
		snprintf(buf, size,
			 _("sandbox violation: its worker was killed for a system call (SIGSYS)"));
}

/* Sentences without a number; NULL for the other kinds. */
static const char *plain_text(enum failure_kind kind)
{
	static const char *const texts[FAILURE_KINDS] = {
		[FAILURE_NONE] = N_("no failure"),
		[FAILURE_TOO_BIG] = N_("larger than --max-size allows"),
		[FAILURE_CHECKSUM] =
			N_("its SHA-256 is not the one given: another file, or a wrong sum"),
		[FAILURE_EXISTS] = N_("the file exists already"),
		[FAILURE_RANGE] =
			N_("the origin, or its .part file, is no longer what it was split by"),
		[FAILURE_PROTOCOL] = N_("its worker broke the protocol: a bug, please report it"),
		[FAILURE_CANCELLED] = N_("cancelled"),
		[FAILURE_TOO_LONG] = N_("the URL is longer than 64 KiB"),
	};

	/* The cast also catches values below zero: a hostile worker may send any. */
	return (size_t)kind < FAILURE_KINDS ? texts[kind] : NULL;
}

static void vanished_text(const struct failure *failure, char *buf, size_t size)
{
	const char *text = _("its .part file was removed by another program");

	if (failure->code == VANISHED_REPLACED)
		text = _("another program put another file in the place of its .part file");
	else if (failure->code == VANISHED_CHANGED)
		text = _("another program changed its .part file: its size is not what was "
			 "written");
	snprintf(buf, size, "%s", text);
}

static void trust_text(const struct failure *failure, char *buf, size_t size)
{
	switch (failure->code) {
	case X509_V_OK:              /* the chain was fine ... */
	case X509_V_ERR_UNSPECIFIED: /* ... and libcurl looked no further */
		snprintf(buf, size, _("the origin's certificate is for another host"));
		break;
	case X509_V_ERR_CERT_NOT_YET_VALID:
	case X509_V_ERR_CERT_HAS_EXPIRED:
		snprintf(buf, size,
			 _("the origin's certificate has expired or is not valid yet, or this "
			   "machine's clock is wrong"));
		break;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		snprintf(buf, size,
			 _("nobody who is trusted here has signed the origin's certificate; "
			   "--cacert says whom else to trust"));
		break;
	default:
		snprintf(buf, size,
			 _("the origin's certificate cannot be trusted (X509 error %" PRId32 ")"),
			 failure->code);
	}
}

/* Kinds that hold one number or one errno. */
static void numbered_text(const struct failure *failure, char *buf, size_t size)
{
	char words[WORDS_BYTES];
	int32_t code = failure->code;

	switch (failure->kind) {
	case FAILURE_WRITE:
		snprintf(buf, size, _("cannot write: %s"), errno_words(code, words));
		break;
	case FAILURE_COMMIT:
		snprintf(buf, size, _("cannot rename its .part file: %s"),
			 errno_words(code, words));
		break;
	case FAILURE_DIR:
		snprintf(buf, size, _("its directory cannot be used: %s"),
			 errno_words(code, words));
		break;
	case FAILURE_NAME:
		snprintf(buf, size, "%s", _(filename_strerror((enum filename_error)code)));
		break;
	case FAILURE_CLASH:
		snprintf(buf, size,
			 _("URL %" PRId32 " of the list is to be a file of the same name"), code);
		break;
	case FAILURE_EXITED:
		snprintf(buf, size, _("its worker ended early, with exit status %" PRId32), code);
		break;
	case FAILURE_STALLED:
		snprintf(buf, size, _("stalled: its worker said nothing for %" PRId32 " s"), code);
		break;
	case FAILURE_IDLE:
		snprintf(buf, size, _("stalled: the origin sent nothing for %" PRId32 " s"), code);
		break;
	case FAILURE_TRUST:
		trust_text(failure, buf, size);
		break;
	case FAILURE_READ:
		snprintf(buf, size, _("cannot read its .part file for the checksum: %s"),
			 errno_words(code, words));
		break;
	default:
		snprintf(buf, size, _("unknown failure (kind %d, code %" PRId32 ")"),
			 (int)failure->kind, code);
	}
}

char *failure_text(const struct failure *failure, char *buf, size_t size)
{
	const char *plain = plain_text(failure->kind);
	char words[WORDS_BYTES];

	if (plain)
		snprintf(buf, size, "%s", _(plain));
	else if (failure->kind == FAILURE_FETCH)
		snprintf(buf, size, "%s",
			 failure->os_errno ? errno_words(failure->os_errno, words) :
					     lowered(_(fetch_strerror(failure->code)), words));
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
	else if (failure->kind == FAILURE_VANISHED)
		vanished_text(failure, buf, size);
	else if (failure->kind == FAILURE_SANDBOX)
		sandbox_text(failure, buf, size);
	else
		numbered_text(failure, buf, size);
	return buf;
}
