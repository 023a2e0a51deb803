/* SPDX-License-Identifier: MIT */
/*
 * split_test.c - a file in ranges: the table in its .part, and what the batch makes of its ranges.
 * The test plays the workers.
 */
#include "config.h"

#include "tests/download/batch_stage.h"

#include <errno.h>

#include "download/part_ranges.h"

#define MIB   UINT64_C(1048576)
#define TOTAL (3 * MIB + 2) /* its three ranges differ in length */
#define URL   "http://localhost/a"

static const struct fetch_source source = { .validator = "\"v\"",
					    .total = TOTAL,
					    .ranges = true,
					    .modified = 1000000000 };

/* A worker's part of a split: the file with its table. Returns the descriptor. */
static int make_table(struct batch_stage *stage, uint64_t have, struct part_ranges *ranges,
		      struct part_file *file)
{
	struct failure failure;
	int fd;

	*file = (struct part_file){ .shared = true };
	fd = part_file_open(stage->place->dirfd, "a", file, &failure);
	assert_true(fd >= 0);
	*ranges = (struct part_ranges){ .count = 3 };
	assert_int_equal(part_ranges_make(fd, URL, &source, have, ranges), 0);
	assert_int_equal(ranges->count, 3);
	return fd;
}

/* ---- the table ---- */

static void test_split_ranges_cover_the_file(void **state)
{
	static const uint64_t totals[] = { 2, 3, 64, 65, MIB, TOTAL, INT64_MAX };

	(void)state;
	for (size_t t = 0; t < sizeof totals / sizeof totals[0]; t++)
		for (unsigned count = 1; count <= RANGES_MAX && count <= totals[t]; count++) {
			uint64_t next = 0;

			for (unsigned i = 0; i < count; i++) {
				assert_true(range_first(totals[t], count, i) == next);
				assert_true(range_length(totals[t], count, i) > 0);
				next += range_length(totals[t], count, i);
			}
			assert_true(next == totals[t]);
		}
}

/* What an origin must offer: ranges, a strong validator, a length; and enough bytes to share. */
static void test_split_count_needs_all_of_it(void **state)
{
	struct fetch_source is = source;

	(void)state;
	assert_int_equal(part_ranges_count(&is, 8), 3);
	assert_int_equal(part_ranges_count(&is, 2), 2);
	assert_int_equal(part_ranges_count(&is, 0), 1);
	is.ranges = false;
	assert_int_equal(part_ranges_count(&is, 8), 1);
	is = source;
	is.validator[0] = '\0';
	assert_int_equal(part_ranges_count(&is, 8), 1);
	is = source;
	is.total = FETCH_SIZE_UNKNOWN;
	assert_int_equal(part_ranges_count(&is, 8), 1);
	is.total = 2 * RANGE_BYTES_MIN - 1;
	assert_int_equal(part_ranges_count(&is, 8), 1);
	is.total = UINT64_MAX / 2;
	assert_int_equal(part_ranges_count(&is, 1000), RANGES_MAX);
}

static void test_split_table_is_read_back(void **state)
{
	struct batch_stage *stage = *state;
	struct part_ranges made, read;
	struct part_file file;
	int fd = make_table(stage, 2 * MIB, &made, &file);

	assert_false(part_ranges_load(fd, "http://localhost/b", &read));
	assert_true(part_ranges_load(fd, URL, &read));
	assert_true(read.id == made.id && read.total == TOTAL && read.count == 3);
	assert_string_equal(read.source.validator, "\"v\"");
	/* The first 2 MiB were there: the first range, and the second but for its last byte. */
	assert_true(read.done[0] == MIB + 1 && read.done[1] == MIB - 1 && read.done[2] == 0);
	assert_int_equal(part_ranges_open(&read), 1);
	assert_int_equal(part_ranges_note(fd, &made, 1, MIB + 1), 0);
	assert_true(part_ranges_load(fd, URL, &read));
	assert_int_equal(part_ranges_open(&read), 2);
	close(fd);
}

