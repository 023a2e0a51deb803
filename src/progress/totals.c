/* SPDX-License-Identifier: MIT */
/* totals.c - adds events up for the faces that show totals. */
#include "config.h"

#include "progress/totals.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int ui_tally_open(struct ui_tally *tally, unsigned workers, unsigned jobs)
{
	*tally = (struct ui_tally){ .workers = workers, .jobs = jobs };
	tally->worker = calloc(workers ? workers : 1, sizeof *tally->worker);
	return tally->worker ? 0 : -ENOMEM;
}

void ui_tally_close(struct ui_tally *tally)
{
	unsigned i;

	for (i = 0; i < tally->workers; i++)
		free(tally->worker[i].name);
	free(tally->worker);
}

static void worker_start(struct ui_worker *worker, const struct ui_event *event)
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

static void worker_moved(struct ui_tally *tally, struct ui_worker *worker,
			 const struct ui_event *event)
{
	if (event->bytes > worker->bytes) {
		tally->moved += event->bytes - worker->bytes;
		rate_add(&tally->rate, event->now_ns, tally->moved);
	}
	worker->bytes = event->bytes;
	worker->total = event->total;
	rate_add(&worker->rate, event->now_ns, event->bytes);
}

void ui_tally_event(struct ui_tally *tally, const struct ui_event *event)
{
	struct ui_worker *worker = NULL;

	if (!tally->started) {
		tally->started = true;
		rate_start(&tally->rate, event->now_ns, 0);
	}
	if (event->worker < tally->workers)
		worker = &tally->worker[event->worker];
	if (event->kind == UI_START) {
		if (worker)
			worker_start(worker, event);
		return;
	}
	/* A job can fail or be skipped before any worker has it: then the row is another's. */
	if (worker && (!worker->busy || worker->job != event->job))
		worker = NULL;
	if (worker && (event->kind == UI_MOVED || event->kind == UI_DONE))
		worker_moved(tally, worker, event);
	if (event->kind == UI_MOVED)
		return;
	if (worker)
		worker->busy = false;
	if (event->kind == UI_DONE) {
		tally->ok++;
		tally->ok_bytes += event->bytes;
	}
	tally->failed += event->kind == UI_FAILED;
	tally->skipped += event->kind == UI_SKIPPED;
}

uint64_t ui_seconds_left(uint64_t bytes, uint64_t size, uint64_t speed)
{
	if (size == UI_SIZE_UNKNOWN || bytes > size)
		return UI_SIZE_UNKNOWN;
	if (bytes == size)
		return 0;
	if (speed == RATE_UNKNOWN || speed == 0)
		return UI_SIZE_UNKNOWN;
	return (size - bytes) / speed + ((size - bytes) % speed != 0);
}

/* Adds what runs to TOTAL; returns how many of those have a size, and adds these to SIZES. */
static unsigned sum_running(const struct ui_tally *tally, struct ui_total *total, uint64_t *sizes)
{
	unsigned sized = 0;
	unsigned i;

	for (i = 0; i < tally->workers; i++) {
		const struct ui_worker *worker = &tally->worker[i];

		if (!worker->busy)
			continue;
		total->busy++;
		total->bytes += worker->bytes;
		if (worker->total == UI_SIZE_UNKNOWN || worker->total < worker->bytes)
			continue;
		sized++;
		*sizes += worker->total;
	}
	return sized;
}

void ui_tally_sum(const struct ui_tally *tally, uint64_t now_ns, struct ui_total *total)
{
	unsigned ended = tally->ok + tally->failed + tally->skipped;
	unsigned open = tally->jobs > ended ? tally->jobs - ended : 0;
	uint64_t sizes = tally->ok_bytes;
	unsigned sized;
	unsigned unsized;

	*total = (struct ui_total){
		.bytes = tally->ok_bytes,
		.size = UI_SIZE_UNKNOWN,
		.speed = rate_bytes_per_s(&tally->rate, now_ns),
		.left_s = UI_SIZE_UNKNOWN,
	};
	sized = sum_running(tally, total, &sizes);
	unsized = open > sized ? open - sized : 0;
	if (unsized == 0)
		total->size = sizes;
	else if (tally->ok + sized == 0)
		return;
	else
		sizes += (uint64_t)((double)sizes / (tally->ok + sized) * unsized);
	total->left_is_guess = unsized > 0;
	total->left_s = ui_seconds_left(total->bytes, sizes, total->speed);
}
