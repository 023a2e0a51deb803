/* SPDX-License-Identifier: MIT */
/*
 * options_test.c - a command line against a table of every type: ranges, suffixes, choices,
 * defaults, --help, and what a usage error says.
 *
 * Usage errors end the program, so each command line is read in a child of its own.
 */
#include "config.h"

#include "common/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORDS_MAX 16

/* ---- a command of every type ---- */

struct values {
	bool flag;
	unsigned count, plain;
	uint64_t bytes;
	const char *text;
	int choice;
	double range[2];
	unsigned arguments;
	bool finished;
};

static const char *const colours[] = { "red", "green", "blue", NULL };

#define AT(member) .offset = offsetof(struct values, member)

static const struct option_spec specs[] = {
	{ .name = "flag",
	  .key = 'f',
	  .type = OPTION_FLAG,
	  AT(flag),
	  .help = "help of flag",
	  .group = 2 },
	{ .name = "count",
	  .key = 'c',
	  .arg = "N",
	  .type = OPTION_COUNT,
	  AT(count),
	  .min = 2,
	  .max = 1000,
	  .initial = "3",
	  .help = "help of count" },
	{ .name = "plain", .key = 300, .arg = "N", .type = OPTION_COUNT, AT(plain), .max = 9 },
	{ .name = "bytes",
	  .key = 301,
	  .arg = "BYTES",
	  .type = OPTION_BYTES,
	  AT(bytes),
	  .max = UINT64_MAX,
	  .initial = "64K",
	  .help = "help of bytes" },
	{ .name = "text",
	  .key = 't',
	  .arg = "TEXT",
	  .type = OPTION_TEXT,
	  AT(text),
	  .help = "help of text",
	  .group = 1 },
	{ .name = "choice",
	  .key = 302,
	  .arg = "COLOUR",
	  .type = OPTION_CHOICE,
	  AT(choice),
	  .choices = colours,
	  .initial = "green",
	  .help = "help of choice" },
	{ .name = "range",
	  .key = 303,
	  .arg = "A-B",
	  .type = OPTION_RANGE,
	  AT(range),
	  .max = 100,
	  .initial = "1.5-2" },
	{ .name = NULL },
};

static int take(void *values, const char *argument, struct argp_state *state)
{
	(void)state;
	((struct values *)values)->arguments++;
	return strcmp(argument, "refuse") == 0;
}

static void finish(void *values, struct argp_state *state)
{
	struct values *all = values;

	if (all->flag && all->count == 7)
		argp_error(state, "--flag does not go with seven");
	all->finished = true;
}

static const char *const headings[] = { "First:", "Second:", NULL };

static const char *words(const char *option, size_t index)
{
	return strcmp(option, "text") == 0 && index < 3 ? colours[index] : NULL;
}

static const struct command_options command = { .usage = "[THING...]",
						.doc = "Doc.",
						.headings = headings,
						.specs = specs,
						.words = words,
						.argument = take,
						.finish = finish };
static const struct command_options bare = { .specs = specs };

/* ---- running it ---- */

struct outcome {
	struct values values;
	bool returned;
	int status; /* as of waitpid */
	char out[4096], err[4096];
};

/* The words of LINE, which begins with the program. */
static int split(char *line, char **argv)
{
	char *next = NULL;
	int argc = 0;

	for (char *word = strtok_r(line, " ", &next); word; word = strtok_r(NULL, " ", &next)) {
		assert_in_range(argc, 0, WORDS_MAX);
		argv[argc++] = word;
	}
	argv[argc] = NULL;
	return argc;
}

static void slurp(int fd, char *text, size_t size)
{
	ssize_t n = pread(fd, text, size - 1, 0);

	assert_true(n >= 0);
	text[n] = '\0';
	close(fd);
}

