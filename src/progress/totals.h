/* SPDX-License-Identifier: MIT */
/*
 * totals.h - what the events amount to: who fetches what, and how far all are together.
 *
 * A job's bytes count from its START to its end. A retry or a failure takes them back, so that
 * no total ever exceeds what is on the disk. Pure but for the memory.
 */
#ifndef IPCDEMO_UI_TALLY_H
#define IPCDEMO_UI_TALLY_H

#include <stdbool.h>
#include <stdint.h>

#include "progress/rate.h"
#include "progress/progress.h"

struct ui_worker {
	bool busy;
	unsigned job;
	char *name; /* may be NULL: memory was short */
	uint64_t bytes;
	uint64_t total; /* UI_SIZE_UNKNOWN */
	struct rate rate;
};

struct ui_tally {
	struct ui_worker *worker;
	unsigned workers;
	unsigned jobs, ok, failed, skipped;
	uint64_t ok_bytes;
	uint64_t moved; /* bytes that arrived, also those that were in vain */
	bool started;
	struct rate rate; /* of moved */
};

/* All jobs together, as far as known. */
struct ui_total {
	unsigned busy;
	uint64_t bytes;     /* of finished and running jobs */
	uint64_t size;      /* of all jobs; UI_SIZE_UNKNOWN unless every one is known */
	uint64_t speed;     /* RATE_UNKNOWN */
	uint64_t left_s;    /* UI_SIZE_UNKNOWN: no idea */
	bool left_is_guess; /* from the mean size of the jobs that are known */
};

/* 0 or -ENOMEM. ui_tally_close is due only after 0. */
int ui_tally_open(struct ui_tally *tally, unsigned workers, unsigned jobs);
void ui_tally_event(struct ui_tally *tally, const struct ui_event *event);
void ui_tally_sum(const struct ui_tally *tally, uint64_t now_ns, struct ui_total *total);
void ui_tally_close(struct ui_tally *tally);

/* Seconds until SIZE is reached, UI_SIZE_UNKNOWN when nobody can tell. */
uint64_t ui_seconds_left(uint64_t bytes, uint64_t size, uint64_t speed);

#endif
