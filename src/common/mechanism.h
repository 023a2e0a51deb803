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
 * A *NAME with a slash in it is a module, a mechanism in a shared object of the user's own: loads
 * it, for as long as the process lives, and *NAME becomes its mechanism's name. Any other name
 * stays as it is. 0; else an exit code, and a line on stderr.
 */
int mechanism_load(const char **name);

/* For command_options.words: the names of all mechanisms behind the help of --ipc. */
const char *mechanism_words(const char *option, size_t index);

/* Prints a line for each: name, availability, summary. For `--ipc=help`. */
void mechanism_print_all(FILE *out);

#endif
