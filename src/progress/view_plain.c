/* SPDX-License-Identifier: MIT */
/*
 * view_plain.c - a line when something ended, on stderr: for files, pipes, CI logs, screen
 * readers and dumb terminals. Now and then a total, so that a long run is seen to live.
 */
#include "config.h"

#include "common/text.h"
#include "progress/view.h"
#include "progress/lines.h"
#include "progress/totals.h"

#define PLAIN_PERIOD_NS UINT64_C(5000000000)

struct plain {
	struct ui_tally tally;
	uint64_t due_ns; /* the next total line; 0 before the first event */
};

static int plain_open(struct ui *ui)
{
	struct plain *plain = ui->state;

	return ui_tally_open(&plain->tally, ui->config.workers, ui->config.jobs);
}

static bool plain_wants(const struct ui_config *config, enum ui_kind kind)
{
	if (kind == UI_MOVED)
		return false;
	if (kind == UI_FAILED)
		return true;
	if (config->quiet || config->progress == UI_NONE)
		return false;
	return kind != UI_START || config->verbose;
}

static void plain_event(struct ui *ui, const struct ui_event *event)
{
	struct plain *plain = ui->state;

	ui_tally_event(&plain->tally, event);
	if (plain->due_ns == 0)
		plain->due_ns = event->now_ns + PLAIN_PERIOD_NS;
	if (plain_wants(&ui->config, event->kind))
		ui_write_event(ui, event);
}

static int64_t plain_next_ns(const struct ui *ui, uint64_t now_ns)
{
	const struct plain *plain = ui->state;

	if (ui->config.quiet || ui->config.progress == UI_NONE || plain->due_ns == 0)
		return -1;
	return plain->due_ns > now_ns ? (int64_t)(plain->due_ns - now_ns) : 0;
}

static void plain_tick(struct ui *ui, uint64_t now_ns)
{
	struct plain *plain = ui->state;
	struct text line = { 0 };

	plain->due_ns = now_ns + PLAIN_PERIOD_NS;
	ui_line_total(&line, &plain->tally, now_ns);
	ui_write_line(&line);
}

static void plain_note(struct ui *ui, bool error, const char *text)
{
	(void)error; /* they look alike: the words tell */
	ui_write_note(ui, text);
}

static void plain_summary(struct ui *ui, const struct ui_summary *summary)
{
	struct text line = { 0 };

	if (ui->config.quiet || ui->config.progress == UI_NONE)
		return;
	ui_line_summary(&line, summary, ui->utf8);
	ui_write_line(&line);
}

static void plain_close(struct ui *ui)
{
	struct plain *plain = ui->state;

	ui_tally_close(&plain->tally);
}

const struct ui_face ui_plain_face = {
	.name = "plain",
	.state_size = sizeof(struct plain),
	.open = plain_open,
	.event = plain_event,
	.next_ns = plain_next_ns,
	.tick = plain_tick,
	.note = plain_note,
	.summary = plain_summary,
	.close = plain_close,
};
