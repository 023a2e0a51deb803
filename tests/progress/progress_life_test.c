/* SPDX-License-Identifier: MIT */
/*
 * progress_life_test.c - the terminal view over a run: how often it draws, what stays above the
 * rows, resizing, a terminal that was stopped or is too small, hostile names, and the end.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "tests/progress/progress_stage.h"

#define FRAME "\033[?25l" /* how each frame begins */

static struct stage_view *see(unsigned columns, unsigned workers, void (*script)(struct progress *))
{
	return stage_see(&(struct stage_play){
		.columns = columns,
		.lines = 24,
		.script = script,
		.config = { .progress = PROGRESS_AUTO, .workers = workers, .jobs = workers + 2 },
	});
}

static unsigned count(const char *haystack, const char *needle)
{
	unsigned n = 0;

	for (; haystack && (haystack = strstr(haystack, needle)); haystack += strlen(needle))
		n++;
	return n;
}

static void expect_row(const struct screen *screen, unsigned row, const char *expected)
{
	char buf[SCREEN_LINE_BYTES];

	assert_string_equal(screen_row(screen, row, buf), expected);
}

/* A second in which something happens every millisecond, and a hasty caller. */
static void script_busy(struct progress *progress)
{
	struct progress_event event = { .total = 10 * MIB };
	uint64_t at_ms;

	stage_event(progress, PROGRESS_START, 0, event);
	for (at_ms = 0; at_ms < 1000; at_ms++) {
		event.bytes += KIB;
		stage_event(progress, PROGRESS_MOVED, at_ms, event);
		progress_refresh(progress, at_ms * MS);
	}
}

static void test_tty_busy_second_draws_ten_frames_of_one_write_each(void **state)
{
	struct stage_view *view = see(80, 4, script_busy);
	unsigned frames = count(view->raw, FRAME);

	(void)state;
	/* One more, at the end, takes the rows away. */
	assert_in_range(frames, 9, 11);
	assert_int_equal(view->writes, frames);
	stage_free(view);
}

/* Obeys progress_next_ns for 20 s without events: first busy, then with nothing to show. */
static void script_idle(struct progress *progress)
{
	uint64_t now_ns = 0;
	unsigned ticks = 0;
	int64_t wait_ns;

	stage_start(progress, 1);
	while ((wait_ns = progress_next_ns(progress, now_ns)) >= 0 && now_ns < 20000 * MS) {
		now_ns += (uint64_t)wait_ns;
		progress_refresh(progress, now_ns);
		if (progress_next_ns(progress, now_ns) == 0 || ++ticks > 50)
			_exit(5); /* it would spin */
	}
	if (wait_ns < 0)
		_exit(4); /* speeds and times would stand still */
	stage_event(progress, PROGRESS_DONE, 20000, (struct progress_event){ .total = 10 * MIB });
	progress_refresh(progress, 21000 * MS);
	if (progress_next_ns(progress, 21000 * MS) != -1)
		_exit(3);
}

static void test_tty_silence_needs_few_ticks_and_no_writes(void **state)
{
	struct stage_view *view = see(80, 4, script_idle);

	(void)state;
	/* The first rows; what they said once no speed was known; the job's end; the end. */
	assert_in_range(view->writes, 3, 6);
	stage_free(view);
}

static void script_crowd(struct progress *progress)
{
	unsigned i;

	stage_start(progress, 1000);
	for (i = 0; i < 1000; i++) {
		if (i < 5 || i >= 100)
			continue;
		stage_event(progress, PROGRESS_DONE, 100,
			    (struct progress_event){ .job = i, .worker = i });
	}
	progress_refresh(progress, 200 * MS);
	stage_snap();
	for (i = 100; i < 985; i++)
		stage_event(progress, PROGRESS_DONE, 300,
			    (struct progress_event){ .job = i, .worker = i });
	progress_refresh(progress, 400 * MS);
	stage_snap();
}

