/* SPDX-License-Identifier: MIT */
/*
 * fetch_result.c - what became of a transfer: libcurl's result, and what libcurl does not look at,
 * as a failure. See fetch.h.
 */
#include "config.h"

#include "download/fetch_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "common/language.h"

static long http_status(CURL *easy)
{
	long status = 0;

	(void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status); /* 0 for file:// */
	return status;
}

/* A part of a file that was asked for whole, or a list of choices, is not that file. */
static bool is_file(long status)
{
	return status == 0 || (status >= 200 && status <= 299 && status != 206);
}

/* The value of the last answer's header NAME, or NULL. */
static const char *header_value(CURL *easy, const char *name)
{
	struct curl_header *header;

	if (curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
		return NULL;
	return header->value;
}

/*
 * A date is a strong validator if the file was not changed again in the second that it names: it
 * lies a second or more before the answer's own (RFC 9110 section 8.8.2.2).
 */
static bool is_strong_date(CURL *easy, const char *modified)
{
	const char *answered = header_value(easy, "Date");
	time_t modified_s = curl_getdate(modified, NULL);
	time_t answered_s = answered ? curl_getdate(answered, NULL) : -1;

	return modified_s >= 0 && answered_s > modified_s;
}

/* What would tell that the rest of this answer is asked for. */
static const char *validator_of(CURL *easy)
{
	const char *etag = header_value(easy, "ETag");
	const char *modified = header_value(easy, "Last-Modified");
	const char *ranges = header_value(easy, "Accept-Ranges");

	if (header_value(easy, "Content-Encoding") || (ranges && strcasecmp(ranges, "none") == 0))
		return NULL; /* what is on disk has other offsets; it has told us so */
	if (etag && *etag == '"')
		return etag;
	return !etag && modified && is_strong_date(easy, modified) ? modified : NULL;
}

/*
 * An HTTP/1.0 answer does not count: its words on ranges may come from a younger server behind a
 * proxy.
 */
static bool says_ranges(CURL *easy)
{
	const char *ranges = header_value(easy, "Accept-Ranges");
	long version = 0;

	(void)curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &version);
	return version >= CURL_HTTP_VERSION_1_1 &&
	       (http_status(easy) == 206 || (ranges && strcasecmp(ranges, "bytes") == 0));
}

static void find_source(struct fetch *fetch)
{
	const char *validator = validator_of(fetch->easy);
	curl_off_t modified = -1;

	(void)curl_easy_getinfo(fetch->easy, CURLINFO_FILETIME_T, &modified);
	fetch->now.source.modified = (time_t)modified;
	fetch->now.source.ranges = says_ranges(fetch->easy);
	fetch->now.source.total = fetch->now.total;
	if (validator && strlen(validator) < FETCH_VALIDATOR_BYTES)
		(void)snprintf(fetch->now.source.validator, FETCH_VALIDATOR_BYTES, "%s", validator);
}

/*
 * 206: is it exactly the part that we asked for, and of the same version? Some origins ignore
 * If-Range, and some send another range than they announce.
 */
static bool is_our_rest(struct fetch *fetch)
{
	const struct fetch_source *source = &fetch->now.request->source;
	const char *range = header_value(fetch->easy, "Content-Range");
	const char *etag = header_value(fetch->easy, "ETag");
	unsigned long long first, last, total;

	if (!range || sscanf(range, "bytes %llu-%llu/%llu", &first, &last, &total) != 3)
		return false;
	if (fetch->now.end != FETCH_SIZE_UNKNOWN ? last + 1 != fetch->now.end : last + 1 != total)
		return false;
	if (first != fetch->now.offset || last < first || last >= total)
		return false;
	if (source->total != FETCH_SIZE_UNKNOWN && source->total != total)
		return false;
	if (etag && *source->validator == '"' && strcmp(etag, source->validator) != 0)
		return false;
	fetch->now.total = total;
	return true;
}

/* Goes to where the answer begins, dropping what it replaces. False: now.write_errno says why. */
static bool place(struct fetch *fetch, uint64_t offset)
{
	const struct fetch_request *request = fetch->now.request;
	const bool is_part = http_status(fetch->easy) == 206 && request->end > 0;

	if (request->offset == 0 && request->end == 0)
		return true;
	/* The order matters: a resumed file must never count new bytes as old ones. */
	if (offset == 0 && !is_part && request->note_source)
		request->note_source(request, NULL);
	if ((is_part || ftruncate(request->fd, (off_t)offset) == 0) &&
	    lseek(request->fd, (off_t)offset, SEEK_SET) >= 0) {
		fetch->now.bytes = fetch->now.kept = offset;
		return true;
	}
	fetch->now.write_errno = errno;
	return false;
}

