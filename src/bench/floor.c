/* SPDX-License-Identifier: MIT */
/*
 * floor.c - which bare code is the floor of which row.
 *
 * Each floor makes the mechanism's own system calls, or touches the same cache lines, and does
 * nothing else: no check of the peer, no fairness, no accounting. No library can be below it; what
 * a row costs more is what the library adds.
 */
#include "config.h"

#include "bench/link.h"

#include <string.h>

static const struct {
	const char *backend;
	const struct link_ops *ops;
} floors[] = {
	{ "pipe", &floor_pipe }, { "unix", &floor_unix },  { "signal", &floor_signal },
	{ "shm", &floor_ring },  { "memfd", &floor_ring },
#ifdef HAVE_ZMQ
	{ "zmq", &floor_zmq },
#endif
};

const struct link_ops *floor_find(const struct bench_axes *axes, const char **reason)
{
	size_t i;

	if (axes->senders > 1) {
		*reason = "several senders have no floor: to serve them in turn is itself the work";
		return NULL;
	}
	for (i = 0; i < sizeof floors / sizeof floors[0]; i++)
		if (strcmp(floors[i].backend, axes->backend) == 0)
			return floors[i].ops;
	*reason = "no floor is known for this mechanism";
	return NULL;
}
