/* SPDX-License-Identifier: MIT */
/* view_json_test.c - the stream of events for programs. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <jansson.h>

#include "tests/progress/capture.h"

static const struct progress_config json = { .progress = PROGRESS_JSON, .workers = 2, .jobs = 4 };

/* The object in the line at *TEXT, which moves on to the next. */
static json_t *next_object(char **text)
{
	char *end = strchr(*text, '\n');
	json_error_t error;
	json_t *object;

	assert_non_null(end);
	*end = '\0';
	object = json_loads(*text, JSON_REJECT_DUPLICATES, &error);
	if (!object)
		fail_msg("%s: %s", error.text, *text);
	*text = end + 1;
	return object;
}

static void expect_object(char **text, json_t *expected)
{
	json_t *object = next_object(text);

	assert_non_null(expected);
	if (!json_equal(object, expected))
		fail_msg("%s", json_dumps(object, 0));
	json_decref(object);
	json_decref(expected);
}

/* An event of capture_job, and its own KEY. */
static json_t *event_object(const char *name, const char *key, json_t *value)
{
	json_t *object = json_pack("{s:s, s:i, s:i, s:s, s:s, s:s, s:i, s:i}", "event", name, "job",
				   3, "worker", 1, "url", capture_job.url, "dir", "out", "file",
				   capture_job.file, "bytes", (int)MIB, "total", (int)(4 * MIB));

	if (key)
		assert_int_equal(json_object_set_new(object, key, value), 0);
	return object;
}

static void test_json_events_keep_the_contract(void **state)
{
	struct output *output = capture(&json, capture_all);
	char *text = output->out;
	json_t *retry = event_object("retry", "reason", json_string(capture_job.reason));

	(void)state;
	assert_int_equal(json_object_set_new(retry, "delay_s", json_real(2)), 0);
	expect_object(&text, event_object("start", "pid", json_integer(4711)));
	expect_object(&text, event_object("progress", NULL, NULL));
	expect_object(&text, retry);
	expect_object(&text, event_object("start", "pid", json_integer(4711)));
	expect_object(&text, event_object("done", "seconds", json_real(2)));
	expect_object(&text, event_object("skipped", "reason", json_string(capture_job.reason)));
	expect_object(&text, event_object("failed", "reason", json_string(capture_job.reason)));
	expect_object(&text,
		      json_pack("{s:s, s:s, s:s, s:i, s:i, s:i, s:i, s:i, s:f, s:i, s:i, s:i, s:f, "
				"s:f, s:f, s:n}",
				"event", "summary", "ipc", "unix", "model", "process", "jobs", 4,
				"ok", 3, "failed", 1, "skipped", 0, "left", 0, "wall_s", 3.2,
				"bytes", 13002342, "records", 77, "wakeups", 60, "ipc_cpu_s", 0.25,
				"job_seconds", 6.1, "concurrency", 1.90625, "signal"));
	assert_string_equal(text, "");
	assert_string_equal(output->err, LINE_FAILED LINE_NOTE LINE_ERROR);
	assert_int_equal(output->closed, 0);
	free(output);
}

static void script_odd(struct progress *progress)
{
	struct progress_event event = { .kind = PROGRESS_DONE,
					.total = PROGRESS_SIZE_UNKNOWN,
					.bytes = 1ULL << 63,
					.file = "caf\xe9 \u56fe.pdf",
					.seconds = strtod("nan", NULL) };
	struct progress_summary stopped = { .model = "sequential", .signal = SIGTERM };

	progress_event(progress, &event);
	event.file = "a\033\"\n \302\2332J";
	progress_event(progress, &event);
	progress_summary(progress, &stopped);
}

static void test_json_odd_values_are_still_json(void **state)
{
	struct output *output = capture(&json, script_odd);
	char *text = output->out;
	json_t *object;

	(void)state;
	/* No control byte of a name reaches a reader raw, not even those above 0x7f. */
	assert_null(strchr(output->out, '\033'));
	assert_null(strstr(output->out, "\xc2\x9b"));
	object = next_object(&text);
	assert_true(json_is_null(json_object_get(object, "total")));
	assert_true(json_is_null(json_object_get(object, "url")));
	assert_true(json_is_null(json_object_get(object, "seconds")));
	assert_true(json_integer_value(json_object_get(object, "bytes")) == INT64_MAX);
	assert_string_equal(json_string_value(json_object_get(object, "file")),
			    "caf\\xe9 \u56fe.pdf");
	json_decref(object);
	object = next_object(&text);
	assert_string_equal(json_string_value(json_object_get(object, "file")),
			    "a\033\"\n \302\2332J");
	json_decref(object);
	object = next_object(&text);
	assert_true(json_is_null(json_object_get(object, "ipc")));
	assert_int_equal(json_integer_value(json_object_get(object, "signal")), SIGTERM);
	json_decref(object);
	free(output);
}

