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

#define WORD_MAX 32 /* longer words are not compared for a suggestion */

/* ---- values ---- */

/* Digits, then a suffix if BYTES. -EINVAL what is no number, -ERANGE out of range. */
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
	return range[0] > range[1] ? -ERANGE : 0;
}

static int parse_choice(const char *text, const struct option_spec *spec, int *value)
{
	int i;

	for (i = 0; spec->choices[i]; i++) {
		if (strcmp(spec->choices[i], text) == 0) {
			*value = i;
			return 0;
		}
	}
	return -EINVAL;
}

static int parse_value(const struct option_spec *spec, const char *text, void *values)
{
	void *at = (char *)values + spec->offset;
	uint64_t number = 0;
	int rc;

	switch (spec->type) {
	case OPTION_FLAG:
		*(bool *)at = true;
		return 0;
	case OPTION_TEXT:
		*(const char **)at = text;
		return 0;
	case OPTION_CHOICE:
		return parse_choice(text, spec, at);
	case OPTION_RANGE:
		return parse_range(text, spec, at);
	case OPTION_COUNT:
		rc = parse_number(text, false, spec, &number);
		*(unsigned *)at = (unsigned)number;
		return rc;
	case OPTION_BYTES:
		return parse_number(text, true, spec, at);
	}
	return -EINVAL;
}

/* ---- what went wrong ---- */

static _Noreturn void refuse_choice(const struct option_spec *spec, const char *text,
				    struct argp_state *state)
{
	char words[256] = "";
	size_t used = 0, i;

	for (i = 0; spec->choices[i] && used < sizeof words; i++)
		used += (size_t)snprintf(words + used, sizeof words - used, "%s%s", i ? ", " : "",
					 spec->choices[i]);
	argp_error(state, "--%s: '%s' is none of %s", spec->name, text, words);
	abort(); /* argp_error has ended the program */
}

static _Noreturn void refuse(const struct option_spec *spec, const char *text, int rc,
			     struct argp_state *state)
{
	if (spec->type == OPTION_CHOICE)
		refuse_choice(spec, text, state);
	if (rc == -ERANGE)
		argp_error(state, "--%s: %s is out of range: it goes from %" PRIu64 " to %" PRIu64,
			   spec->name, text, spec->min, spec->max);
	else
		argp_error(state, "--%s: '%s' is no %s", spec->name, text,
			   spec->type == OPTION_BYTES ? "number of bytes (such as 500K or 2G)" :
			   spec->type == OPTION_RANGE ? "range (such as 5-10)" :
							"number");
	abort();
}

/* ---- argp ---- */

struct parse {
	const struct command_options *command;
	void *values;
};

static error_t parse_key(int key, char *text, struct argp_state *state)
{
	const struct parse *parse = state->input;
	const struct option_spec *spec;
	int rc;

	if (key == ARGP_KEY_ARG && parse->command->argument)
		return parse->command->argument(parse->values, text, state) ? EINVAL : 0;
	if (key == ARGP_KEY_ARG)
		argp_error(state, "'%s' is one argument too many", text);
	if (key == ARGP_KEY_END && parse->command->finish)
		parse->command->finish(parse->values, state);
	for (spec = parse->command->specs; spec->name; spec++) {
		if (spec->key != key)
			continue;
		rc = parse_value(spec, text, parse->values);
		if (rc < 0)
			refuse(spec, text, rc, state);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

/* Adds the default to the help of an option, so that it is written down once. */
static char *show_default(int key, const char *text, void *input)
{
	const struct parse *parse = input;
	const struct option_spec *spec;
	char *shown = NULL;

	if (!parse) /* argp also asks while it only looks for the layout */
		return (char *)(uintptr_t)text;
	for (spec = parse->command->specs; spec->name; spec++)
		if (spec->key == key && spec->initial && text &&
		    asprintf(&shown, "%s (default %s)", text, spec->initial) >= 0)
			return shown;
	return (char *)(uintptr_t)text;
}

static void set_defaults(const struct parse *parse)
{
	const struct option_spec *spec;

	for (spec = parse->command->specs; spec->name; spec++)
		if (spec->initial && parse_value(spec, spec->initial, parse->values) < 0)
			abort(); /* the table contradicts itself */
}

void options_parse(const struct command_options *command, void *values, int argc, char **argv)
{
	struct parse parse = { .command = command, .values = values };
	struct argp argp = { .parser = parse_key,
			     .args_doc = command->usage,
			     .doc = command->doc,
			     .help_filter = show_default };
	struct argp_option *options;
	size_t n = 0, i;

	while (command->specs[n].name)
		n++;
	options = calloc(n + 1, sizeof *options);
	if (!options)
		abort(); /* a few hundred bytes at the very start */
	for (i = 0; i < n; i++)
		options[i] = (struct argp_option){ .name = command->specs[i].name,
						   .key = command->specs[i].key,
						   .arg = command->specs[i].arg,
						   .doc = command->specs[i].help,
						   .group = command->specs[i].group };
	argp.options = n > 0 ? options : NULL; /* argp itself loses a byte of an empty list */
	set_defaults(&parse);
	argp_err_exit_status = 2;
	if (argp_parse(&argp, argc, argv, 0, NULL, &parse) != 0)
		exit(argp_err_exit_status); /* an argument was refused, and it was said why */
	free(options);
}

/* ---- did you mean ---- */

/* Edits (insert, delete, replace) from A to B; both shorter than WORD_MAX. */
static size_t distance(const char *a, const char *b)
{
	size_t row[WORD_MAX], i, j, corner, up, best;
	size_t n = strlen(b);

	for (j = 0; j <= n; j++)
		row[j] = j;
	for (i = 1; a[i - 1]; i++) {
		corner = row[0];
		row[0] = i;
		for (j = 1; j <= n; j++) {
			up = row[j];
			best = corner + (a[i - 1] != b[j - 1]);
			best = best < up + 1 ? best : up + 1;
			row[j] = best < row[j - 1] + 1 ? best : row[j - 1] + 1;
			corner = up;
		}
	}
	return row[n];
}

const char *options_suggest(const char *typed, const char *(*word)(size_t index))
{
	const char *nearest = NULL, *candidate;
	size_t best = strlen(typed) / 2 + 1; /* further away is no typing error */
	size_t i, d;

	if (!*typed || strlen(typed) >= WORD_MAX)
		return NULL;
	for (i = 0; (candidate = word(i)); i++) {
		if (strlen(candidate) >= WORD_MAX)
			continue;
		if (strncmp(typed, candidate, strlen(typed)) == 0)
			return candidate; /* the beginning of a word is no typing error */
		d = distance(typed, candidate);
		if (d < best) {
			best = d;
			nearest = candidate;
		}
	}
	return nearest;
}
