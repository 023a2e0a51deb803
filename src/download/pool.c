/* SPDX-License-Identifier: MIT */
/* pool.c - see pool.h */
#include "config.h"

#include "download/pool.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"

#define GRACE_NS      (50 * 1000 * 1000) /* for what a library's threads still carry */
#define STALL_LOOK_NS (250 * NS_PER_MS)

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

/* One line: what could not be done, why, and what may help. Returns RC. */
static int tell_cannot(const struct crew *crew, const char *what, int rc)
{
	char line[256];
	const char *hint = rc == -EMFILE ? "raise ulimit -n or use fewer workers (-j)" :
			   rc == -EAGAIN ? "raise ulimit -u or -i, or use fewer workers (-j)" :
			   rc == -ENOSPC ? "no room for shared memory: see df /dev/shm" :
					   "use fewer workers (-j), or another --ipc";

	(void)snprintf(line, sizeof line, "cannot %s over %s: %s; %s", what,
		       crew->run->settings->ipc, strerror(-rc), hint);
	ui_note(crew->run->settings->ui, true, line);
	return rc;
}

int crew_employ(struct crew *crew)
{
	bool idle = false;
	unsigned slot;
	int rc;

	for (slot = 0; slot < crew->size; slot++) {
		struct member *m = &crew->members[slot];

		if (!m->child.pid && crew->ready_count > 0) {
			rc = hire(crew, slot);
			if (rc < 0)
				/* The others go on; who is missing is tried again when one ends. */
				return crew->alive > 0 ? 0 :
							 tell_cannot(crew, "start a worker", rc);
		}
		if (m->child.pid && m->job_count == 0) {
			crew_feed(crew, m);
			idle |= m->job_count == 0 && !m->leaving;
		}
	}
	if (idle && crew->ready_count == 0)
		crew_ask_back(crew);
	return 0;
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

	if (crew->run->signo)
		return; /* told to quit in the middle: what is open is left, see run_abandon */
	while (m->job_count > 1) {
		crew_ready(crew, m->jobs[m->job_count - 1], true);
		m->job_count--;
	}
	if (m->job_count == 1)
		run_failed(crew->run, &crew->run->jobs->jobs[m->jobs[0]], crew_slot(crew, m),
			   &fault);
}

static int bury(struct crew *crew, struct member *m)
{
	unsigned slot = crew_slot(crew, m);
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
	/* A worker with a job speaks about once a second, even if no byte arrives. The one second
	 * more is libcurl's, which has the same limit and a better reason to give. */
	uint64_t limit_s = (uint64_t)crew->run->settings->limits.stall_timeout + 1;
	unsigned i;

	for (i = 0; i < crew->size; i++) {
		struct member *m = &crew->members[i];

		if (m->child.pid && m->job_count > 0 && now_ns > m->heard_ns &&
		    now_ns - m->heard_ns > limit_s * NS_PER_S)
			crew_condemn(m, FAULT_STALLED, (int32_t)limit_s - 1);
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
			crew_quit(crew, &crew->members[i]);
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
			crew_ready(crew, i, false);
	if (rc == 0)
		return 0;
	(void)tell_cannot(crew, "reach workers", rc);
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
