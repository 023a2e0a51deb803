/* SPDX-License-Identifier: MIT */
/* progress.c - see progress.h: chooses a view and forwards to it. */
#include "config.h"

#include "progress/progress.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "progress/summary_json.h"
#include "progress/view.h"

static const struct progress_view *choose_view(const struct progress_config *config)
{
	bool rows = config->progress == PROGRESS_AUTO || config->progress == PROGRESS_BAR;

	if (config->progress == PROGRESS_JSON)
		return &progress_view_json;
	if (rows && !config->quiet && progress_tty_usable())
		return &progress_view_tty;
	return &progress_view_plain;
}

static int copy_string(const char **string)
{
	if (!*string)
		return 0;
	*string = strdup(*string);
	return *string ? 0 : -ENOMEM;
}

static void progress_free(struct progress *progress)
{
	free((void *)progress->config.ipc); /* a copy of ours: const is for the views */
	free((void *)progress->config.model);
	free(progress->state);
	free(progress);
}

struct progress *progress_open(const struct progress_config *config)
{
	struct progress *progress = calloc(1, sizeof *progress);
	int rc;

	if (!progress)
		return NULL;
	progress->config = *config;
	rc = copy_string(&progress->config.ipc);
	if (copy_string(&progress->config.model) < 0)
		rc = -ENOMEM;
	progress->utf8 = text_locale();
	progress->view = choose_view(config);
	progress->state = calloc(1, progress->view->state_size ? progress->view->state_size : 1);
	if (!progress->state)
		rc = -ENOMEM;
	if (rc == 0)
		rc = progress->view->open(progress);
	if (rc == 0)
		return progress;
	progress_free(progress);
	errno = -rc;
	return NULL;
}

void progress_event(struct progress *progress, const struct progress_event *event)
{
	progress->view->event(progress, event);
}

bool progress_has_rows(const struct progress *progress)
{
	return progress->view == &progress_view_tty;
}

bool progress_reader_gone(const struct progress *progress)
{
	return progress->error == -EPIPE || progress->reader_gone;
}

int64_t progress_next_ns(const struct progress *progress, uint64_t now_ns)
{
	return progress->view->next_ns ? progress->view->next_ns(progress, now_ns) : -1;
}

void progress_refresh(struct progress *progress, uint64_t now_ns)
{
	if (progress->view->refresh && progress->view->next_ns(progress, now_ns) == 0)
		progress->view->refresh(progress, now_ns);
}

void progress_resize(struct progress *progress)
{
	if (progress->view->resize)
		progress->view->resize(progress);
}

void progress_note(struct progress *progress, bool error, const char *text)
{
	if (error || !progress->config.quiet)
		progress->view->note(progress, error, text);
}

void progress_summary(struct progress *progress, const struct progress_summary *summary)
{
	json_t *object;

	progress->view->summary(progress, summary);
	if (!progress->config.summary)
		return;
	object = summary_json(summary);
	(void)json_dumpf(object, progress->config.summary, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
	(void)fputc('\n', progress->config.summary); /* an error shows when the file is closed */
	json_decref(object);
}

int progress_close(struct progress *progress)
{
	int error;

	if (!progress)
		return 0;
	progress->view->close(progress);
	error = progress->error;
	progress_free(progress);
	return error;
}
