/* SPDX-License-Identifier: MIT */
/*
 * protocol_command_test.c - the wire form of commands, and a job put together from its pieces: URL
 * and name of every length around the borders of a record, and records that no parent would send.
 */
#include "config.h"

#include "download/output_dirs.h"
#include "download/protocol.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#define URL_MAX (64u * 1024) /* what a worker takes, protocol.c */
#define CANARY  0xa5

/* LENGTH characters that tell their place. To be freed. */
static char *text_of(size_t length, char first)
{
	char *text = malloc(length + 1);

	assert_non_null(text);
	for (size_t i = 0; i < length; i++)
		text[i] = (char)(first + (char)(i % 23));
	text[length] = '\0';
	return text;
}

/* The records of a job. To be freed. One more record behind them must not be touched. */
static unsigned char *job_records(const char *url, const char *name, size_t *count)
{
	struct command command = { .slot = 5, .job = 77, .ack = 123, .time_ns = 456 };
	unsigned char *records;

	*count = command_job_records(strlen(url), strlen(name));
	records = malloc((*count + 1) * RECORD_BYTES);
	assert_non_null(records);
	memset(records, CANARY, (*count + 1) * RECORD_BYTES);
	command_encode_job(&command, url, name, records);
	assert_int_equal(command.kind, COMMAND_JOB);
	assert_int_equal(command.url_len, strlen(url));
	assert_int_equal(command.name_len, strlen(name));
	for (size_t i = 0; i < RECORD_BYTES; i++)
		assert_int_equal(records[*count * RECORD_BYTES + i], CANARY);
	return records;
}

/* ---- the wire form ---- */

static void test_command_encode_gives_the_bytes_of_the_wire_form(void **state)
{
	static const enum command_kind kinds[] = { COMMAND_CANCEL, COMMAND_QUIT, COMMAND_RATE,
						   COMMAND_PAUSE };
	static const unsigned char wire[] = { 18, 0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10,
					      11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22 };

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		const struct command command = { .kind = kinds[i],
						 .slot = 0x0201,
						 .job = 0x06050403,
						 .ack = UINT64_C(0x0e0d0c0b0a090807),
						 .time_ns = UINT64_C(0x161514131211100f) };
		unsigned char record[RECORD_BYTES], expected[RECORD_BYTES] = { 0 };

		memcpy(expected, wire, sizeof wire);
		expected[0] = (unsigned char)(18 + i);
		memset(record, CANARY, sizeof record);
		command_encode(&command, record);
		assert_memory_equal(record, expected, RECORD_BYTES);
	}
}

/* A head and two TEXT records; the name begins in the record in which the URL ends. */
static void test_command_job_gives_the_bytes_of_the_wire_form(void **state)
{
	static const char url[] = "http://localhost/0123456789-0123456789";
	static const char name[] = "a-name-of-20-letters";
	unsigned char expected[3 * RECORD_BYTES] = {
		[0] = 16,   [2] = 5,    [4] = 77,  [8] = 123,  [16] = 200, [17] = 1,
		[24] = 38,  [32] = 20,  [56] = 17, [57] = 48,  [58] = 5,   [60] = 77,
		[112] = 17, [113] = 10, [114] = 5, [116] = 77,
	};
	unsigned char *records;
	size_t count;

	(void)state;
	memcpy(expected + 56 + 8, url, 38);
	memcpy(expected + 56 + 46, name, 10);
	memcpy(expected + 112 + 8, name + 10, 10);
	records = job_records(url, name, &count);
	assert_int_equal(count, 3);
	assert_memory_equal(records, expected, sizeof expected);
	free(records);
}

