/* SPDX-License-Identifier: MIT */
/*
 * server_test.c - the origin's bytes, names, pace, connections and life, as seen from a plain
 * socket. Its faults are in faults_test.c.
 */
#include "config.h"

#include "origin/origin.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "tests/origin/origin_client.h"

#define PARALLEL 32

#define PACED_BYTES 400000
#define PACED_S     0.8

static const struct origin_file files[] = {
	{ .name = "Python从入门到放弃.pdf", .size = 123457, .seconds = 0 },
	{ .name = "图解算法.pdf", .size = 1001, .seconds = 0 },
	{ .name = "paced.bin", .size = PACED_BYTES, .seconds = PACED_S },
	{ .name = "few bytes", .size = 3, .seconds = 0.3 },
	{ .name = "hour.bin", .size = 1000000, .seconds = 3600 },
	{ .name = "bytes/shadowed", .size = 7, .seconds = 0 },
};

static const struct origin_config config = { .files = files,
					     .file_count = sizeof files / sizeof *files };

static struct origin *origin;
static uint16_t port;

static int setup(void **state)
{
	(void)state;
	assert_int_equal(origin_start(&origin, &config), 0);
	port = origin_port(origin);
	assert_int_not_equal(port, 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	origin_stop(origin);
	origin = NULL;
	return 0;
}

static double now_s(void)
{
	struct timespec now;

	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- bytes ---- */

static void test_origin_fill_known_name_gives_known_bytes(void **state)
{
	/* Computed by a program in another language, from the description alone. */
	static const unsigned char expected[16] = {
		0xd3, 0x18, 0x46, 0xcb, 0xcc, 0x12, 0x63, 0x9f,
		0x87, 0x92, 0x52, 0x05, 0xaf, 0xa6, 0x97, 0xb4
	};
	unsigned char bytes[16];

	(void)state;
	origin_fill("图解算法.pdf", 0, bytes, sizeof bytes);
	assert_memory_equal(bytes, expected, sizeof bytes);
}

static void test_origin_fill_any_part_equals_the_whole(void **state)
{
	unsigned char whole[96], part[96 + 2];

	(void)state;
	origin_fill("x", 0, whole, sizeof whole);
	for (size_t from = 0; from < sizeof whole; from++) {
		for (size_t n = 0; from + n <= sizeof whole; n++) {
			memset(part, 0xee, sizeof part);
			origin_fill("x", from, part + 1, n);
			assert_memory_equal(part + 1, whole + from, n);
			assert_int_equal(part[0], 0xee);
			assert_int_equal(part[n + 1], 0xee);
		}
	}
}

static void test_origin_fill_beyond_4_gib_goes_on(void **state)
{
	unsigned char whole[64], part[61], start[64];

	(void)state;
	origin_fill("x", 1ULL << 32, whole, sizeof whole);
	origin_fill("x", (1ULL << 32) + 3, part, sizeof part);
	assert_memory_equal(part, whole + 3, sizeof part);
	origin_fill("x", 0, start, sizeof start);
	assert_memory_not_equal(whole, start, sizeof start);
}

static void test_origin_fill_other_name_gives_other_bytes(void **state)
{
	unsigned char one[8], two[8];

	(void)state;
	origin_fill("f0001", 0, one, sizeof one);
	origin_fill("f0002", 0, two, sizeof two);
	assert_memory_not_equal(one, two, sizeof one);
}

static void test_origin_sha256_equals_that_of_the_fetched_body(void **state)
{
	static const size_t sizes[] = { 0, 1, 65536, 1000003 };
	unsigned char expected[32], actual[32];
	struct answer answer;
	char path[64];

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		(void)snprintf(path, sizeof path, "/bytes/%zu/some.bin", sizes[i]);
		client_get(port, path, &answer);
		assert_int_equal(answer.size, sizes[i]);
		assert_true(EVP_Digest(answer.size ? answer.body : (unsigned char *)"", answer.size,
				       actual, NULL, EVP_sha256(), NULL));
		assert_int_equal(origin_sha256("some.bin", sizes[i], expected), 0);
		assert_memory_equal(actual, expected, sizeof expected);
		answer_free(&answer);
	}
}

/* ---- names and answers ---- */

static void expect_file(const char *path, const char *name, uint64_t size)
{
	struct answer answer;

	client_get(port, path, &answer);
	assert_int_equal(answer.status, 200);
	assert_int_equal(answer.end, END_OK);
	assert_true(answer.sized);
	assert_int_equal(answer.length, size);
	assert_true(answer_is(&answer, name, size));
	answer_free(&answer);
}

static void test_origin_utf8_name_is_found_percent_encoded(void **state)
{
	(void)state;
	expect_file("/Python%E4%BB%8E%E5%85%A5%E9%97%A8%E5%88%B0%E6%94%BE%E5%BC%83.pdf",
		    files[0].name, files[0].size);
	expect_file("/%e5%9b%be%e8%a7%a3%e7%ae%97%e6%b3%95.pdf", files[1].name, files[1].size);
	expect_file("/bytes/20/%E5%9B%BE%E8%A7%A3.pdf", "图解.pdf", 20);
}

static void test_origin_name_may_hold_slashes_and_a_query_follows(void **state)
{
	(void)state;
	expect_file("/bytes/20/a/b", "a/b", 20);
	expect_file("/bytes/20/a%2Fb?x=1", "a/b", 20);
	expect_file("/bytes/shadowed", "bytes/shadowed", 7);
}

static void expect_refusal(const char *method, const char *path, int status)
{
	struct client client;
	struct answer answer;

	client_open(&client, port);
	client_send(&client, method, path);
	client_read(&client, method, &answer);
	client_close(&client);
	assert_int_equal(answer.status, status);
	assert_int_equal(answer.end, END_OK);
	answer_free(&answer);
}

static void test_origin_unknown_path_is_404(void **state)
{
	(void)state;
	expect_refusal("GET", "/", 404);
	expect_refusal("GET", "/nosuch", 404);
	expect_refusal("GET", "/bytes/10", 404);
	expect_refusal("GET", "/bytes/10/", 404);
	expect_refusal("GET", "/bytes/ten/x", 404);
	expect_refusal("GET", "/bytes/-1/x", 404);
	expect_refusal("HEAD", "/bytes/17179869185/x", 404); /* 16 GiB + 1 */
	expect_refusal("HEAD", "/bytes/17179869184/x", 200);
	expect_refusal("HEAD", "/bytes/99999999999999999999/x", 404);
}

static void test_origin_broken_escape_is_400(void **state)
{
	(void)state;
	expect_refusal("GET", "/bytes/10/%zz", 400);
	expect_refusal("GET", "/bytes/10/%4", 400);
	expect_refusal("GET", "/bytes/10/x%00y", 400);
}

static void test_origin_other_method_is_405(void **state)
{
	(void)state;
	expect_refusal("DELETE", "/bytes/10/x", 405);
}

static void test_origin_fault_paths_without_faults_are_404(void **state)
{
	(void)state;
	expect_refusal("GET", "/fault/truncate/10/x", 404);
}

static void test_origin_head_has_the_length_and_no_ranges_are_offered(void **state)
{
	struct client client;
	struct answer answer;

	(void)state;
	client_open(&client, port);
	client_send(&client, "HEAD", "/bytes/12345/x");
	client_read(&client, "HEAD", &answer);
	assert_int_equal(answer.status, 200);
	assert_int_equal(answer.length, 12345);
	assert_null(strcasestr(answer.head, "Accept-Ranges"));
	client_close(&client);
}

/* ---- connections ---- */

static void test_origin_connection_is_kept_between_answers(void **state)
{
	static const struct {
		const char *method, *path;
		int status;
		uint64_t length;
	} requests[] = {
		{ "GET", "/bytes/1000/one", 200, 1000 },
		{ "HEAD", "/bytes/1000/two", 200, 1000 },
		{ "GET", "/nosuch", 404, 13 },
		{ "GET", "/bytes/0/three", 200, 0 },
		{ "GET", "/bytes/70000/four", 200, 70000 },
	};
	struct client client;
	struct answer answer;

	(void)state;
	client_open(&client, port);
	for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
		client_send(&client, requests[i].method, requests[i].path);
		client_read(&client, requests[i].method, &answer);
		assert_int_equal(answer.status, requests[i].status);
		assert_int_equal(answer.end, END_OK);
		assert_int_equal(answer.length, requests[i].length);
		assert_false(answer_has(&answer, "Connection: close"));
		answer_free(&answer);
	}
	client_close(&client);
}

