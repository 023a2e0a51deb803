/* SPDX-License-Identifier: MIT */
/*
 * mq_test.c - what is the mq backend's own: a queue has a name for a moment only. Where /dev/mqueue
 * is not mounted, nothing else could see one that stays.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <mqueue.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "ipc/ipc.h"
#include "tests/ipc/probe.h"

#define NAMES_MAX 16

static char names[NAMES_MAX][NAME_MAX + 1]; /* that mq_open() was given */
static unsigned count;
static bool refuse_second; /* the second end cannot be opened */

mqd_t __real_mq_open(const char *name, int flags, mode_t mode, struct mq_attr *attr);
mqd_t __wrap_mq_open(const char *name, int flags, mode_t mode, struct mq_attr *attr);

mqd_t __wrap_mq_open(const char *name, int flags, mode_t mode, struct mq_attr *attr)
{
	assert_true(count < NAMES_MAX);
	(void)snprintf(names[count++], sizeof names[0], "%s", name);
	if (refuse_second && count % 2 == 0) {
		errno = EMFILE;
		return -1;
	}
	return __real_mq_open(name, flags, mode, attr);
}

static void expect_no_name(void)
{
	for (unsigned i = 0; i < count; i++) {
		assert_int_equal(__real_mq_open(names[i], O_RDONLY, 0, NULL), -1);
		assert_int_equal(errno, ENOENT);
	}
}

static void arm_all(enum ipc_direction direction, int rc)
{
	const struct ipc_config config = { .direction = direction, .record_size = 56, .slots = 2 };
	struct ipc *s;

	count = 0;
	assert_int_equal(ipc_open(&s, "mq", &config), 0);
	for (unsigned slot = 0; slot < 2; slot++)
		assert_int_equal(ipc_arm(s, slot), rc);
	assert_int_equal(count, 4);
	expect_no_name(); /* while the queues are in use */
	ipc_close(s);
}

static void test_mq_name_is_gone_before_anybody_could_be_killed(void **state)
{
	(void)state;
	refuse_second = false;
	arm_all(IPC_TO_HUB, 0);
	arm_all(IPC_FROM_HUB, 0);
	refuse_second = true;
	arm_all(IPC_TO_HUB, -EMFILE);
	refuse_second = false;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mq_name_is_gone_before_anybody_could_be_killed),
	};

	if (!probe("mq"))
		return EXIT_SKIP;
	return cmocka_run_group_tests_name("mq", tests, NULL, NULL);
}
