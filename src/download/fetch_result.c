/* SPDX-License-Identifier: MIT */
/*
 * fetch_result.c - what became of a transfer: libcurl's result, and what libcurl does not look at,
 * as a failure. See fetch.h.
 */
#include "config.h"

#include "download/fetch_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <strings.h>

static long http_status(CURL *easy)
{
	long status = 0;

	(void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status); /* 0 for file:// */
	return status;
}

/* We ask for the whole file. A part of it, or a list of choices, is not that. */
static bool is_file(long status)
{
	return status == 0 || (status >= 200 && status <= 299 && status != 206);
}

/* The header is complete: is this an answer whose body may be written? */
bool fetch_begin(struct fetch *fetch)
{
	curl_off_t length = -1;

	(void)curl_easy_getinfo(fetch->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
	fetch->now.total = length < 0 ? FETCH_SIZE_UNKNOWN : (uint64_t)length;
	fetch->now.begun = true;
	fetch->now.bad_status = !is_file(http_status(fetch->easy));
	fetch->now.too_big = !fetch->now.bad_status && fetch->now.total != FETCH_SIZE_UNKNOWN &&
			     fetch->now.total > fetch->limits.max_size;
	return !fetch->now.bad_status && !fetch->now.too_big;
}

/*
 * libcurl takes the last of several Content-Length lines, and a number beyond 2^63 for no
 * length at all. Where the sender contradicts itself the end of the body is anyone's guess.
 */
static bool length_is_sound(CURL *easy, uint64_t total)
{
	struct curl_header *header;
	size_t count = 1;

	if (curl_easy_header(easy, "Transfer-Encoding", 0, CURLH_HEADER, -1, &header) == CURLHE_OK)
		return true; /* it overrides any length */
	for (size_t i = 0; i < count; i++) {
		char *end;

		if (curl_easy_header(easy, "Content-Length", i, CURLH_HEADER, -1, &header) !=
		    CURLHE_OK)
			return true; /* none at all */
		count = header->amount;
		errno = 0;
		if (strtoull(header->value, &end, 10) != total || errno || *end)
			return false;
	}
	return true;
}

/*
 * The errno behind RC, if it is about RC: libcurl also leaves there what the first of several
 * addresses said before the second one answered.
 */
static int os_errno(CURL *easy, CURLcode rc)
{
	long error = 0;

	(void)curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &error);
	if (rc == CURLE_COULDNT_CONNECT)
		return (int)error;
	if (rc == CURLE_SEND_ERROR || rc == CURLE_RECV_ERROR || rc == CURLE_SSL_CONNECT_ERROR)
		return error == ECONNRESET || error == EPIPE || error == ETIMEDOUT ? (int)error : 0;
	return 0;
}

/* As curl --retry and wget see it. */
static bool is_transient(CURLcode rc, int error)
{
	switch (rc) {
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_RESOLVE_HOST: /* libcurl does not tell "no such" from "ask again" */
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
		return true;
	case CURLE_COULDNT_CONNECT:
	case CURLE_SSL_CONNECT_ERROR: /* not refused, not unreachable; EADDRNOTAVAIL: no port */
		return error == ETIMEDOUT || error == ECONNRESET || error == ECONNABORTED ||
		       error == EPIPE || error == EADDRNOTAVAIL || error == ENETDOWN;
	default:
		return false;
	}
}

static void http_fault(CURL *easy, struct failure *failure)
{
	curl_off_t after = 0;
	long status = http_status(easy);

	(void)curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &after);
	failure->kind = FAILURE_HTTP;
	failure->code = (int32_t)status;
	failure->transient = status == 408 || status == 429 || status == 500 || status == 502 ||
			     status == 503 || status == 504;
	if (after > 0)
		failure->after_s = after < UINT32_MAX ? (uint32_t)after : UINT32_MAX;
}

static void size_fault(const struct fetch *fetch, struct failure *failure)
{
	failure->kind = FAILURE_SIZE;
	failure->transient = true;
	failure->bytes = fetch->now.bytes;
	if (fetch->now.total != FETCH_SIZE_UNKNOWN)
		failure->total = fetch->now.total;
}

/* Nothing came: before the connection stood, or after? */
static void timeout_fault(struct fetch *fetch, struct failure *failure)
{
	curl_off_t connected = 0;

	(void)curl_easy_getinfo(fetch->easy, CURLINFO_PRETRANSFER_TIME_T, &connected);
	failure->transient = true;
	if (connected > 0) {
		failure->kind = FAILURE_IDLE;
		failure->code = (int32_t)to_long(fetch->limits.stall_timeout);
	} else {
		failure->kind = FAILURE_FETCH;
		failure->code = CURLE_OPERATION_TIMEDOUT;
	}
}

