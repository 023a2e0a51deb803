/* SPDX-License-Identifier: MIT */
/*
 * slowed.c - ipcdemo with one mechanism made slower, for a check that `compare` finds it: linked
 * with --wrap=ipc_send. SLOW_IPC names the mechanism, SLOW_NS is what each send takes longer.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "ipc/ipc.h"

ssize_t __real_ipc_send(struct ipc *session, unsigned slot, const void *records, size_t n,
			unsigned flags);
ssize_t __wrap_ipc_send(struct ipc *session, unsigned slot, const void *records, size_t n,
			unsigned flags);

ssize_t __wrap_ipc_send(struct ipc *session, unsigned slot, const void *records, size_t n,
			unsigned flags)
{
	static uint64_t slow_ns;
	static const char *name;
	uint64_t end;

	if (!name) {
		name = getenv("SLOW_IPC");
		name = name ? name : "";
		slow_ns = getenv("SLOW_NS") ? strtoull(getenv("SLOW_NS"), NULL, 10) : 0;
	}
	if (strcmp(ipc_session_info(session)->name, name) == 0)
		for (end = clock_ns() + slow_ns; clock_ns() < end;)
			;
	return __real_ipc_send(session, slot, records, n, flags);
}
