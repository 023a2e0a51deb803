/* SPDX-License-Identifier: MIT */
/*
 * vm_test.c - what is the vm backend's own: a worker's notes say where in its memory the hub is to
 * read, and how much. Here the notes lie.
 */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "ipc/ipc.h"
#include "tests/ipc/probe.h"

#define RECORD 56
#define DEPTH  4

/* As in vm.c. */
struct note {
	uint64_t ring, count;
};

static char ring[DEPTH][RECORD]; /* of the worker, which is this process too */

static struct ipc *hub_open(struct ipc_ticket *ticket)
{
	struct ipc_config config = {
		.direction = IPC_TO_HUB, .record_size = RECORD, .slots = 2, .depth = DEPTH
	};
	const struct ipc_peer self = { .pid = getpid(), .pidfd = -1 };
	struct ipc *hub;

	assert_int_equal(ipc_open(&hub, "vm", &config), 0);
	assert_int_equal(ipc_ticket(hub, 1, ticket), 0);
	assert_int_equal(ipc_attach(hub, 1, IPC_HUB, &self), 0);
	return hub;
}

static ssize_t answer_to(struct ipc *hub, const struct ipc_ticket *ticket, const void *note,
			 size_t size)
{
	char record[RECORD];
	unsigned slot = 99;
	ssize_t rc;

	assert_int_equal(send(ticket->fds[0], note, size, 0), size);
	rc = ipc_recv(hub, &slot, record, 1, IPC_NOWAIT);
	assert_int_equal(slot, 1);
	return rc;
}

static void test_vm_note_that_no_worker_writes_is_told(void **state)
{
	static const struct note lies[] = {
		{ (uintptr_t)ring, 0 },          { (uintptr_t)ring, DEPTH + 1 },
		{ (uintptr_t)ring, UINT64_MAX }, { 0, 1 },
		{ UINT64_MAX - RECORD, 1 },      { UINT64_MAX / 2, 1 },
	};
	static const size_t sizes[] = { 8, 15, 17, 24 };
	static const struct note notes[2] = { { (uintptr_t)ring, 1 }, { 1, 1 } };
	struct ipc_ticket ticket;
	struct ipc *hub = hub_open(&ticket);
	size_t i;

	(void)state;
	for (i = 0; i < sizeof lies / sizeof lies[0]; i++)
		assert_int_equal(answer_to(hub, &ticket, &lies[i], sizeof lies[i]), -EPROTO);
	for (i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
		assert_int_equal(answer_to(hub, &ticket, notes, sizes[i]), -EPROTO);
	assert_int_equal(answer_to(hub, &ticket, notes, sizeof notes[0]), 1);
	ipc_ticket_close(&ticket);
	ipc_close(hub);
}

static void test_vm_rest_of_a_detached_slot_is_nobodys(void **state)
{
	const struct note two = { (uintptr_t)ring, 2 };
	struct ipc_ticket ticket;
	struct ipc *hub = hub_open(&ticket);
	char record[RECORD];
	unsigned slot;

	(void)state;
	assert_int_equal(answer_to(hub, &ticket, &two, sizeof two), 1);
	ipc_detach(hub, 1);
	assert_int_equal(ipc_recv(hub, &slot, record, 1, IPC_NOWAIT), -EAGAIN);
	ipc_ticket_close(&ticket);
	ipc_close(hub);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vm_note_that_no_worker_writes_is_told),
		cmocka_unit_test(test_vm_rest_of_a_detached_slot_is_nobodys),
	};

	if (!probe("vm"))
		return EXIT_SKIP;
	return cmocka_run_group_tests_name("vm", tests, NULL, NULL);
}
