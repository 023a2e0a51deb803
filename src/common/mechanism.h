/* SPDX-License-Identifier: MIT */
/*
 * mechanism.h - naming a mechanism on the command line.
 */
#ifndef IPCDEMO_MECHANISM_H
#define IPCDEMO_MECHANISM_H

#include <stdbool.h>
#include <stdio.h>

/*
 * Checks that NAME is a mechanism and, if USE, usable here. 0; else an exit code, and a line on
 * stderr says what was wrong and what to do ("did you mean ...", why it is not available).
 */
int mechanism_check(const char *name, bool use);

/*
 * If *NAME holds a slash, it is a shared object with a mechanism of the user's own: loads it until
 * the process ends, and sets *NAME to the mechanism's name. Does not change other names. 0; else an
 * exit code, and a line on stderr.
 */
int mechanism_load(const char **name);

/* For command_options.words: the names of all mechanisms behind the help of --ipc. */
const char *mechanism_words(const char *option, size_t index);

/* Prints a line for each: name, availability, summary. For `--ipc=help`. */
void mechanism_print_all(FILE *out);

#endif
