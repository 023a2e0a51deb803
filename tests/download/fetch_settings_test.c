/* SPDX-License-Identifier: MIT */
/*
 * fetch_settings_test.c - what an origin is told on the user's wish, and what compression changes.
 */
#include "config.h"

#include "tests/download/fetch_stage.h"

/* gzip of "compressed text". */
#define PACKED                                                                             \
 "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nETag: \"v1\"\r\nContent-Length: 35\r\n\r\n" \
 "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\x4b\xce\xcf\x2d\x28\x4a\x2d\x2e\x4e\x4d"        \
 "\x51\x28\x49\xad\x28\x01\x00\xc2\x18\xd8\xd8\x0f\x00\x00\x00"

/* gzip of 200,000 zeros, of which 193 bytes are zeros themselves. */
#define Z8  "\0\0\0\0\0\0\0\0"
#define Z32 Z8 Z8 Z8 Z8
#define BOMB                                                                \
 "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 229\r\n\r\n" \
 "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xed\xc1\x31\x01\x00\x00"         \
 "\x00\xc2\xa0\xf5\x4f\x6d\x06\x7f\xa0" Z32 Z32 Z32 Z32 Z32 Z32 "\0"        \
 "\x80\xd7\x00\x7b\x58\xe0\x5c\x40\x0d\x03\x00"

const struct answer answers[] = {
	{ .path = "/five", .text = OK FIVE END "12345" },
	{ .path = "/packed", .text = PACKED, .size = sizeof(PACKED) - 1 },
	{ .path = "/bomb", .text = BOMB, .size = sizeof(BOMB) - 1 },
	{ .path = "/dated",
	  .text = OK FIVE "Last-Modified: Thu, 02 Jan 2020 00:00:09 GMT\r\n" END "12345" },
	{ .path = NULL, .text = "HTTP/1.1 410 Gone\r\n" ERROR_PAGE },
};

static void use(struct stage *stage, struct fetch_settings settings)
{
	settings.connect_timeout = 5;
	settings.max_size = MAX_SIZE;
	fetch_free(stage->fetch);
	stage->fetch = fetch_new(&settings);
	assert_non_null(stage->fetch);
}

static bool asked(const struct stage *stage, const char *line)
{
	return strstr(stage->origin.seen->request, line) != NULL;
}

static void test_headers_and_name_are_the_users(void **state)
{
	const char *headers[] = { "X-Key: secret", "Accept: text/plain", NULL };
	struct stage *stage = *state;

	expect_body(stage, "/five", "12345");
	assert_true(asked(stage, "User-Agent: ipcdemo/"));
	use(stage, (struct fetch_settings){ .headers = headers, .user_agent = "Robot/1" });
	for (int i = 0; i < 2; i++) { /* of every transfer */
		expect_body(stage, "/five", "12345");
		assert_true(asked(stage, "\r\nX-Key: secret\r\n"));
		assert_true(asked(stage, "\r\nAccept: text/plain\r\n"));
		assert_true(asked(stage, "\r\nUser-Agent: Robot/1\r\n"));
	}
}

static void test_netrc_is_read_where_it_is_wanted(void **state)
{
	struct stage *stage = *state;
	char home[] = "/tmp/fetch_test.XXXXXX", path[64];
	FILE *file;

	assert_non_null(mkdtemp(home));
	snprintf(path, sizeof(path), "%s/.netrc", home);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_true(fputs("machine 127.0.0.1 login me password pw\n", file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(setenv("HOME", home, 1), 0);
	expect_body(stage, "/five", "12345");
	assert_false(asked(stage, "Authorization:"));
	use(stage, (struct fetch_settings){ .netrc = true });
	expect_body(stage, "/five", "12345");
	unlink(path);
	rmdir(home);
	assert_true(asked(stage, "\r\nAuthorization: Basic bWU6cHc=\r\n")); /* me:pw */
}

/* The length announced is that of the packed bytes, and what is on disk has other offsets. */
static void test_compressed_body_is_unpacked_and_not_resumed(void **state)
{
	struct stage *stage = *state;

	use(stage, (struct fetch_settings){ .compressed = true });
	expect_body(stage, "/packed", "compressed text");
	assert_true(asked(stage, "\r\nAccept-Encoding: "));
	assert_true(stage->result.total == FETCH_SIZE_UNKNOWN);
	/* Unasked for, it is the file. */
	use(stage, (struct fetch_settings){ .compressed = false });
	fetch_path(stage, "/packed");
	expect_fault(stage, FAILURE_NONE, 0, false);
	assert_memory_equal(stage->content, "\x1f\x8b", 2);
	assert_false(asked(stage, "Accept-Encoding"));
}

/* What counts is what it holds, not what comes. */
static void test_compressed_body_is_limited_unpacked(void **state)
{
	struct stage *stage = *state;

	use(stage, (struct fetch_settings){ .compressed = true });
	fetch_path(stage, "/bomb");
	expect_fault(stage, FAILURE_TOO_BIG, 0, false);
	assert_in_range(stage->result.bytes, 0, MAX_SIZE);
	use(stage, (struct fetch_settings){ .compressed = false });
	fetch_path(stage, "/bomb");
	expect_fault(stage, FAILURE_NONE, 0, false);
	assert_int_equal(stage->result.bytes, 229);
}

static void test_time_of_the_file_is_told(void **state)
{
	struct stage *stage = *state;

	expect_body(stage, "/dated", "12345");
	assert_int_equal(stage->result.modified, 1577923209);
	expect_body(stage, "/five", "12345");
	assert_int_equal(stage->result.modified, -1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		SERVED(test_headers_and_name_are_the_users),
		SERVED(test_netrc_is_read_where_it_is_wanted),
		SERVED(test_compressed_body_is_unpacked_and_not_resumed),
		SERVED(test_compressed_body_is_limited_unpacked),
		SERVED(test_time_of_the_file_is_told),
	};

	return cmocka_run_group_tests(tests, fetch_setup, fetch_teardown);
}
