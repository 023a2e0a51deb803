/* SPDX-License-Identifier: MIT */
/* lines.c - the text of each line. Errors begin with the program's name. */
#include "config.h"

#include "progress/lines.h"

#include <inttypes.h>
#include <string.h>

#include "common/language.h"
#include "progress/units.h"

static const char *known(const char *first, const char *second)
{
	return first ? first : second ? second : "?";
}

/* How long BYTES took, but for those that were KEPT from earlier, and how fast that was. */
static void line_took(struct text *line, uint64_t bytes, uint64_t kept, double seconds, bool speeds)
{
	const uint64_t fetched = bytes - kept;
	char size[UNITS_MAX], of[UNITS_MAX], took[UNITS_MAX], speed[UNITS_MAX];

	units_size(size, bytes);
	units_elapsed(took, seconds);
	if (kept > 0)
		text_printf(line, _("%s, of which %s in %s"), size, units_size(of, fetched), took);
	else
		text_printf(line, _("%s in %s"), size, took);
	if (speeds && seconds > 0 && (double)fetched / seconds < 9e18)
		text_printf(line, _(" (%s)"),
			    units_speed(speed, (uint64_t)((double)fetched / seconds)));
}

static void line_retry(struct text *line, const struct progress_event *event, bool utf8)
{
	char wait[UNITS_MAX];

	text_add(line, ": ");
	text_add_escaped(line, known(event->reason, NULL), utf8);
	if (event->seconds > 0 && event->seconds < 1e9)
		text_printf(line, _("; next try in %s"),
			    units_left(wait, (uint64_t)(event->seconds + 0.999)));
	else
		text_add(line, _("; trying again"));
}

/* A URL names one job, and is what the user has to check if a try fails; else a file is enough. */
static void line_job(struct text *line, const struct progress_event *event, bool utf8)
{
	if (event->kind != PROGRESS_FAILED && event->kind != PROGRESS_RETRY) {
		text_add_escaped(line, known(event->path, known(event->file, event->url)), utf8);
		return;
	}
	text_add_escaped(line, known(event->url, event->file), utf8);
	if (event->path) { /* one URL may go into several directories */
		text_add(line, " (");
		text_add_escaped(line, event->path, utf8);
		text_add(line, ")");
	}
}

