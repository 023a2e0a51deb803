/* SPDX-License-Identifier: MIT */
/*
 * job_list.h - the list of URLs to fetch, with what the user wants of each; settled before any
 * network byte: names, clashes, files that exist already.
 */
#ifndef IPCDEMO_JOB_LIST_H
#define IPCDEMO_JOB_LIST_H

#include "download/failure.h"
#include "download/output_dirs.h"
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

/* Only the batch writes its state and the fields that belong to a try: see batch.h. */
struct job {
	TAILQ_ENTRY(job) link; /* in the batch's queue for its state */
	char *url;
	char *shown;       /* the URL without its password, for people */
	char *name;        /* in its directory; NULL when none follows from the URL */
	bool name_given;   /* by the user */
	const char *dir;   /* that it is to go into, the list's; NULL: the one for all */
	unsigned place;    /* of that directory: see output_dirs.h */
	char *path;        /* DIR/NAME for people, in a list that names directories; else NULL */
	struct host *host; /* see host_limit.h ... */
	bool host_taken;   /* ... which counts this job */
	bool has_sha256;
	unsigned char sha256[SHA256_BYTES];
	enum job_state state;
	struct failure failure; /* why the last try failed */
	unsigned tries;         /* that failed because of the origin or the network: --retries */
	unsigned mismatches;    /* of its checksum */
	unsigned deaths;        /* of workers on this job: at most JOB_DEATHS_MAX are forgiven */
	uint64_t retry_ns;
	uint64_t begun_ns; /* the present try, by the worker's clock */
	uint64_t took_ns;  /* the successful try */
	uint64_t bytes, total, inode;
	uint64_t kept;    /* of BYTES: those that were there when the present try began ... */
	uint64_t earlier; /* ... and when the first one of this run did: see job_earlier */
	unsigned worker;  /* that has or had it */
	bool unsplit;     /* it was split, and that went wrong: one stream */
	/* Of a file that is split, and of its ranges, which are jobs too: see split.h. */
	struct split *split; /* NULL: it is whole */
	bool has_lock;       /* it is all there, and until it is committed ... */
	int lock;            /* ... this descriptor keeps others away */
	uint32_t number;     /* of a range, in records */
	unsigned range;
};

#define JOB_DEATHS_MAX 3

TAILQ_HEAD(job_queue, job);

struct job_list {
	struct job *jobs;
	size_t count, cap;
	const char *dir; /* the user's directory for all, borrowed; NULL: this one */
	char **dirs;     /* that jobs name, each spelling once */
	unsigned dir_count;
};

/*
 * Of the bytes of JOB: those that an earlier run fetched. A try may have begun anew since, and a
 * range has no more bytes than its length, whatever its worker said on the way.
 */
static inline uint64_t job_earlier(const struct job *job)
{
	const uint64_t kept = job->earlier < job->kept ? job->earlier : job->kept;

	return kept < job->bytes ? kept : job->bytes;
}

static inline unsigned job_number(const struct job_list *list, const struct job *job)
{
	return (unsigned)(job - list->jobs);
}

/* What the user says of one job. All but URL may be NULL. */
struct job_wish {
	const char *url;    /* as typed: see url_clean */
	const char *name;   /* from -o or out=; else it follows from the URL */
	const char *dir;    /* from dir=; else it goes where all go */
	const char *sha256; /* 64 hexadecimal digits, "sha256=" before them or not */
};

/* Adds a job; copies all it needs. 0, -ENOMEM, or -EINVAL with one clause in WHY. */
int job_list_add(struct job_list *list, const struct job_wish *wish, char *why, size_t size);

enum job_format { JOB_FORMAT_PLAIN, JOB_FORMAT_ARIA2 };

/* An input file, see job_input.c for its grammar. */
struct job_input {
	FILE *file;
	const char *path; /* for messages */
	int format;       /* enum job_format */
	char why[512];    /* set by an error: "PATH:LINE: cause" or "PATH: cause" */
};

/* Adds the jobs of an input file. 0, or -errno with input->why. */
int job_list_read(struct job_list *list, struct job_input *input);

/*
 * Decides before the start what each job writes, the same on every run of the same list. A URL that
 * comes twice for one directory is one job. Jobs with one name in one directory are told apart by
 * their queries ("page?id=2"), by numbers under EXISTS_RENAME ("name.1"), or all but the first are
 * JOB_FAILED; so is a job without a name. A name that exists is a matter of POLICY. 0 or -ENOMEM.
 */
int job_list_settle(struct job_list *list, const struct output_dirs *dirs,
		    enum exists_policy policy);

/* Frees what JOB holds, for who takes it out of its list. */
void job_free(struct job *job);

void job_list_free(struct job_list *list);

#endif
