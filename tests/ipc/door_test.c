/* SPDX-License-Identifier: MIT */
/*
 * door_test.c - who else comes to the port of a ticket: strangers who say nothing, too little, or
 * the wrong thing. They take no slot and keep nobody waiting; and where no address was asked for,
 * there is no port.
 */
#include "config.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "ipc/ipc.h"

static const struct ipc_peer elsewhere = { .pid = 0, .pidfd = -1 };

static struct ipc *open_hub(enum ipc_direction direction, unsigned slots, const char *listen)
{
	struct ipc_config config = { .direction = direction,
				     .record_size = 56,
				     .slots = slots,
				     .listen = listen,
				     .peer_timeout = 8 };
	struct ipc *s = NULL;

	assert_int_equal(ipc_open(&s, "tcp", &config), 0);
	return s;
}

static void make_ticket(struct ipc *s, unsigned slot, struct ipc_ticket *ticket)
{
	assert_int_equal(ipc_ticket(s, slot, ticket), 0);
	assert_int_equal(ipc_attach(s, slot, IPC_HUB, &elsewhere), 0);
}

static struct ipc *join(const struct ipc_ticket *ticket)
{
	struct ipc *s = NULL;
	unsigned slot;

	assert_int_equal(ipc_join(&s, ticket->text, &elsewhere, &slot), 0);
	return s;
}

static struct sockaddr_in address_of(const struct ipc_ticket *ticket)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_addr.s_addr = htonl((uint32_t)(ticket->words[0] >> 32)),
				     .sin_port = htons((uint16_t)(ticket->words[0] >> 16)) };
}

/* A connection to TICKET's port that says SIZE bytes and no more. */
static int stranger(const struct ipc_ticket *ticket, const void *says, size_t size)
{
	const struct sockaddr_in address = address_of(ticket);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
	if (size > 0)
		assert_int_equal(send(fd, says, size, MSG_NOSIGNAL), size);
	return fd;
}

/* FD's other end has closed it, and said nothing; who has been mute is told when he speaks. */
static void assert_turned_away(int fd)
{
	char byte = 0;
	ssize_t rc;

	(void)send(fd, &byte, 1, MSG_NOSIGNAL);
	rc = recv(fd, &byte, 1, 0);
	assert_true(rc == 0 || (rc < 0 && errno == ECONNRESET));
	assert_int_equal(close(fd), 0);
}

static void test_door_without_an_address_no_port_is_left(void **state)
{
	struct ipc *s = open_hub(IPC_TO_HUB, 1, NULL);
	struct ipc_ticket ticket;
	int yes = 1;
	socklen_t size = sizeof yes;

	(void)state;
	assert_int_equal(ipc_ticket(s, 0, &ticket), 0);
	assert_true(ticket.fds[0] >= 0);
	assert_int_equal(ticket.words[0] | ticket.words[1] | ticket.words[2], 0);
	assert_int_equal(getsockopt(ticket.fds[0], SOL_SOCKET, SO_ACCEPTCONN, &yes, &size), 0);
	assert_int_equal(yes, 0);
	assert_int_equal(getsockopt(ticket.fds[0], SOL_SOCKET, SO_KEEPALIVE, &yes, &size), 0);
	assert_int_equal(yes, 0); /* within a host the kernel always tells */
	ipc_ticket_close(&ticket);
	ipc_close(s);
}

/* What each of them says is too little or wrong. The last says nothing at all. */
static void receive_beside_strangers(unsigned slots, unsigned flags)
{
	static const size_t words[] = { 1, 15, 16, 17, 500, 0, 0, 0 };
	enum { STRANGERS = sizeof words / sizeof words[0] };
	struct ipc *hub = open_hub(IPC_TO_HUB, slots, "127.0.0.1"), *slot;
	char noise[500], record[56] = { 1 };
	int fds[STRANGERS];
	struct ipc_ticket ticket;
	unsigned i, from;
	ssize_t n;

	memset(noise, 7, sizeof noise);
	make_ticket(hub, 0, &ticket);
	for (i = 0; i < STRANGERS; i++)
		fds[i] = stranger(&ticket, noise, words[i]);
	if (flags & IPC_NOWAIT)
		for (i = 0; i < STRANGERS; i++)
			assert_int_equal(ipc_recv(hub, &from, record, 1, flags), -EAGAIN);
	slot = join(&ticket);
	assert_int_equal(ipc_send(slot, 0, record, 1, 0), 1);
	do { /* it has to get past those that stand before it */
		if (flags & IPC_NOWAIT)
			assert_int_equal(ipc_wait(hub, -1), 1);
		n = ipc_recv(hub, &from, record, 1, flags);
	} while (n == -EAGAIN && (flags & IPC_NOWAIT));
	assert_int_equal(n, 1);
	assert_int_equal(from, 0);
	assert_int_equal(record[0], 1);
	for (i = 0; i < STRANGERS; i++)
		assert_turned_away(fds[i]); /* the mute ones too: nobody listens any more */
	ipc_close(slot);
	assert_int_equal(ipc_recv(hub, &from, record, 1, 0), 0);
	ipc_close(hub);
}

