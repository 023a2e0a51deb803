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

#include "tests/harness/objects.h"

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

/*
 * A program that runs beside this one may hold a name for the moment between shm_open and
 * shm_unlink, so what is new is looked at again: a leak stays. Where all is shared, a program that
 * was killed may leave a queue until the next one removes it.
 */
char *listing_new_since(const struct listing *before, bool isolated)
{
	struct timespec nap = { .tv_nsec = 10000000 };
	char *suspect = NULL;
	int tries;

	for (tries = isolated ? 50 : 1000; tries > 0; tries--) {
		struct listing *now = listing_take();
		const char *found = NULL, *name;
		size_t at = 0;

		while ((name = listing_next_new(before, now, &at)))
			if (!found || (suspect && strcmp(name, suspect) == 0))
				found = name;
		free(suspect);
		suspect = found ? strdup(found) : NULL;
		listing_free(now);
		if (!suspect)
			return NULL;
		(void)nanosleep(&nap, NULL);
	}
	return suspect;
}

/* ---- what a mechanism has mapped ---- */

unsigned memory_given(const struct world *w, struct mapping *found)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char *line = NULL, mode[8];
	size_t size = 0;
	unsigned count = 0;
	uintptr_t from, to;

	CHECK(maps);
	while (getline(&line, &size, maps) > 0 && count < MAPPINGS_MAX) {
		if (sscanf(line, "%lx-%lx %7s", &from, &to, mode) != 3 || strcmp(mode, "rw-s") != 0)
			continue;
		if (from <= (uintptr_t)w->board && (uintptr_t)w->board < to)
			continue;
		if (from <= (uintptr_t)contract_digest && (uintptr_t)contract_digest < to)
			continue;
		found[count].words = (uint64_t *)from;
		found[count++].count = (to - from) / 8;
	}
	free(line);
	(void)fclose(maps);
	return count;
}
