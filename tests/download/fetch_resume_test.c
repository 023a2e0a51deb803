/* SPDX-License-Identifier: MIT */
/*
 * fetch_resume_test.c - the rest of a file, and what outlives a transfer: connections do, cookies
 * and counts do not.
 */
#include "config.h"

#include "tests/download/fetch_stage.h"

/* An answer to "the rest from byte 4 on" of "0123456789". */
#define PART(range, etag, body)                                                  \
 "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes " range "\r\nETag: " etag \
 "\r\nContent-Length: 6\r\n\r\n" body
#define TEN      "Content-Length: 10\r\n"
#define V1       "\"v1\""
#define TODAY    "Date: Thu, 02 Jan 2020 00:00:10 GMT\r\n"
#define MODIFIED "Last-Modified: Thu, 02 Jan 2020 00:00:0"

const struct answer answers[] = {
	{ .path = "/five", .text = OK FIVE END "12345" },
	{ .path = "/rest", .text = PART("4-9/10", V1, "456789") },
	{ .path = "/changed", .text = OK "ETag: \"v2\"\r\n" TEN END "abcdefghij" },
	{ .path = "/other", .text = PART("4-9/10", "\"v2\"", "456789") },
	{ .path = "/shifted", .text = PART("3-9/10", V1, "345678") },
	{ .path = "/longer", .text = PART("4-9/11", V1, "456789") },
	{ .path = "/middle", .text = PART("4-8/10", V1, "456789") },
	{ .path = "/unsized", .text = PART("4-9/*", V1, "456789") },
	{ .path = "/range",
	  .text = "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 4-8/10\r\nETag: " V1
		  "\r\nContent-Length: 5\r\n\r\n45678" },
	{ .path = "/split",
	  .text = OK TEN "Accept-Ranges: bytes\r\nETag: " V1 END END "0123456789" },
	{ .path = "/split-1.0",
	  .text = "HTTP/1.0 200 OK\r\n" TEN "Accept-Ranges: bytes\r\nETag: " V1 END END
		  "0123456789" },
	{ .path = "/last",
	  .text = "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 9-9/10\r\n"
		  "Content-Length: 1\r\n\r\n9" },
	{ .path = "/416",
	  .text = "HTTP/1.1 416 Range Not Satisfiable\r\n"
		  "Content-Range: bytes */10\r\n" ERROR_PAGE },
	{ .path = "/short",
	  .text = "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 4-9/10\r\nETag: " V1
		  "\r\nContent-Length: 6\r\n\r\n456",
	  .after = THEN_CLOSE },
	{ .path = "/strong", .text = OK TEN "ETag: " V1 END END "01", .after = THEN_CLOSE },
	{ .path = "/weak", .text = OK TEN "ETag: W/" V1 END END "01", .after = THEN_CLOSE },
	{ .path = "/dated",
	  .text = OK TEN TODAY MODIFIED "9 GMT\r\n" END "01",
	  .after = THEN_CLOSE },
	{ .path = "/fresh",
	  .text = OK TEN TODAY MODIFIED "10 GMT\r\n" END "01",
	  .after = THEN_CLOSE },
	{ .path = "/noranges",
	  .text = OK TEN "Accept-Ranges: none\r\nETag: " V1 END END "01",
	  .after = THEN_CLOSE },
	{ .path = "/once-reset", .text = OK FIVE END "12345", .after = THEN_RESET_NEXT },
	{ .path = "/once-end", .text = OK FIVE END "12345", .after = THEN_END_NEXT, .more = "" },
	{ .path = "/once-408",
	  .text = OK FIVE END "12345",
	  .after = THEN_END_NEXT,
	  .more = "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n" ERROR_PAGE },
	{ .path = "/login", .text = MOVED "/member\r\nSet-Cookie: id=42\r\n\r\npage" },
	{ .path = NULL, .text = "HTTP/1.1 410 Gone\r\n" ERROR_PAGE },
};

