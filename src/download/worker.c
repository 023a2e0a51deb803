/* SPDX-License-Identifier: MIT */
/* worker.c - see worker.h */
#include "config.h"

#include "download/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/signals.h"
#include "download/attempt.h"
#include "download/meter.h"
#include "download/protocol.h"

#define COMMANDS_AT_ONCE 32
#define OUTBOX_RECORDS   8

/* An assigned job that has not begun. */
struct queued {
	uint32_t job;
	char *url, *name;
	int dirfd;
	bool resume, has_sum;
	unsigned range, ranges; /* see struct command */
	uint64_t table;
};

/* A file that is finished here but not yet committed by the parent. It is open, hence locked. */
struct held {
	int fd;
	uint64_t seq; /* of its DONE */
};

struct worker {
	const struct worker_setup *setup;
	struct ipc *events, *commands;
	unsigned slot;
	struct fetch *fetch;
	struct command_reader reader;
	struct queued queue[WORKER_JOBS_MAX]; /* the first is the next to begin */
	unsigned queue_count;
	struct held held[WORKER_JOBS_MAX];
	unsigned held_count;
	unsigned char outbox[OUTBOX_RECORDS][RECORD_BYTES];
	unsigned outbox_count;
	uint64_t seq;
	struct meter meter;
	uint64_t tid; /* of this thread */
	uint32_t job; /* the running one ... */
	bool running; /* ... if so */
	bool stop;    /* it is to fail at once */
	bool quit;
	int error; /* -errno that ends this worker */
};

static bool cancelled(const struct worker *w)
{
	return w->setup->cancel && atomic_load(w->setup->cancel);
}

/* ---- events ---- */

static int flush(struct worker *w)
{
	int rc = 0;

	if (w->outbox_count > 0) {
		meter_begin(&w->meter);
		rc = ipc_send_all(w->events, w->slot, w->outbox, w->outbox_count);
		meter_end(&w->meter);
	}
	w->outbox_count = 0;
	if (rc < 0)
		w->error = rc;
	return rc;
}

static void stamp(struct worker *w, struct event *event, uint64_t seq)
{
	event->slot = (uint16_t)w->slot;
	event->seq = seq;
	event->time_ns = clock_ns();
	event->ipc_cpu_ns = w->meter.cpu_ns;
}

/* Puts it into the outbox, so that DONE of one job leaves together with START of the next. */
static void add_event(struct worker *w, struct event event)
{
	if (w->outbox_count == OUTBOX_RECORDS)
		(void)flush(w);
	stamp(w, &event, ++w->seq);
	event_encode(&event, w->outbox[w->outbox_count++]);
}

/*
 * PROGRESS carries the latest value: if the queue is full, the next one will do. That bytes were
 * kept is told in any case, since DONE does not tell it.
 */
static int send_progress(void *arg, const struct fetch_progress *progress)
{
	struct worker *w = arg;
	struct event event = { .kind = EVENT_PROGRESS,
			       .job = w->job,
			       .bytes = progress->bytes,
			       .total = progress->total,
			       .kept = progress->kept };
	unsigned char record[RECORD_BYTES];
	ssize_t rc;

	if (progress->kept > 0 && progress->kept == progress->bytes) {
		add_event(w, event);
		return flush(w) != 0 || cancelled(w);
	}
	stamp(w, &event, w->seq + 1);
	event_encode(&event, record);
	meter_begin(&w->meter);
	rc = ipc_send(w->events, w->slot, record, 1, IPC_NOWAIT);
	meter_end(&w->meter);
	if (rc == 1)
		w->seq++;
	else if (rc != -EAGAIN)
		w->error = (int)rc;
	return w->error != 0 || cancelled(w);
}

/* ---- commands ---- */

static void release_held(struct worker *w, uint64_t ack)
{
	unsigned i, kept = 0;

	for (i = 0; i < w->held_count; i++) {
		if (w->held[i].seq <= ack)
			(void)close(w->held[i].fd); /* the parent has checked its bytes */
		else
			w->held[kept++] = w->held[i];
	}
	w->held_count = kept;
}

static int take_job(struct worker *w)
{
	struct queued *job = &w->queue[w->queue_count];

	if (w->queue_count == WORKER_JOBS_MAX)
		return -EPROTO; /* the parent never assigns so many */
	*job = (struct queued){ .job = w->reader.command.job,
				.dirfd = output_dirs_fd(&w->setup->dirs, w->reader.command.dir),
				.resume = w->reader.command.resume,
				.has_sum = w->reader.command.has_sum,
				.range = w->reader.command.range,
				.ranges = w->reader.command.ranges,
				.table = w->reader.command.table };
	if (job->dirfd < 0)
		return -EPROTO;
	job->url = strdup(command_url(&w->reader));
	job->name = strdup(command_name(&w->reader));
	if (!job->url || !job->name)
		return -ENOMEM;
	w->queue_count++;
	return 0;
}