/* The answer may be written: asks where to stop. */
static void settle_end(struct transfer *now)
{
	const struct fetch_request *request = now->request;
	uint64_t stop = FETCH_SIZE_UNKNOWN;

	if (request->begun)
		stop = request->begun(request, &now->source, now->bytes);
	if (now->end != FETCH_SIZE_UNKNOWN)
		now->total = now->end; /* the answer ends where it is to */
	else if (stop != FETCH_SIZE_UNKNOWN)
		now->total = now->stop = stop;
}

/* The header is complete: is this an answer whose body may be written? */
bool fetch_begin(struct fetch *fetch)
{
	struct transfer *now = &fetch->now;
	long status = http_status(fetch->easy);
	bool is_rest = status == 206 && fetch_is_ranged(now);
	curl_off_t length = -1;

	now->begun = true;
	(void)curl_easy_getinfo(fetch->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
	if (length >= 0 && !header_value(fetch->easy, "Content-Encoding"))
		now->total = (uint64_t)length;
	if (is_rest ? !is_our_rest(fetch) : is_file(status) && now->request->strict)
		now->no_rest = true;
	else if (!is_rest && !is_file(status))
		now->bad_status = true;
	else if (now->total != FETCH_SIZE_UNKNOWN && now->total > fetch->settings.max_size)
		now->too_big = true;
	else if (place(fetch, is_rest ? now->offset : 0)) {
		find_source(fetch);
		settle_end(now);
	}
	return !now->no_rest && !now->bad_status && !now->too_big && !now->write_errno;
}

/*
 * Of several Content-Length lines libcurl takes the last, and it ignores a number beyond 2^63. But
 * where a sender contradicts itself nobody knows where the body ends.
 */
static bool length_is_sound(CURL *easy, uint64_t length)
{
	struct curl_header *header;
	size_t count = 1;

	if (header_value(easy, "Transfer-Encoding") || header_value(easy, "Content-Encoding"))
		return true; /* it overrides any length; it is not the file's length */
	for (size_t i = 0; i < count; i++) {
		char *end;

		if (curl_easy_header(easy, "Content-Length", i, CURLH_HEADER, -1, &header) !=
		    CURLHE_OK)
			return true; /* none at all */
		count = header->amount;
		errno = 0;
		if (strtoull(header->value, &end, 10) != length || errno || *end)
			return false;
	}
	return true;
}

/*
 * The errno behind RC, if it belongs to RC. libcurl also leaves an errno of the first address there
 * when the second one answered.
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
		failure->code = (int32_t)to_long(fetch->settings.stall_timeout);
	} else {
		failure->kind = FAILURE_FETCH;
		failure->code = CURLE_OPERATION_TIMEDOUT;
	}
}

/* libcurl calls an answer without a status line (HTTP/0.9) an unsupported protocol. */
static bool is_http_url(CURL *easy)
{
	const char *url = NULL;

	(void)curl_easy_getinfo(easy, CURLINFO_EFFECTIVE_URL, &url);
	return url && strncasecmp(url, "http", 4) == 0;
}

static void trust_fault(CURL *easy, struct failure *failure)
{
	long error = 0;

	(void)curl_easy_getinfo(easy, CURLINFO_SSL_VERIFYRESULT, &error);
	failure->kind = FAILURE_TRUST;
	failure->code = (int32_t)error;
}

static bool was_redirected(CURL *easy)
{
	long redirects = 0;

	(void)curl_easy_getinfo(easy, CURLINFO_REDIRECT_COUNT, &redirects);
	return redirects > 0;
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
	} else if (rc == CURLE_PEER_FAILED_VERIFICATION) {
		trust_fault(fetch->easy, failure);
	} else {
		if (rc == CURLE_UNSUPPORTED_PROTOCOL && is_http_url(fetch->easy))
			rc = CURLE_WEIRD_SERVER_REPLY;
		else if (rc == CURLE_UNSUPPORTED_PROTOCOL && was_redirected(fetch->easy))
			rc = CURLE_REMOTE_ACCESS_DENIED;
		failure->kind = FAILURE_FETCH;
		failure->code = (int32_t)rc;
		failure->os_errno = os_errno(fetch->easy, rc);
		failure->transient = is_transient(rc, failure->os_errno);
	}
}

/* For file:// of a directory libcurl reports success, without a size or a byte. */
static bool is_unread(const struct fetch *fetch)
{
	return http_status(fetch->easy) == 0 && fetch->now.bytes == 0 &&
	       fetch->now.total == FETCH_SIZE_UNKNOWN;
}

/* Of the file: where the answer began. */
static uint64_t first_byte(const struct fetch *fetch)
{
	return http_status(fetch->easy) == 206 ? fetch->now.offset : 0;
}

