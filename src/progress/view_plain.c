/* SPDX-License-Identifier: MIT */
/*
 * view_plain.c - a line on stderr whenever something has ended: for files, pipes, CI logs, screen
 * readers and dumb terminals. Every 5 seconds a total, so that a long run shows progress.
 */
#include "config.h"

#include "common/text.h"
#include "progress/output_lines.h"
#include "progress/view.h"
#include "progress/lines.h"
#include "progress/totals.h"

#define PLAIN_PERIOD_NS UINT64_C(5000000000)

struct plain {
	struct totals totals;
	uint64_t due_ns; /* the next total line; 0 before the first event */
};

static int plain_open(struct progress *progress)
{
	struct plain *plain = progress->state;

	return totals_open(&plain->totals, progress->config.workers, progress->config.jobs);
}

static bool plain_wants(const struct progress_config *config, enum progress_event_kind kind)
{
	if (kind == PROGRESS_MOVED)
		return false;
	if (kind == PROGRESS_FAILED)
		return true;
	if (config->quiet || config->progress == PROGRESS_NONE)
		return false;
	return (kind != PROGRESS_START && kind != PROGRESS_RANGE) || config->verbose;
}

static void plain_event(struct progress *progress, const struct progress_event *event)
{
	struct plain *plain = progress->state;

	totals_event(&plain->totals, event);
	if (plain->due_ns == 0)
		plain->due_ns = event->now_ns + PLAIN_PERIOD_NS;
	if (plain_wants(&progress->config, event->kind))
		output_event(progress, event);
}

static int64_t plain_next_ns(const struct progress *progress, uint64_t now_ns)
{
	const struct plain *plain = progress->state;

	if (progress->config.quiet || progress->config.progress == PROGRESS_NONE ||
	    plain->due_ns == 0)
		return -1;
	return plain->due_ns > now_ns ? (int64_t)(plain->due_ns - now_ns) : 0;
}

static void plain_refresh(struct progress *progress, uint64_t now_ns)
{
	struct plain *plain = progress->state;
	struct text line = { 0 };

	plain->due_ns = now_ns + PLAIN_PERIOD_NS;
	line_total(&line, &plain->totals, now_ns);
	output_line(progress, &line);
}

static void plain_note(struct progress *progress, bool error, const char *text)
{
	(void)error; /* errors look like notes here: the words differ */
	output_note(progress, text);
}

static void plain_summary(struct progress *progress, const struct progress_summary *summary)
{
	struct text line = { 0 };
	unsigned part;

	if (progress->config.quiet || progress->config.progress == PROGRESS_NONE)
		return;
	for (part = 0; line_summary(&line, part, summary, progress->utf8); part++)
		if (line.len > 0)
			output_line(progress, &line);
}

static void plain_close(struct progress *progress)
{
	struct plain *plain = progress->state;

	totals_close(&plain->totals);
}

const struct progress_view progress_view_plain = {
	.name = "plain",
	.state_size = sizeof(struct plain),
	.open = plain_open,
	.event = plain_event,
	.next_ns = plain_next_ns,
	.refresh = plain_refresh,
	.note = plain_note,
	.summary = plain_summary,
	.close = plain_close,
};
