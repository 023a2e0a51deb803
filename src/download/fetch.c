/* SPDX-License-Identifier: MIT */
/*
 * fetch.c - drives one libcurl transfer, and calls the caller's hooks meanwhile.
 *
 * One multi handle drives one easy handle: the connections belong to the multi handle, and the
 * transfer sleeps in the same poll as the caller's own descriptor.
 */
#include "config.h"

#include "download/fetch.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "download/fetch_internal.h"

/*
 * All header lines of a transfer, redirects and 1xx answers included: libcurl keeps them all.
 * Its own limit is younger than 7.88, though some distributions carry it back.
 */
#define HEADER_BYTES_MAX (256 * 1024)

#define HOOKS_NS     (50 * NS_PER_MS) /* between two calls while bytes arrive ... */
#define IDLE_NS      NS_PER_S         /* ... and while none do */
#define SLEEP_MS_MAX 1000

#define GATHER_BYTES (256u * 1024)
#define GATHER_FROM  (64u * 1024) /* a smaller file is a few pieces anyway */

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

static void call_progress(struct fetch *fetch)
{
	const struct fetch_hooks *hooks = fetch->now.hooks;
	const struct fetch_progress progress = { .bytes = fetch->now.bytes,
						 .total = fetch->now.total,
						 .kept = fetch->now.kept };

	fetch->now.reported_bytes = fetch->now.bytes;
	fetch->now.reported_ns = clock_ns();
	if (hooks->progress && hooks->progress(hooks->arg, &progress))
		fetch->now.stopped = true;
}

/* Once, and only for bytes whose rest can be asked for. */
static void note_source(struct fetch *fetch)
{
	const struct fetch_request *request = fetch->now.request;

	if (fetch->now.noted || !request->note_source || !*fetch->now.source.validator ||
	    fetch->now.bytes == 0)
		return;
	fetch->now.noted = true;
	request->note_source(request, &fetch->now.source);
}

/*
 * Calls the hooks that are due; cheap enough to be called for every piece of the body. It polls the
 * caller's descriptor too: a transfer that never sleeps, since bytes keep coming, would miss
 * commands otherwise, and libcurl's own poll does not report a mere POLLHUP.
 */
void fetch_call_hooks(struct fetch *fetch)
{
	struct pollfd caller = { .events = POLLIN };
	uint64_t now_ns = clock_ns();

	if (fetch->now.stopped || now_ns - fetch->now.looked_ns < HOOKS_NS)
		return;
	fetch->now.looked_ns = now_ns;
	note_source(fetch);
	if (fetch->now.bytes != fetch->now.reported_bytes ||
	    now_ns - fetch->now.reported_ns >= IDLE_NS)
		call_progress(fetch);
	if (fetch->now.stopped)
		return;
	caller.fd = hook_fd(fetch);
	if (caller.fd == -EAGAIN || caller.fd == -ENOTSUP ||
	    (caller.fd >= 0 && poll(&caller, 1, 0) > 0))
		call_wakeup(fetch);
}

/* ---- what libcurl calls ---- */

static bool write_all(struct fetch *fetch, const char *data, size_t n)
{
	while (n > 0) {
		ssize_t written = TEMP_FAILURE_RETRY(write(fetch->now.request->fd, data, n));

		if (written < 0) {
			fetch->now.write_errno = errno;
			fetch->now.bytes -= n; /* only what is in the file counts */
			return false;
		}
		if (fetch->now.request->written)
			fetch->now.request->written(fetch->now.request, data, (size_t)written);
		data += written;
		n -= (size_t)written;
	}
	return true;
}

static bool write_gathered(struct fetch *fetch)
{
	const size_t n = fetch->gathered_bytes;

	fetch->gathered_bytes = 0;
	return write_all(fetch, fetch->gathered, n);
}

/*
 * libcurl hands a body over in pieces of at most 16 KiB, however much it has read at once: to copy
 * the pieces together costs less than to write each. They are written before the next sleep.
 */
