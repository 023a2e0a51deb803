/* SPDX-License-Identifier: MIT */
/*
 * fetch_test.c - what a fetcher makes of every kind of answer: the bytes written, the failure,
 * and whether it is worth another try.
 */
#include "config.h"

#include "tests/download/fetch_stage.h"

const struct answer answers[] = {
	{ .path = "/five", .text = OK FIVE END "12345" },
	{ .path = "/empty", .text = OK "Content-Length: 0\r\n" END },
	{ .path = "/nocontent", .text = "HTTP/1.1 204 No Content\r\n" END },
	{ .path = "/chunked",
	  .text = OK "Transfer-Encoding: chunked\r\n" END "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n" },
	{ .path = "/gzip", .text = OK "Content-Encoding: gzip\r\n" FIVE END "12345" },
	{ .path = "/early", .text = "HTTP/1.1 103 Early Hints\r\n\r\n" OK FIVE END "12345" },
	{ .path = "/nolength", .text = OK END "123", .after = THEN_CLOSE },
	{ .path = "/short", .text = OK "Content-Length: 10\r\n" END "12345", .after = THEN_CLOSE },
	{ .path = "/shortchunk",
	  .text = OK "Transfer-Encoding: chunked\r\n" END "ff\r\nabc",
	  .after = THEN_CLOSE },
	{ .path = "/badchunk",
	  .text = OK "Transfer-Encoding: chunked\r\n" END "zz\r\nabc",
	  .after = THEN_CLOSE },
	{ .path = "/long",
	  .text = OK FIVE END "12345"
			      "HTTP/1.1 200 OK, smuggled" },
	{ .path = "/twolengths", .text = OK "Content-Length: 10\r\n" FIVE END "1234567890" },
	{ .path = "/samelengths", .text = OK FIVE FIVE END "12345" },
	{ .path = "/hugelength",
	  .text = OK "Content-Length: 100000000000000000000000\r\n" END "1",
	  .after = THEN_CLOSE },
	{ .path = "/endless", .text = OK END, .after = THEN_FLOOD, .more = "x" },
	{ .path = "/toobig",
	  .text = OK "Content-Length: 100001\r\n" END,
	  .after = THEN_FLOOD,
	  .more = "x" },
	{ .path = "/loop", .text = MOVED "/loop\r\n" END "page" },
	{ .path = "/moved", .text = MOVED "/five\r\n" END "page" },
	{ .path = "/tofile", .text = MOVED "file:///etc/hostname\r\n" END "page" },
	{ .path = "/toftp", .text = MOVED "ftp://127.0.0.1/x\r\n" END "page" },
	{ .path = "/404", .text = "HTTP/1.1 404 Not Found\r\n" ERROR_PAGE },
	{ .path = "/404stall",
	  .text = "HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\n",
	  .after = THEN_STALL },
	{ .path = "/503", .text = "HTTP/1.1 503 Busy\r\nRetry-After: 7\r\n" ERROR_PAGE },
	{ .path = "/400", .text = "HTTP/1.1 400 x\r\n" ERROR_PAGE },
	{ .path = "/408", .text = "HTTP/1.1 408 x\r\n" ERROR_PAGE },
	{ .path = "/429", .text = "HTTP/1.1 429 x\r\n" ERROR_PAGE },
	{ .path = "/500", .text = "HTTP/1.1 500 x\r\n" ERROR_PAGE },
	{ .path = "/501", .text = "HTTP/1.1 501 x\r\n" ERROR_PAGE },
	{ .path = "/502", .text = "HTTP/1.1 502 x\r\n" ERROR_PAGE },
	{ .path = "/504", .text = "HTTP/1.1 504 x\r\n" ERROR_PAGE },
	{ .path = "/206", .text = "HTTP/1.1 206 Partial Content\r\n" ERROR_PAGE },
	{ .path = "/300", .text = "HTTP/1.1 300 Multiple Choices\r\n" ERROR_PAGE },
	{ .path = "/304", .text = "HTTP/1.1 304 Not Modified\r\n" END },
	{ .path = NULL, .text = "HTTP/1.1 410 Gone\r\n" ERROR_PAGE },
};

