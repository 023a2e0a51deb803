/* SPDX-License-Identifier: MIT */
/*
 * output_dirs.h - the directories that the files of a run go into.
 *
 * Each is opened once, before the start, and all that follows happens beneath its descriptor:
 * whatever its name comes to mean meanwhile, the files go where they were to go. Two spellings of
 * one directory are one.
 */
#ifndef IPCDEMO_OUTPUT_DIRS_H
#define IPCDEMO_OUTPUT_DIRS_H

#include <stdbool.h>

#define OUTPUT_DIRS_MAX 255 /* that a list may name, as it spells them, beside the one for all */

struct job_list;

/*
 * Their descriptors are COUNT numbers in a row. FIRST is a multiple of the smallest power of two
 * that is not below COUNT, so that a filter of system calls can tell them by a mask.
 */
struct output_dirs {
	int first;
	unsigned count;
};

#define OUTPUT_DIRS_NONE ((struct output_dirs){ .first = -1 })

/* The descriptor of the directory at PLACE (struct job); -1: it is not open. */
static inline int output_dirs_fd(const struct output_dirs *dirs, unsigned place)
{
	return place < dirs->count ? dirs->first + (int)place : -1;
}

/*
 * Opens PATH (O_RDONLY, close-on-exec), making it and its parents if they are missing. Returns a
 * descriptor or -errno, also when files cannot be made in it, so that an unwritable directory is
 * one early error.
 */
int output_dir_open(const char *path);

/*
 * Opens the directories of JOBS, and DIR if a job names none, as output_dir_open does; a dry run
 * makes none. Each job gets the place of its own. A job whose directory cannot be used is
 * JOB_FAILED. 0, or -errno: DIR cannot be used, or there are too few descriptors for all.
 */
int output_dirs_open(struct output_dirs *dirs, struct job_list *jobs, const char *dir,
		     bool dry_run);

void output_dirs_close(struct output_dirs *dirs);

#endif