/* Reads LINE in a child. The outcome is shared memory, to be unmapped by forget(). */
static struct outcome *run_words(const struct command_options *options, int argc, char **argv)
{
	struct outcome *outcome = mmap(NULL, sizeof *outcome, PROT_READ | PROT_WRITE,
				       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int out = memfd_create("out", MFD_CLOEXEC), err = memfd_create("err", MFD_CLOEXEC);
	pid_t pid;

	assert_true(outcome != MAP_FAILED && out >= 0 && err >= 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)dup2(out, STDOUT_FILENO);
		(void)dup2(err, STDERR_FILENO);
		options_parse(options, &outcome->values, argc, argv);
		outcome->returned = true;
		exit(0);
	}
	assert_int_equal(waitpid(pid, &outcome->status, 0), pid);
	slurp(out, outcome->out, sizeof outcome->out);
	slurp(err, outcome->err, sizeof outcome->err);
	return outcome;
}

static struct outcome *run(const struct command_options *options, const char *line)
{
	char copy[512], *argv[WORDS_MAX + 2];

	(void)snprintf(copy, sizeof copy, "ipcdemo %s", line);
	return run_words(options, split(copy, argv), argv);
}

static void forget(struct outcome *outcome)
{
	assert_int_equal(munmap(outcome, sizeof *outcome), 0);
}

static struct values parse(const char *line)
{
	struct outcome *outcome = run(&command, line);
	struct values values = outcome->values;

	if (outcome->status != 0 || !outcome->returned)
		fail_msg("'%s' is refused: %s", line, outcome->err);
	assert_string_equal(outcome->out, "");
	assert_string_equal(outcome->err, "");
	assert_true(values.finished);
	forget(outcome);
	return values;
}

/*
 * Exit status 2, nothing on stdout, on stderr one line that names the program and says WHAT, and
 * at most argp's own line behind it, where to read more.
 */
static void assert_usage_error(const struct command_options *options, const char *line,
			       const char *what)
{
	struct outcome *outcome = run(options, line);
	const char *behind = strchr(outcome->err, '\n');

	if (outcome->returned || !WIFEXITED(outcome->status) || WEXITSTATUS(outcome->status) != 2)
		fail_msg("'%s' ends with status %#x, not exit 2", line, (unsigned)outcome->status);
	assert_string_equal(outcome->out, "");
	assert_int_equal(strncmp(outcome->err, "ipcdemo: ", 9), 0);
	assert_non_null(behind);
	if (!strstr(outcome->err, what) || strstr(outcome->err, what) > behind)
		fail_msg("'%s' says '%s', not '%s'", line, outcome->err, what);
	if (behind[1]) {
		assert_int_equal(strncmp(behind + 1, "Try `ipcdemo --help'", 20), 0);
		assert_string_equal(strchr(behind + 1, '\n'), "\n");
	}
	forget(outcome);
}

/* ---- values ---- */

static void test_options_nothing_given_gives_the_defaults(void **state)
{
	const struct values values = parse("");

	(void)state;
	assert_false(values.flag);
	assert_int_equal(values.count, 3);
	assert_int_equal(values.plain, 0);
	assert_true(values.bytes == 65536);
	assert_null(values.text);
	assert_int_equal(values.choice, 1);
	assert_true(values.range[0] == 1.5 && values.range[1] == 2);
	assert_int_equal(values.arguments, 0);
}

static void test_options_every_type_is_read(void **state)
{
	const struct values values =
		parse("a -fc 1000 --plain=9 --bytes=5 --text=-x --choice=blue --range=0-100 b");

	(void)state;
	assert_true(values.flag);
	assert_int_equal(values.count, 1000);
	assert_int_equal(values.plain, 9);
	assert_true(values.bytes == 5);
	assert_int_equal(values.choice, 2);
	assert_true(values.range[0] == 0 && values.range[1] == 100);
	assert_int_equal(values.arguments, 2);
}

static void test_options_text_points_into_argv(void **state)
{
	char word[] = "--text=a b", program[] = "ipcdemo";
	char *argv[] = { program, word, NULL };
	struct outcome *outcome = run_words(&command, 2, argv);

	(void)state;
	assert_int_equal(outcome->status, 0);
	assert_ptr_equal(outcome->values.text, word + 7);
	forget(outcome);
}

