/* SPDX-License-Identifier: MIT */
/* options.c - see options.h */
#include "config.h"

#include "common/options.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/exit_code.h"
#include "common/help.h"
#include "common/language.h"
#include "common/message.h"
#include "common/options_refused.h"

#define WORD_MAX     32     /* longer words are not compared for a suggestion */
#define LIST_OPTIONS 0x7fff /* the key of --list-options, which --help does not show */

/* argp's own messages: argp looks them up in our catalogue. */
static const char *const argp_says[] __attribute__((unused)) = {
	N_("Usage:"),
	N_(" [OPTION...]"),
	N_("Try `%s --help' or `%s --usage' for more information.\n"),
};

/* ---- what went wrong: each ends the program ---- */

static _Noreturn void refuse(const struct option_spec *spec, const char *text, int rc,
			     const struct argp_state *state)
{
	if (rc == -EDOM)
		argp_error(state, _("--%s: '%s' goes down: write the smaller figure first"),
			   spec->name, text);
	else if (rc == -ERANGE)
		argp_error(state,
			   _("--%s: %s is out of range: it goes from %" PRIu64 " to %" PRIu64),
			   spec->name, text, spec->min, spec->max);
	else
		argp_error(state,
			   spec->type == OPTION_BYTES ? _("--%s: '%s' is not a number of bytes "
							  "(such as 500K or 2G)") :
			   spec->type == OPTION_RANGE ? _("--%s: '%s' is not a range (such as "
							  "5-10)") :
							_("--%s: '%s' is not a number"),
			   spec->name, text);
	abort(); /* not reached: argp_error ends the program */
}

int options_choice(const char *option, const char *const *words, const char *text,
		   const struct argp_state *state)
{
	char all[256] = "";
	size_t used = 0;
	int i;

	for (i = 0; words[i]; i++)
		if (strcmp(words[i], text) == 0)
			return i;
	for (i = 0; words[i] && used < sizeof all; i++)
		used += (size_t)snprintf(all + used, sizeof all - used, "%s%s", i ? ", " : "",
					 words[i]);
	argp_error(state, _("--%s: '%s' is not one of %s"), option, text, all);
	abort();
}

/* ---- values ---- */

/* Digits, then a suffix if BYTES. -EINVAL: not a number, -ERANGE: out of range. */
static int parse_number(const char *text, bool bytes, const struct option_spec *spec,
			uint64_t *value)
{
	static const char suffixes[] = "KMG";
	const char *suffix;
	char *end;
	uint64_t factor = 1;

	errno = 0;
	*value = strtoull(text, &end, 10);
	if (!isdigit((unsigned char)text[0])) /* strtoull takes blanks and signs */
		return -EINVAL;
	if (bytes && *end && (suffix = strchr(suffixes, *end))) {
		factor = UINT64_C(1) << (10 * (suffix - suffixes + 1));
		end++;
	}
	if (*end)
		return -EINVAL;
	if (errno == ERANGE || *value > UINT64_MAX / factor)
		return -ERANGE;
	*value *= factor;
	return *value < spec->min || *value > spec->max ? -ERANGE : 0;
}

uint64_t options_number(const struct option_spec *spec, bool bytes, const char *text,
			const struct argp_state *state)
{
	uint64_t value;
	int rc = parse_number(text, bytes, spec, &value);

	if (rc < 0)
		refuse(spec, text, rc, state);
	return value;
}

/* As parse_number; -EDOM: the second figure is the smaller. */
static int parse_range(const char *text, const struct option_spec *spec, double range[2])
{
	char *end;
	int i;

	for (i = 0; i < 2; i++) {
		range[i] = strtod(text, &end);
		if (!isdigit((unsigned char)text[0]))
			return -EINVAL;
		if (!(range[i] >= (double)spec->min && range[i] <= (double)spec->max))
			return -ERANGE;
		if (i == 0 && !*end)
			range[++i] = range[0];
		else if (*end != (i == 0 ? '-' : '\0'))
			return -EINVAL;
		text = end + 1;
	}
	return range[0] > range[1] ? -EDOM : 0;
}

