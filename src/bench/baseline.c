/* SPDX-License-Identifier: MIT */
/*
 * baseline.c - the baselines: what everything costs that is no mechanism.
 *
 * An empty call, a copy of one record, the cheapest system call, the clocks, and the bare cache
 * line between the two CPUs. They are taken anew in each round: they tell a slow mechanism from a
 * slow moment of the machine. A spin that looks for gaps says how much of the CPU others took.
 */
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench/link.h"
#include "bench/write/write.h"
#include "common/spawn.h"
#include "bench/stats.h"

#define CALLS      2000u
#define LINE_TRIPS 5000u
#define LOOK_NS    (5 * NS_PER_MS)
#define GAP_NS     5000 /* what is longer between two stamps was somebody else's */

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

static double per_call(const struct tick_clock *clock, uint64_t start)
{
	return tick_to_ns(clock, tick_now(clock) - start) / CALLS;
}

static void measure_calls(struct bench_area *area, const struct tick_clock *clock, size_t size)
{
	char *buf = calloc(2, size);
	uint64_t start = tick_now(clock);
	unsigned i;

	for (i = 0; i < CALLS; i++)
		nothing();
	area->base.call = per_call(clock, start);
	for (i = 0, start = tick_now(clock); i < CALLS && buf; i++)
		copy(buf, buf + size, size);
	area->base.copy = per_call(clock, start);
	for (i = 0, start = tick_now(clock); i < CALLS; i++)
		(void)syscall(SYS_getpid);
	area->base.getpid = per_call(clock, start);
	for (i = 0, start = tick_now(clock); i < CALLS; i++)
		(void)clock_ns();
	area->base.clock = per_call(clock, start);
	for (i = 0, start = tick_now(clock); i < CALLS; i++) {
		(void)tick_now(clock);
		__asm__ volatile("" ::: "memory");
	}
	area->base.stamp = per_call(clock, start);
	free(buf);
}

static void measure_lost(struct bench_area *area, const struct tick_clock *clock)
{
	uint64_t start = tick_now(clock), last = start, lost = 0;
	uint64_t end = start + tick_from_ns(clock, LOOK_NS), gap = tick_from_ns(clock, GAP_NS);

	while (last < end) {
		uint64_t now = tick_now(clock);

		if (now - last > gap)
			lost += now - last;
		last = now;
	}
	area->base.lost = (double)lost / (double)(last - start);
}

static int line_main(void *arg)
{
	const struct bench_job *job = arg;

	if (link_pin(job->axes->place.slot) < 0)
		return 1;
	(void)link_line(job->area, &job->bench->clock, false, LINE_TRIPS);
	return 0;
}

static void measure_line(const struct bench_job *job)
{
	const struct tick_clock *clock = &job->bench->clock;
	struct child other = CHILD_NONE;
	int status;

	job->area->base.line = NAN;
	if (job->axes->place.hub == job->axes->place.slot ||
	    spawn(&other, "bench-line", line_main, (void *)(uintptr_t)job) < 0)
		return;
	job->area->base.line = tick_to_ns(clock, 1) * link_line(job->area, clock, true, LINE_TRIPS);
	(void)child_reap(&other, true, &status);
}

int bench_base_main(void *arg)
{
	const struct bench_job *job = arg;
	const struct tick_clock *clock = &job->bench->clock;

	if (link_pin(job->axes->place.hub) < 0)
		return 1;
	measure_calls(job->area, clock, job->axes->size);
	measure_lost(job->area, clock);
	measure_line(job);
	return 0;
}

void bench_base_absorb(struct bench *bench, const struct bench_area *area)
{
	struct bench_base *base = &bench->base;
	unsigned i = base->rounds++;

	base->call[i] = area->base.call;
	base->copy[i] = area->base.copy;
	base->getpid[i] = area->base.getpid;
	base->clock[i] = area->base.clock;
	base->stamp[i] = area->base.stamp;
	base->line[i] = area->base.line;
	base->lost[i] = area->base.lost;
}

double bench_line_ns(const struct bench *bench)
{
	double *sorted = calloc(bench->base.rounds + 1, sizeof *sorted);
	double median = NAN;
	size_t n = 0;
	unsigned i;

	for (i = 0; sorted && i < bench->base.rounds; i++)
		if (isfinite(bench->base.line[i]))
			sorted[n++] = bench->base.line[i];
	if (n > 0) {
		stats_sort(sorted, n);
		median = stats_median(sorted, n);
	}
	free(sorted);
	return median;
}
