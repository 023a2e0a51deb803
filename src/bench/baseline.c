/* SPDX-License-Identifier: MIT */
/*
 * baseline.c - see baseline.h
 *
 * Each round measures them, to tell a slow mechanism from a moment at which the machine was slow. A
 * spin that looks for gaps in its own time shows how much of the CPU other programs took.
 */
#include "config.h"

#include "bench/baseline.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/spawn.h"

#define CALLS            2000u
#define CACHE_LINE_TRIPS 5000u
#define LOOK_NS          (5 * NS_PER_MS)
#define GAP_NS           5000 /* a longer gap between two stamps: another program ran */

/* Empty, and kept so: the loop must really call it. */
static __attribute__((noinline)) void nothing(void)
{
	__asm__ volatile("" ::: "memory");
}

static __attribute__((noinline)) void copy(void *to, const void *from, size_t n)
{
	memcpy(to, from, n);
	__asm__ volatile("" ::: "memory");
}

static double per_call(const struct stamp_clock *clock, uint64_t start)
{
	return stamp_to_ns(clock, stamp_now(clock) - start) / CALLS;
}

static void measure_calls(struct area *area, const struct stamp_clock *clock, size_t size)
{
	char *buf = calloc(2, size);
	uint64_t start = stamp_now(clock);
	unsigned i;

	for (i = 0; i < CALLS; i++)
		nothing();
	area->baseline.call = per_call(clock, start);
	for (i = 0, start = stamp_now(clock); i < CALLS && buf; i++)
		copy(buf, buf + size, size);
	area->baseline.copy = per_call(clock, start);
	for (i = 0, start = stamp_now(clock); i < CALLS; i++)
		(void)syscall(SYS_getpid);
	area->baseline.getpid = per_call(clock, start);
	for (i = 0, start = stamp_now(clock); i < CALLS; i++)
		(void)clock_ns();
	area->baseline.clock = per_call(clock, start);
	for (i = 0, start = stamp_now(clock); i < CALLS; i++) {
		(void)stamp_now(clock);
		__asm__ volatile("" ::: "memory");
	}
	area->baseline.stamp = per_call(clock, start);
	free(buf);
}

static void measure_lost(struct area *area, const struct stamp_clock *clock)
{
	uint64_t start = stamp_now(clock), last = start, lost = 0;
	uint64_t end = start + stamp_from_ns(clock, LOOK_NS), gap = stamp_from_ns(clock, GAP_NS);

	while (last < end) {
		uint64_t now = stamp_now(clock);

		if (now - last > gap)
			lost += now - last;
		last = now;
	}
	area->baseline.lost = (double)lost / (double)(last - start);
}

static int cache_line_main(void *arg)
{
	const struct link_job *job = arg;

	if (link_pin(job->axes->place.slot) < 0)
		return 1;
	(void)link_cache_line(job->area, &job->bench->clock, false, CACHE_LINE_TRIPS);
	return 0;
}

static void measure_cache_line(const struct link_job *job)
{
	const struct stamp_clock *clock = &job->bench->clock;
	struct child other = CHILD_NONE;
	int status;

	job->area->baseline.cache_line = NAN;
	if (job->axes->place.hub == job->axes->place.slot ||
	    spawn(&other, "bench-baseline", cache_line_main, (void *)(uintptr_t)job) < 0)
		return;
	job->area->baseline.cache_line =
		stamp_to_ns(clock, 1) * link_cache_line(job->area, clock, true, CACHE_LINE_TRIPS);
	(void)child_reap(&other, true, &status);
}

int baseline_main(void *arg)
{
	const struct link_job *job = arg;
	const struct stamp_clock *clock = &job->bench->clock;

	if (link_pin(job->axes->place.hub) < 0)
		return 1;
	measure_calls(job->area, clock, job->axes->size);
	measure_lost(job->area, clock);
	measure_cache_line(job);
	return 0;
}

double baseline_cache_line_ns(const struct baselines *baselines)
{
	return STATS_MEDIAN(baselines->round, baselines->rounds, cache_line, NULL);
}
