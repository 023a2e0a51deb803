/* SPDX-License-Identifier: MIT */
/*
 * fetch_setup.c - one libcurl handle for one transfer, with all that it is told.
 *
 * By default libcurl follows redirects to ftp, waits for ever, calls an error page a success and
 * takes any size. What this program promises beyond that is set here or checked in fetch_result.c.
 *
 * A handle lives for one transfer, because it remembers: cookies, logins, and how often it has
 * silently repeated a request (at most five times in its life). Connections and name look-ups
 * belong to the multi handle, TLS sessions to the share.
 */
#include "config.h"

#include "download/fetch_internal.h"

#include <stdio.h>
#include <sys/socket.h>

/* The most that libcurl 7.88 takes. */
#define RECEIVE_BYTES (512 * 1024)

/* libcurl 7.88 opens its sockets without close-on-exec (also a pair that we cannot reach). */
static curl_socket_t on_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	(void)arg;
	(void)purpose;
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static CURLcode set_numbers(CURL *easy, const struct fetch_settings *settings)
{
	const struct {
		CURLoption option;
		long value;
	} numbers[] = {
		{ CURLOPT_NOSIGNAL, 1 },
		{ CURLOPT_NOPROGRESS, 1 },
		{ CURLOPT_QUICK_EXIT, 1 }, /* do not wait for a name look-up given up */
		{ CURLOPT_FAILONERROR, 1 },
		{ CURLOPT_FILETIME, 1 },
		/* HTTP/2 brings one transfer at a time nothing but the cost of its flow control. */
		{ CURLOPT_HTTP_VERSION,
		  settings->http2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1 },
		{ CURLOPT_FOLLOWLOCATION, 1 },
		{ CURLOPT_MAXREDIRS, to_long(settings->max_redirs) },
		{ CURLOPT_CONNECTTIMEOUT, to_long(settings->connect_timeout) },
		{ CURLOPT_SSL_VERIFYPEER, !settings->insecure },
		{ CURLOPT_SSL_VERIFYHOST, settings->insecure ? 0 : 2 },
		{ CURLOPT_NETRC, settings->netrc ? CURL_NETRC_OPTIONAL : CURL_NETRC_IGNORED },
	};
	CURLcode rc = CURLE_OK;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]) && rc == CURLE_OK; i++)
		rc = curl_easy_setopt(easy, numbers[i].option, numbers[i].value);
	return rc;
}

/* NULL leaves libcurl's own value. */
static bool set_text(CURL *easy, CURLoption option, const char *text)
{
	return !text || curl_easy_setopt(easy, option, text) == CURLE_OK;
}

/* Without --compressed the bytes on disk are those that the origin has: no Accept-Encoding. */
static bool set_texts(struct fetch *fetch)
{
	const struct fetch_settings *settings = &fetch->settings;
	CURL *easy = fetch->easy;

	return set_text(easy, CURLOPT_URL, fetch->now.request->url) &&
	       set_text(easy, CURLOPT_USERAGENT,
			settings->user_agent ? settings->user_agent : "ipcdemo/" PACKAGE_VERSION) &&
	       set_text(easy, CURLOPT_PROTOCOLS_STR, "http,https,file") &&
	       set_text(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https") &&
	       set_text(easy, CURLOPT_COOKIEFILE, "") && /* keeps them in memory */
	       set_text(easy, CURLOPT_CAINFO, settings->cacert) &&
	       set_text(easy, CURLOPT_CAPATH, settings->capath) &&
	       set_text(easy, CURLOPT_ACCEPT_ENCODING,
			settings->compressed && !fetch_is_ranged(&fetch->now) ? "" : NULL);
}

static bool add_header(struct fetch *fetch, const char *header)
{
	struct curl_slist *longer = curl_slist_append(fetch->headers, header);

	if (longer)
		fetch->headers = longer;
	return longer != NULL;
}

/*
 * Asks for a part of the file, but only of the version whose other parts we have (RFC 9110 13.1.5).
 */
static bool add_range(struct fetch *fetch)
{
	char range[48];
	char if_range[FETCH_VALIDATOR_BYTES + 16];
	const unsigned long long offset = fetch->now.offset, end = fetch->now.end;

	if (end == FETCH_SIZE_UNKNOWN)
		(void)snprintf(range, sizeof(range), "%llu-", offset);
	else
		(void)snprintf(range, sizeof(range), "%llu-%llu", offset, end - 1);
	(void)snprintf(if_range, sizeof(if_range), "If-Range: %s",
		       fetch->now.request->source.validator);
	return set_text(fetch->easy, CURLOPT_RANGE, range) && add_header(fetch, if_range);
}

static bool set_headers(struct fetch *fetch)
{
	const char **header = fetch->settings.headers;

	for (; header && *header; header++)
		if (!add_header(fetch, *header))
			return false;
	if (fetch_is_ranged(&fetch->now) && !add_range(fetch))
		return false;
	return !curl_easy_setopt(fetch->easy, CURLOPT_HTTPHEADER, fetch->headers);
}

bool fetch_setup(struct fetch *fetch, bool fresh_connection)
{
	fetch->easy = curl_easy_init();
	return fetch->easy && set_numbers(fetch->easy, &fetch->settings) == CURLE_OK &&
	       set_texts(fetch) && set_headers(fetch) &&
	       !curl_easy_setopt(fetch->easy, CURLOPT_OPENSOCKETFUNCTION, on_socket) &&
	       !curl_easy_setopt(fetch->easy, CURLOPT_BUFFERSIZE,
				 fetch_piece_bytes(fetch, RECEIVE_BYTES)) &&
	       !curl_easy_setopt(fetch->easy, CURLOPT_SHARE, fetch->share) &&
	       !curl_easy_setopt(fetch->easy, CURLOPT_FRESH_CONNECT, (long)fresh_connection);
}

void fetch_teardown(struct fetch *fetch)
{
	curl_easy_cleanup(fetch->easy);
	fetch->easy = NULL;
	curl_slist_free_all(fetch->headers);
	fetch->headers = NULL;
}
