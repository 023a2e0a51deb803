/* SPDX-License-Identifier: MIT */
/* job_list.c - see job_list.h */
#include "config.h"

#include "download/job_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/hex.h"
#include "common/language.h"
#include "download/filename.h"
#include "download/protocol.h"
#include "download/url.h"

static int refuse(char *why, size_t size, const char *cause, const char *detail)
{
	(void)snprintf(why, size, "%s%s", cause, detail);
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

/* Sets the name of the job's file; if there can be none job->failure says why. 0 or -ENOMEM. */
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
		error = filename_from_url(job->url, false, from_url);
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

/* "HEX" or "sha256=HEX", with blanks around it, as it is copied from a web page. */
static bool parse_sha256(struct job *job, const char *text)
{
	static const char prefix[] = "sha256=", blanks[] = " \t\r\n";
	char digits[2 * SHA256_BYTES + 1];
	size_t n;

	text += strspn(text, blanks);
	if (strncmp(text, prefix, strlen(prefix)) == 0)
		text += strlen(prefix);
	n = strcspn(text, blanks);
	if (n >= sizeof digits || text[n + strspn(text + n, blanks)] != '\0')
		return false;
	memcpy(digits, text, n);
	digits[n] = '\0';
	job->has_sha256 = true;
	return hex_decode(job->sha256, sizeof job->sha256, digits);
}

/* The list's own copy of the directory that WISH names. 0, -ENOMEM, or -EINVAL with WHY. */
static int job_dir(struct job_list *list, struct job *job, const struct job_wish *wish, char *why,
		   size_t size)
{
	char **dirs = list->dirs;
	const char *byte;

	if (!*wish->dir)
		return refuse(why, size, _("dir= names no directory"), "");
	for (byte = wish->dir; *byte; byte++)
		if ((unsigned char)*byte < ' ' || *byte == 0x7f)
			return refuse(why, size,
				      _("the name of a directory holds a control character"), "");
	for (unsigned i = 0; i < list->dir_count && !job->dir; i++)
		if (strcmp(dirs[i], wish->dir) == 0)
			job->dir = dirs[i];
	if (job->dir)
		return 0;
	if (list->dir_count == OUTPUT_DIRS_MAX) {
		(void)snprintf(why, size, _("more than %d different directories: divide the list"),
			       OUTPUT_DIRS_MAX);
		return -EINVAL;
	}
	dirs = reallocarray(dirs, list->dir_count + 1, sizeof *dirs);
	if (!dirs)
		return -ENOMEM;
	list->dirs = dirs;
	job->dir = dirs[list->dir_count] = strdup(wish->dir);
	if (!job->dir)
		return -ENOMEM;
	list->dir_count++;
	return 0;
}

/* Fills JOB. 0, -ENOMEM, or -EINVAL with WHY; what it allocated is JOB's either way. */
static int fill(struct job *job, const struct job_wish *wish, char *why, size_t size)
{
	enum filename_error error = wish->name ? filename_check(wish->name) : FILENAME_OK;

	if (error != FILENAME_OK)
		return refuse(why, size, _("the output name cannot be used: "),
			      _(filename_strerror(error)));
	if (wish->sha256 && !parse_sha256(job, wish->sha256))
		return refuse(why, size, _("sha256 needs 64 hexadecimal digits, not "),
			      wish->sha256);
	job->url = url_clean(wish->url);
	if (!job->url)
		return errno == EINVAL ?
			       refuse(why, size, _("a URL holds a control character"), "") :
			       -ENOMEM;
	if (!*job->url)
		return refuse(why, size, _("a URL is empty"), "");
	job->shown = url_without_password(job->url);
	job->name_given = wish->name != NULL;
	return job->shown ? job_name(job, wish->name) : -ENOMEM;
}

void job_free(struct job *job)
{
	free(job->url);
	free(job->shown);
	free(job->name);
	free(job->path);
}

int job_list_add(struct job_list *list, const struct job_wish *wish, char *why, size_t size)
{
	struct job *job = list_grow(list);
	int rc;

	if (!job)
		return -ENOMEM;
	*job = (struct job){ .state = JOB_READY, .total = UINT64_MAX };
	rc = wish->dir ? job_dir(list, job, wish, why, size) : 0;
	if (rc == 0)
		rc = fill(job, wish, why, size);
	if (rc == 0)
		list->count++;
	else
		job_free(job);
	return rc;
}

void job_list_free(struct job_list *list)
{
	size_t i;

	for (i = 0; i < list->count; i++)
		job_free(&list->jobs[i]);
	free(list->jobs);
	while (list->dir_count > 0)
		free(list->dirs[--list->dir_count]);
	free(list->dirs);
	*list = (struct job_list){ .jobs = NULL };
}
