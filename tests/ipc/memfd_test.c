/* SPDX-License-Identifier: MIT */
/*
 * memfd_test.c - what is the memfd backend's own: nobody who holds its descriptor can change the
 * size of the memory, which in any other shared memory is SIGBUS for the hub.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "ipc/ipc.h"

static void test_memfd_size_and_seals_are_fixed(void **state)
{
	struct ipc_config config = { .direction = IPC_FROM_HUB, .record_size = 56, .slots = 1 };
	struct ipc_peer self = { .pid = getpid(), .pidfd = -1 };
	struct ipc_ticket ticket;
	char record[56] = { 1 };
	struct stat file;
	struct ipc *s;

	(void)state;
	assert_int_equal(ipc_open(&s, "memfd", &config), 0);
	assert_int_equal(ipc_ticket(s, 0, &ticket), 0);
	assert_int_equal(fstat(ticket.fds[0], &file), 0);
	assert_int_equal(fcntl(ticket.fds[0], F_GET_SEALS) &
				 (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL),
			 F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
	assert_int_equal(ftruncate(ticket.fds[0], 0), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(ftruncate(ticket.fds[0], 2 * file.st_size), -1);
	assert_int_equal(errno, EPERM);
	/* A seal against writing would stop the hub. */
	assert_int_equal(fcntl(ticket.fds[0], F_ADD_SEALS, F_SEAL_FUTURE_WRITE), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(ipc_attach(s, 0, IPC_HUB, &self), 0);
	assert_int_equal(ipc_send(s, 0, record, 1, IPC_NOWAIT), 1);
	ipc_ticket_close(&ticket);
	ipc_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memfd_size_and_seals_are_fixed),
	};

	return cmocka_run_group_tests_name("memfd", tests, NULL, NULL);
}