/* ---- whole answers ---- */

static void test_fetch_whole_bodies_are_written_as_sent(void **state)
{
	struct stage *stage = *state;

	expect_body(stage, "/five", "12345");
	assert_int_equal(stage->result.total, 5);
	expect_body(stage, "/chunked", "abcde");
	assert_true(stage->result.total == FETCH_SIZE_UNKNOWN);
	expect_body(stage, "/gzip", "12345");
	expect_body(stage, "/early", "12345");
	expect_body(stage, "/samelengths", "12345");
	expect_body(stage, "/empty", "");
	assert_int_equal(stage->result.total, 0);
	expect_body(stage, "/nocontent", "");
	/* The end of the connection is the only end that there is. */
	expect_body(stage, "/nolength", "123");
	assert_true(stage->result.total == FETCH_SIZE_UNKNOWN);
}

static void test_fetch_request_names_us_and_asks_for_no_encoding(void **state)
{
	struct stage *stage = *state;

	expect_body(stage, "/five", "12345");
	assert_non_null(strstr(stage->origin.seen->request, "\r\nUser-Agent: ipcdemo/"));
	assert_null(strcasestr(stage->origin.seen->request, "accept-encoding"));
	assert_null(strcasestr(stage->origin.seen->request, "upgrade"));
	assert_non_null(strstr(stage->origin.seen->request, " HTTP/1.1\r\n"));
}

static void test_fetch_of_many_uses_one_connection(void **state)
{
	struct stage *stage = *state;

	for (int i = 0; i < 20; i++)
		expect_body(stage, i % 2 ? "/five" : "/chunked", i % 2 ? "12345" : "abcde");
	assert_int_equal(atomic_load(&stage->origin.seen->requests), 20);
	assert_int_equal(atomic_load(&stage->origin.seen->connections), 1);
}

static void test_fetch_without_scheme_means_http(void **state)
{
	struct stage *stage = *state;
	char url[64];

	snprintf(url, sizeof(url), "127.0.0.1:%u/five", stage->origin.port);
	fetch_url(stage, url);
	expect_fault(stage, FAILURE_NONE, 0, false);
	assert_string_equal(stage->content, "12345");
}

/* ---- lengths that are wrong ---- */

static void test_fetch_of_a_short_body_fails_with_the_count(void **state)
{
	struct stage *stage = *state;

	fetch_path(stage, "/short");
	expect_fault(stage, FAILURE_SIZE, 0, true);
	assert_int_equal(stage->result.failure.bytes, 5);
	assert_int_equal(stage->result.failure.total, 10);
	fetch_path(stage, "/shortchunk");
	expect_fault(stage, FAILURE_SIZE, 0, true);
	assert_int_equal(stage->result.failure.bytes, 3);
	assert_int_equal(stage->result.failure.total, 0);
	fetch_path(stage, "/badchunk");
	expect_fault(stage, FAILURE_FETCH, RECEIVE_FAILED, true);
}

static void test_fetch_leaves_what_follows_the_body_with_its_connection(void **state)
{
	struct stage *stage = *state;

	expect_body(stage, "/long", "12345");
	expect_body(stage, "/five", "12345");
	assert_int_equal(atomic_load(&stage->origin.seen->connections), 2);
}

static void test_fetch_with_contradictory_lengths_fails(void **state)
{
	struct stage *stage = *state;

	fetch_path(stage, "/twolengths");
	expect_fault(stage, FAILURE_FETCH, WEIRD_REPLY, false);
	fetch_path(stage, "/hugelength");
	expect_fault(stage, FAILURE_FETCH, WEIRD_REPLY, false);
}

static void test_fetch_over_max_size_fails_within_it(void **state)
{
	struct stage *stage = *state;

	fetch_path(stage, "/endless");
	expect_fault(stage, FAILURE_TOO_BIG, 0, false);
	assert_in_range(stage->result.bytes, 1, MAX_SIZE);
	/* Announced: not a byte is written. */
	fetch_path(stage, "/toobig");
	expect_fault(stage, FAILURE_TOO_BIG, 0, false);
	assert_int_equal(stage->result.bytes, 0);
	assert_int_equal(stage->result.total, MAX_SIZE + 1);
}

