/* SPDX-License-Identifier: MIT */
/*
 * fetch_loop.c - see fetch_loop.h. libcurl's multi interface as it is meant for event loops:
 * libcurl
 * names its sockets and its next timeout, we wait and tell it what happened
 * (curl_multi_socket_action(3)).
 */
#include "config.h"

#include "download/fetch_loop.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "common/clock.h"
#include "download/fetch_internal.h"

#define EVENTS_AT_ONCE 64
#define LOOK_NS        (250 * NS_PER_MS) /* between two looks at transfers that stand still */

TAILQ_HEAD(fetch_list, fetch);

struct fetch_loop {
	CURLM *multi;
	int epoll, extra;
	uint64_t timeout_ns; /* when libcurl wants to be called at the latest; UINT64_MAX: never */
	uint64_t look_ns;    /* when we look at all transfers */
	struct fetch_list active, ended;
};

/* ---- what libcurl calls ---- */

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
	struct fetch_loop *loop = arg;
	struct epoll_event event = { .data.fd = fd };

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		(void)epoll_ctl(loop->epoll, EPOLL_CTL_DEL, fd,
				NULL); /* it may be closed already */
		return 0;
	}
	event.events = (what & CURL_POLL_IN ? EPOLLIN : 0u) |
		       (what & CURL_POLL_OUT ? EPOLLOUT : 0u);
	if (epoll_ctl(loop->epoll, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event) < 0)
		return -1; /* libcurl ends the transfer */
	(void)curl_multi_assign(loop->multi, fd, loop);
	return 0;
}

static int on_timeout(CURLM *multi, long timeout_ms, void *arg)
{
	struct fetch_loop *loop = arg;

	(void)multi;
	loop->timeout_ns = timeout_ms < 0 ? UINT64_MAX :
					    clock_ns() + (uint64_t)timeout_ms * NS_PER_MS;
	return 0;
}

/* ---- life ---- */

struct fetch_loop *fetch_loop_new(int extra)
{
	struct fetch_loop *loop = calloc(1, sizeof *loop);
	struct epoll_event event = { .events = EPOLLIN, .data.fd = extra };

	if (!loop)
		return NULL;
	TAILQ_INIT(&loop->active);
	TAILQ_INIT(&loop->ended);
	loop->extra = extra;
	loop->timeout_ns = UINT64_MAX;
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	loop->multi = curl_multi_init();
	if (loop->epoll >= 0 && epoll_ctl(loop->epoll, EPOLL_CTL_ADD, extra, &event) == 0 &&
	    loop->multi && !curl_multi_setopt(loop->multi, CURLMOPT_SOCKETFUNCTION, on_socket) &&
	    !curl_multi_setopt(loop->multi, CURLMOPT_SOCKETDATA, loop) &&
	    !curl_multi_setopt(loop->multi, CURLMOPT_TIMERFUNCTION, on_timeout) &&
	    !curl_multi_setopt(loop->multi, CURLMOPT_TIMERDATA, loop))
		return loop;
	fetch_loop_free(loop);
	return NULL;
}

void fetch_loop_free(struct fetch_loop *loop)
{
	if (!loop)
		return;
	if (loop->multi)
		(void)curl_multi_cleanup(loop->multi); /* nothing is left in it */
	if (loop->epoll >= 0)
		(void)close(loop->epoll);
	free(loop);
}

struct fetch *fetch_loop_add(struct fetch_loop *loop, const struct fetch_settings *settings,
			     void *owner)
{
	struct fetch *fetch = fetch_new_in(loop->multi, settings);

	if (fetch)
		fetch->owner = owner;
	return fetch;
}

void *fetch_owner(const struct fetch *fetch)
{
	return fetch->owner;
}

/* ---- transfers ---- */

static void end(struct fetch_loop *loop, struct fetch *fetch, CURLcode rc)
{
	while (fetch_end_try(fetch, rc, &fetch->result)) {
		if (fetch_begin_try(fetch, fetch->request))
			return; /* libcurl asks for a call by on_timeout */
		rc = CURLE_OUT_OF_MEMORY;
	}
	TAILQ_REMOVE(&loop->active, fetch, link);
	TAILQ_INSERT_TAIL(&loop->ended, fetch, link);
}

void fetch_loop_start(struct fetch_loop *loop, struct fetch *fetch,
		      const struct fetch_request *request)
{
	fetch->request = request;
	TAILQ_INSERT_TAIL(&loop->active, fetch, link);
	fetch_first_try(fetch, request);
	if (!fetch_begin_try(fetch, request))
		end(loop, fetch, CURLE_OUT_OF_MEMORY);
}

