/* SPDX-License-Identifier: MIT */
/* url_test.c - the parts of a URL, and what of it people may see. */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "download/url.h"

static void assert_shown(const char *url, const char *expected)
{
	char *shown = url_without_password(url);

	assert_non_null(shown);
	assert_string_equal(shown, expected);
	free(shown);
}

static void test_url_password_is_not_shown(void **state)
{
	(void)state;
	assert_shown("http://host/a", "http://host/a");
	assert_shown("http://user@host/a", "http://user@host/a");
	assert_shown("http://user:secret@host/a", "http://user:***@host/a");
	assert_shown("user:secret@host/a", "user:***@host/a");
	/* The last @ ends it, the first colon begins it. */
	assert_shown("http://user:se@cret@host/a", "http://user:***@host/a");
	assert_shown("http://user:se:cret@host:80/a", "http://user:***@host:80/a");
	assert_shown("http://user:@host/a", "http://user:***@host/a");
	/* Behind the host an @ is only an @. */
	assert_shown("http://host/a:b@c", "http://host/a:b@c");
	assert_shown("http://host?a:b@c", "http://host?a:b@c");
}

static void assert_part(const struct url_part *part, const char *expected)
{
	assert_int_equal(part->len, strlen(expected));
	assert_memory_equal(part->at, expected, part->len);
}

static void test_url_parts(void **state)
{
	struct url_parts parts;

	(void)state;
	url_split("http://u:p@host:81/dir/file?a=b#c", &parts);
	assert_part(&parts.scheme, "http://");
	assert_part(&parts.authority, "u:p@host:81");
	assert_part(&parts.host, "host");
	assert_part(&parts.path, "/dir/file");
	assert_part(&parts.query, "a=b");
	url_split("http://[::1]:81/", &parts);
	assert_part(&parts.host, "[::1]");
	url_split("host", &parts);
	assert_part(&parts.scheme, "");
	assert_part(&parts.host, "host");
	assert_part(&parts.path, "");
}

static void test_url_as_typed_becomes_one(void **state)
{
	char *url = url_clean("  http://host/a b\"<>\xc3\xa4?q=c d\t");

	(void)state;
	assert_non_null(url);
	assert_string_equal(url, "http://host/a%20b%22%3C%3E%C3%A4?q=c%20d");
	free(url);
	errno = 0;
	assert_null(url_clean("http://host/\x01"));
	assert_int_equal(errno, EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_url_password_is_not_shown),
		cmocka_unit_test(test_url_parts),
		cmocka_unit_test(test_url_as_typed_becomes_one),
	};

	return cmocka_run_group_tests_name("url", tests, NULL, NULL);
}
