/* SPDX-License-Identifier: MIT */
/* pool_jobs.c - see pool.h: assigning jobs to workers, and receiving what became of them. */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/language.h"
#include "download/pool.h"
#include "download/pool_internal.h"
#include "download/trace.h"

#define EVENTS_AT_ONCE 64

/* A worker of ours sends 20 a second. Many come at once when this program was stopped, but never
 * more than a queue holds: 10,000 over tcp. */
#define PROGRESS_EVERY_NS NS_PER_MS
#define PROGRESS_SAVED_NS (20 * NS_PER_S)

/* ---- commands ---- */

void pool_discard_queue(struct pool_worker *worker)
{
	if (worker->queue.count > 0)
		LIST_REMOVE(worker, queue.link);
	worker->queue.sent = worker->queue.count = 0;
}

static void queue_flush(struct pool *pool, struct pool_worker *worker)
{
	const unsigned slot = pool_slot(pool, worker);
	struct send_queue *queue = &worker->queue;
	const unsigned char *next;
	ssize_t n;

	while (queue->sent < queue->count) {
		next = queue->records + queue->sent * RECORD_BYTES;
		if (pool->batch->trace)
			trace_send_begins(pool->batch->trace);
		meter_begin(&pool->batch->meter);
		n = ipc_send(pool->commands, slot, next, queue->count - queue->sent, IPC_NOWAIT);
		meter_end(&pool->batch->meter);
		if (n == -EAGAIN)
			return;
		if (n < 0)
			break; /* it is dying: its pidfd will say so */
		if (pool->batch->trace)
			trace_commands(pool->batch->trace, slot, worker->child.pid, next,
				       (size_t)n);
		queue->sent += (size_t)n;
	}
	pool_discard_queue(worker);
}

/* Room for N more records, to be filled in; NULL when memory is short. */
static unsigned char *queue_add(struct pool *pool, struct pool_worker *worker, size_t n)
{
	struct send_queue *queue = &worker->queue;
	unsigned char *records = queue->records;

	if (queue->count + n > queue->cap) {
		records = reallocarray(records, (queue->count + n) * 2, RECORD_BYTES);
		if (!records)
			return NULL;
		queue->records = records;
		queue->cap = (queue->count + n) * 2;
	}
	if (queue->count == 0)
		LIST_INSERT_HEAD(&pool->unsent, worker, queue.link);
	queue->count += n;
	return records + (queue->count - n) * RECORD_BYTES;
}

static struct command command_for(const struct pool *pool, const struct pool_worker *worker,
				  enum command_kind kind, const struct job *job)
{
	return (struct command){ .kind = kind,
				 .slot = (uint16_t)pool_slot(pool, worker),
				 .job = job ? job_id(pool->batch->jobs, job) : 0,
				 .ack = worker->guard.seq,
				 .time_ns = clock_ns() };
}

static bool send_record(struct pool *pool, struct pool_worker *worker,
			const struct command *command)
{
	unsigned char *record = queue_add(pool, worker, 1);

	if (!record)
		return false;
	command_encode(command, record);
	queue_flush(pool, worker);
	return true;
}

/* A command of one record. False: no memory for it. */
static bool send_command(struct pool *pool, struct pool_worker *worker, enum command_kind kind,
			 const struct job *job)
{
	const struct command command = command_for(pool, worker, kind, job);

	return send_record(pool, worker, &command);
}

void pool_pause(struct pool *pool, bool paused)
{
	unsigned i;

	for (i = 0; i < pool->size; i++) {
		struct pool_worker *worker = &pool->workers[i];
		struct command command = command_for(pool, worker, COMMAND_PAUSE, NULL);

		command.paused = paused;
		if (worker->owner)
			(void)send_record(pool, worker, &command); /* else it goes on as it is */
	}
}

bool pool_send_rate(struct pool *pool, struct pool_worker *worker, uint64_t rate)
{
	struct command command = command_for(pool, worker, COMMAND_RATE, NULL);

	command.rate = rate;
	return send_record(pool, worker, &command);
}

void pool_flush(struct pool *pool)
{
	struct pool_worker *worker, *next;

	for (worker = LIST_FIRST(&pool->unsent); worker; worker = next) {
		next = LIST_NEXT(worker, queue.link);
		queue_flush(pool, worker);
	}
}

