/* SPDX-License-Identifier: MIT */
/* models.h - the ways to bring a batch to an end. */
#ifndef IPCDEMO_MODELS_H
#define IPCDEMO_MODELS_H

#include "download/batch.h"

/*
 * Each brings all open jobs of BATCH to an end, or as many as there is time for until a signal of
 * the user's (batch->signo). 0, or -errno when the model could not be set up or go on; one line was
 * told to the user then.
 */
int model_pool_run(struct batch *batch);
int model_sequential_run(struct batch *batch);
int model_event_run(struct batch *batch);

#endif
