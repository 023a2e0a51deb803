/* SPDX-License-Identifier: MIT */
/* crew.c - see crew.h */
#include "config.h"

#include "crew.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "trace.h"

#define EVENTS_AT_ONCE 64
#define GRACE_NS       (50 * 1000 * 1000) /* for what a library's threads still carry after a death */
#define STALL_LOOK_NS  (250 * NS_PER_MS)

/* ---- jobs that wait for a worker ---- */

static void ready_push(struct crew *crew, uint32_t job, bool front)
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
	ready_push(crew, (uint32_t)(job - ((struct crew *)crew)->run->jobs->jobs), false);
}

/* ---- saying ---- */

static unsigned slot_of(const struct crew *crew, const struct member *m)
{
	return (unsigned)(m - crew->members);
}

static void outbox_flush(struct crew *crew, struct member *m)
{
	struct outbox *box = &m->outbox;
	size_t left = box->count - box->sent;
	const unsigned char *next;
	ssize_t n;

	while (left > 0) {
		next = box->records + box->sent * RECORD_BYTES;
		n = ipc_send(crew->commands, slot_of(crew, m), next, left, IPC_NOWAIT);
		if (n == -EAGAIN)
			return;
		if (n < 0)
			break; /* it is dying: its pidfd will say so */
		if (crew->run->settings->trace)
			trace_commands(crew->run->begun_ns, slot_of(crew, m), m->child.pid, next,
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
					 .slot = (uint16_t)slot_of(crew, m),
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

static void quit(struct crew *crew, struct member *m)
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
	struct command command = { .slot = (uint16_t)slot_of(crew, m),
				   .job = number,
				   .ack = m->guard.seq,
				   .time_ns = clock_ns() };
	unsigned char *records =
		outbox_add(crew, m, command_job_records(strlen(job->url), strlen(job->name)));

	if (!records)
		return false;
	command_encode_job(&command, job->url, job->name, records);
	job->state = JOB_GIVEN;
	job->worker = slot_of(crew, m);
	if (m->job_count == 0)
		m->heard_ns = command.time_ns; /* it was idle: its silence begins now */
	m->jobs[m->job_count++] = number;
	m->given++;
	return true;
}

/* Jobs that a member should have at hand: fewer towards the end, so that none waits behind a slow one. */
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
static void ask_back(struct crew *crew)
{
	struct member *rich = NULL;
	unsigned i;

	for (i = 0; i < crew->size; i++) {
		struct member *m = &crew->members[i];

		if (m->child.pid && !m->asked_back && m->job_count >= 2 &&
		    (!rich || m->job_count > rich->job_count))
			rich = m;
	}
	if (!rich)
		return;
	rich->asked_back = true;
	command(crew, rich, COMMAND_CANCEL, rich->jobs[rich->job_count - 1]);
}

/* Gives M what it should have at hand. Refilled at half, so that one send carries several jobs. */
static void feed(struct crew *crew, struct member *m)
{
	unsigned recycle = crew->run->settings->recycle;
	unsigned most;

	if (!m->child.pid || m->leaving || m->condemned.kind)
		return;
	if (recycle > 0 && m->given >= recycle) {
		if (m->job_count == 0)
			quit(crew, m);
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
	if (m->job_count == 0 && crew->ready_count == 0)
		ask_back(crew);
}

/* ---- hiring ---- */

struct hiring {
	struct crew *crew;
	unsigned slot;
};

/* In the new process: drops what is the parent's business, then works. */
static int member_main(void *arg)
{
	const struct hiring *hiring = arg;
	struct crew *crew = hiring->crew;
	const struct run_settings *settings = crew->run->settings;
	struct worker_setup setup = { .events = crew->events,
				      .commands = crew->commands,
				      .slot = hiring->slot,
				      .hub = crew->hub,
				      .dirfd = settings->dirfd,
				      .limits = settings->limits };
	unsigned i;

	for (i = 0; i < crew->size; i++)
		if (crew->members[i].child.pidfd >= 0)
			(void)close(crew->members[i].child.pidfd);
	(void)close(crew->deaths);
	if (crew->signals >= 0)
		(void)close(crew->signals);
	return worker_main(&setup);
}

static int attach_hub(struct crew *crew, unsigned slot, const struct child *child)
{
	const struct ipc_peer peer = { .pid = child->pid, .pidfd = child->pidfd };
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = slot };
	int rc = ipc_attach(crew->events, slot, IPC_HUB, &peer);

	if (rc == 0)
		rc = ipc_attach(crew->commands, slot, IPC_HUB, &peer);
	if (rc == 0 && epoll_ctl(crew->deaths, EPOLL_CTL_ADD, child->pidfd, &event) < 0)
		rc = -errno;
	return rc;
}

static int hire(struct crew *crew, unsigned slot)
{
	struct hiring hiring = { .crew = crew, .slot = slot };
	struct member *m = &crew->members[slot];
	struct child child = CHILD_NONE;
	int rc = ipc_arm(crew->events, slot);
	int status;

	if (rc == 0)
		rc = ipc_arm(crew->commands, slot);
	if (rc == 0)
		rc = spawn(&child, "ipcdemo-worker", member_main, &hiring);
	if (rc == 0)
		rc = attach_hub(crew, slot, &child);
	if (rc == 0) {
		m->child = child;
		m->guard = (struct event_guard){ .slot = (uint16_t)slot };
		m->heard_ns = clock_ns();
		crew->alive++;
		return 0;
	}
	if (child.pid) {
		child_kill(&child, SIGKILL);
		(void)child_reap(&child, true, &status);
	}
	ipc_detach(crew->events, slot);
	ipc_detach(crew->commands, slot);
	return rc;
}

static int tell_cannot_hire(const struct crew *crew, int rc)
{
	char line[256];
	const char *hint =
		rc == -EMFILE ? "raise ulimit -n or use fewer workers (-j)" :
		rc == -EAGAIN ? "raise ulimit -u or ulimit -i, or use fewer workers (-j)" :
		rc == -ENOSPC ? "no room for shared memory: see df /dev/shm" :
				"use fewer workers (-j)";

	(void)snprintf(line, sizeof line, "cannot start a worker over %s: %s; %s",
		       crew->run->settings->ipc, strerror(-rc), hint);
	ui_note(crew->run->settings->ui, true, line);
	return rc;
}

int crew_employ(struct crew *crew)
{
	unsigned slot;
	int rc;

	for (slot = 0; slot < crew->size; slot++) {
		struct member *m = &crew->members[slot];

		if (!m->child.pid && crew->ready_count > 0) {
			rc = hire(crew, slot);
			if (rc < 0)
				/* The others go on; who is missing is tried again when one ends. */
				return crew->alive > 0 ? 0 : tell_cannot_hire(crew, rc);
		}
		if (m->child.pid && m->job_count == 0)
			feed(crew, m);
	}
	return 0;
}

/* ---- hearing ---- */

/* It said what it may not say, or nothing for too long. Its death is then learned like any other. */
static void condemn(struct member *m, enum fault_kind kind, int32_t code)
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

	for (i = m->guard.running; i < m->job_count; i++) {
		if (m->jobs[i] != job)
			continue;
		take_from(m, i);
		m->given--;
		m->asked_back = false;
		ready_push(crew, job, true);
		return true;
	}
	return false;
}

static bool heard(struct crew *crew, struct member *m, const struct event *event)
{
	struct run *run = crew->run;
	struct job *job;
	unsigned slot = slot_of(crew, m);

	if (!event_permit(&m->guard, event, m->job_count ? m->jobs[0] : JOB_NONE))
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
	m->asked_back = false;
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
		trace_events(crew->run->begun_ns, slot_of(crew, m), m->child.pid, records, n);
	m->heard_ns = clock_ns();
	for (i = 0; i < n && !m->condemned.kind; i++)
		if (event_decode(&event, records + i * RECORD_BYTES) < 0 || !heard(crew, m, &event))
			condemn(m, FAULT_PROTOCOL, 0);
	feed(crew, m);
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
			condemn(&crew->members[slot], FAULT_PROTOCOL, 0);
		else if (n < 0)
			break;
		/* 0: the channel has ended; what it means, its pidfd will say */
	}
	(void)snprintf(line, sizeof line, "cannot hear the workers over %s: %s",
		       crew->run->settings->ipc, strerror((int)-n));
	ui_note(crew->run->settings->ui, true, line);
	return (int)n;
}

