/* SPDX-License-Identifier: MIT */
/* options_suggest_test.c - "did you mean": which word is named, and when none is. */
#include "config.h"

#include "common/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <unistd.h>

static const char *word_at(size_t index)
{
	static const char *const words[] = { "pipe",
					     "unix",
					     "signal",
					     "shm",
					     "memfd",
					     "zmq",
					     "an-uncommonly-long-word-of-36-letters" };

	return index < sizeof words / sizeof words[0] ? words[index] : NULL;
}

static const char *no_word(size_t index)
{
	(void)index;
	return NULL;
}

static void assert_suggests(const char *typed, const char *meant)
{
	const char *nearest = options_suggest(typed, word_at);

	if (!nearest || strcmp(nearest, meant) != 0)
		fail_msg("'%s' gives '%s', not '%s'", typed, nearest ? nearest : "nothing", meant);
}

static void test_options_suggest_typing_errors(void **state)
{
	(void)state;
	assert_suggests("pip", "pipe");
	assert_suggests("pipes", "pipe");
	assert_suggests("piep", "pipe");
	assert_suggests("unux", "unix");
	assert_suggests("singal", "signal");
	assert_suggests("sigal", "signal");
	assert_suggests("unx", "unix");
	assert_suggests("mefd", "memfd");
	assert_suggests("memdf", "memfd");
	assert_suggests("0mq", "zmq");
}

/* Whoever types the beginning of one word means that, however near another is. */
static void test_options_suggest_beginning_of_a_word(void **state)
{
	(void)state;
	assert_suggests("p", "pipe");
	assert_suggests("sig", "signal");
	assert_suggests("mem", "memfd");
	assert_suggests("u", "unix");
	assert_suggests("z", "zmq");
}

static void test_options_suggest_nothing_where_nothing_is_near(void **state)
{
	static const char *const words[] = { "",
					     "http",
					     "x",
					     "nope",
					     "socket",
					     "helper",
					     "a-very-long-word-that-is-none-at-all-really" };

	(void)state;
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (options_suggest(words[i], word_at))
			fail_msg("'%s' gives '%s'", words[i], options_suggest(words[i], word_at));
	assert_null(options_suggest("pipe", no_word));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options_suggest_typing_errors),
		cmocka_unit_test(test_options_suggest_beginning_of_a_word),
		cmocka_unit_test(test_options_suggest_nothing_where_nothing_is_near),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
