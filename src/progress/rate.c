/* SPDX-License-Identifier: MIT */
/* rate.c - the windowed speed of one transfer, or of all together. */
#include "config.h"

#include "progress/rate.h"

#include <assert.h>

/* Over a shorter time, one packet more or less would change the speed by a lot. */
#define RATE_MEANINGFUL_NS UINT64_C(200000000)

static_assert((RATE_SLOTS - 1) * RATE_STEP_NS > RATE_WINDOW_NS, "the samples span a window");

static void rate_push(struct rate *rate, uint64_t now_ns, uint64_t bytes)
{
	rate->newest = (rate->newest + 1) % RATE_SLOTS;
	rate->sample[rate->newest].at_ns = now_ns;
	rate->sample[rate->newest].bytes = bytes;
	if (rate->count < RATE_SLOTS)
		rate->count++;
}

void rate_start(struct rate *rate, uint64_t now_ns, uint64_t bytes)
{
	rate->count = 0;
	rate->bytes = bytes;
	rate->moved_ns = now_ns;
	rate_push(rate, now_ns, bytes);
}

void rate_add(struct rate *rate, uint64_t now_ns, uint64_t bytes)
{
	if (rate->count == 0 || bytes < rate->bytes) {
		rate_start(rate, now_ns, bytes);
		return;
	}
	if (bytes > rate->bytes)
		rate->moved_ns = now_ns;
	rate->bytes = bytes;
	if (now_ns >= rate->sample[rate->newest].at_ns + RATE_STEP_NS)
		rate_push(rate, now_ns, bytes);
}

/*
 * The newest sample that is at least a window old, else the oldest one. With the oldest sample
 * inside the window, a transfer that reports once in ten seconds would have no base.
 */
static unsigned rate_base(const struct rate *rate, uint64_t now_ns)
{
	unsigned back;
	unsigned at = rate->newest;

	for (back = 0; back < rate->count; back++) {
		at = (rate->newest + RATE_SLOTS - back) % RATE_SLOTS;
		if (rate->sample[at].at_ns + RATE_WINDOW_NS <= now_ns)
			break;
	}
	return at;
}

uint64_t rate_bytes_per_s(const struct rate *rate, uint64_t now_ns)
{
	unsigned base;
	double seconds;
	double speed;

	if (rate->count == 0)
		return RATE_UNKNOWN;
	if (now_ns > rate->moved_ns && now_ns - rate->moved_ns >= RATE_WINDOW_NS)
		return 0;
	base = rate_base(rate, now_ns);
	if (now_ns < rate->sample[base].at_ns + RATE_MEANINGFUL_NS)
		return RATE_UNKNOWN;
	seconds = (double)(now_ns - rate->sample[base].at_ns) / 1e9;
	speed = (double)(rate->bytes - rate->sample[base].bytes) / seconds;
	return speed < 9e18 ? (uint64_t)speed : UINT64_C(9000000000000000000);
}