static void test_command_job_carries_its_directory_and_range(void **state)
{
	static const unsigned char wire[20] = { 0x41, 0,    0,    0,    0x05, 0,    0,
						0,    0x03, 0,    0,    0,    0x51, 0x52,
						0x53, 0x54, 0x55, 0x56, 0x57, 0x58 };
	struct command command = { .kind = COMMAND_JOB,
				   .dir = 0x41,
				   .range = 3,
				   .ranges = 5,
				   .table = UINT64_C(0x5857565554535251) };
	struct command_reader reader = { .text = NULL };
	unsigned char records[2 * RECORD_BYTES];

	(void)state;
	command_encode_job(&command, "u", "n", records);
	assert_memory_equal(records + 36, wire, sizeof wire);
	assert_int_equal(command_read(&reader, records), 0);
	assert_int_equal(command_read(&reader, records + RECORD_BYTES), 1);
	assert_int_equal(reader.command.dir, 0x41);
	assert_int_equal(reader.command.range, 3);
	assert_int_equal(reader.command.ranges, 5);
	assert_true(reader.command.table == command.table);
	command_reader_free(&reader);
}

/* ---- putting a job together ---- */

static void assert_assembled(struct command_reader *reader, const char *url, const char *name)
{
	size_t count;
	unsigned char *records = job_records(url, name, &count);

	for (size_t i = 0; i < count; i++)
		assert_int_equal(command_read(reader, records + i * RECORD_BYTES), i + 1 == count);
	assert_int_equal(reader->command.kind, COMMAND_JOB);
	assert_int_equal(reader->command.slot, 5);
	assert_int_equal(reader->command.job, 77);
	assert_true(reader->command.ack == 123);
	assert_true(reader->command.time_ns == 456);
	assert_string_equal(command_url(reader), url);
	assert_string_equal(command_name(reader), name);
	free(records);
}

/* One reader for all, as in a worker: nothing of a job may be left for the next. */
static void test_command_read_every_length_around_the_borders(void **state)
{
	static const size_t name_lengths[] = { 0, 1, 9, 47, 48, 49, 96, 255 };
	struct command_reader reader = { .text = NULL };

	(void)state;
	for (size_t i = 0; i <= 200 * 8 + 7; i++) {
		char *url = text_of(i / 8, 'A');
		char *name = text_of(name_lengths[i % 8], 'a');

		assert_assembled(&reader, url, name);
		free(url);
		free(name);
	}
	command_reader_free(&reader);
	assert_null(reader.text);
}

static void test_command_read_longest_url_is_taken(void **state)
{
	struct command_reader reader = { .text = NULL };
	char *url = text_of(URL_MAX, 'A');
	char *name = text_of(255, 'a');

	(void)state;
	assert_assembled(&reader, url, name);
	command_reader_free(&reader);
	free(url);
	free(name);
}

static void test_command_read_other_commands_are_one_record(void **state)
{
	static const enum command_kind kinds[] = { COMMAND_CANCEL, COMMAND_QUIT, COMMAND_RATE,
						   COMMAND_PAUSE };
	struct command_reader reader = { .text = NULL };

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		const struct command command = {
			.kind = kinds[i], .slot = 9, .job = 8, .ack = 7, .time_ns = 6
		};
		unsigned char record[RECORD_BYTES];

		command_encode(&command, record);
		assert_int_equal(command_read(&reader, record), 1);
		assert_int_equal(reader.command.kind, kinds[i]);
		assert_int_equal(reader.command.slot, 9);
		assert_int_equal(reader.command.job, 8);
		assert_true(reader.command.ack == 7);
		assert_assembled(&reader, "http://localhost/x", "x"); /* between two jobs */
	}
	command_reader_free(&reader);
}

static void test_command_read_rate_and_pause_keep_their_values(void **state)
{
	static const uint64_t rates[] = { 0, 1, UINT64_C(1) << 40, UINT64_MAX };
	struct command_reader reader = { .text = NULL };
	unsigned char record[RECORD_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
		const struct command rate = { .kind = COMMAND_RATE, .rate = rates[i] };
		const struct command pause = { .kind = COMMAND_PAUSE, .paused = i % 2 };

		command_encode(&rate, record);
		assert_int_equal(command_read(&reader, record), 1);
		assert_true(reader.command.rate == rates[i]);
		command_encode(&pause, record);
		assert_int_equal(command_read(&reader, record), 1);
		assert_int_equal(reader.command.paused, i % 2);
		assert_false(reader.command.resume);
	}
	command_reader_free(&reader);
}

/* ---- what no parent sends ---- */

