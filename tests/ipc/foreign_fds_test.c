/* SPDX-License-Identifier: MIT */
/*
 * foreign_fds_test.c - ipc/core/foreign_fds.c: room is what is free, not what the limit allows, and
 * only what the library has opened is closed.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "ipc/core/foreign_fds.h"

#define FILES 200 /* all that this process may open */

static int limit_files(void **state)
{
	struct rlimit limit = { .rlim_cur = FILES, .rlim_max = FILES };

	(void)state;
	return setrlimit(RLIMIT_NOFILE, &limit);
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void test_foreign_fds_room_is_what_is_free(void **state)
{
	(void)state;
	assert_int_equal(foreign_fds_room(50), 0);
	assert_int_equal(foreign_fds_room(FILES + 1), -EMFILE);
	assert_int_equal(dup2(STDERR_FILENO, FILES - 1), FILES - 1);
	assert_int_equal(foreign_fds_room(1), -EMFILE);
	assert_int_equal(close(FILES - 1), 0);
	assert_int_equal(dup2(STDERR_FILENO, FILES - 3), FILES - 3);
	assert_int_equal(foreign_fds_room(2), 0);
	assert_int_equal(foreign_fds_room(3), -EMFILE);
	assert_int_equal(close(FILES - 3), 0);
}

static void test_foreign_fds_next_are_what_the_kernel_gives_out(void **state)
{
	int next[3], given[3], i;

	(void)state;
	assert_int_equal(dup2(STDERR_FILENO, 101), 101); /* a gap below, another above */
	foreign_fds_next(next, 3);
	for (i = 0; i < 3; i++) {
		given[i] = dup(STDERR_FILENO);
		assert_int_equal(given[i], next[i]);
	}
	/* Of those only what was opened before the limit: the last is somebody else's. */
	foreign_fds_close(next, 3, given[2]);
	assert_false(is_open(given[0]));
	assert_false(is_open(given[1]));
	assert_true(is_open(given[2]));
	assert_int_equal(close(given[2]), 0);
	assert_int_equal(close(101), 0);
}

static int bound(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	(void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

static int connected(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	(void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
	return fd;
}

/* The socket, what it has accepted; not another's, nor what was connected to it. */
static void test_foreign_fds_bound_to_the_path_are_closed(void **state)
{
	char dir[] = "/tmp/foreign_fds_test.XXXXXX", ours[64], other[64];
	int listener, stranger, client, accepted;

	(void)state;
	assert_non_null(mkdtemp(dir));
	(void)snprintf(ours, sizeof ours, "%s/s", dir);
	(void)snprintf(other, sizeof other, "%s/so", dir);
	stranger = bound(other);
	listener = bound(ours);
	client = connected(ours);
	accepted = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(accepted >= 0);
	assert_int_equal(dup2(accepted, 150), 150); /* behind a gap of free numbers */
	assert_int_equal(unlink(ours), 0);
	assert_int_equal(unlink(other), 0);
	assert_int_equal(rmdir(dir), 0);
	foreign_fds_close_bound(ours);
	assert_false(is_open(listener));
	assert_false(is_open(accepted));
	assert_false(is_open(150));
	assert_true(is_open(stranger));
	assert_true(is_open(client));
	assert_int_equal(close(stranger), 0);
	assert_int_equal(close(client), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_foreign_fds_room_is_what_is_free),
		cmocka_unit_test(test_foreign_fds_next_are_what_the_kernel_gives_out),
		cmocka_unit_test(test_foreign_fds_bound_to_the_path_are_closed),
	};

	return cmocka_run_group_tests_name("foreign_fds", tests, limit_files, NULL);
}
