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

#define TRIALS 1000u

static uint64_t delay_ns;

static void delay(void)
{
	uint64_t end = clock_ns() + delay_ns;

	while (clock_ns() < end)
		;
}

/* Sets the delay to WANTED_NS less what looking at the clock takes by itself. */
static void calibrate(uint64_t wanted_ns)
{
	uint64_t start = clock_ns(), own_ns;
	unsigned i;

	for (i = 0; i < TRIALS; i++)
		delay();
	own_ns = (clock_ns() - start) / TRIALS;
	delay_ns = wanted_ns > own_ns ? wanted_ns - own_ns : 0;
}

ssize_t __wrap_ipc_send(struct ipc *session, unsigned slot, const void *records, size_t n,
			unsigned flags)
{
	static const char *slow;

	if (!slow) {
		slow = getenv("SLOW_IPC") ? getenv("SLOW_IPC") : "";
		calibrate(getenv("SLOW_NS") ? strtoull(getenv("SLOW_NS"), NULL, 10) : 0);
	}
	if (strcmp(ipc_session_info(session)->name, slow) == 0)
		delay();
	return __real_ipc_send(session, slot, records, n, flags);
}
