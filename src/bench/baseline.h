/* SPDX-License-Identifier: MIT */
/*
 * baseline.h - costs of the machine itself: an empty call, a copy, the clocks, a cache line.
 */
#ifndef IPCDEMO_BASELINE_H
#define IPCDEMO_BASELINE_H

#include "bench/link.h"

/* One round of the baselines, into the area of JOB (a struct link_job). An exit status. */
int baseline_main(void *job);

/* The bare cache line's round trip between two CPUs: the median over rounds, in ns, or NAN. */
double baseline_cache_line_ns(const struct baselines *baselines);

#endif
