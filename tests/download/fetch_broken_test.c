/* SPDX-License-Identifier: MIT */
/*
 * fetch_broken_test.c - what a fetcher says when origin, network, URL or disk are broken, and
 * of files that it reads itself.
 */
#include "config.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/resource.h>

#include "tests/download/fetch_stage.h"

const struct answer answers[] = {
	{ .path = "/five", .text = OK FIVE END "12345" },
	{ .path = "/nolength", .text = OK END "123", .after = THEN_CLOSE },
	{ .path = "/stall", .text = OK FIVE END "123", .after = THEN_STALL },
	{ .path = "/silent", .text = "", .after = THEN_STALL },
	{ .path = "/reset", .text = OK FIVE END "123", .after = THEN_RESET },
	{ .path = "/nothing", .text = "", .after = THEN_CLOSE },
	{ .path = "/garbage", .text = "SSH-2.0-OpenSSH\r\n", .after = THEN_CLOSE },
	{ .path = "/headers",
	  .text = OK,
	  .after = THEN_FLOOD,
	  .more = "X-Y: zzzzzzzzzzzzzzzz\r\n" },
	{ .path = "/hints",
	  .text = "",
	  .after = THEN_FLOOD,
	  .more = "HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n" },
	{ .path = NULL, .text = "HTTP/1.1 410 Gone\r\n" ERROR_PAGE },
};

/* ---- names ---- */

static int resolver_gate[2];

/* Stands before the C library's: the name server of this test answers when it is told to. */
int getaddrinfo(const char *restrict node, const char *restrict service,
		const struct addrinfo *restrict hints, struct addrinfo **restrict result)
{
	char byte;

	(void)node;
	(void)service;
	(void)hints;
	(void)result;
	return read(resolver_gate[0], &byte, 1) == 1 ? EAI_AGAIN : EAI_NONAME;
}

static void test_fetch_without_name_server_does_not_wait_for_it(void **state)
{
	struct stage *stage = *state;
	double start = seconds();

	assert_int_equal(pipe2(resolver_gate, O_CLOEXEC), 0);
	fetch_url(stage, "http://host.invalid/");
	expect_fault(stage, FAILURE_FETCH, TIMED_OUT, true);
	/* The look-up itself would last until the deadline. */
	assert_true(seconds() - start < 10);
	expect_body(stage, "/five", "12345");
	/* Now let its thread go, and the next look-up with it. */
	assert_int_equal(write(resolver_gate[1], "12", 2), 2);
	fetch_url(stage, "http://other.invalid/");
	expect_fault(stage, FAILURE_FETCH, UNKNOWN_HOST, true);
	close(resolver_gate[1]);
	close(resolver_gate[0]);
}

/* ---- connections ---- */

static void test_fetch_from_a_stalled_origin_gives_up(void **state)
{
	static const char *const paths[] = { "/stall", "/silent" };
	struct stage *stage = *state;

	for (int i = 0; i < 2; i++) {
		double start = seconds();

		fetch_path(stage, paths[i]);
		expect_fault(stage, FAILURE_IDLE, 1, true);
		assert_true(seconds() - start > 0.9);
		assert_true(seconds() - start < 10);
	}
	expect_body(stage, "/five", "12345");
}

static void test_fetch_with_a_broken_connection_may_be_tried_again(void **state)
{
	struct stage *stage = *state;

	fetch_path(stage, "/reset");
	expect_fault(stage, FAILURE_FETCH, RECEIVE_FAILED, true);
	assert_int_equal(stage->result.failure.os_errno, ECONNRESET);
	fetch_path(stage, "/nothing");
	expect_fault(stage, FAILURE_FETCH, GOT_NOTHING, true);
}

static void test_fetch_from_a_closed_port_is_refused(void **state)
{
	struct stage *stage = *state;
	char url[64];
	in_port_t port;

	close(listen_anywhere(1, &port));
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/", port);
	fetch_url(stage, url);
	assert_int_equal(stage->result.failure.kind, FAILURE_FETCH);
	assert_int_equal(stage->result.failure.os_errno, ECONNREFUSED);
	assert_false(stage->result.failure.transient);
}

/* A listener whose queue is full drops the SYN of whoever comes next. */
static void test_fetch_from_a_silent_host_times_out(void **state)
{
	struct stage *stage = *state;
	struct sockaddr_in address = { .sin_family = AF_INET };
	char url[64];
	in_port_t port;
	int listener = listen_anywhere(0, &port);
	int fillers[4];

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	address.sin_port = htons(port);
	for (int i = 0; i < 4; i++) {
		fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		assert_true(fillers[i] >= 0);
		(void)connect(fillers[i], (struct sockaddr *)&address, sizeof(address));
	}
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/", port);
	fetch_url(stage, url);
	expect_fault(stage, FAILURE_FETCH, TIMED_OUT, true);
	for (int i = 0; i < 4; i++)
		close(fillers[i]);
	close(listener);
}

static void test_fetch_of_no_http_fails(void **state)
{
	struct stage *stage = *state;

	fetch_path(stage, "/garbage");
	expect_fault(stage, FAILURE_FETCH, WEIRD_REPLY, false);
	/* Header lines without end, in one answer and in a row of interim ones. */
	fetch_path(stage, "/headers");
	expect_fault(stage, FAILURE_FETCH, WEIRD_REPLY, false);
	fetch_path(stage, "/hints");
	expect_fault(stage, FAILURE_FETCH, WEIRD_REPLY, false);
}