void pool_quit(struct pool *pool, struct pool_worker *worker)
{
	if (worker->quitting)
		return;
	worker->quitting = true;
	pool_unlist(worker);
	if (!send_command(pool, worker, COMMAND_QUIT, NULL))
		pool_kill_owner(worker);
}

/* ---- assigning ---- */

/* A new worker's share of --limit-rate until pool_rate.c shares it anew. */
static void send_first_rate(struct pool *pool, struct pool_worker *worker)
{
	const uint64_t limit = pool->batch->settings->limit_rate;
	const uint64_t rate = limit / pool->size + 1;

	if (limit > 0 && worker->rate == 0 && pool_send_rate(pool, worker, rate))
		worker->rate = rate;
}

/* What the worker needs to know of a range, or to make ranges of a file. */
static void set_range(const struct pool *pool, const struct job *job, struct command *command)
{
	if (job_is_range(job)) {
		command->table = job->split->table;
		command->range = job->range;
		command->ranges = job->split->count;
	} else if (!job->unsplit && pool->batch->settings->split > 1) {
		command->ranges = pool->batch->settings->split;
	}
}

/* Puts the next job, if there is one, into the worker's send queue. False: memory is short. */
static bool assign_next(struct pool *pool, struct pool_worker *worker)
{
	struct job *job = batch_next(pool->batch, pool_slot(pool, worker));
	struct command command;
	unsigned char *records;

	if (!job)
		return true;
	send_first_rate(pool, worker);
	command = command_for(pool, worker, COMMAND_JOB, job);
	records = queue_add(pool, worker, command_job_records(strlen(job->url), strlen(job->name)));
	if (!records) {
		batch_requeue(pool->batch, job);
		return false;
	}
	command.resume = batch_resumes(pool->batch, job);
	command.dir = job_file(job)->place;
	command.has_sum = job_file(job)->has_sha256;
	set_range(pool, job, &command);
	command_encode_job(&command, job->url, job->name, records);
	if (worker->job_count == 0) {
		worker->last_event_ns = command.time_ns; /* it was idle: its silence begins now */
		pool->busy++;
		pool_unlist(worker);
	}
	worker->jobs[worker->job_count++] = job;
	worker->assigned++;
	pool->assigned++;
	return true;
}

struct job *pool_take_job(struct pool *pool, struct pool_worker *worker, unsigned i)
{
	struct job *job = worker->jobs[i];

	worker->job_count--;
	memmove(&worker->jobs[i], &worker->jobs[i + 1],
		(worker->job_count - i) * sizeof worker->jobs[i]);
	pool->assigned--;
	pool->busy -= worker->job_count == 0;
	return job;
}

/*
 * How many jobs a worker should have: fewer towards the end, so that no job waits behind a slow
 * one.
 */
static unsigned jobs_wanted(const struct pool *pool, const struct pool_worker *worker)
{
	const unsigned recycle = pool->batch->settings->recycle;
	size_t wanted = pool->batch->ready_count / pool->size;

	if (wanted < 1)
		wanted = 1;
	if (wanted > WORKER_JOBS_MAX)
		wanted = WORKER_JOBS_MAX;
	if (recycle > 0 && wanted > worker->job_count + recycle - worker->assigned)
		wanted = worker->job_count + recycle - worker->assigned;
	return (unsigned)wanted;
}

void pool_recall(struct pool *pool)
{
	struct pool_worker *most = NULL;
	unsigned i;

	if (pool->assigned == pool->busy)
		return; /* nobody has more than the one that it is at */
	for (i = 0; i < pool->size; i++) {
		struct pool_worker *worker = &pool->workers[i];

		if (!worker->recalling && worker->job_count >= 2 &&
		    (!most || worker->job_count > most->job_count))
			most = worker;
	}
	if (!most || !send_command(pool, most, COMMAND_CANCEL, most->jobs[most->job_count - 1]))
		return;
	most->recalling = true;
	most->recalled++;
}

