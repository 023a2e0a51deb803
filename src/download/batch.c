/* SPDX-License-Identifier: MIT */
/* batch.c - see batch.h */
#include "config.h"

#include "download/batch.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/language.h"
#include "common/text.h"
#include "download/host_limit.h"

#define RETRY_FIRST_S     1u /* then doubled, as curl --retry does */
#define RETRY_MAX_S       60u
#define RETRY_AFTER_MAX_S 600u /* an origin that asks for more is told to the user at once */
#define REASON_BYTES      1024
#define CHECK_SLICE       (4u << 20) /* bytes of a file hashed between two looks at the workers */

static struct progress_event event_of(const struct batch *batch, enum progress_event_kind kind,
				      const struct job *job, unsigned worker)
{
	return (struct progress_event){ .kind = kind,
					.now_ns = clock_ns(),
					.job = job_number(batch->jobs, job),
					.worker = worker,
					.url = job->shown,
					.file = job->name ? job->name : "",
					.bytes = job->bytes,
					.total = job->total };
}

static void show(struct batch *batch, const struct progress_event *event)
{
	progress_event(batch->settings->progress, event);
	/* As if SIGPIPE had ended us, but for what we would leave behind. */
	if (progress_reader_gone(batch->settings->progress) && !batch->signo)
		batch->signo = SIGPIPE;
}

static const char *reason_text(const struct batch *batch, const struct job *job,
			       char reason[static REASON_BYTES])
{
	const uint32_t first = (uint32_t)job->failure.code;

	if (job->failure.kind != FAILURE_CLASH || first >= batch->jobs->count)
		return failure_text(&job->failure, reason, REASON_BYTES);
	(void)snprintf(reason, REASON_BYTES,
		       _("%s is to be the file %s already; give it another name by out=, or all by "
			 "--exists=rename"),
		       batch->jobs->jobs[first].shown, job->name);
	return reason;
}

/* With the job's failure in words, in the user's language and for programs. */
static void show_reason(struct batch *batch, struct progress_event *event, const struct job *job)
{
	char reason[REASON_BYTES], english[REASON_BYTES];
	locale_t users;

	event->reason = reason_text(batch, job, reason);
	users = language_english();
	event->reason_english = reason_text(batch, job, english);
	language_back(users);
	show(batch, event);
}

static void show_failed(struct batch *batch, const struct job *job, unsigned worker)
{
	struct progress_event event = event_of(batch, PROGRESS_FAILED, job, worker);

	batch->failed++;
	batch->stopped = batch->settings->fail_fast;
	show_reason(batch, &event, job);
}

/* A file that exists is fine, also one that another run of the same list made meanwhile. */
static bool skips(const struct batch *batch)
{
	return batch->settings->exists == EXISTS_SKIP || batch->settings->exists == EXISTS_RESUME;
}

static void show_skipped(struct batch *batch, const struct job *job)
{
	struct progress_event event = event_of(batch, PROGRESS_SKIPPED, job, job->worker);

	event.reason_english = N_("exists already");
	event.reason = _(event.reason_english);
	batch->skipped++;
	show(batch, &event);
}

static void skip_open(struct batch *batch, struct job *job)
{
	job->state = JOB_SKIPPED;
	batch->open--;
	show_skipped(batch, job);
}

/* ---- jobs on their way to a worker ---- */

static void add_ready(struct batch *batch, struct job *job)
{
	job->state = JOB_READY;
	TAILQ_INSERT_TAIL(&batch->ready, job, link);
	batch->ready_count++;
}

int batch_begin(struct batch *batch, const struct batch_settings *settings, struct job_list *jobs)
{
	size_t i;

	*batch = (struct batch){ .settings = settings, .jobs = jobs, .begun_ns = clock_ns() };
	TAILQ_INIT(&batch->ready);
	TAILQ_INIT(&batch->waiting);
	TAILQ_INIT(&batch->checking);
	if (settings->max_host > 0) {
		batch->hosts = host_limit_new(jobs, settings->max_host);
		if (!batch->hosts)
			return -ENOMEM;
	}
	for (i = 0; i < jobs->count; i++) {
		struct job *job = &jobs->jobs[i];

		if (job->state == JOB_READY) {
			batch->open++;
			add_ready(batch, job);
		} else if (job->state == JOB_SKIPPED) {
			show_skipped(batch, job);
		} else {
			show_failed(batch, job, 0);
		}
	}
	return 0;
}

