/* SPDX-License-Identifier: MIT */
/*
 * notes.c - what stands below a table: legend, warnings, what was left out, the machine, and
 * the sentence that says what it means.
 */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench/axes.h"
#include "bench/baseline.h"
#include "bench/write/write.h"
#include "common/text.h"

/* TEXT, wrapped at ROOM columns; later lines are indented by INDENT. */
void notes_wrap(FILE *out, const char *text, unsigned room, int indent)
{
	size_t column = 0;

	while (*text) {
		size_t word = strcspn(text, " ");

		if (column > 0 && column + 1 + word > room) {
			fprintf(out, "\n%*s", indent, "");
			column = (size_t)indent;
		} else if (column > 0) {
			fputc(' ', out);
			column++;
		}
		fprintf(out, "%.*s", (int)word, text);
		column += word;
		text += word;
		text += strspn(text, " ");
	}
	fputc('\n', out);
}

static bool has_blocks(const struct bench *bench)
{
	size_t i;

	for (i = 0; i < bench->plan.rows_n; i++)
		if (bench->plan.rows[i]->axes.block > 1)
			return true;
	return false;
}

static void legend(FILE *out, const struct bench *bench, unsigned room)
{
	char clock[256];

	notes_wrap(
		out,
		"wait: how the receiver waits. place: same = both ends on one CPU, cross = on two "
		"cores. CPU/rec, calls, ctxsw: CPU time, system calls and context switches a "
		"record, both sides together ('-': a library hides them).",
		room, 2);
	if (bench->options->floor)
		notes_wrap(
			out,
			"x floor: the median over rounds of ours divided by the bare system calls' "
			"(or bare memory's) figure of the same round; adaptive is held against "
			"spinning on two CPUs and against blocking on one.",
			room, 2);
	(void)snprintf(clock, sizeof clock,
		       "Clock: %s; a stamp costs %.0f ns, once a sample, and steps by %.0f ns.%s",
		       bench->clock.name, bench->clock.cost_ns, bench->clock.resolution_ns,
		       has_blocks(bench) ? " Rows near that are repeated with a stamp for every 16 "
					   "round trips (x16): trust those." :
					   "");
	notes_wrap(out, clock, room, 2);
}

static void row_name(char *text, size_t size, const struct axes *axes)
{
	(void)snprintf(text, size, "%s%s%s, %s, %s, %zu bytes", axes->backend,
		       axes->block > 1 ? " x16" : "", axes->api == API_FLOOR ? " floor" : "",
		       wait_name(axes->wait), axes->place.name, axes->size);
}

static void row_note(FILE *out, const struct row *row, const struct figures *f, unsigned room)
{
	char name[96], text[REASON_SIZE + 256], a[WORDS_SIZE], b[WORDS_SIZE], c[WORDS_SIZE];

	row_name(name, sizeof name, &row->axes);
	if (row->status != ROW_OK) {
		(void)snprintf(text, sizeof text, "%s: %s: %s.",
			       row->status == ROW_ERROR ? "Error" : "Stopped", name, row->reason);
		notes_wrap(out, text, room, 2);
	}
	if (isfinite(f->lag_p50)) {
		(void)snprintf(text, sizeof text,
			       "Pacing began late by %s (p50), %s (p99), %s (max), which is in the "
			       "latency, too: %s.",
			       words_time(a, f->lag_p50), words_time(b, f->lag_p99),
			       words_time(c, f->lag_max), name);
		notes_wrap(out, text, room, 2);
	}
	if (isfinite(f->error)) {
		(void)snprintf(text, sizeof text,
			       "The two CPUs' clocks may differ by up to %s: %s.",
			       words_time(a, f->error), name);
		notes_wrap(out, text, room, 2);
	}
}

/* In one paragraph: on a busy machine there are many. */
static void humps(FILE *out, const struct bench *bench, const struct figures *figures,
		  unsigned room)
{
	struct text text = { .at = NULL };
	char name[96], a[WORDS_SIZE], b[WORDS_SIZE];
	size_t i;

	for (i = 0; i < bench->plan.rows_n; i++) {
		const struct row *row = bench->plan.rows[i];

		if (!figures[i].bimodal || row->axes.block > 1 || row->axes.api != API_IPC)
			continue;
		row_name(name, sizeof name, &row->axes);
		text_printf(&text, "%s %s (%s and %s)",
			    text.len ? ";" :
				       "Two humps, so that no one "
				       "figure stands for the row:",
			    name, words_time(a, figures[i].mode_low),
			    words_time(b, figures[i].mode_high));
	}
	if (text.len) {
		text_add(&text, ".");
		notes_wrap(out, text_string(&text), room, 2);
	}
	text_free(&text);
}

static void row_notes(FILE *out, const struct bench *bench, const struct figures *figures,
		      unsigned room)
{
	size_t i;

	for (i = 0; i < bench->plan.rows_n; i++)
		row_note(out, bench->plan.rows[i], &figures[i], room);
	humps(out, bench, figures, room);
}

static bool seen_before(const struct plan *plan, size_t at)
{
	size_t i;

	for (i = 0; i < at; i++)
		if (strcmp(plan->skips[i].reason, plan->skips[at].reason) == 0)
			return true;
	return false;
}

static void left_out(FILE *out, const struct bench *bench, unsigned room)
{
	const struct plan *plan = &bench->plan;
	char text[REASON_SIZE + 128];
	size_t i, j, count;

	for (i = 0; i < plan->skips_n; i++) {
		const struct axes *axes = &plan->skips[i].axes;

		if (seen_before(plan, i))
			continue;
		for (j = i, count = 0; j < plan->skips_n; j++)
			count += strcmp(plan->skips[i].reason, plan->skips[j].reason) == 0;
		if (count > 1)
			(void)snprintf(text, sizeof text, "Left out, %zu combinations: %s.", count,
				       plan->skips[i].reason);
		else
			(void)snprintf(text, sizeof text, "Left out, %s: %s.",
				       axes->backend ? axes->backend : axes->place.name,
				       plan->skips[i].reason);
		notes_wrap(out, text, room, 2);
	}
}

static const char *string(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value ? value : "?";
}

static void machine(FILE *out, const struct bench *bench, const json_t *environment, unsigned room)
{
	const json_t *cpu = json_object_get(environment, "cpu");
	const json_t *warnings = json_object_get(environment, "warnings"), *warning;
	char text[512], line[WORDS_SIZE];
	size_t i;

	(void)snprintf(text, sizeof text,
		       "Machine: %s%s, %d CPUs, Linux %s; bare cache line between "
		       "two CPUs: %s a round trip.",
		       string(cpu, "model"),
		       json_is_true(json_object_get(cpu, "virtual")) ? " (virtual)" : "",
		       (int)bench->cpus_n,
		       string(json_object_get(environment, "kernel"), "release"),
		       words_time(line, baseline_cache_line_ns(&bench->baselines)));
	notes_wrap(out, text, room, 2);
	json_array_foreach(warnings, i, warning)
	{
		(void)snprintf(text, sizeof text, "Not quiet: %s.", json_string_value(warning));
		notes_wrap(out, text, room, 2);
	}
}

void notes_print(FILE *out, const struct result *result, unsigned room)
{
	const struct bench *bench = result->bench;
	const struct figures *figures = result->figures;
	char meaning[768];

	legend(out, bench, room);
	row_notes(out, bench, figures, room);
	left_out(out, bench, room);
	machine(out, bench, result->environment, room);
	words_meaning(meaning, sizeof meaning, result);
	if (meaning[0]) {
		fputc('\n', out);
		notes_wrap(out, meaning, room, 0);
	}
}