/* Refills only when half are used up, so that one send carries several jobs. */
bool pool_assign(struct pool *pool, struct pool_worker *worker)
{
	const unsigned recycle = pool->batch->settings->recycle;
	unsigned wanted;
	bool enough = true;

	if (worker->quitting || worker->kill_reason.kind)
		return true;
	if (recycle > 0 && worker->assigned >= recycle && worker->job_count == 0) {
		pool_quit(pool, worker);
		return true;
	}
	wanted = jobs_wanted(pool, worker);
	if (worker->job_count <= wanted / 2)
		while (enough && worker->job_count < wanted && pool->batch->ready_count > 0)
			enough = assign_next(pool, worker);
	if (worker->queue.count > 0)
		queue_flush(pool, worker);
	if (worker->job_count == 0 && !worker->listed)
		pool_list(&pool->idle, worker);
	return enough || worker->job_count > 0;
}

/* ---- receiving ---- */

void pool_kill(struct pool_worker *worker, enum failure_kind kind, int32_t code)
{
	if (worker->kill_reason.kind)
		return;
	worker->kill_reason = (struct failure){ .kind = kind, .code = code };
	pool_unlist(worker);
	pool_kill_owner(worker);
}

/*
 * RETURNED: we must have asked the worker, or it could return a job and be assigned it for ever;
 * and it must have the job and not have begun it.
 */
static bool take_back(struct pool *pool, struct pool_worker *worker, uint32_t number)
{
	unsigned i = worker->guard.running;

	while (i < worker->job_count && job_id(pool->batch->jobs, worker->jobs[i]) != number)
		i++;
	if (i >= worker->job_count || worker->returned == worker->recalled)
		return false;
	batch_requeue(pool->batch, pool_take_job(pool, worker, i));
	worker->assigned--;
	worker->returned++;
	worker->recalling = false;
	return true;
}

static void end_try(struct pool *pool, struct pool_worker *worker, const struct event *event)
{
	const struct batch_result result = { .bytes = event->bytes,
					     .total = event->total,
					     .inode = event->inode,
					     .unlocked = event->unlocked,
					     .ended_ns = event->time_ns };
	struct job *job = pool_take_job(pool, worker, 0);
	const unsigned slot = pool_slot(pool, worker);

	worker->stopping = false;
	worker->recalling = false; /* a CANCEL of a job that had begun has no answer */
	if (event->kind == EVENT_DONE)
		batch_received(pool->batch, job, slot, &result);
	else
		batch_failed(pool->batch, job, slot, &event->failure, event->bytes);
}

/* What the worker's IPC has cost since its last event. */
static void count_cost(struct pool *pool, struct pool_worker *worker, const struct event *event)
{
	struct progress_worker_figures *figures = pool->batch->figures;
	uint64_t more_ns = 0;

	if (event->ipc_cpu_ns > worker->ipc_cpu_ns) {
		more_ns = event->ipc_cpu_ns - worker->ipc_cpu_ns;
		worker->ipc_cpu_ns = event->ipc_cpu_ns;
	}
	pool->batch->meter.cpu_ns += more_ns;
	if (figures) {
		figures[pool_slot(pool, worker)].ipc_cpu_ns += more_ns;
		figures[pool_slot(pool, worker)].files += event->kind == EVENT_DONE &&
							  !job_is_range(worker->jobs[0]);
	}
}

/* We know a process; for a thread we have only its own word, which is good enough to show. */
static int pool_pid(const struct pool *pool, const struct pool_worker *worker,
		    const struct event *event)
{
	const struct batch_settings *settings = pool->batch->settings;

	return settings->in_threads || settings->threads > 1 ? (int)(event->inode & INT_MAX) :
							       worker->child.pid;
}

/*
 * PROGRESS is the only record that a worker may send any number of times. One that never stopped
 * would keep pool_receive from returning, so that Ctrl-C had no effect.
 */
static bool may_progress(struct pool_worker *worker)
{
	const uint64_t now_ns = worker->last_event_ns;

	if (worker->progress_ns + PROGRESS_SAVED_NS < now_ns)
		worker->progress_ns = now_ns - PROGRESS_SAVED_NS;
	worker->progress_ns += PROGRESS_EVERY_NS;
	return worker->progress_ns <= now_ns;
}

