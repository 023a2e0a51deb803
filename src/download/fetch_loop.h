/* SPDX-License-Identifier: MIT */
/*
 * fetch_loop.h - many transfers at once in one thread: each has a fetcher, all share one epoll(7)
 * instance and the kept connections.
 */
#ifndef IPCDEMO_FETCH_LOOP_H
#define IPCDEMO_FETCH_LOOP_H

#include "download/fetch.h"

struct fetch_loop;

/* EXTRA is a descriptor of the caller's that ends a wait when it is readable. NULL with errno. */
struct fetch_loop *fetch_loop_new(int extra);

/* Frees it. Its fetchers are freed already, by fetch_free. NULL is allowed. */
void fetch_loop_free(struct fetch_loop *loop);

/*
 * A fetcher of LOOP; NULL when memory is short. SETTINGS as for fetch_new; OWNER is the caller's.
 */
struct fetch *fetch_loop_add(struct fetch_loop *loop, const struct fetch_settings *settings,
			     void *owner);
void *fetch_owner(const struct fetch *fetch);

/*
 * Begins REQUEST in FETCH, which is idle. REQUEST must not move until it has ended. The only hook
 * that is called is progress.
 */
void fetch_loop_start(struct fetch_loop *loop, struct fetch *fetch,
		      const struct fetch_request *request);

/* Breaks off what FETCH does, if anything; it is idle then. */
void fetch_loop_stop(struct fetch_loop *loop, struct fetch *fetch);

/*
 * Runs transfers until one has ended, EXTRA is readable, or about TIMEOUT_NS have passed. 0 or
 * -errno.
 */
int fetch_loop_wait(struct fetch_loop *loop, uint64_t timeout_ns);

/* Returns a fetcher whose transfer has ended; it is idle now. NULL: no more. */
struct fetch *fetch_loop_next(struct fetch_loop *loop, struct fetch_result *result);

#endif
