/* SPDX-License-Identifier: MIT */
/*
 * pool_start.c - what runs a worker: a forked process, a process that executes this program anew,
 * a thread of this process, or one of several threads of a forked process.
 *
 * A worker takes its slots by two tickets (ipc_ticket), so that a process keeps the descriptors of
 * these alone and closes all others at once, however many workers there are. Over a mechanism that
 * has no tickets a fork inherits the sessions instead.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "download/pool_internal.h"

#define KEEP_MAX (POOL_SHARED_MAX + 1 + 2 * IPC_TICKET_FDS * POOL_THREADS_MAX)

/* ---- tickets ---- */

static int take_ends(struct pool *pool, unsigned slot, struct pool_ends *ends)
{
	int rc;

	if (!pool_has_tickets(pool)) {
		rc = ipc_arm(pool->events, slot);
		return rc < 0 ? rc : ipc_arm(pool->commands, slot);
	}
	rc = ipc_ticket(pool->events, slot, &ends->events);
	if (rc < 0)
		return rc;
	rc = ipc_ticket(pool->commands, slot, &ends->commands);
	if (rc < 0)
		ipc_ticket_close(&ends->events);
	return rc;
}

/* The worker has them, or there will be none. */
static void close_ends(const struct pool *pool, struct pool_ends *ends)
{
	if (!pool_has_tickets(pool))
		return;
	ipc_ticket_close(&ends->events);
	ipc_ticket_close(&ends->commands);
}

/* What runs one or more workers. */
struct pool_owner {
	struct child child; /* a process; CHILD_NONE: a thread, or reaped already */
	unsigned workers;   /* not reaped yet */
	int status;         /* of the process, once it is reaped; as of waitpid */
	bool is_thread;
	pthread_t thread;
	atomic_bool cancel;
	int ended; /* eventfd that the thread writes last */
	struct pool_ends ends;
	struct worker_setup setup;
	int report; /* of a process: its sandbox's listener; until LISTENING, the way it comes */
	bool listening;
};

/* ---- in a new process ---- */

struct process {
	struct pool *pool;
	unsigned slot, count; /* of its workers: the first, and how many */
	struct pool_ends *ends;
	int report[2]; /* see sandbox.h: ours, its own; -1: none */
};

/* The inherited descriptors that the process needs. Returns how many. */
static size_t descriptors(const struct process *process, int keep[KEEP_MAX])
{
	size_t n = pool_shared_descriptors(process->pool, keep);
	unsigned i, k;

	keep[n++] = process->report[1];
	for (i = 0; i < process->count; i++)
		for (k = 0; k < IPC_TICKET_FDS; k++) {
			keep[n++] = process->ends[i].events.fds[k];
			keep[n++] = process->ends[i].commands.fds[k];
		}
	return n;
}

/* Closes what the parent holds of a sibling: its listener could permit it what it must not do. */
static void drop_worker(const struct pool_worker *worker)
{
	if (worker->child.pidfd >= 0)
		(void)close(worker->child.pidfd);
	if (worker->owner && worker->owner->report >= 0)
		(void)close(worker->owner->report);
}

static void drop_the_parents(const struct process *process)
{
	const struct pool *pool = process->pool;
	int keep[KEEP_MAX];
	unsigned i;

	if (pool_has_tickets(pool)) {
		child_keep(keep, descriptors(process, keep));
		return;
	}
	/* The sessions close what is theirs themselves. */
	for (i = 0; i < pool->size; i++)
		drop_worker(&pool->workers[i]);
	(void)close(pool->deaths);
	if (pool->signals >= 0)
		(void)close(pool->signals);
	if (pool->control >= 0)
		(void)close(pool->control);
}

static int forked(void *arg)
{
	const struct process *process = arg;
	struct worker_setup setup = pool_worker_setup(process->pool, process->slot, process->ends);

	setup.report = process->report[1];
	drop_the_parents(process);
	return worker_main(&setup);
}

static void *thread_of_process(void *arg)
{
	int code = worker_work(arg);

	if (code != WORKER_OK)
		_exit(code); /* the parent knows of processes alone */
	return NULL;
}

/* Runs several workers, each in a thread. The process ends when they have ended. */
static int forked_with_threads(void *arg)
{
	const struct process *process = arg;
	struct worker_setup setups[POOL_THREADS_MAX];
	struct worker *workers[POOL_THREADS_MAX];
	pthread_t threads[POOL_THREADS_MAX];
	unsigned i;
	int code;

	drop_the_parents(process);
	for (i = 0; i < process->count; i++)
		setups[i] = pool_worker_setup(process->pool, process->slot + i, &process->ends[i]);
	setups[0].report = process->report[1];
	code = worker_enter(setups, process->count, workers);
	if (code != WORKER_OK)
		return code;
	for (i = 0; i < process->count; i++)
		if (pthread_create(&threads[i], NULL, thread_of_process, workers[i]) != 0)
			return WORKER_BROKEN; /* ends the others, too */
	for (i = 0; i < process->count; i++)
		(void)pthread_join(threads[i], NULL); /* cannot fail for our own */
	return WORKER_OK;
}

