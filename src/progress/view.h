/* SPDX-License-Identifier: MIT */
/* view.h - what progress.c asks of a face. Only ui*.c include this. */
#ifndef IPCDEMO_UI_FACE_H
#define IPCDEMO_UI_FACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/text.h"
#include "progress/progress.h"

/*
 * Faces write with write(2), whole lines or whole frames in one call: what stdio holds back a
 * fork would double, and lines of several processes on one terminal would mingle.
 */
struct ui_face {
	const char *name;
	size_t state_size;          /* progress.c allocates, zeroed */
	int (*open)(struct ui *ui); /* 0 or -errno, then nothing is left behind */
	void (*event)(struct ui *ui, const struct ui_event *event);
	int64_t (*next_ns)(const struct ui *ui, uint64_t now_ns); /* NULL: no clock */
	void (*tick)(struct ui *ui, uint64_t now_ns);             /* NULL with next_ns */
	void (*resize)(struct ui *ui);                            /* NULL: no matter */
	void (*note)(struct ui *ui, bool error, const char *text);
	void (*summary)(struct ui *ui, const struct ui_summary *summary);
	void (*close)(struct ui *ui);
};

struct ui {
	const struct ui_face *face;
	struct ui_config config; /* ipc and model are copies of its own */
	bool utf8;
	int error; /* of the first failed write to stdout, -errno */
	void *state;
};

extern const struct ui_face ui_tty_face;
extern const struct ui_face ui_plain_face;
extern const struct ui_face ui_json_face;

/* Whether stderr is a terminal that rows can be drawn on. */
bool ui_tty_usable(void);

/* Writes all N bytes: partial writes go on, a full non-blocking FD is waited for. 0 or -errno. */
int ui_write(int fd, const char *bytes, size_t n);

/* Whether a small write to FD would not block now. */
bool ui_writable(int fd);

/* Write one line to stderr, for faces that draw nothing there. The first frees LINE. */
void ui_write_line(struct text *line);
void ui_write_note(const struct ui *ui, const char *note);
void ui_write_event(const struct ui *ui, const struct ui_event *event);

#endif
