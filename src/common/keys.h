/* SPDX-License-Identifier: MIT */
/*
 * keys.h - single keys from the terminal on standard input, while the program is in its foreground.
 *
 * Line editing and echo are off meanwhile; Ctrl-C and Ctrl-Z stay signals.
 */
#ifndef IPCDEMO_KEYS_H
#define IPCDEMO_KEYS_H

#include <stdbool.h>
#include <termios.h>

struct keys {
	int fd; /* readable when keys_next has one; -1: there are none */
	bool changed;
	struct termios old;
};

#define KEYS_NONE ((struct keys){ .fd = -1 })

/*
 * Takes the terminal, if standard input is one and ours to read. Call it again after SIGCONT: the
 * shell may have set the terminal anew, or have put the program into the background.
 */
void keys_open(struct keys *keys);

/* The next key that was typed, or 0. Never waits. */
int keys_next(struct keys *keys);

/* Leaves the terminal as it was. */
void keys_close(struct keys *keys);

#endif
