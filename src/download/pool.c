/* SPDX-License-Identifier: MIT */
/* pool.c - see pool.h */
#include "config.h"

#include "download/pool.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/language.h"
#include "download/pool_internal.h"
#include "download/trace.h"

#define GRACE_NS      (50 * 1000 * 1000) /* for what a library or the network still carries */
#define STALL_LOOK_NS (250 * NS_PER_MS)
#define STARTS_A_TURN 16 /* then the workers that run already are looked after */

/* ---- the start of a worker ---- */

/* What may help the user. NULL where we do not know: no hint is better than a wrong one. */
static const char *remedy(const struct pool *pool, int rc, char *text, size_t size)
{
	const struct batch_settings *settings = pool->batch->settings;

	if (ipc_probe(settings->ipc, text, size) < 0)
		return _(text);
	switch (-rc) {
	case EMFILE:
	case ENFILE:
		return _("raise ulimit -n or use fewer workers (-j)");
	case EAGAIN:
		return _("raise ulimit -u or -i, or use fewer workers (-j)");
	case ENOMEM:
		return _("use fewer workers (-j)");
	case ENOSPC:
		(void)snprintf(text, size,
			       _("make room or use fewer workers (-j): see df /dev/shm "
				 "and df %s"),
			       settings->runtime_dir);
		return text;
	case EACCES:
	case EROFS:
	case ENOENT:
	case ENOTDIR:
	case ENAMETOOLONG:
		(void)snprintf(
			text, size,
			_("it makes files in %s: set TMPDIR to a directory that you may write "
			  "and that has a short name"),
			settings->runtime_dir);
		return text;
	case ENOSYS:
	case EPERM:
	case EAFNOSUPPORT:
		return _("the kernel, or a sandbox around this program, refuses a system call that "
			 "it needs: try another --ipc");
	default:
		return NULL;
	}
}

/* One line: what could not be done, why, and what may help. Returns RC. */
static int report_failure(const struct pool *pool, const char *what, int rc)
{
	char over[128], text[512];

	(void)snprintf(over, sizeof over, _("%s over %s"), what, pool->batch->settings->ipc);
	return batch_report(pool->batch, over, remedy(pool, rc, text, sizeof text), rc);
}

static int start_workers(struct pool *pool)
{
	struct pool_worker *worker;
	unsigned started;
	int rc;

	for (started = 0; started < STARTS_A_TURN && pool->batch->ready_count > 0; started++) {
		worker = LIST_FIRST(&pool->unused);
		if (!worker)
			return 0;
		rc = pool_start(pool, worker);
		if (rc < 0)
			/* The others continue; we try this one again when one of them ends. */
			return pool->alive > 0 ?
				       0 :
				       report_failure(pool, _("cannot start a worker"), rc);
		(void)pool_assign(pool, worker);
	}
	return pool->batch->ready_count > 0 && !LIST_EMPTY(&pool->unused);
}

int pool_dispatch(struct pool *pool)
{
	struct pool_worker *worker;
	int rc;

	while (pool->batch->ready_count > 0 && (worker = LIST_FIRST(&pool->idle)))
		if (!pool_assign(pool, worker))
			break;
	rc = start_workers(pool);
	if (rc < 0)
		return rc;
	if (pool->batch->ready_count == 0 && !LIST_EMPTY(&pool->idle))
		pool_recall(pool);
	else if (pool->busy == 0 && !LIST_EMPTY(&pool->idle))
		return report_failure(pool, _("cannot assign a job"), -ENOMEM);
	return rc;
}

/* ---- the end of a worker ---- */

static struct failure cause_of_death(const struct pool_worker *worker, int status)
{
	if (worker->kill_reason.kind)
		return worker->kill_reason;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		return (struct failure){ .kind = FAILURE_SANDBOX, .code = -1 };
	if (WIFSIGNALED(status))
		return (struct failure){ .kind = FAILURE_KILLED, .code = WTERMSIG(status) };
	return (struct failure){ .kind = FAILURE_EXITED, .code = WEXITSTATUS(status) };
}

