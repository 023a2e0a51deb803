/* SPDX-License-Identifier: MIT */
/*
 * filename_test.c - which file name follows from a URL, and which URLs give none.
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

#define DEADLINE_S 60
#define TEN        "aaaaaaaaaa"
#define FIFTY      TEN TEN TEN TEN TEN
#define LONGEST    FIFTY FIFTY FIFTY FIFTY FIFTY /* 250 bytes */

struct row {
	const char *url;
	const char *name; /* "" with an error */
	enum filename_error error;
};

/* URL is copied to its exact size, so that a sanitizer sees a read beyond its end. */
static void expect(const struct row *row)
{
	size_t size = strlen(row->url) + 1;
	char *url = malloc(size);
	char name[FILENAME_BYTES_MAX + 1];
	enum filename_error error;

	assert_non_null(url);
	memcpy(url, row->url, size);
	error = filename_from_url(url, name, sizeof(name));
	free(url);
	if (error != row->error || strcmp(name, row->name) != 0)
		fail_msg("%s: \"%s\" (%d), expected \"%s\" (%d)", row->url, name, (int)error,
			 row->name, (int)row->error);
}

static void expect_all(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		expect(&rows[i]);
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
		{ "http://h/%2", "", FILENAME_ENCODING },
		{ "http://h/%", "", FILENAME_ENCODING },
		{ "http://h/a%zz", "", FILENAME_ENCODING },
		{ "http://h/a%4", "", FILENAME_ENCODING },
		{ "http://h/a%4?1", "", FILENAME_ENCODING },
		{ "http://h/%-1x", "", FILENAME_ENCODING },
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

static void test_name_that_is_no_safe_component_is_refused(void **state)
{
	static const struct row rows[] = {
		{ "http://h/..", "", FILENAME_DOT },
		{ "http://h/.", "", FILENAME_DOT },
		{ "http://h/a/.bashrc", "", FILENAME_DOT },
		{ "http://h/%2e%2e", "", FILENAME_DOT },
		{ "http://h/%2E", "", FILENAME_DOT },
		{ "http://h/%2e%2e%2fevil", "", FILENAME_SLASH },
		{ "http://h/a%2Fb", "", FILENAME_SLASH },
		{ "http://h/%2f", "", FILENAME_SLASH },
		{ "http://h/a%00", "", FILENAME_CONTROL },
		{ "http://h/%00", "", FILENAME_CONTROL },
		{ "http://h/a%0ab", "", FILENAME_CONTROL },
		{ "http://h/a%1b[2J", "", FILENAME_CONTROL },
		{ "http://h/a\x1f", "", FILENAME_CONTROL },
		{ "http://h/%7F", "", FILENAME_CONTROL },
		{ "http://h/a\n", "", FILENAME_CONTROL },
		{ "http://h/b" LONGEST, "", FILENAME_LONG },
		{ "http://h/" LONGEST LONGEST "%2f", "", FILENAME_LONG },
		{ "http://h/x.part", "", FILENAME_PART },
		{ "http://h/x%2epart", "", FILENAME_PART },
	};

	(void)state;
	expect_all(rows, sizeof(rows) / sizeof(rows[0]));
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

static void test_name_for_a_small_buffer_is_never_cut(void **state)
{
	char name[8];

	(void)state;
	memset(name, '#', sizeof(name));
	assert_int_equal(filename_from_url("http://h/abc", name, 4), FILENAME_OK);
	assert_string_equal(name, "abc");
	assert_int_equal(name[4], '#');
	assert_int_equal(filename_from_url("http://h/abcd", name, 4), FILENAME_LONG);
	assert_string_equal(name, "");
	assert_int_equal(name[4], '#');
	assert_int_equal(filename_from_url("http://h/a", name, 1), FILENAME_LONG);
	name[0] = '#';
	assert_int_equal(filename_from_url("http://h/a", name, 0), FILENAME_LONG);
	assert_int_equal(name[0], '#');
}

static void test_name_of_the_user_obeys_the_same_rules(void **state)
{
	(void)state;
	assert_int_equal(filename_check("x"), FILENAME_OK);
	assert_int_equal(filename_check("图解算法.pdf"), FILENAME_OK);
	assert_int_equal(filename_check(LONGEST), FILENAME_OK);
	assert_int_equal(filename_check(""), FILENAME_EMPTY);
	assert_int_equal(filename_check(".."), FILENAME_DOT);
	assert_int_equal(filename_check(".hidden"), FILENAME_DOT);
	assert_int_equal(filename_check("../x"), FILENAME_SLASH);
	assert_int_equal(filename_check("a/b"), FILENAME_SLASH);
	assert_int_equal(filename_check("a\tb"), FILENAME_CONTROL);
	assert_int_equal(filename_check("a" LONGEST), FILENAME_LONG);
	assert_int_equal(filename_check("a.part"), FILENAME_PART);
	assert_int_equal(filename_check(".part"), FILENAME_DOT);
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

static void test_name_from_random_urls_is_safe_or_refused(void **state)
{
	uint64_t seed = 20240229;
	unsigned accepted = 0;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		char *url = random_url(&seed);
		size_t size = next_random(&seed) % (FILENAME_BYTES_MAX + 2);
		char *name = malloc(size + 1);
		enum filename_error error;

		assert_non_null(name);
		memset(name, '#', size + 1);
		error = filename_from_url(url, name, size);
		assert_int_equal(name[size], '#');
		if (error == FILENAME_OK) {
			accepted++;
			assert_non_null(memchr(name, '\0', size));
			assert_int_equal(filename_check(name), FILENAME_OK);
			assert_null(strchr(name, '/'));
			assert_int_not_equal(name[0], '.');
		} else if (size > 0) {
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
	assert_string_equal(filename_strerror(FILENAME_DOT), "its name begins with a dot");
	assert_string_equal(filename_strerror((enum filename_error)4711), "its name is not safe");
	assert_string_equal(filename_strerror((enum filename_error) - 1), "its name is not safe");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_name_of_ordinary_urls_is_last_segment),
		cmocka_unit_test(test_name_of_a_path_without_segment_is_index),
		cmocka_unit_test(test_name_with_escapes_is_decoded_once),
		cmocka_unit_test(test_name_that_is_no_safe_component_is_refused),
		cmocka_unit_test(test_name_without_host_is_refused),
		cmocka_unit_test(test_name_for_a_small_buffer_is_never_cut),
		cmocka_unit_test(test_name_of_the_user_obeys_the_same_rules),
		cmocka_unit_test(test_name_from_random_urls_is_safe_or_refused),
		cmocka_unit_test(test_name_strerror_has_words_for_any_value),
	};

	alarm(DEADLINE_S);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
