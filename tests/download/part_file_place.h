/* SPDX-License-Identifier: MIT */
/*
 * part_file_place.h - a fresh directory for each test of part_file.h, and what fills it.
 * The helpers fail the test themselves.
 */
#ifndef TESTS_OUTPUT_PLACE_H
#define TESTS_OUTPUT_PLACE_H

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/filter.h>
#include <linux/seccomp.h>

#include <cmocka.h>

#include "download/output_dirs.h"
#include "download/part_file.h"

#define PLACED(test) cmocka_unit_test_setup_teardown(test, enter, leave)

struct place {
	char path[64];
	int dirfd;
};

static inline int enter(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	assert_non_null(place);
	(void)snprintf(place->path, sizeof(place->path), "/tmp/output_test.XXXXXX");
	assert_non_null(mkdtemp(place->path));
	place->dirfd = output_dir_open(place->path);
	assert_true(place->dirfd >= 0);
	*state = place;
	return 0;
}

static inline void remove_all(const char *path)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		execlp("rm", "rm", "-rf", path, (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static inline int leave(void **state)
{
	struct place *place = *state;

	close(place->dirfd);
	remove_all(place->path);
	free(place);
	return 0;
}

static inline void put(const struct place *place, const char *name, const char *text)
{
	int fd = openat(place->dirfd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static inline void expect_content(const struct place *place, const char *name, const char *text)
{
	char have[64] = "";
	int fd = openat(place->dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	assert_true(fd >= 0);
	assert_true(read(fd, have, sizeof(have) - 1) >= 0);
	close(fd);
	assert_string_equal(have, text);
}

static inline void expect_absent(const struct place *place, const char *name)
{
	assert_int_equal(output_type(place->dirfd, name), 0);
}

static inline uint64_t inode_of(const struct place *place, const char *name)
{
	struct stat st;

	assert_int_equal(fstatat(place->dirfd, name, &st, AT_SYMLINK_NOFOLLOW), 0);
	return st.st_ino;
}

static inline int open_part(int dirfd, const char *name, uint64_t *inode, struct failure *failure)
{
	struct part_file file = { .keep = false };
	int fd = part_file_open(dirfd, name, &file, failure);

	*inode = file.inode;
	return fd;
}

/* Opens NAME.part, which must succeed, and writes TEXT. */
static inline int open_and_write(const struct place *place, const char *name, const char *text,
				 uint64_t *inode)
{
	struct failure failure;
	int fd = open_part(place->dirfd, name, inode, &failure);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	return fd;
}

/* From now on system call NUMBER fails with ERROR in this process, as on an older kernel. */
static inline bool lose_call(unsigned number, unsigned error)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = 4, .filter = filter };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* Runs BODY, which answers whether all was well, in a process of its own. */
static inline void expect_in_child(bool (*body)(const struct place *place),
				   const struct place *place)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(body(place) ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

#endif