/* False when memory is short. */
static bool append(const char ***list, const char *text)
{
	const char **longer;
	size_t n = 0;

	while (*list && (*list)[n])
		n++;
	longer = reallocarray(*list, n + 2, sizeof *longer);
	if (!longer)
		return false;
	longer[n] = text;
	longer[n + 1] = NULL;
	*list = longer;
	return true;
}

/* STATE is NULL for a default, which is valid unless the table has a mistake. */
static void parse_value(const struct option_spec *spec, const char *text, void *values,
			const struct argp_state *state)
{
	void *at = (char *)values + spec->offset;
	int rc;

	switch (spec->type) {
	case OPTION_FLAG:
		*(bool *)at = true;
		return;
	case OPTION_TEXT:
	case OPTION_DETAIL:
		*(const char **)at = text ? text : "";
		return;
	case OPTION_LIST:
		if (!append(at, text))
			argp_failure(state, EXIT_INTERNAL, ENOMEM, "--%s", spec->name);
		return;
	case OPTION_CHOICE:
		*(int *)at = options_choice(spec->name, spec->choices, text, state);
		return;
	case OPTION_RANGE:
		rc = parse_range(text, spec, at);
		if (rc < 0)
			refuse(spec, text, rc, state);
		return;
	case OPTION_COUNT:
		*(unsigned *)at = (unsigned)options_number(spec, false, text, state);
		return;
	case OPTION_BYTES:
		*(uint64_t *)at = options_number(spec, true, text, state);
		return;
	}
}

/* ---- argp ---- */

struct parse {
	const struct command_options *command;
	void *values;
};

/*
 * For build-aux/completion.sh, a line an option: long name, letter or -, argument (in [] if it
 * may be missing), help, words; tabs between them.
 */
static void list_options(const struct command_options *command)
{
	const struct option_spec *spec;
	const char *word;
	size_t i;

	for (spec = command->specs; spec->name; spec++) {
		(void)printf(spec->type == OPTION_DETAIL ? "%s\t%c\t[%s]\t%s\t" :
							   "%s\t%c\t%s\t%s\t",
			     spec->name, spec->key < 256 ? spec->key : '-',
			     spec->arg ? spec->arg : "", spec->help);
		for (i = 0; spec->choices && spec->choices[i]; i++)
			(void)printf("%s ", spec->choices[i]);
		for (i = 0; command->words && (word = command->words(spec->name, i)); i++)
			(void)printf("%s ", word);
		(void)puts("");
	}
}

/* The options that each command has. */
static void parse_common(int key, const struct command_options *command,
			 const struct argp_state *state)
{
	if (key == HELP_KEY) {
		help_print(command, state->name);
		exit(0);
	}
	if (key == USAGE_KEY)
		argp_state_help(state, stdout, ARGP_HELP_USAGE | ARGP_HELP_EXIT_OK);
	if (key == VERSION_KEY) {
		if (argp_program_version_hook)
			argp_program_version_hook(stdout, (struct argp_state *)state);
		exit(0);
	}
}