/* The running job has become a range of a file. False: that was not allowed. */
static bool take_split(struct pool *pool, struct pool_worker *worker, const struct event *event)
{
	const struct split_report report = { .table = event->table,
					     .total = event->total,
					     .range = event->range,
					     .ranges = event->ranges };
	struct job *range =
		batch_split(pool->batch, worker->jobs[0], pool_slot(pool, worker), &report);

	if (range)
		worker->jobs[0] = range;
	return range != NULL;
}

/* The running job is a range of a file that we have given up meanwhile. */
static void stop_void(struct pool *pool, struct pool_worker *worker)
{
	struct command command = command_for(pool, worker, COMMAND_STOP, NULL);

	if (worker->stopping || !job_is_void(worker->jobs[0]))
		return;
	command.job = worker->guard.job;
	worker->stopping = send_record(pool, worker, &command);
}

/* False: a violation. */
static bool handle_event(struct pool *pool, struct pool_worker *worker, const struct event *event)
{
	struct job *oldest = worker->job_count ? worker->jobs[0] : NULL;
	const unsigned slot = pool_slot(pool, worker);

	const uint64_t before = worker->guard.running ? worker->guard.bytes : event->bytes;

	if (!event_permit(&worker->guard, event,
			  oldest ? job_id(pool->batch->jobs, oldest) : EVENT_NO_JOB))
		return false;
	worker->received += event->bytes > before ? event->bytes - before : 0;
	count_cost(pool, worker, event);
	switch (event->kind) {
	case EVENT_RETURNED:
		return take_back(pool, worker, event->job);
	case EVENT_START:
		batch_started(pool->batch, oldest, slot, pool_pid(pool, worker, event),
			      event->time_ns);
		stop_void(pool, worker);
		return true;
	case EVENT_SPLIT:
		return take_split(pool, worker, event);
	case EVENT_PROGRESS:
		if (!may_progress(worker))
			return false;
		batch_moved(pool->batch, oldest, slot,
			    &(struct fetch_progress){ event->bytes, event->total, event->kept });
		stop_void(pool, worker);
		return true;
	default:
		end_try(pool, worker, event);
		return true;
	}
}

static void count_records(struct pool *pool, const struct pool_worker *worker, size_t n)
{
	struct progress_worker_figures *figures = pool->batch->figures;

	pool->batch->records += n;
	if (!figures)
		return;
	figures += pool_slot(pool, worker);
	figures->records += n;
	if (figures->pid != worker->child.pid)
		figures->processes++;
	figures->pid = worker->child.pid;
}

static void handle_records(struct pool *pool, struct pool_worker *worker,
			   const unsigned char *records, size_t n)
{
	struct event event;
	size_t i;

	pool_take_listener(pool, worker);
	count_records(pool, worker, n);
	if (pool->batch->trace)
		trace_events(pool->batch->trace, pool_slot(pool, worker), worker->child.pid,
			     records, n);
	worker->last_event_ns = clock_ns();
	for (i = 0; i < n && !worker->kill_reason.kind; i++)
		if (event_decode(&event, records + i * RECORD_BYTES) < 0 ||
		    !handle_event(pool, worker, &event))
			pool_kill(worker, FAILURE_PROTOCOL, 0);
	(void)pool_assign(pool, worker); /* what memory is short for, pool_dispatch tries again */
}

int pool_receive(struct pool *pool)
{
	unsigned char records[EVENTS_AT_ONCE * RECORD_BYTES];
	unsigned slot = 0;
	ssize_t n;

	for (;;) {
		meter_begin(&pool->batch->meter);
		n = ipc_recv(pool->events, &slot, records, EVENTS_AT_ONCE, IPC_NOWAIT);
		meter_end(&pool->batch->meter);
		if (n == -EAGAIN)
			return 0;
		if (n == 0)
			pool->workers[slot].ended = true; /* why, its pidfd will say */
		else if (n > 0)
			handle_records(pool, &pool->workers[slot], records, (size_t)n);
		else if (n == -EPROTO)
			pool_kill(&pool->workers[slot], FAILURE_PROTOCOL, 0);
		else if (n < 0)
			return batch_report(pool->batch, _("cannot receive from the workers"), NULL,
					    (int)n);
	}
}