static bool gather(struct fetch *fetch, const char *data, size_t n)
{
	if (fetch->own_multi && fetch->now.total > GATHER_FROM && !fetch->gathered)
		fetch->gathered = malloc(GATHER_BYTES);
	if (!fetch->gathered || fetch->now.total <= GATHER_FROM)
		return write_all(fetch, data, n);
	if (fetch->gathered_bytes + n > GATHER_BYTES && !write_gathered(fetch)) {
		fetch->now.bytes -= n;
		return false;
	}
	if (n > GATHER_BYTES)
		return write_all(fetch, data, n);
	memcpy(fetch->gathered + fetch->gathered_bytes, data, n);
	fetch->gathered_bytes += n;
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
		if (fetch->now.kept > 0)
			call_progress(fetch);
	}
	if (n > fetch->settings.max_size - fetch->now.bytes) {
		fetch->now.too_big = true;
		return 0;
	}
	if (n >= fetch->now.stop - fetch->now.bytes) {
		n = fetch->now.stop - fetch->now.bytes;
		fetch->now.reached = true;
	}
	fetch->now.bytes += n;
	if (!gather(fetch, data, n))
		return 0;
	fetch_spend(fetch, n);
	fetch_call_hooks(fetch);
	return fetch->now.stopped || fetch->now.reached ? 0 : n;
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

/* ---- life ---- */

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

struct fetch *fetch_new_in(CURLM *multi, const struct fetch_settings *settings)
{
	struct fetch *fetch = calloc(1, sizeof(*fetch));

	if (!fetch)
		return NULL;
	fetch->settings = *settings;
	fetch->own_multi = multi == NULL;
	fetch->multi = multi ? multi : curl_multi_init();
	fetch->share = curl_share_init();
	if (!fetch->multi || !fetch->share ||
	    curl_share_setopt(fetch->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION)) {
		fetch_free(fetch);
		return NULL;
	}
	return fetch;
}

struct fetch *fetch_new(const struct fetch_settings *settings)
{
	return fetch_new_in(NULL, settings);
}

void fetch_free(struct fetch *fetch)
{
	if (!fetch)
		return;
	if (fetch->multi && fetch->own_multi)
		(void)curl_multi_cleanup(fetch->multi); /* nothing is left in it */
	if (fetch->share)
		(void)curl_share_cleanup(fetch->share); /* nobody uses it any more */
	free(fetch->gathered);
	free(fetch);
}

/* ---- one transfer ---- */

static int sleep_ms(const struct fetch *fetch, bool silent)
{
	const uint64_t now_ns = clock_ns();
	uint64_t until_ns = now_ns + (silent ? HOOKS_NS : SLEEP_MS_MAX * NS_PER_MS);

	if (fetch->now.paused)
		until_ns = fetch_due_ns(fetch, until_ns);
	return until_ns > now_ns ? (int)((until_ns - now_ns) / NS_PER_MS) + 1 : 0;
}

/* Sleeps until libcurl or the caller's descriptor has work. */
static CURLMcode sleep_once(struct fetch *fetch)
{
	struct curl_waitfd caller = { .fd = hook_fd(fetch), .events = CURL_WAIT_POLLIN };
	CURLMcode rc;

	if (caller.fd == -EAGAIN) {
		call_wakeup(fetch);
		return CURLM_OK;
	}
	/* Without a descriptor only the timeout ends the sleep; fetch_call_hooks then looks. */
	rc = curl_multi_poll(fetch->multi, &caller, caller.fd >= 0,
			     sleep_ms(fetch, caller.fd == -ENOTSUP), NULL);
	if (rc == CURLM_OK && caller.revents)
		call_wakeup(fetch);
	return rc;
}

/*
 * Have no bytes come for the stall timeout? It has its own clock, because libcurl's low-speed limit
 * averages over several seconds: it finds a stall of 2 s after 8. Connecting has a separate limit.
 */
bool fetch_has_stalled(struct fetch *fetch)
{
	const uint64_t limit_ns = fetch->settings.stall_timeout * NS_PER_S;
	uint64_t received = fetch->now.bytes + fetch->now.header_bytes;
	uint64_t now = clock_ns();
	curl_off_t connected = 0;

	if (fetch->now.paused)
		fetch->now.received_ns = now;
	if (limit_ns == 0 || fetch->now.paused)
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
		if (!write_gathered(fetch))
			return CURLE_WRITE_ERROR;
		if (!running) {
			message = curl_multi_info_read(fetch->multi, &left);
			return message ? message->data.result : CURLE_FAILED_INIT;
		}
		if (fetch_has_stalled(fetch))
			return CURLE_OPERATION_TIMEDOUT;
		fetch_call_hooks(fetch);
		fetch_pace(fetch);
		if (rc == CURLM_OK && !fetch->now.stopped)
			rc = sleep_once(fetch);
	} while (rc == CURLM_OK && !fetch->now.stopped);
	return rc == CURLM_OUT_OF_MEMORY ? CURLE_OUT_OF_MEMORY : CURLE_FAILED_INIT;
}