/* JOB is with no worker any more: its host may have another one. */
static void release_host(struct batch *batch, struct job *job)
{
	struct job *next = host_limit_release(job);

	if (!next)
		return;
	TAILQ_INSERT_HEAD(&batch->ready, next, link);
	batch->ready_count++;
}

struct job *batch_next(struct batch *batch, unsigned worker)
{
	struct job *job;

	while ((job = TAILQ_FIRST(&batch->ready))) {
		TAILQ_REMOVE(&batch->ready, job, link);
		batch->ready_count--;
		if (skips(batch) && output_type(batch->settings->dirfd, job->name) > 0)
			skip_open(batch, job);
		else if (!batch->hosts || host_limit_take(batch->hosts, job))
			break;
	}
	if (!job)
		return NULL;
	job->state = JOB_ASSIGNED;
	job->worker = worker;
	return job;
}

bool batch_resumes(const struct batch *batch, const struct job *job)
{
	return batch->settings->exists == EXISTS_RESUME || job->tries + job->deaths > 0;
}

void batch_requeue(struct batch *batch, struct job *job)
{
	release_host(batch, job);
	job->state = JOB_READY;
	TAILQ_INSERT_HEAD(&batch->ready, job, link);
	batch->ready_count++;
}

/* Behind those that are due before it: most often the last place. */
static void add_waiting(struct batch *batch, struct job *job)
{
	struct job *before;

	job->state = JOB_WAITING;
	TAILQ_FOREACH_REVERSE(before, &batch->waiting, job_queue, link)
	{
		if (before->retry_ns <= job->retry_ns)
			break;
	}
	if (before)
		TAILQ_INSERT_AFTER(&batch->waiting, before, job, link);
	else
		TAILQ_INSERT_HEAD(&batch->waiting, job, link);
}

uint64_t batch_wake(struct batch *batch, uint64_t now_ns)
{
	struct job *job;

	while ((job = TAILQ_FIRST(&batch->waiting)) && job->retry_ns <= now_ns) {
		TAILQ_REMOVE(&batch->waiting, job, link);
		add_ready(batch, job);
	}
	return job ? job->retry_ns : UINT64_MAX;
}

/* ---- a try ---- */

void batch_started(struct batch *batch, struct job *job, unsigned worker, int pid,
		   uint64_t begun_ns)
{
	struct progress_event event;

	job->begun_ns = begun_ns;
	job->bytes = 0;
	job->total = FETCH_SIZE_UNKNOWN;
	event = event_of(batch, PROGRESS_START, job, worker);
	event.pid = pid;
	show(batch, &event);
}

void batch_moved(struct batch *batch, struct job *job, unsigned worker, uint64_t bytes,
		 uint64_t total)
{
	struct progress_event event;

	job->bytes = bytes;
	job->total = total;
	event = event_of(batch, PROGRESS_MOVED, job, worker);
	show(batch, &event);
}

static void note_unlocked(struct batch *batch)
{
	if (!batch->unlocked)
		progress_note(batch->settings->progress, true,
			      _("the file system of the output directory has no locks: let no "
				"other download write there now"));
	batch->unlocked = true;
}

/* What is open of JOB stays for a later run, if one can go on with it. */
static void leave_part(struct batch *batch, const struct job *job, bool keep)
{
	if (part_file_discard(batch->settings->dirfd, job->name, keep))
		batch->kept++;
}

/* The file is no good. Its writer may still hold the lock, so it is removed by its identity. */
static void try_failed_here(struct batch *batch, struct job *job, unsigned worker,
			    const struct failure *failure)
{
	part_file_discard_own(batch->settings->dirfd, job->name, job->inode);
	batch_failed(batch, job, worker, failure, job->bytes);
}