static void test_tty_thousand_workers_show_the_busy_that_fit(void **state)
{
	struct stage_view *view = see(80, 1000, script_crowd);

	(void)state;
	assert_int_equal(screen_find(&view->snap[0], "file-5.pdf", NULL), 1);
	assert_int_equal(screen_find(&view->snap[0], "file-101.pdf", NULL), 1);
	assert_int_equal(screen_find(&view->snap[0], "idle", NULL), 0);
	expect_row(&view->snap[0], 21, "   + 979 more workers, 884 of them busy");
	assert_int_equal(screen_find(&view->snap[0], "95 of 1002 files", NULL), 1);
	/* Twenty are busy now, and the idle fill up. */
	assert_int_equal(screen_find(&view->snap[1], "file-1000.pdf", NULL), 1);
	assert_int_equal(screen_find(&view->snap[1], "idle", NULL), 1);
	expect_row(&view->snap[1], 21, "   + 979 more workers");
	assert_int_equal(view->snap[1].row, 23);
	/* Each file that is done went by as a line above the rows; no row did. */
	assert_int_equal(count(view->screen.history, ".pdf: 0 B in 0.0 s\n"), 95 + 885);
	assert_int_equal(count(view->screen.history, "\n"), 95 + 885);
	stage_free(view);
}

static void script_failures(struct progress *progress)
{
	unsigned i;

	stage_start(progress, 4);
	for (i = 0; i < 50; i++) {
		stage_event(
			progress, PROGRESS_FAILED, 100 * i,
			(struct progress_event){ .job = 10 + i, .reason = "HTTP 404 Not Found" });
		progress_refresh(progress, 100 * i * MS);
	}
	progress_note(progress, false, "a note");
	progress_note(progress, true, "an error");
	progress_refresh(progress, 9999 * MS);
	stage_snap();
}

static void test_tty_failures_stay_above_the_rows(void **state)
{
	struct stage_view *view = see(80, 4, script_failures);
	const struct screen *screen = &view->snap[0];
	char needle[64];
	unsigned row, i;

	(void)state;
	expect_row(screen, 16, "ipcdemo: a note");
	expect_row(screen, 17, "ipcdemo: an error");
	assert_int_equal(screen_find(screen, "file-1.pdf", &row), 1);
	assert_int_equal(row, 18);
	assert_int_equal(screen_find(screen, "0 of 6 files, 50 failed", &row), 1);
	assert_int_equal(row, 22);
	/* Those that left at the top are whole, in order, and without a row between them. */
	assert_int_equal(screen->scrolled, 50 - 16);
	assert_int_equal(count(view->screen.history, "\n"), screen->scrolled);
	for (i = 0; i < screen->scrolled; i++) {
		(void)snprintf(needle, sizeof needle,
			       "ipcdemo: http://localhost/file-%u.pdf: HTTP 404 Not Found\n",
			       11 + i);
		assert_int_equal(count(view->screen.history, needle), 1);
	}
	stage_free(view);
}

/* Ten lines that stay, then narrower twice before the next frame, then wider. */
static void script_resize(struct progress *progress)
{
	unsigned i;

	stage_start(progress, 4);
	for (i = 0; i < 10; i++)
		stage_event(progress, PROGRESS_FAILED, 0,
			    (struct progress_event){ .job = 10 + i, .reason = "no" });
	progress_refresh(progress, 0);
	stage_resize(60, 64);
	progress_resize(progress);
	stage_resize(44, 64);
	progress_resize(progress);
	progress_refresh(progress, 200 * MS);
	stage_snap();
	stage_resize(120, 64);
	progress_resize(progress);
	progress_refresh(progress, 400 * MS);
	stage_snap();
}

/* Whether the terminal breaks lines anew or cuts them off: what was to stay is there. */
static void test_tty_narrower_window_keeps_what_stays(void **state)
{
	unsigned clips, i, k, row;

	(void)state;
	for (clips = 0; clips < 2; clips++) {
		struct stage_view *view = stage_see(&(struct stage_play){
			.columns = 120,
			.lines = 64,
			.script = script_resize,
			.clips = clips,
			.config = { .progress = PROGRESS_AUTO, .workers = 4, .jobs = 6 },
		});

		for (i = 0; i < 2; i++) {
			const struct screen *screen = &view->snap[i];

			for (k = 0; k < 10; k++) {
				char needle[64];

				(void)snprintf(needle, sizeof needle, "localhost/file-%u.pdf",
					       11 + k);
				assert_int_equal(screen_find(screen, needle, &row), 1);
				assert_int_equal(row, k);
			}
			assert_true(screen_find(screen, "0 of 6 files", &row) >= 1);
			assert_int_equal(screen->row, row + 1); /* the whole block is the last */
			/* Only a terminal that breaks lines anew has pieces of old rows. */
			if (clips)
				assert_int_equal(screen->row, 15);
		}
		stage_free(view);
	}
}