/* libcurl reports an answer without a status line (HTTP/0.9) as an unsupported protocol. */
static bool is_http_url(CURL *easy)
{
	const char *url = NULL;

	(void)curl_easy_getinfo(easy, CURLINFO_EFFECTIVE_URL, &url);
	return url && strncasecmp(url, "http", 4) == 0;
}

/* The transfer failed with RC. */
static void curl_fault(struct fetch *fetch, CURLcode rc, struct failure *failure)
{
	if (rc == CURLE_HTTP_RETURNED_ERROR) {
		http_fault(fetch->easy, failure);
	} else if (rc == CURLE_PARTIAL_FILE) {
		size_fault(fetch, failure);
	} else if (rc == CURLE_OPERATION_TIMEDOUT) {
		timeout_fault(fetch, failure);
	} else {
		if (rc == CURLE_UNSUPPORTED_PROTOCOL && is_http_url(fetch->easy))
			rc = CURLE_WEIRD_SERVER_REPLY;
		failure->kind = FAILURE_FETCH;
		failure->code = (int32_t)rc;
		failure->os_errno = os_errno(fetch->easy, rc);
		failure->transient = is_transient(rc, failure->os_errno);
	}
}

/* file:// of a directory is a success without a size or a byte to libcurl. */
static bool is_unread(const struct fetch *fetch)
{
	return http_status(fetch->easy) == 0 && fetch->now.bytes == 0 &&
	       fetch->now.total == FETCH_SIZE_UNKNOWN;
}

/* Our own reasons come first: to libcurl all of them are one write error. */
struct failure fetch_conclude(struct fetch *fetch, CURLcode rc)
{
	struct failure failure = { .kind = FAILURE_NONE };

	/* An empty body calls on_body never, so it is looked at here. */
	if (!fetch->now.begun && (rc == CURLE_OK || rc == CURLE_PARTIAL_FILE))
		(void)fetch_begin(fetch);

	if (fetch->now.stopped)
		return (struct failure){ .kind = FAILURE_CANCELLED };
	if (fetch->now.too_big)
		return (struct failure){ .kind = FAILURE_TOO_BIG };
	if (fetch->now.write_errno)
		return (struct failure){ .kind = FAILURE_WRITE, .code = fetch->now.write_errno };
	if (fetch->now.bad_status)
		http_fault(fetch->easy, &failure);
	else if (fetch->now.bad_header)
		curl_fault(fetch, CURLE_WEIRD_SERVER_REPLY, &failure);
	else if (rc != CURLE_OK)
		curl_fault(fetch, rc, &failure);
	else if (is_unread(fetch))
		curl_fault(fetch, CURLE_FILE_COULDNT_READ_FILE, &failure);
	else if (!length_is_sound(fetch->easy, fetch->now.total))
		curl_fault(fetch, CURLE_WEIRD_SERVER_REPLY, &failure);
	else if (fetch->now.total != FETCH_SIZE_UNKNOWN && fetch->now.total != fetch->now.bytes)
		size_fault(fetch, &failure);
	return failure;
}

/* ---- words ---- */

const char *fetch_strerror(int code)
{
	static const char *const words[] = {
		[CURLE_UNSUPPORTED_PROTOCOL] = "scheme not supported",
		[CURLE_URL_MALFORMAT] = "malformed URL",
		[CURLE_COULDNT_RESOLVE_PROXY] = "could not resolve the proxy's name",
		[CURLE_COULDNT_RESOLVE_HOST] = "could not resolve the host name",
		[CURLE_COULDNT_CONNECT] = "could not connect",
		[CURLE_WEIRD_SERVER_REPLY] = "the origin's answer is not sound HTTP",
		[CURLE_OUT_OF_MEMORY] = "out of memory",
		[CURLE_OPERATION_TIMEDOUT] = "timed out before a connection was made",
		[CURLE_SSL_CONNECT_ERROR] = "TLS handshake failed",
		[CURLE_FILE_COULDNT_READ_FILE] = "cannot read the file",
		[CURLE_TOO_MANY_REDIRECTS] = "too many redirects",
		[CURLE_GOT_NOTHING] = "the origin closed the connection without an answer",
		[CURLE_SEND_ERROR] = "sending to the origin failed",
		[CURLE_RECV_ERROR] = "receiving from the origin failed",
		[CURLE_PEER_FAILED_VERIFICATION] = "the origin's TLS certificate is not trusted",
	};

	/* A hostile number need not be a CURLcode. */
	if (code < 0 || code >= CURL_LAST)
		return "unknown transfer error";
	if ((size_t)code < sizeof(words) / sizeof(words[0]) && words[code])
		return words[code];
	return curl_easy_strerror((CURLcode)code);
}
