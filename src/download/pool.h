/* SPDX-License-Identifier: MIT */
/*
 * pool.h - the workers of a pool: hire, give jobs to, hear, bury. model_process.c decides when.
 *
 * A member is a slot of both sessions. Death is learned from its pidfd, never from the
 * channel; then everything it said is heard, and only then is it judged: a DONE that was said
 * counts, whatever killed the worker afterwards.
 */
#ifndef IPCDEMO_CREW_H
#define IPCDEMO_CREW_H

#include "download/protocol.h"
#include "ipc/ipc.h"
#include "download/batch.h"
#include "common/spawn.h"
#include "download/worker.h"

#include <stdbool.h>
#include <stdint.h>

/* Commands on their way to a worker whose queue was full. */
struct outbox {
	unsigned char *records;
	size_t sent, count, cap; /* records */
};

struct member {
	struct child child;       /* CHILD_NONE: the slot is free */
	bool leaving;             /* was told to quit */
	bool asking;              /* for a job back, and it has said nothing since */
	unsigned asked, returned; /* jobs it was asked for in its life, that it gave back */
	struct fault condemned;   /* why the parent killed it */
	struct event_guard guard;
	uint32_t jobs[WORKER_JOBS_MAX]; /* as given; the first is running if guard.running */
	unsigned job_count;
	unsigned given; /* in its life */
	uint64_t heard_ns;
	struct outbox outbox;
};

struct crew {
	struct run *run;
	struct ipc *events, *commands;
	struct ipc_peer hub;
	int deaths;  /* epoll of the members' pidfds */
	int signals; /* the pool's signalfd, set by the pool: a worker closes it; -1: none */
	struct member *members;
	unsigned size, alive;
	unsigned unsent; /* members with something in their outbox */
	uint32_t *ready; /* ring of job numbers, capacity jobs->count */
	size_t ready_first, ready_count;
};

static inline unsigned crew_slot(const struct crew *crew, const struct member *m)
{
	return (unsigned)(m - crew->members);
}

/* 0 or -errno, with one line told to the user. */
int crew_open(struct crew *crew, struct run *run);
/* Kills whoever is left, reaps, frees. */
void crew_close(struct crew *crew);

/* A job to be handed out (crew is a struct crew *: a callback of run_wake). */
void crew_add_job(void *crew, struct job *job);

/* Hires as many as there is work for, and gives work to the idle. 0, or -errno when nobody works
 * and nobody can be hired (told to the user). */
int crew_employ(struct crew *crew);

/* Hears everything that was said. 0 or -errno (told). */
int crew_hear(struct crew *crew);

/* Sends what is left in the outboxes. */
void crew_flush(struct crew *crew);

/* Buries whoever died. 0 or -errno (told). */
int crew_bury(struct crew *crew);

/* Kills members that have a job but said nothing for too long. Returns the next time to look. */
uint64_t crew_check_stalled(struct crew *crew, uint64_t now_ns);

/* The clock jumped for us, not for them (the program was stopped): start all patience anew. */
void crew_forgive(struct crew *crew, uint64_t now_ns);

/* Tells every member to quit / kills every member. */
void crew_dismiss(struct crew *crew);
void crew_kill(struct crew *crew);

/* ---- between pool.c and pool_jobs.c ---- */

/* JOB is to be given to somebody: next, if FRONT. */
void crew_ready(struct crew *crew, uint32_t job, bool front);
/* Gives M what it should have at hand. */
void crew_feed(struct crew *crew, struct member *m);
/* Somebody is idle and nothing is ready: asks the member with most unbegun jobs for one. */
void crew_ask_back(struct crew *crew);
void crew_quit(struct crew *crew, struct member *m);
/* Kills M for what it said or did not say; its death is then learned like any other. */
void crew_condemn(struct member *m, enum fault_kind kind, int32_t code);

#endif