void fetch_loop_stop(struct fetch_loop *loop, struct fetch *fetch)
{
	if (!fetch->request)
		return;
	fetch->now.stopped = true;
	if (fetch->easy) {
		(void)fetch_end_try(fetch, CURLE_ABORTED_BY_CALLBACK, &fetch->result);
		TAILQ_REMOVE(&loop->active, fetch, link);
	} else {
		TAILQ_REMOVE(&loop->ended, fetch, link);
	}
	fetch->request = NULL;
}

struct fetch *fetch_loop_next(struct fetch_loop *loop, struct fetch_result *result)
{
	struct fetch *fetch = TAILQ_FIRST(&loop->ended);

	if (!fetch)
		return NULL;
	TAILQ_REMOVE(&loop->ended, fetch, link);
	fetch->request = NULL;
	*result = fetch->result;
	return fetch;
}

/* Those that libcurl has ended. */
static void collect(struct fetch_loop *loop)
{
	const CURLMsg *message;
	struct fetch *fetch = NULL;
	int left;

	while ((message = curl_multi_info_read(loop->multi, &left))) {
		CURLcode rc = message->data.result; /* the message dies with its handle */

		if (curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &fetch) == CURLE_OK)
			end(loop, fetch, rc);
	}
}

/* Those that stand still: on_body sees to the others. */
static void look_at_all(struct fetch_loop *loop, uint64_t now_ns)
{
	struct fetch *fetch, *next;

	if (now_ns < loop->look_ns)
		return;
	loop->look_ns = now_ns + LOOK_NS;
	for (fetch = TAILQ_FIRST(&loop->active); fetch; fetch = next) {
		next = TAILQ_NEXT(fetch, link);
		if (fetch_has_stalled(fetch)) {
			end(loop, fetch, CURLE_OPERATION_TIMEDOUT);
			continue;
		}
		fetch_call_hooks(fetch);
		fetch_pace(fetch);
		if (fetch->now.paused)
			loop->look_ns = fetch_due_ns(fetch, loop->look_ns);
		if (fetch->now.stopped)
			end(loop, fetch, CURLE_ABORTED_BY_CALLBACK);
	}
}

static int epoll_ms(const struct fetch_loop *loop, uint64_t until_ns, uint64_t now_ns)
{
	uint64_t ms;

	if (loop->timeout_ns < until_ns)
		until_ns = loop->timeout_ns;
	if (!TAILQ_EMPTY(&loop->active) && loop->look_ns < until_ns)
		until_ns = loop->look_ns;
	if (until_ns <= now_ns)
		return 0;
	ms = (until_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS;
	return ms > INT_MAX ? INT_MAX : (int)ms;
}

/* Waits once and handles what came. True: the caller has something to look at. */
static int turn(struct fetch_loop *loop, uint64_t until_ns)
{
	struct epoll_event events[EVENTS_AT_ONCE];
	uint64_t now_ns = clock_ns();
	bool extra = false;
	int i, n, running;

	n = epoll_wait(loop->epoll, events, EVENTS_AT_ONCE, epoll_ms(loop, until_ns, now_ns));
	if (n < 0 && errno != EINTR)
		return -errno;
	for (i = 0; i < n; i++) {
		const uint32_t ready = events[i].events;
		const int action = (ready & EPOLLIN ? CURL_CSELECT_IN : 0) |
				   (ready & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
				   (ready & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);

		if (events[i].data.fd == loop->extra)
			extra = true;
		else
			(void)curl_multi_socket_action(loop->multi, events[i].data.fd, action,
						       &running);
	}
	now_ns = clock_ns();
	if (now_ns >= loop->timeout_ns) {
		loop->timeout_ns = UINT64_MAX; /* unless it is set anew meanwhile */
		(void)curl_multi_socket_action(loop->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	}
	collect(loop);
	look_at_all(loop, now_ns);
	return extra || !TAILQ_EMPTY(&loop->ended) || now_ns >= until_ns;
}

int fetch_loop_wait(struct fetch_loop *loop, uint64_t timeout_ns)
{
	const uint64_t now_ns = clock_ns();
	const uint64_t until_ns = timeout_ns < UINT64_MAX - now_ns ? now_ns + timeout_ns :
								     UINT64_MAX;
	int rc = !TAILQ_EMPTY(&loop->ended);

	while (rc == 0)
		rc = turn(loop, until_ns);
	return rc < 0 ? rc : 0;
}
