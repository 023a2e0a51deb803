/* SPDX-License-Identifier: MIT */
/*
 * part_file_test.c - the output directory; how NAME.part is checked, summed and becomes NAME.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/syscall.h>

#include "download/part_file.h"
#include "tests/download/part_file_place.h"

/* ---- the directory ---- */

static void test_output_dir_missing_is_made_with_parents(void **state)
{
	struct place *place = *state;
	static const char *const tails[] = { "/a", "/b/c/d", "/e//f/", "/a/g" };
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		struct stat st;
		int dirfd;

		snprintf(path, sizeof(path), "%s%s", place->path, tails[i]);
		dirfd = output_dir_open(path);
		assert_true(dirfd >= 0);
		assert_int_equal(fcntl(dirfd, F_GETFD), FD_CLOEXEC);
		assert_int_equal(fstat(dirfd, &st), 0);
		assert_true(S_ISDIR(st.st_mode));
		close(dirfd);
	}
}

static void test_output_dir_relative_is_made(void **state)
{
	struct place *place = *state;
	int before = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int dirfd;

	assert_true(before >= 0);
	assert_int_equal(chdir(place->path), 0);
	dirfd = output_dir_open("r/s");
	assert_int_equal(fchdir(before), 0);
	close(before);
	assert_true(dirfd >= 0);
	close(dirfd);
	assert_int_equal(output_type(place->dirfd, "r"), S_IFDIR);
}

static void test_output_dir_unusable_is_an_early_error(void **state)
{
	struct place *place = *state;
	char path[PATH_MAX];

	assert_int_equal(output_dir_open(""), -ENOENT);
	put(place, "file", "");
	snprintf(path, sizeof(path), "%s/file", place->path);
	assert_int_equal(output_dir_open(path), -ENOTDIR);
	snprintf(path, sizeof(path), "%s/file/below", place->path);
	assert_int_equal(output_dir_open(path), -ENOTDIR);
	assert_int_equal(symlinkat("nowhere", place->dirfd, "dangling"), 0);
	snprintf(path, sizeof(path), "%s/dangling", place->path);
	assert_int_equal(output_dir_open(path), -ENOENT);
	if (geteuid() == 0)
		return; /* root may write anywhere */
	snprintf(path, sizeof(path), "%s/sealed", place->path);
	assert_int_equal(mkdir(path, 0555), 0);
	assert_int_equal(output_dir_open(path), -EACCES);
	snprintf(path, sizeof(path), "%s/sealed/below", place->path);
	assert_int_equal(output_dir_open(path), -EACCES);
}

static void test_output_type_sees_anything_and_follows_nothing(void **state)
{
	struct place *place = *state;

	expect_absent(place, "x");
	assert_int_equal(symlinkat("nowhere", place->dirfd, "x"), 0);
	assert_int_equal(output_type(place->dirfd, "x"), S_IFLNK);
	assert_int_equal(mkdirat(place->dirfd, "d", 0700), 0);
	assert_int_equal(output_type(place->dirfd, "d"), S_IFDIR);
	assert_int_equal(output_type(-1, "x"), -EBADF);
}

/* ---- check, commit, discard ---- */

static void test_output_check_accepts_only_what_was_written(void **state)
{
	struct place *place = *state;
	struct failure failure;
	uint64_t inode;
	int fd = open_and_write(place, "x", "12345", &inode);

	assert_true(part_file_check(place->dirfd, "x", inode, 5, &failure));
	assert_false(part_file_check(place->dirfd, "x", inode, 4, &failure));
	assert_int_equal(failure.kind, FAILURE_VANISHED);
	assert_int_equal(failure.code, VANISHED_CHANGED);
	assert_true(failure.transient);
	/* Another file, also behind a link, under the name. */
	assert_int_equal(renameat(place->dirfd, "x.part", place->dirfd, "away"), 0);
	assert_false(part_file_check(place->dirfd, "x", inode, 5, &failure));
	assert_int_equal(failure.code, VANISHED_REMOVED);
	put(place, "x.part", "12345");
	assert_false(part_file_check(place->dirfd, "x", inode, 5, &failure));
	assert_int_equal(failure.code, VANISHED_REPLACED);
	assert_int_equal(unlinkat(place->dirfd, "x.part", 0), 0);
	assert_int_equal(symlinkat("away", place->dirfd, "x.part"), 0);
	assert_false(part_file_check(place->dirfd, "x", inode, 5, &failure));
	assert_int_equal(failure.kind, FAILURE_VANISHED);
	close(fd);
}

