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

/* May JOB, which is in no queue, go to a worker? It counts then. Else it is kept, behind the others
 * of its host. */
bool host_limit_take(struct host_limit *limit, struct job *job);

/* JOB is with no worker any more, if it was. Returns a job that may be asked for again, or NULL. */
struct job *host_limit_release(struct job *job);

#endif
