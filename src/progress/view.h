/* SPDX-License-Identifier: MIT */
/* view.h - what progress.c asks of a view. Only progress*.c include this. */
#ifndef IPCDEMO_VIEW_H
#define IPCDEMO_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "progress/progress.h"

struct progress_view {
	const char *name;
	size_t state_size;                      /* progress.c allocates, zeroed */
	int (*open)(struct progress *progress); /* 0 or -errno, then nothing is left behind */
	void (*event)(struct progress *progress, const struct progress_event *event);
	int64_t (*next_ns)(const struct progress *progress,
			   uint64_t now_ns);                         /* NULL: nothing by time */
	void (*refresh)(struct progress *progress, uint64_t now_ns); /* NULL with next_ns */
	void (*resize)(struct progress *progress);                   /* NULL: ignored */
	void (*note)(struct progress *progress, bool error, const char *text);
	void (*summary)(struct progress *progress, const struct progress_summary *summary);
	void (*close)(struct progress *progress);
};

struct progress {
	const struct progress_view *view;
	struct progress_config config; /* its strings are copies */
	bool utf8;
	int error;        /* of the first failed write to stdout, -errno */
	bool reader_gone; /* of stderr */
	void *state;
};

extern const struct progress_view progress_view_tty;
extern const struct progress_view progress_view_plain;
extern const struct progress_view progress_view_json;

/* Whether stderr is a terminal that rows can be drawn on. */
bool progress_tty_usable(void);

#endif