static bool set_callbacks(struct fetch *fetch)
{
	CURL *easy = fetch->easy;

	return !curl_easy_setopt(easy, CURLOPT_PRIVATE, fetch) &&
	       !curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header) &&
	       !curl_easy_setopt(easy, CURLOPT_HEADERDATA, fetch) &&
	       !curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body) &&
	       !curl_easy_setopt(easy, CURLOPT_WRITEDATA, fetch);
}

static void begin(struct fetch *fetch, const struct fetch_request *request)
{
	static const struct fetch_hooks no_hooks = { .arg = NULL };
	uint64_t now_ns = clock_ns();

	fetch->now = (struct transfer){ .request = request,
					.hooks = request->hooks ? request->hooks : &no_hooks,
					.offset = fetch->offset,
					.end = fetch->end,
					.stop = FETCH_SIZE_UNKNOWN,
					.total = FETCH_SIZE_UNKNOWN,
					.received_ns = now_ns,
					.looked_ns = now_ns,
					.reported_ns = now_ns };
}

/*
 * Where the rest of REQUEST begins. Of a file that is whole already we ask for the last byte: the
 * answer then says whether it is still that version. A range behind the end would not.
 */
static uint64_t rest_begins(const struct fetch_request *request)
{
	if (request->end > 0)
		return request->offset - (request->offset == request->end);
	if (!*request->source.validator || request->offset > request->source.total)
		return 0;
	return request->offset - (request->offset == request->source.total);
}

void fetch_first_try(struct fetch *fetch, const struct fetch_request *request)
{
	fetch->fresh_connection = false;
	fetch->end = request->end > 0 ? request->end : FETCH_SIZE_UNKNOWN;
	fetch->offset = request->offset > 0 ? rest_begins(request) : 0;
}

bool fetch_begin_try(struct fetch *fetch, const struct fetch_request *request)
{
	begin(fetch, request);
	if (fetch_setup(fetch, fetch->fresh_connection) && set_callbacks(fetch) &&
	    curl_multi_add_handle(fetch->multi, fetch->easy) == CURLM_OK)
		return true;
	fetch_teardown(fetch);
	return false;
}

bool fetch_end_try(struct fetch *fetch, CURLcode rc, struct fetch_result *result)
{
	curl_off_t modified = -1;
	bool again;

	result->failure = fetch->easy ?
				  fetch_conclude(fetch, rc) :
				  (struct failure){ .kind = FAILURE_FETCH, .code = (int32_t)rc };
	result->bytes = fetch->now.bytes;
	result->total = fetch->now.total;
	if (!fetch->easy)
		return false; /* it could not begin */
	/*
	 * Neither happens twice: the second connection is a fresh one, and the second request is
	 * for the whole.
	 */
	again = (!fetch->fresh_connection && fetch_lost_kept_connection(fetch, rc)) ||
		(fetch->now.no_rest && !fetch->now.request->strict);
	if (fetch->now.no_rest) {
		fetch->offset = 0;
		fetch->end = FETCH_SIZE_UNKNOWN;
	} else {
		fetch->fresh_connection = true;
	}
	if (result->failure.kind != FAILURE_NONE && !again)
		note_source(fetch);
	(void)curl_easy_getinfo(fetch->easy, CURLINFO_FILETIME_T, &modified);
	(void)curl_multi_remove_handle(fetch->multi, fetch->easy); /* keeps connections */
	fetch_teardown(fetch);
	result->modified = (time_t)modified;
	return again;
}

int fetch_run(struct fetch *fetch, const struct fetch_request *request, struct fetch_result *result)
{
	CURLcode rc;

	fetch_first_try(fetch, request);
	do {
		rc = fetch_begin_try(fetch, request) ? drive(fetch) : CURLE_OUT_OF_MEMORY;
	} while (fetch_end_try(fetch, rc, result));
	return result->failure.kind == FAILURE_NONE ? 0 : -1;
}

const char *fetch_version(void)
{
	/* We avoid curl_version(), which looks up this machine's name by way of libldap. */
	return curl_version_info(CURLVERSION_NOW)->version;
}
