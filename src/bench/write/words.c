/* SPDX-License-Identifier: MIT */
/*
 * words.c - figures in words.
 */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench/axes.h"
#include "bench/baseline.h"
#include "bench/write/write.h"
#include "common/language.h"

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

char *words_two_digits(char buf[static WORDS_SIZE], double value)
{
	double unit;

	if (!isfinite(value)) {
		(void)snprintf(buf, WORDS_SIZE, "-");
		return buf;
	}
	unit = value >= 1 ? pow(10, floor(log10(value)) - 1) : 0.1;
	(void)snprintf(buf, WORDS_SIZE, "%.*f", value < 9.95 ? 1 : 0, round(value / unit) * unit);
	return buf;
}

char *words_within(char buf[static WORDS_SIZE], double value, struct stats_interval ci, int most)
{
	const double least = pow(10, -most), width = ci.high - ci.low;
	const double two = value != 0 ? pow(10, floor(log10(fabs(value))) - 1) : INFINITY;
	double unit = least; /* the last digit that is shown */

	if (!isfinite(value)) {
		(void)snprintf(buf, WORDS_SIZE, "-");
		return buf;
	}
	if (width > 0) /* two digits at least, however wide it is */
		unit = fmin(pow(10, floor(log10(width)) - 1), two);
	else if (isnan(width) && fabs(value) >= 10) /* few rounds say little */
		unit = two;
	unit = fmax(unit, least);
	(void)snprintf(buf, WORDS_SIZE, "%.*f", unit < 1 ? (int)round(-log10(unit)) : 0,
		       round(value / unit) * unit);
	return buf;
}

/* ---- what the figures mean ---- */

/*
 * The time by which two rows of one mode are compared. It is in the row in blocks if single round
 * trips are too short for the clock. NAN: none.
 */
static double slowness(const struct row *row, const struct figures *f)
{
	if (row->axes.api != API_IPC || row->block || row->rounds == 0 ||
	    row->status == ROW_SATURATED)
		return NAN;
	return row->axes.mode == MODE_THROUGHPUT ? 1e9 / f->rate : f->p50;
}

/* Equal in all axes but the mechanism, or (SAME_MECHANISM) but in how and where it waits. */
static bool comparable(const struct axes *a, const struct axes *b, bool same_mechanism)
{
	bool same_how = a->wait == b->wait && strcmp(a->place.name, b->place.name) == 0;

	return a->mode == b->mode && a->size == b->size && a->senders == b->senders &&
	       a->batch == b->batch && a->rate == b->rate && a->depth == b->depth &&
	       (same_mechanism ? strcmp(a->backend, b->backend) == 0 && !same_how : same_how);
}

struct contrast {
	const struct row *fast, *slow;
	double factor;
};

/* The widest difference between two comparable rows. */
static struct contrast widest(const struct result *result, bool same_mechanism)
{
	const struct plan *plan = &result->bench->plan;
	struct contrast best = { NULL, NULL, 1 };
	size_t i, j;

	for (i = 0; i < plan->rows_n; i++)
		for (j = 0; j < plan->rows_n; j++) {
			const struct row *a = plan->rows[i], *b = plan->rows[j];
			double factor =
				slowness(b, &result->figures[j]) / slowness(a, &result->figures[i]);

			if (a->axes.mode == plan->rows[0]->axes.mode &&
			    comparable(&a->axes, &b->axes, same_mechanism) && factor > best.factor)
				best = (struct contrast){ a, b, factor };
		}
	return best;
}

/* A round trip between two CPUs cannot be shorter than the bare cache line's: then the host moved
 * the CPUs meanwhile. */
static bool below_cache_line(const struct result *result)
{
	const struct plan *plan = &result->bench->plan;
	double cache_line_ns = baseline_cache_line_ns(&result->bench->baselines);
	size_t i;

	for (i = 0; i < plan->rows_n; i++)
		if (plan->rows[i]->axes.mode == MODE_LATENCY &&
		    plan->rows[i]->axes.place.hub != plan->rows[i]->axes.place.slot &&
		    slowness(plan->rows[i], &result->figures[i]) < cache_line_ns)
			return true;
	return false;
}

