/* SPDX-License-Identifier: MIT */
/* text_test.c - escaping, width, cutting, figures, and the windowed speed. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "progress/rate.h"
#include "common/text.h"
#include "progress/units.h"

#define SECOND UINT64_C(1000000000)
#define KIB    UINT64_C(1024)

static void expect_escaped(const char *string, bool utf8, const char *expected, size_t columns)
{
	struct text text = { 0 };

	assert_int_equal(text_add_escaped(&text, string, utf8), columns);
	assert_string_equal(text_string(&text), expected);
	assert_int_equal(text_columns(string, utf8), columns);
	assert_int_equal(text_is_clean(string, utf8), strcmp(string, expected) == 0);
	text_free(&text);
}

static void test_text_printable_stays_as_it_is(void **state)
{
	(void)state;
	expect_escaped("", true, "", 0);
	expect_escaped("name (1).tar.gz", true, "name (1).tar.gz", 15);
	expect_escaped("caf\u00e9", true, "caf\u00e9", 4);
	expect_escaped("cafe\u0301", true, "cafe\u0301", 4);
	expect_escaped("\u56fe\u89e3.pdf", true, "\u56fe\u89e3.pdf", 8);
	expect_escaped("\U0001f600", true, "\U0001f600", 2);
	expect_escaped("100%s%n\\x", true, "100%s%n\\x", 9);
}

static void test_text_control_bytes_are_spelled_out(void **state)
{
	(void)state;
	expect_escaped("a\033]0;x\007b", true, "a\\x1b]0;x\\x07b", 14);
	expect_escaped("a\r\n\tb\177", true, "a\\x0d\\x0a\\x09b\\x7f", 18);
	/* C1: 0x9b alone is a control sequence introducer on some terminals. */
	expect_escaped("\302\2332J", true, "\\u009b2J", 8);
	expect_escaped("\2332J", true, "\\x9b2J", 6);
}

static void test_text_deceiving_characters_are_spelled_out(void **state)
{
	(void)state;
	expect_escaped("a\u202efdp.exe", true, "a\\u202efdp.exe", 14);
	expect_escaped("\u2066\u200b\ufeff", true, "\\u2066\\u200b\\ufeff", 18);
	expect_escaped("\U000e0041", true, "\\U000e0041", 10);
	expect_escaped("a\u2028b", true, "a\\u2028b", 8);
}

static void test_text_invalid_utf8_is_spelled_out_byte_by_byte(void **state)
{
	(void)state;
	expect_escaped("a\xff"
		       "b",
		       true, "a\\xffb", 6);
	expect_escaped("\xc0\xaf", true, "\\xc0\\xaf", 8); /* overlong / */
	expect_escaped("\xe0\x80\xaf", true, "\\xe0\\x80\\xaf", 12);
	expect_escaped("\xed\xa0\x80", true, "\\xed\\xa0\\x80", 12);          /* a surrogate */
	expect_escaped("\xf4\x90\x80\x80", true, "\\xf4\\x90\\x80\\x80", 16); /* over 10ffff */
	expect_escaped("\xe5\x9b", true, "\\xe5\\x9b", 8);                    /* cut short */
	expect_escaped("\xe5\x9b"
		       "a",
		       true, "\\xe5\\x9ba", 9);
}

static void test_text_ascii_terminal_gets_ascii(void **state)
{
	(void)state;
	expect_escaped("caf\u00e9", false, "caf\\xc3\\xa9", 11);
}

static void expect_cut(const char *string, size_t columns, bool utf8, const char *expected)
{
	struct text text = { 0 };
	size_t added = text_add_cut(&text, string, columns, utf8);

	assert_string_equal(text_string(&text), expected);
	assert_true(added <= columns);
	assert_int_equal(text_columns(expected, true), added);
	text_free(&text);
}

static void test_text_cut_keeps_beginning_and_end(void **state)
{
	(void)state;
	expect_cut("short.pdf", 9, true, "short.pdf");
	expect_cut("short.pdf", 8, true, "shor\u2026pdf");
	expect_cut("a-long-name-part2.iso", 10, true, "a-lon\u2026.iso");
	expect_cut("a-long-name-part2.iso", 10, false, "a-lo...iso");
	expect_cut("abcdef", 1, true, "\u2026");
	expect_cut("abcdef", 2, false, "a.");
	expect_cut("abcdef", 0, true, "");
}