static void test_output_commit_renames_and_clobbers_nothing(void **state)
{
	struct place *place = *state;
	struct failure failure;

	put(place, "x.part", "new");
	assert_true(part_file_commit(place->dirfd, "x", EXISTS_FAIL, &failure));
	expect_content(place, "x", "new");
	expect_absent(place, "x.part");

	put(place, "x.part", "newer");
	assert_false(part_file_commit(place->dirfd, "x", EXISTS_FAIL, &failure));
	assert_int_equal(failure.kind, FAILURE_EXISTS);
	assert_false(part_file_commit(place->dirfd, "x", EXISTS_SKIP, &failure));
	assert_int_equal(failure.kind, FAILURE_EXISTS);
	expect_content(place, "x", "new");
	expect_content(place, "x.part", "newer");
}

static bool commits_without_renameat2(const struct place *place)
{
	struct failure failure = { .kind = FAILURE_NONE };

	return lose_call(SYS_renameat2, EINVAL) &&
	       part_file_commit(place->dirfd, "x", EXISTS_FAIL, &failure) &&
	       !part_file_commit(place->dirfd, "taken", EXISTS_FAIL, &failure) &&
	       failure.kind == FAILURE_EXISTS;
}

static void test_output_commit_without_noreplace_clobbers_nothing(void **state)
{
	struct place *place = *state;
	struct stat st;

	put(place, "x.part", "new");
	put(place, "taken", "old");
	put(place, "taken.part", "new");
	expect_in_child(commits_without_renameat2, place);
	expect_content(place, "x", "new");
	expect_absent(place, "x.part");
	assert_int_equal(fstatat(place->dirfd, "x", &st, 0), 0);
	assert_int_equal(st.st_nlink, 1);
	expect_content(place, "taken", "old");
	expect_content(place, "taken.part", "new");
}

static void test_output_commit_never_follows_a_link_at_the_name(void **state)
{
	struct place *place = *state;
	struct failure failure;

	put(place, "victim", "precious");
	assert_int_equal(symlinkat("victim", place->dirfd, "x"), 0);
	put(place, "x.part", "new");
	assert_false(part_file_commit(place->dirfd, "x", EXISTS_FAIL, &failure));
	assert_int_equal(failure.kind, FAILURE_EXISTS);
	assert_true(part_file_commit(place->dirfd, "x", EXISTS_OVERWRITE, &failure));
	expect_content(place, "x", "new");
	expect_content(place, "victim", "precious");
}

/* A device node that becomes a file is a broken machine, where root says -o dev/null. */
static void test_output_commit_replaces_nothing_but_files(void **state)
{
	struct place *place = *state;
	struct failure failure;

	put(place, "x", "old");
	put(place, "x.part", "new");
	assert_true(part_file_commit(place->dirfd, "x", EXISTS_OVERWRITE, &failure));
	expect_content(place, "x", "new");
	assert_int_equal(mkdirat(place->dirfd, "d", 0700), 0);
	assert_int_equal(mkfifoat(place->dirfd, "f", 0600), 0);
	put(place, "d.part", "new");
	put(place, "f.part", "new");
	assert_false(part_file_commit(place->dirfd, "d", EXISTS_OVERWRITE, &failure));
	assert_int_equal(failure.kind, FAILURE_NOT_FILE);
	assert_int_equal(failure.code, S_IFDIR);
	assert_false(part_file_commit(place->dirfd, "f", EXISTS_OVERWRITE, &failure));
	assert_int_equal(failure.kind, FAILURE_NOT_FILE);
	assert_int_equal(output_type(place->dirfd, "f"), S_IFIFO);
	expect_content(place, "f.part", "new");
}

