/* SPDX-License-Identifier: MIT */
/* compare_models.h - `--compare-models`: the same jobs by one model after the other, as a table. */
#ifndef IPCDEMO_COMPARE_MODELS_H
#define IPCDEMO_COMPARE_MODELS_H

#include "download/download.h"

/*
 * Runs every model over JOBS, each in a process of its own and into a directory of its own, which
 * is removed; JOBS stay as they are. The table goes to standard output. Returns the exit code;
 * *SIGNO is as batch->signo.
 */
int compare_models(const struct download *download, struct job_list *jobs, int *signo);

#endif
