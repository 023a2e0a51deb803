/* SPDX-License-Identifier: MIT */
/*
 * view_json.c - events for programs: one JSON object a line on stdout, each written when it
 * happens. Errors and notes go to stderr as well, in words.
 *
 *	start, progress   job, worker, url, dir (as -d or dir= names it; null: files are not kept),
 *	                  file (its name there), bytes, total (null: unknown); start: pid, which is
 *	                  that of the thread where workers are threads
 *	range             one range of a file is there
 *	done              and seconds
 *	skipped, failed   and reason
 *	retry             and reason, delay_s: seconds until the next try
 *	summary           ipc (null: none), model, jobs, ok, failed, skipped, left, wall_s, bytes,
 *	                  records, wakeups, ipc_cpu_s (CPU time of the IPC calls), job_seconds,
 *	                  concurrency, signal (null: none ended the run)
 *
 * An event about a range of a file (--split) also has range (from 0), ranges, range_bytes and
 * range_total; its bytes and total are those of the whole file.
 *
 * JSON holds Unicode only: a byte of a name that is not UTF-8 reads as \xff, four characters.
 */
#include "config.h"

#include <errno.h>
#include <unistd.h>

#include <jansson.h>

#include "common/text.h"
#include "progress/output_lines.h"
#include "progress/summary_json.h"
#include "progress/view.h"

struct json {
	struct text line;
	struct text string;
	bool foreign; /* the line holds a string that a terminal would obey */
};

static int json_open(struct progress *progress)
{
	(void)progress;
	return 0;
}

static json_t *json_text(struct json *json, const char *string)
{
	if (!string)
		return json_null();
	json->foreign |= !text_is_clean(string, true);
	text_clear(&json->string);
	text_add_utf8(&json->string, string);
	return json->string.incomplete ? NULL : json_string(text_string(&json->string));
}

static int json_add(const char *bytes, size_t n, void *line)
{
	text_add_bytes(line, bytes, n);
	return 0;
}

/* Writes OBJECT and frees it. FAILED: for lack of memory a member is missing. */
static void json_put(struct progress *progress, json_t *object, int failed)
{
	struct json *json = progress->state;
	size_t flags = JSON_COMPACT | JSON_REAL_PRECISION(9);

	/* jansson writes 0x80 to 0x9f and direction overrides as they are. */
	if (json->foreign)
		flags |= JSON_ENSURE_ASCII;
	json->foreign = false;
	text_clear(&json->line);
	failed |= json_dump_callback(object, json_add, &json->line, flags);
	json_decref(object);
	text_add(&json->line, "\n");
	if (progress->error)
		return; /* the line before may be incomplete */
	if (failed || json->line.incomplete)
		progress->error = -ENOMEM;
	else
		progress->error = output_write(STDOUT_FILENO, json->line.at, json->line.len);
}

static int add_range(json_t *object, const struct progress_range *range)
{
	return json_object_set_new(object, "range", json_count(range->number)) |
	       json_object_set_new(object, "ranges", json_count(range->count)) |
	       json_object_set_new(object, "range_bytes", json_count(range->bytes)) |
	       json_object_set_new(object, "range_total", json_count(range->total));
}

static void json_event(struct progress *progress, const struct progress_event *event)
{
	static const char *const name[] = {
		[PROGRESS_START] = "start", [PROGRESS_MOVED] = "progress",
		[PROGRESS_DONE] = "done",   [PROGRESS_SKIPPED] = "skipped",
		[PROGRESS_RETRY] = "retry", [PROGRESS_FAILED] = "failed",
		[PROGRESS_RANGE] = "range",
	};
	struct json *json = progress->state;
	json_t *object;
	int rc = 0;

	/* A slow reader gets fewer progress events, so that it does not stall the jobs. */
	if (event->kind == PROGRESS_MOVED && !output_writable(STDOUT_FILENO))
		return;
	object = json_object();
	rc |= json_object_set_new(object, "event", json_string(name[event->kind]));
	rc |= json_object_set_new(object, "job", json_count(event->job));
	rc |= json_object_set_new(object, "worker", json_count(event->worker));
	if (event->kind == PROGRESS_START)
		rc |= json_object_set_new(object, "pid", json_count((uint64_t)event->pid));
	rc |= json_object_set_new(object, "url", json_text(json, event->url));
	rc |= json_object_set_new(object, "dir", json_text(json, event->dir));
	rc |= json_object_set_new(object, "file", json_text(json, event->file));
	rc |= json_object_set_new(object, "bytes", json_count(event->bytes));
	rc |= json_object_set_new(object, "total",
				  event->total == PROGRESS_SIZE_UNKNOWN ? json_null() :
									  json_count(event->total));
	if (event->range.count > 0)
		rc |= add_range(object, &event->range);
	if (event->kind == PROGRESS_DONE)
		rc |= json_object_set_new(object, "seconds", json_seconds(event->seconds));
	if (event->kind == PROGRESS_SKIPPED || event->kind == PROGRESS_RETRY ||
	    event->kind == PROGRESS_FAILED)
		rc |= json_object_set_new(object, "reason",
					  json_text(json, event->reason_english ?
								  event->reason_english :
								  event->reason));
	if (event->kind == PROGRESS_RETRY)
		rc |= json_object_set_new(object, "delay_s", json_seconds(event->seconds));
	json_put(progress, object, rc);
	if (event->kind == PROGRESS_FAILED)
		output_event(progress, event);
}

static void json_note(struct progress *progress, bool error, const char *text)
{
	(void)error;
	output_note(progress, text);
}

static void json_summary(struct progress *progress, const struct progress_summary *summary)
{
	json_t *object = summary_json(summary);

	json_put(progress, object, object == NULL);
}

static void json_close(struct progress *progress)
{
	struct json *json = progress->state;

	text_free(&json->line);
	text_free(&json->string);
}

const struct progress_view progress_view_json = {
	.name = "json",
	.state_size = sizeof(struct json),
	.open = json_open,
	.event = json_event,
	.note = json_note,
	.summary = json_summary,
	.close = json_close,
};
