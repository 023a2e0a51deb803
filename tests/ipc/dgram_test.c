/* SPDX-License-Identifier: MIT */
/*
 * dgram_test.c - what is the dgram backend's own: all slots send to one socket, and who sent is
 * what the kernel says. The contract's junk never gets so far as to be a slot's; here it does.
 */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "ipc/ipc.h"
#include "tests/ipc/probe.h"

#define RECORD 56
#define CAP    4

struct datagram {
	uint32_t slot, owner;
	char bytes[3 * 4096];
};

/* What the hub answers to a datagram of BYTES behind a head. */
static ssize_t answer_to(struct ipc *hub, int fd, uint32_t slot, uint32_t owner, size_t bytes)
{
	struct datagram datagram = { .slot = slot, .owner = owner };
	char records[CAP * RECORD];
	unsigned from = 99;
	ssize_t rc;

	assert_int_equal(send(fd, &datagram, offsetof(struct datagram, bytes) + bytes, 0),
			 offsetof(struct datagram, bytes) + bytes);
	rc = ipc_recv(hub, &from, records, CAP, IPC_NOWAIT);
	if (rc != -EAGAIN)
		assert_int_equal(from, 1);
	return rc;
}

static void test_dgram_what_is_no_record_of_its_sender_is_told(void **state)
{
	static const size_t torn[] = { 0,    1,           RECORD - 1, RECORD + 1, 2 * RECORD - 1,
				       4096, 200 * RECORD };
	struct ipc_config config = { .direction = IPC_TO_HUB, .record_size = RECORD, .slots = 2 };
	const struct ipc_peer self = { .pid = getpid(), .pidfd = -1 };
	struct ipc_ticket ticket;
	uint32_t owner;
	struct ipc *hub;
	size_t i;
	int fd;

	(void)state;
	assert_int_equal(ipc_open(&hub, "dgram", &config), 0);
	assert_int_equal(ipc_ticket(hub, 1, &ticket), 0);
	assert_int_equal(ipc_attach(hub, 1, IPC_HUB, &self), 0);
	fd = ticket.fds[0];
	owner = (uint32_t)ticket.words[0];
	for (i = 0; i < sizeof torn / sizeof torn[0]; i++)
		assert_int_equal(answer_to(hub, fd, 1, owner, torn[i]), -EPROTO);
	assert_int_equal(answer_to(hub, fd, 0, owner, RECORD), -EPROTO); /* another slot's */
	assert_int_equal(answer_to(hub, fd, UINT32_MAX, owner, RECORD), -EPROTO);
	assert_int_equal(answer_to(hub, fd, 1, owner - 1, RECORD), -EAGAIN); /* another time's */
	assert_int_equal(answer_to(hub, fd, 1, owner, 2 * RECORD), 2);
	ipc_ticket_close(&ticket);
	ipc_close(hub);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dgram_what_is_no_record_of_its_sender_is_told),
	};

	if (!probe("dgram"))
		return EXIT_SKIP;
	return cmocka_run_group_tests_name("dgram", tests, NULL, NULL);
}
