/* SPDX-License-Identifier: MIT */
/*
 * meter.h - what the IPC of a run costs: the CPU time of the calls into libipc, in one process.
 *
 * The clock is that of the thread, so that neither waiting nor being preempted counts. Reading it
 * is a system call, about as dear as what it measures: after the first calls only one in METER_STEP
 * is measured and stands for all of them. Waiting in poll(2) belongs to the event loop and is not
 * measured.
 */
#ifndef IPCDEMO_METER_H
#define IPCDEMO_METER_H

#include <stdint.h>
#include <time.h>

#include "common/clock.h"

#define METER_EACH 32u /* so many calls are all measured */
#define METER_STEP 32u

struct meter {
	uint64_t calls;
	uint64_t cpu_ns;   /* of all calls so far; an estimate after METER_EACH */
	uint64_t begun_ns; /* of the call under way */
	unsigned weight;   /* how many calls it stands for; 0: it is not measured */
};

static inline uint64_t meter_cpu_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now); /* cannot fail for this clock */
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* Right before and right after a call into libipc. */
static inline void meter_begin(struct meter *meter)
{
	const uint64_t call = meter->calls++;

	meter->weight = call < METER_EACH ? 1 : call % METER_STEP == 0 ? METER_STEP : 0;
	if (meter->weight)
		meter->begun_ns = meter_cpu_ns();
}

static inline void meter_end(struct meter *meter)
{
	if (meter->weight)
		meter->cpu_ns += meter->weight * (meter_cpu_ns() - meter->begun_ns);
}

#endif
