/* SPDX-License-Identifier: MIT */
/* signals_test.c - signals that are read, the mask before and after, also where opening fails. */
#include "config.h"

#include "common/signals.h"

#include <poll.h>
#include <sys/resource.h>

#include "tests/common/stage.h"

static sigset_t mask_now(void)
{
	sigset_t mask;

	CHECK(sigprocmask(SIG_BLOCK, NULL, &mask) == 0);
	return mask;
}

static void play_read(void)
{
	const sigset_t before = mask_now();
	struct signals signals;
	sigset_t after;

	CHECK(signals_open(&signals) == 0);
	CHECK(signals_next(&signals) == 0);
	CHECK(kill(getpid(), SIGTERM) == 0);
	CHECK(signals_next(&signals) == SIGTERM);
	CHECK(signals_next(&signals) == 0);
	signals_close(&signals);
	signals_close(&signals); /* closed twice: allowed */
	after = mask_now();
	check_same_mask(&before, &after);
}

static void test_signals_open_and_close_restore_the_mask(void **state)
{
	(void)state;
	on_stage(play_read);
}

static void play_no_descriptor(void)
{
	const struct rlimit none = { .rlim_cur = 0, .rlim_max = 0 };
	const sigset_t before = mask_now();
	struct signals signals;
	sigset_t after;

	CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
	CHECK(signals_open(&signals) == -EMFILE);
	after = mask_now();
	check_same_mask(&before, &after);
}

static void test_signals_open_without_a_descriptor_leaves_the_mask(void **state)
{
	(void)state;
	on_stage(play_no_descriptor);
}

static void play_ends(void)
{
	CHECK(signals_ends(SIGINT) && signals_ends(SIGHUP));
	CHECK(!signals_ends(0) && !signals_ends(SIGWINCH) && !signals_ends(SIGCONT));
	signals_die(SIGTERM);
}

static void test_signals_die_ends_by_that_signal(void **state)
{
	int status = stage_status(play_ends);

	(void)state;
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGTERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STAGED(test_signals_open_and_close_restore_the_mask),
		STAGED(test_signals_open_without_a_descriptor_leaves_the_mask),
		STAGED(test_signals_die_ends_by_that_signal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
