/* SPDX-License-Identifier: MIT */
/* totals.c - adds events up for the views that show totals. */
#include "config.h"

#include "progress/totals.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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
}

static void worker_start(struct progress_worker *worker, const struct progress_event *event)
{
	const char *name = event->file ? event->file : event->url;

	free(worker->name);
	worker->name = name ? strdup(name) : NULL;
	worker->busy = true;
	worker->job = event->job;
	worker->bytes = event->bytes;
	worker->total = event->total;
	rate_start(&worker->rate, event->now_ns, event->bytes);
}

static void worker_moved(struct totals *totals, struct progress_worker *worker,
			 const struct progress_event *event)
{
	if (event->bytes > worker->bytes) {
		totals->moved += event->bytes - worker->bytes;
		rate_add(&totals->rate, event->now_ns, totals->moved);
	}
	worker->bytes = event->bytes;
	worker->total = event->total;
	rate_add(&worker->rate, event->now_ns, event->bytes);
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
	if (event->kind == PROGRESS_START) {
		if (worker)
			worker_start(worker, event);
		return;
	}
	/* A job that failed or was skipped before a worker had it is not the one in its row. */
	if (worker && (!worker->busy || worker->job != event->job))
		worker = NULL;
	if (worker && (event->kind == PROGRESS_MOVED || event->kind == PROGRESS_DONE))
		worker_moved(totals, worker, event);
	if (event->kind == PROGRESS_MOVED)
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

	for (i = 0; i < totals->workers; i++) {
		const struct progress_worker *worker = &totals->worker[i];

		if (!worker->busy)
			continue;
		total->busy++;
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
