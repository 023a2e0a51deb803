/* SPDX-License-Identifier: MIT */
/*
 * link_ipc.c - the link that is measured: two sessions of libipc, one each way.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "bench/loop.h"

struct ipc_link {
	struct ipc *down, *up; /* hub to slots, slots to hub */
	struct ipc *out, *in;  /* the same two, as this process uses them */
};

static int ipc_link_open(struct link *l)
{
	struct ipc_link *state = calloc(1, sizeof *state);
	struct ipc_config config = {
		.direction = IPC_FROM_HUB,
		.record_size = l->axes->size,
		.slots = l->axes->senders,
		.depth = l->axes->depth,
		.runtime_dir = l->dir,
	};
	int rc;

	if (!state)
		return -ENOMEM;
	l->state = state;
	rc = ipc_open(&state->down, l->axes->backend, &config);
	if (rc < 0)
		return rc;
	config.direction = IPC_TO_HUB;
	rc = ipc_open(&state->up, l->axes->backend, &config);
	if (rc < 0)
		return rc;
	ipc_set_strategy(state->down, l->wait);
	ipc_set_strategy(state->up, l->wait);
	return 0;
}

static int ipc_link_arm(struct link *l, unsigned slot)
{
	struct ipc_link *state = l->state;
	int rc = ipc_arm(state->down, slot);

	return rc < 0 ? rc : ipc_arm(state->up, slot);
}

static int ipc_link_attach(struct link *l, unsigned slot, enum ipc_role role,
			   const struct ipc_peer *peer)
{
	struct ipc_link *state = l->state;
	int rc = ipc_attach(state->down, slot, role, peer);

	state->out = role == IPC_HUB ? state->down : state->up;
	state->in = role == IPC_HUB ? state->up : state->down;
	return rc < 0 ? rc : ipc_attach(state->up, slot, role, peer);
}

static inline int ipc_link_send(struct link *l, unsigned slot, size_t n)
{
	struct ipc_link *state = l->state;
	ssize_t rc;

	if (n > 1)
		return ipc_send_all(state->out, slot, l->records, n);
	rc = ipc_send(state->out, slot, l->records, 1, 0);
	return rc < 0 ? (int)rc : 0;
}

static inline ssize_t ipc_link_recv(struct link *l, unsigned *slot, size_t cap)
{
	struct ipc_link *state = l->state;

	return ipc_recv(state->in, slot, l->records, cap, 0);
}

LINK_LOOPS(ipc_link)

static uint64_t ipc_link_syscalls(const struct link *l)
{
	const struct ipc_link *state = l->state;
	uint64_t down = ipc_syscalls(state->down), up = ipc_syscalls(state->up);

	return down == UINT64_MAX || up == UINT64_MAX ? UINT64_MAX : down + up;
}

static void ipc_link_close(struct link *l)
{
	struct ipc_link *state = l->state;

	if (!state)
		return;
	ipc_close(state->down);
	ipc_close(state->up);
	free(state);
}

const struct link_ops link_ipc = {
	.open = ipc_link_open,
	.arm = ipc_link_arm,
	.attach = ipc_link_attach,
	.hub = ipc_link_hub,
	.slot = ipc_link_slot,
	.syscalls = ipc_link_syscalls,
	.close = ipc_link_close,
};
