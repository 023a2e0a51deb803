/* SPDX-License-Identifier: MIT */
/* job_list.c - see job_list.h */
#include "config.h"

#include "download/job_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/hex.h"
#include "download/protocol.h"
#include "download/filename.h"

static int refuse(char *why, size_t size, const char *format, const char *detail)
{
	(void)snprintf(why, size, "%s%s", format, detail);
	return -EINVAL;
}

static struct job *list_grow(struct job_list *list)
{
	struct job *jobs = list->jobs;
	size_t cap = list->cap ? 2 * list->cap : 64;

	if (list->count == list->cap) {
		jobs = reallocarray(jobs, cap, sizeof *jobs);
		if (!jobs)
			return NULL;
		list->jobs = jobs;
		list->cap = cap;
	}
	return &jobs[list->count];
}

/* The URL for eyes and logs: "user:password@" becomes "user:***@". NULL: no memory. */
static char *without_password(const char *url)
{
	const char *scheme = strstr(url, "://");
	const char *host = scheme ? scheme + strlen("://") : url;
	const char *end = host + strcspn(host, "/?#");
	const char *at = memrchr(host, '@', (size_t)(end - host));
	const char *colon = at ? memchr(host, ':', (size_t)(at - host)) : NULL;
	char *shown;

	if (!colon)
		return strdup(url);
	return asprintf(&shown, "%.*s:***%s", (int)(colon - url), url, at) < 0 ? NULL : shown;
}

/* Sets the name that the job writes; without one, job->failure says why. 0 or -ENOMEM. */
static int job_name(struct job *job, const char *name)
{
	char from_url[FILENAME_BYTES_MAX + 1];
	enum filename_error error = FILENAME_OK;

	if (strlen(job->url) > COMMAND_URL_MAX) {
		job->state = JOB_FAILED;
		job->failure = (struct failure){ .kind = FAILURE_TOO_LONG };
		return 0;
	}

	if (!name) {
		error = filename_from_url(job->url, from_url, sizeof from_url);
		name = from_url;
	}
	if (error != FILENAME_OK) {
		job->state = JOB_FAILED;
		job->failure = (struct failure){ .kind = FAILURE_NAME, .code = (int32_t)error };
		return 0;
	}
	job->name = strdup(name);
	return job->name ? 0 : -ENOMEM;
}

int job_list_add(struct job_list *list, const struct job_wish *wish, char *why, size_t size)
{
	struct job *job = list_grow(list);
	enum filename_error error = wish->name ? filename_check(wish->name) : FILENAME_OK;

	if (!job)
		return -ENOMEM;
	*job = (struct job){ .state = JOB_READY, .total = UINT64_MAX };
	if (error != FILENAME_OK)
		return refuse(why, size,
			      "the output name cannot be used: ", filename_strerror(error));
	job->has_sha256 = wish->sha256 != NULL;
	if (wish->sha256 && !hex_decode(job->sha256, sizeof job->sha256, wish->sha256))
		return refuse(why, size, "sha256 needs 64 hexadecimal digits, not ", wish->sha256);
	job->url = strdup(wish->url);
	job->shown = without_password(wish->url);
	if (job->url && job->shown && job_name(job, wish->name) == 0) {
		list->count++;
		return 0;
	}
	free(job->url);
	free(job->shown);
	return -ENOMEM;
}

/* One line of an input file. */
static int read_line(struct job_list *list, char *line, char *why, size_t size)
{
	static const char space[] = " \t\r\n";
	char *next = NULL;
	struct job_wish wish = { .url = strtok_r(line, space, &next) };
	const char *word;

	if (!wish.url || *wish.url == '#')
		return 0;
	while ((word = strtok_r(NULL, space, &next))) {
		if (strncmp(word, "out=", 4) == 0)
			wish.name = word + 4;
		else if (strncmp(word, "sha256=", 7) == 0)
			wish.sha256 = word + 7;
		else
			return refuse(why, size,
				      "only out=NAME and sha256=HEX may follow a URL, not ", word);
	}
	return job_list_add(list, &wish, why, size);
}

int job_list_read(struct job_list *list, FILE *file, const char *path, char *why, size_t size)
{
	char *line = NULL;
	size_t cap = 0, number = 0;
	char cause[256] = "";
	int rc = 0;

	while (rc == 0 && getline(&line, &cap, file) >= 0) {
		number++;
		rc = read_line(list, line, cause, sizeof cause);
	}
	if (rc < 0) {
		(void)snprintf(why, size, "%s:%zu: %s", path, number,
			       *cause ? cause : strerror(-rc));
	} else if (ferror(file)) {
		rc = -errno;
		(void)snprintf(why, size, "%s: %s", path, strerror(errno));
	}
	free(line);
	return rc;
}

static int by_name_then_order(const void *a, const void *b)
{
	const struct job *x = *(const struct job *const *)a, *y = *(const struct job *const *)b;
	int order = strcmp(x->name, y->name);

	return order ? order : (x > y) - (x < y); /* both point into the same array */
}

static void fail(struct job *job, enum failure_kind kind, int32_t code)
{
	job->state = JOB_FAILED;
	job->failure = (struct failure){ .kind = kind, .code = code };
}

/* Of several jobs with one name the first keeps it. */
static int settle_clashes(struct job_list *list)
{
	struct job **sorted = calloc(list->count + 1, sizeof *sorted);
	size_t i, n = 0, first = 0;

	if (!sorted)
		return -ENOMEM;
	for (i = 0; i < list->count; i++)
		if (list->jobs[i].name)
			sorted[n++] = &list->jobs[i];
	qsort(sorted, n, sizeof *sorted, by_name_then_order);
	for (i = 1; i < n; i++) {
		if (strcmp(sorted[i]->name, sorted[first]->name) != 0)
			first = i;
		else
			fail(sorted[i], FAILURE_CLASH, (int32_t)(sorted[first] - list->jobs));
	}
	free(sorted);
	return 0;
}

/* An error here comes again, with its text, when the file is made. */
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

int job_list_settle(struct job_list *list, int dirfd, enum exists_policy policy)
{
	size_t i;
	int rc = settle_clashes(list);

	if (rc < 0)
		return rc;
	for (i = 0; i < list->count; i++)
		if (list->jobs[i].state == JOB_READY)
			settle_existing(&list->jobs[i], dirfd, policy);
	return 0;
}

void job_list_free(struct job_list *list)
{
	size_t i;

	for (i = 0; i < list->count; i++) {
		free(list->jobs[i].url);
		free(list->jobs[i].shown);
		free(list->jobs[i].name);
	}
	free(list->jobs);
	*list = (struct job_list){ .jobs = NULL };
}
