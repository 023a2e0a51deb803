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

/* The names that jobs have: a tree of jobs, searched by directory and name ... */
struct names {
	void *root;
	bool urls; /* ... and URL */
};

static int by_name(const void *a, const void *b)
{
	const struct job *one = a, *other = b;

	if (one->place != other->place)
		return one->place < other->place ? -1 : 1;
	return strcmp(one->name, other->name);
}

static int by_name_and_url(const void *a, const void *b)
{
	const int order = by_name(a, b);

	return order ? order : strcmp(((const struct job *)a)->url, ((const struct job *)b)->url);
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
	struct job **node = tsearch(job, &names->root, names->urls ? by_name_and_url : by_name);

	return node ? *node : NULL;
}

/* Is NAME taken in JOB's directory? */
static bool names_have(const struct names *names, const struct job *job, char *name)
{
	const struct job key = { .name = name, .place = job->place };

	return tfind(&key, &names->root, by_name) != NULL;
}

static void fail(struct job *job, enum failure_kind kind, int32_t code)
{
	job->state = JOB_FAILED;
	job->failure = (struct failure){ .kind = kind, .code = code };
}

/* ---- the same URL twice, and queries ---- */

/* Does LATER, of the same name and URL, ask for what FIRST fetches? Then one job serves both. */
static bool is_same(struct job *first, const struct job *later)
{
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
	struct names names = { .root = NULL }, twins = { .urls = true };
	int rc = 0;

	for (size_t i = 0; i < list->count && rc == 0; i++) {
		struct job *job = &list->jobs[i], *first, *twin;

		if (!job->name)
			continue;
		twin = names_add(&twins, job);
		first = names_add(&names, job);
		if (!twin || !first)
			rc = -ENOMEM;
		else if (twin != job && is_same(twin, job))
			twice[i] = true;
		else if (first != job)
			clashes[i] = clashes[first - list->jobs] = true;
	}
	names_free(&names);
	names_free(&twins);
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
		if (!names_have(names, job, numbered) && output_type(dirfd, numbered) <= 0) {
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
	    (names_have(names, job, job->name) || output_type(dirfd, job->name) > 0) &&
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

static int set_path(const struct job_list *list, struct job *job)
{
	const char *dir = job->dir ? job->dir : list->dir;
	size_t n = dir ? strlen(dir) : 0;

	if (n == 0 || !job->name)
		return 0;
	while (n > 0 && dir[n - 1] == '/')
		n--;
	if (asprintf(&job->path, "%.*s/%s", (int)n, dir, job->name) >= 0)
		return 0;
	job->path = NULL;
	return -ENOMEM;
}

int job_list_settle(struct job_list *list, const struct output_dirs *dirs,
		    enum exists_policy policy)
{
	struct names names = { .root = NULL };
	int rc = settle_twins(list);

	for (size_t i = 0; i < list->count && rc == 0; i++) {
		struct job *job = &list->jobs[i];

		if (job->state == JOB_READY)
			rc = settle_name(list, &names, job, output_dirs_fd(dirs, job->place),
					 policy);
		if (rc == 0 && list->dir_count > 0)
			rc = set_path(list, job);
	}
	names_free(&names);
	return rc;
}