static void test_fetch_of_just_max_size_succeeds(void **state)
{
	struct fetch_settings limits = { .max_size = 5 };
	struct stage *stage = *state;

	fetch_free(stage->fetch);
	stage->fetch = fetch_new(&limits);
	assert_non_null(stage->fetch);
	expect_body(stage, "/five", "12345");
	expect_body(stage, "/chunked", "abcde");
	fetch_free(stage->fetch);
	limits.max_size = 4;
	stage->fetch = fetch_new(&limits);
	assert_non_null(stage->fetch);
	fetch_path(stage, "/five");
	expect_fault(stage, FAILURE_TOO_BIG, 0, false);
	fetch_path(stage, "/chunked");
	expect_fault(stage, FAILURE_TOO_BIG, 0, false);
}

/* ---- redirects and statuses ---- */

static void test_fetch_follows_redirects_up_to_the_limit(void **state)
{
	struct stage *stage = *state;

	expect_body(stage, "/moved", "12345");
	assert_int_equal(atomic_exchange(&stage->origin.seen->requests, 0), 2);
	fetch_path(stage, "/loop");
	expect_fault(stage, FAILURE_FETCH, TOO_MANY_REDIRECTS, false);
	assert_int_equal(stage->result.bytes, 0);
	assert_int_equal(atomic_load(&stage->origin.seen->requests), 1 + 3);
}

static void test_fetch_redirected_to_another_scheme_fails(void **state)
{
	struct stage *stage = *state;

	fetch_path(stage, "/tofile");
	expect_fault(stage, FAILURE_FETCH, BAD_REDIRECT, false);
	assert_int_equal(stage->result.bytes, 0);
	fetch_path(stage, "/toftp");
	expect_fault(stage, FAILURE_FETCH, BAD_REDIRECT, false);
	assert_int_equal(stage->result.bytes, 0);
}

static void test_fetch_of_an_error_page_writes_nothing(void **state)
{
	static const struct {
		const char *path;
		int status;
		bool transient;
	} rows[] = {
		{ "/404", 404, false },  { "/503", 503, true },  { "/400", 400, false },
		{ "/408", 408, true },   { "/429", 429, true },  { "/500", 500, true },
		{ "/501", 501, false },  { "/502", 502, true },  { "/504", 504, true },
		{ "/206", 206, false },  { "/300", 300, false }, { "/304", 304, false },
		{ "/else", 410, false },
	};
	struct stage *stage = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fetch_path(stage, rows[i].path);
		expect_fault(stage, FAILURE_HTTP, rows[i].status, rows[i].transient);
		assert_int_equal(stage->result.bytes, 0);
		assert_int_equal(stage->result.failure.after_s, rows[i].status == 503 ? 7 : 0);
	}
}

static void test_fetch_of_an_error_page_does_not_wait_for_it(void **state)
{
	struct stage *stage = *state;

	fetch_path(stage, "/404stall");
	expect_fault(stage, FAILURE_HTTP, 404, false);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		SERVED(test_fetch_whole_bodies_are_written_as_sent),
		SERVED(test_fetch_request_names_us_and_asks_for_no_encoding),
		SERVED(test_fetch_of_many_uses_one_connection),
		SERVED(test_fetch_without_scheme_means_http),
		SERVED(test_fetch_of_a_short_body_fails_with_the_count),
		SERVED(test_fetch_leaves_what_follows_the_body_with_its_connection),
		SERVED(test_fetch_with_contradictory_lengths_fails),
		SERVED(test_fetch_over_max_size_fails_within_it),
		SERVED(test_fetch_of_just_max_size_succeeds),
		SERVED(test_fetch_follows_redirects_up_to_the_limit),
		SERVED(test_fetch_redirected_to_another_scheme_fails),
		SERVED(test_fetch_of_an_error_page_writes_nothing),
		SERVED(test_fetch_of_an_error_page_does_not_wait_for_it),
	};

	return cmocka_run_group_tests(tests, fetch_setup, fetch_teardown);
}
