/* SPDX-License-Identifier: MIT */
/*
 * split.h - a file that several workers fetch in ranges (--split). The batch hands its ranges out
 * as jobs of their own; the file's job is JOB_ASSIGNED as long as they last.
 */
#ifndef IPCDEMO_SPLIT_H
#define IPCDEMO_SPLIT_H

#include "download/job_list.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct split {
	LIST_ENTRY(split) link; /* in the batch */
	struct job *file;
	uint64_t table, total; /* see part_ranges.h */
	unsigned count;        /* of ranges */
	unsigned open;         /* those that have not come to an end */
	/*
	 * The file cannot be fetched in these ranges: begins no more of them and stops those that
	 * run.
	 */
	bool is_void;
	struct job ranges[];
};

LIST_HEAD(split_list, split);

/* What a worker says of a file that it has split. */
struct split_report {
	uint64_t table, total;
	unsigned range, ranges; /* it is at this one, of so many */
};

/* Splits FILE into ranges, all JOB_READY, numbered from NUMBER on. NULL: memory is short. */
struct split *split_new(struct job *file, const struct split_report *report, uint32_t number);

/* Nobody has a job of it. Its file is whole again. */
void split_free(struct split *split);

static inline bool job_is_range(const struct job *job)
{
	return job->split && job != job->split->file;
}

/* The file that JOB is, or is a range of. */
static inline struct job *job_file(struct job *job)
{
	return job_is_range(job) ? job->split->file : job;
}

/* As records name it. */
static inline uint32_t job_id(const struct job_list *list, const struct job *job)
{
	return job_is_range(job) ? job->number : job_number(list, job);
}

/* JOB is a range of a file that is given up. */
static inline bool job_is_void(const struct job *job)
{
	return job_is_range(job) && job->split->is_void;
}

/* Sums the bytes of its ranges up in its file. */
void split_sum(struct split *split);

#endif
