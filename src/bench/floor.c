/* SPDX-License-Identifier: MIT */
/*
 * floor.c - see floor.h: the floor of each mechanism.
 *
 * Each floor makes the mechanism's own system calls, or touches the same cache lines, and does
 * nothing else: no check of the peer, no fairness, no accounting. So no library can be faster, and
 * the difference between a row and its floor is what the library costs.
 */
#include "config.h"

#include "bench/floor.h"

#include <string.h>

#include "common/language.h"

static const struct {
	const char *backend;
	const struct link_ops *ops;
} floors[] = {
	{ "pipe", &floor_pipe },     { "fifo", &floor_fifo },   { "signal", &floor_signal },
	{ "unix", &floor_unix },     { "tcp", &floor_tcp },     { "dgram", &floor_dgram },
	{ "stream", &floor_stream }, { "mq", &floor_mq },       { "sysv", &floor_sysv },
	{ "shm", &floor_ring },      { "memfd", &floor_ring },  { "mmap", &floor_ring },
	{ "futex", &floor_ring },    { "mutex", &floor_mutex }, { "vm", &floor_vm },
#ifdef HAVE_URING
	{ "uring", &floor_uring },
#endif
#ifdef HAVE_ZMQ
	{ "zmq", &floor_zmq },
#endif
};

static const struct link_ops *find(const char *backend)
{
	size_t i;

	for (i = 0; i < sizeof floors / sizeof floors[0]; i++)
		if (strcmp(floors[i].backend, backend) == 0)
			return floors[i].ops;
	return NULL;
}

const struct link_ops *floor_find(const struct axes *axes, const char **reason)
{
	const struct link_ops *ops = find(axes->backend);

	if (axes->senders > 1) {
		*reason =
			_("several senders have no floor: serving them in turn is the work itself");
		return NULL;
	}
	if (!ops)
		*reason = _("no floor is known for this mechanism");
	return ops;
}

enum ipc_strategy floor_wait(const struct axes *axes)
{
	const struct link_ops *ops = find(axes->backend);

	if (axes->wait != IPC_ADAPTIVE)
		return axes->wait;
	if ((ops && ops->own_threads) || axes->place.hub == axes->place.slot)
		return IPC_BLOCK;
	return IPC_SPIN;
}