/* A reader that was given the first GIVEN records of a job. */
static struct command_reader reader_after(size_t given, unsigned char **records, size_t *count)
{
	struct command_reader reader = { .text = NULL };
	char *url = text_of(100, 'A');

	*records = job_records(url, "name", count);
	free(url);
	assert_int_equal(*count, 4);
	for (size_t i = 0; i < given; i++)
		assert_int_equal(command_read(&reader, *records + i * RECORD_BYTES), 0);
	return reader;
}

static void test_command_read_unknown_kind_is_refused(void **state)
{
	unsigned char record[RECORD_BYTES] = { 0 };

	(void)state;
	for (unsigned kind = 0; kind < 256; kind++) {
		struct command_reader reader = { .text = NULL };
		const bool known = kind == COMMAND_JOB || kind == COMMAND_CANCEL ||
				   kind == COMMAND_QUIT || kind == COMMAND_RATE ||
				   kind == COMMAND_PAUSE || kind == COMMAND_STOP;

		record[0] = (unsigned char)kind;
		assert_int_equal(command_read(&reader, record), known ? 1 : -EPROTO);
		command_reader_free(&reader);
	}
}

static void test_command_read_text_of_no_job_is_refused(void **state)
{
	unsigned char *records;
	size_t count;
	struct command_reader reader = reader_after(0, &records, &count);

	(void)state;
	assert_int_equal(command_read(&reader, records + RECORD_BYTES), -EPROTO);
	free(records);
	reader = reader_after(3, &records, &count);
	assert_int_equal(command_read(&reader, records + 3 * RECORD_BYTES), 1);
	assert_int_equal(command_read(&reader, records + 3 * RECORD_BYTES), -EPROTO);
	free(records);
	command_reader_free(&reader);
}

static void test_command_read_text_of_wrong_length_is_refused(void **state)
{
	(void)state;
	for (unsigned length = 0; length < 256; length++) {
		unsigned char *records;
		size_t count;
		struct command_reader reader = reader_after(3, &records, &count);
		unsigned char *last = records + 3 * RECORD_BYTES;

		assert_int_equal(last[1], 8); /* 104 bytes: 48, 48, 8 */
		last[1] = (unsigned char)length;
		assert_int_equal(command_read(&reader, last),
				 length == 0 || length > 8 ? -EPROTO : length == 8);
		free(records);
		command_reader_free(&reader);
	}
}

static void test_command_read_text_longer_than_a_record_is_refused(void **state)
{
	(void)state;
	for (unsigned length = 49; length < 256; length++) {
		unsigned char *records;
		size_t count;
		struct command_reader reader = reader_after(1, &records, &count);

		records[RECORD_BYTES + 1] = (unsigned char)length;
		assert_int_equal(command_read(&reader, records + RECORD_BYTES), -EPROTO);
		free(records);
		command_reader_free(&reader);
	}
}

static void test_command_read_command_within_a_job_is_refused(void **state)
{
	static const enum command_kind kinds[] = { COMMAND_JOB, COMMAND_CANCEL, COMMAND_QUIT };

	(void)state;
	for (size_t i = 0; i < 9; i++) {
		unsigned char *records;
		size_t count;
		struct command_reader reader = reader_after(1 + i % 3, &records, &count);
		const struct command command = { .kind = kinds[i / 3] };
		unsigned char record[RECORD_BYTES];

		command_encode(&command, record);
		assert_int_equal(command_read(&reader, record), -EPROTO);
		free(records);
		command_reader_free(&reader);
	}
}

