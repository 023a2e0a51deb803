/* SPDX-License-Identifier: MIT */
/*
 * rate.h - the current speed: over the last few seconds, not since the start.
 *
 * Pure: the time is an argument. A stalled transfer falls to 0 within one window.
 */
#ifndef IPCDEMO_RATE_H
#define IPCDEMO_RATE_H

#include <stdint.h>

#define RATE_UNKNOWN UINT64_MAX

/* Samples are at least this far apart; together they span more than one window. */
#define RATE_STEP_NS   UINT64_C(300000000)
#define RATE_WINDOW_NS UINT64_C(4000000000)
#define RATE_SLOTS     16

struct rate {
	struct {
		uint64_t at_ns;
		uint64_t bytes;
	} sample[RATE_SLOTS];
	unsigned newest; /* index into sample */
	unsigned count;
	uint64_t moved_ns; /* when bytes last grew */
	uint64_t bytes;
};

/* Forgets all earlier samples: a new transfer, or one that begins again. */
void rate_start(struct rate *rate, uint64_t now_ns, uint64_t bytes);

/* BYTES is the total so far. If it is smaller than before, the transfer began again. */
void rate_add(struct rate *rate, uint64_t now_ns, uint64_t bytes);

/* RATE_UNKNOWN until enough time has passed for the figure to mean something. */
uint64_t rate_bytes_per_s(const struct rate *rate, uint64_t now_ns);

#endif
