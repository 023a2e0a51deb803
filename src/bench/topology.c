/* SPDX-License-Identifier: MIT */
/* topology.c - see topology.h */
#include "config.h"

#include "bench/topology.h"

#include <errno.h>
#include <hwloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/language.h"

struct topology {
	hwloc_topology_t hwloc;
	int *cpus;
	size_t cpus_n;
};

const char *const topology_placements[] = { "same", "cross", "smt", "l3", "socket", NULL };

static int list_cpus(struct topology *topology)
{
	int n = hwloc_get_nbobjs_by_type(topology->hwloc, HWLOC_OBJ_PU);
	hwloc_cpuset_t ours = hwloc_bitmap_alloc();
	hwloc_obj_t pu = NULL;

	topology->cpus = calloc(n > 0 ? (size_t)n : 1, sizeof *topology->cpus);
	if (!ours || !topology->cpus)
		return -ENOMEM;
	/* taskset or a cpuset may leave us fewer CPUs than hwloc shows. */
	if (hwloc_get_cpubind(topology->hwloc, ours, HWLOC_CPUBIND_PROCESS) < 0)
		hwloc_bitmap_fill(ours);
	while ((pu = hwloc_get_next_obj_by_type(topology->hwloc, HWLOC_OBJ_PU, pu)))
		if (hwloc_bitmap_isset(ours, pu->os_index))
			topology->cpus[topology->cpus_n++] = (int)pu->os_index;
	hwloc_bitmap_free(ours);
	return topology->cpus_n > 0 ? 0 : -ENOENT;
}

struct topology *topology_open(void)
{
	struct topology *topology = calloc(1, sizeof *topology);

	if (!topology)
		return NULL;
	if (hwloc_topology_init(&topology->hwloc) < 0) {
		free(topology);
		return NULL;
	}
	if (hwloc_topology_load(topology->hwloc) < 0 || list_cpus(topology) < 0) {
		topology_close(topology);
		return NULL;
	}
	return topology;
}

void topology_close(struct topology *topology)
{
	if (!topology)
		return;
	hwloc_topology_destroy(topology->hwloc);
	free(topology->cpus);
	free(topology);
}

size_t topology_cpus(const struct topology *topology, const int **cpus)
{
	*cpus = topology->cpus;
	return topology->cpus_n;
}

const char *topology_nearest(const struct topology *topology, int a, int b)
{
	hwloc_obj_t at = hwloc_get_pu_obj_by_os_index(topology->hwloc, (unsigned)a);
	hwloc_obj_t other = hwloc_get_pu_obj_by_os_index(topology->hwloc, (unsigned)b);

	if (a == b)
		return "cpu";
	if (at && other)
		at = hwloc_get_common_ancestor_obj(topology->hwloc, at, other);
	/* The ancestor may be a group or a die, which has no name here: go up to one that has. */
	for (; at; at = at->parent) {
		if (at->type == HWLOC_OBJ_CORE)
			return "core";
		if (at->type == HWLOC_OBJ_L2CACHE)
			return "l2";
		if (at->type == HWLOC_OBJ_L3CACHE)
			return "l3";
		if (at->type == HWLOC_OBJ_PACKAGE)
			return "package";
	}
	return "machine";
}

static bool fits(const char *name, const char *nearest)
{
	bool smt = strcmp(nearest, "core") == 0;

	if (strcmp(name, "smt") == 0)
		return smt;
	if (strcmp(name, "l3") == 0)
		return strcmp(nearest, "l3") == 0 || strcmp(nearest, "l2") == 0;
	if (strcmp(name, "socket") == 0)
		return strcmp(nearest, "machine") == 0;
	return !smt; /* cross */
}

static const char *why_not(const struct topology *topology, const char *name)
{
	if (topology->cpus_n < 2)
		return _("only one CPU may be used");
	if (strcmp(name, "smt") == 0)
		return _("no two of the CPUs that may be used share a core");
	if (strcmp(name, "l3") == 0)
		return _("no two cores that may be used share an L3 cache");
	if (strcmp(name, "socket") == 0)
		return _("the CPUs that may be used are all in one package");
	return _("all CPUs that may be used share one core");
}

int topology_pair(const struct topology *topology, const char *name, int pair[2],
		  const char **reason)
{
	size_t i, a, b;

	*reason = _("no such placement");
	for (i = 0; topology_placements[i] && strcmp(topology_placements[i], name) != 0; i++)
		;
	if (!topology_placements[i])
		return -EINVAL;
	pair[0] = pair[1] = topology->cpus[0];
	if (strcmp(name, "same") == 0)
		return 0;
	for (a = 0; a < topology->cpus_n; a++)
		for (b = a + 1; b < topology->cpus_n; b++) {
			if (!fits(name,
				  topology_nearest(topology, topology->cpus[a], topology->cpus[b])))
				continue;
			pair[0] = topology->cpus[a];
			pair[1] = topology->cpus[b];
			return 0;
		}
	*reason = why_not(topology, name);
	return -ENOENT;
}

static void record_caches(const struct topology *topology, json_t *record)
{
	json_t *caches = json_array();
	int depth;

	for (depth = 0; depth < hwloc_topology_get_depth(topology->hwloc); depth++) {
		hwloc_obj_t cache = hwloc_get_obj_by_depth(topology->hwloc, depth, 0);

		if (!cache || !hwloc_obj_type_is_cache(cache->type))
			continue;
		json_array_append_new(
			caches,
			json_pack("{s:i, s:s, s:I, s:i, s:i}", "level",
				  (int)cache->attr->cache.depth, "type",
				  cache->attr->cache.type == HWLOC_OBJ_CACHE_INSTRUCTION ?
					  "instruction" :
				  cache->attr->cache.type == HWLOC_OBJ_CACHE_DATA ? "data" :
										    "unified",
				  "bytes", (json_int_t)cache->attr->cache.size, "line_bytes",
				  (int)cache->attr->cache.linesize, "count",
				  (int)hwloc_get_nbobjs_by_depth(topology->hwloc, depth)));
	}
	json_object_set_new(record, "caches", caches);
}

json_t *topology_record(const struct topology *topology)
{
	json_t *record = json_object(), *cpus = json_array();
	static const struct {
		const char *key;
		hwloc_obj_type_t type;
	} counts[] = {
		{ "packages", HWLOC_OBJ_PACKAGE },
		{ "numa_nodes", HWLOC_OBJ_NUMANODE },
		{ "cores", HWLOC_OBJ_CORE },
		{ "cpus", HWLOC_OBJ_PU },
	};
	size_t i;

	for (i = 0; i < sizeof counts / sizeof counts[0]; i++)
		json_object_set_new(
			record, counts[i].key,
			json_integer(hwloc_get_nbobjs_by_type(topology->hwloc, counts[i].type)));
	for (i = 0; i < topology->cpus_n; i++)
		json_array_append_new(cpus, json_integer(topology->cpus[i]));
	json_object_set_new(record, "cpus_allowed", cpus);
	record_caches(topology, record);
	return record;
}