bool fetch_lost_kept_connection(struct fetch *fetch, CURLcode rc)
{
	long made = 0;

	(void)curl_easy_getinfo(fetch->easy, CURLINFO_NUM_CONNECTS, &made);
	if (made > 0 || fetch->now.stopped || fetch->now.bytes > 0)
		return false;
	/* 408: the origin sent it before our request, when it closed the connection. */
	return (fetch->now.header_bytes == 0 &&
		(rc == CURLE_GOT_NOTHING || rc == CURLE_SEND_ERROR || rc == CURLE_RECV_ERROR)) ||
	       (rc == CURLE_HTTP_RETURNED_ERROR && http_status(fetch->easy) == 408);
}

/* Our own reasons come first, since libcurl calls each of them a write error. */
struct failure fetch_conclude(struct fetch *fetch, CURLcode rc)
{
	struct failure failure = { .kind = FAILURE_NONE };

	/* libcurl never calls on_body for an empty body, so we check it here. */
	if (!fetch->now.begun && (rc == CURLE_OK || rc == CURLE_PARTIAL_FILE))
		(void)fetch_begin(fetch);

	if (fetch->now.stopped)
		return (struct failure){ .kind = FAILURE_CANCELLED };
	if (fetch->now.too_big)
		return (struct failure){ .kind = FAILURE_TOO_BIG };
	if (fetch->now.write_errno)
		return (struct failure){ .kind = FAILURE_WRITE, .code = fetch->now.write_errno };
	if (fetch->now.reached)
		return failure;
	if (fetch_is_ranged(&fetch->now) && http_status(fetch->easy) == 416)
		fetch->now.no_rest = true;
	if (fetch->now.no_rest && fetch->now.request->strict)
		failure.kind = FAILURE_RANGE;
	else if (fetch->now.bad_status)
		http_fault(fetch->easy, &failure);
	else if (fetch->now.bad_header)
		curl_fault(fetch, CURLE_WEIRD_SERVER_REPLY, &failure);
	else if (rc != CURLE_OK)
		curl_fault(fetch, rc, &failure);
	else if (is_unread(fetch))
		curl_fault(fetch, CURLE_FILE_COULDNT_READ_FILE, &failure);
	else if (!length_is_sound(fetch->easy, fetch->now.total - first_byte(fetch)))
		curl_fault(fetch, CURLE_WEIRD_SERVER_REPLY, &failure);
	else if (fetch->now.total != FETCH_SIZE_UNKNOWN && fetch->now.total != fetch->now.bytes)
		size_fault(fetch, &failure);
	return failure;
}

/* ---- words ---- */

/* libcurl's messages that a user may meet, except those that we word ourselves below. */
static const char *const libcurl_says[] __attribute__((unused)) = {
	N_("Error in the HTTP2 framing layer"),
	N_("Problem with the SSL CA cert (path? access rights?)"),
	N_("Proxy CONNECT aborted"),
	N_("Stream error in the HTTP/2 framing layer"),
	N_("Transferred a partial file"),
	N_("Unrecognized or bad HTTP Content or Transfer-Encoding"),
};

const char *fetch_strerror(int code)
{
	static const char *const words[] = {
		[CURLE_UNSUPPORTED_PROTOCOL] =
			N_("scheme not supported: only http, https and file are"),
		[CURLE_URL_MALFORMAT] = N_("malformed URL"),
		[CURLE_COULDNT_RESOLVE_PROXY] = N_("could not resolve the proxy's name"),
		[CURLE_COULDNT_RESOLVE_HOST] = N_("could not resolve the host name"),
		[CURLE_COULDNT_CONNECT] = N_("could not connect"),
		[CURLE_WEIRD_SERVER_REPLY] = N_("the origin's answer is not sound HTTP"),
		[CURLE_OUT_OF_MEMORY] = N_("out of memory"),
		[CURLE_OPERATION_TIMEDOUT] = N_("no connection within --connect-timeout"),
		[CURLE_SSL_CONNECT_ERROR] = N_("TLS handshake failed"),
		[CURLE_FILE_COULDNT_READ_FILE] = N_("cannot read the file"),
		[CURLE_TOO_MANY_REDIRECTS] = N_("too many redirects, see --max-redirs"),
		[CURLE_GOT_NOTHING] = N_("the origin closed the connection without an answer"),
		[CURLE_REMOTE_ACCESS_DENIED] =
			N_("the origin redirects to a URL that is neither http nor https"),
		[CURLE_SEND_ERROR] = N_("sending to the origin failed"),
		[CURLE_RECV_ERROR] =
			N_("the connection broke off, or the origin's answer is not sound HTTP"),
	};

	/* A hostile number need not be a CURLcode. */
	if (code < 0 || code >= CURL_LAST)
		return N_("unknown transfer error");
	if ((size_t)code < sizeof(words) / sizeof(words[0]) && words[code])
		return words[code];
	return curl_easy_strerror((CURLcode)code);
}