/* What note_source was told, and what was kept. */
struct told {
	unsigned times;
	bool dropped;
	struct fetch_source source;
	uint64_t kept; /* as progress says before anything of the answer is written */
};

static int on_progress(void *arg, const struct fetch_progress *progress)
{
	struct told *told = arg;

	if (progress->bytes == progress->kept)
		told->kept = progress->kept;
	return 0;
}

static void on_source(const struct fetch_request *request, const struct fetch_source *source)
{
	struct told *told = request->hooks->arg;

	told->times++;
	told->dropped = told->dropped || !source;
	if (source)
		told->source = *source;
}

/* Fetches PATH into a file that holds BEFORE, of version VALIDATOR. */
static void resume(struct stage *stage, const char *path, const char *before, const char *validator,
		   struct told *told)
{
	const struct fetch_hooks hooks = { .arg = told, .progress = on_progress };
	char url[128];
	struct fetch_request request = { .url = url,
					 .fd = memfd_create("body", MFD_CLOEXEC),
					 .offset = strlen(before),
					 .source = { .total = 10 },
					 .hooks = &hooks,
					 .note_source = on_source };

	*told = (struct told){ .times = 0 };
	snprintf(request.source.validator, sizeof(request.source.validator), "%s", validator);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u%s", stage->origin.port, path);
	assert_true(request.fd >= 0);
	assert_int_equal(write(request.fd, before, strlen(before)), strlen(before));
	(void)fetch_run(stage->fetch, &request, &stage->result);
	memset(stage->content, 0, sizeof(stage->content));
	assert_true(pread(request.fd, stage->content, sizeof(stage->content) - 1, 0) >= 0);
	close(request.fd);
}

static void expect_resumed(struct stage *stage, const char *path, const char *content)
{
	struct told told;

	resume(stage, path, "0123", V1, &told);
	expect_fault(stage, FAILURE_NONE, 0, false);
	assert_int_equal(told.kept, 4);
	assert_string_equal(stage->content, content);
	assert_int_equal(stage->result.bytes, 10);
	assert_int_equal(stage->result.total, 10);
}

static void test_resume_asks_for_the_rest_of_the_same_version(void **state)
{
	struct stage *stage = *state;

	expect_resumed(stage, "/rest", "0123456789");
	assert_non_null(strstr(stage->origin.seen->request, "Range: bytes=4-\r\n"));
	assert_non_null(strstr(stage->origin.seen->request, "If-Range: " V1 "\r\n"));
}

/* Another version arrives as a whole; who noted the old one is told before a byte is replaced. */
static void test_resume_takes_a_changed_file_as_a_whole(void **state)
{
	struct stage *stage = *state;
	struct told told;

	resume(stage, "/changed", "0123", V1, &told);
	expect_fault(stage, FAILURE_NONE, 0, false);
	assert_string_equal(stage->content, "abcdefghij");
	assert_int_equal(stage->result.bytes, 10);
	assert_true(told.dropped);
	assert_int_equal(told.kept, 0);
}

/* Each of them is asked for the whole at once; this origin gives no other answer to that. */
static void test_resume_writes_nothing_of_a_wrong_rest(void **state)
{
	static const char *const paths[] = { "/other",  "/shifted", "/longer",
					     "/middle", "/unsized", "/416" };
	struct stage *stage = *state;
	struct told told;

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		unsigned before = stage->origin.seen->requests;

		resume(stage, paths[i], "0123", V1, &told);
		assert_int_equal(stage->result.failure.kind, FAILURE_HTTP);
		assert_string_equal(stage->content, "0123");
		assert_int_equal(stage->origin.seen->requests - before, 2);
		assert_null(strstr(stage->origin.seen->request, "Range:"));
	}
}

