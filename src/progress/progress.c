/* SPDX-License-Identifier: MIT */
/* progress.c - chooses a face and forwards to it; what all faces need to write. */
#include "config.h"

#include "progress/progress.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/text.h"
#include "progress/view.h"
#include "progress/lines.h"

bool ui_writable(int fd)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLOUT };
	int rc;

	do {
		rc = poll(&pollfd, 1, 0);
	} while (rc < 0 && errno == EINTR);
	return rc != 0; /* an error shows at the write */
}

int ui_write(int fd, const char *bytes, size_t n)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLOUT };
	ssize_t done;

	while (n > 0) {
		done = write(fd, bytes, n);
		if (done >= 0) {
			bytes += done;
			n -= (size_t)done;
		} else if (errno == EAGAIN) {
			/* The descriptor is shared, and someone made it non-blocking. */
			(void)poll(&pollfd, 1, -1); /* EINTR included: the write tells */
		} else if (errno != EINTR) {
			return -errno;
		}
	}
	return 0;
}

/* A log on a full disk is no reason to stop a download, so the result is not looked at. */
void ui_write_line(struct text *line)
{
	text_add(line, "\n");
	(void)ui_write(STDERR_FILENO, text_string(line), line->len);
	text_free(line);
}

void ui_write_note(const struct ui *ui, const char *note)
{
	struct text line = { 0 };

	ui_line_note(&line, note, ui->utf8);
	ui_write_line(&line);
}

void ui_write_event(const struct ui *ui, const struct ui_event *event)
{
	struct text line = { 0 };

	ui_line_event(&line, event, ui->utf8);
	ui_write_line(&line);
}

static const struct ui_face *choose_face(const struct ui_config *config)
{
	bool rows = config->progress == UI_AUTO || config->progress == UI_BAR;

	if (config->progress == UI_JSON)
		return &ui_json_face;
	if (rows && !config->quiet && ui_tty_usable())
		return &ui_tty_face;
	return &ui_plain_face;
}

static int copy_string(const char **string)
{
	if (!*string)
		return 0;
	*string = strdup(*string);
	return *string ? 0 : -ENOMEM;
}

static void ui_free(struct ui *ui)
{
	free((void *)ui->config.ipc); /* a copy of ours: const is for the faces */
	free((void *)ui->config.model);
	free(ui->state);
	free(ui);
}

struct ui *ui_open(const struct ui_config *config)
{
	struct ui *ui = calloc(1, sizeof *ui);
	int rc;

	if (!ui)
		return NULL;
	ui->config = *config;
	rc = copy_string(&ui->config.ipc);
	if (copy_string(&ui->config.model) < 0)
		rc = -ENOMEM;
	ui->utf8 = text_locale();
	ui->face = choose_face(config);
	ui->state = calloc(1, ui->face->state_size ? ui->face->state_size : 1);
	if (!ui->state)
		rc = -ENOMEM;
	if (rc == 0)
		rc = ui->face->open(ui);
	if (rc == 0)
		return ui;
	ui_free(ui);
	errno = -rc;
	return NULL;
}

void ui_event(struct ui *ui, const struct ui_event *event)
{
	ui->face->event(ui, event);
}

int64_t ui_next_ns(const struct ui *ui, uint64_t now_ns)
{
	return ui->face->next_ns ? ui->face->next_ns(ui, now_ns) : -1;
}

void ui_tick(struct ui *ui, uint64_t now_ns)
{
	if (ui->face->tick && ui->face->next_ns(ui, now_ns) == 0)
		ui->face->tick(ui, now_ns);
}

void ui_resize(struct ui *ui)
{
	if (ui->face->resize)
		ui->face->resize(ui);
}

void ui_note(struct ui *ui, bool error, const char *text)
{
	if (error || !ui->config.quiet)
		ui->face->note(ui, error, text);
}

void ui_summary(struct ui *ui, const struct ui_summary *summary)
{
	ui->face->summary(ui, summary);
}

int ui_close(struct ui *ui)
{
	int error;

	if (!ui)
		return 0;
	ui->face->close(ui);
	error = ui->error;
	ui_free(ui);
	return error;
}
