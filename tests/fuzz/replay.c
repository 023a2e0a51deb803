/* SPDX-License-Identifier: MIT */
/*
 * replay.c - a fuzz target in make check, with any compiler: the target sees each file of its
 * corpus, and then the same with small changes, which are the same in every run.
 *
 *	NAME_fuzz [--changes=N] [FILE...]
 *
 * Without a FILE: tests/fuzz/corpus/NAME/ of the source tree. What a crash was about is told:
 * the file, and how often it had been changed.
 */
#include "config.h"

#include <dirent.h>
#include <err.h>
#include <signal.h>
#include <stdbool.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"

#define INPUT_MAX 65536u
#define CHANGES   2000u /* of each file */

static const char *current; /* file */
static unsigned change;     /* 0: as it is */

static void say_input(int signo)
{
	char line[512];
	int n = snprintf(line, sizeof line, "signal %d at %s, change %u\n", signo, current, change);

	(void)!write(STDERR_FILENO, line, (size_t)n);
	(void)signal(signo, SIG_DFL);
	(void)raise(signo);
}

static uint32_t next(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*state >> 33);
}

/* One small change: a bit, a byte, a run that goes, is doubled or is one value. */
static size_t alter(uint8_t *data, size_t size, uint64_t *state)
{
	static const uint8_t telling[] = { 0, 1, 0x7f, 0x80, 0xff, '\n', '"', '%', '/', '.' };
	size_t at = size ? next(state) % size : 0, run = 1 + next(state) % 16;

	if (size == 0)
		return 0;
	if (run > size - at)
		run = size - at;
	switch (next(state) % 5) {
	case 0:
		data[at] ^= (uint8_t)(1u << next(state) % 8);
		break;
	case 1:
		data[at] = telling[next(state) % sizeof telling];
		break;
	case 2:
		memmove(data + at, data + at + run, size - at - run);
		return size - run;
	case 3:
		if (size + run > INPUT_MAX)
			break;
		memmove(data + at + run, data + at, size - at);
		return size + run;
	default:
		memset(data + at, telling[next(state) % sizeof telling], run);
	}
	return size;
}

/* A copy of its exact size, so that a look behind its end is seen. */
static void try(const uint8_t *data, size_t size)
{
	uint8_t *exact = malloc(size ? size : 1);

	if (!exact)
		err(1, "memory");
	memcpy(exact, data, size);
	(void)LLVMFuzzerTestOneInput(exact, size);
	free(exact);
}

static void replay(const char *path, unsigned changes)
{
	static uint8_t original[INPUT_MAX], data[INPUT_MAX];
	FILE *file = fopen(path, "re");
	uint64_t state = 1;
	size_t size, now = 0;

	if (!file)
		err(1, "%s", path);
	size = fread(original, 1, INPUT_MAX, file);
	(void)fclose(file);
	current = path;
	for (change = 0; change <= changes; change++) {
		if (change % 8 <= 1) { /* up to eight changes add up */
			memcpy(data, original, size);
			now = size;
		}
		if (change > 0)
			now = alter(data, now, &state);
		try(data, now);
	}
}

/* tests/fuzz/NAME_fuzz: the files of corpus/NAME. How many there were. */
static unsigned replay_corpus(const char *program, unsigned changes)
{
	const char *tree = getenv("abs_top_srcdir"), *name = strrchr(program, '/');
	char dir[4096], path[8192];
	const struct dirent *entry;
	unsigned files = 0;
	DIR *corpus;

	name = name ? name + 1 : program;
	(void)snprintf(dir, sizeof dir, "%s/tests/fuzz/corpus/%.*s", tree ? tree : "..",
		       (int)(strlen(name) - strlen("_fuzz")), name);
	corpus = opendir(dir);
	if (!corpus)
		err(1, "%s", dir);
	while ((entry = readdir(corpus))) {
		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof path, "%s/%s", dir, entry->d_name);
		replay(path, changes);
		files++;
	}
	(void)closedir(corpus);
	return files;
}

int main(int argc, char **argv)
{
	static const int crashes[] = { SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTERM };
	unsigned changes = CHANGES, files = 0;
	size_t i;
	int arg = 1;

	for (i = 0; i < sizeof crashes / sizeof crashes[0]; i++)
		(void)signal(crashes[i], say_input);
	if (arg < argc && strncmp(argv[arg], "--changes=", 10) == 0)
		changes = (unsigned)strtoul(argv[arg++] + 10, NULL, 10);
	if (arg == argc)
		files = replay_corpus(argv[0], changes);
	for (; arg < argc; arg++, files++)
		replay(argv[arg], changes);
	printf("%s: %u files, each with %u changes\n", argv[0], files, changes);
	return files > 0 ? 0 : 1;
}
