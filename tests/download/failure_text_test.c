/* SPDX-License-Identifier: MIT */
/*
 * failure_text_test.c - the sentence for each failure; no number that a worker may send breaks it.
 */
#include "config.h"

#include <errno.h>
#include <sys/stat.h>
#include <limits.h>
#include <locale.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "download/failure.h"
#include "download/fetch.h"
#include "download/filename.h"

/* As the header promises. */
#define TEXT_BYTES    160
/* Codes of the transfer library, whose header only fetch.c may include. */
#define CURL_RESOLVE  6
#define CURL_CONNECT  7
#define CURL_PARTIAL  18
#define CURL_RECEIVE  56
#define CURL_BAD_CERT 77

struct row {
	struct failure failure;
	const char *text;
};

static void expect_all(const struct row *rows, size_t n)
{
	char text[TEXT_BYTES];

	for (size_t i = 0; i < n; i++) {
		assert_ptr_equal(failure_text(&rows[i].failure, text, sizeof(text)), text);
		assert_string_equal(text, rows[i].text);
	}
}

static void test_fault_of_transfer_names_the_cause(void **state)
{
	static const struct row rows[] = {
		{ { .kind = FAILURE_FETCH, .code = CURL_CONNECT, .os_errno = ECONNREFUSED },
		  "connection refused" },
		{ { .kind = FAILURE_FETCH, .code = CURL_CONNECT }, "could not connect" },
		{ { .kind = FAILURE_FETCH, .code = CURL_RECEIVE, .os_errno = ECONNRESET },
		  "connection reset by peer" },
		{ { .kind = FAILURE_FETCH, .code = CURL_RESOLVE },
		  "could not resolve the host name" },
		/* Words of the library itself, one that begins with an abbreviation too. */
		{ { .kind = FAILURE_FETCH, .code = CURL_PARTIAL }, "transferred a partial file" },
		{ { .kind = FAILURE_FETCH, .code = CURL_BAD_CERT },
		  "problem with the SSL CA cert (path? access rights?)" },
		{ { .kind = FAILURE_FETCH, .code = 4711 }, "unknown transfer error" },
		{ { .kind = FAILURE_FETCH, .code = -1 }, "unknown transfer error" },
		{ { .kind = FAILURE_TOO_BIG }, "larger than --max-size allows" },
		{ { .kind = FAILURE_IDLE, .code = 30 },
		  "stalled: the origin sent nothing for 30 s" },
		{ { .kind = FAILURE_CANCELLED }, "cancelled" },
	};

	(void)state;
	expect_all(rows, sizeof(rows) / sizeof(rows[0]));
}

static void test_fault_of_http_has_status_and_phrase(void **state)
{
	static const struct row rows[] = {
		{ { .kind = FAILURE_HTTP, .code = 404 }, "HTTP 404 Not Found" },
		{ { .kind = FAILURE_HTTP, .code = 206 }, "HTTP 206 Partial Content" },
		{ { .kind = FAILURE_HTTP, .code = 511 },
		  "HTTP 511 Network Authentication Required" },
		{ { .kind = FAILURE_HTTP, .code = 599 }, "HTTP 599" },
		{ { .kind = FAILURE_HTTP, .code = 503, .after_s = 120 },
		  "HTTP 503 Service Unavailable, to be tried again after 120 s" },
		{ { .kind = FAILURE_HTTP, .code = 499, .after_s = 1 },
		  "HTTP 499, to be tried again after 1 s" },
	};

	(void)state;
	expect_all(rows, sizeof(rows) / sizeof(rows[0]));
}

static void test_fault_of_size_counts_where_it_can(void **state)
{
	static const struct row rows[] = {
		{ { .kind = FAILURE_SIZE, .bytes = 5, .total = 10 },
		  "the origin closed the connection after 5 of 10 bytes" },
		{ { .kind = FAILURE_SIZE, .bytes = 0, .total = UINT64_MAX },
		  "the origin closed the connection after 0 of 18446744073709551615 bytes" },
		{ { .kind = FAILURE_SIZE, .bytes = 20, .total = 10 },
		  "the origin sent 20 bytes where it had announced 10" },
		{ { .kind = FAILURE_SIZE, .bytes = 5 },
		  "the origin closed the connection after 5 bytes, before the end" },
		{ { .kind = FAILURE_SIZE },
		  "the origin did not send as many bytes as it had announced" },
	};

	(void)state;
	expect_all(rows, sizeof(rows) / sizeof(rows[0]));
}

