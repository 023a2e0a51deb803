/* SPDX-License-Identifier: MIT */
/*
 * filename_test.c - which file name follows from a URL.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "download/filename.h"

#define TEN     "aaaaaaaaaa"
#define FIFTY   TEN TEN TEN TEN TEN
#define LONGEST FIFTY FIFTY FIFTY FIFTY FIFTY /* 250 bytes */

struct row {
	const char *url;
	const char *name; /* "" with an error */
	enum filename_error error;
};

/* URL is copied to its exact size, so that a sanitizer sees a read beyond its end. */
static void expect(const struct row *row, bool with_query)
{
	size_t size = strlen(row->url) + 1;
	char *url = malloc(size);
	char name[FILENAME_BYTES_MAX + 1];
	enum filename_error error;

	assert_non_null(url);
	memcpy(url, row->url, size);
	error = filename_from_url(url, with_query, name);
	free(url);
	if (error != row->error || strcmp(name, row->name) != 0)
		fail_msg("%s: \"%s\" (%d), expected \"%s\" (%d)", row->url, name, (int)error,
			 row->name, (int)row->error);
}

static void expect_all(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		expect(&rows[i], false);
}

static void test_name_of_ordinary_urls_is_last_segment(void **state)
{
	static const struct row rows[] = {
		{ "http://h/a/b", "b", FILENAME_OK },
		{ "http://h/a/b?x/y#z/w", "b", FILENAME_OK },
		{ "http://h/a/b#x?y", "b", FILENAME_OK },
		{ "HTTPS://user:pw@h:8080/x.iso", "x.iso", FILENAME_OK },
		{ "http://[::1]:80/x", "x", FILENAME_OK },
		{ "file:///tmp/a", "a", FILENAME_OK },
		{ "FILE:///a", "a", FILENAME_OK },
		{ "file://localhost/etc/a", "a", FILENAME_OK },
		{ "example.com/x", "x", FILENAME_OK },
		{ "localhost:80/x/y", "y", FILENAME_OK },
		{ "example.com/x?u=http://other/evil", "x", FILENAME_OK },
		{ "http://h/a//b", "b", FILENAME_OK },
		{ "http://h/a;v=1", "a;v=1", FILENAME_OK },
		{ "http://h/a b", "a b", FILENAME_OK },
		{ "http://h/a\\b", "a\\b", FILENAME_OK },
		{ "http://h/a:b@c", "a:b@c", FILENAME_OK },
		{ "http://h/part", "part", FILENAME_OK },
		{ "http://h/x.part.1", "x.part.1", FILENAME_OK },
		{ "http://h/x..", "x..", FILENAME_OK },
		{ "http://h/-rf", "-rf", FILENAME_OK },
		{ "http://h/" LONGEST, LONGEST, FILENAME_OK },
	};

	(void)state;
	expect_all(rows, sizeof(rows) / sizeof(rows[0]));
}

static void test_name_of_a_path_without_segment_is_index(void **state)
{
	static const struct row rows[] = {
		{ "example.com", "index.html", FILENAME_OK },
		{ "http://h", "index.html", FILENAME_OK },
		{ "http://h/", "index.html", FILENAME_OK },
		{ "http://h//", "index.html", FILENAME_OK },
		{ "http://h/a/?x=/y", "index.html", FILENAME_OK },
		{ "http://h?x", "index.html", FILENAME_OK },
		{ "http://h#/x", "index.html", FILENAME_OK },
		{ "http://h/?", "index.html", FILENAME_OK },
	};

	(void)state;
	expect_all(rows, sizeof(rows) / sizeof(rows[0]));
}

static void test_name_with_escapes_is_decoded_once(void **state)
{
	static const struct row rows[] = {
		{ "http://h/a%20b", "a b", FILENAME_OK },
		{ "http://h/%41%4a%4A", "AJJ", FILENAME_OK },
		{ "http://h/%252e", "%2e", FILENAME_OK },
		{ "http://h/a%3Fb%23c", "a?b#c", FILENAME_OK },
		{ "http://h/a+b", "a+b", FILENAME_OK },
		{ "http://h/%2", "%2", FILENAME_OK },
		{ "http://h/%", "%", FILENAME_OK },
		{ "http://h/a%zz", "a%zz", FILENAME_OK },
		{ "http://h/a%4", "a%4", FILENAME_OK },
		{ "http://h/a%4?1", "a%4", FILENAME_OK },
		{ "http://h/%-1x", "%-1x", FILENAME_OK },
		{ "http://h/%zz/b", "b", FILENAME_OK }, /* only the last segment is ours */
		{ "http://h/%E5%9B%BE%E8%A7%A3%E7%AE%97%E6%B3%95.pdf", "图解算法.pdf",
		  FILENAME_OK },
		{ "http://h/图解算法.pdf", "图解算法.pdf", FILENAME_OK },
		{ "http://h/Python%E4%BB%8E%E5%85%A5%E9%97%A8%E5%88%B0%E6%94%BE%E5%BC%83.pdf",
		  "Python从入门到放弃.pdf", FILENAME_OK },
		{ "http://h/%ff%fe", "\xff\xfe", FILENAME_OK },
	};

	(void)state;
	expect_all(rows, sizeof(rows) / sizeof(rows[0]));
}

