/* SPDX-License-Identifier: MIT */
/*
 * fetch.c - one URL into one descriptor, by libcurl.
 *
 * libcurl is a fine client and a trusting one: by default it follows redirects to ftp,
 * waits for ever, calls an error page a success and takes any size. Everything that this
 * program promises beyond that is set or checked here.
 *
 * One multi handle drives one easy handle, and both live as long as the fetcher: the
 * connections belong to the multi handle, the options are set once, and the transfer sleeps in
 * the same poll as the caller's own descriptor.
 */
#include "config.h"

#include "fetch.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <curl/curl.h>

#include "beat.h"

/* The most that libcurl 7.88 takes. */
#define RECEIVE_BYTES (512 * 1024)

/*
 * All header lines of a transfer, redirects and 1xx answers included: libcurl keeps them all.
 * Its own limit is younger than 7.88, though some distributions carry it back.
 */
#define HEADER_BYTES_MAX (256 * 1024)

/* The longest sleep: the progress hook is called about once a second. */
#define SLEEP_MS_MAX 1000

/* The transfer in progress. */
struct transfer {
	int fd;
	bool begun; /* the header of the answer was judged, by begin() */
	bool too_big;
	bool bad_status; /* the body is not that of the file */
	bool bad_header;
	int write_errno;
	size_t header_bytes;
	uint64_t bytes;
	uint64_t total;
};

struct fetch {
	CURLM *multi;
	CURL *easy;
	struct fetch_limits limits;
	struct beat beat;
	struct transfer now;
};

/* ---- what libcurl calls ---- */

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
static bool begin(struct fetch *fetch)
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

static bool write_all(struct fetch *fetch, const char *data, size_t n)
{
	while (n > 0) {
		ssize_t written = TEMP_FAILURE_RETRY(write(fetch->now.fd, data, n));

		if (written < 0) {
			fetch->now.write_errno = errno;
			return false;
		}
		fetch->now.bytes += (uint64_t)written;
		data += written;
		n -= (size_t)written;
	}
	return true;
}

/* Returning anything but N makes libcurl give up with CURLE_WRITE_ERROR. */
static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
	struct fetch *fetch = arg;

	n *= size;
	if (!fetch->now.begun) {
		if (!begin(fetch))
			return 0;
		/* Bytes of a file of size 0: one in /proc, or a device. */
		if (fetch->now.total == 0)
			fetch->now.total = FETCH_SIZE_UNKNOWN;
	}
	if (n > fetch->limits.max_size - fetch->now.bytes) {
		fetch->now.too_big = true;
		return 0;
	}
	if (!write_all(fetch, data, n))
		return 0;
	beat_tick(&fetch->beat, fetch->now.bytes, fetch->now.total);
	return fetch->beat.stopped ? 0 : n;
}

static size_t on_header(char *data, size_t size, size_t n, void *arg)
{
	struct fetch *fetch = arg;

	(void)data;
	n *= size;
	fetch->now.header_bytes += n;
	if (fetch->now.header_bytes > HEADER_BYTES_MAX) {
		fetch->now.bad_header = true;
		return 0;
	}
	return n;
}

/* libcurl 7.88 opens its sockets without close-on-exec (also a pair that we cannot reach). */
static curl_socket_t on_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	(void)arg;
	(void)purpose;
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* ---- life ---- */

static long to_long(unsigned value)
{
	return value > INT_MAX ? INT_MAX : (long)value;
}

static CURLcode set_numbers(CURL *easy, const struct fetch_limits *limits)
{
	const struct {
		CURLoption option;
		long value;
	} numbers[] = {
		{ CURLOPT_NOSIGNAL, 1 },
		{ CURLOPT_NOPROGRESS, 1 },
		{ CURLOPT_QUICK_EXIT, 1 }, /* do not wait for a name look-up given up */
		{ CURLOPT_FAILONERROR, 1 },
		{ CURLOPT_BUFFERSIZE, RECEIVE_BYTES },
		/* One transfer at a time gains nothing from HTTP/2, and pays its flow control. */
		{ CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1 },
		{ CURLOPT_FOLLOWLOCATION, 1 },
		{ CURLOPT_MAXREDIRS, to_long(limits->max_redirs) },
		{ CURLOPT_CONNECTTIMEOUT, to_long(limits->connect_timeout) },
		{ CURLOPT_LOW_SPEED_LIMIT, 1 },
		{ CURLOPT_LOW_SPEED_TIME, to_long(limits->stall_timeout) },
	};
	CURLcode rc = CURLE_OK;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]) && rc == CURLE_OK; i++)
		rc = curl_easy_setopt(easy, numbers[i].option, numbers[i].value);
	return rc;
}

