/* SPDX-License-Identifier: MIT */
/* probe.h - for the unit tests of one mechanism: can it be used on this machine? */
#ifndef IPCDEMO_TESTS_PROBE_H
#define IPCDEMO_TESTS_PROBE_H

#include <stdbool.h>
#include <stdio.h>

#include "ipc/ipc.h"

#define EXIT_SKIP 77

/* False: says why not. The test then exits with EXIT_SKIP. */
static inline bool probe(const char *name)
{
	char reason[128];

	if (ipc_probe(name, reason, sizeof reason) == 0)
		return true;
	(void)printf("skip - %s: %s\n", name, reason);
	return false;
}

#endif
