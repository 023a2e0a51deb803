/* SPDX-License-Identifier: MIT */
/*
 * mutex_test.c - what is the mutex backend's own: a peer that dies with the lock in its hand leaves
 * a queue that works, and a sleeper is woken.
 */
#include "config.h"

#include "tests/ipc/sleep_stage.h"

int __real_pthread_mutex_lock(pthread_mutex_t *lock);
int __wrap_pthread_mutex_lock(pthread_mutex_t *lock);
int __real_pthread_mutex_unlock(pthread_mutex_t *lock);
int __wrap_pthread_mutex_unlock(pthread_mutex_t *lock);

/* In a doomed process: how many locks, or unlocks, there are to be until it dies. 0: it lives. */
static unsigned locks_left, unlocks_left;

int __wrap_pthread_mutex_lock(pthread_mutex_t *lock)
{
	int rc = __real_pthread_mutex_lock(lock);

	if (locks_left > 0 && --locks_left == 0)
		(void)kill(getpid(), SIGKILL);
	return rc;
}

int __wrap_pthread_mutex_unlock(pthread_mutex_t *lock)
{
	if (unlocks_left > 0 && --unlocks_left == 0)
		(void)kill(getpid(), SIGKILL);
	return __real_pthread_mutex_unlock(lock);
}

static void test_mutex_sleeper_is_woken(void **state)
{
	(void)state;
	each_sleeper_is_woken("mutex");
}

/* The second call of the owner is its last: it ends with the lock, before the work or after it. */
static _Noreturn void doomed_owner(struct ipc *s, bool before, const struct ipc_peer *hub)
{
	char record[RECORD] = { 0 };
	unsigned slot, i;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (ipc_attach(s, 0, IPC_SLOT, hub) < 0)
		_exit(1);
	locks_left = before ? 2 : 0;
	unlocks_left = before ? 0 : 2;
	for (i = 1; i <= 2; i++) {
		record[0] = (char)i;
		if (ipc_send(s, 0, record, 1, IPC_NOWAIT) == -EINVAL)
			(void)ipc_recv(s, &slot, record, 1, IPC_NOWAIT);
	}
	_exit(1);
}

static struct ipc *hub_open(enum ipc_direction direction)
{
	struct ipc_config config = {
		.direction = direction, .record_size = RECORD, .slots = 1, .depth = 4
	};
	struct ipc *s;

	assert_int_equal(ipc_open(&s, "mutex", &config), 0);
	return s;
}

static void let_it_die(struct ipc *s, bool before)
{
	const struct ipc_peer hub = { .pid = getpid(), .pidfd = -1 };
	struct ipc_peer owner;
	int status;

	assert_int_equal(ipc_arm(s, 0), 0);
	(void)fflush(NULL);
	owner.pid = fork();
	if (owner.pid == 0)
		doomed_owner(s, before, &hub);
	assert_true(owner.pid > 0);
	owner.pidfd = pidfd_open(owner.pid, 0);
	assert_int_equal(ipc_attach(s, 0, IPC_HUB, &owner), 0);
	assert_int_equal(waitpid(owner.pid, &status, 0), owner.pid);
	assert_true(WIFSIGNALED(status));
	(void)close(owner.pidfd);
}

/* What was sent is there, what was not is not, and the lock can be taken again and again. */
static void test_mutex_sender_dies_with_the_lock(void **state)
{
	char record[RECORD];
	unsigned slot, before, i;
	struct ipc *s;

	(void)state;
	for (before = 0; before < 2; before++) {
		s = hub_open(IPC_TO_HUB);
		let_it_die(s, before);
		for (i = 1; i <= 2 - before; i++) {
			assert_int_equal(ipc_recv(s, &slot, record, 1, IPC_NOWAIT), 1);
			assert_int_equal(record[0], i);
		}
		for (i = 0; i < 3; i++)
			assert_int_equal(ipc_recv(s, &slot, record, 1, IPC_NOWAIT), -EAGAIN);
		ipc_close(s);
	}
}

/* The hub's sends go on until the queue is full, as if the reader were only slow. */
static void test_mutex_receiver_dies_with_the_lock(void **state)
{
	char record[RECORD] = { 0 };
	unsigned before, i;
	struct ipc *s;

	(void)state;
	for (before = 0; before < 2; before++) {
		s = hub_open(IPC_FROM_HUB);
		let_it_die(s, before);
		for (i = 0; i < 4; i++)
			assert_int_equal(ipc_send(s, 0, record, 1, IPC_NOWAIT), 1);
		for (i = 0; i < 3; i++)
			assert_int_equal(ipc_send(s, 0, record, 1, IPC_NOWAIT), -EAGAIN);
		ipc_close(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mutex_sleeper_is_woken),
		cmocka_unit_test(test_mutex_sender_dies_with_the_lock),
		cmocka_unit_test(test_mutex_receiver_dies_with_the_lock),
	};

	return cmocka_run_group_tests_name("mutex", tests, watch, NULL);
}