static void drop_queued(struct worker *w, unsigned i)
{
	free(w->queue[i].url);
	free(w->queue[i].name);
	w->queue_count--;
	memmove(&w->queue[i], &w->queue[i + 1], (w->queue_count - i) * sizeof w->queue[i]);
}

/* CANCEL: returns a job that has not begun, so that an idle worker can have it. */
static int return_job(struct worker *w, uint32_t job)
{
	unsigned i;

	for (i = 0; i < w->queue_count; i++) {
		if (w->queue[i].job != job)
			continue;
		drop_queued(w, i);
		add_event(w, (struct event){ .kind = EVENT_RETURNED, .job = job });
		return flush(w);
	}
	return 0; /* begun already: no answer */
}

static int handle_command(struct worker *w)
{
	const struct command *command = &w->reader.command;

	if (command->slot != w->slot)
		return -EPROTO;
	release_held(w, command->ack);
	switch (command->kind) {
	case COMMAND_JOB:
		return take_job(w);
	case COMMAND_CANCEL:
		return return_job(w, command->job);
	case COMMAND_QUIT:
		w->quit = true;
		return 0;
	case COMMAND_RATE:
		fetch_set_rate(w->fetch, command->rate);
		return 0;
	case COMMAND_PAUSE:
		fetch_pause(w->fetch, command->paused);
		return 0;
	case COMMAND_STOP:
		w->stop = w->running && command->job == w->job;
		return 0;
	default:
		return -EPROTO;
	}
}

/* Reads all commands that have come; waits for the first unless IPC_NOWAIT. 0 or -errno. */
static int receive(struct worker *w, unsigned flags)
{
	unsigned char records[COMMANDS_AT_ONCE][RECORD_BYTES];
	unsigned slot;
	ssize_t n, i;
	int rc = 0;

	meter_begin(&w->meter);
	n = ipc_recv(w->commands, &slot, records, COMMANDS_AT_ONCE, flags);
	meter_end(&w->meter);
	if (n == -EAGAIN)
		return 0;
	if (n <= 0)
		rc = n == 0 ? -EPIPE : (int)n;
	for (i = 0; i < n && rc >= 0; i++) {
		rc = command_read(&w->reader, records[i]);
		if (rc == 1)
			rc = handle_command(w);
	}
	if (rc < 0)
		w->error = rc;
	return rc < 0 ? rc : 0;
}

static int commands_pollfd(void *arg)
{
	struct worker *w = arg;
	short events;

	return ipc_pollfd(w->commands, &events);
}

static int commands_wakeup(void *arg)
{
	struct worker *w = arg;

	return receive(w, IPC_NOWAIT) < 0 || w->quit || w->stop || cancelled(w);
}

/* ---- work ---- */

/* At once: the other ranges wait for it. */
static void send_split(void *arg, const struct part_ranges *ranges, unsigned number)
{
	struct worker *w = arg;

	add_event(w, (struct event){ .kind = EVENT_SPLIT,
				     .job = w->job,
				     .total = ranges->total,
				     .table = ranges->id,
				     .range = number,
				     .ranges = ranges->count });
	(void)flush(w);
}

static void run_job(struct worker *w)
{
	const struct fetch_hooks hooks = { .arg = w,
					   .progress = send_progress,
					   .pollfd = commands_pollfd,
					   .wakeup = commands_wakeup };
	struct queued job = w->queue[0];
	const struct attempt_config order = { .fetch = w->fetch,
					      .dirfd = job.dirfd,
					      .url = job.url,
					      .name = job.name,
					      .resume = job.resume,
					      .share_lock = job.has_sum,
					      .remote_time = w->setup->remote_time,
					      .hooks = &hooks,
					      .range = { .wanted = job.ranges,
							 .table = job.table,
							 .number = job.range,
							 .split = send_split,
							 .arg = w } };
	struct attempt attempt;
	struct event event = { .kind = EVENT_START, .job = job.job };

	w->queue_count--;
	memmove(&w->queue[0], &w->queue[1], w->queue_count * sizeof job);
	w->job = job.job;
	w->running = true;
	w->stop = false;
	event.total = EVENT_TOTAL_UNKNOWN;
	event.inode = w->tid;
	add_event(w, event);
	if (flush(w) == 0) {
		attempt_run(&attempt, &order);
		event.bytes = attempt.result.bytes;
		event.total = attempt.result.total;
		event.inode = attempt.inode;
		event.unlocked = !attempt.locked;
		event.failure = attempt.result.failure;
		event.kind = attempt.fd >= 0 ? EVENT_DONE : EVENT_FAILED;
		add_event(w, event);
		/* Until all ranges are there, the table keeps others away; then the parent does. */
		if (attempt.fd >= 0 && attempt.ranges.count > 0)
			(void)close(attempt.fd);
		else if (attempt.fd >= 0)
			w->held[w->held_count++] = (struct held){ attempt.fd, w->seq };
	}
	w->running = false;
	free(job.url);
	free(job.name);
}