/* What a shell prints between Ctrl-Z and fg must not be drawn over. */
static void script_continued(struct progress *progress)
{
	static const char shell[] = "stopped\r\n$ fg\r\n";

	stage_start(progress, 1);
	progress_refresh(progress, 0);
	if (write(STDERR_FILENO, shell, sizeof shell - 1) < 0)
		_exit(9);
	progress_resize(progress);
	progress_refresh(progress, 200 * MS);
	stage_snap();
}

static void test_tty_continued_draws_below_what_the_shell_wrote(void **state)
{
	struct stage_view *view = see(80, 1, script_continued);

	(void)state;
	expect_row(&view->snap[0], 2, "stopped");
	expect_row(&view->snap[0], 3, "$ fg");
	assert_int_equal(screen_find(&view->snap[0], "file-1.pdf", NULL), 2);
	assert_int_equal(view->snap[0].row, 6);
	stage_free(view);
}

/* Ctrl-S: nothing is drawn, nothing waits, and nothing is lost. */
static void script_stopped(struct progress *progress)
{
	uint64_t at_ms;

	stage_start(progress, 1);
	progress_refresh(progress, 0);
	stage_snap();
	if (tcflow(STDERR_FILENO, TCOOFF) < 0)
		_exit(9);
	for (at_ms = 100; at_ms < 1000; at_ms += 100) {
		stage_event(progress, PROGRESS_MOVED, at_ms,
			    (struct progress_event){ .bytes = at_ms * KIB, .total = 10 * MIB });
		progress_refresh(progress, at_ms * MS);
	}
	progress_note(progress, false, "said while it was stopped");
	progress_refresh(progress, 1000 * MS);
	if (tcflow(STDERR_FILENO, TCOON) < 0)
		_exit(9);
	progress_refresh(progress, 1100 * MS);
	stage_snap();
}

static void test_tty_stopped_terminal_stops_nothing(void **state)
{
	struct stage_view *view = see(80, 1, script_stopped);

	(void)state;
	expect_row(&view->snap[1], 0, "ipcdemo: said while it was stopped");
	assert_int_equal(screen_find(&view->snap[1], " 900 KiB ", NULL), 2);
	assert_int_equal(view->writes, 3);
	stage_free(view);
}

/* In the background the screen belongs to the shell and to what it runs in front. */
static void script_background(struct progress *progress)
{
	pid_t front = fork();
	int status;

	if (front == 0) {
		(void)pause();
		_exit(0);
	}
	stage_start(progress, 1);
	/* As a shell does it: a group of its own, which gets the terminal. */
	if (front < 0 || setpgid(front, front) < 0 || tcsetpgrp(STDERR_FILENO, front) < 0)
		_exit(9);
	progress_refresh(progress, 100 * MS);
	progress_note(progress, true, "heard all the same");
	progress_refresh(progress, 200 * MS);
	if (kill(front, SIGKILL) < 0 || waitpid(front, &status, 0) != front)
		_exit(9);
}

static void test_tty_background_writes_lines_only(void **state)
{
	struct stage_view *view = see(80, 1, script_background);

	(void)state;
	assert_int_equal(count(view->raw, FRAME), 0);
	assert_int_equal(count(view->raw, "file-1.pdf"), 0);
	expect_row(&view->screen, 0, "ipcdemo: heard all the same");
	assert_int_equal(view->screen.row, 1);
	stage_free(view);
}

static void script_summary(struct progress *progress)
{
	struct progress_summary summary = {
		.ipc = "unix",
		.model = "process",
		.jobs = 4,
		.ok = 3,
		.failed = 1,
		.wall_s = 3.2,
		.bytes = 13002342,
		.records = 12,
		.wakeups = 7,
		.ipc_cpu_s = 0.0021,
		.job_seconds = 6.1,
		.concurrency = 1.9,
	};

	stage_start(progress, 4);
	progress_refresh(progress, 0);
	stage_event(progress, PROGRESS_FAILED, 50,
		    (struct progress_event){ .job = 3, .worker = 3, .reason = "no" });
	progress_summary(progress, &summary);
	stage_snap();
}

