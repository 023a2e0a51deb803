/* SPDX-License-Identifier: MIT */
/*
 * tcp.c - TCP: one connection per slot, over the loopback interface or from another host.
 *
 * Mechanism: two sockets that the kernels connect, byte by byte over a wire or as they would be.
 *   There is no socketpair(2) for TCP: for a process of its own host the hub connects to itself.
 *
 *      hub                                worker, forked or with a descriptor
 *      bind(127.0.0.1, any port), listen
 *      connect() -> w, send(w, secret)
 *      accept() -> h, recv(h): the secret?
 *      close the listening socket
 *      fork ----------------------------> close(h), and every sibling's ends
 *      close(w)                           send(w, record)
 *      recv(h)  <------- bytes ---------- send(w, record)
 *      recv(h) = 0  <------ FIN --------- dies, however it dies
 *
 *      hub with an address to listen on   another host
 *      bind(192.0.2.1, any port), listen
 *      ticket: address, port, secret ---> (by a way that nobody reads)
 *      wait for h, or for a connection    connect() -> w, send(w, secret)
 *      accept() -> h, recv(h): the secret?
 *      close the listening socket         send(w, record)
 *      recv(h)  <------- bytes ----------
 *
 * Life cycle: made before the fork. The port listens for the microseconds of that; afterwards
 *   there is nothing that a stranger could connect to. Only a ticket for other hosts, which the
 *   session must have been opened for, has a port that listens until its slot is taken. The kernel
 *   keeps the port numbers of a closed connection for a minute (TIME_WAIT), and nothing else.
 * Guarantees: bytes arrive in order; records are found by counting (framing.h). What was sent
 *   survives its sender: the kernel goes on sending, then a FIN. The receiving end is shut for
 *   sending, because a sender that dies with something unread answers with RST instead, and that
 *   throws away what is still under way. A slot is its own connection.
 * Limits: buffers of 256 KiB at each end, set by hand: left alone, a connection over loopback holds
 *   4 MB, which is 70,000 records of 56 bytes that are late. IPv4. A port of the kernel's choice
 *   (ip_local_port_range) for each ticket: a firewall must let those in.
 * Wake-up: the socket polls, level-triggered; room is announced when a third of the buffer is
 *   free. A blocking receive is one system call.
 * Failure modes: full - send waits, or EAGAIN. Peer gone - ECONNRESET or EPIPE (MSG_NOSIGNAL: no
 *   signal), end of file on the other side. On one host the kernel always tells. Between hosts
 *   a peer that loses its power says nothing, and its connection would stay half open for ever. So
 *   an idle one is asked (SO_KEEPALIVE), and what is not acknowledged in time, or finds no room in
 *   time, ends it (TCP_USER_TIMEOUT): after peer_timeout, 60 s, and at most a quarter more.
 * Costs: the whole network path: headers, checksums, acknowledgements and a soft interrupt per
 *   call, about twice a Unix socket.
 * Pitfalls: without TCP_NODELAY a small record waits for the acknowledgement of the last one,
 *   40 ms at worst (Nagle against delayed ACK). Whoever reaches the port may connect: so a
 *   connection counts only if its first bytes are our secret, compared in constant time. Who says
 *   nothing must not make us wait: TCP_DEFER_ACCEPT leaves him in the kernel, 16 at most, and drops
 *   him after 10 s. On a plain network the secret and all records can be read, and written, by who
 *   stands in between: use a network that you trust, or a tunnel (WireGuard, IPsec). A send may
 *   take a part of a record, at any byte. Records travel as they are in memory: hosts of another
 *   byte order read other numbers.
 * Use when: one end is on another host, now or some day.
 * Avoid when: both ends stay on one machine: a Unix socket does the same for half the price.
 * Read next: stream.c - the same bytes without a network: diff them; framing.c.
 */
#include "config.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ipc/core/backend.h"
#include "ipc/core/door.h"
#include "ipc/core/fd_slots.h"
#include "ipc/core/framing.h"
#include "ipc/core/sys.h"

#define TCP_BUFFER   (128 * 1024) /* SO_SNDBUF, SO_RCVBUF; the kernel doubles it */
#define TCP_ROOM     (64 * 1024)  /* less than the third of it that POLLOUT promises */
#define TCP_OVERHEAD 2048         /* more than the kernel's own part of a buffer */

struct tcp_session {
	struct fd_slots slots; /* first: fd_slots.h */
	struct in_addr listen; /* to other hosts; INADDR_ANY: to none */
};

struct tcp_slot {
	struct framed_slot framed; /* first: framing.h */
	size_t room;               /* sending: bytes that surely fit, see tcp_has_room */
	struct door door;          /* while its process has yet to come */
};