static void test_text_cut_never_halves_a_character(void **state)
{
	(void)state;
	/* Six wide ones: twelve columns. A half would be a column too many. */
	expect_cut("\u4e00\u4e8c\u4e09\u56db\u4e94\u516d", 11, true,
		   "\u4e00\u4e8c\u2026\u56db\u4e94\u516d");
	expect_cut("\u4e00\u4e8c\u4e09\u56db\u4e94\u516d", 10, true,
		   "\u4e00\u4e8c\u2026\u4e94\u516d");
	expect_cut("\u4e00\u4e8c\u4e09\u56db\u4e94\u516d", 2, true, "\u2026");
	/* The escape of one byte is one character, too. */
	expect_cut("ab\033cdef\033gh", 8, true, "ab\u2026gh");
	/* The accent belongs to the letter that went. */
	expect_cut("abcdefgx\u0301yz", 6, true, "abc\u2026yz");
}

static void test_text_cut_any_width_fits(void **state)
{
	static const char *const string[] = {
		"plain-ascii-name.tar.gz",
		"\u56fe\u89e3\u7b97\u6cd5-\u4ece\u5165\u95e8.pdf",
		"e\u0301e\u0301e\u0301e\u0301e\u0301",
		"\033\033\033\033",
		"\xff\u56fe\xfe\u89e3\xfd",
	};
	struct text text = { 0 };
	size_t i, columns;

	(void)state;
	for (i = 0; i < sizeof string / sizeof string[0]; i++) {
		for (columns = 0; columns < 40; columns++) {
			size_t whole = text_columns(string[i], true);

			text_clear(&text);
			assert_true(text_add_cut(&text, string[i], columns, true) <= columns);
			assert_true(text_columns(text_string(&text), true) <= columns);
			if (whole > columns && columns > 0)
				assert_non_null(strstr(text_string(&text), "\u2026"));
		}
	}
	text_free(&text);
}

static void test_text_utf8_only_bad_bytes_change(void **state)
{
	struct text text = { 0 };

	(void)state;
	text_add_utf8(&text, "a\033\u202e\u56fe\xff\xe5\x9b");
	assert_string_equal(text_string(&text), "a\033\u202e\u56fe\\xff\\xe5\\x9b");
	text_free(&text);
}

static void test_text_grows_and_formats(void **state)
{
	struct text text = { 0 };
	unsigned i;

	(void)state;
	assert_string_equal(text_string(&text), "");
	for (i = 0; i < 1000; i++)
		text_printf(&text, "%03u,", i);
	text_fill(&text, '.', 5000);
	assert_int_equal(text.len, 9000);
	assert_int_equal(strlen(text.at), 9000);
	assert_memory_equal(text.at + 3992, "998,999,.", 8);
	assert_false(text.incomplete);
	text_clear(&text);
	assert_string_equal(text_string(&text), "");
	text_free(&text);
	assert_null(text.at);
}

static void test_text_size_every_magnitude_fits_8_columns(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *expected;
	} row[] = {
		{ 0, "0 B" },
		{ 1, "1 B" },
		{ 1023, "1023 B" },
		{ KIB, "1.0 KiB" },
		{ 1536, "1.5 KiB" },
		{ 102348, "99.9 KiB" },
		{ 102349, "100 KiB" },
		{ 1023 * KIB + 511, "1023 KiB" },
		{ 1023 * KIB + 512, "1.0 MiB" },
		{ KIB * KIB - 1, "1.0 MiB" },
		{ 13002342, "12.4 MiB" },
		{ 1000 * KIB * KIB, "1000 MiB" },
		{ KIB * KIB * KIB, "1.0 GiB" },
		{ KIB * KIB * KIB * KIB * 5, "5.0 TiB" },
		{ UINT64_MAX / 2, "8.0 EiB" },
		{ UINT64_MAX, "16.0 EiB" },
	};
	char buf[UNITS_MAX];
	uint64_t bytes;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof row / sizeof row[0]; i++)
		assert_string_equal(units_size(buf, row[i].bytes), row[i].expected);
	for (bytes = 1; bytes < UINT64_MAX / 3; bytes += bytes / 7 + 1) {
		assert_true(strlen(units_size(buf, bytes)) <= UNITS_SIZE_COLUMNS);
		assert_true(strlen(units_speed(buf, bytes)) <= UNITS_SPEED_COLUMNS);
	}
	assert_string_equal(units_speed(buf, RATE_UNKNOWN), "");
	assert_string_equal(units_speed(buf, 3250586), "3.1 MiB/s");
}

