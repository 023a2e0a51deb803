/* SPDX-License-Identifier: MIT */
/*
 * shm_test.c - what is the shm backend's own: a name that a killed hub has left in /dev/shm goes,
 * and nothing else that lies there.
 */
#include "config.h"

#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "ipc/ipc.h"
#include "tests/ipc/probe.h"

#define DIGITS "0123456789abcdef"

/* An empty file, as O_CREAT leaves it; or of SIZE bytes. */
static void put(const char *path, off_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, size), 0);
	assert_int_equal(close(fd), 0);
}

static void open_and_close(void)
{
	struct ipc_config config = { .direction = IPC_TO_HUB, .record_size = 56, .slots = 1 };
	struct ipc *s;

	assert_int_equal(ipc_open(&s, "shm", &config), 0);
	ipc_close(s);
}

static void test_shm_sweep_takes_what_is_surely_left(void **state)
{
	static const struct {
		const char *begin, *end; /* between them 16 digits of this run's own */
		off_t size;
		bool stays;
	} files[] = {
		{ "ipcdemo-", DIGITS, 0, false },
		{ "ipcdemo-", "0123456789abcdee", 8, true }, /* in use */
		{ "ipcdemo-", DIGITS "0", 0, true },
		{ "ipcdemo-", "0123456789abcde", 0, true },
		{ "ipcdemo-", "0123456789ABCDEF", 0, true },
		{ "ipcdemo+", DIGITS, 0, true },
	};
	char digits[17], path[PATH_MAX];
	struct stat st;
	size_t i;

	(void)state;
	(void)snprintf(digits, sizeof digits, "%08lx%08x", (unsigned long)getpid(), arc4random());
	for (i = 0; i < sizeof files / sizeof files[0]; i++) {
		(void)snprintf(path, sizeof path, "/dev/shm/%s%s%s", files[i].begin, digits,
			       files[i].end);
		put(path, files[i].size);
		open_and_close();
		assert_int_equal(stat(path, &st) == 0, files[i].stays);
		(void)unlink(path);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shm_sweep_takes_what_is_surely_left),
	};

	if (!probe("shm"))
		return EXIT_SKIP;
	return cmocka_run_group_tests_name("shm", tests, NULL, NULL);
}
