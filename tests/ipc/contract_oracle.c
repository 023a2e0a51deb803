/* SPDX-License-Identifier: MIT */
/* contract_oracle.c - what a rule may have left behind; see contract.h */
#include "config.h"

#include "tests/ipc/contract.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

/* ---- in the rule's own process ---- */

static long entries(const char *path)
{
	DIR *dir = opendir(path);
	long count = 0;

	CHECK(dir);
	while (readdir(dir))
		count++;
	(void)closedir(dir);
	return count;
}

static long shared_mappings(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char *line = NULL;
	size_t size = 0;
	long count = 0;

	CHECK(maps);
	while (getline(&line, &size, maps) > 0) {
		const char *mode = strchr(line, ' ');

		if (mode && mode[4] == 's')
			count++;
	}
	free(line);
	(void)fclose(maps);
	return count;
}

void oracle_look(struct oracle *now)
{
	now->fds = entries("/proc/self/fd");
	now->threads = entries("/proc/self/task");
	now->shared_maps = shared_mappings();
}

void oracle_check(const struct oracle *before)
{
	struct timespec nap = { .tv_nsec = 1000000 };
	struct oracle now;
	int status, tries;

	CHECK(waitpid(-1, &status, WNOHANG) < 0 && errno == ECHILD);
	oracle_look(&now);
	/* A thread that was joined may still be on its way out of /proc. */
	for (tries = 0; now.threads > before->threads && tries < 1000; tries++) {
		(void)nanosleep(&nap, NULL);
		oracle_look(&now);
	}
	CHECK_EQ(now.threads, before->threads);
	CHECK_EQ(now.fds, before->fds);
	CHECK_EQ(now.shared_maps, before->shared_maps);
}

/* ---- what outlives processes ---- */

struct listing {
	char **name;
	size_t count;
};

static void listing_add(struct listing *listing, const char *kind, const char *name)
{
	char text[600];

	listing->name = reallocarray(listing->name, listing->count + 1, sizeof *listing->name);
	CHECK(listing->name);
	(void)snprintf(text, sizeof text, "%s %s", kind, name);
	listing->name[listing->count] = strdup(text);
	CHECK(listing->name[listing->count++]);
}

/* No mechanism makes a directory there, but a test that runs beside this one may. */
static void list_directory(struct listing *listing, const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;

	if (!dir)
		return; /* /dev/mqueue need not be mounted */
	while ((entry = readdir(dir)))
		if (entry->d_type != DT_DIR)
			listing_add(listing, path, entry->d_name);
	(void)closedir(dir);
}

/* /proc/sysvipc: one object a line, key and id in front. */
static void list_sysv(struct listing *listing, const char *path)
{
	FILE *file = fopen(path, "re");
	char line[256], key[64], id[64];

	if (!file)
		return;
	while (fgets(line, sizeof line, file)) {
		char both[160];

		if (sscanf(line, "%63s %63s", key, id) != 2 || strcmp(key, "key") == 0)
			continue;
		(void)snprintf(both, sizeof both, "%s %s", key, id);
		listing_add(listing, path, both);
	}
	(void)fclose(file);
}

struct listing *listing_take(void)
{
	struct listing *listing = calloc(1, sizeof *listing);

	CHECK(listing);
	list_directory(listing, "/dev/shm");
	list_directory(listing, "/dev/mqueue");
	list_sysv(listing, "/proc/sysvipc/shm");
	list_sysv(listing, "/proc/sysvipc/sem");
	list_sysv(listing, "/proc/sysvipc/msg");
	return listing;
}

void listing_free(struct listing *listing)
{
	while (listing->count > 0)
		free(listing->name[--listing->count]);
	free(listing->name);
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

static const char *first_new(const struct listing *before, const struct listing *now)
{
	size_t i;

	for (i = 0; i < now->count; i++)
		if (!listing_has(before, now->name[i]))
			return now->name[i];
	return NULL;
}

/*
 * A program that runs beside this one may hold a name for the moment between shm_open and
 * shm_unlink, so what is new is looked at again: a leak stays.
 */
char *listing_new_since(const struct listing *before)
{
	struct timespec nap = { .tv_nsec = 10000000 };
	char *suspect = NULL;
	int tries;

	for (tries = 0; tries < 50; tries++) {
		struct listing *now = listing_take();
		const char *found = suspect && listing_has(now, suspect) ? suspect :
									   first_new(before, now);

		if (found != suspect) {
			free(suspect);
			suspect = found ? strdup(found) : NULL;
		}
		listing_free(now);
		if (!suspect)
			return NULL;
		(void)nanosleep(&nap, NULL);
	}
	return suspect;
}
