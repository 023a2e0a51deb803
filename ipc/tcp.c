/* SPDX-License-Identifier: MIT */
/*
 * tcp.c - TCP over the loopback interface: one connection per slot.
 *
 * Mechanism: two sockets that the kernel connects through its network code, byte by byte as they
 *   would be over a wire. There is no socketpair(2) for TCP: the hub connects to itself.
 *
 *      hub                                worker
 *      bind(127.0.0.1, any port), listen
 *      connect() -> w, send(w, secret)
 *      accept() -> h, recv(h): the secret?
 *      close the listening socket
 *      fork ----------------------------> close(h), and every sibling's ends
 *      close(w)                           send(w, record)
 *      recv(h)  <------- bytes ---------- send(w, record)
 *      recv(h) = 0  <------ FIN --------- dies, however it dies
 *
 * Life cycle: made before the fork. The port listens for the microseconds of that; afterwards
 *   there is nothing that a stranger could connect to. The kernel keeps the port numbers of a
 *   closed connection for a minute (TIME_WAIT), and nothing else.
 * Guarantees: bytes arrive in order; records are found by counting (framing.h). What was sent
 *   survives its sender: the kernel goes on sending, then a FIN. The receiving end is shut for
 *   sending, because a sender that dies with something unread answers with RST instead, and that
 *   throws away what is still under way. A slot is its own connection.
 * Limits: buffers of 256 KiB at each end, set by hand: left alone, a connection over loopback holds
 *   4 MB, which is 70,000 records of 56 bytes that are late.
 * Wake-up: the socket polls, level-triggered; room is announced when a third of the buffer is
 *   free. A blocking receive is one system call.
 * Failure modes: full - send waits, or EAGAIN. Peer gone - ECONNRESET or EPIPE (MSG_NOSIGNAL: no
 *   signal), end of file on the other side. On one host the kernel always tells. Between hosts
 *   a peer that loses its power says nothing, and its connection stays half open for ever: there
 *   TCP_USER_TIMEOUT and keep-alive are a must.
 * Costs: the whole network path: headers, checksums, acknowledgements and a soft interrupt per
 *   call, about twice a Unix socket.
 * Pitfalls: without TCP_NODELAY a small record waits for the acknowledgement of the last one,
 *   40 ms at worst (Nagle against delayed ACK). Any process of the machine may connect to a
 *   port of 127.0.0.1, whatever its user: so a connection counts only if it comes from our own
 *   address and its first bytes are our secret, compared in constant time. A send may take a part
 *   of a record, at any byte. Another host cannot join a session: its ticket is a descriptor, and
 *   the hub learns of a death from a pidfd, which no other host has; so it is not CROSS_HOST.
 * Use when: one end moves to another host some day. These calls then stay as they are; the worker
 *   connects, the secret reaches it by another way, and what travels must be encrypted.
 * Avoid when: both ends stay on one machine: a Unix socket does the same for half the price.
 * Read next: stream.c - the same bytes without a network: diff them; framing.c.
 */
#include "config.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ipc/core/backend.h"
#include "ipc/core/fd_slots.h"
#include "ipc/core/framing.h"
#include "ipc/core/sys.h"

#define TCP_BUFFER    (128 * 1024) /* SO_SNDBUF, SO_RCVBUF; the kernel doubles it */
#define TCP_ROOM      (64 * 1024)  /* less than the third of it that POLLOUT promises */
#define TCP_OVERHEAD  2048         /* more than the kernel's own part of a buffer */
#define TCP_STRANGERS 16           /* connections of others that may stand before ours */

struct tcp_secret {
	unsigned char bytes[16];
};

struct tcp_slot {
	struct framed_slot framed; /* first: framing.h */
	size_t room;               /* sending: bytes that surely fit, see tcp_has_room */
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

static int tcp_socket(struct ipc *s)
{
	return (int)SYS(s, socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP));
}

/* Options that we would like; where the kernel grants less the session still works. */
static void tcp_tune(struct ipc *s, int fd)
{
	const int yes = 1, size = TCP_BUFFER;

	(void)SYS(s, setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes));
	(void)SYS(s, setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size));
	(void)SYS(s, setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size));
}