static bool commits_on_a_plain_file_system(const struct place *place)
{
	struct failure failure = { .kind = FAILURE_NONE };

	return lose_call(SYS_renameat2, EINVAL) && lose_call(SYS_linkat, EPERM) &&
	       part_file_commit(place->dirfd, "x", EXISTS_FAIL, &failure) &&
	       !part_file_commit(place->dirfd, "taken", EXISTS_FAIL, &failure) &&
	       failure.kind == FAILURE_EXISTS &&
	       !part_file_commit(place->dirfd, "gone", EXISTS_FAIL, &failure) &&
	       failure.kind == FAILURE_VANISHED;
}

/* Neither RENAME_NOREPLACE nor hard links: sshfs, FAT. */
static void test_output_commit_without_links_clobbers_nothing(void **state)
{
	struct place *place = *state;

	put(place, "x.part", "new");
	put(place, "taken", "old");
	put(place, "taken.part", "new");
	expect_in_child(commits_on_a_plain_file_system, place);
	expect_content(place, "x", "new");
	expect_absent(place, "x.part");
	expect_content(place, "taken", "old");
	expect_content(place, "taken.part", "new");
	expect_absent(place, "gone");
}

/* ---- what an attempt leaves for the next ---- */

static const struct fetch_source version = { .validator = "\"v 1\"", .total = 10 };
static const struct fetch_source no_version = { .validator = "", .total = 10 };

static void test_output_source_is_that_of_one_url(void **state)
{
	struct place *place = *state;
	struct fetch_source source;
	uint64_t inode;
	int fd = open_and_write(place, "x", "0123", &inode);

	assert_false(part_source_load(fd, "http://h/x", &source));
	if (part_source_save(fd, "http://h/x", &version) == -EOPNOTSUPP)
		skip(); /* no extended attributes in /tmp */
	assert_true(part_source_load(fd, "http://h/x", &source));
	assert_string_equal(source.validator, version.validator);
	assert_int_equal(source.total, 10);
	assert_false(part_source_load(fd, "http://h/y", &source));
	/* Which version that is, nobody can say: the rest may be of another. */
	assert_int_equal(part_source_save(fd, "http://h/x", &no_version), 0);
	assert_false(part_source_load(fd, "http://h/x", &source));
	part_source_drop(fd);
	assert_false(part_source_load(fd, "http://h/x", &source));
	close(fd);
}

static void test_output_leftover_is_kept_for_those_who_ask(void **state)
{
	struct place *place = *state;
	struct part_file file = { .keep = true };
	struct fetch_source source;
	struct failure failure;
	uint64_t inode;
	int fd = open_and_write(place, "x", "0123", &inode);

	if (part_source_save(fd, "http://h/x", &version) == -EOPNOTSUPP)
		skip();
	close(fd);
	fd = part_file_open(place->dirfd, "x", &file, &failure);
	assert_true(fd >= 0);
	assert_true(file.locked);
	assert_int_equal(file.size, 4);
	assert_int_equal(file.inode, inode);
	close(fd);
	assert_true(part_file_discard(place->dirfd, "x", true));
	expect_content(place, "x.part", "0123");
	/* Who does not ask gets an empty file, and no note about bytes that are gone. */
	file = (struct part_file){ .keep = false };
	fd = part_file_open(place->dirfd, "x", &file, &failure);
	assert_int_equal(file.size, 0);
	assert_false(part_source_load(fd, "http://h/x", &source));
	close(fd);
	assert_false(part_file_discard(place->dirfd, "x", true));
	expect_absent(place, "x.part");
}

static bool opens_without_locks(const struct place *place)
{
	struct part_file file = { .keep = false };
	struct failure failure;
	int fd;

	if (!lose_call(SYS_fcntl, ENOLCK))
		return false;
	fd = part_file_open(place->dirfd, "x", &file, &failure);
	return fd >= 0 && !file.locked && write(fd, "new", 3) == 3;
}

static void test_output_without_locks_is_written_all_the_same(void **state)
{
	struct place *place = *state;

	expect_in_child(opens_without_locks, place);
	expect_content(place, "x.part", "new");
}

static void test_output_discard_removes_an_unlocked_part_only(void **state)
{
	struct place *place = *state;

	put(place, "x", "final");
	put(place, "x.part", "half");
	(void)part_file_discard(place->dirfd, "x", false);
	expect_absent(place, "x.part");
	expect_content(place, "x", "final");
	(void)part_file_discard(place->dirfd, "x", false);
	expect_absent(place, "x.part");
}

