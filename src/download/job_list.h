/* SPDX-License-Identifier: MIT */
/*
 * job_list.h - the list of URLs to fetch, with what the user wants of each; settled before any
 * network byte: names, clashes, files that exist already.
 */
#ifndef IPCDEMO_JOB_LIST_H
#define IPCDEMO_JOB_LIST_H

#include "download/failure.h"
#include "download/part_file.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/queue.h>

#define SHA256_BYTES 32

enum job_state {
	JOB_READY,    /* to be handed out */
	JOB_ASSIGNED, /* a worker has it */
	JOB_CHECKING, /* DONE was received, the parent checks the file */
	JOB_WAITING,  /* failed, tried again at retry_ns */
	JOB_OK,
	JOB_SKIPPED,
	JOB_FAILED,
};

/* Its state, and what of it belongs to a try, are written by the batch alone: see batch.h. */
struct job {
	TAILQ_ENTRY(job) link; /* in the batch's queue for its state */
	char *url;
	char *shown; /* the URL without its password, for people */
	char *name;  /* in the output directory; NULL when none follows from the URL */
	bool has_sha256;
	unsigned char sha256[SHA256_BYTES];
	enum job_state state;
	struct failure failure; /* why the last try failed */
	unsigned tries;         /* that failed by the origin's or the network's doing: --retries */
	unsigned deaths;        /* of workers on this job: at most JOB_DEATHS_MAX are forgiven */
	uint64_t retry_ns;
	uint64_t begun_ns; /* the present try, by the worker's clock */
	uint64_t took_ns;  /* the successful try */
	uint64_t bytes, total, inode;
	unsigned worker; /* that has or had it */
};

#define JOB_DEATHS_MAX 3

struct job_list {
	struct job *jobs;
	size_t count, cap;
};

static inline unsigned job_number(const struct job_list *list, const struct job *job)
{
	return (unsigned)(job - list->jobs);
}

/* What the user says of one job. All but URL may be NULL: see job_list_add. */
struct job_wish {
	const char *url;
	const char *name;   /* from -o or out=; else it follows from the URL */
	const char *sha256; /* 64 hexadecimal digits */
};

/* Adds a job; copies all it needs. 0, -ENOMEM, or -EINVAL with one clause in WHY. */
int job_list_add(struct job_list *list, const struct job_wish *wish, char *why, size_t size);

/*
 * Adds the jobs of an input file: a URL a line, then optionally out=NAME and sha256=HEX; blank
 * lines and lines that begin with # are passed over. 0, or -errno with "PATH:LINE: cause" or
 * "PATH: cause" in WHY.
 */
int job_list_read(struct job_list *list, FILE *file, const char *path, char *why, size_t size);

/*
 * Decides before the start: a job without a safe name, with the name of an earlier job, or with
 * a name that exists (unless it is to be overwritten) is JOB_FAILED or JOB_SKIPPED.
 */
int job_list_settle(struct job_list *list, int dirfd, enum exists_policy policy);

void job_list_free(struct job_list *list);

#endif
