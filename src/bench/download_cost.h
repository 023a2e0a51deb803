/* SPDX-License-Identifier: MIT */
/*
 * download_cost.h - what IPC costs a download: rows of `ipcdemo bench --mode=download`.
 *
 * The same files are fetched from the built-in origin by the same pool over each mechanism, and by
 * as many workers that report to nobody ("none": each has its share of the list from the start,
 * checks and commits its files itself). What a mechanism takes beyond that is the cost of IPC:
 * share = 1 - none / with, per round, of wall and of CPU time.
 */
#ifndef IPCDEMO_DOWNLOAD_COST_H
#define IPCDEMO_DOWNLOAD_COST_H

#include "bench/link.h"
#include "common/spawn.h"

#define DOWNLOAD_NONE "none" /* the backend of a row without IPC */

extern const struct load download_loads[]; /* the last has no name */

/* Where the files are best: a directory in memory, or NULL where there is no room for them. */
const char *download_cost_place(void);

/* Starts the ORIGIN, which serves on PORT, before the first round. 0 or -errno. */
int download_cost_open(struct child *origin, uint16_t *port);
void download_cost_close(struct child *origin);

/* Measures one round of JOB (a struct link_job) in this process and its children. 0 or 1. */
int download_cost_main(void *job);

#endif
