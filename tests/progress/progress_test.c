/* SPDX-License-Identifier: MIT */
/* progress_test.c - the choice of a view, and the plain view. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/progress/capture.h"

static void expect_played(const struct progress_config *config, void (*script)(struct progress *),
			  const char *expected)
{
	struct output *output = capture(config, script);

	assert_string_equal(output->err, expected);
	assert_string_equal(output->out, "");
	assert_int_equal(output->closed, 0);
	free(output);
}

static void test_plain_says_what_ended(void **state)
{
	static const enum progress_style progress[] = { PROGRESS_AUTO, PROGRESS_BAR,
							PROGRESS_PLAIN };
	unsigned i;

	(void)state;
	/* stderr is no terminal here, so the others are plain, too. */
	for (i = 0; i < 3; i++)
		expect_played(&(struct progress_config){ .progress = progress[i],
							 .workers = 2,
							 .jobs = 4 },
			      capture_all,
			      LINE_RETRY LINE_DONE LINE_SKIPPED LINE_FAILED LINE_NOTE LINE_ERROR
				      LINE_SUMMARY);
}

static void test_plain_verbose_says_what_starts(void **state)
{
	(void)state;
	expect_played(&(struct progress_config){ .workers = 2, .jobs = 4, .verbose = true },
		      capture_all,
		      LINE_START LINE_RETRY LINE_START LINE_DONE LINE_SKIPPED LINE_FAILED LINE_NOTE
			      LINE_ERROR LINE_SUMMARY);
}

static void test_plain_quiet_says_errors_only(void **state)
{
	(void)state;
	expect_played(&(struct progress_config){ .workers = 2, .jobs = 4, .quiet = true },
		      capture_all, LINE_FAILED LINE_ERROR);
}

static void test_plain_none_says_errors_and_notes(void **state)
{
	(void)state;
	expect_played(
		&(struct progress_config){ .progress = PROGRESS_NONE, .workers = 2, .jobs = 4 },
		capture_all, LINE_FAILED LINE_NOTE LINE_ERROR);
}

/* 12 seconds as a caller spends them: sleeping for what progress_next_ns says, at most 0.1 s. */
static void script_long(struct progress *progress)
{
	uint64_t now_ns = SECOND;
	struct progress_event event = capture_job;

	if (progress_next_ns(progress, now_ns) != -1)
		_exit(200); /* before the first event nothing is due */
	capture_event(progress, PROGRESS_START, now_ns);
	event.kind = PROGRESS_MOVED;
	for (event.bytes = 0; now_ns <= 13 * SECOND; now_ns += SECOND / 10) {
		event.now_ns = now_ns;
		progress_event(progress, &event);
		event.bytes += MIB / 40;
		if (progress_next_ns(progress, now_ns) == 0)
			progress_refresh(progress, now_ns);
	}
}

static void test_plain_long_run_gives_a_total_every_5_seconds(void **state)
{
	(void)state;
	expect_played(&(struct progress_config){ .workers = 2, .jobs = 1 }, script_long,
		      "0 of 1 file, 1.2 MiB of 4.0 MiB, 256 KiB/s, 12 s left\n"
		      "0 of 1 file, 2.5 MiB of 4.0 MiB, 256 KiB/s, 7 s left\n");
}

static void script_hostile(struct progress *progress)
{
	struct progress_event event = capture_job;

	event.file = "\033]0;owned\007\r\nipcdemo: fine";
	event.url = "http://h/\033[2J\xff";
	event.kind = PROGRESS_DONE;
	progress_event(progress, &event);
	event.kind = PROGRESS_FAILED;
	progress_event(progress, &event);
	progress_note(progress, true, "\r\n");
}

