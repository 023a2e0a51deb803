/* SPDX-License-Identifier: MIT */
/* objects.c - see objects.h */
#include "config.h"

#include "tests/harness/objects.h"

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct listing {
	char **name;
	bool *in_use; /* by another process, which lives */
	size_t count, room;
};

__attribute__((format(printf, 2, 3))) static void listing_add(struct listing *listing,
							      const char *format, ...)
{
	va_list args;

	if (listing->count == listing->room) {
		listing->room = listing->room ? 2 * listing->room : 32;
		listing->name = reallocarray(listing->name, listing->room, sizeof *listing->name);
		listing->in_use =
			reallocarray(listing->in_use, listing->room, sizeof *listing->in_use);
		if (!listing->name || !listing->in_use)
			err(EXIT_FAILURE, "listing");
	}
	va_start(args, format);
	if (vasprintf(&listing->name[listing->count], format, args) < 0)
		err(EXIT_FAILURE, "listing");
	va_end(args);
	listing->in_use[listing->count] = false;
	listing->count++;
}

void listing_add_directory(struct listing *listing, const char *path, bool directories)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;
	struct stat st;

	while (dir && (entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    st.st_uid != geteuid() || (S_ISDIR(st.st_mode) && !directories))
			continue;
		listing_add(listing, "%s/%s", path, entry->d_name);
	}
	if (dir)
		(void)closedir(dir);
}

/* Behind COUNT columns of LINE. */
static const char *skip_columns(const char *line, int count)
{
	for (; count > 0; count--) {
		line += strspn(line, " ");
		line += strcspn(line, " ");
	}
	return line;
}

/* Which column of HEADING says NAME, counted from 0; -1: none. */
static int column_of(const char *heading, const char *name)
{
	char word[32];
	int column, length;

	for (column = 0; sscanf(heading, "%31s%n", word, &length) == 1; column++) {
		if (strcmp(word, name) == 0)
			return column;
		heading += length;
	}
	return -1;
}

static long number_in(const char *line, int column)
{
	return column < 0 ? 0 : strtol(skip_columns(line, column), NULL, 10);
}

/* A queue that we were the last to use ourselves is ours to account for. */
static bool is_another(long pid)
{
	return pid > 0 && pid != getpid() && (kill((pid_t)pid, 0) == 0 || errno == EPERM);
}

/*
 * A heading, then one object a line: key and id in front, somewhere its creator's uid and the
 * processes that last used it.
 */
static void list_sysv(struct listing *listing, const char *kind)
{
	static const char *const users[] = { "cpid", "lpid", "lspid", "lrpid" };
	char path[64], line[512];
	int creator = -1, user[sizeof users / sizeof users[0]];
	FILE *file;
	size_t i;

	(void)snprintf(path, sizeof path, "/proc/sysvipc/%s", kind);
	file = fopen(path, "re");
	if (!file)
		return; /* a kernel without System V IPC */
	if (!fgets(line, sizeof line, file))
		line[0] = '\0';
	creator = column_of(line, "cuid");
	for (i = 0; i < sizeof users / sizeof users[0]; i++)
		user[i] = column_of(line, users[i]);
	while (fgets(line, sizeof line, file)) {
		long key, id;

		if (number_in(line, creator) != (long)geteuid() ||
		    sscanf(line, "%ld %ld", &key, &id) != 2)
			continue;
		listing_add(listing, "System V %s id %ld key %#x", kind, id, (unsigned)key);
		for (i = 0; i < sizeof users / sizeof users[0]; i++)
			listing->in_use[listing->count - 1] |= is_another(number_in(line, user[i]));
	}
	(void)fclose(file);
}

struct listing *listing_take(void)
{
	struct listing *listing = calloc(1, sizeof *listing);

	if (!listing)
		err(EXIT_FAILURE, "listing");
	/* No mechanism makes a directory there, but a test that runs beside this one may. */
	listing_add_directory(listing, "/dev/shm", false);
	listing_add_directory(listing, "/dev/mqueue", false);
	list_sysv(listing, "shm");
	list_sysv(listing, "sem");
	list_sysv(listing, "msg");
	return listing;
}

void listing_free(struct listing *listing)
{
	while (listing->count > 0)
		free(listing->name[--listing->count]);
	free(listing->name);
	free(listing->in_use);
	free(listing);
}

static bool listing_has(const struct listing *listing, const char *name)
{
	size_t i;

	for (i = 0; i < listing->count; i++)
		if (strcmp(listing->name[i], name) == 0)
			return true;
	return false;
}

const char *listing_next_new(const struct listing *before, const struct listing *now, size_t *at)
{
	while (*at < now->count)
		if (!listing_has(before, now->name[(*at)++]) && !now->in_use[*at - 1])
			return now->name[*at - 1];
	return NULL;
}
