/* SPDX-License-Identifier: MIT */
/* view_tty_test.c - the terminal view, as a person sees it. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "tests/progress/progress_stage.h"

#define FRAME "\033[?25l" /* how each frame begins */

static const struct progress_config four = {
	.progress = PROGRESS_AUTO,
	.workers = 4,
	.jobs = 6,
	.ipc = "unix",
	.model = "process",
};

static struct stage_view *see_four(unsigned columns, unsigned lines,
				   void (*script)(struct progress *))
{
	return stage_see(&(struct stage_play){
		.columns = columns,
		.lines = lines,
		.config = four,
		.script = script,
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

/* The cursor on the free line below all rows, and the terminal as it was. */
static void expect_at_rest(const struct screen *screen, unsigned row)
{
	for (; row < screen->lines; row++)
		expect_row(screen, row, "");
	assert_int_equal(screen->column, 0);
	assert_true(screen->cursor_shown);
	assert_true(screen->wraps);
}

static void expect_rows(const struct screen *screen, const char *const *expected, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++)
		expect_row(screen, i, expected[i]);
	assert_int_equal(screen->row, n);
	expect_at_rest(screen, n);
}

/* Two seconds: a known size, a wide name and a slow one, an unknown size, an idle worker. */
static void script_rows(struct progress *progress)
{
	static const struct progress_event job[] = {
		{ .job = 0, .worker = 0, .total = 24 * MIB },
		{ .job = 1,
		  .worker = 1,
		  .total = 1000 * MIB,
		  .file = "Python\u4ece\u5165\u95e8\u5230\u653e\u5f03-and-a-long-name.pdf" },
		{ .job = 2, .worker = 2, .total = PROGRESS_SIZE_UNKNOWN },
	};
	static const uint64_t step[] = { 640 * KIB, 100 * KIB, KIB };
	uint64_t at_ms;
	unsigned i;

	for (i = 0; i < 3; i++)
		stage_event(progress, PROGRESS_START, 0, job[i]);
	for (at_ms = 100; at_ms <= 2000; at_ms += 100) {
		for (i = 0; i < 3; i++) {
			struct progress_event event = job[i];

			event.bytes = step[i] * at_ms / 100;
			stage_event(progress, PROGRESS_MOVED, at_ms, event);
		}
	}
	progress_refresh(progress, 2000 * MS);
	stage_snap();
}

static void test_tty_80_columns_show_all_but_the_size(void **state)
{
	static const char *const expected[] = {
		"  0 ██████▎       52%  12.5 MiB   6.3 MiB/s     0:02  file-1.pdf",
		"  1                0%   2.0 MiB  1000 KiB/s    17:02  Python从入门…ong-name.pdf",
		"  2                 ⠋  20.0 KiB  10.0 KiB/s     -:--  file-3.pdf",
		"  3                                                   idle",
		"all                 ⠋  14.5 MiB   7.2 MiB/s    ~7:03  0 of 6 files, over unix",
	};
	struct stage_view *view = see_four(80, 24, script_rows);

	(void)state;
	expect_rows(&view->snap[0], expected, 5);
	stage_free(view);
}

static void test_tty_40_columns_keep_percent_time_and_name(void **state)
{
	static const char *const expected[] = {
		"  0  52%     0:02  file-1.pdf",   "  1   0%    17:02  Python从入…-name.pdf",
		"  2    ⠋     -:--  file-3.pdf",   "  3                idle",
		"all    ⠋    ~7:03  0 of 6 files",
	};
	struct stage_view *view = see_four(40, 24, script_rows);

	(void)state;
	expect_rows(&view->snap[0], expected, 5);
	stage_free(view);
}

static void test_tty_200_columns_show_sizes_and_whole_names(void **state)
{
	static const char *const expected[] = {
		"  0 ███████████████▋                52%  12.5 MiB of 24.0 MiB   6.3 MiB/s     0:02"
		"  file-1.pdf",
		"  1                                  0%   2.0 MiB of 1000 MiB  1000 KiB/s    17:02"
		"  Python从入门到放弃-and-a-long-name.pdf",
		"  2                                   ⠋  20.0 KiB              10.0 KiB/s     -:--"
		"  file-3.pdf",
		"  3                                                                               "
		"  idle",
		"all                                   ⠋  14.5 MiB               7.2 MiB/s    ~7:03"
		"  0 of 6 files, over unix",
	};
	struct stage_view *view = see_four(200, 24, script_rows);

	(void)state;
	expect_rows(&view->snap[0], expected, 5);
	stage_free(view);
}

static void test_tty_any_width_stays_within_it(void **state)
{
	unsigned columns;
	unsigned row;

	(void)state;
	for (columns = 1; columns <= 120; columns += columns < 40 ? 1 : 7) {
		struct stage_view *view = see_four(columns, 24, script_rows);

		/* Not one row more than rows: nothing wrapped, and the last column is free. */
		assert_int_equal(view->snap[0].row, columns < 10 ? 0 : 5);
		for (row = 0; row < 5; row++)
			assert_string_equal(view->snap[0].cell[row][columns - 1], " ");
		stage_free(view);
	}
}

static void test_tty_console_font_gets_ascii_bars(void **state)
{
	struct stage_view *view = stage_see(&(struct stage_play){
		.columns = 80,
		.lines = 24,
		.config = four,
		.script = script_rows,
		.variable = "TERM",
		.value = "linux",
	});

	(void)state;
	expect_row(&view->snap[0], 0,
		   "  0 [=====     ]  52%  12.5 MiB   6.3 MiB/s     0:02  file-1.pdf");
	expect_row(&view->snap[0], 2,
		   "  2                 |  20.0 KiB  10.0 KiB/s     -:--  file-3.pdf");
	stage_free(view);
}

static void script_spinner(struct progress *progress)
{
	struct progress_event event = { .total = PROGRESS_SIZE_UNKNOWN };
	uint64_t at_ms;

	stage_event(progress, PROGRESS_START, 0, event);
	for (at_ms = 100; at_ms <= 1000; at_ms += 100) {
		event.bytes = at_ms < 800 ? at_ms : 700; /* then it stalls */
		stage_event(progress, PROGRESS_MOVED, at_ms, event);
		progress_refresh(progress, at_ms * MS);
		if (at_ms == 600 || at_ms >= 800)
			stage_snap();
	}
}

static void test_tty_unknown_size_spins_while_bytes_arrive(void **state)
{
	struct stage_view *view = see_four(80, 24, script_spinner);
	unsigned i;

	(void)state;
	for (i = 0; i < 4; i++)
		assert_int_equal(screen_find(&view->snap[i], "%", NULL), 0);
	assert_string_not_equal(view->snap[0].cell[0][20], view->snap[1].cell[0][20]);
	assert_string_equal(view->snap[1].cell[0][20], view->snap[2].cell[0][20]);
	assert_string_equal(view->snap[1].cell[0][20], "⠧");
	stage_free(view);
}

static void script_retry(struct progress *progress)
{
	struct progress_event event = { .total = 10 * MIB };

	stage_event(progress, PROGRESS_START, 0, event);
	event.bytes = 8 * MIB;
	stage_event(progress, PROGRESS_MOVED, 1000, event);
	progress_refresh(progress, 1000 * MS);
	stage_snap();
	event.seconds = 2;
	event.reason = "connection reset by peer";
	stage_event(progress, PROGRESS_RETRY, 1100, event);
	progress_refresh(progress, 1100 * MS);
	stage_snap();
	event.bytes = 0;
	stage_event(progress, PROGRESS_START, 3100, event);
	event.bytes = MIB;
	stage_event(progress, PROGRESS_MOVED, 4100, event);
	progress_refresh(progress, 4100 * MS);
	stage_snap();
}

static void test_tty_retry_starts_the_row_again(void **state)
{
	struct stage_view *view = see_four(80, 24, script_retry);

	(void)state;
	expect_row(&view->snap[0], 0,
		   "  0 █████████▌    80%   8.0 MiB   8.0 MiB/s     0:01  file-1.pdf");
	expect_row(&view->snap[1], 0,
		   "http://localhost/file-1.pdf: connection reset by peer; next try in 2 s");
	expect_row(&view->snap[1], 1, "  0                                                   idle");
	assert_int_equal(screen_find(&view->snap[1], "8.0 MiB ", NULL), 0);
	expect_row(&view->snap[2], 1,
		   "  0 █▏            10%   1.0 MiB   1.0 MiB/s     0:09  file-1.pdf");
	/* The total has forgotten the eight that were in vain. */
	assert_int_equal(screen_find(&view->snap[2], "all                 ⠙   1.0 MiB", NULL), 1);
	stage_free(view);
}

static void script_resumed(struct progress *progress)
{
	struct progress_event event = { .total = 10 * MIB };

	stage_event(progress, PROGRESS_START, 0, event);
	event.bytes = event.kept = 6 * MIB;
	stage_event(progress, PROGRESS_MOVED, 100, event);
	event.bytes = 8 * MIB;
	stage_event(progress, PROGRESS_MOVED, 1100, event);
	progress_refresh(progress, 1100 * MS);
	stage_snap();
	event.bytes = 10 * MIB;
	event.seconds = 2;
	stage_event(progress, PROGRESS_DONE, 2100, event);
	progress_refresh(progress, 2100 * MS);
	stage_snap();
}

/* What an earlier run fetched has no speed now, in the row, in the total and at the end. */
static void test_tty_resumed_bytes_have_no_speed(void **state)
{
	struct stage_view *view = see_four(80, 24, script_resumed);

	(void)state;
	expect_row(&view->snap[0], 0,
		   "  0 █████████▌    80%   8.0 MiB   2.0 MiB/s     0:01  file-1.pdf");
	assert_int_equal(screen_find(&view->snap[0], "8.0 MiB   1.8 MiB/s", NULL), 1);
	expect_row(&view->snap[1], 0,
		   "file-1.pdf: 10.0 MiB, of which 4.0 MiB in 2.0 s (2.0 MiB/s)");
	stage_free(view);
}

/* All sizes known, one job failed before any worker had it. */
static void script_total(struct progress *progress)
{
	unsigned i;

	stage_start(progress, 4);
	stage_event(progress, PROGRESS_FAILED, 10,
		    (struct progress_event){ .job = 4, .reason = "no" });
	stage_event(progress, PROGRESS_SKIPPED, 10,
		    (struct progress_event){ .job = 5, .reason = "there" });
	for (i = 0; i < 4; i++)
		stage_event(progress, PROGRESS_MOVED, 1000,
			    (struct progress_event){
				    .job = i, .worker = i, .bytes = 5 * MIB, .total = 10 * MIB });
	stage_event(progress, PROGRESS_DONE, 2000,
		    (struct progress_event){ .bytes = 10 * MIB, .total = 10 * MIB, .seconds = 2 });
	progress_refresh(progress, 2000 * MS);
	stage_snap();
}

static void test_tty_total_is_exact_when_all_sizes_are_known(void **state)
{
	struct stage_view *view = see_four(100, 24, script_total);

	(void)state;
	expect_row(&view->snap[0], 0, "ipcdemo: http://localhost/file-5.pdf: no");
	expect_row(&view->snap[0], 1, "file-6.pdf: skipped, there");
	expect_row(&view->snap[0], 2, "file-1.pdf: 10.0 MiB in 2.0 s (5.0 MiB/s)");
	expect_row(&view->snap[0], 7,
		   "all ██████████        62%  25.0 MiB of 40.0 MiB  12.5 MiB/s     0:02  "
		   "1 of 6 files, 1 failed");
	stage_free(view);
}

static void test_tty_no_color_sends_no_colour(void **state)
{
	static const char *const code[] = { "\033[0m", "\033[1;31m", "\033[2m", "\033[32m",
					    "\033[36m" };
	struct stage_view *with = see_four(80, 24, script_total);
	struct stage_view *without = stage_see(&(struct stage_play){
		.columns = 80,
		.lines = 24,
		.config = four,
		.script = script_total,
		.variable = "NO_COLOR",
		.value = "1",
	});
	char one[SCREEN_LINE_BYTES], other[SCREEN_LINE_BYTES];
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof code / sizeof code[0]; i++) {
		assert_true(count(with->raw, code[i]) > 0);
		assert_int_equal(count(without->raw, code[i]), 0);
	}
	/* Colour only repeats what words and figures say. */
	for (i = 0; i < 24; i++)
		assert_string_equal(screen_row(&with->screen, i, one),
				    screen_row(&without->screen, i, other));
	stage_free(with);
	stage_free(without);
}

static void script_sentences(struct progress *progress)
{
	const struct progress_summary summary = {
		.ipc = "unix",
		.model = "process",
		.jobs = 4,
		.ok = 2,
		.left = 2,
		.wall_s = 3.2,
		.bytes = 13002342,
		.dir = "/a/directory/whose/name/is/not/broken/up"
	};

	stage_start(progress, 4);
	progress_note(progress, false, "p pauses, c continues, q ends and keeps what there is");
	progress_summary(progress, &summary);
}

static void test_tty_40_columns_break_sentences_between_words(void **state)
{
	static const char *const expected[] = {
		"ipcdemo: p pauses, c continues, q ends",
		"and keeps what there is",
		"2 of 4 files, 12.4 MiB in 3.2 s",
		"(3.9 MiB/s), 2 not finished",
		"in",
		"/a/directory/whose/name/is/not/broken/up",
	};
	struct stage_view *view = see_four(40, 24, script_sentences);

	(void)state;
	expect_rows(&view->screen, expected, 6);
	stage_free(view);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tty_80_columns_show_all_but_the_size),
		cmocka_unit_test(test_tty_40_columns_keep_percent_time_and_name),
		cmocka_unit_test(test_tty_200_columns_show_sizes_and_whole_names),
		cmocka_unit_test(test_tty_any_width_stays_within_it),
		cmocka_unit_test(test_tty_console_font_gets_ascii_bars),
		cmocka_unit_test(test_tty_no_color_sends_no_colour),
		cmocka_unit_test(test_tty_40_columns_break_sentences_between_words),
		cmocka_unit_test(test_tty_unknown_size_spins_while_bytes_arrive),
		cmocka_unit_test(test_tty_retry_starts_the_row_again),
		cmocka_unit_test(test_tty_resumed_bytes_have_no_speed),
		cmocka_unit_test(test_tty_total_is_exact_when_all_sizes_are_known),
	};

	if (stage_open() < 0)
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
