/* SPDX-License-Identifier: MIT */
/*
 * start_cost.h - the cost of starting a worker, up to its first record: rows of `ipcdemo bench
 * --mode=start`.
 *
 * A sample is the time from the call that starts a process or a thread until its first record has
 * arrived over the row's mechanism, whose slot it joins by a ticket. Its memory is its private
 * memory at that time, including page tables.
 */
#ifndef IPCDEMO_START_COST_H
#define IPCDEMO_START_COST_H

#include "bench/link.h"

/* The argument of an executed `ipcdemo bench` that is the process whose start is measured. */
#define START_COMMAND "--started--"

extern const struct start_kind start_methods[]; /* the last has no name */

/* Can METHOD start a process or thread that joins a slot of the mechanism INFO? Else *REASON. */
bool start_cost_fits(const struct start_kind *method, const struct ipc_info *info,
		     const char **reason);

/* Measures one round of JOB (a struct link_job) in this process and its children. 0 or 1. */
int start_cost_main(void *job);

/* The executed process: ARGV begins with START_COMMAND. Returns only if it fails. */
int start_cost_executed(int argc, char **argv);

#endif
