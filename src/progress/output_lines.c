/* SPDX-License-Identifier: MIT */
/* output_lines.c - see output_lines.h */
#include "config.h"

#include "progress/output_lines.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "progress/lines.h"
#include "progress/view.h"

bool output_writable(int fd)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLOUT };
	int rc;

	do {
		rc = poll(&pollfd, 1, 0);
	} while (rc < 0 && errno == EINTR);
	return rc != 0; /* the write that follows reports an error */
}

int output_write(int fd, const char *bytes, size_t n)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLOUT };
	ssize_t done;

	while (n > 0) {
		done = write(fd, bytes, n);
		if (done >= 0) {
			bytes += done;
			n -= (size_t)done;
		} else if (errno == EAGAIN) {
			/* The descriptor is shared, and another process made it non-blocking. */
			(void)poll(&pollfd, 1,
				   -1); /* interrupted or not: the write is tried again */
		} else if (errno != EINTR) {
			return -errno;
		}
	}
	return 0;
}

/* Only a reader that has closed its end matters: a full disk does not stop a download. */
void output_line(struct progress *progress, struct text *line)
{
	text_add(line, "\n");
	if (output_write(STDERR_FILENO, text_string(line), line->len) == -EPIPE)
		progress->reader_gone = true;
	text_free(line);
}

void output_note(struct progress *progress, const char *note)
{
	struct text line = { 0 };

	line_note(&line, note, progress->utf8);
	output_line(progress, &line);
}

void output_event(struct progress *progress, const struct progress_event *event)
{
	struct text line = { 0 };

	line_event(&line, event, progress->utf8);
	output_line(progress, &line);
}
