/* SPDX-License-Identifier: MIT */
/*
 * fd_message_test.c - messages with descriptors: what arrives is a duplicate that no exec inherits,
 * and a message without any, an empty socket and the end are told apart.
 */
#include "config.h"

#include "common/fd_message.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static int ends[2];

static int open_ends(void **state)
{
	(void)state;
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends);
}

static int close_ends(void **state)
{
	(void)state;
	(void)close(ends[0]); /* closed by a test already, perhaps */
	return close(ends[1]);
}

static void test_fd_message_descriptors_arrive_as_duplicates(void **state)
{
	struct fd_descriptors came;
	int pipes[2];
	struct stat sent, got;
	char bytes[8];
	size_t i;

	(void)state;
	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	assert_int_equal(fd_message_send(ends[0], "order", 6, pipes, 2), 0);
	assert_int_equal(fd_message_receive(ends[1], bytes, sizeof bytes, &came, 0), 6);
	assert_string_equal(bytes, "order");
	assert_int_equal(came.count, 2);
	for (i = 0; i < came.count; i++) {
		assert_int_not_equal(came.fds[i], pipes[i]);
		assert_int_equal(fcntl(came.fds[i], F_GETFD), FD_CLOEXEC);
		assert_int_equal(fstat(pipes[i], &sent), 0);
		assert_int_equal(fstat(came.fds[i], &got), 0);
		assert_int_equal(got.st_ino, sent.st_ino);
		assert_int_equal(fcntl(came.fds[i], F_GETFL), fcntl(pipes[i], F_GETFL));
		(void)close(came.fds[i]);
		(void)close(pipes[i]);
	}
}

static void test_fd_message_without_descriptors_has_none(void **state)
{
	struct fd_descriptors came = { .count = 7 };
	char byte;

	(void)state;
	assert_int_equal(fd_message_send(ends[0], "x", 1, NULL, 0), 0);
	assert_int_equal(fd_message_receive(ends[1], &byte, 1, &came, 0), 1);
	assert_int_equal(came.count, 0);
}

static void test_fd_message_empty_is_not_the_end(void **state)
{
	struct fd_descriptors came;
	char byte;

	(void)state;
	assert_int_equal(fd_message_receive(ends[1], &byte, 1, &came, MSG_DONTWAIT), -EAGAIN);
	(void)close(ends[0]);
	assert_int_equal(fd_message_receive(ends[1], &byte, 1, &came, MSG_DONTWAIT), 0);
	assert_int_equal(fd_message_send(ends[1], "x", 1, NULL, 0), -EPIPE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_fd_message_descriptors_arrive_as_duplicates,
						open_ends, close_ends),
		cmocka_unit_test_setup_teardown(test_fd_message_without_descriptors_has_none,
						open_ends, close_ends),
		cmocka_unit_test_setup_teardown(test_fd_message_empty_is_not_the_end, open_ends,
						close_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
