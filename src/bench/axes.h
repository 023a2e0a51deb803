/* SPDX-License-Identifier: MIT */
/*
 * axes.h - the command line of `ipcdemo bench`, and the words for the values of each axis.
 */
#ifndef IPCDEMO_AXES_H
#define IPCDEMO_AXES_H

#include "bench/bench.h"

/*
 * Parses. A usage error, --help and --usage end the process, the first with status 2, as argp(3)
 * does. axes_free releases the lists.
 */
void axes_parse(struct options *options, int argc, char **argv);
void axes_free(struct options *options);

#define AXES_GROUPS "groups" /* --ipc: the first mechanism of each group */

const char *mode_name(enum mode mode);
const char *wait_name(enum ipc_strategy wait);
const char *row_status_name(enum row_status status);

/* The keys in the JSON that say which row it is. NULL at the end. */
extern const char *const axes_keys[];

#endif
