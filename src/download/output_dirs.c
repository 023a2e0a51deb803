/* SPDX-License-Identifier: MIT */
/* output_dirs.c - see output_dirs.h */
#include "config.h"

#include "download/output_dirs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "download/job_list.h"
#include "download/part_internal.h"

/* ---- one ---- */

/* mkdir -p: every component of PATH that is missing. */
static int make_path(const char *path)
{
	char *copy = strdup(path);
	char *end;
	int rc = 0;

	if (!copy)
		return -ENOMEM;
	/* Skips the slash before the first component, since "/" exists. */
	end = copy + strspn(copy, "/");
	do {
		char after;

		end += strcspn(end, "/");
		after = *end;
		*end = '\0';
		rc = sys_result(mkdir(copy, 0777));
		*end = after;
		end += strspn(end, "/");
	} while (*end && (rc == 0 || rc == -EEXIST));
	free(copy);
	return rc == -EEXIST ? 0 : rc;
}

static int open_dir(const char *path, bool make)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
	int dirfd = sys_result(TEMP_FAILURE_RETRY(open(path, flags)));
	int rc;

	if (dirfd == -ENOENT && *path && make) {
		rc = make_path(path);
		if (rc)
			return rc;
		dirfd = sys_result(TEMP_FAILURE_RETRY(open(path, flags)));
	}
	if (dirfd < 0)
		return dirfd;
	rc = sys_result(faccessat(dirfd, ".", W_OK | X_OK, AT_EACCESS));
	if (rc) {
		(void)close(dirfd); /* opened for reading: nothing to lose, here and below */
		return rc;
	}
	return dirfd;
}

int output_dir_open(const char *path)
{
	return open_dir(path, true);
}

/* ---- all ---- */

/* A name, as it is spelled, and what it was found to be. */
struct spelling {
	const char *name;
	int error;      /* -errno: it cannot be used */
	unsigned place; /* OUTPUT_DIRS_MAX and more: it is not open */
	char *missing;  /* of a dry run: what it would be */
};

struct search {
	bool dry_run;
	unsigned names, open;
	struct spelling spellings[OUTPUT_DIRS_MAX + 1];
	int fds[OUTPUT_DIRS_MAX + 1]; /* by place */
};

/* The part of PATH that exists, without links, and the rest behind it as mkdir -p would make it. To
 * be freed; NULL: no memory. */
static char *would_be(const char *path)
{
	size_t n = strlen(path);
	char *prefix = strdup(path), *real = NULL, *whole = NULL;
	const char *at = path;

	while (prefix && n > 0 && !(real = realpath(prefix, NULL))) {
		while (n > 0 && prefix[n - 1] == '/')
			n--;
		while (n > 0 && prefix[n - 1] != '/')
			n--;
		prefix[n] = '\0';
	}
	if (prefix && !real)
		real = realpath(".", NULL);
	if (real && strcmp(real, "/") == 0)
		*real = '\0';
	for (at += n; real && *at; at += strcspn(at, "/"), at += strspn(at, "/")) {
		const size_t length = strcspn(at, "/");
		char *end = strrchr(real, '/');

		if (length == 0 || (length == 1 && *at == '.'))
			continue;
		if (length == 2 && at[0] == '.' && at[1] == '.') {
			if (end)
				*end = '\0';
			continue;
		}
		whole = NULL;
		if (asprintf(&whole, "%s/%.*s", real, (int)length, at) < 0)
			whole = NULL;
		free(real);
		real = whole;
	}
	free(prefix);
	return real;
}

/* Gives SPELLING, which is open as FD, the place of its directory. Returns 0 or -errno. */
static int place_open(struct search *search, struct spelling *spelling, int fd)
{
	struct stat st, other;
	unsigned i;

	if (fstat(fd, &st) < 0)
		return -errno;
	for (i = 0; i < search->open; i++)
		if (fstat(search->fds[i], &other) == 0 && other.st_dev == st.st_dev &&
		    other.st_ino == st.st_ino)
			break;
	spelling->place = i;
	if (i < search->open)
		(void)close(fd);
	else
		search->fds[search->open++] = fd;
	return 0;
}

