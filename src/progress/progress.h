/* SPDX-License-Identifier: MIT */
/*
 * progress.h - shows a run to a person or a program. Three views, one interface:
 * view_tty.c (one row per worker and a total), view_plain.c (a line per event),
 * view_json.c (one object per line on stdout). progress.c chooses and forwards.
 *
 * The pool reports events; a view never asks the pool anything. All calls come
 * from one thread and never block for longer than a write to a terminal does.
 */
#ifndef IPCDEMO_PROGRESS_H
#define IPCDEMO_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum progress_style { PROGRESS_AUTO, PROGRESS_BAR, PROGRESS_PLAIN, PROGRESS_JSON, PROGRESS_NONE };

#define PROGRESS_SIZE_UNKNOWN UINT64_MAX

struct progress_config {
	enum progress_style progress; /* PROGRESS_AUTO: bar when stderr is a terminal, else plain */
	unsigned workers;
	unsigned jobs;
	bool quiet; /* errors and the JSON stream only */
	bool verbose;
	const char *ipc;   /* "pipe"; NULL for the sequential model */
	const char *model; /* "process" or "sequential" */
	FILE *summary;     /* gets the closing object as JSON; NULL: nobody does */
};

enum progress_event_kind {
	PROGRESS_START,
	PROGRESS_MOVED,
	PROGRESS_RANGE, /* one range of a file is there */
	PROGRESS_DONE,
	PROGRESS_SKIPPED,
	PROGRESS_RETRY,
	PROGRESS_FAILED
};

/* The range of a file that an event is about. */
struct progress_range {
	unsigned number, count; /* from 0, of so many; count 0: the event is about a whole file */
	uint64_t bytes, total;
};

struct progress_event {
	enum progress_event_kind kind;
	uint64_t now_ns; /* CLOCK_MONOTONIC */
	unsigned job;    /* from 0 */
	unsigned worker; /* from 0 */
	int pid;         /* of its process, or its thread id; 0: none */
	const char *url;
	const char *file; /* final name, as opened in its directory */
	const char *dir;  /* that, as the user named it; NULL: files are not kept */
	const char *path; /* what people are shown in place of FILE; NULL: FILE says enough */
	struct progress_range range;
	uint64_t bytes; /* of this try; of all ranges together */
	uint64_t kept;  /* of them, or of those of RANGE: what was there before this try */
	uint64_t total; /* or PROGRESS_SIZE_UNKNOWN; 0 is an empty file */
	double seconds; /* PROGRESS_DONE: the job's own time. PROGRESS_RETRY: until the next try */
	/* PROGRESS_RETRY, PROGRESS_FAILED, PROGRESS_SKIPPED: one sentence for the user, */
	const char *reason;
	const char *reason_english; /* and for programs; NULL: REASON is in English */
};

/* The figures of one worker number: of all processes that had it, one after the other. */
struct progress_worker_figures {
	unsigned files;
	unsigned processes;
	int pid; /* of the last of them */
	uint64_t records;
	uint64_t ipc_cpu_ns; /* of their calls into libipc */
};

struct progress_summary {
	const char *ipc;
	const char *model;
	unsigned jobs, ok, failed, skipped;
	unsigned left; /* not finished when a signal ended the run */
	double wall_s;
	uint64_t bytes;
	uint64_t earlier;   /* of them: what an earlier run had fetched */
	uint64_t records;   /* IPC records that the parent handled */
	uint64_t wakeups;   /* of the parent, because of a record */
	double ipc_cpu_s;   /* of all calls into libipc, in the parent and the workers */
	double job_seconds; /* the sum of the jobs' own times */
	double concurrency; /* job_seconds / wall_s */
	int signal;         /* 0, or the signal that ended the run early */
	const char *dir;    /* where the files are, to be named at the end; NULL: not */
	unsigned dirs;      /* they are in so many directories */
	const struct progress_worker_figures *figures; /* of WORKERS, to be shown; NULL: not */
	unsigned workers;
};

struct progress;

/*
 * NULL with errno when memory is short. CONFIG and its strings are copied. Sets LC_CTYPE from the
 * environment, or to C.UTF-8 where that is the C locale. Rows need a terminal on stderr, a TERM
 * other than "dumb", and not quiet; elsewhere PROGRESS_BAR gives plain lines.
 */
struct progress *progress_open(const struct progress_config *config);

/*
 * Copies what it needs of EVENT. Every view writes a failure to stderr in words. The JSON view
 * leaves PROGRESS_MOVED out while the reader of stdout is behind, and no other event.
 */
void progress_event(struct progress *progress, const struct progress_event *event);

/* Does the view redraw rows, on a terminal? */
bool progress_has_rows(const struct progress *progress);

/* True once the reader of stdout or stderr has closed its end. Needs SIGPIPE ignored. */
bool progress_reader_gone(const struct progress *progress);

/* Nanoseconds until the view wants progress_refresh; -1: no need. At most 10 redraws a second. */
int64_t progress_next_ns(const struct progress *progress, uint64_t now_ns);

/* Redraws if that is due. Call it after every round of events. */
void progress_refresh(struct progress *progress, uint64_t now_ns);

/*
 * The terminal changed its size (SIGWINCH), or the program was continued (SIGCONT). If the size is
 * unchanged it was SIGCONT: the rows begin again below what the shell has written.
 */
void progress_resize(struct progress *progress);

/*
 * One line for the person ("ipcdemo: ..."), above the bars, whatever the view; not when quiet
 * unless ERROR. Text is escaped.
 */
void progress_note(struct progress *progress, bool error, const char *text);

/* The closing lines or object. Then only progress_close may follow. */
void progress_summary(struct progress *progress, const struct progress_summary *summary);

/*
 * Leaves the terminal as it was. 0, or -errno of the first failed write to stdout (ENOSPC; EPIPE
 * where SIGPIPE is ignored); what followed was not written. NULL is allowed.
 */
int progress_close(struct progress *progress);

#endif