/* A socket that listens on a port of the kernel's choice, for this host alone; -errno. */
static int tcp_listen(struct ipc *s, struct sockaddr_in *address)
{
	socklen_t len = sizeof *address;
	int fd = tcp_socket(s);
	int rc;

	*address = (struct sockaddr_in){ .sin_family = AF_INET,
					 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	if (fd < 0)
		return fd;
	tcp_tune(s, fd); /* before listen, so that accepted sockets have the same buffers */
	if ((rc = (int)SYS(s, bind(fd, (struct sockaddr *)address, len))) < 0 ||
	    (rc = (int)SYS(s, listen(fd, TCP_STRANGERS))) < 0 ||
	    (rc = (int)SYS(s, getsockname(fd, (struct sockaddr *)address, &len))) < 0) {
		sys_close(&fd);
		return rc;
	}
	return fd;
}

/*
 * Takes as long for a wrong secret as for the right one, so its time does not tell how much was
 * right.
 */
static bool tcp_same(const struct tcp_secret *a, const struct tcp_secret *b)
{
	unsigned char differ = 0;
	size_t i;

	for (i = 0; i < sizeof a->bytes; i++)
		differ |= a->bytes[i] ^ b->bytes[i];
	return differ == 0;
}

/*
 * Accepts the connection that comes from OURS and knows SECRET. A stranger's is closed unread: it
 * may be half open, or never say a word, and we do not wait for that. Between hosts an address
 * proves nothing: there only the secret would count, and the wait for it would need a limit.
 */
static int tcp_accept(struct ipc *s, int listener, int ours, const struct tcp_secret *secret)
{
	struct sockaddr_in own, from;
	socklen_t len = sizeof own;
	struct tcp_secret claimed;
	int fd, rc = (int)SYS(s, getsockname(ours, (struct sockaddr *)&own, &len));

	while (rc == 0) {
		len = sizeof from;
		fd = (int)SYS(s, accept4(listener, (struct sockaddr *)&from, &len, SOCK_CLOEXEC));
		if (fd < 0)
			return fd;
		if (from.sin_port == own.sin_port && from.sin_addr.s_addr == own.sin_addr.s_addr &&
		    SYS(s, recv(fd, &claimed, sizeof claimed, MSG_WAITALL)) == sizeof claimed &&
		    tcp_same(&claimed, secret))
			return fd;
		sys_close(&fd);
	}
	return rc;
}

/* A connected pair, as socketpair(2) would make it. 0 or -errno. */
static int tcp_pair(struct ipc *s, int fds[2])
{
	struct tcp_secret secret;
	struct sockaddr_in address;
	int listener = tcp_listen(s, &address);
	int rc = listener;

	fds[0] = fds[1] = -1;
	if (rc >= 0)
		rc = fds[1] = tcp_socket(s);
	if (rc < 0)
		goto out;
	tcp_tune(s, fds[1]);
	if ((rc = (int)SYS(s, getrandom(&secret, sizeof secret, 0))) < 0 ||
	    (rc = (int)SYS(s, connect(fds[1], (struct sockaddr *)&address, sizeof address))) < 0 ||
	    (rc = (int)SYS(s, send(fds[1], &secret, sizeof secret, MSG_NOSIGNAL))) < 0)
		goto out;
	rc = fds[0] = tcp_accept(s, listener, fds[1], &secret);
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

static int tcp_arm(struct ipc *s, unsigned slot)
{
	int fds[2];
	int rc = tcp_pair(s, fds);

	if (rc < 0)
		return rc;
	/*
	 * Nobody sends in this direction. The kernel now refuses to, so no death can become a
	 * reset.
	 */
	(void)SYS(s, shutdown(fds[s->direction == IPC_TO_HUB ? 0 : 1], SHUT_WR));
	framing_armed(s, slot, fds[0], fds[1]);
	((struct tcp_slot *)fd_slots_at(s, slot))->room = 0;
	return 0;
}

static int tcp_ticket(struct ipc *s, unsigned slot, struct ipc_ticket *ticket)
{
	int rc = tcp_arm(s, slot);

	return rc < 0 ? rc : fd_slots_ticket(s, slot, ticket);
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
	struct tcp_slot *at = (struct tcp_slot *)fd_slots_at(s, slot);
	const size_t most = FRAMING_RECORD_LIMIT / s->record_size;

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

const struct ipc_backend ipc_tcp = {
	.info = {
		.name = "tcp",
		.title = "TCP over loopback",
		.summary = "one TCP connection per slot; records are found by counting bytes",
		.group = IPC_GROUP_SOCKETS,
		.capabilities = IPC_CAP_EOF | IPC_CAP_POLLABLE | IPC_CAP_TRUSTED_SLOT |
				IPC_CAP_DURABLE | IPC_CAP_JOIN | IPC_CAP_THREADS |
				IPC_CAP_FAIR,
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
	.state_size = sizeof(struct fd_slots),
	.slot_size = sizeof(struct tcp_slot),
	.slot_calls = { { .name = "shutdown" } },
	.probe = tcp_probe,
	.limits = tcp_limits,
	.hub_fds = tcp_hub_fds,
	.open = fd_slots_open,
	.arm = tcp_arm,
	.attach = fd_slots_attach,
	.ticket = tcp_ticket,
	.join = fd_slots_join,
	.send = tcp_send,
	.recv = framing_recv,
	.pollfd = fd_slots_pollfd,
	.detach = fd_slots_detach,
	.close = fd_slots_close,
};
