/* SPDX-License-Identifier: MIT */
/*
 * plan.h - which rows are measured, and which are left out and why.
 */
#ifndef IPCDEMO_PLAN_H
#define IPCDEMO_PLAN_H

#include "bench/bench.h"
#include "bench/topology.h"

/* Fills bench->plan from bench->options. 0 or -ENOMEM. Free with plan_free either way. */
int plan_make(struct bench *bench, const struct topology *topology);

/* Adds a row like ROW (and its floor) that stamps blocks of round trips, after it. 0 or -ENOMEM. */
int plan_add_blocks(struct bench *bench, struct row *row);

void plan_free(struct bench *bench);

#endif
