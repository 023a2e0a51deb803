/* SPDX-License-Identifier: MIT */
/* help.h - what --help prints: the table of options.h as a text, as wide as the terminal. */
#ifndef IPCDEMO_HELP_H
#define IPCDEMO_HELP_H

#include "common/options.h"
#include "common/text.h"

#define HELP_KEY    '?'
#define USAGE_KEY   0x7ffe
#define VERSION_KEY 'V'

/* The options of every command; NULL at the end. */
extern const struct option_spec help_common_options[];

/*
 * Adds a row: LEFT, then RIGHT from column COLUMN on, wrapped to COLUMNS. RIGHT begins on the next
 * line unless two blanks fit between them. Both are in the user's language.
 */
void help_add_row(struct text *help, const char *left, const char *right, size_t column,
		  unsigned columns);

/* Prints the help of COMMAND, called as NAME: for the terminal, for $COLUMNS, or 80 columns. */
void help_print(const struct command_options *command, const char *name);

#endif
