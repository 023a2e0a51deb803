/* SPDX-License-Identifier: MIT */
/*
 * progress_stage.h - plays a script against the terminal view and shows what a person saw.
 *
 * The script runs in a child, whose controlling terminal and stderr is a pseudo-terminal; the
 * test reads the other end into a screen. Time is an argument of progress.h, so that nothing waits.
 */
#ifndef TESTS_PROGRESS_STAGE_H
#define TESTS_PROGRESS_STAGE_H

#include <stddef.h>
#include <stdint.h>

#include "tests/progress/screen.h"
#include "progress/progress.h"

#define MS  UINT64_C(1000000)
#define KIB UINT64_C(1024)
#define MIB (KIB * 1024)

#define STAGE_SNAPS 4

struct stage_play {
	unsigned columns, lines;
	struct progress_config config;
	void (*script)(struct progress *progress);
	const char *variable, *value; /* one more of the environment, or NULL */
	bool clips;                   /* a window that becomes narrower cuts lines off */
};

struct stage_view {
	struct screen screen;            /* at the end */
	struct screen snap[STAGE_SNAPS]; /* when the script called stage_snap */
	unsigned snaps;
	char *raw;       /* all that the terminal was sent */
	unsigned writes; /* write(2) to it */
};

/* 0, or -1: no shared memory or no UTF-8 locale here. Once, before all else. */
int stage_open(void);

/* Fails the test unless the script ended well and the terminal was sent only what it knows. */
struct stage_view *stage_see(const struct stage_play *play);
void stage_free(struct stage_view *view);

/* For scripts. */
void stage_snap(void);
void stage_resize(unsigned columns, unsigned lines);

/* EVENT at AT_MS; its url and file follow from its job unless they are given. */
void stage_event(struct progress *progress, enum progress_event_kind kind, uint64_t at_ms,
		 struct progress_event event);

/* The first N jobs, of 10 MiB each, on as many workers. */
void stage_start(struct progress *progress, unsigned n);

#endif
