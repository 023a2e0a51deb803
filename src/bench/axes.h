/* SPDX-License-Identifier: MIT */
/*
 * axes.h - the command line of `ipcdemo bench`.
 */
#ifndef IPCDEMO_BENCH_OPTIONS_H
#define IPCDEMO_BENCH_OPTIONS_H

#include "bench/bench.h"

/*
 * Parses. A usage error, --help and --usage end the process, the first with status 2, as argp(3)
 * does. bench_options_free gives back what the lists take.
 */
void bench_options_parse(struct bench_options *options, int argc, char **argv);
void bench_options_free(struct bench_options *options);

#endif