static void test_json_quiet_keeps_the_stream(void **state)
{
	struct output *loud = capture(&json, capture_all);
	struct output *quiet = capture(
		&(struct progress_config){
			.progress = PROGRESS_JSON, .workers = 2, .jobs = 4, .quiet = true },
		capture_all);

	(void)state;
	assert_string_equal(quiet->out, loud->out);
	assert_string_equal(quiet->err, LINE_FAILED LINE_ERROR);
	free(loud);
	free(quiet);
}

static void test_json_full_disk_is_reported_at_close(void **state)
{
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	(void)state;
	assert_true(full >= 0 && null >= 0);
	assert_int_equal(capture_to(&json, capture_all, full, null), -ENOSPC);
	/* Nothing of the other views is on stdout, so nothing can fail there. */
	assert_int_equal(
		capture_to(&(struct progress_config){ .workers = 2 }, capture_all, full, full), 0);
	(void)close(full);
	(void)close(null);
}

static void test_json_reader_that_left_is_reported_at_close(void **state)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	int end[2];

	(void)state;
	assert_int_equal(pipe2(end, O_CLOEXEC), 0);
	(void)close(end[0]);
	assert_int_equal(capture_to(&json, capture_all, end[1], null), -EPIPE);
	(void)close(end[1]);
	(void)close(null);
}

#define FLOOD_ENDS 1000

/*
 * More progress than any pipe holds, a sign on stderr that it was said, then more ends than any
 * pipe holds, each over PIPE_BUF: a non-blocking pipe takes parts of such a line.
 */
static void script_flood(struct progress *progress)
{
	static char url[6001];
	struct progress_event event = capture_job;
	unsigned i;

	memset(url, 'u', sizeof url - 1);
	for (i = 0; i < 20000; i++)
		capture_event(progress, PROGRESS_MOVED, i);
	progress_note(progress, true, "all said");
	event.kind = PROGRESS_DONE;
	event.url = url;
	for (i = 0; i < FLOOD_ENDS; i++)
		progress_event(progress, &event);
}

static void script_live(struct progress *progress)
{
	capture_event(progress, PROGRESS_START, SECOND);
	(void)pause();
}

/* Starts SCRIPT in a child; its stdout and stderr come as pipes. FLAGS are of its stdout. */
static pid_t start(void (*script)(struct progress *), int flags, int *out, int *err)
{
	int outs[2], errs[2];
	pid_t pid;

	assert_int_equal(pipe2(outs, O_CLOEXEC), 0);
	assert_int_equal(pipe2(errs, O_CLOEXEC), 0);
	assert_int_equal(fcntl(outs[1], F_SETFL, flags), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)close(outs[0]);
		(void)close(errs[0]);
		capture_child(&json, script, outs[1], errs[1]);
	}
	(void)close(outs[1]);
	(void)close(errs[1]);
	*out = outs[0];
	*err = errs[0];
	return pid;
}

/*
 * Reads nothing until all progress was said: if that waited for the reader, both would wait for
 * ever. What ended is never left out, and no line is ever half.
 */
static void flood(int flags)
{
	unsigned lines = 0, done = 0;
	int out, err, status;
	pid_t pid = start(script_flood, flags, &out, &err);
	FILE *stream = fdopen(out, "r");
	json_t *object;
	char line[8192];

	assert_non_null(stream);
	assert_int_equal(read(err, line, 1), 1);
	while (fgets(line, sizeof line, stream)) {
		object = json_loads(line, 0, NULL);
		assert_non_null(object);
		done += strcmp(json_string_value(json_object_get(object, "event")), "done") == 0;
		json_decref(object);
		lines++;
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(done, FLOOD_ENDS);
	assert_in_range(lines, FLOOD_ENDS + 1, FLOOD_ENDS + 19999);
	(void)fclose(stream);
	(void)close(err);
}

static void test_json_slow_reader_misses_progress_only(void **state)
{
	(void)state;
	flood(0);
	flood(O_NONBLOCK);
}

static void test_json_line_is_written_when_it_happens(void **state)
{
	int out, err, status;
	pid_t pid = start(script_live, 0, &out, &err);
	char line[512];
	char *text = line;
	ssize_t n;

	(void)state;
	n = read(out, line, sizeof line - 1);
	assert_true(n > 0);
	line[n] = '\0';
	expect_object(&text, event_object("start", "pid", json_integer(4711)));
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	(void)close(out);
	(void)close(err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json_events_keep_the_contract),
		cmocka_unit_test(test_json_odd_values_are_still_json),
		cmocka_unit_test(test_json_quiet_keeps_the_stream),
		cmocka_unit_test(test_json_full_disk_is_reported_at_close),
		cmocka_unit_test(test_json_reader_that_left_is_reported_at_close),
		cmocka_unit_test(test_json_slow_reader_misses_progress_only),
		cmocka_unit_test(test_json_line_is_written_when_it_happens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
