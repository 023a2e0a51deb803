/* SPDX-License-Identifier: MIT */
/*
 * waiting.h - how a call without IPC_NOWAIT waits: written once, for all mechanisms.
 *
 * A mechanism can try (IPC_NOWAIT), block in its own call if it has one, and offer a descriptor to
 * sleep on. The session's strategy (enum ipc_strategy) decides which of these a call does, in which
 * order and for how long. This file carries it out.
 */
#ifndef IPC_WAITING_H
#define IPC_WAITING_H

#include "ipc/core/backend.h"

/* What IPC_ADAPTIVE knows about this session so far. */
struct patience {
	uint64_t budget_ns; /* how long to try before sleeping; 0: not at all */
	unsigned skip;      /* calls left until the next probe when the budget is 0 */
	unsigned backoff;   /* calls between probes, doubles with each failed one */
	unsigned trust;     /* successes in a row without a context switch */
	unsigned calls;     /* for taking samples */
};

/* Of one session. */
struct waiting {
	enum ipc_strategy strategy;
	bool direct;           /* the first try is one call of the mechanism, with ... */
	unsigned direct_flags; /* ... these flags */
	struct patience patience;
	struct ipc_peer peer; /* the only peer, if there is one; pidfd -1: none to watch */
};

void waiting_init(struct waiting *w, const struct ipc_backend *backend);
void waiting_set_strategy(struct waiting *w, const struct ipc_backend *backend,
			  enum ipc_strategy strategy);

/* The rest of a call whose direct step had no result. Return as ipc_send and ipc_recv. */
ssize_t waiting_send(struct ipc *s, struct waiting *w, unsigned slot, const void *records,
		     size_t n);
ssize_t waiting_recv(struct ipc *s, struct waiting *w, unsigned *slot, void *records, size_t cap);

/* Sleeps once, at most TIMEOUT_NS (-1: for ever). 1: try again, 0: timeout, or -errno. */
int waiting_sleep(struct ipc *s, const struct waiting *w, int64_t timeout_ns);

#endif
