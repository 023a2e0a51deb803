/* SPDX-License-Identifier: MIT */
/*
 * sysv_test.c - what is the sysv backend's own: one queue that anybody of this user may write into,
 * and which stays when its hub is killed.
 */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* <sys/ipc.h> has the name too, for a flag of another value. */
enum { AT_ONCE = IPC_NOWAIT };
#undef IPC_NOWAIT

#include "ipc/ipc.h"
#include "tests/ipc/probe.h"

#define RECORD 56

static struct ipc *hub_open(enum ipc_direction direction)
{
	struct ipc_config config = { .direction = direction, .record_size = RECORD, .slots = 2 };
	struct ipc *s = NULL;

	assert_int_equal(ipc_open(&s, "sysv", &config), 0);
	return s;
}

/* The queue and the type of a new owner's messages, as its ticket has them. */
static void give_slot(struct ipc *hub, unsigned slot, int *queue, long *type)
{
	const struct ipc_peer self = { .pid = getpid(), .pidfd = -1 };
	struct ipc_ticket ticket;

	assert_int_equal(ipc_ticket(hub, slot, &ticket), 0);
	assert_int_equal(ipc_attach(hub, slot, IPC_HUB, &self), 0);
	*queue = (int)ticket.words[0];
	*type = (long)ticket.words[1];
}

static ssize_t answer_to(struct ipc *hub, int queue, long type, size_t bytes, unsigned *slot)
{
	struct {
		long type;
		char text[8192];
	} message = { .type = type };
	char records[4 * RECORD];

	assert_int_equal(msgsnd(queue, &message, bytes, AT_ONCE), 0);
	return ipc_recv(hub, slot, records, 4, IPC_NOWAIT);
}

static void test_sysv_message_that_is_no_record_is_told(void **state)
{
	static const size_t torn[] = { 0, 1, RECORD - 1, RECORD + 1, 2 * RECORD - 1 };
	struct ipc *hub = hub_open(IPC_TO_HUB);
	unsigned slot;
	long type;
	size_t i;
	int queue;

	(void)state;
	give_slot(hub, 1, &queue, &type);
	for (i = 0; i < sizeof torn / sizeof torn[0]; i++) {
		slot = 99;
		assert_int_equal(answer_to(hub, queue, type, torn[i], &slot), -EPROTO);
		assert_int_equal(slot, 1);
	}
	assert_int_equal(answer_to(hub, queue, type, 2 * RECORD, &slot), 2);
	ipc_close(hub);
}

/* Of a slot that nobody has, of an earlier owner, of no slot at all. */
static void test_sysv_message_of_nobody_is_passed_over(void **state)
{
	struct ipc *hub = hub_open(IPC_TO_HUB);
	unsigned slot;
	long first, second;
	int queue;

	(void)state;
	give_slot(hub, 1, &queue, &first);
	assert_int_equal(answer_to(hub, queue, first - 1, RECORD, &slot), -EAGAIN);
	assert_int_equal(answer_to(hub, queue, first + 1, RECORD, &slot), -EAGAIN);
	assert_int_equal(answer_to(hub, queue, INT64_MAX, RECORD, &slot), -EAGAIN);
	ipc_detach(hub, 1);
	assert_int_equal(answer_to(hub, queue, first, RECORD, &slot), -EAGAIN);
	give_slot(hub, 1, &queue, &second);
	assert_int_not_equal(first, second);
	assert_int_equal(answer_to(hub, queue, first, RECORD, &slot), -EAGAIN);
	assert_int_equal(answer_to(hub, queue, second, RECORD, &slot), 1);
	ipc_close(hub);
}

static bool exists(int queue)
{
	struct msqid_ds about;

	return msgctl(queue, IPC_STAT, &about) == 0;
}

/* A hub that makes its queues and waits to be killed. Tells their numbers through FD. */
static _Noreturn void mortal_hub(int fd)
{
	struct ipc *events = hub_open(IPC_TO_HUB), *commands = hub_open(IPC_FROM_HUB);
	int queue[2];
	long type;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	give_slot(events, 0, &queue[0], &type);
	give_slot(commands, 0, &queue[1], &type);
	if (write(fd, queue, sizeof queue) == sizeof queue)
		for (;;)
			(void)pause();
	_exit(1);
}

