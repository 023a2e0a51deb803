/* SPDX-License-Identifier: MIT */
/*
 * download.h - what `ipcdemo [OPTION...] [URL...]` was asked to do, and doing it.
 */
#ifndef IPCDEMO_DOWNLOAD_H
#define IPCDEMO_DOWNLOAD_H

#include "download/job_list.h"
#include "download/batch.h"

enum model { MODEL_PROCESS, MODEL_SEQUENTIAL };

struct download {
	const char *ipc;
	int model;        /* enum model */
	unsigned workers; /* 0: the smaller of the number of jobs and 8 */
	unsigned recycle;
	const char *input_file;
	const char *dir;
	const char *output;
	int exists; /* enum exists_policy */
	unsigned retries, connect_timeout, stall_timeout, max_redirs;
	uint64_t max_size;
	const char *checksum;
	int progress; /* enum progress_style */
	bool quiet, verbose, trace;
	double demo_seconds[2]; /* least and most, of each file */
	const char **urls;
	size_t url_count;
};

/*
 * Brings JOBS to an end in the directory DIR as DOWNLOAD says, showing progress. Fills RUN for a
 * closing word. Returns the exit code; batch->signo tells whether a signal ended it.
 */
int download_jobs(const struct download *download, const char *dir, struct job_list *jobs,
		  struct batch *batch);

/* The built-in demo: its own origin, two files, a comparison. Returns the exit code. */
int demo_run(const struct download *download);

#endif