static void commit(struct batch *batch, struct job *job, unsigned worker)
{
	const struct batch_settings *settings = batch->settings;
	struct progress_event event;
	struct failure failure;

	if (!part_file_commit(settings->dirfd, job->name, (enum exists_policy)settings->exists,
			      &failure)) {
		if (failure.kind == FAILURE_EXISTS && skips(batch)) {
			part_file_discard_own(settings->dirfd, job->name, job->inode);
			skip_open(batch, job);
			return;
		}
		try_failed_here(batch, job, worker, &failure);
		return;
	}
	job->state = JOB_OK;
	batch->open--;
	batch->ok++;
	batch->bytes += job->bytes;
	batch->job_ns += job->took_ns;
	event = event_of(batch, PROGRESS_DONE, job, worker);
	event.seconds = (double)job->took_ns / (double)NS_PER_S;
	show(batch, &event);
}

void batch_received(struct batch *batch, struct job *job, unsigned worker,
		    const struct batch_result *result)
{
	struct failure failure;

	release_host(batch, job);
	job->bytes = result->bytes;
	job->total = result->total;
	job->inode = result->inode;
	if (result->unlocked)
		note_unlocked(batch);
	/* Both stamps are the worker's: a nonsense pair gives nonsense for its own job alone. */
	job->took_ns = result->ended_ns > job->begun_ns ? result->ended_ns - job->begun_ns : 0;
	if (!part_file_check(batch->settings->dirfd, job->name, job->inode, job->bytes, &failure)) {
		try_failed_here(batch, job, worker, &failure);
	} else if (job->has_sha256) {
		job->state = JOB_CHECKING;
		TAILQ_INSERT_TAIL(&batch->checking, job, link);
	} else {
		commit(batch, job, worker);
	}
}

static void checked(struct batch *batch, struct job *job, int rc, const unsigned char *sha256)
{
	struct failure failure = { .kind = FAILURE_CHECKSUM, .transient = true };

	TAILQ_REMOVE(&batch->checking, job, link);
	if (rc == 0 && memcmp(sha256, job->sha256, SHA256_BYTES) == 0) {
		commit(batch, job, job->worker);
	} else {
		if (rc == -ENOENT)
			failure.kind = FAILURE_VANISHED;
		else if (rc < 0)
			failure = (struct failure){ .kind = FAILURE_READ, .code = -rc };
		try_failed_here(batch, job, job->worker, &failure);
	}
	/* Last: where the writer is this process, the close drops its lock on the file. */
	part_digest_free(batch->digest);
	batch->digest = NULL;
}

bool batch_check(struct batch *batch)
{
	struct job *job = TAILQ_FIRST(&batch->checking);
	unsigned char sha256[SHA256_BYTES];
	int rc;

	if (!job)
		return false;
	if (!batch->digest)
		batch->digest = part_digest_new(batch->settings->dirfd, job->name);
	rc = batch->digest ? part_digest_step(batch->digest, CHECK_SLICE, sha256) : -errno;
	if (rc <= 0)
		checked(batch, job, rc, sha256);
	return batch_is_checking(batch);
}

/* Seconds until the next try: doubling, spread by up to a quarter, or what the origin asks for. */
static double retry_delay(const struct job *job, const struct failure *failure)
{
	unsigned doublings = job->tries < 7 ? job->tries : 7;
	double delay = (double)(RETRY_FIRST_S << (doublings - 1));

	if (failure->after_s > 0)
		return (double)failure->after_s;
	if (delay > RETRY_MAX_S)
		delay = RETRY_MAX_S;
	return delay * (1.0 + (double)(clock_ns() % 251) / 1000.0);
}

static bool worker_died(const struct failure *failure)
{
	return failure->kind == FAILURE_KILLED || failure->kind == FAILURE_EXITED ||
	       failure->kind == FAILURE_PROTOCOL || failure->kind == FAILURE_STALLED;
}

