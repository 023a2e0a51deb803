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
#include "ipc/ipc.h"

#define WORKER_JOBS_MAX 16u /* jobs that a worker has at once: one runs, the others are queued */

/* A worker's exit status; anything but 0 is explained to the user by the parent. */
enum worker_exit {
	WORKER_OK = 0,
	WORKER_PARENT_GONE = 3, /* there is nobody to read it */
	WORKER_BROKEN = 4,      /* a session failed, or memory was short */
};

struct worker_setup {
	struct ipc *events, *commands; /* as inherited by the fork */
	unsigned slot;
	struct ipc_peer hub;
	int dirfd;
	struct fetch_settings fetch;
	bool remote_time; /* files get the origin's time */
};

/* For spawn(): ARG is a struct worker_setup. Returns the exit status. */
int worker_main(void *arg);

#endif
