/* SPDX-License-Identifier: MIT */
/* lines.c - words for what happened. Errors bear the program's name, as everywhere. */
#include "config.h"

#include "progress/lines.h"

#include <string.h>

#include "progress/units.h"

static const char *known(const char *first, const char *second)
{
	return first ? first : second ? second : "?";
}

static void line_done(struct text *line, const struct progress_event *event)
{
	char size[UNITS_MAX], took[UNITS_MAX], speed[UNITS_MAX];

	text_printf(line, ": %s in %s", units_size(size, event->bytes),
		    units_elapsed(took, event->seconds));
	if (event->seconds > 0 && (double)event->bytes / event->seconds < 9e18)
		text_printf(line, " (%s)",
			    units_speed(speed, (uint64_t)((double)event->bytes / event->seconds)));
}

static void line_retry(struct text *line, const struct progress_event *event, bool utf8)
{
	char wait[UNITS_MAX];

	text_add(line, ": ");
	text_add_escaped(line, known(event->reason, NULL), utf8);
	if (event->seconds > 0 && event->seconds < 1e9)
		text_printf(line, "; next try in %s",
			    units_left(wait, (uint64_t)(event->seconds + 0.999)));
	else
		text_add(line, "; trying again");
}

void line_event(struct text *line, const struct progress_event *event, bool utf8)
{
	if (event->kind == PROGRESS_FAILED) {
		/* By its URL: that is what the user has to look at, and it names one job. */
		text_add(line, "ipcdemo: ");
		text_add_escaped(line, known(event->url, event->file), utf8);
		text_add(line, ": ");
		text_add_escaped(line, known(event->reason, NULL), utf8);
		return;
	}
	text_add_escaped(line, known(event->file, event->url), utf8);
	if (event->kind == PROGRESS_START) {
		text_printf(line, ": worker %u, from ", event->worker + 1);
		text_add_escaped(line, known(event->url, NULL), utf8);
	} else if (event->kind == PROGRESS_DONE) {
		line_done(line, event);
	} else if (event->kind == PROGRESS_RETRY) {
		line_retry(line, event, utf8);
	} else if (event->kind == PROGRESS_SKIPPED) {
		text_add(line, ": skipped, ");
		text_add_escaped(line, known(event->reason, "not wanted"), utf8);
	}
}

void line_note(struct text *line, const char *note, bool utf8)
{
	text_add(line, "ipcdemo: ");
	text_add_escaped(line, note, utf8);
}

static void line_others(struct text *line, unsigned failed, unsigned skipped)
{
	if (failed > 0)
		text_printf(line, ", %u failed", failed);
	if (skipped > 0)
		text_printf(line, ", %u skipped", skipped);
}

static void line_files(struct text *line, unsigned ok, unsigned jobs)
{
	text_printf(line, "%u of %u file%s", ok, jobs, jobs == 1 ? "" : "s");
}

void line_total(struct text *line, const struct totals *totals, uint64_t now_ns)
{
	char size[UNITS_MAX], whole[UNITS_MAX], figure[UNITS_MAX];
	struct progress_total total;

	totals_sum(totals, now_ns, &total);
	line_files(line, totals->ok, totals->jobs);
	line_others(line, totals->failed, totals->skipped);
	text_printf(line, ", %s", units_size(size, total.bytes));
	if (total.size != PROGRESS_SIZE_UNKNOWN)
		text_printf(line, " of %s", units_size(whole, total.size));
	if (total.speed != RATE_UNKNOWN)
		text_printf(line, ", %s", units_speed(figure, total.speed));
	if (total.left_s != PROGRESS_SIZE_UNKNOWN)
		text_printf(line, ", %s%s left", total.left_is_guess ? "about " : "",
			    units_left(figure, total.left_s));
}

/* How many ran at once is not how much faster it was, so it is not called a gain. */
static void line_concurrency(struct text *line, const struct progress_summary *summary, bool utf8)
{
	bool sequential = summary->model && strcmp(summary->model, "sequential") == 0;
	bool sane = summary->concurrency >= 0 && summary->concurrency < 1e6;
	unsigned tenths = sane ? (unsigned)(summary->concurrency * 10 + 0.5) : 0;

	if (sequential && summary->jobs > 1)
		text_add(line, "; one after the other");
	else if (tenths > 0 && summary->jobs > 1)
		text_printf(line, "; %u.%u at once on average", tenths / 10, tenths % 10);
	if (sequential || !summary->ipc)
		return;
	text_add(line, " over ");
	text_add_escaped(line, summary->ipc, utf8);
}

void line_summary(struct text *line, const struct progress_summary *summary, bool utf8)
{
	char size[UNITS_MAX], took[UNITS_MAX], speed[UNITS_MAX];
	const char *abbreviated = summary->signal ? sigabbrev_np(summary->signal) : NULL;

	if (abbreviated)
		text_printf(line, "stopped by SIG%s: ", abbreviated);
	else if (summary->signal)
		text_printf(line, "stopped by signal %d: ", summary->signal);
	line_files(line, summary->ok, summary->jobs);
	text_printf(line, ", %s in %s", units_size(size, summary->bytes),
		    units_elapsed(took, summary->wall_s));
	if (summary->wall_s > 0 && (double)summary->bytes / summary->wall_s < 9e18)
		text_printf(
			line, " (%s)",
			units_speed(speed, (uint64_t)((double)summary->bytes / summary->wall_s)));
	line_others(line, summary->failed, summary->skipped);
	if (summary->left > 0)
		text_printf(line, ", %u not finished", summary->left);
	line_concurrency(line, summary, utf8);
}
