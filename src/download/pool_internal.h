/* SPDX-License-Identifier: MIT */
/*
 * pool_internal.h - between pool.c, pool_start.c (what runs a worker), pool_spawner.c (who starts
 * many) and pool_jobs.c (jobs: assign, receive). Nobody else includes it.
 */
#ifndef IPCDEMO_POOL_INTERNAL_H
#define IPCDEMO_POOL_INTERNAL_H

#include "download/pool.h"

#include <stdbool.h>

/* Commands for a worker for which the mechanism's queue had no room yet. */
struct send_queue {
	unsigned char *records;
	size_t sent, count, cap;      /* records */
	LIST_ENTRY(pool_worker) link; /* in pool->unsent while sent < count */
};

/* A worker as its parent sees it. */
struct pool_worker {
	struct pool_owner *owner; /* what runs it; NULL: the slot is unused */
	struct child child;       /* its process, and a descriptor that its end makes readable */
	LIST_ENTRY(pool_worker) link; /* in pool->unused or pool->idle ... */
	bool listed;                  /* ... if so */
	bool ended;                   /* its channel told its end: all it sent was received */
	bool quitting;                /* QUIT is on its way to it */
	bool recalling;               /* CANCEL is on its way to it, and no answer has come */
	bool stopping;                /* STOP is on its way to it, for the running job */
	unsigned recalled, returned;  /* CANCELs sent to it in its life, RETURNED received */
	struct failure kill_reason;   /* why the parent killed it */
	struct event_guard guard;
	struct job *jobs[WORKER_JOBS_MAX]; /* as assigned; the first is running if guard.running */
	unsigned job_count;
	unsigned assigned;        /* jobs in its life */
	uint64_t ipc_cpu_ns;      /* of its calls into libipc, as it reported */
	uint64_t received;        /* bytes of its jobs in its life, as it reported ... */
	uint64_t shared_received; /* ... when the rate was last shared */
	uint64_t rate;            /* its share of the rate, 0: none */
	uint64_t last_event_ns;
	uint64_t progress_ns; /* up to here its PROGRESS has used its allowance */
	struct send_queue queue;
};

static inline unsigned pool_slot(const struct pool *pool, const struct pool_worker *worker)
{
	return (unsigned)(worker - pool->workers);
}

static inline void pool_unlist(struct pool_worker *worker)
{
	if (worker->listed)
		LIST_REMOVE(worker, link);
	worker->listed = false;
}

static inline void pool_list(struct worker_list *list, struct pool_worker *worker)
{
	pool_unlist(worker);
	LIST_INSERT_HEAD(list, worker, link);
	worker->listed = true;
}

/* The two sessions' ends of one worker. */
struct pool_ends {
	struct ipc_ticket events, commands;
};

/* ---- pool_spawner.c ---- */

bool pool_has_tickets(const struct pool *pool);

/* ENDS must outlive the worker's start. */
struct worker_setup pool_worker_setup(const struct pool *pool, unsigned slot,
				      const struct pool_ends *ends);

/* The inherited descriptors that every worker's process needs. Returns how many. */
#define POOL_SHARED_MAX (4 + OUTPUT_DIRS_MAX)
size_t pool_shared_descriptors(const struct pool *pool, int keep[POOL_SHARED_MAX]);

/* Before the first worker: makes pool->spawner where it is of use, and where it can be made. */
void pool_open_spawner(struct pool *pool);

/* As spawn, by pool->spawner. -ENOTSUP: there is none, or none any more. */
int pool_order(struct pool *pool, struct child *child, unsigned slot, const struct pool_ends *ends,
	       int report);

/* ---- pool_start.c ---- */

/* Starts WORKER and those that share its process. They are idle then. 0 or -errno. */
int pool_start(struct pool *pool, struct pool_worker *worker);

/* SIGKILL for its process; a thread is asked to end. */
void pool_kill_owner(struct pool_worker *worker);

/*
 * Waits for the end of WORKER, which has come or will in a moment. Its slot then has no owner.
 * Returns the status as of waitpid.
 */
int pool_reap_owner(struct pool *pool, struct pool_worker *worker);

/* In pool->deaths: not the end of a worker, but something about the sandbox of its process. */
#define POOL_REPORT (1u << 31)

/* WORKER has sent something: if its process has sent the listener of its sandbox, listens to it. */
void pool_take_listener(struct pool *pool, const struct pool_worker *worker);

/*
 * Reads what has come for SLOT; nothing more will come if it is not READABLE. Returns the number of
 * the system call that is a violation; negative: nothing to do.
 */
int pool_read_violation(struct pool *pool, unsigned slot, bool readable);

/* ---- pool_jobs.c ---- */

/*
 * Assigns WORKER the jobs that it should have, or tells it to quit if it has had all of --recycle.
 * False: no memory, and nothing is assigned.
 */
bool pool_assign(struct pool *pool, struct pool_worker *worker);

/*
 * A worker is idle and no job is ready: asks the worker with the most unbegun jobs for its last
 * one.
 */
void pool_recall(struct pool *pool);

/* Takes WORKER's Ith job from it and returns the job; the caller decides what becomes of it. */
struct job *pool_take_job(struct pool *pool, struct pool_worker *worker, unsigned i);

void pool_quit(struct pool *pool, struct pool_worker *worker);

/* Sends RATE. False: no memory for it. */
bool pool_send_rate(struct pool *pool, struct pool_worker *worker, uint64_t rate);

/* Kills WORKER for what it sent or did not send. The pool learns of this death as of any other. */
void pool_kill(struct pool_worker *worker, enum failure_kind kind, int32_t code);

/* Drops what was not sent. */
void pool_discard_queue(struct pool_worker *worker);

#endif
