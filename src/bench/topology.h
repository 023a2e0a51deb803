/* SPDX-License-Identifier: MIT */
/*
 * topology.h - the CPUs that this process may use, and what two of them share, as hwloc reports it.
 *
 * The host of a virtual machine may not keep to the topology that the kernel shows; the cache
 * line's round trip in a result shows whether it does.
 */
#ifndef IPCDEMO_TOPOLOGY_H
#define IPCDEMO_TOPOLOGY_H

#include <stddef.h>

#include <jansson.h>

struct topology;

/* NULL when hwloc finds no CPU that we may use, or memory is short. */
struct topology *topology_open(void);
void topology_close(struct topology *topology);

/* CPU numbers that this process may use, in hwloc's order: siblings are neighbours. */
size_t topology_cpus(const struct topology *topology, const int **cpus);

/* The nearest thing that CPUs A and B share: "cpu", "core", "l2", "l3", "package" or "machine". */
const char *topology_nearest(const struct topology *topology, int a, int b);

/*
 * The first pair of CPUs for placement NAME: "same", "cross" (two cores), "smt" (one core), "l3"
 * (two cores, one L3 cache), "socket" (two packages). 0; -ENOENT with the REASON: this machine has
 * none; -EINVAL: no such placement.
 */
int topology_pair(const struct topology *topology, const char *name, int pair[2],
		  const char **reason);
/* Names of the placements, NULL at the end; "all" is not among them. */
extern const char *const topology_placements[];

/* Packages, cores, CPUs, caches, NUMA nodes. A new reference. */
json_t *topology_record(const struct topology *topology);

#endif
