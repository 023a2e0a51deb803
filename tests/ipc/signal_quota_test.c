/* SPDX-License-Identifier: MIT */
/*
 * signal_quota_test.c - the signal backend where next to no signal may be pending: what does not
 * fit is given up in time and never half received, what does passes piece by piece.
 *
 * What counts is all that is pending for the user. So this runs in a user namespace of its own,
 * where that is nothing; without one, other programs would decide the outcome, and it is skipped.
 */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "ipc/ipc.h"
#include "tests/harness/isolate.h"

#define SKIPPED 77

struct duet {
	struct ipc *s;
	struct ipc_peer hub, worker;
	int told[2], answer[2]; /* pipes beside the session */
	struct rlimit quota;
};

static void set_quota(rlim_t signals, struct rlimit *old)
{
	struct rlimit small;

	assert_int_equal(getrlimit(RLIMIT_SIGPENDING, old), 0);
	small = *old;
	small.rlim_cur = signals;
	assert_int_equal(setrlimit(RLIMIT_SIGPENDING, &small), 0);
}

/* A hub with room for ROOM signals; SENDER runs in its worker and returns 0 if all is well. */
static void duet_open(struct duet *d, size_t record, unsigned room, int (*sender)(struct duet *))
{
	struct ipc_config config = { .direction = IPC_TO_HUB, .record_size = record, .slots = 1 };

	set_quota(room, &d->quota);
	assert_int_equal(ipc_open(&d->s, "signal", &config), 0);
	assert_int_equal(pipe(d->told), 0);
	assert_int_equal(pipe(d->answer), 0);
	d->hub = (struct ipc_peer){ .pid = getpid(), .pidfd = pidfd_open(getpid(), 0) };
	assert_int_equal(ipc_arm(d->s, 0), 0);
	d->worker.pid = fork();
	if (d->worker.pid == 0)
		_exit(ipc_attach(d->s, 0, IPC_SLOT, &d->hub) == 0 ? sender(d) : 99);
	assert_true(d->worker.pid > 0);
	d->worker.pidfd = pidfd_open(d->worker.pid, 0);
	assert_int_equal(ipc_attach(d->s, 0, IPC_HUB, &d->worker), 0);
}

static void duet_close(struct duet *d)
{
	int status;

	assert_int_equal(waitpid(d->worker.pid, &status, 0), d->worker.pid);
	assert_int_equal(status, 0);
	ipc_close(d->s);
	(void)close(d->hub.pidfd);
	(void)close(d->worker.pidfd);
	(void)close(d->told[0]);
	(void)close(d->told[1]);
	(void)close(d->answer[0]);
	(void)close(d->answer[1]);
	assert_int_equal(setrlimit(RLIMIT_SIGPENDING, &d->quota), 0);
}

/* 64 pieces do not fit, nobody reads: the call ends all the same, and without a record. */
static int send_too_much(struct duet *d)
{
	char record[512], byte = 0;

	memset(record, 1, sizeof record);
	if (ipc_send(d->s, 0, record, 1, IPC_NOWAIT) != -EAGAIN)
		return 1;
	if (write(d->told[1], &byte, 1) != 1 || read(d->answer[0], &byte, 1) != 1)
		return 2;
	/* Now it is read: a record that is begun is finished, although it never fits. */
	memset(record, 2, sizeof record);
	return ipc_send(d->s, 0, record, 1, IPC_NOWAIT) == 1 ? 0 : 3;
}

static void test_signal_record_that_does_not_fit_is_given_up(void **state)
{
	char record[2 * 512], byte = 0;
	struct duet d;
	unsigned slot;

	(void)state;
	duet_open(&d, 512, 2, send_too_much);
	assert_int_equal(read(d.told[0], &byte, 1), 1);
	assert_int_equal(ipc_recv(d.s, &slot, record, 2, IPC_NOWAIT), -EAGAIN);
	assert_int_equal(write(d.answer[1], &byte, 1), 1);
	assert_int_equal(ipc_recv(d.s, &slot, record, 2, 0), 1);
	assert_int_equal(record[0], 2);
	assert_int_equal(record[511], 2);
	duet_close(&d);
}

#define FEW 200u

static int send_in_order(struct duet *d)
{
	uint64_t record[7] = { 0 };

	for (; record[0] < FEW; record[0]++)
		if (ipc_send(d->s, 0, record, 1, 0) != 1)
			return 1;
	return 0;
}

/* Room for a single signal: a record comes in a piece at a time. */
static void test_signal_records_pass_through_a_small_queue(void **state)
{
	uint64_t record[7], next;
	struct duet d;
	unsigned slot;

	(void)state;
	duet_open(&d, sizeof record, 1, send_in_order);
	for (next = 0; next < FEW; next++) {
		assert_int_equal(ipc_recv(d.s, &slot, record, 1, 0), 1);
		assert_int_equal(record[0], next);
	}
	assert_int_equal(ipc_recv(d.s, &slot, record, 1, 0), 0);
	duet_close(&d);
}

static void test_signal_probe_without_a_quota_says_what_to_do(void **state)
{
	struct rlimit quota;
	char reason[128];

	(void)state;
	set_quota(0, &quota);
	assert_int_equal(ipc_probe("signal", reason, sizeof reason), -EAGAIN);
	assert_non_null(strstr(reason, "ulimit -i"));
	assert_int_equal(setrlimit(RLIMIT_SIGPENDING, &quota), 0);
	assert_int_equal(ipc_probe("signal", reason, sizeof reason), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signal_record_that_does_not_fit_is_given_up),
		cmocka_unit_test(test_signal_records_pass_through_a_small_queue),
		cmocka_unit_test(test_signal_probe_without_a_quota_says_what_to_do),
	};
	int rc;

	rc = isolate_possible(ISOLATE_QUOTAS);
	if (rc < 0 || isolate(ISOLATE_QUOTAS) < 0) {
		(void)fprintf(stderr, "signal_quota_test: no user namespace: %s\n", strerror(-rc));
		return SKIPPED;
	}
	return cmocka_run_group_tests_name("signal quota", tests, NULL, NULL);
}
