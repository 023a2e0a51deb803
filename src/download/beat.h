/* SPDX-License-Identifier: MIT */
/*
 * beat.h - a fetcher's conversation with its caller while bytes arrive: the hooks of fetch.h,
 * called no more often than they promise and cheap to ask after.
 */
#ifndef IPCDEMO_BEAT_H
#define IPCDEMO_BEAT_H

#include <stdbool.h>
#include <stdint.h>

#include "download/fetch.h"

struct beat {
	const struct fetch_hooks *hooks;
	bool stopped;        /* a hook said so; no further hook is called */
	uint64_t beat_ns;    /* time of the last beat */
	uint64_t told_ns;    /* time of the last call of the progress hook ... */
	uint64_t told_bytes; /* ... and what it was told */
};

/* HOOKS may be NULL, and must outlive the transfer otherwise. */
void beat_start(struct beat *beat, const struct fetch_hooks *hooks);

/* To be called often: does something every 50 ms only. */
void beat_tick(struct beat *beat, uint64_t bytes, uint64_t total);

/* Before a sleep: the descriptor to watch, or negative, -EAGAIN as the hook has it. */
int beat_fd(const struct beat *beat);

/* That descriptor is readable. */
void beat_wake(struct beat *beat);

#endif
