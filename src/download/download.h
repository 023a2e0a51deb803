/* SPDX-License-Identifier: MIT */
/*
 * download.h - what `ipcdemo [OPTION...] [URL...]` was asked to do, and doing it.
 */
#ifndef IPCDEMO_DOWNLOAD_H
#define IPCDEMO_DOWNLOAD_H

#include "download/batch.h"
#include "download/job_list.h"
#include "progress/progress.h"

#include <stdbool.h>

enum model { MODEL_SEQUENTIAL, MODEL_PROCESS, MODEL_THREAD, MODEL_HYBRID, MODEL_EVENT };

/* Their names, in that order; ends with NULL. */
extern const char *const download_models[];

/* enum start_method */
extern const char *const download_start_methods[];

/* As the options say. download_jobs fills in the rest, in copies of its own. */
struct download {
	int model;                   /* enum model */
	struct batch_settings batch; /* workers 0: the smaller of the number of jobs and 8 */
	struct progress_config display;
	const char *input_file;
	int input_format; /* enum job_format */
	bool dry_run;
	bool demo;           /* said in so many words; it runs without a URL anyway */
	const char *summary; /* file for the closing object */
	const char *dir;
	const char *output;
	const char *checksum;
	bool temporary;         /* the files are removed at the end: the demo's own directory */
	bool compare_models;    /* all models in turn, instead of one */
	int format_json;        /* of that table: 0 text, 1 JSON */
	double demo_seconds[2]; /* least and most, of each file */
	const char **urls;
	size_t url_count;
};

/* Does its model use the mechanism batch.ipc? */
bool download_uses_ipc(const struct download *download);

/* Does its model fit the mechanism and the other options? If not, WHY has the reason. */
bool download_model_fits(const struct download *download, char *why, size_t size);

/*
 * Brings JOBS to an end in the directory DIR as DOWNLOAD says, showing progress. Returns the exit
 * code. BATCH then has the totals; batch->signo tells whether a signal ended it.
 */
int download_jobs(const struct download *download, const char *dir, struct job_list *jobs,
		  struct batch *batch);

/* Fetches JOB alone to standard output, as it comes. Returns the exit code; *SIGNO is as below. */
int download_stream(const struct download *download, const struct job *job, int *signo);

/*
 * Prints what download_jobs would do, a line for each job: action, name and URL, separated by tabs.
 * Returns the exit code that a run would have, as far as one can tell.
 */
int download_dry_run(const struct download *download, const char *dir, struct job_list *jobs);

/* The built-in demo: its own origin, two files, a comparison. Returns the exit code; *SIGNO is as
 * batch->signo. */
int demo_run(const struct download *download, int *signo);

#endif