void line_event(struct text *line, const struct progress_event *event, bool utf8)
{
	if (event->kind == PROGRESS_FAILED) {
		text_add(line, "ipcdemo: ");
		line_job(line, event, utf8);
		text_add(line, ": ");
		text_add_escaped(line, known(event->reason, NULL), utf8);
		return;
	}
	line_job(line, event, utf8);
	if (event->range.count > 0)
		text_printf(line, _(": range %u of %u"), event->range.number + 1,
			    event->range.count);
	if (event->kind == PROGRESS_START) {
		text_printf(line, _(": worker %u (pid %d), from "), event->worker, event->pid);
		text_add_escaped(line, known(event->url, NULL), utf8);
	} else if (event->kind == PROGRESS_RANGE) {
		text_add(line, _(" is there"));
	} else if (event->kind == PROGRESS_DONE) {
		text_add(line, _(": "));
		line_took(line, event->bytes, event->kept, event->seconds, true);
	} else if (event->kind == PROGRESS_RETRY) {
		line_retry(line, event, utf8);
	} else if (event->kind == PROGRESS_SKIPPED) {
		text_add(line, _(": skipped, "));
		text_add_escaped(line, known(event->reason, _("not wanted")), utf8);
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
		text_printf(line, _(", %u failed"), failed);
	if (skipped > 0)
		text_printf(line, _(", %u skipped"), skipped);
}

static void line_files(struct text *line, unsigned ok, unsigned jobs)
{
	text_printf(line, ngettext("%u of %u file", "%u of %u files", jobs), ok, jobs);
}

void line_total(struct text *line, const struct totals *totals, uint64_t now_ns)
{
	char size[UNITS_MAX], whole[UNITS_MAX], figure[UNITS_MAX];
	struct progress_total total;

	totals_sum(totals, now_ns, &total);
	line_files(line, totals->ok, totals->jobs);
	line_others(line, totals->failed, totals->skipped);
	text_printf(line, _(", %s"), units_size(size, total.bytes));
	if (total.size != PROGRESS_SIZE_UNKNOWN)
		text_printf(line, _(" of %s"), units_size(whole, total.size));
	if (total.speed != RATE_UNKNOWN)
		text_printf(line, _(", %s"), units_speed(figure, total.speed));
	if (total.left_s != PROGRESS_SIZE_UNKNOWN)
		text_printf(line, total.left_is_guess ? _(", about %s left") : _(", %s left"),
			    units_left(figure, total.left_s));
}

static void line_not_done(struct text *line, const struct progress_summary *summary)
{
	line_others(line, summary->failed, summary->skipped);
	if (summary->left > 0)
		text_printf(line, _(", %u not finished"), summary->left);
}

/* Not called a gain: how many ran at once is not how much faster it was. */
static void line_concurrency(struct text *line, const struct progress_summary *summary)
{
	bool sequential = summary->model && strcmp(summary->model, "sequential") == 0;
	bool sane = summary->concurrency >= 0 && summary->concurrency < 1e6;
	unsigned tenths = sane ? (unsigned)(summary->concurrency * 10 + 0.5) : 0;

	if (sequential)
		text_add(line, _(", one after the other"));
	else if (tenths >= 10) /* less: mostly the start of the workers */
		text_printf(line, _(", %u.%u at once on average"), tenths / 10, tenths % 10);
}

static void line_stopped(struct text *line, const struct progress_summary *summary)
{
	const char *abbreviated = sigabbrev_np(summary->signal);
	char size[UNITS_MAX], took[UNITS_MAX];

	units_elapsed(took, summary->wall_s);
	if (abbreviated)
		text_printf(line, _("stopped by SIG%s after %s: "), abbreviated, took);
	else
		text_printf(line, _("stopped by signal %d after %s: "), summary->signal, took);
	line_files(line, summary->ok, summary->jobs);
	text_printf(line, _(" whole (%s)"), units_size(size, summary->bytes));
	line_not_done(line, summary);
}

static void line_result(struct text *line, const struct progress_summary *summary)
{
	unsigned jobs = summary->jobs;

	if (jobs > 0 && summary->skipped == jobs) {
		text_printf(line,
			    ngettext("nothing to fetch: %u file skipped",
				     "nothing to fetch: %u files skipped", jobs),
			    jobs);
		return;
	}
	if (summary->ok == jobs)
		text_printf(line, ngettext("%u file", "%u files", jobs), jobs);
	else
		line_files(line, summary->ok, jobs);
	text_add(line, _(", "));
	line_took(line, summary->bytes, summary->earlier, summary->wall_s, summary->ok > 0);
	if (summary->ok == jobs && jobs > 1)
		line_concurrency(line, summary);
	line_not_done(line, summary);
}

static void line_ipc(struct text *line, const struct progress_summary *summary, bool utf8)
{
	double percent = summary->wall_s > 0 ? 100 * summary->ipc_cpu_s / summary->wall_s : 0;
	char cpu[UNITS_MAX];

	(void)utf8; /* a mechanism's name is ASCII */
	text_printf(line,
		    ngettext("over %s: %" PRIu64 " records, %" PRIu64 " wake-up, %s of CPU",
			     "over %s: %" PRIu64 " records, %" PRIu64 " wake-ups, %s of CPU",
			     summary->wakeups),
		    summary->ipc, summary->records, summary->wakeups,
		    units_brief(cpu, summary->ipc_cpu_s));
	if (percent >= 0.01)
		text_printf(line, _(" (%.*f %% of the run)"),
			    percent < 1  ? 2 :
			    percent < 10 ? 1 :
					   0,
			    percent);
	else if (summary->wall_s > 0)
		text_printf(line, _(" (below 0.01 %% of the run)"));
}

static void line_worker(struct text *line, const struct progress_summary *summary, unsigned worker)
{
	const struct progress_worker_figures *at = &summary->figures[worker];
	char cpu[UNITS_MAX];

	if (at->processes == 1)
		text_printf(line, _("  worker %u (pid %d): "), worker, at->pid);
	else
		text_printf(line, _("  worker %u (%u processes): "), worker, at->processes);
	text_printf(line, ngettext("%u file", "%u files", at->files), at->files);
	text_printf(line, _(", %" PRIu64 " records, %s of CPU for IPC"), at->records,
		    units_brief(cpu, (double)at->ipc_cpu_ns / 1e9));
}

bool line_summary(struct text *line, unsigned part, const struct progress_summary *summary,
		  bool utf8)
{
	unsigned workers = summary->figures ? summary->workers : 0;

	if (part == 0 && summary->signal) {
		line_stopped(line, summary);
	} else if (part == 0) {
		line_result(line, summary);
	} else if (part == 1 && summary->ipc && summary->records > 0) {
		line_ipc(line, summary, utf8);
	} else if (part >= 2 && part < 2 + workers && summary->figures[part - 2].processes > 0) {
		line_worker(line, summary, part - 2);
	} else if (part == 2 + workers && summary->dirs > 1) {
		text_printf(line, ngettext("in %u directory", "in %u directories", summary->dirs),
			    summary->dirs);
	} else if (part == 2 + workers && summary->dir && summary->ok > 0) {
		text_add(line, _("in "));
		text_add_escaped(line, summary->dir, utf8);
	}
	return part <= 2 + workers;
}
