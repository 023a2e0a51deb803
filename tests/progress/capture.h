/* SPDX-License-Identifier: MIT */
/* capture.h - runs a script against progress.h in a child, and catches what it writes. */
#ifndef IPCDEMO_TESTS_UI_CAPTURE_H
#define IPCDEMO_TESTS_UI_CAPTURE_H

#include <stdint.h>

#include "progress/progress.h"

#define SECOND UINT64_C(1000000000)
#define MIB    UINT64_C(1048576)

/* What a script wrote, and what progress_close said. */
struct output {
	char out[65536];
	char err[65536];
	int closed;
};

/* What capture_all says in words, and of what. */
#define LINE_RETRY   "http://localhost/a.pdf: HTTP 404 Not Found; next try in 2 s\n"
#define LINE_DONE    "a.pdf: 1.0 MiB in 2.0 s (512 KiB/s)\n"
#define LINE_SKIPPED "a.pdf: skipped, HTTP 404 Not Found\n"
#define LINE_FAILED  "ipcdemo: http://localhost/a.pdf: HTTP 404 Not Found\n"
#define LINE_NOTE    "ipcdemo: a note\n"
#define LINE_ERROR   "ipcdemo: an error\n"
#define LINE_START   "a.pdf: worker 1 (pid 4711), from http://localhost/a.pdf\n"
#define LINE_SUMMARY                                       \
 "3 of 4 files, 12.4 MiB in 3.2 s (3.9 MiB/s), 1 failed\n" \
 "over unix: 77 records, 60 wake-ups, 250 ms of CPU (7.8 % of the run)\n"

extern const struct progress_event capture_job;

/* A script: one of each event but two starts, two notes, and the summary. */
void capture_all(struct progress *progress);

/* capture_job, as KIND at NOW_NS. */
void capture_event(struct progress *progress, enum progress_event_kind kind, uint64_t now_ns);

/* Never returns: plays SCRIPT with OUT and ERR as stdout and stderr, exits with -progress_close. */
_Noreturn void capture_child(const struct progress_config *config,
			     void (*script)(struct progress *), int out, int err);

/* The same in a child; returns what progress_close said. */
int capture_to(const struct progress_config *config, void (*script)(struct progress *), int out,
	       int err);

/* To be freed. */
struct output *capture(const struct progress_config *config, void (*script)(struct progress *));

#endif
