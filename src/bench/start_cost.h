/* SPDX-License-Identifier: MIT */
/*
 * start_cost.h - what a worker costs before its first record: rows of `ipcdemo bench --mode=start`.
 *
 * A sample is the time from the call that starts a process or a thread to the moment at which its
 * first record is here, over the row's mechanism, whose slot it joins by a ticket. Its memory is
 * what is then private to it, its page tables included.
 */
#ifndef IPCDEMO_START_COST_H
#define IPCDEMO_START_COST_H

#include "bench/link.h"

/* By which `ipcdemo bench`, executed anew, knows that it is the process whose start is measured. */
#define START_COMMAND "--started--"

extern const struct start_kind start_methods[]; /* the last has no name */

/* Can METHOD start what joins a slot of the mechanism INFO? Else *REASON says why. */
bool start_cost_fits(const struct start_kind *method, const struct ipc_info *info,
		     const char **reason);

/* Measures one round of JOB (a struct link_job) in this process and its children. 0 or 1. */
int start_cost_main(void *job);

/* The executed process: ARGV is START_COMMAND and what is behind it. Returns only to fail. */
int start_cost_executed(int argc, char **argv);

#endif
