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

void crew_ready(struct crew *crew, uint32_t job, bool front)
{
	size_t cap = crew->run->jobs->count;

	if (front)
		crew->ready_first = (crew->ready_first + cap - 1) % cap;
	crew->ready[(crew->ready_first + (front ? 0 : crew->ready_count)) % cap] = job;
	crew->ready_count++;
	crew->run->jobs->jobs[job].state = JOB_READY;
}

static uint32_t ready_pop(struct crew *crew)
{
	uint32_t job = crew->ready[crew->ready_first];

	crew->ready_first = (crew->ready_first + 1) % crew->run->jobs->count;
	crew->ready_count--;
	return job;
}

void crew_add_job(void *crew, struct job *job)
{
	crew_ready(crew, (uint32_t)(job - ((struct crew *)crew)->run->jobs->jobs), false);
}

/* ---- saying ---- */

static void outbox_flush(struct crew *crew, struct member *m)
{
	struct outbox *box = &m->outbox;
	size_t left = box->count - box->sent;
	const unsigned char *next;
	ssize_t n;

	while (left > 0) {
		next = box->records + box->sent * RECORD_BYTES;
		n = ipc_send(crew->commands, crew_slot(crew, m), next, left, IPC_NOWAIT);
		if (n == -EAGAIN)
			return;
		if (n < 0)
			break; /* it is dying: its pidfd will say so */
		if (crew->run->settings->trace)
			trace_commands(crew->run->begun_ns, crew_slot(crew, m), m->child.pid, next,
				       (size_t)n);
		box->sent += (size_t)n;
		left -= (size_t)n;
	}
	box->sent = box->count = 0;
	crew->unsent--;
}

/* Room for N more records, to be filled in; NULL when memory is short. */
static unsigned char *outbox_add(struct crew *crew, struct member *m, size_t n)
{
	struct outbox *box = &m->outbox;
	unsigned char *records = box->records;

	if (box->count + n > box->cap) {
		records = reallocarray(records, (box->count + n) * 2, RECORD_BYTES);
		if (!records)
			return NULL;
		box->records = records;
		box->cap = (box->count + n) * 2;
	}
	if (box->count == 0)
		crew->unsent++;
	box->count += n;
	return records + (box->count - n) * RECORD_BYTES;
}

static void command(struct crew *crew, struct member *m, enum command_kind kind, uint32_t job)
{
	const struct command command = { .kind = kind,
					 .slot = (uint16_t)crew_slot(crew, m),
					 .job = job,
					 .ack = m->guard.seq,
					 .time_ns = clock_ns() };
	unsigned char *record = outbox_add(crew, m, 1);

	if (!record)
		return;
	command_encode(&command, record);
	outbox_flush(crew, m);
}

void crew_flush(struct crew *crew)
{
	unsigned i;

	for (i = 0; crew->unsent > 0 && i < crew->size; i++)
		if (crew->members[i].outbox.count > 0)
			outbox_flush(crew, &crew->members[i]);
}

void crew_quit(struct crew *crew, struct member *m)
{
	if (m->leaving)
		return;
	m->leaving = true;
	command(crew, m, COMMAND_QUIT, 0);
}

/* ---- giving ---- */

/* Puts one job into the outbox. */
static bool give(struct crew *crew, struct member *m, uint32_t number)
{
	struct job *job = &crew->run->jobs->jobs[number];
	struct command command = { .slot = (uint16_t)crew_slot(crew, m),
				   .job = number,
				   .ack = m->guard.seq,
				   .time_ns = clock_ns() };
	unsigned char *records =
		outbox_add(crew, m, command_job_records(strlen(job->url), strlen(job->name)));

	if (!records)
		return false;
	command_encode_job(&command, job->url, job->name, records);
	job->state = JOB_GIVEN;
	job->worker = crew_slot(crew, m);
	if (m->job_count == 0)
		m->heard_ns = command.time_ns; /* it was idle: its silence begins now */
	m->jobs[m->job_count++] = number;
	m->given++;
	return true;
}

/* Jobs that a member should have at hand: fewer towards the end, so that none waits behind a slow
 * one. */
static unsigned at_hand(const struct crew *crew, const struct member *m)
{
	size_t share = crew->ready_count / crew->size;
	unsigned recycle = crew->run->settings->recycle;
	unsigned most = share < 1 ? 1 : share < WORKER_JOBS_MAX ? (unsigned)share : WORKER_JOBS_MAX;

	if (recycle > 0 && recycle - m->given < most - m->job_count && most > m->job_count)
		return m->job_count + recycle - m->given;
	return most;
}