/* A number behind its range's end, a size that is not the table's, another mark: no table. */
static void test_split_damaged_table_is_none(void **state)
{
	struct batch_stage *stage = *state;
	struct part_ranges made, read;
	struct part_file file;
	int fd = make_table(stage, 0, &made, &file);
	struct stat st;

	assert_int_equal(part_ranges_note(fd, &made, 2, MIB + 1), 0);
	assert_false(part_ranges_load(fd, URL, &read));
	assert_int_equal(read.count, 0);
	assert_int_equal(part_ranges_note(fd, &made, 2, 0), 0);
	assert_true(part_ranges_load(fd, URL, &read));
	assert_int_equal(pwrite(fd, "I", 1, TOTAL), 1);
	assert_false(part_ranges_load(fd, URL, &read));
	assert_int_equal(pwrite(fd, "i", 1, TOTAL), 1);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(ftruncate(fd, st.st_size + 1), 0);
	assert_false(part_ranges_load(fd, URL, &read));
	close(fd);
}

/* One stream goes on behind the first gap; what lies beyond that is fetched again. */
static void test_split_beginning_is_kept_for_one_stream(void **state)
{
	struct batch_stage *stage = *state;
	struct part_ranges made;
	struct fetch_source kept;
	struct part_file file;
	int fd = make_table(stage, MIB + 1, &made, &file);
	struct stat st;

	assert_int_equal(part_ranges_note(fd, &made, 1, 5), 0);
	assert_int_equal(part_ranges_note(fd, &made, 2, 7), 0);
	assert_true(part_ranges_to_beginning(fd, URL, &kept) == MIB + 6);
	assert_string_equal(kept.validator, "\"v\"");
	assert_int_equal(fstat(fd, &st), 0);
	assert_true((uint64_t)st.st_size == MIB + 6);
	assert_true(part_ranges_to_beginning(fd, URL, &kept) == 0);
	close(fd);
}

/* ---- its locks ---- */

static void test_split_range_is_locked_for_its_worker(void **state)
{
	struct batch_stage *stage = *state;
	const int dirfd = stage->place->dirfd;
	struct part_ranges made;
	struct part_file file, second, again, whole = { .keep = true };
	struct failure failure;
	int fd = make_table(stage, 0, &made, &file), fd2;

	second = (struct part_file){ .range = 1, .table = made.id };
	assert_int_equal(part_range_open(dirfd, "a", &second, &failure), -1);
	assert_int_equal(failure.kind, FAILURE_HELD); /* the first has all of it still */
	part_file_share(fd, &made, 0);
	fd2 = part_range_open(dirfd, "a", &second, &failure);
	assert_true(fd2 >= 0);
	assert_true(second.inode == file.inode && second.ranges.total == TOTAL);
	again = second;
	assert_int_equal(part_range_open(dirfd, "a", &again, &failure), -1);
	assert_int_equal(failure.kind, FAILURE_HELD);
	close(fd); /* range 0 is free; another run would need all of the file */
	assert_int_equal(part_file_open(dirfd, "a", &whole, &failure), -1);
	assert_int_equal(failure.kind, FAILURE_HELD);
	close(fd2);
}

static void test_split_range_of_another_table_is_refused(void **state)
{
	struct batch_stage *stage = *state;
	struct part_ranges made;
	struct part_file file, wrong;
	struct failure failure;

	close(make_table(stage, 0, &made, &file));
	wrong = (struct part_file){ .range = 1, .table = made.id + 1 };
	assert_int_equal(part_range_open(stage->place->dirfd, "a", &wrong, &failure), -1);
	assert_int_equal(failure.kind, FAILURE_RANGE);
	wrong = (struct part_file){ .range = 3, .table = made.id };
	assert_int_equal(part_range_open(stage->place->dirfd, "a", &wrong, &failure), -1);
	assert_int_equal(failure.kind, FAILURE_RANGE);
}

