/* SPDX-License-Identifier: MIT */
/* retry.h - what a failure means for a job: is it tried again, and when? */
#ifndef IPCDEMO_RETRY_H
#define IPCDEMO_RETRY_H

#include "download/failure.h"
#include "download/job_list.h"

#include <stdbool.h>

struct retry_settings {
	unsigned retries;
	bool all;  /* also after failures that are not transient */
	bool held; /* also while another run writes the file: it will exist, or we can fetch it */
};

/* True if JOB has another try; *DELAY_S is then set. Counts the failure. */
bool retry_permitted(const struct retry_settings *settings, struct job *job,
		     const struct failure *failure, double *delay_s);

#endif