static void test_text_times_read_well_and_fit(void **state)
{
	char buf[UNITS_MAX];
	uint64_t s;

	(void)state;
	assert_string_equal(units_clock(buf, 0), "0:00");
	assert_string_equal(units_clock(buf, 3599), "59:59");
	assert_string_equal(units_clock(buf, 3600), "1h00m");
	assert_string_equal(units_clock(buf, 359999), "99h59m");
	assert_string_equal(units_clock(buf, 360000), "4d");
	assert_string_equal(units_clock(buf, UINT64_MAX), ">9999d");
	for (s = 1; s < UINT64_MAX / 3; s += s / 5 + 1)
		assert_true(strlen(units_clock(buf, s)) <= UNITS_CLOCK_COLUMNS);
	assert_string_equal(units_elapsed(buf, -1), "0.0 s");
	assert_string_equal(units_elapsed(buf, 3.24), "3.2 s");
	assert_string_equal(units_elapsed(buf, 59.94), "59.9 s");
	assert_string_equal(units_elapsed(buf, 59.96), "1 min 00 s");
	assert_string_equal(units_elapsed(buf, 3720), "1 h 02 min");
	assert_string_equal(units_elapsed(buf, 1e300), "46296 d 07 h");
	assert_string_equal(units_elapsed(buf, strtod("nan", NULL)), "0.0 s");
	assert_string_equal(units_left(buf, 12), "12 s");
	assert_string_equal(units_left(buf, UINT64_MAX), "49710 d 06 h");
}

static void test_rate_steady_transfer_gives_its_speed(void **state)
{
	struct rate rate = { 0 };
	uint64_t i;

	(void)state;
	assert_int_equal(rate_bytes_per_s(&rate, SECOND), RATE_UNKNOWN);
	rate_start(&rate, SECOND, 0);
	assert_int_equal(rate_bytes_per_s(&rate, SECOND + SECOND / 10), RATE_UNKNOWN);
	for (i = 1; i <= 200; i++)
		rate_add(&rate, SECOND + i * SECOND / 20, i * 5000);
	assert_int_equal(rate_bytes_per_s(&rate, 11 * SECOND), 100000);
}

static void test_rate_follows_within_one_window(void **state)
{
	struct rate rate = { 0 };
	uint64_t i, speed;

	(void)state;
	rate_start(&rate, 0, 0);
	for (i = 1; i <= 100; i++)
		rate_add(&rate, i * SECOND / 10, i * 1000000);
	for (; i <= 150; i++)
		rate_add(&rate, i * SECOND / 10, 100000000 + (i - 100) * 10);
	/* Ten seconds at 10 MB/s are forgotten after five at 100 B/s. */
	speed = rate_bytes_per_s(&rate, 15 * SECOND);
	assert_in_range(speed, 99, 101);
}

static void test_rate_stall_falls_to_zero(void **state)
{
	struct rate rate = { 0 };
	uint64_t before, later;

	(void)state;
	rate_start(&rate, 0, 0);
	rate_add(&rate, SECOND, 1000000);
	before = rate_bytes_per_s(&rate, SECOND);
	later = rate_bytes_per_s(&rate, 3 * SECOND);
	assert_true(later < before);
	assert_int_equal(rate_bytes_per_s(&rate, SECOND + RATE_WINDOW_NS), 0);
	/* Exactly zero, also when the last bytes came too early for a sample of their own. */
	rate_add(&rate, 6 * SECOND, 2000000);
	rate_add(&rate, 6 * SECOND + SECOND / 10, 2100000);
	assert_int_equal(rate_bytes_per_s(&rate, 6 * SECOND + SECOND / 10 + RATE_WINDOW_NS), 0);
}

static void test_rate_rare_reports_still_give_a_speed(void **state)
{
	struct rate rate = { 0 };

	(void)state;
	rate_start(&rate, 0, 0);
	rate_add(&rate, 10 * SECOND, 10000);
	assert_int_equal(rate_bytes_per_s(&rate, 10 * SECOND), 1000);
}

static void test_rate_counter_that_falls_starts_anew(void **state)
{
	struct rate rate = { 0 };

	(void)state;
	rate_start(&rate, 0, 0);
	rate_add(&rate, SECOND, 1000000);
	rate_add(&rate, 2 * SECOND, 0);
	assert_int_equal(rate_bytes_per_s(&rate, 2 * SECOND), RATE_UNKNOWN);
	rate_add(&rate, 3 * SECOND, 500);
	assert_int_equal(rate_bytes_per_s(&rate, 3 * SECOND), 500);
	/* A clock that seems to go back, as with events out of order, does no harm. */
	assert_int_equal(rate_bytes_per_s(&rate, SECOND), RATE_UNKNOWN);
}

