/* SPDX-License-Identifier: MIT */
/* dry_run.c - what a download would do, without a byte from the network. See download.h. */
#include "config.h"

#include "download/download.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "common/exit_code.h"
#include "common/language.h"

/* No name or URL holds a tab or a line end: see filename.h and url_clean(). */
static void print_job(const struct job_list *jobs, const struct job *job)
{
	char reason[256];

	switch (job->state) {
	case JOB_SKIPPED:
		(void)printf("skip\t%s\t%s\n", job->name, job->shown);
		return;
	case JOB_FAILED:
		if (job->failure.kind == FAILURE_CLASH)
			(void)snprintf(reason, sizeof reason, "%s has this name already",
				       jobs->jobs[job->failure.code].shown);
		else
			(void)failure_text(&job->failure, reason, sizeof reason);
		(void)printf("fail\t%s\t%s\t%s\n", job->name ? job->name : "", job->shown, reason);
		return;
	default:
		(void)printf("fetch\t%s\t%s\n", job->name, job->shown);
	}
}

int download_dry_run(const struct download *download, const char *dir, struct job_list *jobs)
{
	/* A dry run does not make the directory; where there is none, no file exists in it. */
	int dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int code = EXIT_ALL_DONE;
	locale_t users;

	if (job_list_settle(jobs, dirfd, (enum exists_policy)download->batch.exists) < 0)
		code = EXIT_INTERNAL;
	users = language_english(); /* a script may read it */
	for (size_t i = 0; i < jobs->count && code != EXIT_INTERNAL; i++) {
		print_job(jobs, &jobs->jobs[i]);
		if (jobs->jobs[i].state == JOB_FAILED)
			code = EXIT_JOB_FAILED;
	}
	language_back(users);
	if (dirfd >= 0)
		(void)close(dirfd); /* opened for reading: nothing to lose */
	return code;
}
