/* SPDX-License-Identifier: MIT */
/* pool_jobs.c - see pool.h: the jobs that wait, giving them, and hearing what became of them. */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "download/pool.h"
#include "download/trace.h"

#define EVENTS_AT_ONCE 64

/* ---- jobs that wait for a worker ---- */

void pool_enqueue(struct pool *pool, uint32_t job, bool front)
{
	size_t cap = pool->batch->jobs->count;

	if (front)
		pool->ready_first = (pool->ready_first + cap - 1) % cap;
	pool->ready[(pool->ready_first + (front ? 0 : pool->ready_count)) % cap] = job;
	pool->ready_count++;
	pool->batch->jobs->jobs[job].state = JOB_READY;
}

static uint32_t ready_pop(struct pool *pool)
{
	uint32_t job = pool->ready[pool->ready_first];

	pool->ready_first = (pool->ready_first + 1) % pool->batch->jobs->count;
	pool->ready_count--;
	return job;
}

void pool_add_job(void *pool, struct job *job)
{
	pool_enqueue(pool, (uint32_t)(job - ((struct pool *)pool)->batch->jobs->jobs), false);
}

/* ---- saying ---- */

static void queue_flush(struct pool *pool, struct worker *m)
{
	struct send_queue *box = &m->send_queue;
	size_t left = box->count - box->sent;
	const unsigned char *next;
	ssize_t n;

	while (left > 0) {
		next = box->records + box->sent * RECORD_BYTES;
		n = ipc_send(pool->commands, pool_slot(pool, m), next, left, IPC_NOWAIT);
		if (n == -EAGAIN)
			return;
		if (n < 0)
			break; /* it is dying: its pidfd will say so */
		if (pool->batch->settings->trace)
			trace_commands(pool->batch->begun_ns, pool_slot(pool, m), m->child.pid,
				       next, (size_t)n);
		box->sent += (size_t)n;
		left -= (size_t)n;
	}
	box->sent = box->count = 0;
	pool->unsent--;
}

/* Room for N more records, to be filled in; NULL when memory is short. */
static unsigned char *queue_add(struct pool *pool, struct worker *m, size_t n)
{
	struct send_queue *box = &m->send_queue;
	unsigned char *records = box->records;

	if (box->count + n > box->cap) {
		records = reallocarray(records, (box->count + n) * 2, RECORD_BYTES);
		if (!records)
			return NULL;
		box->records = records;
		box->cap = (box->count + n) * 2;
	}
	if (box->count == 0)
		pool->unsent++;
	box->count += n;
	return records + (box->count - n) * RECORD_BYTES;
}

static void command(struct pool *pool, struct worker *m, enum command_kind kind, uint32_t job)
{
	const struct command command = { .kind = kind,
					 .slot = (uint16_t)pool_slot(pool, m),
					 .job = job,
					 .ack = m->guard.seq,
					 .time_ns = clock_ns() };
	unsigned char *record = queue_add(pool, m, 1);

	if (!record)
		return;
	command_encode(&command, record);
	queue_flush(pool, m);
}

void pool_flush(struct pool *pool)
{
	unsigned i;

	for (i = 0; pool->unsent > 0 && i < pool->size; i++)
		if (pool->workers[i].send_queue.count > 0)
			queue_flush(pool, &pool->workers[i]);
}

void pool_quit(struct pool *pool, struct worker *m)
{
	if (m->leaving)
		return;
	m->leaving = true;
	command(pool, m, COMMAND_QUIT, 0);
}

/* ---- giving ---- */

/* Puts one job into the send_queue. */
static bool give(struct pool *pool, struct worker *m, uint32_t number)
{
	struct job *job = &pool->batch->jobs->jobs[number];
	struct command command = { .slot = (uint16_t)pool_slot(pool, m),
				   .job = number,
				   .ack = m->guard.seq,
				   .time_ns = clock_ns() };
	unsigned char *records =
		queue_add(pool, m, command_job_records(strlen(job->url), strlen(job->name)));

	if (!records)
		return false;
	command_encode_job(&command, job->url, job->name, records);
	job->state = JOB_ASSIGNED;
	job->worker = pool_slot(pool, m);
	if (m->job_count == 0)
		m->last_event_ns = command.time_ns; /* it was idle: its silence begins now */
	m->jobs[m->job_count++] = number;
	m->assigned++;
	return true;
}

/* Jobs that a worker should have at hand: fewer towards the end, so that none waits behind a slow
 * one. */
static unsigned at_hand(const struct pool *pool, const struct worker *m)
{
	size_t share = pool->ready_count / pool->size;
	unsigned recycle = pool->batch->settings->recycle;
	unsigned most = share < 1 ? 1 : share < WORKER_JOBS_MAX ? (unsigned)share : WORKER_JOBS_MAX;

	if (recycle > 0 && recycle - m->assigned < most - m->job_count && most > m->job_count)
		return m->job_count + recycle - m->assigned;
	return most;
}