static void test_door_strangers_are_turned_away(void **state)
{
	(void)state;
	receive_beside_strangers(1, IPC_NOWAIT);
	receive_beside_strangers(3, IPC_NOWAIT);
	receive_beside_strangers(1, 0);
	receive_beside_strangers(3, 0);
}

static void test_door_wrong_secret_takes_no_slot(void **state)
{
	struct ipc *hub = open_hub(IPC_FROM_HUB, 1, "127.0.0.1"), *wrong, *right;
	struct ipc_ticket ticket, forged;
	char record[56] = { 3 };
	size_t last;
	unsigned slot;

	(void)state;
	make_ticket(hub, 0, &ticket);
	forged = ticket;
	last = strlen(forged.text) - 1;
	forged.text[last] = forged.text[last] == '0' ? '1' : '0';
	wrong = join(&forged);
	assert_int_equal(ipc_wait(hub, -1), 1);
	assert_int_equal(ipc_send(hub, 0, record, 1, IPC_NOWAIT), -EAGAIN);
	assert_int_equal(ipc_recv(wrong, &slot, record, 1, 0), 0);
	right = join(&ticket);
	assert_int_equal(ipc_send(hub, 0, record, 1, 0), 1);
	assert_int_equal(ipc_recv(right, &slot, record, 1, 0), 1);
	ipc_close(hub);
	assert_int_equal(ipc_recv(right, &slot, record, 1, 0), 0);
	ipc_close(wrong);
	ipc_close(right);
}

/* Once it is taken, also the right secret finds nobody who listens. */
static void test_door_ticket_is_good_once(void **state)
{
	struct ipc *hub = open_hub(IPC_TO_HUB, 2, "127.0.0.1"), *slot, *again = NULL;
	struct ipc_ticket ticket, other;
	char record[56] = { 5 };
	unsigned from;

	(void)state;
	make_ticket(hub, 0, &ticket);
	make_ticket(hub, 1, &other);
	slot = join(&ticket);
	assert_int_equal(ipc_send(slot, 0, record, 1, 0), 1);
	assert_int_equal(ipc_recv(hub, &from, record, 1, 0), 1);
	assert_int_equal(ipc_join(&again, ticket.text, &elsewhere, &from), -ECONNREFUSED);
	assert_null(again);
	ipc_detach(hub, 1); /* never taken */
	assert_int_equal(ipc_join(&again, other.text, &elsewhere, &from), -ECONNREFUSED);
	ipc_close(slot);
	ipc_close(hub);
}

/* The port is open at the address that was asked for, and at no other. */
static void test_door_listens_where_it_was_told(void **state)
{
	struct ipc *hub = open_hub(IPC_TO_HUB, 1, "127.0.0.2");
	struct sockaddr_in at = { .sin_family = AF_UNSPEC };
	struct ipc_ticket ticket;
	socklen_t size = sizeof at;
	short events;

	(void)state;
	make_ticket(hub, 0, &ticket);
	assert_int_equal(getsockname(ipc_pollfd(hub, &events), (struct sockaddr *)&at, &size), 0);
	assert_int_equal(events, POLLIN);
	assert_int_equal(at.sin_addr.s_addr, htonl(INADDR_LOOPBACK + 1));
	assert_int_equal(at.sin_addr.s_addr, address_of(&ticket).sin_addr.s_addr);
	assert_int_equal(at.sin_port, address_of(&ticket).sin_port);
	ipc_close(hub);
}

/* The watch over a peer on another host, on both sides; a quarter of it between two questions. */
static void test_door_connections_of_other_hosts_are_watched(void **state)
{
	struct ipc *hub = open_hub(IPC_TO_HUB, 1, "127.0.0.1"), *slot, *session[2];
	struct ipc_ticket ticket;
	char record[56] = { 6 };
	unsigned from, i;
	short events;

	(void)state;
	make_ticket(hub, 0, &ticket);
	slot = join(&ticket);
	assert_int_equal(ipc_send(slot, 0, record, 1, 0), 1);
	assert_int_equal(ipc_recv(hub, &from, record, 1, 0), 1);
	session[0] = hub;
	session[1] = slot;
	for (i = 0; i < 2; i++) {
		int fd = ipc_pollfd(session[i], &events), value;
		socklen_t size = sizeof value;

		assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &value, &size), 0);
		assert_int_equal(value, 1);
		assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &value, &size), 0);
		assert_int_equal(value, 2);
		assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &value, &size), 0);
		assert_int_equal(value, 2);
		assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &value, &size), 0);
		assert_int_equal(value, 8000);
	}
	ipc_close(slot);
	ipc_close(hub);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_door_without_an_address_no_port_is_left),
		cmocka_unit_test(test_door_ticket_is_good_once),
		cmocka_unit_test(test_door_wrong_secret_takes_no_slot),
		cmocka_unit_test(test_door_strangers_are_turned_away),
		cmocka_unit_test(test_door_listens_where_it_was_told),
		cmocka_unit_test(test_door_connections_of_other_hosts_are_watched),
	};

	return cmocka_run_group_tests_name("door", tests, NULL, NULL);
}