static bool is_transient(const struct batch *batch, const struct job *job,
			 const struct failure *failure)
{
	/* The origin was there for an earlier try of this job: it is being started anew. */
	if (failure->kind == FAILURE_FETCH && failure->os_errno == ECONNREFUSED && job->tries > 0)
		return true;
	/* Another run writes the file: it will be there, or can be fetched, when that has ended. */
	if (failure->kind == FAILURE_HELD)
		return failure->transient || skips(batch);
	return failure->transient ||
	       (batch->settings->retry_all &&
		(failure->kind == FAILURE_FETCH || failure->kind == FAILURE_HTTP));
}

/* True if the job has another try; *DELAY_S is then set. */
static bool may_retry(struct batch *batch, struct job *job, const struct failure *failure,
		      double *delay_s)
{
	*delay_s = 0;
	if (worker_died(failure))
		return ++job->deaths <= JOB_DEATHS_MAX;
	/* Damaged on its way, perhaps; after a second time it is another file. */
	if (failure->kind == FAILURE_CHECKSUM)
		return failure->transient && batch->settings->retries > 0 && ++job->mismatches == 1;
	if (!is_transient(batch, job, failure) || failure->after_s > RETRY_AFTER_MAX_S ||
	    ++job->tries > batch->settings->retries)
		return false;
	*delay_s = retry_delay(job, failure);
	return true;
}

void batch_failed(struct batch *batch, struct job *job, unsigned worker,
		  const struct failure *failure, uint64_t bytes)
{
	struct progress_event event;
	double delay_s;

	release_host(batch, job);
	job->failure = *failure;
	job->bytes = bytes;
	if (!may_retry(batch, job, failure, &delay_s)) {
		job->state = JOB_FAILED;
		batch->open--;
		/* Where no answer came, nothing was said against what is there. */
		leave_part(batch, job, failure->transient || failure->kind == FAILURE_FETCH);
		show_failed(batch, job, worker);
		return;
	}
	job->retry_ns = clock_ns() + (uint64_t)(delay_s * (double)NS_PER_S);
	add_waiting(batch, job);
	event = event_of(batch, PROGRESS_RETRY, job, worker);
	event.seconds = delay_s;
	show_reason(batch, &event, job);
}

static void note_kept(const struct batch *batch)
{
	char note[320];

	if (batch->kept == 0)
		return;
	(void)snprintf(note, sizeof note,
		       ngettext("%u unfinished .part file is kept: the same command with "
				"--exists=resume goes on with it",
				"%u unfinished .part files are kept: the same command with "
				"--exists=resume goes on with them",
				batch->kept),
		       batch->kept);
	progress_note(batch->settings->progress, false, note);
}

void batch_abandon(struct batch *batch)
{
	const bool resumes = batch->settings->exists == EXISTS_RESUME;
	const bool keep = resumes || batch->signo != SIGPIPE; /* `| head`: nobody will come back */
	size_t i;

	for (i = 0; batch->open > 0 && i < batch->jobs->count; i++) {
		struct job *job = &batch->jobs->jobs[i];

		if (job->state == JOB_OK || job->state == JOB_SKIPPED || job->state == JOB_FAILED)
			continue;
		if (job->state != JOB_READY)
			leave_part(batch, job, keep);
		job->state = JOB_FAILED;
		job->failure = (struct failure){ .kind = FAILURE_CANCELLED };
		batch->open--;
		batch->left++;
	}
	note_kept(batch);
}

void batch_end(struct batch *batch)
{
	part_digest_free(batch->digest);
	batch->digest = NULL;
	host_limit_free(batch->hosts);
	batch->hosts = NULL;
}

int batch_report(const struct batch *batch, const char *what, const char *hint, int rc)
{
	const struct batch_settings *settings = batch->settings;
	struct text line = { 0 };

	text_printf(&line, _("%s: %s"), what, language_errno(-rc));
	if (hint)
		text_printf(&line, _("; %s"), hint);
	progress_note(settings->progress, true, text_string(&line));
	text_free(&line);
	return rc;
}
