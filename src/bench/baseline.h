/* SPDX-License-Identifier: MIT */
/*
 * baseline.h - costs that are no mechanism's: an empty call, a copy, the clocks, the cache line.
 */
#ifndef IPCDEMO_BASELINE_H
#define IPCDEMO_BASELINE_H

#include "bench/link.h"

/* One round of the baselines, into the area of JOB (a struct link_job). An exit status. */
int baseline_main(void *job);

/* The bare cache line's round trip between two CPUs: the median over rounds, in ns, or NAN. */
double baseline_cache_line_ns(const struct baselines *baselines);

#endif
