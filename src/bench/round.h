/* SPDX-License-Identifier: MIT */
/*
 * round.h - one round of one row, in a process of its own.
 */
#ifndef IPCDEMO_ROUND_H
#define IPCDEMO_ROUND_H

#include "bench/link.h"

/* Measures one round of JOB (a struct link_job) in this process and its children. 0 or 1. */
int round_main(void *job);

#endif
