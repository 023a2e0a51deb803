/* SPDX-License-Identifier: MIT */
/* retry.c - see retry.h */
#include "config.h"

#include "download/retry.h"

#include <errno.h>

#include "common/clock.h"

#define RETRY_FIRST_S     1u /* then doubled, as curl --retry does */
#define RETRY_MAX_S       60u
#define RETRY_AFTER_MAX_S 600u /* if an origin asks for more, the user is told at once */

/*
 * Seconds until the next try: they double, spread by up to a quarter; or what the origin asks for.
 */
static double retry_delay(const struct job *job, const struct failure *failure)
{
	unsigned doublings = job->tries < 7 ? job->tries : 7;
	double delay = (double)(RETRY_FIRST_S << (doublings - 1));

	if (failure->after_s > 0)
		return (double)failure->after_s;
	if (delay > RETRY_MAX_S)
		delay = RETRY_MAX_S;
	return delay * (1.0 + (double)(clock_ns() % 251) / 1000.0);
}

static bool worker_died(const struct failure *failure)
{
	return failure->kind == FAILURE_KILLED || failure->kind == FAILURE_EXITED ||
	       failure->kind == FAILURE_PROTOCOL || failure->kind == FAILURE_STALLED ||
	       failure->kind == FAILURE_SANDBOX;
}

static bool is_transient(const struct retry_settings *settings, const struct job *job,
			 const struct failure *failure)
{
	/*
	 * An earlier try of this job, which the network or the death of its worker ended, was not
	 * refused: the origin is probably being restarted.
	 */
	if (failure->kind == FAILURE_FETCH && failure->os_errno == ECONNREFUSED &&
	    job->tries + job->deaths > 0)
		return true;
	if (failure->kind == FAILURE_HELD)
		return failure->transient || settings->held;
	return failure->transient ||
	       (settings->all && (failure->kind == FAILURE_FETCH || failure->kind == FAILURE_HTTP ||
				  failure->kind == FAILURE_TRUST));
}

bool retry_permitted(const struct retry_settings *settings, struct job *job,
		     const struct failure *failure, double *delay_s)
{
	*delay_s = 0;
	if (worker_died(failure))
		return ++job->deaths <= JOB_DEATHS_MAX;
	/*
	 * The bytes may have been damaged on their way once; twice means that it is another file.
	 */
	if (failure->kind == FAILURE_CHECKSUM)
		return failure->transient && settings->retries > 0 && ++job->mismatches == 1;
	if (!is_transient(settings, job, failure) || failure->after_s > RETRY_AFTER_MAX_S ||
	    ++job->tries > settings->retries)
		return false;
	*delay_s = retry_delay(job, failure);
	return true;
}