/* Lengths in the head: too long, and such that their sum is small again. */
static void test_command_read_hostile_lengths_are_refused(void **state)
{
	static const struct {
		uint64_t url, name;
	} lengths[] = {
		{ URL_MAX + 1, 1 },
		{ 1, 256 },
		{ UINT32_MAX, 1 },
		{ UINT64_C(1) << 32, 0 },
		{ UINT64_MAX, 1 },
		{ UINT64_MAX, 2 },
		{ UINT64_MAX - 1, 0 },
		{ 1, UINT64_MAX },
		{ 2, UINT64_MAX },
		{ UINT64_C(1) << 63, UINT64_C(1) << 63 },
		{ (UINT64_C(1) << 32) + 5, 5 },
		{ 5, ((uint64_t)(OUTPUT_DIRS_MAX + 1) << 32) + 5 }, /* no such directory */
	};

	(void)state;
	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		unsigned char record[RECORD_BYTES] = { COMMAND_JOB };
		struct command_reader reader = { .text = NULL };

		for (unsigned byte = 0; byte < 8; byte++) {
			record[24 + byte] = (unsigned char)(lengths[i].url >> (8 * byte));
			record[32 + byte] = (unsigned char)(lengths[i].name >> (8 * byte));
		}
		assert_int_equal(command_read(&reader, record), -EPROTO);
		assert_null(reader.text);
		command_reader_free(&reader);
	}
}

/* ---- fuzz ---- */

static uint64_t random_next(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* What would be right to send now, or anything else; some of it with a wrong byte. */
static void mangle(unsigned char *record, const struct command_reader *reader, uint64_t *seed)
{
	const size_t left = reader->want - reader->have;
	const bool proper = random_next(seed) % 8 > 0;
	const bool wounded = random_next(seed) % 8 == 0;

	memset(record, 0, RECORD_BYTES);
	record[0] = (unsigned char)(COMMAND_JOB + random_next(seed) % 4);
	if (proper)
		record[0] = left > 0 ? COMMAND_TEXT : COMMAND_JOB;
	if (record[0] == COMMAND_JOB) {
		record[24] = (unsigned char)random_next(seed);
		record[32] = (unsigned char)(random_next(seed) % 30);
	} else if (record[0] == COMMAND_TEXT) {
		record[1] = (unsigned char)(proper && left < 48 ? left : random_next(seed) % 49);
	}
	if (wounded)
		record[random_next(seed) % RECORD_BYTES] = (unsigned char)random_next(seed);
}

/* With the sanitizers on, this also sees a byte written beside the text. */
static void test_command_fuzz_reader_stays_within_its_text(void **state)
{
	uint64_t seed = UINT64_C(0x2545f4914f6cdd1d);
	struct command_reader reader = { .text = NULL };
	unsigned whole = 0, refused = 0;

	(void)state;
	for (unsigned i = 0; i < 300000; i++) {
		unsigned char record[RECORD_BYTES];
		int rc;

		mangle(record, &reader, &seed);
		rc = command_read(&reader, record);
		assert_true(reader.have <= reader.want);
		assert_true(reader.want <= URL_MAX + 255);
		whole += rc == 1 && reader.command.kind == COMMAND_JOB;
		refused += rc < 0;
		if (rc == 1 && reader.command.kind == COMMAND_JOB) {
			assert_true(strlen(command_url(&reader)) <= reader.command.url_len);
			assert_true(strlen(command_name(&reader)) <= reader.command.name_len);
		}
		if (rc < 0) /* a worker ends here; a new one begins with an empty reader */
			command_reader_free(&reader);
	}
	command_reader_free(&reader);
	assert_true(whole > 1000);
	assert_true(refused > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_command_encode_gives_the_bytes_of_the_wire_form),
		cmocka_unit_test(test_command_job_gives_the_bytes_of_the_wire_form),
		cmocka_unit_test(test_command_job_carries_its_directory_and_range),
		cmocka_unit_test(test_command_read_every_length_around_the_borders),
		cmocka_unit_test(test_command_read_longest_url_is_taken),
		cmocka_unit_test(test_command_read_rate_and_pause_keep_their_values),
		cmocka_unit_test(test_command_read_other_commands_are_one_record),
		cmocka_unit_test(test_command_read_unknown_kind_is_refused),
		cmocka_unit_test(test_command_read_text_of_no_job_is_refused),
		cmocka_unit_test(test_command_read_text_of_wrong_length_is_refused),
		cmocka_unit_test(test_command_read_text_longer_than_a_record_is_refused),
		cmocka_unit_test(test_command_read_command_within_a_job_is_refused),
		cmocka_unit_test(test_command_read_hostile_lengths_are_refused),
		cmocka_unit_test(test_command_fuzz_reader_stays_within_its_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
