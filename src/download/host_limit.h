/* SPDX-License-Identifier: MIT */
/* host_limit.h - --max-host: at most so many jobs of one host are with workers at once. */
#ifndef IPCDEMO_HOST_LIMIT_H
#define IPCDEMO_HOST_LIMIT_H

#include "download/job_list.h"

struct host_limit;

/* Finds the hosts of JOBS, which must stay where they are. NULL: memory is short. */
struct host_limit *host_limit_new(struct job_list *jobs, unsigned most);

/* NULL is allowed. */
void host_limit_free(struct host_limit *limit);

/*
 * May JOB, which is in no queue, go to a worker? If so it counts from now on. If not we keep it,
 * behind the other jobs of its host.
 */
bool host_limit_take(struct host_limit *limit, struct job *job);

/* No worker has JOB any longer. Returns a job for which to ask again, or NULL. */
struct job *host_limit_release(struct job *job);

#endif
