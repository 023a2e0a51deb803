/* SPDX-License-Identifier: MIT */
/*
 * fetch.c - one URL into one descriptor, by libcurl.
 *
 * By default libcurl follows redirects to ftp, waits for ever, calls an error page a success and
 * takes any size. What this program promises beyond that is set or checked here.
 *
 * One multi handle drives one easy handle, and both live as long as the fetcher: the
 * connections belong to the multi handle, the options are set once, and the transfer sleeps in
 * the same poll as the caller's own descriptor.
 */
#include "config.h"

#include "download/fetch.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "download/fetch_internal.h"

/* The most that libcurl 7.88 takes. */
#define RECEIVE_BYTES (512 * 1024)

/*
 * All header lines of a transfer, redirects and 1xx answers included: libcurl keeps them all.
 * Its own limit is younger than 7.88, though some distributions carry it back.
 */
#define HEADER_BYTES_MAX (256 * 1024)

#define HOOKS_NS     (50 * NS_PER_MS) /* between two calls while bytes arrive ... */
#define IDLE_NS      NS_PER_S         /* ... and while none do */
#define SLEEP_MS_MAX 1000

/* ---- the caller's hooks ---- */

static int hook_fd(const struct fetch *fetch)
{
	const struct fetch_hooks *hooks = fetch->now.hooks;

	return hooks->pollfd ? hooks->pollfd(hooks->arg) : -ENOENT;
}

static void call_wakeup(struct fetch *fetch)
{
	const struct fetch_hooks *hooks = fetch->now.hooks;

	if (hooks->wakeup && hooks->wakeup(hooks->arg))
		fetch->now.stopped = true;
}

static void call_progress(struct fetch *fetch, uint64_t now_ns)
{
	const struct fetch_hooks *hooks = fetch->now.hooks;

	if (fetch->now.bytes == fetch->now.reported_bytes &&
	    now_ns - fetch->now.reported_ns < IDLE_NS)
		return;
	fetch->now.reported_bytes = fetch->now.bytes;
	fetch->now.reported_ns = now_ns;
	if (hooks->progress && hooks->progress(hooks->arg, fetch->now.bytes, fetch->now.total))
		fetch->now.stopped = true;
}

/*
 * Calls the hooks whose time has come; cheap enough to be called for every piece of the body. The
 * caller's descriptor is polled here too: a transfer whose bytes never let it sleep would not
 * hear of a command otherwise, and libcurl's own poll does not report a mere POLLHUP.
 */
static void call_hooks(struct fetch *fetch)
{
	struct pollfd caller = { .events = POLLIN };
	uint64_t now_ns = clock_ns();

	if (fetch->now.stopped || now_ns - fetch->now.looked_ns < HOOKS_NS)
		return;
	fetch->now.looked_ns = now_ns;
	call_progress(fetch, now_ns);
	if (fetch->now.stopped)
		return;
	caller.fd = hook_fd(fetch);
	if (caller.fd == -EAGAIN || (caller.fd >= 0 && poll(&caller, 1, 0) > 0))
		call_wakeup(fetch);
}

/* ---- what libcurl calls ---- */

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
		if (!fetch_begin(fetch))
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
	call_hooks(fetch);
	return fetch->now.stopped ? 0 : n;
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

/* Sleeps until libcurl or the caller's descriptor has something to do. */
static CURLMcode sleep_once(struct fetch *fetch)
{
	struct curl_waitfd caller = { .fd = hook_fd(fetch), .events = CURL_WAIT_POLLIN };
	CURLMcode rc;

	if (caller.fd == -EAGAIN) {
		call_wakeup(fetch);
		return CURLM_OK;
	}
	rc = curl_multi_poll(fetch->multi, &caller, caller.fd >= 0, SLEEP_MS_MAX, NULL);
	if (rc == CURLM_OK && caller.revents)
		call_wakeup(fetch);
	return rc;
}

/*
 * Has nothing come for the stall timeout? An own clock, because libcurl's low-speed limit averages
 * over several seconds and so finds a stall of 2 s after 8. Connecting has a limit of its own.
 */
static bool has_stalled(struct fetch *fetch)
{
	const uint64_t limit_ns = fetch->limits.stall_timeout * NS_PER_S;
	uint64_t received = fetch->now.bytes + fetch->now.header_bytes;
	uint64_t now = clock_ns();
	curl_off_t connected = 0;

	if (limit_ns == 0)
		return false;
	if (received == fetch->now.received && now - fetch->now.received_ns >= limit_ns)
		(void)curl_easy_getinfo(fetch->easy, CURLINFO_PRETRANSFER_TIME_T, &connected);
	else if (received == fetch->now.received)
		return false;
	fetch->now.received = received;
	fetch->now.received_ns = now;
	return connected > 0;
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
		if (has_stalled(fetch))
			return CURLE_OPERATION_TIMEDOUT;
		call_hooks(fetch);
		if (rc == CURLM_OK && !fetch->now.stopped)
			rc = sleep_once(fetch);
	} while (rc == CURLM_OK && !fetch->now.stopped);
	return rc == CURLM_OUT_OF_MEMORY ? CURLE_OUT_OF_MEMORY : CURLE_FAILED_INIT;
}

int fetch_run(struct fetch *fetch, const char *url, int fd, const struct fetch_hooks *hooks,
	      struct fetch_result *result)
{
	static const struct fetch_hooks no_hooks = { .arg = NULL };
	CURLcode rc = curl_easy_setopt(fetch->easy, CURLOPT_URL, url);
	uint64_t now_ns = clock_ns();

	fetch->now = (struct transfer){ .fd = fd,
					.total = FETCH_SIZE_UNKNOWN,
					.received_ns = now_ns,
					.hooks = hooks ? hooks : &no_hooks,
					.looked_ns = now_ns,
					.reported_ns = now_ns };
	if (rc == CURLE_OK && curl_multi_add_handle(fetch->multi, fetch->easy) == CURLM_OK) {
		rc = drive(fetch);
		result->failure = fetch_conclude(fetch, rc);
		(void)curl_multi_remove_handle(fetch->multi, fetch->easy); /* keeps connections */
	} else {
		result->failure = fetch_conclude(fetch, CURLE_OUT_OF_MEMORY);
	}
	result->bytes = fetch->now.bytes;
	result->total = fetch->now.total;
	return result->failure.kind == FAILURE_NONE ? 0 : -1;
}

const char *fetch_version(void)
{
	/* Not curl_version(): by way of libldap it looks up this machine's name. */
	return curl_version_info(CURLVERSION_NOW)->version;
}
