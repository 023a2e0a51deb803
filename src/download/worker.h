/* SPDX-License-Identifier: MIT */
/*
 * worker.h - a worker process: receives jobs from its slot of the command session, fetches them one
 * by one, and reports in its slot of the event session.
 *
 * It keeps its connections between jobs. It keeps every finished file open, hence locked, until the
 * parent has acknowledged DONE.
 */
#ifndef IPCDEMO_WORKER_H
#define IPCDEMO_WORKER_H

#include "download/fetch.h"
#include "download/output_dirs.h"
#include "download/sandbox.h"
#include "ipc/ipc.h"

#include <stdatomic.h>
#include <stdbool.h>

#define WORKER_JOBS_MAX 16u /* jobs that a worker has at once: one runs, the others are queued */

/* A worker's exit status; anything but 0 is explained to the user by the parent. */
enum worker_exit {
	WORKER_OK = 0,
	WORKER_PARENT_GONE = 3, /* there is nobody to read it */
	WORKER_BROKEN = 4,      /* a session failed, or memory was short */
	WORKER_UNCONFINED = 5,  /* it could not enter its sandbox, so it did nothing */
};

struct worker_setup {
	/* Tickets to its slot of both sessions ... */
	const char *events_ticket, *commands_ticket;
	/* ... or, where these are NULL, sessions that a fork inherited. */
	struct ipc *events, *commands;
	unsigned slot;
	struct ipc_peer hub;
	struct output_dirs dirs;
	struct fetch_settings fetch;
	bool remote_time; /* files get the origin's time */
	/* Of its process, entered by worker_enter; SANDBOX_NONE: free. REPORT: see sandbox.h. */
	struct sandbox sandbox;
	int report;
	const atomic_bool *cancel; /* true: end soon; NULL: this worker is a process */
};

/* The word by which this program, executed anew, knows that it is to be a worker. Behind it are
 * the two tickets, "FIRST DIRECTORY:HOW MANY:HUB'S PID:ITS PIDFD", its sandbox in numbers, and the
 * arguments of the first. */
#define WORKER_COMMAND "--worker--"

struct worker;

/* For spawn(): ARG is a struct worker_setup. Returns the exit status. */
int worker_main(void *arg);

/*
 * For the main thread of a process of COUNT workers: its signals (the parent decides about Ctrl-C,
 * SIGTERM ends it), its sandbox, and the slots of them all. 0, or the exit status.
 */
int worker_enter(const struct worker_setup *setups, unsigned count, struct worker **workers);

/* Works until it is told to quit, and frees W. Any thread. Returns the exit status. */
int worker_work(struct worker *w);

/* Both for a thread of a process that is no worker's, where there is no sandbox: it leaves nothing
 * behind. */
int worker_run(const struct worker_setup *setup);

#endif
