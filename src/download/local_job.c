/* SPDX-License-Identifier: MIT */
/* local_job.c - see local_job.h */
#include "config.h"

#include "download/local_job.h"

#include "common/clock.h"

struct attempt_config local_job_config(const struct batch *batch, struct job *job,
				       struct fetch *fetch, const struct fetch_hooks *hooks)
{
	return (struct attempt_config){ .fetch = fetch,
					.dirfd = batch_dirfd(batch, job),
					.url = job->url,
					.name = job->name,
					.resume = batch_resumes(batch, job),
					.remote_time = batch->settings->remote_time,
					.share_lock = job->has_sha256,
					.hooks = hooks };
}

void local_job_ended(struct batch *batch, struct job *job, unsigned worker,
		     const struct attempt *attempt)
{
	const struct fetch_result *fetched = &attempt->result;
	const struct batch_result result = { .bytes = fetched->bytes,
					     .total = fetched->total,
					     .inode = attempt->inode,
					     .unlocked = !attempt->locked,
					     .ended_ns = clock_ns() };

	if (attempt->fd >= 0)
		batch_received(batch, job, worker, &result);
	else if (!batch_ends_early(batch))
		batch_failed(batch, job, worker, &fetched->failure, fetched->bytes);
}