static int tcp_limits(struct ipc_limit *limits, size_t cap)
{
	if (cap < 4)
		return 0;
	sys_limit_file(&limits[0], "send buffers (min, first, max)", "/proc/sys/net/ipv4/tcp_wmem");
	sys_limit_file(&limits[1], "largest SO_SNDBUF (bytes)", "/proc/sys/net/core/wmem_max");
	sys_limit_file(&limits[2], "ports to connect from",
		       "/proc/sys/net/ipv4/ip_local_port_range");
	sys_limit_file(&limits[3], "pages for all TCP (low, pressure, max)",
		       "/proc/sys/net/ipv4/tcp_mem");
	return 4;
}

/* Options that we would like; where the kernel grants less the session still works. */
static void tcp_tune(struct ipc *s, int fd)
{
	const int yes = 1, size = TCP_BUFFER;

	(void)SYS(s, setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes));
	(void)SYS(s, setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size));
	(void)SYS(s, setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size));
}

static int tcp_socket(struct ipc *s, int type)
{
	int fd = (int)SYS(s, socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | type, IPPROTO_TCP));

	if (fd >= 0)
		tcp_tune(s, fd); /* before listen and connect, which settle the buffers */
	return fd;
}

/* A connected pair, as socketpair(2) would make it. 0 or -errno. */
static int tcp_pair(struct ipc *s, int fds[2])
{
	const struct in_addr here = { htonl(INADDR_LOOPBACK) };
	struct door door;
	int listener, rc;

	fds[0] = fds[1] = -1;
	rc = listener = tcp_socket(s, SOCK_NONBLOCK);
	if (rc >= 0)
		rc = fds[1] = tcp_socket(s, 0);
	if (rc < 0)
		goto out;
	if ((rc = door_open(s, &door, listener, here)) < 0 ||
	    (rc = door_enter(s, &door, fds[1])) < 0)
		goto out;
	rc = fds[0] = door_admit(s, &door, listener, 0);
out:
	sys_close(&listener);
	if (rc < 0)
		sys_close(&fds[1]);
	return rc < 0 ? rc : 0;
}

static int tcp_probe(char *reason, size_t size)
{
	struct ipc s = { .syscalls = 0 };
	int fds[2];
	int rc = tcp_pair(&s, fds);

	if (rc < 0)
		return sys_reason(
			reason, size, rc,
			"cannot connect to 127.0.0.1: ip link set lo up; or a firewall or "
			"a sandbox's filter forbids it");
	sys_close(&fds[0]);
	sys_close(&fds[1]);
	return 0;
}

/* At the worst moment: both ends of the last slot, and the listening socket. */
static int tcp_hub_fds(unsigned slots)
{
	return fd_slots_hub_fds(slots) + 1;
}

static int tcp_open(struct ipc *s)
{
	struct tcp_session *session = s->state;

	if (s->listen[0] && (inet_pton(AF_INET, s->listen, &session->listen) != 1 ||
			     session->listen.s_addr == htonl(INADDR_ANY)))
		return -EINVAL; /* a ticket must say where to find us */
	return fd_slots_open(s);
}

static struct tcp_slot *tcp_slot(const struct ipc *s, unsigned slot)
{
	return (struct tcp_slot *)fd_slots_at(s, slot);
}

/*
 * FD is the receiving end: nobody sends there. The kernel now refuses to, so no death can become a
 * reset.
 */
static void tcp_receives(struct ipc *s, int fd)
{
	(void)SYS(s, shutdown(fd, SHUT_WR));
}

static int tcp_arm(struct ipc *s, unsigned slot)
{
	int fds[2];
	int rc = tcp_pair(s, fds);

	if (rc < 0)
		return rc;
	tcp_receives(s, fds[s->direction == IPC_TO_HUB ? 0 : 1]);
	framing_armed(s, slot, fds[0], fds[1]);
	tcp_slot(s, slot)->room = 0;
	return 0;
}

/* For a process of this host the ticket is its end, for one of another the way to the hub. */
static int tcp_ticket(struct ipc *s, unsigned slot, struct ipc_ticket *ticket)
{
	const struct tcp_session *session = s->state;
	struct tcp_slot *at = tcp_slot(s, slot);
	int listener, rc;

	if (!s->listen[0]) {
		rc = tcp_arm(s, slot);
		return rc < 0 ? rc : fd_slots_ticket(s, slot, ticket);
	}
	rc = listener = tcp_socket(s, SOCK_NONBLOCK);
	if (rc >= 0)
		rc = door_open(s, &at->door, listener, session->listen);
	if (rc < 0) {
		sys_close(&listener);
		return rc;
	}
	framing_armed(s, slot, -1, -1);
	fd_slots_await(s, slot, listener);
	at->room = 0;
	door_write(&at->door, ticket->words, (uint16_t)s->peer_timeout);
	return 0;
}

static int tcp_join(struct ipc *s, unsigned slot, const struct ipc_ticket *ticket,
		    const struct ipc_peer *peer)
{
	struct ipc_ticket own = *ticket;
	uint16_t peer_timeout;
	struct door door;
	int rc;

	door_read(&door, ticket->words, &peer_timeout);
	if (ticket->fds[0] >= 0 || peer_timeout == 0)
		return fd_slots_join(s, slot, ticket, peer);
	rc = own.fds[0] = tcp_socket(s, 0);
	if (rc >= 0)
		rc = door_watch(s, own.fds[0], peer_timeout); /* also over the connecting */
	if (rc == 0)
		rc = door_enter(s, &door, own.fds[0]);
	if (rc < 0) {
		sys_close(&own.fds[0]);
		return rc;
	}
	if (ipc_receives(s))
		tcp_receives(s, own.fds[0]);
	return fd_slots_join(s, slot, &own, peer);
}