/* An idle worker asks the one with the most unbegun jobs to give its last one back. */
void pool_recall(struct pool *pool)
{
	struct worker *rich = NULL;
	unsigned i;

	for (i = 0; i < pool->size; i++) {
		struct worker *m = &pool->workers[i];

		if (m->child.pid && !m->recalling && m->job_count >= 2 &&
		    (!rich || m->job_count > rich->job_count))
			rich = m;
	}
	if (!rich)
		return;
	rich->recalling = true;
	rich->recalled++;
	command(pool, rich, COMMAND_CANCEL, rich->jobs[rich->job_count - 1]);
}

/* Gives M what it should have at hand. Refilled at half, so that one send carries several jobs. */
void pool_assign(struct pool *pool, struct worker *m)
{
	unsigned recycle = pool->batch->settings->recycle;
	unsigned most;

	if (!m->child.pid || m->leaving || m->kill_reason.kind)
		return;
	if (recycle > 0 && m->assigned >= recycle) {
		if (m->job_count == 0)
			pool_quit(pool, m);
		return;
	}
	most = at_hand(pool, m);
	if (m->job_count > most / 2)
		return;
	while (m->job_count < most && pool->ready_count > 0)
		if (!give(pool, m, ready_pop(pool)))
			break;
	if (m->send_queue.count > 0)
		queue_flush(pool, m);
}

/* ---- hearing ---- */

/* It said what it may not say, or nothing for too long. Its death is learned like any other. */
void pool_kill(struct worker *m, enum failure_kind kind, int32_t code)
{
	if (m->kill_reason.kind)
		return;
	m->kill_reason = (struct failure){ .kind = kind, .code = code };
	child_kill(&m->child, SIGKILL);
}

static void take_from(struct worker *m, unsigned i)
{
	m->job_count--;
	memmove(&m->jobs[i], &m->jobs[i + 1], (m->job_count - i) * sizeof m->jobs[i]);
}

/* CANCEL was obeyed: the job must be one that M has and has not begun. */
static bool take_back(struct pool *pool, struct worker *m, uint32_t job)
{
	unsigned i;

	if (m->returned == m->recalled)
		return false; /* nobody recalled: it could return and be assigned a job for ever */
	for (i = m->guard.running; i < m->job_count; i++) {
		if (m->jobs[i] != job)
			continue;
		take_from(m, i);
		m->assigned--;
		m->recalling = false;
		m->returned++;
		pool_enqueue(pool, job, true);
		return true;
	}
	return false;
}

static bool heard(struct pool *pool, struct worker *m, const struct event *event)
{
	struct batch *batch = pool->batch;
	struct job *job;
	unsigned slot = pool_slot(pool, m);

	if (!event_permit(&m->guard, event, m->job_count ? m->jobs[0] : EVENT_NO_JOB))
		return false;
	if (event->kind == EVENT_RETURNED)
		return take_back(pool, m, event->job);
	job = &batch->jobs->jobs[m->jobs[0]]; /* event_permit compared it with event->job */
	switch (event->kind) {
	case EVENT_START:
		batch_started(batch, job, slot, event->time_ns);
		return true;
	case EVENT_PROGRESS:
		batch_moved(batch, job, slot, event->bytes, event->total);
		return true;
	case EVENT_DONE:
		job->bytes = event->bytes;
		job->total = event->total;
		job->inode = event->inode;
		batch_received(batch, job, slot, event->time_ns);
		break;
	default:
		job->bytes = event->bytes;
		batch_failed(batch, job, slot, &event->failure);
	}
	m->recalling = false;
	take_from(m, 0);
	return true;
}

static void hear_records(struct pool *pool, struct worker *m, const unsigned char *records,
			 size_t n)
{
	struct event event;
	size_t i;

	pool->batch->records += n;
	if (pool->batch->settings->trace)
		trace_events(pool->batch->begun_ns, pool_slot(pool, m), m->child.pid, records, n);
	m->last_event_ns = clock_ns();
	for (i = 0; i < n && !m->kill_reason.kind; i++)
		if (event_decode(&event, records + i * RECORD_BYTES) < 0 || !heard(pool, m, &event))
			pool_kill(m, FAILURE_PROTOCOL, 0);
	pool_assign(pool, m);
}

int pool_receive(struct pool *pool)
{
	unsigned char records[EVENTS_AT_ONCE * RECORD_BYTES];
	unsigned slot = 0;
	ssize_t n;
	char line[128];

	for (;;) {
		n = ipc_recv(pool->events, &slot, records, EVENTS_AT_ONCE, IPC_NOWAIT);
		if (n == -EAGAIN)
			return 0;
		if (n > 0)
			hear_records(pool, &pool->workers[slot], records, (size_t)n);
		else if (n == -EPROTO)
			pool_kill(&pool->workers[slot], FAILURE_PROTOCOL, 0);
		else if (n < 0)
			break;
		/* 0: the channel has ended; what it means, its pidfd will say */
	}
	(void)snprintf(line, sizeof line, "cannot hear the workers over %s: %s",
		       pool->batch->settings->ipc, strerror((int)-n));
	progress_note(pool->batch->settings->progress, true, line);
	return (int)n;
}