static void test_fault_of_files_names_the_cause(void **state)
{
	static const struct row rows[] = {
		{ { .kind = FAILURE_WRITE, .code = ENOSPC },
		  "cannot write: no space left on device" },
		{ { .kind = FAILURE_WRITE, .code = EFBIG }, "cannot write: file too large" },
		{ { .kind = FAILURE_WRITE, .code = 4711 }, "cannot write: error 4711" },
		{ { .kind = FAILURE_CREATE, .code = EACCES },
		  "cannot create its .part file: permission denied" },
		{ { .kind = FAILURE_CREATE, .code = ELOOP }, "its .part file is a symbolic link" },
		{ { .kind = FAILURE_CREATE, .code = EISDIR }, "its .part file is a directory" },
		{ { .kind = FAILURE_CREATE, .code = EEXIST },
		  "its .part file is not a regular file" },
		{ { .kind = FAILURE_HELD, .code = 1234 },
		  "the file is being written by process 1234" },
		{ { .kind = FAILURE_HELD }, "the file is being written by another process" },
		{ { .kind = FAILURE_CHECKSUM },
		  "its SHA-256 is not the one given: another file, or a wrong sum" },
		{ { .kind = FAILURE_EXISTS }, "the file exists already" },
		{ { .kind = FAILURE_COMMIT, .code = EISDIR },
		  "cannot rename its .part file: is a directory" },
		{ { .kind = FAILURE_VANISHED }, "its .part file was removed by another program" },
		{ { .kind = FAILURE_VANISHED, .code = VANISHED_REPLACED },
		  "another program put another file in the place of its .part file" },
		{ { .kind = FAILURE_VANISHED, .code = VANISHED_CHANGED },
		  "another program changed its .part file: its size is not what was written" },
		{ { .kind = FAILURE_NAME, .code = FILENAME_DOT },
		  "its name is that of a directory" },
		{ { .kind = FAILURE_NAME, .code = 4711 }, "its name is not safe" },
		{ { .kind = FAILURE_CLASH, .code = 3 },
		  "URL 3 of the list is to be a file of the same name" },
	};

	(void)state;
	expect_all(rows, sizeof(rows) / sizeof(rows[0]));
}

static void test_fault_of_worker_says_how_it_ended(void **state)
{
	static const struct row rows[] = {
		{ { .kind = FAILURE_KILLED, .code = SIGKILL },
		  "its worker was killed by signal 9 (SIGKILL)" },
		{ { .kind = FAILURE_KILLED, .code = 40 }, "its worker was killed by signal 40" },
		{ { .kind = FAILURE_KILLED, .code = -7 }, "its worker was killed by signal -7" },
		{ { .kind = FAILURE_EXITED, .code = 0 },
		  "its worker ended early, with exit status 0" },
		{ { .kind = FAILURE_PROTOCOL },
		  "its worker broke the protocol: a bug, please report it" },
		{ { .kind = FAILURE_STALLED, .code = 30 },
		  "stalled: its worker said nothing for 30 s" },
		{ { .kind = FAILURE_TRUST }, "the origin's certificate is for another host" },
		{ { .kind = FAILURE_TRUST, .code = 18 },
		  "nobody who is trusted here has signed the origin's certificate; --cacert says "
		  "whom else to trust" },
		{ { .kind = FAILURE_TRUST, .code = -7 },
		  "the origin's certificate cannot be trusted (X509 error -7)" },
		{ { .kind = FAILURE_SANDBOX, .code = -1 },
		  "sandbox violation: its worker was killed for a system call (SIGSYS)" },
		{ { .kind = FAILURE_SANDBOX, .code = 1000000 },
		  "sandbox violation: its worker called system call 1000000" },
		{ { .kind = FAILURE_TOO_LONG }, "the URL is longer than 64 KiB" },
		{ { .kind = FAILURE_NOT_FILE, .code = S_IFCHR },
		  "a device has this name already, and is never replaced: choose another" },
		{ { .kind = FAILURE_READ, .code = EIO },
		  "cannot read its .part file for the checksum: input/output error" },
	};

	(void)state;
	expect_all(rows, sizeof(rows) / sizeof(rows[0]));
}

