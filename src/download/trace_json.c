/* SPDX-License-Identifier: MIT */
/* trace_json.c - see trace_json.h */
#include "config.h"

#include "download/trace_json.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/clock.h"

#define MARK_NS 100u /* a record's mark is a slice this long: arrows begin and end in slices */

/* What is known of a slot's present worker. */
struct track {
	pid_t pid;    /* 0: none yet; the track's number in the file */
	bool running; /* between START and DONE or FAILED */
	uint32_t job; /* the running one */
	uint64_t begun_ns;
	uint64_t marked_ns; /* where its last mark ends: slices of one track must not cross */
};

struct trace_json {
	FILE *file;
	const struct batch *batch;
	pid_t parent;
	struct track *tracks; /* by slot */
	uint64_t *assigned;   /* by job: the arrow of its last JOB; 0: none waits */
	uint64_t arrows;      /* so far */
	bool begun;           /* something is in the file */
};

/* Takes EVENT; NULL, when memory is short, leaves it out. */
static void put(struct trace_json *json, json_t *event)
{
	if (!event)
		return;
	(void)fputs(json->begun ? ",\n" : "[\n", json->file); /* errors: trace_json_close */
	(void)json_dumpf(event, json->file, JSON_COMPACT | JSON_REAL_PRECISION(15));
	json->begun = true;
	json_decref(event);
}

static double microseconds(const struct trace_json *json, uint64_t ns)
{
	return (double)(int64_t)(ns - json->batch->begun_ns) / 1e3;
}

/* ARGS becomes the event's. */
static void put_mark(struct trace_json *json, const char *name, pid_t track, uint64_t from_ns,
		     json_t *args)
{
	put(json, json_pack("{s:s, s:s, s:f, s:f, s:i, s:i, s:o}", "name", name, "ph", "X", "ts",
			    microseconds(json, from_ns), "dur", (double)MARK_NS / 1e3, "pid",
			    (int)json->parent, "tid", (int)track, "args", args));
}

/* One end of an arrow, in the slice that is there: PHASE "s" begins it, "f" ends it. */
static void put_arrow(struct trace_json *json, const char *phase, uint64_t arrow, pid_t track,
		      uint64_t at_ns)
{
	put(json,
	    json_pack("{s:s, s:s, s:s, s:s, s:I, s:f, s:i, s:i}", "name", "record", "cat", "record",
		      "ph", phase, "bp", "e", "id", (json_int_t)arrow, "ts",
		      microseconds(json, at_ns), "pid", (int)json->parent, "tid", (int)track));
}

static void put_name(struct trace_json *json, pid_t track, const char *name, int position)
{
	put(json, json_pack("{s:s, s:s, s:i, s:i, s:{s:s}}", "name", "thread_name", "ph", "M",
			    "pid", (int)json->parent, "tid", (int)track, "args", "name", name));
	put(json,
	    json_pack("{s:s, s:s, s:i, s:i, s:{s:i}}", "name", "thread_sort_index", "ph", "M",
		      "pid", (int)json->parent, "tid", (int)track, "args", "sort_index", position));
}

int trace_json_open(struct trace_json **result, const char *file, const struct batch *batch)
{
	struct trace_json *json = calloc(1, sizeof *json);
	int rc = -ENOMEM;

	if (!json)
		return rc;
	json->batch = batch;
	json->parent = getpid();
	json->tracks = calloc(batch->settings->workers + 1, sizeof *json->tracks);
	json->assigned = calloc(batch->jobs->count + 1, sizeof *json->assigned);
	if (json->tracks && json->assigned) {
		json->file = fopen(file, "we");
		rc = json->file ? 0 : -errno;
	}
	if (rc < 0) {
		free(json->tracks);
		free(json->assigned);
		free(json);
		return rc;
	}
	put(json,
	    json_pack("{s:s, s:s, s:i, s:{s:s, s:s?}}", "name", "process_name", "ph", "M", "pid",
		      (int)json->parent, "args", "name", "ipcdemo", "ipc", batch->settings->ipc));
	put_name(json, json->parent, "parent", 0);
	*result = json;
	return 0;
}

