/* SPDX-License-Identifier: MIT */
/* totals.c - adds events up for the views that show totals. */
#include "config.h"

#include "progress/totals.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/language.h"

int totals_open(struct totals *totals, unsigned workers, unsigned jobs)
{
	*totals = (struct totals){ .workers = workers, .jobs = jobs };
	totals->worker = calloc(workers ? workers : 1, sizeof *totals->worker);
	return totals->worker ? 0 : -ENOMEM;
}

void totals_close(struct totals *totals)
{
	unsigned i;

	for (i = 0; i < totals->workers; i++)
		free(totals->worker[i].name);
	free(totals->worker);
	free(totals->splits);
}

/* The bytes that the row of EVENT's worker shows: of its range, or of the file. */
static uint64_t row_bytes(const struct progress_event *event)
{
	return event->range.count ? event->range.bytes : event->bytes;
}

static uint64_t row_total(const struct progress_event *event)
{
	return event->range.count ? event->range.total : event->total;
}

static void set_name(struct progress_worker *worker, const struct progress_event *event)
{
	const char *file = event->path ? event->path : event->file;
	const char *name = file ? file : event->url;

	free(worker->name);
	worker->name = NULL;
	worker->in_range = event->range.count > 0;
	if (name && !worker->in_range)
		worker->name = strdup(name);
	else if (name && asprintf(&worker->name, _("%u/%u of %s"), event->range.number + 1,
				  event->range.count, name) < 0)
		worker->name = NULL;
}

static void worker_start(struct progress_worker *worker, const struct progress_event *event)
{
	set_name(worker, event);
	worker->busy = true;
	worker->job = event->job;
	worker->bytes = row_bytes(event);
	worker->total = row_total(event);
	rate_start(&worker->rate, event->now_ns, worker->bytes);
}

static void worker_moved(struct totals *totals, struct progress_worker *worker,
			 const struct progress_event *event)
{
	const uint64_t bytes = row_bytes(event);

	if (event->kind == PROGRESS_MOVED && event->range.count > 0 && !worker->in_range)
		set_name(worker, event);   /* it has split the file */
	if (event->kept > worker->bytes) { /* no speed: nothing moved */
		worker->bytes = event->kept;
		rate_start(&worker->rate, event->now_ns, event->kept);
	}
	if (bytes > worker->bytes) {
		totals->moved += bytes - worker->bytes;
		rate_add(&totals->rate, event->now_ns, totals->moved);
	}
	worker->bytes = bytes;
	worker->total = row_total(event);
	rate_add(&worker->rate, event->now_ns, bytes);
}

/* ---- files in ranges ---- */

static struct progress_split *find_split(const struct totals *totals, unsigned job)
{
	unsigned i;

	for (i = 0; i < totals->split_count; i++)
		if (totals->splits[i].job == job)
			return &totals->splits[i];
	return NULL;
}

/* If memory is short, its bytes are not counted until it is whole. */
static void note_split(struct totals *totals, const struct progress_event *event)
{
	struct progress_split *split = find_split(totals, event->job), *more;

	if (!split) {
		more = reallocarray(totals->splits, totals->split_count + 1, sizeof *more);
		if (!more)
			return;
		totals->splits = more;
		split = &more[totals->split_count++];
	}
	*split = (struct progress_split){ event->job, event->bytes, event->total };
}

/* The file has come to its end, or is fetched in one stream now. */
static void drop_split(struct totals *totals, unsigned job)
{
	struct progress_split *split = find_split(totals, job);

	if (split)
		*split = totals->splits[--totals->split_count];
}

/* ---- all ---- */

/* Events after which a worker is idle. */
static bool ends_try(enum progress_event_kind kind)
{
	return kind != PROGRESS_START && kind != PROGRESS_MOVED;
}

void totals_event(struct totals *totals, const struct progress_event *event)
{
	struct progress_worker *worker = NULL;

	if (!totals->started) {
		totals->started = true;
		rate_start(&totals->rate, event->now_ns, 0);
	}
	if (event->worker < totals->workers)
		worker = &totals->worker[event->worker];
	if (event->range.count > 0)
		note_split(totals, event);
	else if (event->kind != PROGRESS_MOVED)
		drop_split(totals, event->job);
	if (event->kind == PROGRESS_START) {
		if (worker)
			worker_start(worker, event);
		return;
	}
	/* A job that failed or was skipped before a worker had it is not the one in its row. */
	if (worker && (!worker->busy || worker->job != event->job))
		worker = NULL;
	if (worker && (event->kind == PROGRESS_MOVED || event->kind == PROGRESS_RANGE ||
		       event->kind == PROGRESS_DONE))
		worker_moved(totals, worker, event);
	if (!ends_try(event->kind))
		return;
	if (worker)
		worker->busy = false;
	if (event->kind == PROGRESS_DONE) {
		totals->ok++;
		totals->ok_bytes += event->bytes;
	}
	totals->failed += event->kind == PROGRESS_FAILED;
	totals->skipped += event->kind == PROGRESS_SKIPPED;
}

uint64_t progress_seconds_left(uint64_t bytes, uint64_t size, uint64_t speed)
{
	if (size == PROGRESS_SIZE_UNKNOWN || bytes > size)
		return PROGRESS_SIZE_UNKNOWN;
	if (bytes == size)
		return 0;
	if (speed == RATE_UNKNOWN || speed == 0)
		return PROGRESS_SIZE_UNKNOWN;
	return (size - bytes) / speed + ((size - bytes) % speed != 0);
}

/* Adds the running jobs to TOTAL and known sizes to SIZES; returns how many are known. */
static unsigned sum_running(const struct totals *totals, struct progress_total *total,
			    uint64_t *sizes)
{
	unsigned sized = 0;
	unsigned i;

	for (i = 0; i < totals->split_count; i++) {
		total->bytes += totals->splits[i].bytes;
		*sizes += totals->splits[i].total;
		sized++;
	}
	for (i = 0; i < totals->workers; i++) {
		const struct progress_worker *worker = &totals->worker[i];

		if (!worker->busy)
			continue;
		total->busy++;
		if (worker->in_range)
			continue;
		total->bytes += worker->bytes;
		if (worker->total == PROGRESS_SIZE_UNKNOWN || worker->total < worker->bytes)
			continue;
		sized++;
		*sizes += worker->total;
	}
	return sized;
}

void totals_sum(const struct totals *totals, uint64_t now_ns, struct progress_total *total)
{
	unsigned ended = totals->ok + totals->failed + totals->skipped;
	unsigned open = totals->jobs > ended ? totals->jobs - ended : 0;
	uint64_t sizes = totals->ok_bytes;
	unsigned sized;
	unsigned unsized;

	*total = (struct progress_total){
		.bytes = totals->ok_bytes,
		.size = PROGRESS_SIZE_UNKNOWN,
		.speed = rate_bytes_per_s(&totals->rate, now_ns),
		.left_s = PROGRESS_SIZE_UNKNOWN,
	};
	sized = sum_running(totals, total, &sizes);
	unsized = open > sized ? open - sized : 0;
	if (unsized == 0)
		total->size = sizes;
	else if (totals->ok + sized == 0)
		return;
	else
		sizes += (uint64_t)((double)sizes / (totals->ok + sized) * unsized);
	total->left_is_guess = unsized > 0;
	total->left_s = progress_seconds_left(total->bytes, sizes, total->speed);
}
