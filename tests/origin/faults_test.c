/* SPDX-License-Identifier: MIT */
/*
 * faults_test.c - each fault of the origin does what its table says, seen from a plain
 * socket: a fault that is none would make the downloader's tests pass for nothing.
 */
#include "config.h"

#include "origin/origin.h"

#include <dirent.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/origin/origin_client.h"

static struct origin *origin;
static uint16_t port;

static int setup(void **state)
{
	static const struct origin_config config = { .faults = true };

	(void)state;
	assert_int_equal(origin_start(&origin, &config), 0);
	port = origin_port(origin);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	origin_stop(origin);
	return 0;
}

/* GET PATH: STATUS, END and the first SIZE bytes of NAME. */
static void expect(const char *path, int status, enum end end, const char *name, uint64_t size)
{
	struct answer answer;

	client_get(port, path, &answer);
	assert_int_equal(answer.status, status);
	assert_int_equal(answer.end, end);
	if (name)
		assert_true(answer_is(&answer, name, size));
	answer_free(&answer);
}

/* ---- bodies that end badly ---- */

static void test_faults_truncate_announces_more_than_it_sends(void **state)
{
	struct answer answer;

	(void)state;
	client_get(port, "/fault/truncate/100001/a", &answer);
	assert_int_equal(answer.length, 100001);
	assert_int_equal(answer.end, END_CUT);
	assert_true(answer_is(&answer, "a", 50000));
	answer_free(&answer);
}

static void test_faults_reset_resets_in_the_middle(void **state)
{
	(void)state;
	expect("/fault/reset/100000/a", 200, END_BY_RESET, "a", 50000);
}

static void test_faults_chunked_cut_has_no_last_chunk(void **state)
{
	(void)state;
	expect("/fault/chunked-cut/100000/a", 200, END_CUT, "a", 100000);
}

/* "Nothing more" cannot be waited for: a quarter of a second must do for it. */
static void test_faults_stall_sends_half_and_keeps_the_connection(void **state)
{
	struct client client;
	struct pollfd more;
	size_t got = 0;

	(void)state;
	client_open(&client, port);
	client_send(&client, "GET", "/fault/stall/20000/a");
	while (got < 10000) {
		got += client_fill(&client);
		client.at = client.have;
	}
	assert_in_range(got, 10000, 10500); /* the head is in it */
	more = (struct pollfd){ .fd = client.fd, .events = POLLIN };
	if (poll(&more, 1, 250) == 1) /* a last piece of those 10,000 may have been on its way */
		(void)client_fill(&client);
	assert_int_equal(poll(&more, 1, 250), 0);
	client_close(&client);
}

static void test_faults_held_waits_for_its_gate(void **state)
{
	struct client client;
	struct answer opened, answer;
	struct pollfd more;
	size_t got = 0;

	(void)state;
	client_open(&client, port);
	client_send(&client, "GET", "/fault/held/7/20000/a");
	client_get(port, "/fault/open/8/x", &opened); /* another's */
	answer_free(&opened);
	more = (struct pollfd){ .fd = client.fd, .events = POLLIN };
	while (got < 10000 || poll(&more, 1, 250) == 1) {
		got += client_fill(&client);
		client.at = client.have;
	}
	assert_in_range(got, 10000, 10500); /* the head is in it */
	client_get(port, "/fault/open/7/x", &opened);
	assert_int_equal(opened.status, 200);
	assert_int_equal(opened.size, 0);
	answer_free(&opened);
	while (got < 20000) {
		got += client_fill(&client);
		client.at = client.have;
	}
	client_close(&client);
	client_get(port, "/fault/held/7/20000/a", &answer); /* it stays open */
	assert_true(answer_is(&answer, "a", 20000));
	answer_free(&answer);
}

static unsigned threads(void)
{
	DIR *dir = opendir("/proc/self/task");
	unsigned n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	(void)closedir(dir);
	return n - 2; /* "." and ".." */
}

