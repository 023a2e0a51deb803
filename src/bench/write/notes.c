/* SPDX-License-Identifier: MIT */
/*
 * notes.c - the notes below a table: its marks, warnings, what was left out, the machine, and what
 * the figures mean.
 */
#include "config.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "bench/axes.h"
#include "bench/baseline.h"
#include "bench/write/write.h"
#include "common/language.h"

#define INDENT 2 /* of the further lines of a note */

void notes_wrap(FILE *out, const char *text, unsigned room)
{
	struct text lines = { .at = NULL };

	text_add_wrapped(&lines, text, INDENT, room);
	if (lines.len > INDENT)
		fputs(lines.at + INDENT, out); /* the first line begins at the left */
	text_free(&lines);
}

/* TEXT as a paragraph, which empties it. */
static void flush(FILE *out, struct text *text, unsigned room)
{
	if (text->len)
		notes_wrap(out, text_string(text), room);
	text_clear(text);
}

/* ---- the legend ---- */

static bool any(const struct result *result, bool (*is)(const struct row *, const struct figures *))
{
	const struct plan *plan = &result->bench->plan;
	size_t i;

	for (i = 0; i < plan->rows_n; i++)
		if (is(plan->rows[i], &result->figures[i]))
			return true;
	return false;
}

static bool is_block(const struct row *row, const struct figures *f)
{
	(void)f;
	return row->axes.block > 1;
}

static bool is_bimodal(const struct row *row, const struct figures *f)
{
	return f->bimodal && row->axes.block == 1;
}

static bool is_doubtful(const struct row *row, const struct figures *f)
{
	(void)row;
	return f->ratio_doubtful;
}

static bool is_paced(const struct row *row, const struct figures *f)
{
	(void)f;
	return row->axes.rate > 0;
}

static bool is_saturated(const struct row *row, const struct figures *f)
{
	(void)f;
	return row->status == ROW_SATURATED;
}

static bool has_floor(const struct row *row, const struct figures *f)
{
	(void)f;
	return row->floor && !row->axes.load;
}

static bool is_link(const struct row *row, const struct figures *f)
{
	(void)f;
	return !row->axes.load && !row->axes.start;
}

static bool is_start(const struct row *row, const struct figures *f)
{
	(void)f;
	return row->axes.start;
}

static bool is_download(const struct row *row, const struct figures *f)
{
	(void)f;
	return row->axes.load;
}

/* Notes that are printed if a row needs them. */
static const struct {
	bool (*if_any)(const struct row *row, const struct figures *f);
	const char *text;
} legend[] = {
	{ is_link,
	  N_("wait: how the receiver waits. place: same = both ends on one CPU, cross = on "
	     "two cores. CPU/rec, calls, ctxsw: CPU time, system calls and context switches "
	     "of a record, both sides together. spread: between the quartiles of the rounds. "
	     "'-': not known.") },
	{ has_floor, N_("x floor: how many times as long as the bare system calls (or bare memory) "
			"take, 1 is perfect: the median over rounds, in which the two were "
			"measured in turn. Adaptive is compared with spinning on two CPUs, with "
			"blocking on one.") },
	{ is_doubtful,
	  N_("'!': the two figures do not divide to the ratio, since the machine changed "
	     "between rounds: trust neither until 'spread' is small.") },
	{ is_bimodal, N_("'~': the times have two humps; no one figure stands for them.") },
	{ is_paced, N_("reached/s: what was kept of the rate. late: by how much the last one began "
		       "late, whatever the cause.") },
	{ is_saturated,
	  N_("saturated: the rate was not kept. What waits grows without end, so there "
	     "is no latency.") },
	{ is_block, N_("x16: what is too short for the clock is measured again with a stamp for "
		       "every 16 round trips: trust those.") },
	{ is_start,
	  N_("spawn: fork, then this program executed anew; vfork: the same without a copy of the "
	     "parent (posix_spawn). 256 MiB: of memory that the parent has written. memory: "
	     "private to what was started, page tables included, once its first record is here; "
	     "of a thread, what the process has more.") },
	{ is_download,
	  N_("none: as many workers, each with its share of the list, that report to "
	     "nobody. of wall, of CPU: what IPC costs, (with - none) / with, the median "
	     "over rounds. '<': smaller than what can be measured here, the upper end of "
	     "the interval. '-': fewer than 6 rounds, or nothing.") },
	{ is_download,
	  N_("4 workers; built-in origin on the loopback interface, in a process of its "
	     "own, not counted; files in memory where /dev/shm has room for them.") },
};

