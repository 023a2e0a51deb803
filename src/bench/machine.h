/* SPDX-License-Identifier: MIT */
/*
 * machine.h - the machine that a result was taken on. A figure without it means nothing.
 */
#ifndef IPCDEMO_ENV_H
#define IPCDEMO_ENV_H

#include <stdint.h>

#include <jansson.h>

#include "bench/bench.h"
#include "bench/topology.h"

/* What is compared between the begin and the end of a run. */
struct env_watch {
	double load1;
	uint64_t steal, total; /* of /proc/stat, in its ticks */
	uint64_t throttled;    /* cgroup: periods in which we were stopped */
};

void env_begin(struct env_watch *watch);

/*
 * Kernel, CPU, topology, clocks, mitigations, limits, load, build, and how quiet it was ("quiet",
 * with "warnings" that say what disturbed). A new reference, NULL: no memory.
 */
json_t *env_record(const struct env_watch *watch, const struct topo *topo,
		   const struct bench_base *base);

#endif