static void test_faults_client_leaves_a_stalled_body_and_its_thread_ends(void **state)
{
	const struct timespec nap = { .tv_nsec = 1000000 };
	const unsigned before = threads();
	struct client client;

	(void)state;
	client_open(&client, port);
	client_send(&client, "GET", "/fault/stall/2/a");
	while (client.have < 5 || memcmp(client.buf + client.have - 5, "\r\n\r\n", 4) != 0)
		assert_int_not_equal(client_fill(&client),
				     0); /* all is read: no reset by the close */
	assert_true(threads() > before);
	client_close(&client);
	while (threads() > before) /* the harness ends it */
		(void)nanosleep(&nap, NULL);
}

/* ---- bodies that are only rare ---- */

static void test_faults_chunked_is_whole_without_length(void **state)
{
	struct answer answer;

	(void)state;
	client_get(port, "/fault/chunked/100000/a", &answer);
	assert_true(answer.chunked);
	assert_false(answer.sized);
	assert_int_equal(answer.end, END_OK);
	assert_true(answer_is(&answer, "a", 100000));
	answer_free(&answer);
}

static void test_faults_nolength_ends_by_the_close(void **state)
{
	struct answer answer;

	(void)state;
	client_get(port, "/fault/nolength/100000/a", &answer);
	assert_false(answer.chunked);
	assert_false(answer.sized);
	assert_true(answer_has(&answer, "Connection: close"));
	assert_int_equal(answer.end, END_OK);
	assert_true(answer_is(&answer, "a", 100000));
	answer_free(&answer);
}

static void test_faults_endless_goes_on_and_on(void **state)
{
	struct client client;
	size_t got = 0;

	(void)state;
	client_open(&client, port);
	client_send(&client, "GET", "/fault/endless/a");
	while (got < 50000000) {
		const size_t n = client_fill(&client);

		assert_int_not_equal(n, 0);
		got += n;
		client.at = client.have;
	}
	client_close(&client);
}

static void test_faults_slow_keeps_the_rate(void **state)
{
	struct timespec start, end;

	(void)state;
	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &start), 0);
	expect("/fault/slow/50000/20000/a", 200, END_OK, "a", 20000);
	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &end), 0);
	assert_true((double)(end.tv_sec - start.tv_sec) +
			    (double)(end.tv_nsec - start.tv_nsec) / 1e9 >=
		    0.4);
}

/* ---- statuses ---- */

static void test_faults_status_is_as_asked(void **state)
{
	(void)state;
	expect("/fault/status/404/a", 404, END_OK, NULL, 0);
	expect("/fault/status/500/a", 500, END_OK, NULL, 0);
	expect("/fault/status/204/a", 204, END_OK, NULL, 0);
	expect("/fault/status/999/a", 404, END_OK, NULL, 0);
}

static void expect_location(const char *path, const char *location)
{
	struct answer answer;
	char header[1200];

	client_get(port, path, &answer);
	assert_int_equal(answer.status, 302);
	(void)snprintf(header, sizeof header, "Location: %s", location);
	assert_true(answer_has(&answer, header));
	answer_free(&answer);
}

static void test_faults_redirects_lead_where_they_should(void **state)
{
	(void)state;
	expect_location("/fault/redirect/2/10/%E5%9B%BE%20x", "/fault/redirect/1/10/%E5%9B%BE%20x");
	expect_location("/fault/redirect/1/10/a", "/fault/redirect/0/10/a");
	expect_location("/fault/redirect/0/10/a", "/bytes/10/a");
	expect_location("/fault/redirect-loop/a%3Fb", "/fault/redirect-loop/a%3Fb");
	expect_location("/fault/redirect-file/a", "file:///etc/passwd");
	expect_location("/fault/redirect-ftp/a", "ftp://127.0.0.1/a");
}

static void test_faults_503_once_is_per_path(void **state)
{
	struct answer answer;

	(void)state;
	client_get(port, "/fault/503-once/7/100/a", &answer);
	assert_int_equal(answer.status, 503);
	assert_true(answer_has(&answer, "Retry-After: 7"));
	answer_free(&answer);
	expect("/fault/503-once/7/100/a", 200, END_OK, "a", 100);
	expect("/fault/503-once/7/100/b", 503, END_OK, NULL, 0);
	expect("/fault/503-once/7/100/a", 200, END_OK, "a", 100);
}