/* The user wants the file: what may not stand in a name is told apart by its encoding. */
static void test_name_keeps_encoded_what_is_not_safe(void **state)
{
	static const struct row rows[] = {
		{ "http://h/..", "%2E.", FILENAME_OK },
		{ "http://h/.", "%2E", FILENAME_OK },
		{ "http://h/a/.bashrc", "%2Ebashrc", FILENAME_OK },
		{ "http://h/%2e%2e", "%2E.", FILENAME_OK },
		{ "http://h/%2e%2e%2fevil", "%2E.%2Fevil", FILENAME_OK },
		{ "http://h/a%2Fb", "a%2Fb", FILENAME_OK },
		{ "http://h/a%00", "a%00", FILENAME_OK },
		{ "http://h/a%0ab", "a%0Ab", FILENAME_OK },
		{ "http://h/a%1b[2J", "a%1B[2J", FILENAME_OK },
		{ "http://h/a\x1f", "a%1F", FILENAME_OK },
		{ "http://h/%7F", "%7F", FILENAME_OK },
		{ "http://h/x.part", "x%2Epart", FILENAME_OK },
		{ "http://h/x%2epart", "x%2Epart", FILENAME_OK },
		{ "http://h/.part", "%2Epart", FILENAME_OK },
	};

	(void)state;
	expect_all(rows, sizeof(rows) / sizeof(rows[0]));
}

