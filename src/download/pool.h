/* SPDX-License-Identifier: MIT */
/*
 * pool.h - a pool of worker processes: starts them, assigns jobs to them, receives their events and
 * reaps them. model_pool.c decides when.
 *
 * A worker is a slot of both sessions. The pool learns of a death from the worker's pidfd, never
 * from the channel. It then reads all that the worker sent, and only then decides: a DONE that was
 * sent counts, whatever killed the worker afterwards.
 *
 * The rules, each with its test in tests/download/pool_test.c, pool_lies_test.c
 * or pool_split_test.c:
 *
 *	what happens            what the pool does
 *	a job is ready          takes it from the batch for one worker, which is then its only owner
 *	START                   allowed for the oldest job of that worker alone
 *	DONE or FAILED          allowed for the running job, which is the batch's again
 *	RETURNED                allowed once per CANCEL, for a job that the worker has and has not
 *	                        begun; the job goes back to the front of the queue
 *	PROGRESS                allowed for the running job, 1,000 a second (20,000 saved up)
 *	SPLIT                   allowed once for a file that may be split: it becomes its ranges,
 *	                        each a job, and the worker is at one of them
 *	a range fails for good  its file fails; the other ranges are not begun, or stopped (STOP)
 *	any other record        a violation: SIGKILL; the pool ignores what follows it
 *	a system call that no	SIGKILL; the kernel has not carried it out, and says which it was
 *	worker makes
 *	silence with a job      after the stall timeout and one second: SIGKILL
 *	a worker dies           its oldest job failed a try, begun or not (else a worker that dies
 *	                        at once would be replaced for ever); its other jobs go back to the
 *	                        front of the queue, in their order
 *	--recycle=K             a worker is assigned K jobs in its life, returned ones not counted;
 *	                        when they are over, it is told to quit; a process of several
 *	                        workers (hybrid) is replaced when all of them have quit
 *	no memory to send       a job goes back to the queue; a worker that cannot be told to quit
 *	                        is killed
 *	the batch ends early    every worker is told to quit; what was open is left
 *
 * Hence no job is lost and none has two owners. PROGRESS alone may be lost. A try may be made
 * twice; a job is never done twice, since it is committed by the batch, once, before its worker
 * lets go of the file.
 */
#ifndef IPCDEMO_POOL_H
#define IPCDEMO_POOL_H

#include "common/spawn.h"
#include "download/batch.h"
#include "download/protocol.h"
#include "download/sandbox.h"
#include "download/worker.h"
#include "ipc/ipc.h"

#include <stdint.h>
#include <sys/queue.h>

#define POOL_THREADS_MAX 64u /* of one process */

struct pool_worker;
LIST_HEAD(worker_list, pool_worker);

struct pool {
	struct batch *batch;
	struct ipc *events, *commands;
	struct ipc_peer hub;
	int deaths;           /* epoll of the workers' pidfds, and of their sandboxes' reports */
	int signals, control; /* the caller's descriptors, which a worker closes; -1: none */
	struct sandbox sandbox;
	struct spawner spawner; /* of a large pool, else none */
	struct pool_worker *workers;
	unsigned size, alive;
	unsigned busy;             /* workers with a job */
	unsigned assigned;         /* jobs that workers have */
	uint64_t shared_ns;        /* when pool_share_rate last did something */
	unsigned shared_busy;      /* workers with a job at that time */
	struct worker_list unused; /* slots without a process */
	struct worker_list idle;   /* workers without a job, which may be given one */
	struct worker_list unsent; /* workers whose commands did not all fit into their queue */
};

/* 0 or -errno, with one line told to the user. */
int pool_open(struct pool *pool, struct batch *batch);
/* Kills and reaps every worker, frees all. */
void pool_close(struct pool *pool);

/*
 * Assigns jobs to idle workers, and starts some workers if there are jobs for them. 1: call it
 * again soon, there are more to start. 0, or -errno when no worker lives and none can be started;
 * the user has been told.
 */
int pool_dispatch(struct pool *pool);

/* Handles every event that has arrived. 0 or -errno (told). */
int pool_receive(struct pool *pool);

/* Sends what is left in the workers' send queues. */
void pool_flush(struct pool *pool);

/* Reaps every worker that died. 0 or -errno (told). */
int pool_reap(struct pool *pool);

/* Kills workers that have a job but sent nothing for too long. Returns the next time to look. */
uint64_t pool_check_stalled(struct pool *pool, uint64_t now_ns);

/* Tells every worker to take nothing from the network, or to continue. */
void pool_pause(struct pool *pool, bool paused);

/* Shares --limit-rate among the workers that have a job. Returns the next time to call it. */
uint64_t pool_share_rate(struct pool *pool, uint64_t now_ns);

/* The program was stopped and could not look at the clock, so all stall timeouts begin anew. */
void pool_restart_timeouts(struct pool *pool, uint64_t now_ns);

/* Tells every worker to quit / kills every worker. */
void pool_quit_all(struct pool *pool);
void pool_kill_all(struct pool *pool);

#endif
