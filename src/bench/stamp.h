/* SPDX-License-Identifier: MIT */
/*
 * stamp.h - time stamps of samples.
 *
 * A round trip over shared memory takes about 100 ns, and clock_gettime(2) a quarter of that. So a
 * stamp is the CPU's own counter where the kernel trusts that counter for its own clock (it then
 * runs at one rate and is the same on all CPUs), else CLOCK_MONOTONIC. Every result says which one
 * was used, its cost and its resolution.
 */
#ifndef IPCDEMO_STAMP_H
#define IPCDEMO_STAMP_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "common/clock.h"

struct stamp_clock {
	bool counter;     /* the CPU's counter; else a tick is a nanosecond */
	const char *name; /* "tsc", "cntvct" or "CLOCK_MONOTONIC" */
	double ns_per_tick;
	double cost_ns;       /* of taking one stamp */
	double resolution_ns; /* the median step seen */
	uint64_t tick0;       /* a moment in ticks, */
	uint64_t ns0;         /* and the same moment in CLOCK_MONOTONIC */
};

/* Chooses and calibrates: takes about 50 ms, once, before any other process is started. */
void stamp_init(struct stamp_clock *clock);

/*
 * The time now. The instruction is not serialising: those cost twice as much, and a stamp follows a
 * branch that depends on the awaited record, so it cannot be taken before the record is there.
 */
static inline uint64_t stamp_now(const struct stamp_clock *clock)
{
#if defined(__x86_64__) || defined(__i386__)
	if (clock->counter)
		return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
	if (clock->counter) {
		uint64_t ticks;

		__asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks)::"memory");
		return ticks;
	}
#endif
	(void)clock;
	return clock_ns();
}

static inline double stamp_to_ns(const struct stamp_clock *clock, uint64_t ticks)
{
	return (double)ticks * clock->ns_per_tick;
}

static inline uint64_t stamp_from_ns(const struct stamp_clock *clock, double ns)
{
	return (uint64_t)(ns / clock->ns_per_tick);
}

#endif
