/* SPDX-License-Identifier: MIT */
/*
 * options.h - one table per command: name, type, range, default, help. Parsing, --help, the man
 * page and the error lines all come from it.
 *
 * argp(3) reads the command line, help.c lays out the help. A usage error ends the program with
 * exit status 2. Nothing here is for several threads at once. What --help prints is marked N_() in
 * the tables, and translated where it is printed.
 */
#ifndef IPCDEMO_OPTIONS_H
#define IPCDEMO_OPTIONS_H

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text;

enum option_type {
	OPTION_FLAG,   /* bool: true when given */
	OPTION_COUNT,  /* unsigned, MIN..MAX */
	OPTION_BYTES,  /* uint64_t, with a suffix K, M, G (powers of 1,024) or without */
	OPTION_TEXT,   /* const char *: points into argv, or is the default */
	OPTION_LIST,   /* const char **: such a text each time, NULL at the end; to be freed */
	OPTION_DETAIL, /* const char *: as OPTION_TEXT, "" if given without an argument */
	OPTION_CHOICE, /* int: the index of a word in CHOICES */
	OPTION_RANGE,  /* double[2]: LEAST-MOST, or one figure for both */
};

struct option_spec {
	const char *name; /* long; NULL ends the table */
	int key;          /* the short letter, or a number above 255 */
	const char *arg;  /* what --help calls the argument */
	enum option_type type;
	size_t offset;              /* of the value in the command's struct */
	uint64_t min, max;          /* OPTION_COUNT, OPTION_BYTES, OPTION_RANGE */
	const char *initial;        /* the default, as a user would type it; NULL: zero */
	const char *const *choices; /* OPTION_CHOICE: its words, NULL at the end; OPTION_TEXT: the
				       words of a list, for the shell's completion */
	const char *help;
	int group; /* from 1: under that heading of the command */
};

/* An option of similar programs that this command has by another name. */
struct option_elsewhere {
	const char *name; /* long, or one letter; NULL ends the table */
	const char *here; /* as it is typed; NULL: what it asks for is always so */
};

struct command_options {
	const char *usage;           /* arguments, for the usage line */
	const char *doc;             /* before the options */
	const char *end;             /* behind them; NULL: nothing */
	const char *const *headings; /* of the options' groups, ends with NULL; NULL: no groups */
	const struct option_spec *specs;
	const struct option_elsewhere *elsewhere; /* may be NULL */
	/* Adds rows to the help (help.h) behind doc, in so many columns. May be NULL. */
	void (*describe)(struct text *help, unsigned columns);
	/* Words that --help adds to an option, by index, NULL at the end. May be NULL. */
	const char *(*words)(const char *option, size_t index);
	/* Takes a plain argument. Non-zero: refused, its reason is printed. NULL: takes none. */
	int (*argument)(void *values, const char *argument, struct argp_state *state);
	/* Runs after the last; checks what belongs together, refuses by argp_error. May be NULL. */
	void (*finish)(void *values, struct argp_state *state);
};

/*
 * Sets the defaults in VALUES and reads ARGV into it. A usage error prints a line to stderr and
 * argp's hint at --help, and exits with 2; --help and --version print to stdout and exit with 0.
 */
void options_parse(const struct command_options *command, void *values, int argc, char **argv);

/*
 * Reads TEXT as an OPTION_COUNT of SPEC (digits) or as bytes (digits and perhaps K, M or G). A
 * usage error, as above, if it is not a number or outside MIN..MAX. For lists of numbers.
 */
uint64_t options_number(const struct option_spec *spec, bool bytes, const char *text,
			const struct argp_state *state);

/* The index of TEXT in WORDS, which end with NULL; else a usage error that names all of them. */
int options_choice(const char *option, const char *const *words, const char *text,
		   const struct argp_state *state);

/* The word that TYPED may mean, or NULL. WORD returns the words by index, NULL at the end. */
const char *options_suggest(const char *typed, const char *(*word)(size_t index));

#endif