/* ---- the batch ---- */

struct played {
	struct batch_stage *stage;
	struct batch *batch;
	struct job *file, *range[3];
	struct part_ranges table;
	struct part_file part;
	int fd;
};

/* A batch of one file that its worker has just split; each range has a worker. */
static struct played play(struct batch_stage *stage)
{
	struct played p = { .stage = stage, .batch = &stage->batch };
	struct split_report report = { .total = TOTAL, .ranges = 3 };

	stage->settings.split = 3;
	p.file = begun(stage, 1, NULL);
	p.fd = make_table(stage, 0, &p.table, &p.part);
	part_file_share(p.fd, &p.table, 0);
	report.table = p.table.id;
	p.range[0] = batch_split(p.batch, p.file, 0, &report);
	assert_non_null(p.range[0]);
	assert_int_equal(p.batch->ready_count, 2);
	for (unsigned i = 1; i < 3; i++) {
		p.range[i] = batch_next(p.batch, i);
		assert_non_null(p.range[i]);
		assert_int_equal(p.range[i]->range, i);
		assert_true(job_file(p.range[i]) == p.file);
	}
	assert_int_equal(p.batch->open, 1);
	return p;
}

static void range_is_there(struct played *p, unsigned i)
{
	const struct batch_result result = { .bytes = p->range[i]->total,
					     .total = p->range[i]->total,
					     .inode = p->part.inode,
					     .ended_ns = NS_PER_S };

	assert_int_equal(part_ranges_note(p->fd, &p->table, i, p->range[i]->total), 0);
	batch_received(p->batch, p->range[i], i, &result);
}

static void test_split_last_range_commits_the_file(void **state)
{
	struct played p = play(*state);
	struct stat st;

	range_is_there(&p, 1);
	range_is_there(&p, 0);
	assert_int_equal(p.file->state, JOB_ASSIGNED);
	assert_true(p.file->bytes == 2 * (MIB + 1));
	range_is_there(&p, 2);
	assert_int_equal(p.file->state, JOB_OK);
	assert_counts(p.batch, 0, 1, 0);
	assert_int_equal(fstatat(p.stage->place->dirfd, "a", &st, 0), 0);
	assert_true((uint64_t)st.st_size == TOTAL);
	close(p.fd);
}

/* All workers say that they are done, and the table says that one is not. */
static void test_split_with_a_gap_is_not_committed(void **state)
{
	struct played p = play(*state);
	const struct batch_result lie = { .bytes = MIB, .total = MIB, .inode = p.part.inode };

	range_is_there(&p, 1);
	range_is_there(&p, 2);
	batch_received(p.batch, p.range[0], 0, &lie);
	assert_int_equal(p.file->state, JOB_WAITING);
	assert_int_equal(p.file->failure.kind, FAILURE_VANISHED);
	assert_int_equal(output_type(p.stage->place->dirfd, "a"), 0);
	close(p.fd);
}

static void test_split_killed_worker_costs_its_range_alone(void **state)
{
	struct played p = play(*state);
	const struct failure killed = { .kind = FAILURE_KILLED, .code = 9 };

	range_is_there(&p, 0);
	batch_failed(p.batch, p.range[1], 1, &killed, 5);
	assert_int_equal(p.range[1]->state, JOB_WAITING);
	assert_true(p.file->deaths == 0 && p.range[1]->deaths == 1);
	assert_true(batch_wake(p.batch, UINT64_MAX - 1) == UINT64_MAX);
	assert_ptr_equal(batch_next(p.batch, 1), p.range[1]);
	range_is_there(&p, 2);
	range_is_there(&p, 1);
	assert_int_equal(p.file->state, JOB_OK);
	close(p.fd);
}