static void test_faults_flaky_is_cut_once_per_path(void **state)
{
	char path[64];

	(void)state;
	for (int i = 0; i < 40; i++) { /* more than the memory has room for at first */
		(void)snprintf(path, sizeof path, "/fault/flaky/100/n%d", i);
		expect(path, 200, END_CUT, path + strlen("/fault/flaky/100/"), 50);
	}
	for (int i = 0; i < 40; i++) {
		(void)snprintf(path, sizeof path, "/fault/flaky/100/n%d", i);
		expect(path, 200, END_OK, path + strlen("/fault/flaky/100/"), 100);
	}
}

static void test_faults_unknown_or_incomplete_is_404(void **state)
{
	static const char *const paths[] = {
		"/fault/",          "/fault/nosuch/10/a",    "/fault/truncate/10",
		"/fault/truncate/", "/fault/truncate/ten/a", "/fault/truncate/10/",
		"/fault/slow/10/a", "/fault/trunc/10/a",     "/fault/truncated/10/a",
		"/fault/redirect",  "/fault/endless/",
	};

	(void)state;
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
		expect(paths[i], 404, END_OK, NULL, 0);
}

/* ---- answers that break the protocol ---- */

/* All that comes until the close, as text. The caller frees it. */
static char *raw(const char *path, size_t *size)
{
	struct client client;
	char *text = NULL;
	size_t n;

	*size = 0;
	client_open(&client, port);
	client_send(&client, "GET", path);
	while ((n = client_fill(&client)) > 0) {
		text = realloc(text, *size + n + 1);
		assert_non_null(text);
		memcpy(text + *size, client.buf + client.at, n);
		*size += n;
		text[*size] = '\0';
		client.at = client.have;
	}
	client_close(&client);
	return text;
}

static void expect_raw(const char *path, const char *expected)
{
	size_t size;
	char *text = raw(path, &size);

	assert_string_equal(text ? text : "", expected);
	free(text);
}

#define OK "HTTP/1.1 200 OK\r\n"

static void test_faults_raw_answers_are_sent_as_they_are(void **state)
{
	(void)state;
	expect_raw("/fault/garbage/a", "SSH-2.0-not_http\r\n");
	expect_raw("/fault/empty/a", "");
	expect_raw("/fault/excess/a", OK "Content-Length: 5\r\n\r\n0101010101");
	expect_raw("/fault/two-lengths/a",
		   OK "Content-Length: 5\r\nContent-Length: 10\r\n\r\n0101010101");
	expect_raw("/fault/huge-length/a",
		   OK "Content-Length: 100000000000000000000000\r\n\r\n0101010101");
	expect_raw("/fault/bad-chunk/a",
		   OK "Transfer-Encoding: chunked\r\n\r\n5\r\n01234\r\nwxyz\r\n");
}

static void test_faults_long_answers_are_long(void **state)
{
	size_t size;
	char *text = raw("/fault/long-header/a", &size);

	(void)state;
	assert_in_range(size, 1 << 20, 2 << 20);
	assert_string_equal(text + size - 23, "\r\nContent-Length: 0\r\n\r\n");
	free(text);
	text = raw("/fault/flood-1xx/a", &size);
	assert_in_range(size, 100000 * strlen("HTTP/1.1 103 Early Hints\r\n\r\n"), 4 << 20);
	assert_non_null(strstr(text, OK));
	free(text);
}

#define SERVED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVED(test_faults_truncate_announces_more_than_it_sends),
		SERVED(test_faults_reset_resets_in_the_middle),
		SERVED(test_faults_chunked_cut_has_no_last_chunk),
		SERVED(test_faults_stall_sends_half_and_keeps_the_connection),
		SERVED(test_faults_held_waits_for_its_gate),
		SERVED(test_faults_client_leaves_a_stalled_body_and_its_thread_ends),
		SERVED(test_faults_chunked_is_whole_without_length),
		SERVED(test_faults_nolength_ends_by_the_close),
		SERVED(test_faults_endless_goes_on_and_on),
		SERVED(test_faults_slow_keeps_the_rate),
		SERVED(test_faults_status_is_as_asked),
		SERVED(test_faults_redirects_lead_where_they_should),
		SERVED(test_faults_503_once_is_per_path),
		SERVED(test_faults_flaky_is_cut_once_per_path),
		SERVED(test_faults_unknown_or_incomplete_is_404),
		SERVED(test_faults_raw_answers_are_sent_as_they_are),
		SERVED(test_faults_long_answers_are_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