/* The next hub removes what a killed one has left, and nothing of one that lives. */
static void test_sysv_queues_of_a_killed_hub_are_removed(void **state)
{
	int queue[2], fds[2];
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	(void)fflush(NULL);
	pid = fork();
	if (pid == 0)
		mortal_hub(fds[1]);
	assert_true(pid > 0);
	assert_int_equal(read(fds[0], queue, sizeof queue), sizeof queue);
	ipc_close(hub_open(IPC_TO_HUB));
	assert_true(exists(queue[0]) && exists(queue[1]));
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_true(exists(queue[0]) && exists(queue[1]));
	ipc_close(hub_open(IPC_TO_HUB));
	assert_false(exists(queue[0]));
	assert_false(exists(queue[1]));
	assert_int_equal(close(fds[0]) + close(fds[1]), 0);
}

static unsigned disturbed; /* how many of the next first messages find no queue any more */

int __real_msgsnd(int queue, const void *message, size_t size, int flags);
int __wrap_msgsnd(int queue, const void *message, size_t size, int flags);

/* Another hub begins, just as this one has made its queue. */
int __wrap_msgsnd(int queue, const void *message, size_t size, int flags)
{
	if (size == 0 && disturbed > 0) {
		unsigned rest = disturbed - 1;

		disturbed = 0;
		ipc_close(hub_open(IPC_TO_HUB));
		assert_false(exists(queue));
		disturbed = rest;
	}
	return __real_msgsnd(queue, message, size, flags);
}

static void test_sysv_hub_whose_new_queue_is_removed_makes_another(void **state)
{
	struct ipc *hub;
	unsigned slot;
	int queue;
	long type;

	(void)state;
	disturbed = 3;
	hub = hub_open(IPC_TO_HUB);
	assert_int_equal(disturbed, 0);
	give_slot(hub, 1, &queue, &type);
	assert_int_equal(answer_to(hub, queue, type, RECORD, &slot), 1);
	ipc_close(hub);
}

/* A queue as a hub makes it, before its first use; with the first of that, if SENT. */
static int begun_queue(bool sent)
{
	const struct {
		long type;
		char text[1];
	} message = { .type = 1 };
	int queue = msgget(0x1dc00000 | (getpid() & 0xfffff), IPC_CREAT | IPC_EXCL | 0600);

	if (queue >= 0 && sent && msgsnd(queue, &message, 0, AT_ONCE) < 0)
		return -1;
	return queue;
}

/* Killed between two calls. */
static void test_sysv_queues_of_a_hub_that_had_begun_are_removed(void **state)
{
	int queue, fds[2];
	pid_t pid;

	(void)state;
	queue = begun_queue(false);
	assert_true(queue >= 0 && exists(queue));
	ipc_close(hub_open(IPC_TO_HUB));
	assert_false(exists(queue));
	assert_int_equal(pipe(fds), 0);
	(void)fflush(NULL);
	pid = fork();
	if (pid == 0) {
		queue = begun_queue(true);
		_exit(write(fds[1], &queue, sizeof queue) != sizeof queue);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(read(fds[0], &queue, sizeof queue), sizeof queue);
	assert_true(exists(queue));
	ipc_close(hub_open(IPC_TO_HUB));
	assert_false(exists(queue));
	assert_int_equal(close(fds[0]) + close(fds[1]), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sysv_message_that_is_no_record_is_told),
		cmocka_unit_test(test_sysv_message_of_nobody_is_passed_over),
		cmocka_unit_test(test_sysv_queues_of_a_killed_hub_are_removed),
		cmocka_unit_test(test_sysv_queues_of_a_hub_that_had_begun_are_removed),
		cmocka_unit_test(test_sysv_hub_whose_new_queue_is_removed_makes_another),
	};

	if (!probe("sysv"))
		return EXIT_SKIP;
	return cmocka_run_group_tests_name("sysv", tests, NULL, NULL);
}