/* Executes this program anew. It inherits only these descriptors and the ignored signals. */
static int execute(void *arg)
{
	const struct process *process = arg;
	const struct pool *pool = process->pool;
	const struct batch_settings *settings = pool->batch->settings;
	int keep[KEEP_MAX];
	size_t i, n = descriptors(process, keep);
	char numbers[64], sandbox[80];
	const char **argv;

	(void)snprintf(numbers, sizeof numbers, "%d:%u:%d:%d", settings->dirs.first,
		       settings->dirs.count, (int)pool->hub.pid, pool->hub.pidfd);
	sandbox_print(&pool->sandbox, process->report[1], sandbox, sizeof sandbox);
	argv = calloc((size_t)settings->argc + 7, sizeof *argv);
	if (!argv)
		return WORKER_BROKEN;
	argv[0] = settings->argv[0];
	argv[1] = WORKER_COMMAND;
	argv[2] = process->ends->events.text;
	argv[3] = process->ends->commands.text;
	argv[4] = numbers;
	argv[5] = sandbox;
	for (i = 1; i < (size_t)settings->argc; i++)
		argv[i + 5] = settings->argv[i];
	for (i = 0; i < n; i++)
		if (keep[i] >= 0)
			(void)fcntl(keep[i], F_SETFD, 0); /* else the worker says what is missing */
	(void)execv("/proc/self/exe", (char *const *)argv);
	return WORKER_BROKEN;
}

/* ---- owners ---- */

static void *thread_main(void *arg)
{
	static const uint64_t one = 1;
	struct pool_owner *owner = arg;

	owner->status = worker_run(&owner->setup) << 8;
	(void)!write(owner->ended, &one, sizeof one); /* cannot fail: it was 0 */
	return NULL;
}

/* The hub's side of WORKER, which OWNER runs. FD becomes readable when it has ended. */
static int attach_hub(struct pool *pool, struct pool_worker *worker, pid_t pid, int fd)
{
	const unsigned slot = pool_slot(pool, worker);
	const struct ipc_peer peer = { .pid = pid, .pidfd = fd };
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = slot };
	int rc = ipc_attach(pool->events, slot, IPC_HUB, &peer);

	if (rc == 0)
		rc = ipc_attach(pool->commands, slot, IPC_HUB, &peer);
	if (rc == 0 && epoll_ctl(pool->deaths, EPOLL_CTL_ADD, fd, &event) < 0)
		rc = -errno;
	return rc;
}

static void started(struct pool *pool, struct pool_worker *worker, struct pool_owner *owner,
		    const struct child *child)
{
	worker->owner = owner;
	worker->child = *child;
	worker->guard = (struct event_guard){ .slot = (uint16_t)pool_slot(pool, worker) };
	worker->last_event_ns = clock_ns();
	owner->workers++;
	pool->alive++;
	worker->rate = 0;
	pool_list(&pool->idle, worker);
}

static void detach(struct pool *pool, unsigned slot)
{
	ipc_detach(pool->events, slot);
	ipc_detach(pool->commands, slot);
}

/* ---- starting ---- */

static int start_thread(struct pool *pool, struct pool_worker *worker, struct pool_owner *owner)
{
	const unsigned slot = pool_slot(pool, worker);
	struct child child = { .pid = getpid(), .pidfd = -1 };
	int rc = take_ends(pool, slot, &owner->ends);

	if (rc < 0)
		return rc;
	owner->is_thread = true;
	owner->setup = pool_worker_setup(pool, slot, &owner->ends);
	owner->setup.cancel = &owner->cancel;
	child.pidfd = owner->ended = eventfd(0, EFD_CLOEXEC);
	rc = child.pidfd < 0 ? -errno : attach_hub(pool, worker, child.pid, child.pidfd);
	if (rc == 0)
		rc = -pthread_create(&owner->thread, NULL, thread_main, owner);
	if (rc == 0) {
		started(pool, worker, owner, &child);
		return 0;
	}
	detach(pool, slot);
	close_ends(pool, &owner->ends);
	if (child.pidfd >= 0)
		(void)close(child.pidfd);
	return rc;
}

static void drop_report(struct pool *pool, struct pool_owner *owner)
{
	if (owner->report < 0)
		return;
	if (owner->listening)
		(void)epoll_ctl(pool->deaths, EPOLL_CTL_DEL, owner->report, NULL);
	(void)close(owner->report);
	owner->report = -1;
	owner->listening = false;
}

/*
 * A worker sends the listener before its first event, and before that it does nothing that could be
 * a violation. So the parent need not wake up for it.
 */
void pool_take_listener(struct pool *pool, const struct pool_worker *worker)
{
	struct pool_owner *owner = worker->owner;
	struct epoll_event event = { .events = EPOLLIN,
				     .data.u32 = pool_slot(pool, worker) | POOL_REPORT };
	int listener;

	if (!owner || owner->listening || owner->report < 0)
		return;
	listener = sandbox_receive_listener(owner->report);
	if (listener == -EAGAIN)
		return;
	drop_report(pool, owner);
	owner->report = listener;
	owner->listening = listener >= 0;
	if (owner->listening) /* if memory is short, a violation is noticed as a stall only */
		(void)epoll_ctl(pool->deaths, EPOLL_CTL_ADD, listener, &event);
}

