/* SPDX-License-Identifier: MIT */
/*
 * options.h - one table per command: name, type, range, default, help. Parsing, --help, the man
 * page and the error lines all come from it.
 *
 * argp(3) does the reading and the layout; usage errors end the program with status 2.
 */
#ifndef IPCDEMO_OPTIONS_H
#define IPCDEMO_OPTIONS_H

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum option_type {
	OPTION_FLAG,   /* bool: true when given */
	OPTION_COUNT,  /* unsigned, MIN..MAX */
	OPTION_BYTES,  /* uint64_t, with a suffix K, M, G (powers of 1,024) or without */
	OPTION_TEXT,   /* const char *: points into argv */
	OPTION_CHOICE, /* int: the index of a word in CHOICES */
	OPTION_RANGE,  /* double[2]: MIN-MAX, or one figure for both */
};

struct option_spec {
	const char *name; /* long; NULL ends the table */
	int key;          /* the short letter, or a number above 255 */
	const char *arg;  /* what --help calls the argument */
	enum option_type type;
	size_t offset;              /* of the value in the command's struct */
	uint64_t min, max;          /* OPTION_COUNT, OPTION_BYTES, OPTION_RANGE */
	const char *initial;        /* the default, as a user would type it; NULL: zero */
	const char *const *choices; /* OPTION_CHOICE: ends with NULL */
	const char *help;
	int group;
};

struct command_options {
	const char *usage; /* arguments, for the usage line */
	const char *doc;   /* before the options; behind a \v: after them */
	const struct option_spec *specs;
	/* A plain argument. 0, or non-zero to refuse it (already told). NULL: none are taken. */
	int (*argument)(void *values, const char *argument, struct argp_state *state);
	/* After the last; checks what belongs together, tells by argp_error. May be NULL. */
	void (*finish)(void *values, struct argp_state *state);
};

/*
 * Sets the defaults in VALUES and reads ARGV into it. A usage error is a line on stderr, argp's
 * hint at --help, and exit 2;
 * --help and --version print to stdout and exit with 0.
 */
void options_parse(const struct command_options *command, void *values, int argc, char **argv);

/* Which of the words (WORD gives them by index, NULL at the end) TYPED may mean, or NULL. */
const char *options_suggest(const char *typed, const char *(*word)(size_t index));

#endif