/* ---- the end of a member ---- */

static struct fault cause_of_death(const struct member *m, int status)
{
	if (m->condemned.kind)
		return m->condemned;
	if (WIFSIGNALED(status))
		return (struct fault){ .kind = FAULT_KILLED, .code = WTERMSIG(status) };
	return (struct fault){ .kind = FAULT_EXITED, .code = WEXITSTATUS(status) };
}

/* The job that it was at has failed a try; those it had not begun go to somebody else. */
static void judge(struct crew *crew, struct member *m, int status)
{
	struct fault fault = cause_of_death(m, status);

	while (m->job_count > 1) {
		ready_push(crew, m->jobs[m->job_count - 1], true);
		m->job_count--;
	}
	if (m->job_count == 1)
		run_failed(crew->run, &crew->run->jobs->jobs[m->jobs[0]], slot_of(crew, m), &fault);
}

static int bury(struct crew *crew, struct member *m)
{
	unsigned slot = slot_of(crew, m);
	unsigned char *records = m->outbox.records;
	size_t cap = m->outbox.cap;
	int status = 0;
	int rc = crew_hear(crew);

	/* What a library's threads carry may come a moment after the death: one bounded wait. */
	if (rc == 0 && m->job_count > 0 &&
	    !(ipc_session_info(crew->events)->capabilities & IPC_CAP_DURABLE) &&
	    ipc_wait(crew->events, GRACE_NS) > 0)
		rc = crew_hear(crew);
	(void)epoll_ctl(crew->deaths, EPOLL_CTL_DEL, m->child.pidfd, NULL);
	ipc_detach(crew->events, slot);
	ipc_detach(crew->commands, slot);
	(void)child_reap(&m->child, true, &status); /* dead already: does not wait */
	judge(crew, m, status);
	if (m->outbox.count > 0)
		crew->unsent--;
	*m = (struct member){ .child = CHILD_NONE, .outbox = { .records = records, .cap = cap } };
	crew->alive--;
	return rc;
}

