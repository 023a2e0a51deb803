/* SPDX-License-Identifier: MIT */
/*
 * clock.h - the one clock for decisions: CLOCK_MONOTONIC, in nanoseconds. A step of the
 * wall clock must not stall or fail a job.
 */
#ifndef IPCDEMO_CLOCK_H
#define IPCDEMO_CLOCK_H

#include <stdint.h>
#include <time.h>

#define NS_PER_S  1000000000ull
#define NS_PER_MS 1000000ull

static inline uint64_t clock_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail: a valid clock and pointer */
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

#endif