/* ---- SHA-256 ---- */

static int digest_in_steps(const struct place *place, size_t step, unsigned char sha256[32])
{
	struct part_digest *digest = part_digest_new(place->dirfd, "x");
	int steps = 0;
	int rc;

	assert_non_null(digest);
	do {
		rc = part_digest_step(digest, step, sha256);
		steps++;
	} while (rc == 1);
	assert_int_equal(rc, 0);
	part_digest_free(digest);
	return steps;
}

static void test_output_digest_is_sha256_in_slices(void **state)
{
	/* FIPS 180-4: of "abc", and of nothing. */
	static const unsigned char of_abc[32] =
		"\xba\x78\x16\xbf\x8f\x01\xcf\xea\x41\x41\x40\xde\x5d\xae\x22\x23"
		"\xb0\x03\x61\xa3\x96\x17\x7a\x9c\xb4\x10\xff\x61\xf2\x00\x15\xad";
	static const unsigned char of_nothing[32] =
		"\xe3\xb0\xc4\x42\x98\xfc\x1c\x14\x9a\xfb\xf4\xc8\x99\x6f\xb9\x24"
		"\x27\xae\x41\xe4\x64\x9b\x93\x4c\xa4\x95\x99\x1b\x78\x52\xb8\x55";
	struct place *place = *state;
	unsigned char one[32], other[32];
	int fd;

	put(place, "x.part", "abc");
	assert_int_equal(digest_in_steps(place, 1, one), 4);
	assert_memory_equal(one, of_abc, 32);
	assert_int_equal(digest_in_steps(place, 100, one), 1);
	assert_memory_equal(one, of_abc, 32);

	put(place, "x.part", "");
	digest_in_steps(place, 7, one);
	assert_memory_equal(one, of_nothing, 32);
	/* Longer than the buffer, with slices that are no multiple of anything. */
	fd = openat(place->dirfd, "x.part", O_WRONLY | O_CLOEXEC);
	assert_int_equal(ftruncate(fd, 1000003), 0);
	assert_int_equal(pwrite(fd, "z", 1, 999999), 1);
	close(fd);
	assert_int_equal(digest_in_steps(place, 77777, one), 13);
	assert_int_equal(digest_in_steps(place, SIZE_MAX, other), 1);
	assert_memory_equal(one, other, 32);
	assert_memory_not_equal(one, of_nothing, 32);
}

static void test_output_digest_of_no_file_is_refused(void **state)
{
	struct place *place = *state;

	errno = 0;
	assert_null(part_digest_new(place->dirfd, "x"));
	assert_int_equal(errno, ENOENT);
	assert_int_equal(symlinkat("/etc/passwd", place->dirfd, "x.part"), 0);
	assert_null(part_digest_new(place->dirfd, "x"));
	assert_int_equal(errno, ELOOP);
	assert_int_equal(mkdirat(place->dirfd, "d.part", 0700), 0);
	assert_null(part_digest_new(place->dirfd, "d"));
	assert_int_equal(errno, EINVAL);
	part_digest_free(NULL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		PLACED(test_output_dir_missing_is_made_with_parents),
		PLACED(test_output_dir_relative_is_made),
		PLACED(test_output_dir_unusable_is_an_early_error),
		PLACED(test_output_type_sees_anything_and_follows_nothing),
		PLACED(test_output_check_accepts_only_what_was_written),
		PLACED(test_output_commit_renames_and_clobbers_nothing),
		PLACED(test_output_commit_without_noreplace_clobbers_nothing),
		PLACED(test_output_commit_never_follows_a_link_at_the_name),
		PLACED(test_output_commit_replaces_nothing_but_files),
		PLACED(test_output_commit_without_links_clobbers_nothing),
		PLACED(test_output_source_is_that_of_one_url),
		PLACED(test_output_leftover_is_kept_for_those_who_ask),
		PLACED(test_output_without_locks_is_written_all_the_same),
		PLACED(test_output_discard_removes_an_unlocked_part_only),
		PLACED(test_output_digest_is_sha256_in_slices),
		PLACED(test_output_digest_of_no_file_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