static void work(struct worker *w)
{
	while (!w->quit && w->error == 0 && !cancelled(w)) {
		if (w->queue_count > 0 && w->held_count < WORKER_JOBS_MAX) {
			run_job(w);
			if (w->queue_count == 0 && receive(w, IPC_NOWAIT) < 0)
				return;
			continue;
		}
		if (flush(w) == 0)
			(void)receive(w, 0);
	}
}

static void take_signals(void)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigset_t set;

	(void)sigaction(SIGINT, &ignore, NULL); /* these calls cannot fail for valid signals */
	(void)sigaction(SIGQUIT, &ignore, NULL);
	signals_ignore_failed_writes();
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGHUP);
	(void)sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static int take_slot(struct worker *w)
{
	const struct worker_setup *setup = w->setup;
	unsigned commands_slot = 0;
	int rc;

	if (setup->events_ticket) {
		rc = ipc_join(&w->events, setup->events_ticket, &setup->hub, &w->slot);
		if (rc == 0)
			rc = ipc_join(&w->commands, setup->commands_ticket, &setup->hub,
				      &commands_slot);
		return rc == 0 && commands_slot != w->slot ? -EINVAL : rc;
	}
	w->events = setup->events;
	w->commands = setup->commands;
	w->slot = setup->slot;
	rc = ipc_attach(w->events, w->slot, IPC_SLOT, &setup->hub);
	return rc < 0 ? rc : ipc_attach(w->commands, w->slot, IPC_SLOT, &setup->hub);
}

/* A process leaves all this to its end. */
static void leave_no_trace(struct worker *w)
{
	while (w->queue_count > 0)
		drop_queued(w, 0);
	release_held(w, UINT64_MAX);
	command_reader_free(&w->reader);
	fetch_free(w->fetch);
}

/* Takes its slots. worker_work reports what goes wrong. NULL: memory is short. */
static struct worker *worker_join(const struct worker_setup *setup)
{
	struct worker *w = calloc(1, sizeof *w);

	if (!w)
		return NULL;
	w->setup = setup;
	w->error = take_slot(w);
	return w;
}

int worker_work(struct worker *w)
{
	int error;

	w->tid = (uint64_t)gettid();
	if (w->error == 0) {
		w->fetch = fetch_new(&w->setup->fetch);
		w->error = w->fetch ? 0 : -ENOMEM;
	}
	if (w->error == 0)
		work(w);
	if (w->setup->cancel)
		leave_no_trace(w);
	/* A library that sends in the background, as libzmq does, has to be closed. */
	ipc_close(w->events);
	ipc_close(w->commands);
	error = w->error;
	free(w);
	if (error == 0)
		return WORKER_OK;
	return error == -EPIPE ? WORKER_PARENT_GONE : WORKER_BROKEN;
}

int worker_run(const struct worker_setup *setup)
{
	struct worker *w = worker_join(setup);

	return w ? worker_work(w) : WORKER_BROKEN;
}

int worker_enter(const struct worker_setup *setups, unsigned count, struct worker **workers)
{
	const struct sandbox *sandbox = &setups->sandbox;
	const bool confined = sandbox_is_on(sandbox);
	unsigned i;

	take_signals();
	if (confined && sandbox_enter_files(sandbox) < 0)
		return WORKER_UNCONFINED;
	for (i = 0; i < count; i++) {
		workers[i] = worker_join(&setups[i]);
		if (!workers[i])
			return WORKER_BROKEN;
	}
	if (confined && sandbox_enter_calls(sandbox, count, setups->report) < 0)
		return WORKER_UNCONFINED;
	return WORKER_OK;
}

int worker_main(void *arg)
{
	struct worker *w;
	int code = worker_enter(arg, 1, &w);

	return code == WORKER_OK ? worker_work(w) : code;
}