static void add_contrasts(struct text *text, const struct result *result)
{
	static const char *const what[MODES] = { N_("round trip"), N_("stream"), N_("way"),
						 N_("download"), N_("start") };
	struct contrast which = widest(result, false), how = widest(result, true);
	char factor[WORDS_SIZE];

	if (which.fast)
		text_printf(text,
			    _("Under equal conditions the mechanism changes a %s of %zu bytes by a "
			      "factor of up to %s (%s to %s: %s, %s)"),
			    _(what[which.fast->axes.mode]), which.fast->axes.size,
			    words_two_digits(factor, which.factor), which.fast->axes.backend,
			    which.slow->axes.backend, wait_name(which.fast->axes.wait),
			    which.fast->axes.place.name);
	if (how.fast)
		text_printf(text,
			    which.fast ?
				    _("; for one and the same mechanism, how and where it waits "
				      "changes that of %s by up to %s (%s, %s to %s, %s)") :
				    _("Here how and where it waits changes that of %s by up to %s "
				      "(%s, %s to %s, %s)"),
			    how.fast->axes.backend, words_two_digits(factor, how.factor),
			    wait_name(how.fast->axes.wait), how.fast->axes.place.name,
			    wait_name(how.slow->axes.wait), how.slow->axes.place.name);
	if (how.fast)
		text_add(text, _(". So compare only rows with the same wait and place."));
	else if (which.fast)
		text_add(text, _("."));
}

/* Of one CPU, at the row's own rate or at CPU_RATE. NAN: not measured. */
static double cpu_share(const struct row *row, const struct figures *f)
{
	if (row->axes.rate == 0)
		return row->cpu_share;
	return f->costs.cpu_ns * row->axes.rate * (row->axes.mode == MODE_LATENCY ? 2 : 1) / 1e9;
}

/* Adds the CPU use of the row that used the most, among those that kept their rate. */
static void add_cpu(struct text *text, const struct result *result)
{
	const struct plan *plan = &result->bench->plan;
	const struct row *most = NULL;
	char share[WORDS_SIZE];
	double most_share = 0;
	size_t i;

	for (i = 0; i < plan->rows_n; i++) {
		const struct row *row = plan->rows[i];
		double used = cpu_share(row, &result->figures[i]);

		if (row->axes.api != API_IPC || row->status != ROW_OK || !(used > most_share))
			continue;
		most = row;
		most_share = used;
	}
	if (!most)
		return;
	text_add(text, text->len ? " " : "");
	text_printf(text,
		    most->axes.mode == MODE_LATENCY ?
			    _("At %u round trips a second of %zu bytes, both sides together "
			      "use at most %s %% of one CPU (%s, %s, %s).") :
			    _("At %u records a second of %zu bytes, both sides together use "
			      "at most %s %% of one CPU (%s, %s, %s)."),
		    most->axes.rate ? most->axes.rate : CPU_RATE, most->axes.size,
		    words_two_digits(share, most_share * 100), most->axes.backend,
		    wait_name(most->axes.wait), most->axes.place.name);
}

/* Adds the cost of IPC for LOAD: the least and the greatest share that could be measured. */
static void add_load(struct text *text, const struct result *result, const struct load *load)
{
	const struct plan *plan = &result->bench->plan;
	const struct figures *least = NULL, *most = NULL;
	const char *least_name = "", *most_name = "";
	double bound = 0;
	size_t i;

	for (i = 0; i < plan->rows_n; i++) {
		const struct axes *axes = &plan->rows[i]->axes;
		const struct figures *f = &result->figures[i];

		if (axes->load != load || axes->api != API_IPC || isnan(f->wall_share_ci.low))
			continue;
		bound = fmax(bound, f->wall_share_ci.high);
		if (f->wall_share_ci.low <= 0)
			continue;
		if (!least || f->wall_share < least->wall_share)
			least = f, least_name = axes->backend;
		if (!most || f->wall_share > most->wall_share)
			most = f, most_name = axes->backend;
	}
	if (most || bound > 0)
		text_add(text, text->len ? " " : "");
	if (most && most != least)
		text_printf(text,
			    _("With %s, IPC takes %.0f %% (%s) to %.0f %% (%s) of the wall time."),
			    load->name, 100 * least->wall_share, least_name, 100 * most->wall_share,
			    most_name);
	else if (most)
		text_printf(text, _("With %s, IPC over %s takes %.0f %% of the wall time."),
			    load->name, most_name, 100 * most->wall_share);
	else if (bound > 0)
		text_printf(
			text,
			_("With %s, no mechanism's share of the wall time can be told from 0; it "
			  "is at most %.0f %%."),
			load->name, 100 * bound);
}

