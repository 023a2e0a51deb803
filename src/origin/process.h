/* SPDX-License-Identifier: MIT */
/*
 * process.h - the origin in a process of its own: the demo and the benchmark fork workers, and
 * libmicrohttpd's threads must not be in the process that forks.
 */
#ifndef IPCDEMO_PROCESS_H
#define IPCDEMO_PROCESS_H

#include <stdint.h>

#include "origin/origin.h"
#include "common/spawn.h"

/*
 * Starts the origin and waits until it listens at *PORT. CONFIG is copied by the fork. End it with
 * child_kill (SIGKILL) and child_reap. 0, or -errno of what failed: then no process is left.
 */
int origin_spawn(struct child *origin, uint16_t *port, const struct origin_config *config);

#endif