/* The running job of SLOT has come to an end, as RESULT says. */
static void put_job(struct trace_json *json, struct track *track, uint64_t end_ns,
		    const char *result, uint64_t bytes)
{
	const struct job_list *jobs = json->batch->jobs;
	const char *name = track->job < jobs->count ? jobs->jobs[track->job].name : NULL;

	put(json,
	    json_pack("{s:s, s:s, s:f, s:f, s:i, s:i, s:{s:I, s:I, s:s}}", "name",
		      name ? name : "range", "ph", "X", "ts", microseconds(json, track->begun_ns),
		      "dur", (double)(end_ns - track->begun_ns) / 1e3, "pid", (int)json->parent,
		      "tid", (int)track->pid, "args", "job", (json_int_t)track->job, "bytes",
		      (json_int_t)bytes, "result", result));
	track->running = false;
}

/* The track of SLOT's worker PID, named when it is new. */
static struct track *track_of(struct trace_json *json, unsigned slot, pid_t pid)
{
	struct track *track = &json->tracks[slot];
	char name[48];

	if (track->pid == pid)
		return track;
	*track = (struct track){ .pid = pid, .marked_ns = json->batch->begun_ns };
	(void)snprintf(name, sizeof name, "worker %u (pid %d)", slot, (int)pid);
	put_name(json, pid, name, (int)slot + 1);
	return track;
}

void trace_json_receives(struct trace_json *json, unsigned slot, size_t n, uint64_t now_ns)
{
	put_mark(json, "receive", json->parent, now_ns,
		 json_pack("{s:i, s:I}", "slot", (int)slot, "records", (json_int_t)n));
}

/* Where on TRACK the mark of an event of TIME_NS begins. A worker's time may be wrong. */
static uint64_t mark(struct track *track, uint64_t time_ns, uint64_t now_ns)
{
	if (time_ns < track->marked_ns)
		time_ns = track->marked_ns;
	if (time_ns > now_ns)
		time_ns = now_ns;
	track->marked_ns = time_ns + MARK_NS;
	return time_ns;
}

void trace_json_event(struct trace_json *json, unsigned slot, pid_t pid, const struct event *event,
		      uint64_t now_ns)
{
	struct track *track = track_of(json, slot, pid);
	uint64_t sent_ns = mark(track, event->time_ns, now_ns);
	const bool ends = event->kind == EVENT_DONE || event->kind == EVENT_FAILED;

	put_mark(json, event_kind_name(event->kind), pid, sent_ns,
		 json_pack("{s:I, s:I, s:I}", "job", (json_int_t)event->job, "seq",
			   (json_int_t)event->seq, "bytes", (json_int_t)event->bytes));
	put_arrow(json, "s", ++json->arrows, pid, sent_ns);
	put_arrow(json, "f", json->arrows, json->parent, now_ns);
	if (event->kind == EVENT_START && !track->running) {
		track->running = true;
		track->job = event->job;
		track->begun_ns = sent_ns;
		if (event->job < json->batch->jobs->count && json->assigned[event->job]) {
			put_arrow(json, "f", json->assigned[event->job], pid, sent_ns);
			json->assigned[event->job] = 0;
		}
	} else if (ends && track->running) {
		put_job(json, track, sent_ns + MARK_NS,
			event->kind == EVENT_DONE ? "done" : "failed", event->bytes);
	}
}

void trace_json_commands(struct trace_json *json, unsigned slot, const unsigned char *records,
			 size_t n, uint64_t began_ns)
{
	size_t i;

	put_mark(json, "send", json->parent, began_ns,
		 json_pack("{s:i, s:I}", "slot", (int)slot, "records", (json_int_t)n));
	for (i = 0; i < n; i++) {
		const unsigned char *record = records + i * RECORD_BYTES;

		if (record[0] != COMMAND_JOB || record_job(record) >= json->batch->jobs->count)
			continue; /* the range of a file has no arrow of its own */
		json->assigned[record_job(record)] = ++json->arrows; /* a job of our own list */
		put_arrow(json, "s", json->arrows, json->parent, began_ns);
	}
}

void trace_json_worker_ended(struct trace_json *json, unsigned slot, uint64_t now_ns)
{
	struct track *track = &json->tracks[slot];

	if (track->running)
		put_job(json, track, now_ns, "worker ended", 0);
}

int trace_json_close(struct trace_json *json)
{
	uint64_t now_ns = clock_ns();
	unsigned slot;
	int rc = 0;

	for (slot = 0; slot < json->batch->settings->workers; slot++)
		trace_json_worker_ended(json, slot, now_ns);
	(void)fputs("\n]\n", json->file);
	if (ferror(json->file))
		rc = -EIO; /* fclose reports the last write's errno; those before it are gone */
	if (fclose(json->file) != 0)
		rc = -errno;
	free(json->tracks);
	free(json->assigned);
	free(json);
	return rc;
}
