/* SPDX-License-Identifier: MIT */
/*
 * part_file_lock_test.c - NAME.part: who gets it, and what is refused in its place.
 *
 * A second writer is a forked process: POSIX record locks do not exclude their own process.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "download/part_file.h"
#include "tests/download/part_file_place.h"

static void expect_refusal(const struct place *place, enum failure_kind kind, int code)
{
	struct failure failure = { .kind = FAILURE_NONE };
	uint64_t inode;

	assert_int_equal(open_part(place->dirfd, "x", &inode, &failure), -1);
	assert_int_equal(failure.kind, kind);
	assert_int_equal(failure.code, code);
	assert_false(failure.transient);
}

/* A process that holds x.part, FINISHED or not, until it is killed; it has the lock when this
 * returns. */
static pid_t start_holder(const struct place *place, bool finished)
{
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct failure failure;
		uint64_t inode;
		int fd;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		fd = open_part(place->dirfd, "x", &inode, &failure);
		if (fd < 0 || write(fd, "half", 4) != 4)
			_exit(1);
		if (finished)
			part_file_share_lock(fd, false);
		if (write(ready[1], "r", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void end_holder(pid_t pid)
{
	int status;

	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
}

static void test_output_new_part_is_empty_and_as_the_umask_says(void **state)
{
	struct place *place = *state;
	mode_t before = umask(027);
	struct failure failure;
	uint64_t inode = 0;
	struct stat st;
	int fd = open_part(place->dirfd, "x", &inode, &failure);

	umask(before);
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0640);
	assert_int_equal(st.st_size, 0);
	assert_int_equal(st.st_ino, inode);
	assert_int_equal(inode_of(place, "x.part"), inode);
	close(fd);
}

static void test_output_unlocked_leftover_is_emptied_and_used_again(void **state)
{
	struct place *place = *state;
	uint64_t inode, before;
	int fd;

	put(place, "x.part", "of an earlier batch");
	before = inode_of(place, "x.part");
	fd = open_and_write(place, "x", "new", &inode);
	assert_int_equal(inode, before);
	expect_content(place, "x.part", "new");
	close(fd);
}

static void test_output_part_of_a_living_writer_is_held(void **state)
{
	struct place *place = *state;
	pid_t holder = start_holder(place, false);

	expect_refusal(place, FAILURE_HELD, holder);
	/* Nor is it taken away from it, nor emptied. */
	(void)part_file_discard(place->dirfd, "x", false);
	expect_content(place, "x.part", "half");
	end_holder(holder);
}

static void test_output_part_of_a_killed_writer_is_free(void **state)
{
	struct place *place = *state;
	uint64_t inode;
	int fd;

	end_holder(start_holder(place, false));
	expect_content(place, "x.part", "half");
	fd = open_and_write(place, "x", "ok", &inode);
	expect_content(place, "x.part", "ok");
	close(fd);
}

static void test_output_lock_of_a_finished_part_passes_to_the_parent(void **state)
{
	struct place *place = *state;
	pid_t holder = start_holder(place, true);
	uint64_t inode = inode_of(place, "x.part");
	int fd;

	expect_refusal(place, FAILURE_HELD, holder);
	assert_false(part_file_join_lock(place->dirfd, "x", inode + 1, &fd));
	assert_true(part_file_join_lock(place->dirfd, "x", inode, &fd));
	end_holder(holder);
	expect_refusal(place, FAILURE_HELD, 0);
	expect_content(place, "x.part", "half");
	close(fd);
	fd = open_and_write(place, "x", "ok", &inode);
	expect_content(place, "x.part", "ok");
	close(fd);
}

static void test_output_lock_of_an_unfinished_part_does_not(void **state)
{
	struct place *place = *state;
	pid_t holder = start_holder(place, false);
	int fd;

	assert_false(part_file_join_lock(place->dirfd, "x", inode_of(place, "x.part"), &fd));
	end_holder(holder);
}

static void test_output_lock_is_not_inherited_by_a_fork(void **state)
{
	struct place *place = *state;
	uint64_t inode;
	int fd = open_and_write(place, "x", "mine", &inode);
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		struct failure failure;

		fd = open_part(place->dirfd, "x", &inode, &failure);
		_exit(fd < 0 && failure.kind == FAILURE_HELD && failure.code == getppid() ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	expect_content(place, "x.part", "mine");
	close(fd);
}

static void test_output_symlink_in_the_way_is_refused_and_untouched(void **state)
{
	struct place *place = *state;

	put(place, "victim", "precious");
	assert_int_equal(symlinkat("victim", place->dirfd, "x.part"), 0);
	expect_refusal(place, FAILURE_CREATE, ELOOP);
	(void)part_file_discard(place->dirfd, "x", false);
	assert_int_equal(output_type(place->dirfd, "x.part"), S_IFLNK);
	expect_content(place, "victim", "precious");
	/* A dangling one makes nothing elsewhere. */
	assert_int_equal(unlinkat(place->dirfd, "victim", 0), 0);
	expect_refusal(place, FAILURE_CREATE, ELOOP);
	expect_absent(place, "victim");
}

static void test_output_fifo_in_the_way_is_refused_without_waiting(void **state)
{
	struct place *place = *state;
	int reader;

	assert_int_equal(mkfifoat(place->dirfd, "x.part", 0600), 0);
	expect_refusal(place, FAILURE_CREATE, EEXIST);
	/* With a reader the open itself succeeds. */
	reader = openat(place->dirfd, "x.part", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_true(reader >= 0);
	expect_refusal(place, FAILURE_CREATE, EEXIST);
	(void)part_file_discard(place->dirfd, "x", false);
	close(reader);
	assert_int_equal(output_type(place->dirfd, "x.part"), S_IFIFO);
}

static void test_output_directory_or_socket_in_the_way_is_refused(void **state)
{
	struct place *place = *state;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	assert_int_equal(mkdirat(place->dirfd, "x.part", 0700), 0);
	expect_refusal(place, FAILURE_CREATE, EISDIR);
	(void)part_file_discard(place->dirfd, "x", false);
	assert_int_equal(unlinkat(place->dirfd, "x.part", AT_REMOVEDIR), 0);

	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/x.part", place->path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	expect_refusal(place, FAILURE_CREATE, EEXIST);
	close(fd);
}

static void test_output_hard_link_in_the_way_is_replaced_not_written(void **state)
{
	struct place *place = *state;
	uint64_t inode;
	int fd;

	put(place, "victim", "precious");
	assert_int_equal(linkat(place->dirfd, "victim", place->dirfd, "x.part", 0), 0);
	fd = open_and_write(place, "x", "new", &inode);
	expect_content(place, "victim", "precious");
	expect_content(place, "x.part", "new");
	assert_int_not_equal(inode, inode_of(place, "victim"));
	close(fd);
}

static void test_output_leftover_of_another_user_is_refused(void **state)
{
	struct place *place = *state;

	if (geteuid() != 0) {
		print_message("needs root to give a file away\n");
		skip();
	}
	put(place, "x.part", "theirs");
	assert_int_equal(fchownat(place->dirfd, "x.part", 65534, 65534, 0), 0);
	expect_refusal(place, FAILURE_CREATE, EPERM);
	(void)part_file_discard(place->dirfd, "x", false);
	expect_content(place, "x.part", "theirs");
}

static void test_output_unwritable_places_are_refused(void **state)
{
	struct place *place = *state;
	struct failure failure;
	uint64_t inode;
	char name[256];

	/* No single component, whoever let it through: nothing outside DIRFD is touched. */
	assert_int_equal(open_part(place->dirfd, "../x", &inode, &failure), -1);
	assert_int_equal(failure.kind, FAILURE_CREATE);
	assert_int_equal(failure.code, EINVAL);
	memset(name, 'n', sizeof(name));
	name[251] = '\0';
	assert_int_equal(open_part(place->dirfd, name, &inode, &failure), -1);
	assert_int_equal(failure.code, ENAMETOOLONG);
	name[250] = '\0';
	close(open_and_write(place, name, "", &inode));
	if (geteuid() == 0)
		return;
	put(place, "x.part", "");
	assert_int_equal(fchmodat(place->dirfd, "x.part", 0444, 0), 0);
	expect_refusal(place, FAILURE_CREATE, EACCES);
}

static bool works_without_openat2(const struct place *place, unsigned error)
{
	struct failure failure = { .kind = FAILURE_NONE };
	uint64_t inode;
	int fd;

	if (!lose_call(SYS_openat2, error))
		return false;
	fd = open_part(place->dirfd, "x", &inode, &failure);
	if (fd < 0 || write(fd, "x", 1) != 1)
		return false;
	close(fd);
	fd = open_part(place->dirfd, "link", &inode, &failure);
	return fd < 0 && failure.kind == FAILURE_CREATE && failure.code == ELOOP;
}

static bool works_on_an_old_kernel(const struct place *place)
{
	return works_without_openat2(place, ENOSYS);
}

static bool works_in_a_container(const struct place *place)
{
	return works_without_openat2(place, EPERM);
}

static void test_output_without_openat2_refuses_links_all_the_same(void **state)
{
	struct place *place = *state;

	put(place, "victim", "precious");
	assert_int_equal(symlinkat("victim", place->dirfd, "link.part"), 0);
	expect_in_child(works_on_an_old_kernel, place);
	expect_content(place, "x.part", "x");
	expect_in_child(works_in_a_container, place);
	expect_content(place, "x.part", "x");
	expect_content(place, "victim", "precious");
}

/*
 * Writers that open, commit and release as fast as they can, all with one name. Each must
 * either own a file that its name leads to, or be told who holds it: an inode that was
 * committed by another writer must never be written to.
 */
static bool race(int dirfd, char mark)
{
	for (int won = 0; won < 500;) {
		struct failure failure;
		struct stat st;
		uint64_t inode;
		int fd = open_part(dirfd, "x", &inode, &failure);

		if (fd < 0 && failure.kind == FAILURE_HELD) {
			sched_yield();
			continue;
		}
		/* We hold the lock, so this is our byte, alone, and the name is ours. */
		if (fd < 0 || write(fd, &mark, 1) != 1 ||
		    !part_file_check(dirfd, "x", inode, 1, &failure) ||
		    !part_file_commit(dirfd, "x", EXISTS_OVERWRITE, &failure) || fstat(fd, &st) ||
		    st.st_size != 1)
			return false;
		close(fd);
		won++;
	}
	return true;
}

static void test_output_racing_writers_never_share_a_file(void **state)
{
	struct place *place = *state;
	pid_t pids[4];

	for (int i = 0; i < 4; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0) {
			_exit(race(place->dirfd, (char)('a' + i)) ? 0 : 1);
		}
	}
	for (int i = 0; i < 4; i++) {
		int status;

		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		PLACED(test_output_new_part_is_empty_and_as_the_umask_says),
		PLACED(test_output_unlocked_leftover_is_emptied_and_used_again),
		PLACED(test_output_part_of_a_living_writer_is_held),
		PLACED(test_output_part_of_a_killed_writer_is_free),
		PLACED(test_output_lock_of_a_finished_part_passes_to_the_parent),
		PLACED(test_output_lock_of_an_unfinished_part_does_not),
		PLACED(test_output_lock_is_not_inherited_by_a_fork),
		PLACED(test_output_symlink_in_the_way_is_refused_and_untouched),
		PLACED(test_output_fifo_in_the_way_is_refused_without_waiting),
		PLACED(test_output_directory_or_socket_in_the_way_is_refused),
		PLACED(test_output_hard_link_in_the_way_is_replaced_not_written),
		PLACED(test_output_leftover_of_another_user_is_refused),
		PLACED(test_output_unwritable_places_are_refused),
		PLACED(test_output_without_openat2_refuses_links_all_the_same),
		PLACED(test_output_racing_writers_never_share_a_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
