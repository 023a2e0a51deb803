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

/* ---- start_args ---- */

struct start_args {
	struct pool *pool;
	unsigned slot;
};

/* In the new process: drops what is the parent's business, then works. */
static int worker_process(void *arg)
{
	const struct start_args *start_args = arg;
	struct pool *pool = start_args->pool;
	const struct batch_settings *settings = pool->batch->settings;
	struct worker_setup setup = { .events = pool->events,
				      .commands = pool->commands,
				      .slot = start_args->slot,
				      .hub = pool->hub,
				      .dirfd = settings->dirfd,
				      .limits = settings->limits };
	unsigned i;

	for (i = 0; i < pool->size; i++)
		if (pool->workers[i].child.pidfd >= 0)
			(void)close(pool->workers[i].child.pidfd);
	(void)close(pool->deaths);
	if (pool->signals >= 0)
		(void)close(pool->signals);
	return worker_main(&setup);
}

static int attach_hub(struct pool *pool, unsigned slot, const struct child *child)
{
	const struct ipc_peer peer = { .pid = child->pid, .pidfd = child->pidfd };
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = slot };
	int rc = ipc_attach(pool->events, slot, IPC_HUB, &peer);

	if (rc == 0)
		rc = ipc_attach(pool->commands, slot, IPC_HUB, &peer);
	if (rc == 0 && epoll_ctl(pool->deaths, EPOLL_CTL_ADD, child->pidfd, &event) < 0)
		rc = -errno;
	return rc;
}

static int start_worker(struct pool *pool, unsigned slot)
{
	struct start_args start_args = { .pool = pool, .slot = slot };
	struct worker *m = &pool->workers[slot];
	struct child child = CHILD_NONE;
	int rc = ipc_arm(pool->events, slot);
	int status;

	if (rc == 0)
		rc = ipc_arm(pool->commands, slot);
	if (rc == 0)
		rc = spawn(&child, "ipcdemo-worker", worker_process, &start_args);
	if (rc == 0)
		rc = attach_hub(pool, slot, &child);
	if (rc == 0) {
		m->child = child;
		m->guard = (struct event_guard){ .slot = (uint16_t)slot };
		m->last_event_ns = clock_ns();
		pool->alive++;
		return 0;
	}
	if (child.pid) {
		child_kill(&child, SIGKILL);
		(void)child_reap(&child, true, &status);
	}
	ipc_detach(pool->events, slot);
	ipc_detach(pool->commands, slot);
	return rc;
}

/* One line: what could not be done, why, and what may help. Returns RC. */
static int report_failure(const struct pool *pool, const char *what, int rc)
{
	char line[256];
	const char *hint = rc == -EMFILE ? "raise ulimit -n or use fewer workers (-j)" :
			   rc == -EAGAIN ? "raise ulimit -u or -i, or use fewer workers (-j)" :
			   rc == -ENOSPC ? "no room for shared memory: see df /dev/shm" :
					   "use fewer workers (-j), or another --ipc";

	(void)snprintf(line, sizeof line, "cannot %s over %s: %s; %s", what,
		       pool->batch->settings->ipc, strerror(-rc), hint);
	progress_note(pool->batch->settings->progress, true, line);
	return rc;
}

int pool_dispatch(struct pool *pool)
{
	bool idle = false;
	unsigned slot;
	int rc;

	for (slot = 0; slot < pool->size; slot++) {
		struct worker *m = &pool->workers[slot];

		if (!m->child.pid && pool->ready_count > 0) {
			rc = start_worker(pool, slot);
			if (rc < 0)
				/* The others go on; who is missing is tried again when one ends. */
				return pool->alive > 0 ? 0 :
							 report_failure(pool, "start a worker", rc);
		}
		if (m->child.pid && m->job_count == 0) {
			pool_assign(pool, m);
			idle |= m->job_count == 0 && !m->leaving;
		}
	}
	if (idle && pool->ready_count == 0)
		pool_recall(pool);
	return 0;
}

/* ---- the end of a worker ---- */

static struct failure cause_of_death(const struct worker *m, int status)
{
	if (m->kill_reason.kind)
		return m->kill_reason;
	if (WIFSIGNALED(status))
		return (struct failure){ .kind = FAILURE_KILLED, .code = WTERMSIG(status) };
	return (struct failure){ .kind = FAILURE_EXITED, .code = WEXITSTATUS(status) };
}

/* The job that it was at has failed a try; those it had not begun go to somebody else. */
static void settle_jobs(struct pool *pool, struct worker *m, int status)
{
	struct failure failure = cause_of_death(m, status);

	if (pool->batch->signo)
		return; /* told to quit in the middle: what is open is left, see batch_abandon */
	while (m->job_count > 1) {
		pool_enqueue(pool, m->jobs[m->job_count - 1], true);
		m->job_count--;
	}
	if (m->job_count == 1)
		batch_failed(pool->batch, &pool->batch->jobs->jobs[m->jobs[0]], pool_slot(pool, m),
			     &failure);
}

