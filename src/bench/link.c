/* SPDX-License-Identifier: MIT */
/* link.c - see link.h: what all links use. */
#include "config.h"

#include "bench/link.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define CACHE_LINE_WARM 100u    /* not measured: the other side may come late */
#define SPIN_NS         100000u /* link_pace sleeps until so long before the moment, then spins */

int link_pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((unsigned)cpu, &set);
	return sched_setaffinity(0, sizeof set, &set) < 0 ? -errno : 0;
}

static uint64_t timespec_ns(const struct timespec *t)
{
	return (uint64_t)t->tv_sec * NS_PER_S + (uint64_t)t->tv_nsec;
}

void link_usage(const struct link *l, struct usage *used)
{
	struct timespec cpu;
	struct rusage usage;

	/*
	 * Neither can fail for these arguments. RUSAGE_SELF: libzmq's threads are part of the
	 * price.
	 */
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
	(void)getrusage(RUSAGE_SELF, &usage);
	used->cpu_ns = timespec_ns(&cpu) > l->paced_ns ? timespec_ns(&cpu) - l->paced_ns : 0;
	used->ctxsw = (uint64_t)usage.ru_nvcsw + (uint64_t)usage.ru_nivcsw;
	used->faults = (uint64_t)usage.ru_minflt + (uint64_t)usage.ru_majflt;
	used->syscalls = l->ops->syscalls(l);
}

void link_usage_since(const struct link *l, struct usage *used, uint64_t records)
{
	struct usage now;

	link_usage(l, &now);
	used->records = records;
	/* While other programs ran, the spin took more time than CPU: clamped to 0. */
	used->cpu_ns = now.cpu_ns > used->cpu_ns ? now.cpu_ns - used->cpu_ns : 0;
	used->ctxsw = now.ctxsw - used->ctxsw;
	used->faults = now.faults - used->faults;
	used->syscalls = now.syscalls == UINT64_MAX ? UINT64_MAX : now.syscalls - used->syscalls;
}

uint64_t link_pace(struct link *l, uint64_t due)
{
	bool same = l->axes->place.hub == l->axes->place.slot;
	uint64_t now = stamp_now(l->clock), spin;
	double left_ns = now < due ? stamp_to_ns(l->clock, due - now) : 0;

	/* On one CPU a spin would keep the receiver from running. */
	if (left_ns > 0 && (same || left_ns > SPIN_NS)) {
		uint64_t wake = clock_ns() + (uint64_t)left_ns - (same ? 0 : SPIN_NS);
		struct timespec at = { .tv_sec = (time_t)(wake / NS_PER_S),
				       .tv_nsec = (long)(wake % NS_PER_S) };

		while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR)
			;
	}
	spin = stamp_now(l->clock);
	while ((now = stamp_now(l->clock)) < due)
		;
	l->paced_ns += (uint64_t)stamp_to_ns(l->clock, now - spin);
	return now;
}

double link_cache_line(struct area *area, const struct stamp_clock *clock, bool lead, unsigned n)
{
	_Atomic uint64_t *mine = &area->cache_line.word[lead ? 0 : 1];
	_Atomic uint64_t *theirs = &area->cache_line.word[lead ? 1 : 0];
	uint64_t start = 0, i;

	for (i = 1; i <= n + CACHE_LINE_WARM; i++) {
		if (i == CACHE_LINE_WARM + 1)
			start = stamp_now(clock);
		if (lead)
			atomic_store_explicit(mine, i, memory_order_release);
		while (atomic_load_explicit(theirs, memory_order_acquire) != i)
			link_pause();
		if (!lead)
			atomic_store_explicit(mine, i, memory_order_release);
	}
	return (double)(stamp_now(clock) - start) / n;
}