static void test_origin_32_connections_are_served_at_once(void **state)
{
	static struct client clients[PARALLEL];
	struct answer answer;
	char path[64], name[16];

	(void)state;
	for (unsigned i = 0; i < PARALLEL; i++) {
		client_open(&clients[i], port);
		(void)snprintf(path, sizeof path, "/bytes/%u/n%u", 300000 + i, i);
		client_send(&clients[i], "GET", path);
	}
	/* Backwards: each body is larger than the socket buffers, so all are under way. */
	for (unsigned i = PARALLEL; i-- > 0;) {
		client_read(&clients[i], "GET", &answer);
		(void)snprintf(name, sizeof name, "n%u", i);
		assert_int_equal(answer.end, END_OK);
		assert_true(answer_is(&answer, name, 300000 + i));
		answer_free(&answer);
		client_close(&clients[i]);
	}
}

/* ---- pace ---- */

static void test_origin_paced_body_comes_evenly(void **state)
{
	struct client client;
	const double start = now_s();
	double last = start;
	size_t got = 0;
	unsigned steps = 0;

	(void)state;
	client_open(&client, port);
	client_send(&client, "GET", "/paced.bin");
	while (got < PACED_BYTES) {
		const size_t n = client_fill(&client);

		assert_int_not_equal(n, 0);
		got += n;
		client.at = client.have;
		steps += now_s() - last > 0.005;
		last = now_s();
		/* Never early: the head of the answer may count for a body byte here. */
		assert_true((double)got / PACED_BYTES <=
			    (now_s() - start) / PACED_S + 400.0 / PACED_BYTES);
	}
	assert_true(steps >= 8); /* 40 in an idle machine; a busy one may join some */
	client_close(&client);
}