/* Ends one sentence, in the buffer, of printable ASCII only. */
static void expect_sound(const struct failure *failure)
{
	char text[TEXT_BYTES + 1];
	size_t n;

	memset(text, '#', sizeof(text));
	failure_text(failure, text, TEXT_BYTES);
	assert_int_equal(text[TEXT_BYTES], '#');
	n = strnlen(text, TEXT_BYTES);
	/* Not even cut. */
	assert_in_range(n, 1, TEXT_BYTES - 2);
	for (size_t i = 0; i < n; i++)
		assert_in_range((unsigned char)text[i], 0x20, 0x7e);
	assert_false(text[0] >= 'A' && text[0] <= 'Z' && text[1] >= 'a' && text[1] <= 'z');
	assert_int_not_equal(text[n - 1], '.');
}

static void test_fault_with_hostile_numbers_stays_a_sentence(void **state)
{
	static const int32_t codes[] = { INT32_MIN, -4711, -1, INT32_MAX, 65536 };
	static const int kinds[] = { INT_MIN, -1, FAILURE_KINDS, FAILURE_KINDS + 1, INT_MAX };
	struct failure failure = { .after_s = UINT32_MAX,
				   .bytes = UINT64_MAX,
				   .total = UINT64_MAX };

	(void)state;
	for (int kind = 0; kind < FAILURE_KINDS; kind++) {
		failure.kind = (enum failure_kind)kind;
		for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
			failure.code = failure.os_errno = codes[i];
			expect_sound(&failure);
			failure.os_errno = 0;
			expect_sound(&failure);
		}
		for (failure.code = 0; failure.code < 600; failure.code++)
			expect_sound(&failure);
	}
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		failure.kind = (enum failure_kind)kinds[i];
		expect_sound(&failure);
	}
}

static void test_fault_of_each_kind_has_words_of_its_own(void **state)
{
	char text[FAILURE_KINDS][TEXT_BYTES];

	(void)state;
	for (int i = 0; i < FAILURE_KINDS; i++) {
		struct failure failure = { .kind = (enum failure_kind)i };

		failure_text(&failure, text[i], sizeof(text[i]));
		assert_null(strstr(text[i], "unknown"));
		for (int j = 0; j < i; j++)
			assert_string_not_equal(text[i], text[j]);
	}
}

static void test_fault_for_a_small_buffer_is_cut(void **state)
{
	struct failure failure = { .kind = FAILURE_HTTP, .code = 404 };
	char text[8] = "#######";

	(void)state;
	failure_text(&failure, text, 5);
	assert_string_equal(text, "HTTP");
	assert_int_equal(text[5], '#');
	failure_text(&failure, text, 1);
	assert_string_equal(text, "");
	text[0] = '#';
	failure_text(&failure, text, 0);
	assert_int_equal(text[0], '#');
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fault_of_transfer_names_the_cause),
		cmocka_unit_test(test_fault_of_http_has_status_and_phrase),
		cmocka_unit_test(test_fault_of_size_counts_where_it_can),
		cmocka_unit_test(test_fault_of_files_names_the_cause),
		cmocka_unit_test(test_fault_of_worker_says_how_it_ended),
		cmocka_unit_test(test_fault_with_hostile_numbers_stays_a_sentence),
		cmocka_unit_test(test_fault_of_each_kind_has_words_of_its_own),
		cmocka_unit_test(test_fault_for_a_small_buffer_is_cut),
	};

	/* The sentences are the same in every language. */
	(void)setlocale(LC_ALL, "");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
