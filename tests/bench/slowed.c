/* SPDX-License-Identifier: MIT */
/*
 * slowed.c - ipcdemo with one mechanism made slower, for a check that `compare` finds it: linked
 * with --wrap=ipc_send. SLOW_IPC names the mechanism, SLOW_NS is what each send takes longer.
 *
 * The delay is arithmetic, so it looks at no clock, and a CPU that slows down stretches it as it
 * stretches the mechanism.
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

#define TRIALS 200u
#define STEPS  10000u

static const char *slow = "";
static uint64_t delay_steps;

/* Each step needs the one before, so the CPU cannot do them at once. */
static void delay(uint64_t steps)
{
	uint64_t value = steps;

	while (steps-- > 0) {
		value *= 3;
		__asm__ volatile("" : "+r"(value));
	}
}

/* In the first process, whose copies all others are. The best trial: no other program was in it. */
static __attribute__((constructor)) void calibrate(void)
{
	const char *ns = getenv("SLOW_NS");
	uint64_t best = UINT64_MAX;
	unsigned i;

	for (i = 0; i < TRIALS; i++) {
		uint64_t start = clock_ns(), took;

		delay(STEPS);
		took = clock_ns() - start;
		best = took < best ? took : best;
	}
	if (getenv("SLOW_IPC"))
		slow = getenv("SLOW_IPC");
	if (ns)
		delay_steps = strtoull(ns, NULL, 10) * STEPS / best;
}

ssize_t __wrap_ipc_send(struct ipc *session, unsigned slot, const void *records, size_t n,
			unsigned flags)
{
	if (strcmp(ipc_session_info(session)->name, slow) == 0)
		delay(delay_steps);
	return __real_ipc_send(session, slot, records, n, flags);
}
