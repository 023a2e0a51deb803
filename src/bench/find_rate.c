/* SPDX-License-Identifier: MIT */
/* find_rate.c - see find_rate.h */
#include "config.h"

#include "bench/find_rate.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/figures.h"
#include "common/language.h"

#define ROUNDS        3
#define RANGE         4096 /* between the highest and the lowest rate that are tried */
#define RANGE_COUNTED 16   /* at least, where --count makes low rates take long */
#define STEP          1.03

struct trial {
	const struct find_rate *find;
	struct row row;
	double most; /* records a second, of what it could do at all */
};

/* Three rounds when more is asked for than it can do; the best of them. */
static int measure_most(struct trial *t)
{
	unsigned i;
	int rc = 0;

	t->row.axes.rate = RATE_MAX;
	for (i = 0; i < ROUNDS && rc == 0 && t->row.status == ROW_OK; i++)
		rc = t->find->measure(t->find->context, &t->row);
	for (i = 0; i < t->row.rounds; i++)
		t->most = fmax(t->most, t->row.round[i].achieved);
	return rc;
}

/* Two of three rounds at RATE keep it and the bound: one may be disturbed. -errno, or 0 or 1. */
static int keeps(struct trial *t, unsigned rate)
{
	unsigned good = 0, bad = 0;

	t->row.axes.rate = rate;
	t->row.rounds = 0;
	t->row.samples_n = t->row.lags_n = 0;
	while (2 * good < ROUNDS && 2 * bad < ROUNDS) {
		const struct round *round = &t->row.round[t->row.rounds];
		int rc = t->find->measure(t->find->context, &t->row);

		if (rc < 0 || t->row.status != ROW_OK)
			return rc;
		if (round->p99_ns <= t->find->options->p99_ns && figures_kept(round, rate))
			good++;
		else
			bad++;
	}
	return good > bad;
}

/* A round of a given count must not outlast its deadline, nor take a second if that can be. */
static double least_rate(const struct trial *t)
{
	const struct options *o = t->find->options;
	const double of_a_second = fmin(o->count, t->most / RANGE_COUNTED);
	const double in_time = 2.0 * o->count / o->timeout_s;

	return fmin(t->most, fmax(fmax(t->most / RANGE, 1), fmax(of_a_second, in_time)));
}

/*
 * In halves downwards to the first rate that keeps the bound, then by bisection: a receiver that is
 * never idle wakes sooner, so a bound may hold at a high rate and not at a low one.
 */
static int search(struct trial *t, unsigned *found)
{
	const double least = least_rate(t);
	double high = t->most, low = fmax(high / 2, least);
	int rc = keeps(t, (unsigned)low + 1);

	while (rc == 0 && low > least && t->row.status == ROW_OK) {
		high = low;
		low = fmax(low / 2, least);
		rc = keeps(t, (unsigned)low + 1);
	}
	if (rc <= 0)
		return rc;
	while (rc >= 0 && high / low > STEP && t->row.status == ROW_OK) {
		double middle = sqrt(low * high);

		rc = keeps(t, (unsigned)middle + 1);
		if (rc > 0)
			low = middle;
		else
			high = middle;
	}
	*found = (unsigned)low + 1;
	return rc < 0 ? rc : 0;
}

static void set_result(const struct trial *t, struct row *row, unsigned found)
{
	row->axes.rate = found;
	if (t->row.status != ROW_OK) {
		row->status = t->row.status;
		(void)snprintf(row->reason, sizeof row->reason, "%s", t->row.reason);
	} else if (found == 0) {
		row->status = ROW_ERROR;
		(void)snprintf(row->reason, sizeof row->reason,
			       _("p99 is above %g us at each rate from %.0f to %.0f a second"),
			       t->find->options->p99_ns / 1e3, t->most, least_rate(t));
	}
}

int find_rate(const struct find_rate *find, struct row *row)
{
	struct trial t = { .find = find, .row = { .axes = row->axes } };
	unsigned found = 0;
	int rc = -ENOMEM;

	t.row.round = calloc(ROUNDS, sizeof *t.row.round);
	if (t.row.round)
		rc = measure_most(&t);
	if (rc == 0 && t.row.status == ROW_OK)
		rc = search(&t, &found);
	if (rc == 0)
		set_result(&t, row, found);
	free(t.row.round);
	free(t.row.samples);
	free(t.row.lags);
	return rc;
}
