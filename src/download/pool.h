/* SPDX-License-Identifier: MIT */
/*
 * pool.h - a pool of worker processes: starts them, assigns jobs to them, receives their events and
 * reaps them. model_process.c decides when.
 *
 * A worker is a slot of both sessions. Death is learned from its pidfd, never from the
 * channel; then everything it said is heard, and only then is it judged: a DONE that was said
 * counts, whatever killed the worker afterwards.
 */
#ifndef IPCDEMO_POOL_H
#define IPCDEMO_POOL_H

#include "download/protocol.h"
#include "ipc/ipc.h"
#include "download/batch.h"
#include "common/spawn.h"
#include "download/worker.h"

#include <stdbool.h>
#include <stdint.h>

/* Commands on their way to a worker whose queue was full. */
struct send_queue {
	unsigned char *records;
	size_t sent, count, cap; /* records */
};

struct worker {
	struct child child;          /* CHILD_NONE: the slot is free */
	bool leaving;                /* was told to quit */
	bool recalling;              /* for a job back, and it has said nothing since */
	unsigned recalled, returned; /* jobs it was recalled for in its life, that it gave back */
	struct failure kill_reason;  /* why the parent killed it */
	struct event_guard guard;
	uint32_t jobs[WORKER_JOBS_MAX]; /* as assigned; the first is running if guard.running */
	unsigned job_count;
	unsigned assigned; /* in its life */
	uint64_t last_event_ns;
	struct send_queue send_queue;
};

struct pool {
	struct batch *batch;
	struct ipc *events, *commands;
	struct ipc_peer hub;
	int deaths;  /* epoll of the workers' pidfds */
	int signals; /* the pool's signalfd, set by the pool: a worker closes it; -1: none */
	struct worker *workers;
	unsigned size, alive;
	unsigned unsent; /* workers with something in their send_queue */
	uint32_t *ready; /* ring of job numbers, capacity jobs->count */
	size_t ready_first, ready_count;
};

static inline unsigned pool_slot(const struct pool *pool, const struct worker *m)
{
	return (unsigned)(m - pool->workers);
}

/* 0 or -errno, with one line told to the user. */
int pool_open(struct pool *pool, struct batch *batch);
/* Kills whoever is left, reaps, frees. */
void pool_close(struct pool *pool);

/* A job to be handed out (pool is a struct pool *: a callback of batch_wake). */
void pool_add_job(void *pool, struct job *job);

/* Hires as many as there is work for, and gives work to the idle. 0, or -errno when nobody works
 * and nobody can be hired (told to the user). */
int pool_dispatch(struct pool *pool);

/* Hears everything that was said. 0 or -errno (told). */
int pool_receive(struct pool *pool);

/* Sends what is left in the outboxes. */
void pool_flush(struct pool *pool);

/* Buries whoever died. 0 or -errno (told). */
int pool_reap(struct pool *pool);

/* Kills workers that have a job but said nothing for too long. Returns the next time to look. */
uint64_t pool_check_stalled(struct pool *pool, uint64_t now_ns);

/* The clock jumped for us, not for them (the program was stopped): start all patience anew. */
void pool_restart_timeouts(struct pool *pool, uint64_t now_ns);

/* Tells every worker to quit / kills every worker. */
void pool_quit_all(struct pool *pool);
void pool_kill_all(struct pool *pool);

/* ---- between pool.c and pool_jobs.c ---- */

/* JOB is to be assigned to somebody: next, if FRONT. */
void pool_enqueue(struct pool *pool, uint32_t job, bool front);
/* Gives M what it should have at hand. */
void pool_assign(struct pool *pool, struct worker *m);
/* Somebody is idle and nothing is ready: asks the worker with most unbegun jobs for one. */
void pool_recall(struct pool *pool);
void pool_quit(struct pool *pool, struct worker *m);
/* Kills M for what it said or did not say; its death is then learned like any other. */
void pool_kill(struct worker *m, enum failure_kind kind, int32_t code);

#endif
