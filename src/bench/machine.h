/* SPDX-License-Identifier: MIT */
/*
 * machine.h - the machine on which a result was measured.
 */
#ifndef IPCDEMO_MACHINE_H
#define IPCDEMO_MACHINE_H

#include <stdint.h>

#include <jansson.h>

#include "bench/bench.h"
#include "bench/topology.h"

/* What is read before a run and compared with the same after it. */
struct machine_watch {
	double load1;
	uint64_t busy, steal, total; /* of /proc/stat, in its ticks */
	double used;                 /* seconds of CPU: this process and its children that ended */
	uint64_t throttled;          /* cgroup: periods in which the CPU quota stopped us */
};

/* Reads the clocks of now. */
void machine_watch(struct machine_watch *watch);

/*
 * Kernel, CPU, topology, clocks, mitigations, limits, load, build, and whether the run was quiet
 * ("quiet", and "warnings" about what disturbed it). A new reference, NULL: no memory.
 */
json_t *machine_record(const struct machine_watch *watch, const struct topology *topology,
		       const struct baselines *baselines);

#endif