static void test_text_wrapped_lines_stay_within_the_columns(void **state)
{
	struct text text = { 0 };

	(void)state;
	text_add_wrapped(&text, "one two  three a-longer-word x", 2, 11);
	assert_string_equal(text_string(&text), "  one two\n  three\n  a-longer-word\n  x\n");
	text_clear(&text);
	text_add_wrapped(&text, "exactly 11c", 0, 11);
	text_add_wrapped(&text, "", 4, 11);
	assert_string_equal(text_string(&text), "exactly 11c\n");
	text_free(&text);
}

/* A line may end beside any Chinese character, but none begins with what closes. */
/* A figure stays with its unit. */
static void test_text_wrapped_figures_keep_their_units(void **state)
{
	struct text text = { 0 };

	(void)state;
	text_add_wrapped(&text, "in 3.1 s (19.2 KiB/s), 4 of 5 files", 0, 15);
	assert_string_equal(text_string(&text), "in 3.1 s\n(19.2 KiB/s),\n4 of 5 files\n");
	text_clear(&text);
	text_add_wrapped(&text, "\u7528\u65f6 3.6 s\uff0819.1 KiB/s\uff09", 0, 9);
	assert_string_equal(text_string(&text), "\u7528\u65f6\n3.6 s\n\uff0819.1 KiB/s\uff09\n");
	text_free(&text);
}

static void test_text_wrapped_chinese_breaks_without_blanks(void **state)
{
	struct text text = { 0 };

	(void)state;
	text_add_wrapped(&text, "\u8fdb\u7a0b\u7ba1\u9053\uff0c\u961f\u5217", 0, 8);
	assert_string_equal(text_string(&text), "\u8fdb\u7a0b\u7ba1\n\u9053\uff0c\u961f\u5217\n");
	text_clear(&text);
	text_add_wrapped(&text, "\u8fdb\u7a0b\uff08pipe\uff09\u7528 --ipc=shm", 1, 9);
	assert_string_equal(text_string(&text),
			    " \u8fdb\u7a0b\n \uff08pipe\uff09\n \u7528\n --ipc=shm\n");
	text_free(&text);
}

static void test_text_padded_and_right_count_columns(void **state)
{
	struct text text = { 0 };

	(void)state;
	text_add_padded(&text, "\u7ba1\u9053", 6);
	text_add_right(&text, "\u4fe1", 4);
	text_add_padded(&text, "too long", 3);
	assert_string_equal(text_string(&text), "\u7ba1\u9053    \u4fe1too long");
	text_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_printable_stays_as_it_is),
		cmocka_unit_test(test_text_control_bytes_are_spelled_out),
		cmocka_unit_test(test_text_deceiving_characters_are_spelled_out),
		cmocka_unit_test(test_text_invalid_utf8_is_spelled_out_byte_by_byte),
		cmocka_unit_test(test_text_ascii_terminal_gets_ascii),
		cmocka_unit_test(test_text_cut_keeps_beginning_and_end),
		cmocka_unit_test(test_text_cut_never_halves_a_character),
		cmocka_unit_test(test_text_cut_any_width_fits),
		cmocka_unit_test(test_text_utf8_only_bad_bytes_change),
		cmocka_unit_test(test_text_grows_and_formats),
		cmocka_unit_test(test_text_size_every_magnitude_fits_8_columns),
		cmocka_unit_test(test_text_times_read_well_and_fit),
		cmocka_unit_test(test_rate_steady_transfer_gives_its_speed),
		cmocka_unit_test(test_rate_follows_within_one_window),
		cmocka_unit_test(test_rate_stall_falls_to_zero),
		cmocka_unit_test(test_rate_rare_reports_still_give_a_speed),
		cmocka_unit_test(test_rate_counter_that_falls_starts_anew),
		cmocka_unit_test(test_text_wrapped_lines_stay_within_the_columns),
		cmocka_unit_test(test_text_wrapped_figures_keep_their_units),
		cmocka_unit_test(test_text_wrapped_chinese_breaks_without_blanks),
		cmocka_unit_test(test_text_padded_and_right_count_columns),
	};

	(void)setenv("LC_ALL", "C", 1); /* the fallback to C.UTF-8 is what is tested */
	if (!text_locale())
		return 77; /* no UTF-8 locale at all */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
