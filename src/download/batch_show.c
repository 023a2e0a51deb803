/* SPDX-License-Identifier: MIT */
/* batch_show.c - see batch_show.h */
#include "config.h"

#include "download/batch_show.h"

#include <signal.h>
#include <stdio.h>

#include "common/clock.h"
#include "common/language.h"
#include "common/text.h"

#define REASON_BYTES 1024

/* As the user named it; NULL: its files are not kept. */
static const char *dir_of(const struct batch *batch, const struct job *file)
{
	const char *dir = batch->settings->dir;

	return dir && file->dir ? file->dir : dir;
}

struct progress_event batch_event_of(const struct batch *batch, enum progress_event_kind kind,
				     struct job *job, unsigned worker)
{
	const struct job *file = job_file(job);
	struct progress_event event = { .kind = kind,
					.now_ns = clock_ns(),
					.job = job_number(batch->jobs, file),
					.worker = worker,
					.url = file->shown,
					.file = file->name ? file->name : "",
					.dir = dir_of(batch, file),
					.path = file->path,
					.bytes = file->bytes,
					.kept = job->kept,
					.total = file->total };

	if (job_is_range(job))
		event.range = (struct progress_range){ .number = job->range,
						       .count = job->split->count,
						       .bytes = job->bytes,
						       .total = job->total };
	return event;
}

void batch_show(struct batch *batch, const struct progress_event *event)
{
	progress_event(batch->settings->progress, event);
	/* As if SIGPIPE had ended us, except that we clean up first. */
	if (progress_reader_gone(batch->settings->progress) && !batch->signo)
		batch->signo = SIGPIPE;
}

void batch_show_moved(struct batch *batch, struct job *job, unsigned worker)
{
	const struct progress_event event = batch_event_of(batch, PROGRESS_MOVED, job, worker);

	batch_show(batch, &event);
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
		       batch->jobs->jobs[first].shown, job->path ? job->path : job->name);
	return reason;
}

/* With the job's failure in words, in the user's language and for programs. */
void batch_show_reason(struct batch *batch, struct progress_event *event, const struct job *job)
{
	char reason[REASON_BYTES], english[REASON_BYTES];
	locale_t users;

	event->reason = reason_text(batch, job, reason);
	users = language_english();
	event->reason_english = reason_text(batch, job, english);
	language_back(users);
	batch_show(batch, event);
}

/* ---- how a job ended ---- */

static bool has_ended(const struct job *job)
{
	return job->state == JOB_OK || job->state == JOB_SKIPPED || job->state == JOB_FAILED;
}

static void show_end(struct batch *batch, struct job *job)
{
	struct progress_event event = batch_event_of(batch, PROGRESS_DONE, job, job->worker);

	switch (job->state) {
	case JOB_FAILED:
		event.kind = PROGRESS_FAILED;
		batch_show_reason(batch, &event, job);
		return;
	case JOB_SKIPPED:
		event.kind = PROGRESS_SKIPPED;
		event.reason_english = N_("exists already");
		event.reason = _(event.reason_english);
		break;
	default:
		event.seconds = (double)job->took_ns / (double)NS_PER_S;
		break;
	}
	batch_show(batch, &event);
}

/*
 * Shows JOB's end at once. With --order=input it waits for its turn, and those that waited for it
 * follow.
 */
static void show_ended(struct batch *batch, struct job *job)
{
	struct job_list *jobs = batch->jobs;

	if (!batch->settings->ordered)
		show_end(batch, job);
	else
		while (batch->shown < jobs->count && has_ended(&jobs->jobs[batch->shown]))
			show_end(batch, &jobs->jobs[batch->shown++]);
}

void batch_show_rest(struct batch *batch)
{
	if (!batch->settings->ordered)
		return;
	for (; batch->shown < batch->jobs->count; batch->shown++)
		if (has_ended(&batch->jobs->jobs[batch->shown]))
			show_end(batch, &batch->jobs->jobs[batch->shown]);
}

void batch_show_done(struct batch *batch, struct job *job, unsigned worker)
{
	batch->ok++;
	job->worker = worker;
	show_ended(batch, job);
}

void batch_show_failed(struct batch *batch, struct job *job, unsigned worker)
{
	batch->failed++;
	batch->stopped = batch->settings->fail_fast;
	job->worker = worker;
	show_ended(batch, job);
}

void batch_show_skipped(struct batch *batch, struct job *job)
{
	batch->skipped++;
	show_ended(batch, job);
}

void batch_note_unlocked(struct batch *batch)
{
	if (!batch->unlocked)
		progress_note(batch->settings->progress, true,
			      _("the file system of the output directory has no locks: let no "
				"other download write there now"));
	batch->unlocked = true;
}

void batch_note_kept(const struct batch *batch)
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
