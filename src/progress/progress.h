/* SPDX-License-Identifier: MIT */
/*
 * progress.h - what the person sees while jobs run. Three faces, one interface:
 * view_tty.c (one row per worker and a total), view_plain.c (a line per event),
 * view_json.c (one object per line on stdout). progress.c chooses and forwards.
 *
 * The pool reports events; a face never asks the pool anything. All calls come
 * from one thread and never block for longer than a write to a terminal does.
 */
#ifndef IPCDEMO_UI_H
#define IPCDEMO_UI_H

#include <stdbool.h>
#include <stdint.h>

enum ui_progress { UI_AUTO, UI_BAR, UI_PLAIN, UI_JSON, UI_NONE };

#define UI_SIZE_UNKNOWN UINT64_MAX

struct ui_config {
	enum ui_progress progress; /* UI_AUTO: bar when stderr is a terminal, else plain */
	unsigned workers;
	unsigned jobs;
	bool quiet; /* errors and the JSON stream only */
	bool verbose;
	const char *ipc;   /* "pipe"; NULL for the sequential model */
	const char *model; /* "process" or "sequential" */
};

enum ui_kind { UI_START, UI_MOVED, UI_DONE, UI_SKIPPED, UI_RETRY, UI_FAILED };

struct ui_event {
	enum ui_kind kind;
	uint64_t now_ns; /* CLOCK_MONOTONIC */
	unsigned job;    /* from 0 */
	unsigned worker; /* from 0 */
	const char *url;
	const char *file;   /* final name, as opened */
	uint64_t bytes;     /* of this try */
	uint64_t total;     /* or UI_SIZE_UNKNOWN; 0 is an empty file */
	double seconds;     /* UI_DONE: the job's own time. UI_RETRY: until the next try */
	const char *reason; /* UI_RETRY, UI_FAILED: one sentence; UI_SKIPPED too */
};

struct ui_summary {
	const char *ipc;
	const char *model;
	unsigned jobs, ok, failed, skipped;
	unsigned left; /* not finished when a signal ended the run */
	double wall_s;
	uint64_t bytes;
	uint64_t records;   /* IPC records that the parent handled */
	double job_seconds; /* the sum of the jobs' own times */
	double concurrency; /* job_seconds / wall_s */
	int signal;         /* 0, or the signal that ended the run early */
};

struct ui;

/*
 * NULL with errno when memory is short. CONFIG is copied, its strings too. Sets LC_CTYPE from
 * the environment, to C.UTF-8 where that says nothing. Bars need a terminal on stderr with a
 * TERM other than "dumb", and not quiet; asked for elsewhere they are plain lines.
 */
struct ui *ui_open(const struct ui_config *config);

/*
 * Copies what it needs of EVENT. Words for UI_FAILED go to stderr whatever the face. As JSON,
 * UI_MOVED is left out while the reader of stdout is behind; no other event is.
 */
void ui_event(struct ui *ui, const struct ui_event *event);

/* Nanoseconds until the face wants ui_tick, or -1: whenever. At most 10 redraws a second. */
int64_t ui_next_ns(const struct ui *ui, uint64_t now_ns);

/* Too early, it does nothing: call it after every round of events. */
void ui_tick(struct ui *ui, uint64_t now_ns);

/*
 * The terminal changed its size (SIGWINCH), or the program was continued (SIGCONT). With the
 * size as it was it must be the latter: the rows begin again below what the shell has written.
 */
void ui_resize(struct ui *ui);

/*
 * One line for the person ("ipcdemo: ..."), above the bars, whatever the face; not when quiet
 * unless ERROR. Text is escaped.
 */
void ui_note(struct ui *ui, bool error, const char *text);

/* The closing lines or object. Then only ui_close may follow. */
void ui_summary(struct ui *ui, const struct ui_summary *summary);

/*
 * Leaves the terminal as it was. 0, or -errno of the first failed write to stdout (ENOSPC; EPIPE
 * where SIGPIPE is ignored); what followed was not written. NULL is allowed.
 */
int ui_close(struct ui *ui);

#endif