/* The process that holds SLOT's ticket comes. 0, -EAGAIN: not yet, or -errno. */
static int tcp_welcome(struct ipc *s, unsigned slot, unsigned flags)
{
	struct tcp_slot *at = tcp_slot(s, slot);
	int fd = door_admit(s, &at->door, at->framed.fd.own, flags);
	int rc = fd < 0 ? fd : door_watch(s, fd, s->peer_timeout);

	if (rc < 0) {
		sys_close(&fd);
		return rc;
	}
	if (ipc_receives(s))
		tcp_receives(s, fd);
	return fd_slots_came(s, slot, fd);
}

/*
 * A send that must not wait could stop in the middle of a record, and finishing it would be
 * waiting. POLLOUT promises that a third of the buffer is free; so after it we send without asking
 * again until that might be used up.
 */
static bool tcp_has_room(struct ipc *s, struct tcp_slot *at, size_t bytes)
{
	if (at->room < bytes + TCP_OVERHEAD && sys_poll(s, at->framed.fd.own, POLLOUT, -1, 0) > 0)
		at->room = TCP_ROOM;
	if (at->room < bytes + TCP_OVERHEAD)
		return false;
	at->room -= bytes + TCP_OVERHEAD;
	return true;
}

static ssize_t tcp_send(struct ipc *s, unsigned slot, const void *records, size_t n, unsigned flags)
{
	struct tcp_slot *at = tcp_slot(s, slot);
	const size_t most = FRAMING_RECORD_LIMIT / s->record_size;
	int rc = at->framed.fd.awaited ? tcp_welcome(s, slot, flags) : 0;

	if (rc == -EAGAIN)
		fd_slots_full(s, slot);
	if (rc < 0)
		return rc;
	if (n > most)
		n = most;
	if (!(flags & IPC_NOWAIT)) {
		at->room = 0; /* this call may use it up */
	} else if (!tcp_has_room(s, at, n * s->record_size)) {
		fd_slots_full(s, slot);
		return -EAGAIN;
	}
	return framing_send(s, slot, records, n, flags);
}

/* A socket that listens says ENOTCONN. A hub with several slots does not wait for that one's. */
static ssize_t tcp_recv(struct ipc *s, unsigned *slot, void *records, size_t cap, unsigned flags)
{
	const unsigned at_door = s->single ? flags : IPC_NOWAIT;
	ssize_t rc;

	do {
		rc = framing_recv(s, slot, records, cap, flags);
		if (rc != -ENOTCONN)
			return rc;
		rc = tcp_welcome(s, *slot, at_door);
	} while (rc == 0 || (rc == -EAGAIN && !(flags & IPC_NOWAIT)));
	return rc;
}

const struct ipc_backend ipc_tcp = {
	.info = {
		.name = "tcp",
		.title = "TCP connection",
		.summary = "a connection per slot, also from another host; records by counting",
		.group = IPC_GROUP_SOCKETS,
		.capabilities = IPC_CAP_EOF | IPC_CAP_POLLABLE | IPC_CAP_TRUSTED_SLOT |
				IPC_CAP_DURABLE | IPC_CAP_JOIN | IPC_CAP_THREADS |
				IPC_CAP_FAIR | IPC_CAP_CROSS_HOST,
		.record_limit = FRAMING_RECORD_LIMIT,
		.objects = { { "a connection per slot", "ss -tnp | grep 'pid=PID,'" },
			     { "an epoll instance in the hub, if it has several slots",
			       "cat /proc/PID/fdinfo/N" } },
		.syscalls = { "socket", "bind", "listen", "getsockname", "connect", "accept4",
			      "getrandom", "shutdown", "setsockopt", "sendto", "recvfrom",
			      "epoll_create1", "epoll_ctl", "epoll_wait", "ppoll", "close" },
		.man = { "tcp(7)", "ip(7)", "accept(2)", "send(2)", "recv(2)", "shutdown(2)",
			 "epoll(7)" },
	},
	.state_size = sizeof(struct tcp_session),
	.slot_size = sizeof(struct tcp_slot),
	.slot_calls = { { .name = "shutdown" } },
	.probe = tcp_probe,
	.limits = tcp_limits,
	.hub_fds = tcp_hub_fds,
	.open = tcp_open,
	.arm = tcp_arm,
	.attach = fd_slots_attach,
	.ticket = tcp_ticket,
	.join = tcp_join,
	.send = tcp_send,
	.recv = tcp_recv,
	.pollfd = fd_slots_pollfd,
	.detach = fd_slots_detach,
	.close = fd_slots_close,
};