static void test_origin_paced_body_takes_its_time_and_no_other_waits(void **state)
{
	struct client slow;
	struct answer answer;
	const double start = now_s();

	(void)state;
	client_open(&slow, port);
	client_send(&slow, "GET", "/paced.bin");
	for (unsigned i = 0; i < 20; i++)
		expect_file("/bytes/1000/quick", "quick", 1000);
	assert_true(now_s() - start < PACED_S); /* 20 requests, less than one paced body */
	client_read(&slow, "GET", &answer);
	assert_true(now_s() - start >= PACED_S);
	assert_true(answer_is(&answer, "paced.bin", PACED_BYTES));
	answer_free(&answer);
	client_close(&slow);
}

static void test_origin_paced_body_of_few_bytes_takes_its_time(void **state)
{
	const double start = now_s();

	(void)state;
	expect_file("/few%20bytes", "few bytes", 3);
	assert_true(now_s() - start >= 0.3);
}

/* ---- life ---- */

static void test_origin_listens_on_127_0_0_1_only(void **state)
{
	const struct sockaddr_in other = { .sin_family = AF_INET,
					   .sin_port = htons(port),
					   .sin_addr = { .s_addr = htonl(0x7f000002) } };
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)&other, sizeof other), -1);
	assert_int_equal(errno, ECONNREFUSED);
	(void)close(fd);
}

static void test_origin_stop_ends_transfers_under_way(void **state)
{
	struct client client;
	struct answer answer;

	(void)state;
	client_open(&client, port);
	client_send(&client, "GET", "/hour.bin");
	assert_int_not_equal(client_fill(&client), 0);
	origin_stop(origin);
	origin = NULL;
	client_read(&client, "GET", &answer);
	assert_int_equal(answer.status, 200);
	assert_int_not_equal(answer.end, END_OK);
	answer_free(&answer);
	client_close(&client);
}

/* As a child of spawn would; no thread runs in this process now, so a fork is safe. */
static pid_t serve(int *ready, rlim_t descriptors)
{
	const struct rlimit limit = { descriptors, descriptors };
	int fds[2];
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)close(fds[0]);
		if (descriptors && setrlimit(RLIMIT_NOFILE, &limit))
			_exit(EXIT_FAILURE);
		origin_serve(&config, fds[1]);
	}
	(void)close(fds[1]);
	*ready = fds[0];
	return pid;
}

static void test_origin_serve_tells_its_port_and_serves_until_killed(void **state)
{
	int ready, status;
	const pid_t pid = serve(&ready, 0);
	uint16_t more;

	(void)state;
	assert_int_equal(read(ready, &port, sizeof port), sizeof port);
	assert_int_equal(read(ready, &more, sizeof more), 0); /* closed behind the port */
	(void)close(ready);
	assert_int_equal(kill(pid, SIGINT), 0); /* Ctrl-C is the parent's affair */
	expect_file("/bytes/10/x", "x", 10);
	assert_int_equal(kill(pid, SIGTERM), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGTERM);
}

static void test_origin_serve_without_descriptors_exits_with_the_errno(void **state)
{
	int ready, status;
	const pid_t pid = serve(&ready, 3);
	char byte;

	(void)state;
	assert_int_equal(read(ready, &byte, 1), 0);
	(void)close(ready);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), EMFILE);
}

#define SERVED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		/* First, while this process has no threads yet. */
		cmocka_unit_test(test_origin_serve_tells_its_port_and_serves_until_killed),
		cmocka_unit_test(test_origin_serve_without_descriptors_exits_with_the_errno),
		cmocka_unit_test(test_origin_fill_known_name_gives_known_bytes),
		cmocka_unit_test(test_origin_fill_any_part_equals_the_whole),
		cmocka_unit_test(test_origin_fill_beyond_4_gib_goes_on),
		cmocka_unit_test(test_origin_fill_other_name_gives_other_bytes),
		SERVED(test_origin_sha256_equals_that_of_the_fetched_body),
		SERVED(test_origin_utf8_name_is_found_percent_encoded),
		SERVED(test_origin_name_may_hold_slashes_and_a_query_follows),
		SERVED(test_origin_unknown_path_is_404),
		SERVED(test_origin_broken_escape_is_400),
		SERVED(test_origin_other_method_is_405),
		SERVED(test_origin_fault_paths_without_faults_are_404),
		SERVED(test_origin_head_has_the_length_and_no_ranges_are_offered),
		SERVED(test_origin_connection_is_kept_between_answers),
		SERVED(test_origin_32_connections_are_served_at_once),
		SERVED(test_origin_paced_body_comes_evenly),
		SERVED(test_origin_paced_body_takes_its_time_and_no_other_waits),
		SERVED(test_origin_paced_body_of_few_bytes_takes_its_time),
		SERVED(test_origin_listens_on_127_0_0_1_only),
		SERVED(test_origin_stop_ends_transfers_under_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