/* Adds the effect of the parent's memory on each way of starting, if there are rows to compare. */
static void add_start(struct text *text, const struct result *result)
{
	const struct plan *plan = &result->bench->plan;
	char factor[WORDS_SIZE];
	size_t i, j;

	for (i = 0; i < plan->rows_n; i++)
		for (j = 0; j < plan->rows_n; j++) {
			const struct axes *small = &plan->rows[i]->axes;
			const struct axes *large = &plan->rows[j]->axes;

			if (small->start->how != large->start->how ||
			    small->start->parent_mib >= large->start->parent_mib ||
			    strcmp(small->backend, large->backend) != 0 || !plan->rows[i]->rounds ||
			    !plan->rows[j]->rounds)
				continue;
			text_add(text, text->len ? " " : "");
			text_printf(text,
				    _("Over %s, %u MiB of the parent's memory make %s take %s "
				      "times as long."),
				    small->backend, large->start->parent_mib, small->start->name,
				    words_two_digits(factor, result->figures[j].p50 /
								     result->figures[i].p50));
		}
}

/* From what to what the rates go at which p99 keeps the bound. */
static void add_rates(struct text *text, const struct result *result)
{
	const struct plan *plan = &result->bench->plan;
	const double bound_ns = result->bench->options->p99_ns;
	const struct axes *least = NULL, *most = NULL;
	char bound[WORDS_SIZE], low[WORDS_SIZE], high[WORDS_SIZE];
	size_t i;

	for (i = 0; i < plan->rows_n; i++) {
		const struct row *row = plan->rows[i];

		if (row->status != ROW_OK || !(result->figures[i].p99 <= bound_ns))
			continue;
		least = !least || row->axes.rate < least->rate ? &row->axes : least;
		most = !most || row->axes.rate > most->rate ? &row->axes : most;
	}
	if (!most)
		return;
	(void)words_time(bound, bound_ns);
	(void)words_count(low, least->rate);
	(void)words_count(high, most->rate);
	if (most == least)
		text_printf(text, _("p99 stays below %s up to %s a second (%s, %s, %s)."), bound,
			    high, most->backend, wait_name(most->wait), most->place.name);
	else
		text_printf(text,
			    _("p99 stays below %s up to %s a second (%s, %s, %s) at the least, "
			      "and up to %s (%s, %s, %s) at the most."),
			    bound, low, least->backend, wait_name(least->wait), least->place.name,
			    high, most->backend, wait_name(most->wait), most->place.name);
}

const char *words_inconclusive(const struct result *result)
{
	if (json_is_false(json_object_get(result->environment, "quiet")))
		return _("No conclusion is drawn: the machine was not quiet.");
	if (below_cache_line(result))
		return _("No conclusion is drawn: some round trips were shorter than the "
			 "bare cache line's, so the CPUs moved during the run.");
	return NULL;
}

void words_meaning(struct text *text, const struct result *result)
{
	const struct plan *plan = &result->bench->plan;
	const struct load *load = plan->rows_n ? plan->rows[0]->axes.load : NULL;
	const char *inconclusive = words_inconclusive(result);

	if (inconclusive)
		text_add(text, inconclusive);
	else if (plan->rows_n && plan->rows[0]->axes.start)
		add_start(text, result);
	else if (load)
		for (; load->name; load++)
			add_load(text, result, load);
	else if (result->bench->options->find_rate)
		add_rates(text, result); /* and nothing else: each row has a rate of its own */
	else {
		add_contrasts(text, result);
		add_cpu(text, result);
	}
}
