/* SPDX-License-Identifier: MIT */
/*
 * control.h - what the user says while a batch runs: signals, and keys on the terminal.
 *
 * Ctrl-C and the like end the batch early (batch->signo), and so does the key q (batch->stopped).
 */
#ifndef IPCDEMO_CONTROL_H
#define IPCDEMO_CONTROL_H

#include "common/keys.h"
#include "common/signals.h"
#include "download/batch.h"

#include <stdbool.h>

struct control {
	struct batch *batch;
	int fd; /* readable when control_read has something to do */
	struct signals signals;
	struct keys keys;
	bool paused;
};

#define CONTROL_NONE ((struct control){ .fd = -1, .signals.fd = -1, .keys.fd = -1 })

/* What control_read found. */
enum {
	CONTROL_END = 1,       /* the first signal that ends the batch */
	CONTROL_AT_ONCE = 2,   /* a further one */
	CONTROL_PAUSED = 4,    /* control->paused has changed */
	CONTROL_CONTINUED = 8, /* the program was stopped (Ctrl-Z), and goes on */
};

/* Keys are read only while rows are shown. 0 or -errno (told). */
int control_open(struct control *control, struct batch *batch);

/* Handles what there is, never waits. Returns the bits above. */
unsigned control_read(struct control *control);

/* Leaves mask and terminal as they were. */
void control_close(struct control *control);

#endif