static void test_options_bytes_suffixes_are_powers_of_1024(void **state)
{
	(void)state;
	assert_true(parse("--bytes=0").bytes == 0);
	assert_true(parse("--bytes=7K").bytes == 7168);
	assert_true(parse("--bytes=3M").bytes == 3145728);
	assert_true(parse("--bytes=2G").bytes == UINT64_C(2147483648));
	assert_true(parse("--bytes=17179869183G").bytes == UINT64_MAX - 1073741823);
	assert_true(parse("--bytes=18446744073709551615").bytes == UINT64_MAX);
}

static void test_options_range_of_one_figure_is_both_ends(void **state)
{
	const struct values values = parse("--range=7.25");

	(void)state;
	assert_true(values.range[0] == 7.25 && values.range[1] == 7.25);
}

static void test_options_last_of_several_counts(void **state)
{
	(void)state;
	assert_int_equal(parse("-c 4 --count=5").count, 5);
	assert_int_equal(parse("--choice=red --choice=blue").choice, 2);
}

/* ---- what is refused ---- */

static void test_options_what_is_not_a_number_is_refused(void **state)
{
	static const char *const wrong[] = {
		"''", "x", "-1", "+4", "4x", "0x4", "4.0", "4K", "4,0"
	};
	char line[64];

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		(void)snprintf(line, sizeof line, "--count=%s", wrong[i]);
		assert_usage_error(&command, line, "--count: '");
	}
	assert_usage_error(&command, "-c x", "--count: 'x' is not a number");
	assert_usage_error(&command, "--bytes=1KB", "--bytes: '1KB' is not a number of bytes");
	assert_usage_error(&command, "--bytes=K", "--bytes: 'K' is not a number of bytes");
	assert_usage_error(&command, "--bytes=-5", "--bytes: '-5' is not a number of bytes");
}

/* strtoull(3) passes over white space, and then takes a sign: " -5" would be 2^64 - 5. */
static void test_options_number_behind_white_space_is_refused(void **state)
{
	static const char *const words[] = { "--bytes= -5", "--bytes= 5", "--count= 4",
					     "--count=\t4", "--bytes=\n-1" };

	(void)state;
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		char program[] = "ipcdemo", word[32];
		char *argv[] = { program, word, NULL };
		struct outcome *outcome;

		(void)snprintf(word, sizeof word, "%s", words[i]);
		outcome = run_words(&command, 2, argv);
		assert_true(WIFEXITED(outcome->status));
		assert_int_equal(WEXITSTATUS(outcome->status), 2);
		forget(outcome);
	}
}

static void test_options_out_of_range_names_the_range(void **state)
{
	static const char *const wrong[] = { "0", "1", "1001", "4294967298",
					     "18446744073709551618" };
	char line[64];

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		(void)snprintf(line, sizeof line, "--count=%s", wrong[i]);
		assert_usage_error(&command, line, "it goes from 2 to 1000");
	}
	assert_int_equal(parse("--count=2").count, 2);
	assert_usage_error(&command, "--bytes=17179869184G", "out of range");
	assert_usage_error(&command, "--bytes=18446744073709551616", "out of range");
}

static void test_options_broken_range_is_refused(void **state)
{
	static const char *const wrong[] = { "--range=x",     "--range=-",    "--range=5-",
					     "--range=1-2-3", "--range=1:2",  "--range=1-2x",
					     "--range=",      "--range=-1-5", "--range=nan",
					     "--range=1-inf", "--range=1--2" };
	static const char *const outside[] = { "--range=0-101", "--range=101", "--range=1-1e9" };

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		assert_usage_error(&command, wrong[i], "is not a range (such as 5-10)");
	for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++)
		assert_usage_error(&command, outside[i], "it goes from 0 to 100");
	assert_usage_error(&command, "--range=9-8", "'9-8' goes down: write the smaller");
}