int crew_bury(struct crew *crew)
{
	struct epoll_event dead[64];
	int n = epoll_wait(crew->deaths, dead, 64, 0);
	int i, rc = 0;

	for (i = 0; i < n && rc == 0; i++)
		rc = bury(crew, &crew->members[dead[i].data.u32]);
	return rc;
}

uint64_t crew_check_stalled(struct crew *crew, uint64_t now_ns)
{
	/* A worker with a job speaks about once a second, even if no byte arrives. The one second more is
	 * libcurl's, which has the same limit and a better reason to give. */
	uint64_t limit_s = (uint64_t)crew->run->settings->limits.stall_timeout + 1;
	unsigned i;

	for (i = 0; i < crew->size; i++) {
		struct member *m = &crew->members[i];

		if (m->child.pid && m->job_count > 0 && now_ns > m->heard_ns &&
		    now_ns - m->heard_ns > limit_s * NS_PER_S)
			condemn(m, FAULT_STALLED, (int32_t)limit_s - 1);
	}
	return now_ns + STALL_LOOK_NS;
}

void crew_forgive(struct crew *crew, uint64_t now_ns)
{
	unsigned i;

	for (i = 0; i < crew->size; i++)
		crew->members[i].heard_ns = now_ns;
}

void crew_dismiss(struct crew *crew)
{
	unsigned i;

	for (i = 0; i < crew->size; i++)
		if (crew->members[i].child.pid)
			quit(crew, &crew->members[i]);
}

void crew_kill(struct crew *crew)
{
	unsigned i;

	for (i = 0; i < crew->size; i++)
		child_kill(&crew->members[i].child, SIGKILL);
}

/* ---- life of the crew ---- */

static int open_sessions(struct crew *crew)
{
	const struct run_settings *settings = crew->run->settings;
	struct ipc_config config = { .direction = IPC_TO_HUB,
				     .record_size = RECORD_BYTES,
				     .slots = crew->size,
				     .runtime_dir = settings->runtime_dir };
	int rc = ipc_open(&crew->events, settings->ipc, &config);

	if (rc < 0)
		return rc;
	config.direction = IPC_FROM_HUB;
	return ipc_open(&crew->commands, settings->ipc, &config);
}

int crew_open(struct crew *crew, struct run *run)
{
	char line[192];
	unsigned i;
	int rc = -ENOMEM;

	*crew = (struct crew){ .run = run, .signals = -1, .size = run->settings->workers };
	crew->hub = (struct ipc_peer){ .pid = getpid(), .pidfd = pidfd_open(getpid(), 0) };
	crew->deaths = epoll_create1(EPOLL_CLOEXEC);
	crew->members = calloc(crew->size, sizeof *crew->members);
	crew->ready = calloc(run->jobs->count, sizeof *crew->ready);
	if (crew->hub.pidfd < 0 || crew->deaths < 0)
		rc = -EMFILE;
	else if (crew->members && crew->ready)
		rc = open_sessions(crew);
	for (i = 0; crew->members && i < crew->size; i++)
		crew->members[i].child = CHILD_NONE;
	for (i = 0; rc == 0 && i < run->jobs->count; i++)
		if (run->jobs->jobs[i].state == JOB_READY)
			ready_push(crew, i, false);
	if (rc == 0)
		return 0;
	(void)snprintf(line, sizeof line, "cannot open a session over %s: %s", run->settings->ipc,
		       strerror(-rc));
	ui_note(run->settings->ui, true, line);
	crew_close(crew);
	return rc;
}

void crew_close(struct crew *crew)
{
	unsigned i;
	int status;

	for (i = 0; crew->members && i < crew->size; i++) {
		struct member *m = &crew->members[i];

		child_kill(&m->child, SIGKILL);
		if (m->child.pid)
			(void)child_reap(&m->child, true, &status);
		free(m->outbox.records);
	}
	ipc_close(crew->events);
	ipc_close(crew->commands);
	free(crew->members);
	free(crew->ready);
	if (crew->deaths >= 0)
		(void)close(crew->deaths);
	if (crew->hub.pidfd >= 0)
		(void)close(crew->hub.pidfd);
}
