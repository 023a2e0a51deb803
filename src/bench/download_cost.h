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
#ifndef IPCDEMO_BENCH_DOWNLOAD_H
#define IPCDEMO_BENCH_DOWNLOAD_H

#include <stdio.h>

#include <jansson.h>

#include "bench/bench.h"

struct download_bench;

/*
 * Measures all mechanisms of BENCH->options. *RESULT owns the figures: download_bench_free. A
 * signal ends it early and is left in bench->signal. 0 or -errno.
 */
int download_bench_run(struct download_bench **result, struct bench *bench);
void download_bench_free(struct download_bench *result);

/* For people, with a closing sentence; as JSON rows (a new reference to an array). */
void download_bench_table(FILE *out, const struct download_bench *result);
json_t *download_bench_json(const struct download_bench *result);

#endif
