/* SPDX-License-Identifier: MIT */
/*
 * options_fuzz.c - command lines, as words that end with a zero byte. A usage error ends the
 * program, and is caught on the way out. See fuzz.h.
 */
#include "config.h"

#include <setjmp.h>
#include <stdbool.h>

#include "common/options.h"
#include "tests/fuzz/fuzz.h"

#define WORDS_MAX 32

struct values {
	bool flag;
	unsigned count;
	uint64_t bytes;
	const char *text;
	int choice;
	double range[2];
};

static const char *const choices[] = { "pipe", "unix", "shm", NULL };

static const struct option_spec specs[] = {
	{ .name = "flag",
	  .key = 'f',
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct values, flag) },
	{ .name = "count",
	  .key = 'c',
	  .arg = "N",
	  .type = OPTION_COUNT,
	  .offset = offsetof(struct values, count),
	  .min = 1,
	  .max = 1024,
	  .initial = "4" },
	{ .name = "bytes",
	  .key = 256,
	  .arg = "BYTES",
	  .type = OPTION_BYTES,
	  .offset = offsetof(struct values, bytes),
	  .min = 8,
	  .max = 1u << 30,
	  .initial = "1M" },
	{ .name = "text",
	  .key = 't',
	  .arg = "TEXT",
	  .type = OPTION_TEXT,
	  .offset = offsetof(struct values, text) },
	{ .name = "choice",
	  .key = 257,
	  .arg = "NAME",
	  .type = OPTION_CHOICE,
	  .offset = offsetof(struct values, choice),
	  .choices = choices,
	  .initial = "pipe" },
	{ .name = "range",
	  .key = 258,
	  .arg = "A-B",
	  .type = OPTION_RANGE,
	  .offset = offsetof(struct values, range),
	  .min = 0,
	  .max = 100,
	  .initial = "0-1" },
	{ .name = NULL },
};

static int argument(void *values, const char *word, struct argp_state *state)
{
	(void)values;
	(void)state;
	REQUIRE(word);
	return 0;
}

static const struct command_options command = { .usage = "[WORD...]",
						.doc = "fuzzed",
						.specs = specs,
						.argument = argument };

static jmp_buf ended;
static bool parsing, registered;
static int exit_status;

/* argp's own exit cannot be replaced; but it comes by here, and does not come back. */
static void back(int status, void *arg)
{
	(void)arg;
	registered = false;
	if (!parsing)
		return;
	exit_status = status;
	longjmp(ended, 1);
}

/* What exit would have left to the system stays allocated. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}

static void check_values(const struct values *values)
{
	REQUIRE(values->count >= 1 && values->count <= 1024);
	REQUIRE(values->bytes >= 8 && values->bytes <= 1u << 30);
	REQUIRE(values->choice >= 0 && values->choice < 3);
	REQUIRE(values->range[0] >= 0 && values->range[0] <= values->range[1] &&
		values->range[1] <= 100);
}

/* Errors and help go to streams that nobody reads. */
static void hush(FILE *nowhere[2])
{
	FILE *out = stdout, *error = stderr;

	stdout = nowhere[0];
	stderr = nowhere[1];
	nowhere[0] = out;
	nowhere[1] = error;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static FILE *nowhere[2];
	static struct values values;
	static char *words[WORDS_MAX + 2], *text;
	static int count;
	char *word;

	if (!nowhere[0]) {
		nowhere[0] = fopen("/dev/null", "we");
		nowhere[1] = fopen("/dev/null", "we");
		REQUIRE(nowhere[0] && nowhere[1]);
	}
	text = input_text(data, size);
	words[0] = (char[]){ "fuzz" };
	count = 1;
	for (word = text; word < text + size && count <= WORDS_MAX; word += strlen(word) + 1)
		if (strncmp(word, "--H", 3) != 0) /* argp's --HANG sleeps for an hour */
			words[count++] = word;
	words[count] = NULL;
	values = (struct values){ .count = 0 };
	if (!registered)
		REQUIRE(on_exit(back, NULL) == 0);
	registered = true;
	hush(nowhere);
	exit_status = -1;
	parsing = true;
	if (setjmp(ended) == 0)
		options_parse(&command, &values, count, words);
	parsing = false;
	hush(nowhere);
	if (exit_status < 0)
		check_values(&values);
	else
		REQUIRE(exit_status == 2 || exit_status == 0);
	free(text);
	return 0;
}
