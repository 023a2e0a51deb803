/* SPDX-License-Identifier: MIT */
/* capabilities.h - the capability bits of ipc.h in words, for list and choose. */
#ifndef IPCDEMO_CAPABILITIES_H
#define IPCDEMO_CAPABILITIES_H

#include <stdbool.h>

struct capability {
	const char *heading; /* of a column: one short word */
	const char *meaning; /* a verb and more: what a mechanism with it does */
	const char *need;    /* choose's option for those who need it; NULL: none */
	const char *need_help;
	bool avoid; /* the option asks for a mechanism without it */
};

/* Of bit BIT, below IPC_CAP_COUNT. */
const struct capability *capability_at(unsigned bit);

#endif