/* An idle member asks the one with the most unbegun jobs to give its last one back. */
void crew_ask_back(struct crew *crew)
{
	struct member *rich = NULL;
	unsigned i;

	for (i = 0; i < crew->size; i++) {
		struct member *m = &crew->members[i];

		if (m->child.pid && !m->asking && m->job_count >= 2 &&
		    (!rich || m->job_count > rich->job_count))
			rich = m;
	}
	if (!rich)
		return;
	rich->asking = true;
	rich->asked++;
	command(crew, rich, COMMAND_CANCEL, rich->jobs[rich->job_count - 1]);
}

/* Gives M what it should have at hand. Refilled at half, so that one send carries several jobs. */
void crew_feed(struct crew *crew, struct member *m)
{
	unsigned recycle = crew->run->settings->recycle;
	unsigned most;

	if (!m->child.pid || m->leaving || m->condemned.kind)
		return;
	if (recycle > 0 && m->given >= recycle) {
		if (m->job_count == 0)
			crew_quit(crew, m);
		return;
	}
	most = at_hand(crew, m);
	if (m->job_count > most / 2)
		return;
	while (m->job_count < most && crew->ready_count > 0)
		if (!give(crew, m, ready_pop(crew)))
			break;
	if (m->outbox.count > 0)
		outbox_flush(crew, m);
}

/* ---- hearing ---- */

/* It said what it may not say, or nothing for too long. Its death is learned like any other. */
void crew_condemn(struct member *m, enum fault_kind kind, int32_t code)
{
	if (m->condemned.kind)
		return;
	m->condemned = (struct fault){ .kind = kind, .code = code };
	child_kill(&m->child, SIGKILL);
}

static void take_from(struct member *m, unsigned i)
{
	m->job_count--;
	memmove(&m->jobs[i], &m->jobs[i + 1], (m->job_count - i) * sizeof m->jobs[i]);
}

/* CANCEL was obeyed: the job must be one that M has and has not begun. */
static bool take_back(struct crew *crew, struct member *m, uint32_t job)
{
	unsigned i;

	if (m->returned == m->asked)
		return false; /* nobody asked: it could return and be given a job for ever */
	for (i = m->guard.running; i < m->job_count; i++) {
		if (m->jobs[i] != job)
			continue;
		take_from(m, i);
		m->given--;
		m->asking = false;
		m->returned++;
		crew_ready(crew, job, true);
		return true;
	}
	return false;
}

static bool heard(struct crew *crew, struct member *m, const struct event *event)
{
	struct run *run = crew->run;
	struct job *job;
	unsigned slot = crew_slot(crew, m);

	if (!event_permit(&m->guard, event, m->job_count ? m->jobs[0] : EVENT_NO_JOB))
		return false;
	if (event->kind == EVENT_RETURNED)
		return take_back(crew, m, event->job);
	job = &run->jobs->jobs[m->jobs[0]]; /* event_permit compared it with event->job */
	switch (event->kind) {
	case EVENT_START:
		run_started(run, job, slot, event->time_ns);
		return true;
	case EVENT_PROGRESS:
		run_moved(run, job, slot, event->bytes, event->total);
		return true;
	case EVENT_DONE:
		job->bytes = event->bytes;
		job->total = event->total;
		job->inode = event->inode;
		run_received(run, job, slot, event->time_ns);
		break;
	default:
		job->bytes = event->bytes;
		run_failed(run, job, slot, &event->fault);
	}
	m->asking = false;
	take_from(m, 0);
	return true;
}

static void hear_records(struct crew *crew, struct member *m, const unsigned char *records,
			 size_t n)
{
	struct event event;
	size_t i;

	crew->run->records += n;
	if (crew->run->settings->trace)
		trace_events(crew->run->begun_ns, crew_slot(crew, m), m->child.pid, records, n);
	m->heard_ns = clock_ns();
	for (i = 0; i < n && !m->condemned.kind; i++)
		if (event_decode(&event, records + i * RECORD_BYTES) < 0 || !heard(crew, m, &event))
			crew_condemn(m, FAULT_PROTOCOL, 0);
	crew_feed(crew, m);
}

int crew_hear(struct crew *crew)
{
	unsigned char records[EVENTS_AT_ONCE * RECORD_BYTES];
	unsigned slot = 0;
	ssize_t n;
	char line[128];

	for (;;) {
		n = ipc_recv(crew->events, &slot, records, EVENTS_AT_ONCE, IPC_NOWAIT);
		if (n == -EAGAIN)
			return 0;
		if (n > 0)
			hear_records(crew, &crew->members[slot], records, (size_t)n);
		else if (n == -EPROTO)
			crew_condemn(&crew->members[slot], FAULT_PROTOCOL, 0);
		else if (n < 0)
			break;
		/* 0: the channel has ended; what it means, its pidfd will say */
	}
	(void)snprintf(line, sizeof line, "cannot hear the workers over %s: %s",
		       crew->run->settings->ipc, strerror((int)-n));
	ui_note(crew->run->settings->ui, true, line);
	return (int)n;
}