static void test_tty_summary_takes_the_place_of_the_rows(void **state)
{
	struct stage_view *view = see(120, 4, script_summary);
	unsigned i;

	(void)state;
	/* And closing adds nothing. */
	for (i = 0; i < 24; i++) {
		char before[SCREEN_LINE_BYTES], after[SCREEN_LINE_BYTES];

		assert_string_equal(screen_row(&view->snap[0], i, before),
				    screen_row(&view->screen, i, after));
		if (i >= 3)
			assert_string_equal(after, "");
	}
	expect_row(&view->screen, 0, "ipcdemo: http://localhost/file-4.pdf: no");
	expect_row(&view->screen, 1, "3 of 4 files, 12.4 MiB in 3.2 s (3.9 MiB/s), 1 failed");
	expect_row(&view->screen, 2,
		   "over unix: 12 records, 7 wake-ups, 2.1 ms of CPU (0.07 % of the run)");
	assert_int_equal(view->screen.row, 3);
	assert_int_equal(view->screen.column, 0);
	assert_true(view->screen.cursor_shown);
	assert_true(view->screen.wraps);
	stage_free(view);
}

static void script_hostile(struct progress *progress)
{
	struct progress_event event = {
		.file = "\033]0;owned\007\033[2J\r\n\xff\u202egpj.exe",
		.total = 10 * MIB,
		.url = "http://h/\033[31m\xc2\x9b"
		       "5n\r\nipcdemo: all is well",
		.reason = "line one\r\nline two\033c",
	};

	stage_event(progress, PROGRESS_START, 0, event);
	progress_refresh(progress, 0);
	stage_snap();
	stage_event(progress, PROGRESS_RETRY, 100, event);
	stage_event(progress, PROGRESS_SKIPPED, 100, event);
	stage_event(progress, PROGRESS_FAILED, 100, event);
	progress_note(progress, true, "\033[1mbold\b");
	progress_refresh(progress, 200 * MS);
}

static void test_tty_hostile_names_are_spelled_out(void **state)
{
	struct stage_view *view = see(200, 1, script_hostile);

	(void)state;
	assert_int_equal(screen_find(&view->snap[0],
				     "  \\x1b]0;owned\\x07\\x1b[2J\\x0d\\x0a"
				     "\\xff\\u202egpj.exe",
				     NULL),
			 1);
	expect_row(&view->screen, 2,
		   "ipcdemo: http://h/\\x1b[31m\\u009b5n\\x0d\\x0aipcdemo: all is well: "
		   "line one\\x0d\\x0aline two\\x1bc");
	expect_row(&view->screen, 3, "ipcdemo: \\x1b[1mbold\\x08");
	assert_int_equal(view->screen.row, 4);
	stage_free(view);
}

static void script_dumb(struct progress *progress)
{
	struct termios raw;

	/* So that the terminal's driver adds no \r. */
	if (tcgetattr(STDERR_FILENO, &raw) < 0)
		_exit(9);
	raw.c_oflag &= ~(tcflag_t)OPOST;
	if (tcsetattr(STDERR_FILENO, TCSANOW, &raw) < 0)
		_exit(9);
	script_summary(progress);
}

static void test_tty_dumb_terminal_gets_plain_lines(void **state)
{
	static const char *const term[] = { "dumb", "" };
	unsigned i;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct stage_view *view = stage_see(&(struct stage_play){
			.columns = 80,
			.lines = 24,
			.script = script_dumb,
			.config = { .progress = PROGRESS_BAR, .workers = 4, .jobs = 4 },
			.variable = "TERM",
			.value = term[i],
		});

		assert_null(strchr(view->raw, '\r'));
		assert_int_equal(count(view->raw, "\033"), 2); /* the snap's own */
		assert_int_equal(count(view->raw, "3 of 4 files, 12.4 MiB"), 1);
		stage_free(view);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tty_busy_second_draws_ten_frames_of_one_write_each),
		cmocka_unit_test(test_tty_silence_needs_few_ticks_and_no_writes),
		cmocka_unit_test(test_tty_thousand_workers_show_the_busy_that_fit),
		cmocka_unit_test(test_tty_failures_stay_above_the_rows),
		cmocka_unit_test(test_tty_narrower_window_keeps_what_stays),
		cmocka_unit_test(test_tty_continued_draws_below_what_the_shell_wrote),
		cmocka_unit_test(test_tty_stopped_terminal_stops_nothing),
		cmocka_unit_test(test_tty_background_writes_lines_only),
		cmocka_unit_test(test_tty_summary_takes_the_place_of_the_rows),
		cmocka_unit_test(test_tty_hostile_names_are_spelled_out),
		cmocka_unit_test(test_tty_dumb_terminal_gets_plain_lines),
	};

	if (stage_open() < 0)
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
