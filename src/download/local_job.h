/* SPDX-License-Identifier: MIT */
/* local_job.h - between batch and attempt, for the models that fetch in the batch's own process. */
#ifndef IPCDEMO_LOCAL_JOB_H
#define IPCDEMO_LOCAL_JOB_H

#include "download/attempt.h"
#include "download/batch.h"

/* How FETCH is to make an attempt at JOB. All is borrowed. */
struct attempt_config local_job_config(const struct batch *batch, struct job *job,
				       struct fetch *fetch, const struct fetch_hooks *hooks);

/* ATTEMPT at JOB has ended: commits the file or fails the try. While the job is JOB_CHECKING, keep
 * attempt->fd open. */
void local_job_ended(struct batch *batch, struct job *job, unsigned worker,
		     const struct attempt *attempt);

#endif
