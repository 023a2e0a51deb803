/* SPDX-License-Identifier: MIT */
/* progress_stage.c - the child that plays, the terminal between, and the parent that looks. */
#include "config.h"

#include "tests/progress/progress_stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

struct shared {
	unsigned writes;
};

static struct shared *shared;

/* Every write of the program under test comes by here. */
ssize_t write(int fd, const void *bytes, size_t n)
{
	if (fd == STDERR_FILENO && shared)
		shared->writes++;
	return syscall(SYS_write, fd, bytes, n);
}

/* ---- the child ------------------------------------------------------------------------------ */

static void mark(const char *text)
{
	char bytes[64];
	int n = snprintf(bytes, sizeof bytes, "\033_%s\033\\", text);

	if (syscall(SYS_write, STDERR_FILENO, bytes, (size_t)n) != n)
		_exit(9);
}

void stage_snap(void)
{
	mark("snap");
}

void stage_resize(unsigned columns, unsigned lines)
{
	struct winsize size = {
		.ws_row = (unsigned short)lines,
		.ws_col = (unsigned short)columns,
	};
	char text[32];

	(void)snprintf(text, sizeof text, "size %ux%u", columns, lines);
	mark(text);
	if (ioctl(STDERR_FILENO, TIOCSWINSZ, &size) < 0)
		_exit(9);
}

void stage_event(struct progress *progress, enum progress_event_kind kind, uint64_t at_ms,
		 struct progress_event event)
{
	char url[128], file[64];

	(void)snprintf(file, sizeof file, "file-%u.pdf", event.job + 1);
	(void)snprintf(url, sizeof url, "http://localhost/%s", file);
	event.kind = kind;
	event.now_ns = at_ms * MS;
	event.url = event.url ? event.url : url;
	event.file = event.file ? event.file : file;
	progress_event(progress, &event);
}

/* Starts N workers with jobs of 10 MiB each. */
void stage_start(struct progress *progress, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++)
		stage_event(progress, PROGRESS_START, 0,
			    (struct progress_event){ .job = i, .worker = i, .total = 10 * MIB });
}

static void child(const struct stage_play *play, int terminal)
{
	struct progress *progress;
	int out = memfd_create("stdout", MFD_CLOEXEC);
	struct stat st;

	if (setsid() < 0 || ioctl(terminal, TIOCSCTTY, 0) < 0 || out < 0)
		_exit(9);
	if (dup2(terminal, STDERR_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0)
		_exit(9);
	(void)close(terminal);
	(void)setenv("LC_ALL", "C", 1);
	(void)setenv("TERM", "xterm-256color", 1);
	(void)unsetenv("NO_COLOR");
	if (play->variable)
		(void)setenv(play->variable, play->value, 1);
	progress = progress_open(&play->config);
	if (!progress)
		_exit(8);
	play->script(progress);
	if (progress_close(progress) != 0)
		_exit(7);
	/* Nothing for people goes to stdout. */
	_exit(fstat(out, &st) == 0 && st.st_size == 0 ? 0 : 6);
}

/* ---- the parent ----------------------------------------------------------------------------- */

static void obey_mark(struct screen *screen, const char *text)
{
	struct stage_view *view = screen->mark_data;
	unsigned columns, lines;

	if (strcmp(text, "snap") == 0) {
		assert_true(view->snaps < STAGE_SNAPS);
		memcpy(&view->snap[view->snaps++], screen, sizeof *screen);
	} else {
		assert_int_equal(sscanf(text, "size %ux%u", &columns, &lines), 2);
		screen_resize(screen, columns, lines);
	}
}

void stage_free(struct stage_view *view)
{
	screen_close(&view->screen);
	free(view->raw);
	free(view);
}

struct stage_view *stage_see(const struct stage_play *play)
{
	struct winsize size = {
		.ws_row = (unsigned short)play->lines,
		.ws_col = (unsigned short)play->columns,
	};
	struct stage_view *view = calloc(1, sizeof *view);
	int master, slave, status;
	char bytes[4096];
	size_t len = 0;
	ssize_t n;
	pid_t pid;

	assert_non_null(view);
	screen_open(&view->screen, play->columns, play->lines);
	view->screen.clips = play->clips;
	view->screen.mark = obey_mark;
	view->screen.mark_data = view;
	shared->writes = 0;
	assert_int_equal(openpty(&master, &slave, NULL, NULL, &size), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)close(master);
		child(play, slave);
	}
	(void)close(slave);
	while ((n = read(master, bytes, sizeof bytes)) > 0) {
		screen_write(&view->screen, bytes, (size_t)n);
		view->raw = realloc(view->raw, len + (size_t)n + 1);
		assert_non_null(view->raw);
		memcpy(view->raw + len, bytes, (size_t)n);
		len += (size_t)n;
		view->raw[len] = '\0';
	}
	(void)close(master);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_string_equal(view->screen.fault, "");
	view->writes = shared->writes;
	return view;
}

int stage_open(void)
{
	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	return shared == MAP_FAILED || !setlocale(LC_CTYPE, "C.UTF-8") ? -1 : 0;
}