static void print_legend(FILE *out, const struct result *result, unsigned room)
{
	const struct stamp_clock *clock = &result->bench->clock;
	struct text text = { .at = NULL };
	size_t i;

	for (i = 0; i < sizeof legend / sizeof legend[0]; i++)
		if (any(result, legend[i].if_any))
			notes_wrap(out, _(legend[i].text), room);
	if (any(result, is_link))
		text_printf(
			&text,
			_("Clock: %s; a stamp costs %.0f ns, once a sample, and steps by %.0f ns."),
			clock->name, clock->cost_ns, clock->resolution_ns);
	flush(out, &text, room);
	text_free(&text);
}

/* ---- rows ---- */

static void row_name(struct text *text, const struct axes *axes)
{
	text_printf(text, "%s%s%s", axes->backend, axes->block > 1 ? " x16" : "",
		    axes->api == API_FLOOR && !axes->load ? _(" floor") : "");
	if (axes->load)
		text_printf(text, _(", %s"), axes->load->name);
	else
		text_printf(text, _(", %s, %s, %zu bytes"), wait_name(axes->wait), axes->place.name,
			    axes->size);
}

void notes_reason(FILE *out, const struct row *row, size_t used, unsigned room)
{
	struct text text = { .at = NULL };

	text_printf(&text, _("%s: %s"), _(row_status_name(row->status)), row->reason);
	if (used + 1 + text_columns(text_string(&text), true) <= room) {
		fprintf(out, " %s\n", text_string(&text));
	} else {
		struct text lines = { .at = NULL };

		text_add_wrapped(&lines, text_string(&text), 2 * INDENT, room);
		fprintf(out, "\n%s", text_string(&lines));
		text_free(&lines);
	}
	text_free(&text);
}

/* Why a row ended early whose figures stand in the table: of one without any, the table says it. */
static void error_note(FILE *out, const struct row *row, unsigned room)
{
	struct text text = { .at = NULL };

	if (row->status != ROW_ERROR || row->rounds == 0)
		return;
	text_add(&text, _("Error: "));
	row_name(&text, &row->axes);
	text_printf(&text, _(": %s."), row->reason);
	flush(out, &text, room);
	text_free(&text);
}

/* The row of which VALUE is greatest, if of any; a note for each row would be a page. */
static size_t greatest(const struct result *result, size_t offset)
{
	const struct plan *plan = &result->bench->plan;
	size_t best = plan->rows_n, i;
	double most = 0;

	for (i = 0; i < plan->rows_n; i++) {
		const double value =
			*(const double *)(const void *)((const char *)&result->figures[i] + offset);

		if (plan->rows[i]->status == ROW_SATURATED || !(value > most))
			continue;
		best = i;
		most = value;
	}
	return best;
}

static void clock_notes(FILE *out, const struct result *result, unsigned room)
{
	const struct plan *plan = &result->bench->plan;
	const size_t late = greatest(result, offsetof(struct figures, lag_p99));
	const size_t apart = greatest(result, offsetof(struct figures, error));
	struct text text = { .at = NULL };
	char p50[WORDS_SIZE], p99[WORDS_SIZE];

	if (late < plan->rows_n) {
		row_name(&text, &plan->rows[late]->axes);
		text_printf(
			&text,
			_(": the pacing began late by %s (p50), %s (p99), the most of all rows; "
			  "that is in the latency, too."),
			words_time(p50, result->figures[late].lag_p50),
			words_time(p99, result->figures[late].lag_p99));
		flush(out, &text, room);
	}
	if (apart < plan->rows_n) {
		row_name(&text, &plan->rows[apart]->axes);
		text_printf(&text,
			    _(": the two CPUs' clocks may differ by up to %s, the most of all "
			      "rows."),
			    words_time(p50, result->figures[apart].error));
		flush(out, &text, room);
	}
	text_free(&text);
}