static void settle_jobs(struct pool *pool, struct pool_worker *worker, int status)
{
	const struct failure failure = cause_of_death(worker, status);
	struct job *job;

	while (worker->job_count > 0) {
		job = pool_take_job(pool, worker, worker->job_count - 1);
		if (batch_ends_early(pool->batch))
			continue; /* told to quit in the middle: see batch_abandon */
		if (worker->job_count > 0)
			batch_requeue(pool->batch, job);
		else
			batch_failed(pool->batch, job, pool_slot(pool, worker), &failure,
				     job->bytes);
	}
}

/*
 * What WORKER sent may arrive a moment after its death, since a library's threads or the network
 * still carry it. So we wait, within bounds: once, or until the channel tells its end if it can.
 */
static int receive_rest(struct pool *pool, const struct pool_worker *worker)
{
	const unsigned capabilities = ipc_session_info(pool->events)->capabilities;
	const uint64_t until = clock_ns() + GRACE_NS;
	uint64_t now;
	int rc = 0;

	if (!(capabilities & IPC_CAP_EOF)) {
		if (worker->job_count > 0 && !(capabilities & IPC_CAP_DURABLE) &&
		    ipc_wait(pool->events, GRACE_NS) > 0)
			rc = pool_receive(pool);
		return rc;
	}
	while (rc == 0 && worker->job_count > 0 && !worker->ended && (now = clock_ns()) < until)
		if (ipc_wait(pool->events, (int64_t)(until - now)) > 0)
			rc = pool_receive(pool);
	return rc;
}

static int reap_worker(struct pool *pool, struct pool_worker *worker)
{
	const unsigned slot = pool_slot(pool, worker);
	int status, rc = receive_rest(pool, worker);

	(void)epoll_ctl(pool->deaths, EPOLL_CTL_DEL, worker->child.pidfd, NULL);
	ipc_detach(pool->events, slot);
	ipc_detach(pool->commands, slot);
	if (pool->batch->trace)
		trace_worker_ended(pool->batch->trace, slot);
	status = pool_reap_owner(pool, worker);
	settle_jobs(pool, worker, status);
	pool_discard_queue(worker);
	pool_unlist(worker);
	*worker = (struct pool_worker){ .child = CHILD_NONE,
					.queue = { .records = worker->queue.records,
						   .cap = worker->queue.cap } };
	pool_list(&pool->unused, worker);
	pool->alive--;
	return rc;
}

/* A violation ends the process, and with it all workers that are its threads. */
static void handle_violation(struct pool *pool, const struct epoll_event *event)
{
	const unsigned slot = event->data.u32 & ~POOL_REPORT;
	const struct pool_owner *owner = pool->workers[slot].owner;
	const int call = pool_read_violation(pool, slot, event->events & EPOLLIN);
	unsigned i;

	for (i = 0; call >= 0 && i < pool->size; i++)
		if (pool->workers[i].owner == owner)
			pool_kill(&pool->workers[i], FAILURE_SANDBOX, call);
}

int pool_reap(struct pool *pool)
{
	struct epoll_event dead[64];
	int n, rc, i;

	do {
		n = epoll_wait(pool->deaths, dead, 64, 0);
	} while (n < 0 && errno == EINTR);
	rc = n > 0 ? pool_receive(pool) : 0; /* after the deaths: all that they sent is there */
	for (i = 0; i < n; i++)
		if (dead[i].data.u32 & POOL_REPORT)
			handle_violation(pool, &dead[i]);
	for (i = 0; i < n && rc == 0; i++)
		if (!(dead[i].data.u32 & POOL_REPORT))
			rc = reap_worker(pool, &pool->workers[dead[i].data.u32]);
	return rc;
}

