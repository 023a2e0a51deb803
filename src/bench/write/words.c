/* SPDX-License-Identifier: MIT */
/*
 * words.c - figures in words.
 */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/axes.h"
#include "bench/write/write.h"

/* Three digits, whatever the size: "5.67", "56.7", "567". */
static void three_digits(char buf[static WORDS_SIZE], double value, const char *unit)
{
	int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;

	(void)snprintf(buf, WORDS_SIZE, "%.*f%s", decimals, value, unit);
}

char *words_time(char buf[static WORDS_SIZE], double ns)
{
	if (!isfinite(ns))
		(void)snprintf(buf, WORDS_SIZE, "-");
	else if (ns < 999.5)
		three_digits(buf, ns, " ns");
	else if (ns < 999.5e3)
		three_digits(buf, ns / 1e3, " us");
	else if (ns < 999.5e6)
		three_digits(buf, ns / 1e6, " ms");
	else
		three_digits(buf, ns / 1e9, " s");
	return buf;
}

char *words_count(char buf[static WORDS_SIZE], double count)
{
	if (!isfinite(count))
		(void)snprintf(buf, WORDS_SIZE, "-");
	else if (count < 999.5)
		three_digits(buf, count, "");
	else if (count < 999.5e3)
		three_digits(buf, count / 1e3, " k");
	else if (count < 999.5e6)
		three_digits(buf, count / 1e6, " M");
	else
		three_digits(buf, count / 1e9, " G");
	return buf;
}

/* ---- what it means ---- */

/* The figure by which two rows of one mode are compared; greater is slower. NAN: none. */
static double slowness(const struct row *row, const struct figures *f)
{
	if (row->axes.api != API_IPC || row->axes.block > 1 || row->rounds == 0)
		return NAN;
	return row->axes.mode == MODE_THROUGHPUT ? 1e9 / f->rate : f->p50;
}

/* Equal in all axes but the mechanism, or (OTHER) but in how and where. */
static bool comparable(const struct axes *a, const struct axes *b, bool same_mechanism)
{
	bool same_how = a->wait == b->wait && strcmp(a->place.name, b->place.name) == 0;

	return a->mode == b->mode && a->size == b->size && a->senders == b->senders &&
	       a->batch == b->batch &&
	       (same_mechanism ? strcmp(a->backend, b->backend) == 0 && !same_how : same_how);
}

struct contrast {
	const struct row *fast, *slow;
	double factor;
};

/* The widest difference between two comparable rows of MODE. */
static struct contrast widest(const struct bench *bench, const struct figures *figures,
			      enum mode mode, bool same_mechanism)
{
	const struct plan *plan = &bench->plan;
	struct contrast best = { NULL, NULL, 1 };
	size_t i, j;

	for (i = 0; i < plan->rows_n; i++)
		for (j = 0; j < plan->rows_n; j++) {
			const struct row *a = plan->rows[i], *b = plan->rows[j];
			double factor = slowness(b, &figures[j]) / slowness(a, &figures[i]);

			if (a->axes.mode == mode &&
			    comparable(&a->axes, &b->axes, same_mechanism) && factor > best.factor)
				best = (struct contrast){ a, b, factor };
		}
	return best;
}

/* The row whose record costs the most CPU. */
static double dearest(const struct bench *bench, const struct figures *figures)
{
	double most = 0;
	size_t i;

	for (i = 0; i < bench->plan.rows_n; i++)
		if (bench->plan.rows[i]->axes.api == API_IPC &&
		    bench->plan.rows[i]->axes.wait == IPC_BLOCK)
			most = fmax(most, figures[i].costs.cpu_ns);
	return most;
}

static void add(char **at, size_t *left, const char *text)
{
	int n = snprintf(*at, *left, "%s", text);
	size_t used = n > 0 && (size_t)n < *left ? (size_t)n : *left - 1;

	*at += used;
	*left -= used;
}

static const char *what_of(enum mode mode)
{
	static const char *const words[MODES] = { "round trip", "stream", "way" };

	return words[mode];
}

void words_meaning(char *text, size_t size, const struct result *result)
{
	const struct bench *bench = result->bench;
	const struct figures *figures = result->figures;
	enum mode mode = bench->plan.rows_n ? bench->plan.rows[0]->axes.mode : MODE_LATENCY;
	struct contrast how = widest(bench, figures, mode, true);
	struct contrast which = widest(bench, figures, mode, false);
	double cpu_ns = dearest(bench, figures);
	char part[256];

	text[0] = '\0';
	if (which.fast) {
		(void)snprintf(part, sizeof part,
			       "Under equal conditions the mechanism changes a %s by a factor of "
			       "up to %.1f (%s to %s: %s, %s)",
			       what_of(mode), which.factor, which.fast->axes.backend,
			       which.slow->axes.backend, wait_name(which.fast->axes.wait),
			       which.fast->axes.place.name);
		add(&text, &size, part);
	}
	if (how.fast) {
		(void)snprintf(part, sizeof part,
			       "%s how and where it waits changes one and the same %s by up to "
			       "%.1f (%s, %s to %s, %s), so compare only rows with the same wait "
			       "and place",
			       which.fast ? ", and" : "Here", how.fast->axes.backend, how.factor,
			       wait_name(how.fast->axes.wait), how.fast->axes.place.name,
			       wait_name(how.slow->axes.wait), how.slow->axes.place.name);
		add(&text, &size, part);
	}
	if (cpu_ns > 0 && (which.fast || how.fast)) {
		(void)snprintf(part, sizeof part,
			       "; a program that sends 1,000 records a second pays at most %.2g%% "
			       "of one CPU for any that blocks",
			       cpu_ns * 1000 / 1e9 * 100);
		add(&text, &size, part);
	}
	if (which.fast || how.fast)
		add(&text, &size, ".");
}