static void test_plain_hostile_names_are_spelled_out(void **state)
{
	(void)state;
	expect_played(&(struct progress_config){ .workers = 2, .jobs = 1 }, script_hostile,
		      "\\x1b]0;owned\\x07\\x0d\\x0aipcdemo: fine: 1.0 MiB in 2.0 s (512 KiB/s)\n"
		      "ipcdemo: http://h/\\x1b[2J\\xff: HTTP 404 Not Found\n"
		      "ipcdemo: \\x0d\\x0a\n");
}

/* Five ends: all done; a signal; none done; all skipped; by worker. */
static void script_summaries(struct progress *progress)
{
	static const struct progress_worker_figures figures[] = {
		{ .files = 1, .processes = 1, .pid = 71, .records = 9, .ipc_cpu_ns = 41600 },
		{ .files = 0 },
		{ .files = 2, .processes = 2, .pid = 73, .records = 12, .ipc_cpu_ns = 3100000 },
	};
	struct progress_summary one = { .ipc = "shm",
					.model = "process",
					.jobs = 1,
					.ok = 1,
					.wall_s = 1,
					.bytes = MIB,
					.records = 8,
					.wakeups = 5,
					.ipc_cpu_s = 0.0031,
					.concurrency = 1,
					.dir = "/tmp" };
	struct progress_summary stopped = { .model = "sequential",
					    .jobs = 4,
					    .ok = 1,
					    .skipped = 1,
					    .left = 2,
					    .wall_s = 90,
					    .bytes = 9 * MIB,
					    .concurrency = 1,
					    .signal = SIGINT };
	struct progress_summary none = {
		.ipc = "pipe", .model = "process", .jobs = 2, .failed = 2, .records = 0
	};
	struct progress_summary skipped = {
		.ipc = "pipe", .model = "process", .jobs = 12, .skipped = 12, .dir = "/tmp"
	};
	struct progress_summary workers = { .ipc = "unix",
					    .model = "process",
					    .jobs = 3,
					    .ok = 3,
					    .wall_s = 20,
					    .records = 21,
					    .wakeups = 1,
					    .ipc_cpu_s = 0.0004,
					    .concurrency = 1.96,
					    .figures = figures,
					    .workers = 3,
					    .dir = "/tmp/\033" };

	progress_summary(progress, &one);
	progress_summary(progress, &stopped);
	progress_summary(progress, &none);
	progress_summary(progress, &skipped);
	progress_summary(progress, &workers);
}

static void test_plain_summary_says_what_is_true(void **state)
{
	(void)state;
	expect_played(
		&(struct progress_config){ .workers = 2, .jobs = 1 }, script_summaries,
		"1 file, 1.0 MiB in 1.0 s (1.0 MiB/s)\n"
		"over shm: 8 records, 5 wake-ups, 3.1 ms of CPU (0.31 % of the run)\n"
		"in /tmp\n"
		"stopped by SIGINT after 1 min 30 s: 1 of 4 files whole (9.0 MiB), 1 skipped, "
		"2 not finished\n"
		"0 of 2 files, 0 B in 0.0 s, 2 failed\n"
		"nothing to fetch: 12 files skipped\n"
		"3 files, 0 B in 20.0 s (0 B/s), 2.0 at once on average\n"
		"over unix: 21 records, 1 wake-up, 400 us of CPU (below 0.01 % of the run)\n"
		"  worker 0 (pid 71): 1 file, 9 records, 42 us of CPU for IPC\n"
		"  worker 2 (2 processes): 2 files, 12 records, 3.1 ms of CPU for IPC\n"
		"in /tmp/\\x1b\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain_says_what_ended),
		cmocka_unit_test(test_plain_verbose_says_what_starts),
		cmocka_unit_test(test_plain_quiet_says_errors_only),
		cmocka_unit_test(test_plain_none_says_errors_and_notes),
		cmocka_unit_test(test_plain_long_run_gives_a_total_every_5_seconds),
		cmocka_unit_test(test_plain_hostile_names_are_spelled_out),
		cmocka_unit_test(test_plain_summary_says_what_is_true),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