static void test_name_with_query_tells_pages_apart(void **state)
{
	static const struct row rows[] = {
		{ "http://h/page?id=2#top", "page?id=2", FILENAME_OK },
		{ "http://h/?id=2", "index.html?id=2", FILENAME_OK },
		{ "http://h/a?b=/c%20d", "a?b=%2Fc d", FILENAME_OK },
		{ "http://h/a?", "a", FILENAME_OK },
		{ "http://h/a", "a", FILENAME_OK },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		expect(&rows[i], true);
}

/* In the middle, at whole characters; the suffix tells what the file is. */
static void test_name_that_is_too_long_loses_its_middle(void **state)
{
	static const char tail[] = TEN TEN TEN TEN TEN "aaa.tar.gz"; /* 60 bytes */
	char url[2048], name[FILENAME_BYTES_MAX + 1];
	size_t n;

	(void)state;
	snprintf(url, sizeof(url), "http://h/b%s%s", LONGEST, tail);
	assert_int_equal(filename_from_url(url, false, name), FILENAME_OK);
	assert_int_equal(strlen(name), FILENAME_BYTES_MAX);
	assert_memory_equal(name, "baaa", 4);
	assert_string_equal(name + FILENAME_BYTES_MAX - 63, "..." TEN TEN TEN TEN TEN "aaa.tar.gz");
	/* Three bytes each, and neither cut is at one of their ends. */
	n = (size_t)snprintf(url, sizeof(url), "http://h/xx");
	for (int i = 0; i < 200; i++)
		n += (size_t)snprintf(url + n, sizeof(url) - n, "图");
	snprintf(url + n, sizeof(url) - n, "y.pdf");
	assert_int_equal(filename_from_url(url, false, name), FILENAME_OK);
	assert_in_range(strlen(name), FILENAME_BYTES_MAX - 4, FILENAME_BYTES_MAX);
	assert_memory_equal(strstr(name, "...") - 3, "图...图", 9);
	assert_string_equal(name + strlen(name) - 8, "图y.pdf");
	/* Even so it is no leftover's name. */
	snprintf(url, sizeof(url), "http://h/%s%s.part", LONGEST, tail);
	assert_int_equal(filename_from_url(url, false, name), FILENAME_OK);
	assert_int_equal(strlen(name), FILENAME_BYTES_MAX);
	assert_string_equal(name + FILENAME_BYTES_MAX - 7, "%2Epart");
}

static void test_name_without_host_is_refused(void **state)
{
	static const struct row rows[] = {
		{ "", "", FILENAME_NO_HOST },
		{ "/", "", FILENAME_NO_HOST },
		{ "/etc/passwd", "", FILENAME_NO_HOST },
		{ "?x", "", FILENAME_NO_HOST },
		{ "#", "", FILENAME_NO_HOST },
		{ "http://", "", FILENAME_NO_HOST },
		{ "http:///x", "", FILENAME_NO_HOST },
		{ "http://:80/x", "", FILENAME_NO_HOST },
		{ "http://user@/x", "", FILENAME_NO_HOST },
		{ "http://user@:80/x", "", FILENAME_NO_HOST },
		{ "://h/x", "", FILENAME_NO_HOST },
		{ "filex:///x", "", FILENAME_NO_HOST },
	};

	(void)state;
	expect_all(rows, sizeof(rows) / sizeof(rows[0]));
}

static void test_name_of_the_user_is_taken_or_refused(void **state)
{
	(void)state;
	assert_int_equal(filename_check("x"), FILENAME_OK);
	assert_int_equal(filename_check("图解算法.pdf"), FILENAME_OK);
	assert_int_equal(filename_check(LONGEST), FILENAME_OK);
	assert_int_equal(filename_check(""), FILENAME_EMPTY);
	assert_int_equal(filename_check(".."), FILENAME_DOT);
	assert_int_equal(filename_check("."), FILENAME_DOT);
	assert_int_equal(filename_check(".vimrc"), FILENAME_OK);
	assert_int_equal(filename_check("../x"), FILENAME_SLASH);
	assert_int_equal(filename_check("a/b"), FILENAME_SLASH);
	assert_int_equal(filename_check("a\tb"), FILENAME_CONTROL);
	assert_int_equal(filename_check("a" LONGEST), FILENAME_LONG);
	assert_int_equal(filename_check("a.part"), FILENAME_PART);
	assert_int_equal(filename_check(".part"), FILENAME_PART);
	/* Percent signs are the URL's matter only. */
	assert_int_equal(filename_check("100%"), FILENAME_OK);
}

/* xorshift64: the same sequence on every batch. */
static uint64_t next_random(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

/* A URL of pieces that matter, in any order. The caller frees it. */
static char *random_url(uint64_t *seed)
{
	static const char *const pieces[] = {
		"http", "file",  "://", "/",  ":", "@", "?",    "#", "%",   "%2",   "%2f",
		"%2e",  "%00",   "%ff", "..", ".", "a", "b",    "[", "\\",  "\x01", "\x7f",
		"\xe5", ".part", "%E5", " ",  "+", "0", "host", TEN, FIFTY,
	};
	size_t n = next_random(seed) % 12;
	char *url = calloc(1, 12 * sizeof(FIFTY) + 1);
	char *exact;

	assert_non_null(url);
	for (size_t i = 0, used = 0; i < n; i++) {
		const char *piece =
			pieces[next_random(seed) % (sizeof(pieces) / sizeof(pieces[0]))];

		memcpy(url + used, piece, strlen(piece));
		used += strlen(piece);
	}
	exact = strdup(url);
	free(url);
	assert_non_null(exact);
	return exact;
}

static void test_name_from_random_urls_is_always_safe(void **state)
{
	uint64_t seed = 20240229;
	unsigned accepted = 0;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		char *url = random_url(&seed);
		char *name = malloc(FILENAME_BYTES_MAX + 1);
		enum filename_error error;

		assert_non_null(name);
		memset(name, '#', FILENAME_BYTES_MAX + 1);
		error = filename_from_url(url, next_random(&seed) % 2, name);
		assert_non_null(memchr(name, '\0', FILENAME_BYTES_MAX + 1));
		if (error == FILENAME_OK) {
			accepted++;
			assert_int_equal(filename_check(name), FILENAME_OK);
			assert_int_not_equal(name[0], '.');
		} else {
			assert_int_equal(error, FILENAME_NO_HOST);
			assert_int_equal(name[0], '\0');
		}
		free(name);
		free(url);
	}
	assert_true(accepted > 1000);
}

static void test_name_strerror_has_words_for_any_value(void **state)
{
	(void)state;
	for (int i = 0; i <= FILENAME_PART; i++) {
		assert_non_null(filename_strerror((enum filename_error)i));
		/* A new enumerator without words would fall to the last resort. */
		assert_string_not_equal(filename_strerror((enum filename_error)i),
					"its name is not safe");
	}
	assert_string_equal(filename_strerror(FILENAME_DOT), "its name is that of a directory");
	assert_string_equal(filename_strerror((enum filename_error)4711), "its name is not safe");
	assert_string_equal(filename_strerror((enum filename_error) - 1), "its name is not safe");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_name_of_ordinary_urls_is_last_segment),
		cmocka_unit_test(test_name_of_a_path_without_segment_is_index),
		cmocka_unit_test(test_name_with_escapes_is_decoded_once),
		cmocka_unit_test(test_name_keeps_encoded_what_is_not_safe),
		cmocka_unit_test(test_name_with_query_tells_pages_apart),
		cmocka_unit_test(test_name_that_is_too_long_loses_its_middle),
		cmocka_unit_test(test_name_without_host_is_refused),
		cmocka_unit_test(test_name_of_the_user_is_taken_or_refused),
		cmocka_unit_test(test_name_from_random_urls_is_always_safe),
		cmocka_unit_test(test_name_strerror_has_words_for_any_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