static int reap_worker(struct pool *pool, struct worker *m)
{
	unsigned slot = pool_slot(pool, m);
	unsigned char *records = m->send_queue.records;
	size_t cap = m->send_queue.cap;
	int status = 0;
	int rc = pool_receive(pool);

	/* What a library's threads carry may come a moment after the death: one bounded wait. */
	if (rc == 0 && m->job_count > 0 &&
	    !(ipc_session_info(pool->events)->capabilities & IPC_CAP_DURABLE) &&
	    ipc_wait(pool->events, GRACE_NS) > 0)
		rc = pool_receive(pool);
	(void)epoll_ctl(pool->deaths, EPOLL_CTL_DEL, m->child.pidfd, NULL);
	ipc_detach(pool->events, slot);
	ipc_detach(pool->commands, slot);
	(void)child_reap(&m->child, true, &status); /* dead already: does not wait */
	settle_jobs(pool, m, status);
	if (m->send_queue.count > 0)
		pool->unsent--;
	*m = (struct worker){ .child = CHILD_NONE,
			      .send_queue = { .records = records, .cap = cap } };
	pool->alive--;
	return rc;
}

int pool_reap(struct pool *pool)
{
	struct epoll_event dead[64];
	int n = epoll_wait(pool->deaths, dead, 64, 0);
	int i, rc = 0;

	for (i = 0; i < n && rc == 0; i++)
		rc = reap_worker(pool, &pool->workers[dead[i].data.u32]);
	return rc;
}

uint64_t pool_check_stalled(struct pool *pool, uint64_t now_ns)
{
	/* A worker with a job speaks about once a second, even if no byte arrives. The one second
	 * more is libcurl's, which has the same limit and a better reason to give. */
	uint64_t limit_s = (uint64_t)pool->batch->settings->limits.stall_timeout + 1;
	unsigned i;

	for (i = 0; i < pool->size; i++) {
		struct worker *m = &pool->workers[i];

		if (m->child.pid && m->job_count > 0 && now_ns > m->last_event_ns &&
		    now_ns - m->last_event_ns > limit_s * NS_PER_S)
			pool_kill(m, FAILURE_STALLED, (int32_t)limit_s - 1);
	}
	return now_ns + STALL_LOOK_NS;
}

void pool_restart_timeouts(struct pool *pool, uint64_t now_ns)
{
	unsigned i;

	for (i = 0; i < pool->size; i++)
		pool->workers[i].last_event_ns = now_ns;
}

void pool_quit_all(struct pool *pool)
{
	unsigned i;

	for (i = 0; i < pool->size; i++)
		if (pool->workers[i].child.pid)
			pool_quit(pool, &pool->workers[i]);
}

void pool_kill_all(struct pool *pool)
{
	unsigned i;

	for (i = 0; i < pool->size; i++)
		child_kill(&pool->workers[i].child, SIGKILL);
}

/* ---- life of the pool ---- */

static int open_sessions(struct pool *pool)
{
	const struct batch_settings *settings = pool->batch->settings;
	struct ipc_config config = { .direction = IPC_TO_HUB,
				     .record_size = RECORD_BYTES,
				     .slots = pool->size,
				     .runtime_dir = settings->runtime_dir };
	int rc = ipc_open(&pool->events, settings->ipc, &config);

	if (rc < 0)
		return rc;
	config.direction = IPC_FROM_HUB;
	return ipc_open(&pool->commands, settings->ipc, &config);
}

int pool_open(struct pool *pool, struct batch *batch)
{
	unsigned i;
	int rc = -ENOMEM;

	*pool = (struct pool){ .batch = batch, .signals = -1, .size = batch->settings->workers };
	pool->hub = (struct ipc_peer){ .pid = getpid(), .pidfd = pidfd_open(getpid(), 0) };
	pool->deaths = epoll_create1(EPOLL_CLOEXEC);
	pool->workers = calloc(pool->size, sizeof *pool->workers);
	pool->ready = calloc(batch->jobs->count, sizeof *pool->ready);
	if (pool->hub.pidfd < 0 || pool->deaths < 0)
		rc = -EMFILE;
	else if (pool->workers && pool->ready)
		rc = open_sessions(pool);
	for (i = 0; pool->workers && i < pool->size; i++)
		pool->workers[i].child = CHILD_NONE;
	for (i = 0; rc == 0 && i < batch->jobs->count; i++)
		if (batch->jobs->jobs[i].state == JOB_READY)
			pool_enqueue(pool, i, false);
	if (rc == 0)
		return 0;
	(void)report_failure(pool, "reach workers", rc);
	pool_close(pool);
	return rc;
}

void pool_close(struct pool *pool)
{
	unsigned i;
	int status;

	for (i = 0; pool->workers && i < pool->size; i++) {
		struct worker *m = &pool->workers[i];

		child_kill(&m->child, SIGKILL);
		if (m->child.pid)
			(void)child_reap(&m->child, true, &status);
		free(m->send_queue.records);
	}
	ipc_close(pool->events);
	ipc_close(pool->commands);
	free(pool->workers);
	free(pool->ready);
	if (pool->deaths >= 0)
		(void)close(pool->deaths);
	if (pool->hub.pidfd >= 0)
		(void)close(pool->hub.pidfd);
}