/* The trials that found a rate were few: all rounds together may say otherwise. */
static void bound_note(FILE *out, const struct result *result, unsigned room)
{
	const struct plan *plan = &result->bench->plan;
	const struct options *o = result->bench->options;
	struct text text = { .at = NULL };
	char bound[WORDS_SIZE];
	size_t i;

	for (i = 0; i < plan->rows_n; i++) {
		if (!o->find_rate || plan->rows[i]->status != ROW_OK ||
		    result->figures[i].p99 <= o->p99_ns)
			continue;
		text_add(&text, text.len ? _("; ") : "");
		row_name(&text, &plan->rows[i]->axes);
	}
	if (text.len) {
		text_printf(&text,
			    _(": over all rounds p99 is above %s; the trials that found the rate "
			      "were shorter."),
			    words_time(bound, o->p99_ns));
		flush(out, &text, room);
	}
	text_free(&text);
}

static bool seen_before(const struct plan *plan, size_t at)
{
	size_t i;

	for (i = 0; i < at; i++)
		if (strcmp(plan->skips[i].reason, plan->skips[at].reason) == 0)
			return true;
	return false;
}

/* Prints each reason once, with the mechanism or place if it concerns only one. */
void notes_left_out(FILE *out, const struct plan *plan, const char *prefix, unsigned room)
{
	struct text text = { .at = NULL };
	size_t i, j, count;

	for (i = 0; i < plan->skips_n; i++) {
		const struct axes *axes = &plan->skips[i].axes;

		if (seen_before(plan, i))
			continue;
		for (j = i, count = 0; j < plan->skips_n; j++)
			count += strcmp(plan->skips[i].reason, plan->skips[j].reason) == 0;
		if (count > 1)
			text_printf(&text, _("%s%zu combinations: %s"), prefix, count,
				    _(plan->skips[i].reason));
		else
			text_printf(&text, _("%s%s: %s"), prefix,
				    axes->backend ? axes->backend : axes->place.name,
				    _(plan->skips[i].reason));
		flush(out, &text, room);
	}
	text_free(&text);
}

/* ---- the machine ---- */

static const char *string(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value ? value : "?";
}

static void machine(FILE *out, const struct result *result, unsigned room)
{
	const struct bench *bench = result->bench;
	const json_t *cpu = json_object_get(result->environment, "cpu");
	const json_t *warnings = json_object_get(result->environment, "warnings"), *warning;
	double cache_line_ns = baseline_cache_line_ns(&bench->baselines);
	struct text text = { .at = NULL };
	char time[WORDS_SIZE];
	size_t i;

	text_printf(&text, _("Machine: %s%s, %d CPUs, Linux %s"), string(cpu, "model"),
		    json_is_true(json_object_get(cpu, "virtual")) ? _(" (virtual)") : "",
		    (int)bench->cpus_n,
		    string(json_object_get(result->environment, "kernel"), "release"));
	if (isfinite(cache_line_ns))
		text_printf(&text, _("; bare cache line between two CPUs: %s a round trip"),
			    words_time(time, cache_line_ns));
	text_add(&text, _("."));
	flush(out, &text, room);
	json_array_foreach(warnings, i, warning)
	{
		text_printf(&text, _("Not quiet: %s."), json_string_value(warning));
		flush(out, &text, room);
	}
	if (bench->rounds < bench->options->rounds)
		text_printf(&text, _("Stopped early: %u of %u rounds were finished."),
			    bench->rounds, bench->options->rounds);
	flush(out, &text, room);
	text_free(&text);
}

void notes_print(FILE *out, const struct result *result, unsigned room)
{
	const struct plan *plan = &result->bench->plan;
	struct text meaning = { .at = NULL };
	size_t i;

	print_legend(out, result, room);
	for (i = 0; i < plan->rows_n; i++)
		error_note(out, plan->rows[i], room);
	clock_notes(out, result, room);
	bound_note(out, result, room);
	notes_left_out(out, plan, _("Left out, "), room);
	if (strcmp(result->bench->options->text.ipc, AXES_GROUPS) == 0)
		notes_wrap(out,
			   _("Mechanisms: the first of each group that ipcdemo list shows; "
			     "--ipc=all measures all."),
			   room);
	machine(out, result, room);
	words_meaning(&meaning, result);
	if (meaning.len)
		fputc('\n', out);
	flush(out, &meaning, room);
	text_free(&meaning);
}