int pool_read_violation(struct pool *pool, unsigned slot, bool readable)
{
	struct pool_owner *owner = pool->workers[slot].owner;
	int call;

	if (!owner || !owner->listening)
		return -EAGAIN; /* reaped */
	call = readable ? sandbox_next_violation(owner->report, pool->workers[slot].child.pid) :
			  -EPIPE;
	if (call == -EPIPE) /* the process ends: its pidfd will say so */
		drop_report(pool, owner);
	return call;
}

/* Each worker of the process has a descriptor of its own that becomes readable when it dies. */
static int attach_workers(struct pool *pool, const struct process *process,
			  struct pool_owner *owner)
{
	struct child child = { .pid = owner->child.pid };
	unsigned i;
	int rc;

	for (i = 0; i < process->count; i++) {
		struct pool_worker *worker = &pool->workers[process->slot + i];

		const bool last = i + 1 == process->count;

		child.pidfd = last ? owner->child.pidfd :
				     fcntl(owner->child.pidfd, F_DUPFD_CLOEXEC, 0);
		rc = child.pidfd < 0 ? -errno : attach_hub(pool, worker, child.pid, child.pidfd);
		if (rc < 0) {
			if (child.pidfd >= 0 && !last)
				(void)close(child.pidfd);
			return rc;
		}
		started(pool, worker, owner, &child);
	}
	owner->child.pidfd = -1; /* the last worker's now */
	return 0;
}

static int start_process(struct pool *pool, struct pool_worker *worker, struct pool_owner *owner)
{
	const struct batch_settings *settings = pool->batch->settings;
	struct pool_ends ends[POOL_THREADS_MAX];
	struct process process = {
		.pool = pool, .slot = pool_slot(pool, worker), .ends = ends, .report = { -1, -1 }
	};
	int (*run)(void *) = settings->start == START_SPAWN ? execute :
			     settings->threads > 1          ? forked_with_threads :
							      forked;
	const unsigned count = settings->threads > 1 ? settings->threads : 1;
	unsigned i;
	int rc = 0;

	process.slot -= process.slot % count;
	for (i = 0; i < count; i++)
		if (pool->workers[process.slot + i].owner)
			return -EBUSY; /* the process before is dead, but not all are reaped */
	for (i = 0; i < count && rc == 0; i++) {
		rc = take_ends(pool, process.slot + i, &ends[i]);
		process.count += rc == 0;
	}
	if (rc == 0 && pool->sandbox.notify)
		rc = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, process.report) < 0 ?
			     -errno :
			     0;
	if (rc == 0)
		rc = pool_order(pool, &owner->child, process.slot, ends, process.report[1]);
	if (rc == -ENOTSUP)
		rc = spawn(&owner->child, "ipcdemo-worker", run, &process);
	owner->report = process.report[0];
	if (process.report[1] >= 0)
		(void)close(process.report[1]);
	if (rc == 0)
		rc = attach_workers(pool, &process, owner);
	for (i = 0; i < process.count; i++)
		close_ends(pool, &ends[i]);
	if (rc == 0)
		return 0;
	child_kill(&owner->child, SIGKILL);
	for (i = 0; i < count; i++)
		if (!pool->workers[process.slot + i].owner) /* the others are reaped as ever */
			detach(pool, process.slot + i);
	return rc;
}

int pool_start(struct pool *pool, struct pool_worker *worker)
{
	struct pool_owner *owner = calloc(1, sizeof *owner);
	int rc, status;

	if (!owner)
		return -ENOMEM;
	owner->child = CHILD_NONE;
	owner->report = -1;
	rc = pool->batch->settings->in_threads ? start_thread(pool, worker, owner) :
						 start_process(pool, worker, owner);
	if (owner->workers > 0)
		return 0; /* those that began go on, or are reaped */
	if (owner->child.pid)
		(void)child_reap(&owner->child, true, &status);
	drop_report(pool, owner);
	free(owner);
	return rc;
}

/* ---- the end ---- */

void pool_kill_owner(struct pool_worker *worker)
{
	if (!worker->owner)
		return;
	if (worker->owner->is_thread)
		atomic_store(&worker->owner->cancel, true);
	else
		child_kill(&worker->child, SIGKILL);
}

int pool_reap_owner(struct pool *pool, struct pool_worker *worker)
{
	struct pool_owner *owner = worker->owner;
	int status;

	if (owner->is_thread)
		(void)pthread_join(owner->thread, NULL); /* it has ended, or does in a moment */
	else if (owner->child.pid)
		(void)child_reap(&owner->child, true, &owner->status);
	status = owner->status;
	(void)close(worker->child.pidfd);
	worker->child = CHILD_NONE;
	worker->owner = NULL;
	if (--owner->workers > 0)
		return status;
	drop_report(pool, owner);
	free(owner);
	return status;
}