/* No Accept-Encoding among them: the bytes on disk are to be those that the origin has. */
static bool set_options(struct fetch *fetch)
{
	CURL *easy = fetch->easy;

	return set_numbers(easy, &fetch->limits) == CURLE_OK &&
	       !curl_easy_setopt(easy, CURLOPT_USERAGENT, "ipcdemo/" PACKAGE_VERSION) &&
	       !curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https,file") &&
	       !curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https") &&
	       !curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_socket) &&
	       !curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header) &&
	       !curl_easy_setopt(easy, CURLOPT_HEADERDATA, fetch) &&
	       !curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body) &&
	       !curl_easy_setopt(easy, CURLOPT_WRITEDATA, fetch);
}

int fetch_global_init(void)
{
	CURLcode rc = curl_global_init(CURL_GLOBAL_DEFAULT);

	if (rc == CURLE_OUT_OF_MEMORY)
		return -ENOMEM;
	return rc == CURLE_OK ? 0 : -EIO;
}

void fetch_global_cleanup(void)
{
	curl_global_cleanup();
}

struct fetch *fetch_new(const struct fetch_limits *limits)
{
	struct fetch *fetch = calloc(1, sizeof(*fetch));

	if (!fetch)
		return NULL;
	fetch->limits = *limits;
	fetch->multi = curl_multi_init();
	fetch->easy = curl_easy_init();
	if (!fetch->multi || !fetch->easy || !set_options(fetch)) {
		fetch_free(fetch);
		return NULL;
	}
	return fetch;
}

void fetch_free(struct fetch *fetch)
{
	if (!fetch)
		return;
	curl_easy_cleanup(fetch->easy);
	if (fetch->multi)
		(void)curl_multi_cleanup(fetch->multi); /* nothing is left in it */
	free(fetch);
}

/* ---- one transfer ---- */

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

static void http_fault(CURL *easy, struct fault *fault)
{
	curl_off_t after = 0;
	long status = http_status(easy);

	(void)curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &after);
	fault->kind = FAULT_HTTP;
	fault->code = (int32_t)status;
	fault->transient = status == 408 || status == 429 || status == 500 || status == 502 ||
			   status == 503 || status == 504;
	if (after > 0)
		fault->after_s = after < UINT32_MAX ? (uint32_t)after : UINT32_MAX;
}

static void size_fault(const struct fetch *fetch, struct fault *fault)
{
	fault->kind = FAULT_SIZE;
	fault->transient = true;
	fault->bytes = fetch->now.bytes;
	if (fetch->now.total != FETCH_SIZE_UNKNOWN)
		fault->total = fetch->now.total;
}

