/* SPDX-License-Identifier: MIT */
/*
 * job_settle.c - which file each job writes, decided before the first network byte, so that nothing
 * depends on which job is faster.
 */
#include "config.h"

#include "download/job_list.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "download/filename.h"

#define NUMBER_MAX 100000u

/* The names that jobs have: a tree of jobs, searched by their names. */
struct names {
	void *root;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct job *)a)->name, ((const struct job *)b)->name);
}

static void keep(void *node)
{
	(void)node; /* the jobs are the list's */
}

static void names_free(struct names *names)
{
	tdestroy(names->root, keep);
	names->root = NULL;
}

/* The job that has JOB's name: an earlier one, or now JOB itself. NULL: no memory. */
static struct job *names_add(struct names *names, struct job *job)
{
	struct job **node = tsearch(job, &names->root, by_name);

	return node ? *node : NULL;
}

static bool names_have(const struct names *names, char *name)
{
	const struct job key = { .name = name };

	return tfind(&key, &names->root, by_name) != NULL;
}

static void fail(struct job *job, enum failure_kind kind, int32_t code)
{
	job->state = JOB_FAILED;
	job->failure = (struct failure){ .kind = kind, .code = code };
}

/* ---- the same URL twice, and queries ---- */

/* Does LATER, of the same name, ask for what FIRST fetches? Then one job serves both. */
static bool is_same(struct job *first, const struct job *later)
{
	if (strcmp(first->url, later->url) != 0)
		return false;
	if (first->has_sha256 && later->has_sha256)
		return memcmp(first->sha256, later->sha256, SHA256_BYTES) == 0;
	if (later->has_sha256) {
		first->has_sha256 = true;
		memcpy(first->sha256, later->sha256, SHA256_BYTES);
	}
	return true;
}

static int add_query(struct job *job)
{
	char name[FILENAME_BYTES_MAX + 1];
	char *copy;

	if (job->name_given || filename_from_url(job->url, true, name) != FILENAME_OK)
		return 0;
	copy = strdup(name);
	if (!copy)
		return -ENOMEM;
	free(job->name);
	job->name = copy;
	return 0;
}

/*
 * Marks in TWICE each job that comes twice, and in CLASHES each that shares its name with another.
 */
static int find_clashes(struct job_list *list, bool *twice, bool *clashes)
{
	struct names names = { .root = NULL };
	int rc = 0;

	for (size_t i = 0; i < list->count && rc == 0; i++) {
		struct job *job = &list->jobs[i], *first;

		if (!job->name)
			continue;
		first = names_add(&names, job);
		if (!first)
			rc = -ENOMEM;
		else if (first != job && is_same(first, job))
			twice[i] = true;
		else if (first != job)
			clashes[i] = clashes[first - list->jobs] = true;
	}
	names_free(&names);
	return rc;
}

/* Takes out the jobs that come twice; gives those with one name their queries. */
static int settle_twins(struct job_list *list)
{
	bool *twice = calloc(2 * list->count + 1, sizeof *twice);
	bool *clashes = twice + list->count;
	size_t kept = 0;
	int rc = twice ? find_clashes(list, twice, clashes) : -ENOMEM;

	for (size_t i = 0; i < list->count && rc == 0; i++)
		if (clashes[i])
			rc = add_query(&list->jobs[i]);
	for (size_t i = 0; i < list->count && rc == 0; i++) {
		if (twice[i])
			job_free(&list->jobs[i]);
		else
			list->jobs[kept++] = list->jobs[i];
	}
	if (rc == 0)
		list->count = kept;
	free(twice);
	return rc;
}

/* ---- names that are taken ---- */

/* Tries NAME.1, NAME.2 ... until neither a job nor a file has that name. 0 or -ENOMEM. */
static int number(struct job *job, const struct names *names, int dirfd)
{
	char *numbered = NULL;

	for (unsigned i = 1; i < NUMBER_MAX; i++) {
		if (asprintf(&numbered, "%s.%u", job->name, i) < 0)
			return -ENOMEM;
		if (strlen(numbered) > FILENAME_BYTES_MAX)
			break;
		if (!names_have(names, numbered) && output_type(dirfd, numbered) <= 0) {
			free(job->name);
			job->name = numbered;
			return 0;
		}
		free(numbered);
		numbered = NULL;
	}
	free(numbered);
	return 0; /* the name stays, and the job fails by it */
}

/* An error here comes back when the file is made, and is reported then. */
static void settle_existing(struct job *job, int dirfd, enum exists_policy policy)
{
	int type = output_type(dirfd, job->name);

	if (type <= 0)
		return;
	if (!output_is_file(type))
		fail(job, FAILURE_NOT_FILE, type);
	else if (policy == EXISTS_SKIP || policy == EXISTS_RESUME)
		job->state = JOB_SKIPPED;
	else if (policy != EXISTS_OVERWRITE)
		fail(job, FAILURE_EXISTS, 0);
}

static int settle_name(struct job_list *list, struct names *names, struct job *job, int dirfd,
		       enum exists_policy policy)
{
	struct job *first;

	if (policy == EXISTS_RENAME &&
	    (names_have(names, job->name) || output_type(dirfd, job->name) > 0) &&
	    number(job, names, dirfd) < 0)
		return -ENOMEM;
	first = names_add(names, job);
	if (!first)
		return -ENOMEM;
	if (first != job)
		fail(job, FAILURE_CLASH, (int32_t)job_number(list, first));
	else
		settle_existing(job, dirfd, policy);
	return 0;
}

int job_list_settle(struct job_list *list, int dirfd, enum exists_policy policy)
{
	struct names names = { .root = NULL };
	int rc = settle_twins(list);

	for (size_t i = 0; i < list->count && rc == 0; i++)
		if (list->jobs[i].state == JOB_READY)
			rc = settle_name(list, &names, &list->jobs[i], dirfd, policy);
	names_free(&names);
	return rc;
}