/* The same for one that a dry run does not make. */
static int place_missing(const struct search *search, struct spelling *spelling)
{
	unsigned i;

	spelling->missing = would_be(spelling->name);
	if (!spelling->missing)
		return -ENOMEM;
	for (i = 0; i < search->names; i++)
		if (search->spellings[i].missing &&
		    strcmp(search->spellings[i].missing, spelling->missing) == 0)
			spelling->place = search->spellings[i].place;
	return 0;
}

static const struct spelling *find(struct search *search, const char *name)
{
	struct spelling *spelling = search->spellings;
	int fd;

	for (; spelling < search->spellings + search->names; spelling++)
		if (strcmp(spelling->name, name) == 0)
			return spelling;
	*spelling = (struct spelling){ .name = name, .place = OUTPUT_DIRS_MAX + 1 + search->names };
	fd = open_dir(name, !search->dry_run);
	if (fd >= 0)
		spelling->error = place_open(search, spelling, fd);
	else if (fd == -ENOENT && search->dry_run && *name)
		spelling->error = place_missing(search, spelling);
	else
		spelling->error = fd;
	search->names++;
	return spelling;
}

/* ---- the row ---- */

static bool is_free(int first, unsigned count)
{
	while (count > 0)
		if (fcntl(first + (int)--count, F_GETFD) >= 0)
			return false;
	return true;
}

/* Moves the COUNT of FDS to numbers in a row. Returns the first, or -errno; FDS are closed. */
static int line_up(const int *fds, unsigned count)
{
	const int limit = (int)sysconf(_SC_OPEN_MAX);
	int size = 1, first, rc = 0;
	unsigned i;

	if (count == 1)
		return fds[0];
	while (size < (int)count)
		size *= 2;
	for (first = size; first + (int)count <= limit && !is_free(first, count);)
		first += size;
	if (first + (int)count > limit)
		rc = -EMFILE;
	for (i = 0; i < count; i++) {
		if (rc == 0 && dup3(fds[i], first + (int)i, O_CLOEXEC) < 0)
			rc = -errno; /* the process ends then, and with it those before */
		(void)close(fds[i]);
	}
	return rc < 0 ? rc : first;
}

/* DIR comes first: if it cannot be used, no other is made. */
static int place_jobs(struct search *search, struct job_list *jobs, const char *dir)
{
	const struct spelling *found;
	bool needed = false;
	size_t i;

	for (i = 0; i < jobs->count && !needed; i++)
		needed = jobs->jobs[i].state == JOB_READY && !jobs->jobs[i].dir;
	if (needed && (found = find(search, dir))->error)
		return found->error;
	for (i = 0; i < jobs->count; i++) {
		struct job *job = &jobs->jobs[i];

		if (job->state != JOB_READY)
			continue;
		found = find(search, job->dir ? job->dir : dir);
		job->place = found->place;
		if (found->error) {
			job->state = JOB_FAILED;
			job->failure =
				(struct failure){ .kind = FAILURE_DIR, .code = -found->error };
		}
	}
	return 0;
}

int output_dirs_open(struct output_dirs *dirs, struct job_list *jobs, const char *dir, bool dry_run)
{
	struct search search = { .dry_run = dry_run };
	int rc = place_jobs(&search, jobs, dir);

	*dirs = OUTPUT_DIRS_NONE;
	while (search.names > 0)
		free(search.spellings[--search.names].missing);
	if (rc == 0 && search.open > 0) {
		rc = line_up(search.fds, search.open);
		if (rc >= 0)
			*dirs = (struct output_dirs){ .first = rc, .count = search.open };
		return rc < 0 ? rc : 0;
	}
	while (search.open > 0)
		(void)close(search.fds[--search.open]);
	return rc;
}

void output_dirs_close(struct output_dirs *dirs)
{
	while (dirs->count > 0)
		(void)close(dirs->first + (int)--dirs->count);
	*dirs = OUTPUT_DIRS_NONE;
}