static void test_resume_of_a_whole_file_asks_for_its_last_byte(void **state)
{
	struct stage *stage = *state;
	struct told told;

	resume(stage, "/last", "0123456789", V1, &told);
	expect_fault(stage, FAILURE_NONE, 0, false);
	assert_string_equal(stage->content, "0123456789");
	assert_non_null(strstr(stage->origin.seen->request, "Range: bytes=9-\r\n"));
}

static void test_resume_of_too_much_begins_anew(void **state)
{
	struct stage *stage = *state;
	struct told told;

	resume(stage, "/changed", "0123456789a", V1, &told);
	assert_string_equal(stage->content, "abcdefghij");
	assert_null(strstr(stage->origin.seen->request, "Range:"));
	resume(stage, "/changed", "0123", "", &told);
	assert_string_equal(stage->content, "abcdefghij");
	assert_null(strstr(stage->origin.seen->request, "Range:"));
}

static void test_resume_that_breaks_off_keeps_what_came(void **state)
{
	struct stage *stage = *state;
	struct told told;

	resume(stage, "/short", "0123", V1, &told);
	expect_fault(stage, FAILURE_SIZE, 0, true);
	assert_string_equal(stage->content, "0123456");
	assert_int_equal(stage->result.bytes, 7);
	assert_int_equal(told.times, 1);
	assert_string_equal(told.source.validator, V1);
	assert_int_equal(told.source.total, 10);
}

/* Only what names one version: a strong tag, or a date that is older than the answer. */
static void test_source_is_told_where_the_rest_can_be_asked_for(void **state)
{
	static const struct {
		const char *path, *validator;
	} cases[] = {
		{ "/strong", V1 },
		{ "/weak", "" },
		{ "/dated", "Thu, 02 Jan 2020 00:00:09 GMT" },
		{ "/fresh", "" },
		{ "/noranges", "" },
	};
	struct stage *stage = *state;
	struct told told;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		resume(stage, cases[i].path, "", "", &told);
		expect_fault(stage, FAILURE_SIZE, 0, true);
		assert_string_equal(told.source.validator, cases[i].validator);
		assert_int_equal(told.times, *cases[i].validator != '\0');
	}
}

/* ---- what outlives a transfer ---- */

/* libcurl alone repeats silently too, but five times in a handle's life. */
static void test_kept_connection_that_died_costs_no_job(void **state)
{
	static const char *const paths[] = { "/once-reset", "/once-end", "/once-408" };
	struct stage *stage = *state;

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		for (unsigned job = 0; job < 20; job++)
			expect_body(stage, paths[i], "12345");
}

static void test_cookies_live_as_long_as_their_job(void **state)
{
	struct stage *stage = *state;

	fetch_path(stage, "/login");
	assert_non_null(strstr(stage->origin.seen->request, "GET /member "));
	assert_non_null(strstr(stage->origin.seen->request, "Cookie: id=42\r\n"));
	expect_body(stage, "/five", "12345");
	assert_null(strstr(stage->origin.seen->request, "Cookie:"));
}

/* ---- a range of a file ---- */

/* Fetches bytes 4 to 8 of PATH into a file that holds all ten of another content. */
static void fetch_range(struct stage *stage, const char *path)
{
	char url[128];
	struct fetch_request request = { .url = url,
					 .fd = memfd_create("body", MFD_CLOEXEC),
					 .offset = 4,
					 .end = 9,
					 .strict = true,
					 .source = { .validator = V1, .total = 10 } };

	snprintf(url, sizeof(url), "http://127.0.0.1:%u%s", stage->origin.port, path);
	assert_true(request.fd >= 0);
	assert_int_equal(write(request.fd, "zzzzzzzzzz", 10), 10);
	(void)fetch_run(stage->fetch, &request, &stage->result);
	memset(stage->content, 0, sizeof(stage->content));
	assert_int_equal(pread(request.fd, stage->content, sizeof(stage->content) - 1, 0), 10);
	close(request.fd);
}

