/* SPDX-License-Identifier: MIT */
/*
 * tcp_test.c - what is the tcp backend's own: for a moment a port listens, and strangers are
 * quicker than the hub itself. They come in __wrap_connect, right before the hub's own connection.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "ipc/ipc.h"

#define RECORD    56
#define STRANGERS 3

int __real_connect(int fd, const struct sockaddr *to, socklen_t size);
int __wrap_connect(int fd, const struct sockaddr *to, socklen_t size);

static int stranger[STRANGERS];
static struct sockaddr_in port; /* that listened */

/* One says nothing, one sends what might be a secret, one is gone again. */
int __wrap_connect(int fd, const struct sockaddr *to, socklen_t size)
{
	static const char words[RECORD] = { 1 };
	unsigned i;

	assert_int_equal(size, sizeof port);
	memcpy(&port, to, sizeof port);
	for (i = 0; i < STRANGERS; i++) {
		stranger[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_true(stranger[i] >= 0);
		assert_int_equal(__real_connect(stranger[i], to, size), 0);
	}
	assert_int_equal(send(stranger[1], words, sizeof words, MSG_NOSIGNAL), sizeof words);
	assert_int_equal(close(stranger[2]), 0);
	return __real_connect(fd, to, size);
}

static void waits_for_ever(int signo)
{
	static const char text[] = "[  FAILED  ] the hub waits for a stranger\n";

	(void)signo;
	(void)!write(STDOUT_FILENO, text, sizeof text - 1);
	_exit(1);
}

static void test_tcp_stranger_gets_no_slot(void **state)
{
	struct ipc_config config = { .direction = IPC_TO_HUB, .record_size = RECORD, .slots = 1 };
	struct ipc_peer self = { .pid = getpid(), .pidfd = -1 };
	char record[RECORD] = { 7 };
	struct ipc_ticket ticket;
	struct ipc *hub, *owner;
	unsigned slot, i;

	(void)state;
	(void)signal(SIGALRM, waits_for_ever);
	(void)alarm(20);
	assert_int_equal(ipc_open(&hub, "tcp", &config), 0);
	assert_int_equal(ipc_ticket(hub, 0, &ticket), 0);
	assert_int_equal(ipc_attach(hub, 0, IPC_HUB, &self), 0);
	assert_int_equal(ipc_join(&owner, ticket.text, &self, &slot), 0);
	assert_int_equal(ipc_recv(hub, &slot, record, 1, IPC_NOWAIT), -EAGAIN);
	assert_int_equal(ipc_send(owner, 0, record, 1, 0), 1);
	assert_int_equal(ipc_recv(hub, &slot, record, 1, 0), 1);
	assert_int_equal(record[0], 7);
	for (i = 0; i < 2; i++) { /* turned away; the mute one learns it when it speaks */
		struct pollfd end = { .fd = stranger[i], .events = POLLIN };

		(void)send(stranger[i], record, 1, MSG_NOSIGNAL);
		assert_int_equal(poll(&end, 1, 10000), 1);
		assert_true(recv(stranger[i], record, 1, 0) <= 0);
		assert_int_equal(close(stranger[i]), 0);
	}
	ipc_close(owner);
	ipc_close(hub);
}

/* Other hosts never reach the port, and nobody does once the pair is made. */
static void test_tcp_port_is_local_and_gone(void **state)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	assert_int_equal(port.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
	assert_int_equal(__real_connect(fd, (struct sockaddr *)&port, sizeof port), -1);
	assert_int_equal(errno, ECONNREFUSED);
	assert_int_equal(close(fd), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tcp_stranger_gets_no_slot),
		cmocka_unit_test(test_tcp_port_is_local_and_gone),
	};
	return cmocka_run_group_tests_name("tcp", tests, NULL, NULL);
}