uint64_t pool_check_stalled(struct pool *pool, uint64_t now_ns)
{
	/*
	 * A worker with a job sends about once a second, even if no byte arrives. We wait a second
	 * longer than libcurl, which has the same limit and can give a better reason.
	 */
	const uint64_t limit_s = (uint64_t)pool->batch->settings->fetch.stall_timeout + 1;
	unsigned i;

	for (i = 0; i < pool->size && pool->busy > 0; i++) {
		struct pool_worker *worker = &pool->workers[i];

		if (worker->job_count > 0 && now_ns > worker->last_event_ns &&
		    now_ns - worker->last_event_ns > limit_s * NS_PER_S)
			pool_kill(worker, FAILURE_STALLED, (int32_t)limit_s - 1);
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
		if (pool->workers[i].owner)
			pool_quit(pool, &pool->workers[i]);
}

void pool_kill_all(struct pool *pool)
{
	unsigned i;

	for (i = 0; i < pool->size; i++)
		pool_kill_owner(&pool->workers[i]);
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

/* Does nothing where workers are threads: the kernel confines processes only. */
static int prepare_sandbox(struct pool *pool)
{
	const struct batch_settings *settings = pool->batch->settings;
	const struct sandbox_plan plan = { .dirs = settings->dirs,
					   .fetch = &settings->fetch,
					   .jobs = pool->batch->jobs,
					   .events = pool->events,
					   .hub = pool->hub };
	const bool required = settings->sandbox == SANDBOX_REQUIRE;
	char lacking[160], note[256];
	int rc;

	if (settings->sandbox == SANDBOX_OFF || settings->in_threads)
		return 0;
	rc = sandbox_open(&pool->sandbox, &plan, lacking, sizeof lacking);
	if (rc < 0 || !*lacking)
		return rc;
	(void)snprintf(note, sizeof note,
		       required ? _("--sandbox=require: this machine has %s") :
				  _("the sandbox of workers is incomplete: this machine has %s"),
		       lacking);
	progress_note(settings->progress, required, note);
	return required ? -ENOTSUP : 0;
}

int pool_open(struct pool *pool, struct batch *batch)
{
	unsigned i;
	int rc = 0;

	*pool = (struct pool){ .batch = batch,
			       .signals = -1,
			       .control = -1,
			       .size = batch->settings->workers,
			       .sandbox = SANDBOX_NONE,
			       .spawner = SPAWNER_NONE };
	LIST_INIT(&pool->unused);
	LIST_INIT(&pool->idle);
	LIST_INIT(&pool->unsent);
	pool->workers = calloc(pool->size, sizeof *pool->workers);
	for (i = pool->size; pool->workers && i-- > 0;) { /* slot 0 is the first to be used */
		pool->workers[i].child = CHILD_NONE;
		pool_list(&pool->unused, &pool->workers[i]);
	}
	if (!pool->workers)
		rc = -ENOMEM;
	pool->hub = (struct ipc_peer){ .pid = getpid(), .pidfd = pidfd_open(getpid(), 0) };
	if (rc == 0 && pool->hub.pidfd < 0)
		rc = -errno;
	pool->deaths = epoll_create1(EPOLL_CLOEXEC);
	if (rc == 0 && pool->deaths < 0)
		rc = -errno;
	if (rc == 0)
		rc = open_sessions(pool);
	if (rc < 0)
		(void)report_failure(pool, _("cannot reach workers"), rc);
	if (rc == 0)
		rc = prepare_sandbox(pool);
	if (rc == 0) {
		/*
		 * What was freed so far waits to be joined (fastbins, mallopt(3)) until somebody
		 * asks for much memory: each worker would do it, in a copy of 70 pages of its own.
		 */
		(void)malloc_trim(0);
		pool_open_spawner(pool);
		return 0;
	}
	pool_close(pool);
	return rc;
}

void pool_close(struct pool *pool)
{
	unsigned i;

	for (i = 0; pool->workers && i < pool->size; i++)
		pool_kill_owner(&pool->workers[i]);
	ipc_close(pool->events); /* a thread that waits for it wakes up */
	ipc_close(pool->commands);
	for (i = 0; pool->workers && i < pool->size; i++) {
		if (pool->workers[i].owner)
			(void)pool_reap_owner(pool, &pool->workers[i]);
		free(pool->workers[i].queue.records);
	}
	free(pool->workers);
	spawner_close(&pool->spawner);
	sandbox_close(&pool->sandbox);
	if (pool->deaths >= 0)
		(void)close(pool->deaths);
	if (pool->hub.pidfd >= 0)
		(void)close(pool->hub.pidfd);
}