static void test_options_unknown_choice_names_them_all(void **state)
{
	(void)state;
	assert_usage_error(&command, "--choice=pink", "'pink' is not one of red, green, blue");
	assert_usage_error(&command, "--choice=Red", "'Red' is not one of red, green, blue");
	assert_usage_error(&command, "--choice=gree", "'gree' is not one of red, green, blue");
	assert_usage_error(&command, "--choice=", "'' is not one of red, green, blue");
}

static void test_options_unknown_or_incomplete_option_is_refused(void **state)
{
	(void)state;
	assert_usage_error(&command, "--nope", "--nope");
	assert_usage_error(&command, "-x", "'x'");
	assert_usage_error(&command, "--count", "requires an argument");
	assert_usage_error(&command, "--flag=1", "doesn't allow an argument");
	assert_usage_error(&command, "-fx", "'x'");
	assert_usage_error(&command, "-fc", "requires an argument -- 'c'");
	assert_usage_error(&command, "--c=1", "'--c=1' is ambiguous: --count or --choice?");
	assert_usage_error(&command, "-c 4 --text -x --nope", "'--nope'");
}

static void test_options_argument_that_is_not_taken_is_refused(void **state)
{
	(void)state;
	assert_usage_error(&bare, "thing", "'thing' is one argument too many");
}

/* The command has told why; what must not happen is that it goes on without. */
static void test_options_argument_that_the_command_refuses_ends_the_program(void **state)
{
	struct outcome *outcome = run(&command, "a refuse b");

	(void)state;
	assert_false(outcome->returned);
	assert_true(WIFEXITED(outcome->status));
	assert_int_equal(WEXITSTATUS(outcome->status), 2);
	forget(outcome);
}

static void test_options_what_does_not_go_together_is_refused(void **state)
{
	(void)state;
	assert_usage_error(&command, "--flag -c 7", "--flag does not go with seven");
}

/* ---- help ---- */

static void test_options_help_is_made_from_the_table(void **state)
{
	static const char *const words[] = { "Usage: ipcdemo [OPTION...] [THING...]",
					     "Doc.",
					     "-f, --flag",
					     " Second:\n",
					     "help of flag\n",
					     " First:\n",
					     "help of text: red, green, blue\n",
					     "-c, --count=N",
					     "help of count (default 3)",
					     "--bytes=BYTES",
					     "help of bytes (default 64K)",
					     "--choice=COLOUR",
					     "help of choice (default green)" };
	struct outcome *outcome = run(&command, "--help");

	(void)state;
	assert_false(outcome->returned);
	assert_int_equal(outcome->status, 0);
	assert_string_equal(outcome->err, "");
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (!strstr(outcome->out, words[i]))
			fail_msg("--help does not say '%s'", words[i]);
	forget(outcome);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options_nothing_given_gives_the_defaults),
		cmocka_unit_test(test_options_every_type_is_read),
		cmocka_unit_test(test_options_text_points_into_argv),
		cmocka_unit_test(test_options_bytes_suffixes_are_powers_of_1024),
		cmocka_unit_test(test_options_range_of_one_figure_is_both_ends),
		cmocka_unit_test(test_options_last_of_several_counts),
		cmocka_unit_test(test_options_what_is_not_a_number_is_refused),
		cmocka_unit_test(test_options_number_behind_white_space_is_refused),
		cmocka_unit_test(test_options_out_of_range_names_the_range),
		cmocka_unit_test(test_options_broken_range_is_refused),
		cmocka_unit_test(test_options_unknown_choice_names_them_all),
		cmocka_unit_test(test_options_unknown_or_incomplete_option_is_refused),
		cmocka_unit_test(test_options_argument_that_is_not_taken_is_refused),
		cmocka_unit_test(test_options_argument_that_the_command_refuses_ends_the_program),
		cmocka_unit_test(test_options_what_does_not_go_together_is_refused),
		cmocka_unit_test(test_options_help_is_made_from_the_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
