/* SPDX-License-Identifier: MIT */
/* demo_picture.h - the end of the demo: both files on a time line, at once and in turn. */
#ifndef IPCDEMO_DEMO_PICTURE_H
#define IPCDEMO_DEMO_PICTURE_H

#include <stdbool.h>

#include "common/text.h"

#define PICTURE_FILES 2

struct picture {
	const char *name[PICTURE_FILES];
	double seconds[PICTURE_FILES]; /* that each file took */
	bool sequential;               /* how it was done: the other way is the comparison */
	const char *ipc;
	double wall_s; /* of the whole, as it was done */
};

/* Adds lines, within the columns of the terminal on stderr (80 where there is none). */
void picture_draw(struct text *lines, const struct picture *picture);

#endif