static error_t take_key(int key, char *text, struct argp_state *state)
{
	const struct parse *parse = state->input;
	const struct option_spec *spec;

	if (key == ARGP_KEY_ERROR)
		options_refused(parse->command, state);
	if (key == ARGP_KEY_ARG && parse->command->argument)
		return parse->command->argument(parse->values, text, state) ? EINVAL : 0;
	if (key == ARGP_KEY_ARG)
		argp_error(state, _("'%s' is one argument too many"), text);
	if (key == LIST_OPTIONS) {
		list_options(parse->command);
		exit(0);
	}
	parse_common(key, parse->command, state);
	if (key == ARGP_KEY_END && parse->command->finish)
		parse->command->finish(parse->values, state);
	for (spec = parse->command->specs; spec->name; spec++) {
		if (spec->key != key)
			continue;
		parse_value(spec, text, parse->values, state);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

/*
 * getopt must not print its own messages. The flag for that silences argp_error too, so it is off
 * while this function runs.
 */
static error_t parse_key(int key, char *text, struct argp_state *state)
{
	error_t rc;

	state->flags &= ~(unsigned)ARGP_NO_ERRS;
	rc = take_key(key, text, state);
	state->flags |= ARGP_NO_ERRS;
	return rc;
}

static void set_defaults(const struct parse *parse)
{
	const struct option_spec *spec;

	for (spec = parse->command->specs; spec->name; spec++)
		if (spec->initial)
			parse_value(spec, spec->initial, parse->values, NULL);
}

static size_t count_specs(const struct option_spec *specs)
{
	size_t n = 0;

	while (specs[n].name)
		n++;
	return n;
}

/* The command's options, and those of all, as argp wants them, to be freed. */
static struct argp_option *argp_options(const struct command_options *command)
{
	const struct option_spec *const tables[] = { command->specs, help_common_options };
	struct argp_option *options;
	size_t n = 0, i, at;

	options = calloc(count_specs(tables[0]) + count_specs(tables[1]) + 2, sizeof *options);
	if (!options) {
		message_error("%s", language_errno(ENOMEM));
		exit(EXIT_UNAVAILABLE);
	}
	for (i = 0; i < 2; i++)
		for (at = 0; tables[i][at].name; at++)
			options[n++] = (struct argp_option){
				.name = tables[i][at].name,
				.key = tables[i][at].key,
				.arg = tables[i][at].arg,
				.flags = tables[i][at].type == OPTION_DETAIL ? OPTION_ARG_OPTIONAL :
									       0,
				.doc = tables[i][at].help,
				.group = tables[i][at].group,
			};
	options[n] = (struct argp_option){ .name = "list-options",
					   .key = LIST_OPTIONS,
					   .flags = OPTION_HIDDEN };
	return options;
}

void options_parse(const struct command_options *command, void *values, int argc, char **argv)
{
	struct parse parse = { .command = command, .values = values };
	struct argp argp = { .parser = parse_key, .args_doc = command->usage };
	struct argp_option *options = argp_options(command);

	argp.options = options;
	set_defaults(&parse);
	argp_err_exit_status = 2;
	if (argp_parse(&argp, argc, argv, ARGP_NO_HELP | ARGP_NO_ERRS, NULL, &parse) != 0)
		exit(argp_err_exit_status); /* an argument was refused, the reason is printed */
	free(options);
}

/* ---- did you mean ---- */

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Edits (insert, delete, replace, swap two neighbours) from A to B; both shorter than WORD_MAX. */
static size_t distance(const char *a, const char *b)
{
	size_t edits[WORD_MAX][WORD_MAX], i, j, n = strlen(a), m = strlen(b);

	for (i = 0; i <= n; i++)
		for (j = 0; j <= m; j++) {
			if (i == 0 || j == 0) {
				edits[i][j] = i + j;
				continue;
			}
			edits[i][j] = least(least(edits[i - 1][j], edits[i][j - 1]) + 1,
					    edits[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				edits[i][j] = least(edits[i][j], edits[i - 2][j - 2] + 1);
		}
	return edits[n][m];
}

const char *options_suggest(const char *typed, const char *(*word)(size_t index))
{
	const char *nearest = NULL, *candidate;
	size_t best = (strlen(typed) + 1) / 3 + 1; /* more edits are not a typing error */
	size_t i, d;

	if (!*typed || strlen(typed) >= WORD_MAX)
		return NULL;
	for (i = 0; (candidate = word(i)); i++) {
		if (strlen(candidate) >= WORD_MAX)
			continue;
		if (strncmp(typed, candidate, strlen(typed)) == 0)
			return candidate; /* TYPED is the beginning of a word */
		d = distance(typed, candidate);
		if (d < best) {
			best = d;
			nearest = candidate;
		}
	}
	return nearest;
}
