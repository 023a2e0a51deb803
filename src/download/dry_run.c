/* SPDX-License-Identifier: MIT */
/* dry_run.c - what a download would do, without a byte from the network. See download.h. */
#include "config.h"

#include "download/download.h"

#include <stdio.h>

#include "common/exit_code.h"
#include "common/language.h"
#include "common/message.h"

/* No name, directory of a list or URL holds a tab or a line end: see job_list.c. */
static void print_job(const struct job_list *jobs, const struct job *job)
{
	const char *name = job->path ? job->path : job->name;
	char reason[256];

	switch (job->state) {
	case JOB_SKIPPED:
		(void)printf("skip\t%s\t%s\n", name, job->shown);
		return;
	case JOB_FAILED:
		if (job->failure.kind == FAILURE_CLASH)
			(void)snprintf(reason, sizeof reason, "%s has this name already",
				       jobs->jobs[job->failure.code].shown);
		else
			(void)failure_text(&job->failure, reason, sizeof reason);
		(void)printf("fail\t%s\t%s\t%s\n", name ? name : "", job->shown, reason);
		return;
	default:
		(void)printf("fetch\t%s\t%s\n", name, job->shown);
	}
}

int download_dry_run(const struct download *download, const char *dir, struct job_list *jobs)
{
	struct output_dirs dirs;
	int code = EXIT_ALL_DONE;
	const int rc = output_dirs_open(&dirs, jobs, dir, true);
	locale_t users;

	if (rc < 0) {
		message_error("%s: %s", dir, language_errno(-rc));
		return EXIT_JOB_FAILED;
	}
	if (job_list_settle(jobs, &dirs, (enum exists_policy)download->batch.exists) < 0)
		code = EXIT_INTERNAL;
	users = language_english(); /* a script may read it */
	for (size_t i = 0; i < jobs->count && code != EXIT_INTERNAL; i++) {
		print_job(jobs, &jobs->jobs[i]);
		if (jobs->jobs[i].state == JOB_FAILED)
			code = EXIT_JOB_FAILED;
	}
	language_back(users);
	output_dirs_close(&dirs);
	return code;
}