static void test_fetch_of_unusable_urls_fails(void **state)
{
	struct stage *stage = *state;

	fetch_url(stage, "ftp://127.0.0.1/x");
	expect_fault(stage, FAILURE_FETCH, UNSUPPORTED_PROTOCOL, false);
	fetch_url(stage, "gopher://127.0.0.1/x");
	expect_fault(stage, FAILURE_FETCH, UNSUPPORTED_PROTOCOL, false);
	fetch_url(stage, "http://127.0.0.1:99999/x");
	expect_fault(stage, FAILURE_FETCH, MALFORMED_URL, false);
	fetch_url(stage, "");
	expect_fault(stage, FAILURE_FETCH, MALFORMED_URL, false);
	expect_body(stage, "/five", "12345");
}

/* ---- writing ---- */

static void test_fetch_into_a_full_device_says_so(void **state)
{
	struct stage *stage = *state;
	char url[64];
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/five", stage->origin.port);
	assert_int_equal(fetch_into(stage, url, fd, NULL), -1);
	close(fd);
	expect_fault(stage, FAILURE_WRITE, ENOSPC, false);
	assert_int_equal(fetch_into(stage, url, -1, NULL), -1);
	expect_fault(stage, FAILURE_WRITE, EBADF, false);
}

static void test_fetch_beyond_the_file_size_limit_says_so(void **state)
{
	struct stage *stage = *state;
	struct rlimit before, tight;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	tight = before;
	tight.rlim_cur = 3;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
	fetch_path(stage, "/five");
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	expect_fault(stage, FAILURE_WRITE, EFBIG, false);
	assert_string_equal(stage->content, "123");
}

/* A large body is written in larger pieces than it comes in; what is there is told to the byte. */
static void test_fetch_of_a_large_body_beyond_that_limit_says_so(void **state)
{
	struct stage *stage = *state;
	char path[] = "/tmp/fetch_test.XXXXXX", url[64];
	struct rlimit before, tight;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, MAX_SIZE), 0);
	snprintf(url, sizeof(url), "file://%s", path);
	fetch_url(stage, url);
	expect_fault(stage, FAILURE_NONE, 0, false);
	assert_int_equal(stage->result.bytes, MAX_SIZE);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	tight = (struct rlimit){ MAX_SIZE - 30003, before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
	fetch_url(stage, url);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	expect_fault(stage, FAILURE_WRITE, EFBIG, false);
	assert_int_equal(stage->result.bytes, MAX_SIZE - 30003);
	unlink(path);
	close(fd);
}

/* ---- file:// ---- */

static void test_fetch_of_local_files_obeys_the_same_limits(void **state)
{
	struct stage *stage = *state;
	char path[] = "/tmp/fetch_test.XXXXXX";
	char url[64];
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "local", 5), 5);
	snprintf(url, sizeof(url), "file://%s", path);
	/* After an answer with another length, which must be forgotten. */
	expect_body(stage, "/nolength", "123");
	fetch_url(stage, url);
	expect_fault(stage, FAILURE_NONE, 0, false);
	assert_string_equal(stage->content, "local");
	assert_int_equal(stage->result.total, 5);
	assert_int_equal(ftruncate(fd, MAX_SIZE + 1), 0);
	fetch_url(stage, url);
	expect_fault(stage, FAILURE_TOO_BIG, 0, false);
	assert_int_equal(ftruncate(fd, 0), 0);
	fetch_url(stage, url);
	expect_fault(stage, FAILURE_NONE, 0, false);
	unlink(path);
	close(fd);
	fetch_url(stage, url);
	expect_fault(stage, FAILURE_FETCH, UNREADABLE_FILE, false);
	fetch_url(stage, "file:///dev/zero");
	expect_fault(stage, FAILURE_TOO_BIG, 0, false);
	fetch_url(stage, "file:///tmp");
	expect_fault(stage, FAILURE_FETCH, UNREADABLE_FILE, false);
	/* No size, yet bytes. */
	fetch_url(stage, "file:///proc/self/status");
	expect_fault(stage, FAILURE_NONE, 0, false);
	assert_memory_equal(stage->content, "Name:", 5);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		SERVED(test_fetch_without_name_server_does_not_wait_for_it),
		SERVED(test_fetch_from_a_stalled_origin_gives_up),
		SERVED(test_fetch_with_a_broken_connection_may_be_tried_again),
		SERVED(test_fetch_from_a_closed_port_is_refused),
		SERVED(test_fetch_from_a_silent_host_times_out),
		SERVED(test_fetch_of_no_http_fails),
		SERVED(test_fetch_of_unusable_urls_fails),
		SERVED(test_fetch_into_a_full_device_says_so),
		SERVED(test_fetch_beyond_the_file_size_limit_says_so),
		SERVED(test_fetch_of_a_large_body_beyond_that_limit_says_so),
		SERVED(test_fetch_of_local_files_obeys_the_same_limits),
	};

	return cmocka_run_group_tests(tests, fetch_setup, fetch_teardown);
}
