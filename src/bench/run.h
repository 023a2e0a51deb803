/* SPDX-License-Identifier: MIT */
/*
 * run.h - measures all rows of the plan, round by round.
 */
#ifndef IPCDEMO_RUN_H
#define IPCDEMO_RUN_H

#include "bench/bench.h"

/*
 * Measures. A row that fails says why in the row; SIGINT, SIGTERM or SIGHUP ends it early and is
 * left in bench->signal. 0 or -errno when nothing could be measured.
 */
int run_rounds(struct bench *bench);

#endif
