/* SPDX-License-Identifier: MIT */
/*
 * futex_test.c - what is the futex backend's own: a sleeper is woken, by its peer or by its peer's
 * death, and does not just come back after its second.
 */
#include "config.h"

#include "tests/ipc/sleep_stage.h"

static void test_futex_sleeper_is_woken(void **state)
{
	(void)state;
	each_sleeper_is_woken("futex");
}

/* Takes its slot, says so, sees the hub asleep, and dies. */
static _Noreturn void mortal_owner(struct ipc *s, pid_t hub, int attached)
{
	const struct ipc_peer peer = { .pid = hub, .pidfd = pidfd_open(hub, 0) };

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (ipc_attach(s, 0, IPC_SLOT, &peer) < 0 || write(attached, "", 1) != 1)
		_exit(1);
	await_sleep(hub, hub);
	(void)kill(getpid(), SIGKILL);
	_exit(1);
}

/* True: the kernel has woken the hub, which was asleep on the lock of an owner that was there. */
static bool death_wakes(unsigned slots)
{
	struct ipc_config config = { .record_size = RECORD, .slots = slots };
	const unsigned before = atomic_load(&sleeps_in_vain);
	char record[RECORD];
	struct ipc_peer owner;
	int attached[2];
	unsigned slot;
	struct ipc *s;

	assert_int_equal(ipc_open(&s, "futex", &config), 0);
	assert_int_equal(ipc_arm(s, 0), 0);
	assert_int_equal(pipe(attached), 0);
	(void)fflush(NULL);
	owner.pid = fork();
	if (owner.pid == 0)
		mortal_owner(s, getppid(), attached[1]);
	assert_true(owner.pid > 0);
	owner.pidfd = pidfd_open(owner.pid, 0);
	assert_int_equal(ipc_attach(s, 0, IPC_HUB, &owner), 0);
	assert_int_equal(read(attached[0], record, 1), 1);
	assert_int_equal(close(attached[0]) + close(attached[1]), 0);
	assert_int_equal(ipc_recv(s, &slot, record, 1, 0), 0);
	assert_int_equal(waitpid(owner.pid, NULL, 0), owner.pid);
	(void)close(owner.pidfd);
	ipc_close(s);
	return atomic_load(&sleeps_in_vain) == before;
}

static void test_futex_owners_death_wakes_the_hub(void **state)
{
	unsigned round, woken = 0;

	(void)state;
	for (round = 0; round < ROUNDS && woken == 0; round++)
		woken += death_wakes(1);
	assert_true(woken > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_futex_sleeper_is_woken),
		cmocka_unit_test(test_futex_owners_death_wakes_the_hub),
	};

	return cmocka_run_group_tests_name("futex", tests, watch, NULL);
}