/* Nothing of it is left, but only once nobody has a range of it any more. */
static void test_split_range_that_fails_fails_the_file(void **state)
{
	struct played p = play(*state);

	batch_failed(p.batch, p.range[2], 2,
		     &(struct failure){ .kind = FAILURE_FETCH, .transient = true }, 5);
	assert_int_equal(p.range[2]->state, JOB_WAITING);
	fail_by(p.stage, p.range[1], FAILURE_HTTP, false);
	assert_true(job_is_void(p.range[0]) && batch_wake(p.batch, 0) == UINT64_MAX);
	assert_int_equal(p.file->state, JOB_ASSIGNED);
	assert_counts(p.batch, 1, 0, 0);
	fail_by(p.stage, p.range[0], FAILURE_CANCELLED, false);
	assert_job_failed(p.file, FAILURE_HTTP);
	assert_counts(p.batch, 0, 0, 1);
	close(p.fd);
}

/* The same while ranges are still to be handed out. */
static void test_split_that_failed_hands_out_no_range(void **state)
{
	struct played p = play(*state);

	batch_requeue(p.batch, p.range[1]);
	batch_requeue(p.batch, p.range[2]);
	fail_by(p.stage, p.range[0], FAILURE_HTTP, false);
	assert_null(batch_next(p.batch, 0));
	assert_job_failed(p.file, FAILURE_HTTP);
	assert_counts(p.batch, 0, 0, 1);
	close(p.fd);
}

/* Another version, or no ranges after all: from the beginning, in one stream, and at once. */
static void test_split_that_cannot_be_had_becomes_one_stream(void **state)
{
	struct played p = play(*state);
	const struct split_report report = { .table = 1, .total = TOTAL, .ranges = 3 };

	fail_by(p.stage, p.range[1], FAILURE_RANGE, false);
	range_is_there(&p, 0);
	fail_by(p.stage, p.range[2], FAILURE_CANCELLED, false);
	assert_int_equal(p.file->tries, 0);
	assert_ptr_equal(batch_next(p.batch, 0), p.file);
	assert_null(batch_split(p.batch, p.file, 0, &report));
	close(p.fd);
	deliver(p.stage, p.file, "whole");
	assert_int_equal(p.file->state, JOB_OK);
}

static void test_split_report_that_is_not_sound_is_refused(void **state)
{
	struct batch_stage *stage = *state;
	const struct split_report good = { .table = 1, .total = TOTAL, .range = 2, .ranges = 3 };
	struct split_report bad[6];
	struct job *file;

	for (unsigned i = 0; i < 6; i++)
		bad[i] = good;
	bad[0].table = 0;
	bad[1].ranges = 1;
	bad[2].ranges = RANGES_MAX + 1;
	bad[3].range = 3;
	bad[4].total = 2;
	bad[5].total = UINT64_MAX;
	file = begun(stage, 1, NULL);
	assert_null(batch_split(&stage->batch, file, 0, &good)); /* nobody asked for it */
	stage->settings.split = 2;
	for (unsigned i = 0; i < 6; i++)
		assert_null(batch_split(&stage->batch, file, 0, &bad[i]));
	assert_non_null(batch_split(&stage->batch, file, 0, &good));
	assert_null(batch_split(&stage->batch, file, 0, &good)); /* twice */
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_split_ranges_cover_the_file),
		cmocka_unit_test(test_split_count_needs_all_of_it),
		ENACTED(test_split_table_is_read_back),
		ENACTED(test_split_damaged_table_is_none),
		ENACTED(test_split_beginning_is_kept_for_one_stream),
		ENACTED(test_split_range_is_locked_for_its_worker),
		ENACTED(test_split_range_of_another_table_is_refused),
		ENACTED(test_split_last_range_commits_the_file),
		ENACTED(test_split_with_a_gap_is_not_committed),
		ENACTED(test_split_killed_worker_costs_its_range_alone),
		ENACTED(test_split_range_that_fails_fails_the_file),
		ENACTED(test_split_that_failed_hands_out_no_range),
		ENACTED(test_split_that_cannot_be_had_becomes_one_stream),
		ENACTED(test_split_report_that_is_not_sound_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