/* Nothing came: before the connection stood, or after? */
static void timeout_fault(struct fetch *fetch, struct fault *fault)
{
	curl_off_t connected = 0;

	(void)curl_easy_getinfo(fetch->easy, CURLINFO_PRETRANSFER_TIME_T, &connected);
	fault->transient = true;
	if (connected > 0) {
		fault->kind = FAULT_IDLE;
		fault->code = (int32_t)to_long(fetch->limits.stall_timeout);
	} else {
		fault->kind = FAULT_FETCH;
		fault->code = CURLE_OPERATION_TIMEDOUT;
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
static void curl_fault(struct fetch *fetch, CURLcode rc, struct fault *fault)
{
	if (rc == CURLE_HTTP_RETURNED_ERROR) {
		http_fault(fetch->easy, fault);
	} else if (rc == CURLE_PARTIAL_FILE) {
		size_fault(fetch, fault);
	} else if (rc == CURLE_OPERATION_TIMEDOUT) {
		timeout_fault(fetch, fault);
	} else {
		if (rc == CURLE_UNSUPPORTED_PROTOCOL && is_http_url(fetch->easy))
			rc = CURLE_WEIRD_SERVER_REPLY;
		fault->kind = FAULT_FETCH;
		fault->code = (int32_t)rc;
		fault->os_errno = os_errno(fetch->easy, rc);
		fault->transient = is_transient(rc, fault->os_errno);
	}
}

/* file:// of a directory is a success without a size or a byte to libcurl. */
static bool is_unread(const struct fetch *fetch)
{
	return http_status(fetch->easy) == 0 && fetch->now.bytes == 0 &&
	       fetch->now.total == FETCH_SIZE_UNKNOWN;
}

/* Our own verdicts come first: libcurl knows of them as a write error only. */
static struct fault judge(struct fetch *fetch, CURLcode rc)
{
	struct fault fault = { .kind = FAULT_NONE };

	/* An empty body calls on_body never, so it is looked at here. */
	if (!fetch->now.begun && (rc == CURLE_OK || rc == CURLE_PARTIAL_FILE))
		(void)begin(fetch);

	if (fetch->beat.stopped)
		return (struct fault){ .kind = FAULT_CANCELLED };
	if (fetch->now.too_big)
		return (struct fault){ .kind = FAULT_TOO_BIG };
	if (fetch->now.write_errno)
		return (struct fault){ .kind = FAULT_WRITE, .code = fetch->now.write_errno };
	if (fetch->now.bad_status)
		http_fault(fetch->easy, &fault);
	else if (fetch->now.bad_header)
		curl_fault(fetch, CURLE_WEIRD_SERVER_REPLY, &fault);
	else if (rc != CURLE_OK)
		curl_fault(fetch, rc, &fault);
	else if (is_unread(fetch))
		curl_fault(fetch, CURLE_FILE_COULDNT_READ_FILE, &fault);
	else if (!length_is_sound(fetch->easy, fetch->now.total))
		curl_fault(fetch, CURLE_WEIRD_SERVER_REPLY, &fault);
	else if (fetch->now.total != FETCH_SIZE_UNKNOWN && fetch->now.total != fetch->now.bytes)
		size_fault(fetch, &fault);
	return fault;
}

/* Sleeps until libcurl or the caller's descriptor has something to do. */
static CURLMcode rest(struct fetch *fetch)
{
	struct curl_waitfd extra = { .fd = beat_fd(&fetch->beat), .events = CURL_WAIT_POLLIN };
	unsigned count = extra.fd >= 0;
	CURLMcode rc;

	if (extra.fd == -EAGAIN) {
		beat_wake(&fetch->beat);
		return CURLM_OK;
	}
	rc = curl_multi_poll(fetch->multi, &extra, count, SLEEP_MS_MAX, NULL);
	if (rc == CURLM_OK && extra.revents)
		beat_wake(&fetch->beat);
	return rc;
}

static CURLcode drive(struct fetch *fetch)
{
	const CURLMsg *message;
	CURLMcode rc;

	do {
		int running = 1, left;

		rc = curl_multi_perform(fetch->multi, &running);
		if (!running) {
			message = curl_multi_info_read(fetch->multi, &left);
			return message ? message->data.result : CURLE_FAILED_INIT;
		}
		beat_tick(&fetch->beat, fetch->now.bytes, fetch->now.total);
		if (rc == CURLM_OK && !fetch->beat.stopped)
			rc = rest(fetch);
	} while (rc == CURLM_OK && !fetch->beat.stopped);
	return rc == CURLM_OUT_OF_MEMORY ? CURLE_OUT_OF_MEMORY : CURLE_FAILED_INIT;
}

int fetch_run(struct fetch *fetch, const char *url, int fd, const struct fetch_hooks *hooks,
	      struct fetch_result *result)
{
	CURLcode rc = curl_easy_setopt(fetch->easy, CURLOPT_URL, url);

	fetch->now = (struct transfer){ .fd = fd, .total = FETCH_SIZE_UNKNOWN };
	beat_start(&fetch->beat, hooks);
	if (rc == CURLE_OK && curl_multi_add_handle(fetch->multi, fetch->easy) == CURLM_OK) {
		rc = drive(fetch);
		result->fault = judge(fetch, rc);
		(void)curl_multi_remove_handle(fetch->multi, fetch->easy); /* keeps connections */
	} else {
		result->fault = judge(fetch, CURLE_OUT_OF_MEMORY);
	}
	result->bytes = fetch->now.bytes;
	result->total = fetch->now.total;
	return result->fault.kind == FAULT_NONE ? 0 : -1;
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

const char *fetch_version(void)
{
	/* Not curl_version(): by way of libldap it looks up this machine's name. */
	return curl_version_info(CURLVERSION_NOW)->version;
}
