/* SPDX-License-Identifier: MIT */
/*
 * mechanism.h - naming a mechanism on the command line.
 */
#ifndef IPCDEMO_MECHANISM_H
#define IPCDEMO_MECHANISM_H

#include <stdio.h>

/*
 * Is NAME a mechanism that can be used here? 0; else an exit code, with one line on stderr
 * that says what was wrong and what to do ("did you mean ...", why it is not available).
 */
int mechanism_check(const char *name);

/* One line for each: name, availability, summary. For `--ipc=help`. */
void mechanism_print_all(FILE *out);

#endif
