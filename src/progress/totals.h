/* SPDX-License-Identifier: MIT */
/*
 * totals.h - adds the events up: what each worker fetches, and how far all jobs are together.
 *
 * A job's bytes count from its START event on. A retry or a failure subtracts them, so that no
 * total ever exceeds what is on the disk. Reads no clock and writes nothing.
 */
#ifndef IPCDEMO_TOTALS_H
#define IPCDEMO_TOTALS_H

#include <stdbool.h>
#include <stdint.h>

#include "progress/rate.h"
#include "progress/progress.h"

struct progress_worker {
	bool busy;
	unsigned job;
	char *name;    /* may be NULL: memory was short */
	bool in_range; /* bytes and total are those of a range */
	uint64_t bytes;
	uint64_t total; /* PROGRESS_SIZE_UNKNOWN */
	struct rate rate;
};

/* A file that is fetched in ranges, from the first of them to its own end. */
struct progress_split {
	unsigned job;
	uint64_t bytes, total;
};

struct totals {
	struct progress_worker *worker;
	struct progress_split *splits;
	unsigned split_count;
	unsigned workers;
	unsigned jobs, ok, failed, skipped;
	uint64_t ok_bytes;
	uint64_t moved; /* bytes received, those of failed tries too */
	bool started;
	struct rate rate; /* of moved */
};

/* All jobs together, as far as known. */
struct progress_total {
	unsigned busy;
	uint64_t bytes;     /* of finished and running jobs */
	uint64_t size;      /* of all jobs; PROGRESS_SIZE_UNKNOWN unless every one is known */
	uint64_t speed;     /* RATE_UNKNOWN */
	uint64_t left_s;    /* or PROGRESS_SIZE_UNKNOWN */
	bool left_is_guess; /* from the mean size of the jobs that are known */
};

/* 0 or -ENOMEM. totals_close is due only after 0. */
int totals_open(struct totals *totals, unsigned workers, unsigned jobs);
void totals_event(struct totals *totals, const struct progress_event *event);
void totals_sum(const struct totals *totals, uint64_t now_ns, struct progress_total *total);
void totals_close(struct totals *totals);

/* Seconds until SIZE is reached, or PROGRESS_SIZE_UNKNOWN. */
uint64_t progress_seconds_left(uint64_t bytes, uint64_t size, uint64_t speed);

#endif