static void test_range_goes_to_its_place_and_no_further(void **state)
{
	struct stage *stage = *state;

	fetch_range(stage, "/range");
	expect_fault(stage, FAILURE_NONE, 0, false);
	assert_string_equal(stage->content, "zzzz45678z");
	assert_int_equal(stage->result.bytes, 9);
	assert_int_equal(stage->result.total, 9);
	assert_non_null(strstr(stage->origin.seen->request, "Range: bytes=4-8\r\n"));
	assert_non_null(strstr(stage->origin.seen->request, "If-Range: " V1 "\r\n"));
}

/* Once: who asks for a range alone has no use for the whole. */
static void test_range_that_is_not_to_be_had_leaves_the_file(void **state)
{
	static const char *const paths[] = { "/changed", "/five",   "/other",   "/shifted",
					     "/rest",    "/longer", "/unsized", "/416" };
	struct stage *stage = *state;

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		unsigned before = stage->origin.seen->requests;

		fetch_range(stage, paths[i]);
		expect_fault(stage, FAILURE_RANGE, 0, false);
		assert_string_equal(stage->content, "zzzzzzzzzz");
		assert_int_equal(stage->origin.seen->requests - before, 1);
	}
}

static void test_range_of_an_error_page_is_that_error(void **state)
{
	struct stage *stage = *state;

	fetch_range(stage, "/none");
	expect_fault(stage, FAILURE_HTTP, 410, false);
	assert_string_equal(stage->content, "zzzzzzzzzz");
}

static uint64_t stop_at_three(const struct fetch_request *request,
			      const struct fetch_source *source, uint64_t offset)
{
	*(struct fetch_source *)request->arg = *source;
	assert_int_equal(offset, 0);
	return 3;
}

/* The whole begins, and is known before its first byte: enough is enough. */
static void test_begun_says_where_to_stop(void **state)
{
	struct stage *stage = *state;
	struct fetch_source source = { .total = 0 };
	char url[128];
	struct fetch_request request = { .url = url,
					 .fd = memfd_create("body", MFD_CLOEXEC),
					 .begun = stop_at_three,
					 .arg = &source };

	snprintf(url, sizeof(url), "http://127.0.0.1:%u/split", stage->origin.port);
	assert_int_equal(fetch_run(stage->fetch, &request, &stage->result), 0);
	assert_int_equal(lseek(request.fd, 0, SEEK_END), 3);
	assert_int_equal(stage->result.bytes, 3);
	assert_int_equal(stage->result.total, 3);
	assert_true(source.ranges && source.total == 10);
	assert_string_equal(source.validator, V1);
	close(request.fd);
	request.fd = memfd_create("body", MFD_CLOEXEC);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/split-1.0", stage->origin.port);
	assert_int_equal(fetch_run(stage->fetch, &request, &stage->result), 0);
	assert_false(source.ranges); /* by HTTP/1.0 */
	close(request.fd);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		SERVED(test_resume_asks_for_the_rest_of_the_same_version),
		SERVED(test_resume_takes_a_changed_file_as_a_whole),
		SERVED(test_resume_writes_nothing_of_a_wrong_rest),
		SERVED(test_resume_of_a_whole_file_asks_for_its_last_byte),
		SERVED(test_resume_of_too_much_begins_anew),
		SERVED(test_resume_that_breaks_off_keeps_what_came),
		SERVED(test_range_goes_to_its_place_and_no_further),
		SERVED(test_range_that_is_not_to_be_had_leaves_the_file),
		SERVED(test_range_of_an_error_page_is_that_error),
		SERVED(test_begun_says_where_to_stop),
		SERVED(test_source_is_told_where_the_rest_can_be_asked_for),
		SERVED(test_kept_connection_that_died_costs_no_job),
		SERVED(test_cookies_live_as_long_as_their_job),
	};

	return cmocka_run_group_tests(tests, fetch_setup, fetch_teardown);
}
