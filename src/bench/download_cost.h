/* SPDX-License-Identifier: MIT */
/*
 * download_cost.h - `ipcdemo bench --mode=download`: what the choice of a mechanism means for the
 * job that the mechanism serves.
 *
 * The same files are fetched from the built-in origin by the same pool over each mechanism, and by
 * as many workers that report to nobody ("none": each has its share of the list from the start,
 * checks and commits its files itself). What a mechanism's run takes beyond that is the IPC:
 * share = (with - none) / with, per round, of wall and of CPU time; medians over rounds.
 */
#ifndef IPCDEMO_DOWNLOAD_COST_H
#define IPCDEMO_DOWNLOAD_COST_H

#include <stdio.h>

#include <jansson.h>

#include "bench/bench.h"

struct download_cost;

/*
 * Measures all mechanisms of BENCH->options. *RESULT owns the figures: download_cost_free. A
 * signal ends it early and is left in bench->signal. 0 or -errno.
 */
int download_cost_run(struct download_cost **result, struct bench *bench);
void download_cost_free(struct download_cost *result);

/* For people, with a closing sentence; as JSON rows (a new reference to an array). */
void download_cost_table(FILE *out, const struct download_cost *result);
json_t *download_cost_json(const struct download_cost *result);

#endif
