/* SPDX-License-Identifier: MIT */
/*
 * unix.c - Unix sockets: one SOCK_SEQPACKET socket pair per slot.
 *
 * Mechanism: two connected sockets in the kernel that carry packets: each send is one
 *   packet, each receive takes one, whole.
 *
 *      hub                                worker
 *      socketpair() -> h, w
 *      fork ----------------------------> close(h), and every sibling's ends
 *      close(w)                           send(w, record)
 *      recvmsg(h)  <----- a packet ------ send(w, record)
 *      recvmsg(h) = 0  <- end of file --- dies, however it dies
 *
 * Life cycle: made before the fork, unnamed; gone with its last descriptor, so nothing
 *   can remain after kill -9 of anyone. (A socket with a path would need a private directory and
 *   care with what an earlier run left; a pair needs neither.)
 * Guarantees: a packet arrives whole or not at all, in order; it survives its sender. End of file
 *   when the last descriptor of the other end is closed. A slot is its own pair: no
 *   sender can claim another's.
 * Limits: counted in kernel buffers, not in bytes: the usual send buffer of 212,992 bytes
 *   holds 278 packets of one byte as of 64. A batch is therefore packed into one packet, of at
 *   most 4,096 bytes.
 * Wake-up: the socket polls, level-triggered. A blocking receive is one system call.
 * Failure modes: full - send waits, or EAGAIN. Peer gone - EPIPE (MSG_NOSIGNAL: no signal),
 *   end of file on the other side. A peer that died with unread data gives ECONNRESET FIRST,
 *   although packets that it sent are still queued: go on to the end of file.
 * Costs: one system call, one copy and one kernel buffer on each side; a packet costs about
 *   twice a pipe's write, however full it is.
 * Pitfalls: a packet of no bytes looks like the end of file. A receive buffer that is too
 *   small cuts the packet without a word unless MSG_TRUNC is looked at. SO_PEERCRED of a pair
 *   names its creator, not the worker. A peer may send descriptors along: without a control
 *   buffer the kernel closes them. A buffer for one has room for two, as CMSG_SPACE is rounded up,
 *   and MSG_CTRUNC says that some were lost, as when RLIMIT_NOFILE leaves no number for them.
 *   SO_PASSRIGHTS=0 (Linux 6.16) refuses them at the sender.
 * Use when: records must stay apart, both ends are related, or descriptors have to travel: one goes
 *   with a packet (SCM_RIGHTS), and is closed with it if nobody receives it.
 * Avoid when: the last microsecond counts: a pipe is faster, shared memory much faster.
 * Read next: pipe.c - the same file with a pipe: diff them; then signal.c.
 */
#include "config.h"

#include <sys/socket.h>
#include <unistd.h>

#include "ipc/core/backend.h"
#include "ipc/core/control.h"
#include "ipc/core/fd_slots.h"
#include "ipc/core/packet_io.h"
#include "ipc/core/sys.h"

#define UNIX_RECORD_LIMIT 65536

static int unix_limits(struct ipc_limit *limits, size_t cap)
{
	char packet[56] = { 0 };
	int fds[2], size = 0, held = 0;
	socklen_t len = sizeof size;

	(void)cap;
	sys_limit(&limits[0], "send buffer of a new pair", "getsockopt(SO_SNDBUF)", "?");
	sys_limit(&limits[1], "packets that a new pair holds", "tried with 56 bytes each", "?");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) == 0) {
		if (getsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &size, &len) == 0)
			sys_limit(&limits[0], "send buffer of a new pair", "getsockopt(SO_SNDBUF)",
				  "%d bytes", size);
		while (held < 100000 && send(fds[0], packet, sizeof packet, MSG_DONTWAIT) > 0)
			held++;
		sys_limit(&limits[1], "packets that a new pair holds", "tried with 56 bytes each",
			  "%d", held);
		sys_close(&fds[0]);
		sys_close(&fds[1]);
	}
	sys_limit_file(&limits[2], "largest send buffer (bytes)", "/proc/sys/net/core/wmem_max");
	return 3;
}

static int unix_arm(struct ipc *s, unsigned slot)
{
	int fds[2];
	int rc = (int)SYS(s, socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds));

	if (rc < 0)
		return rc;
	control_refuse_fds(s, fds[0]);
	fd_slots_armed(s, slot, fds[0], fds[1]);
	return 0;
}

static int unix_ticket(struct ipc *s, unsigned slot, struct ipc_ticket *ticket)
{
	int rc = unix_arm(s, slot);

	return rc < 0 ? rc : fd_slots_ticket(s, slot, ticket);
}

static ssize_t unix_send(struct ipc *s, unsigned slot, const void *records, size_t n,
			 unsigned flags)
{
	size_t most = s->record_size < PACKET_BYTES ? PACKET_BYTES / s->record_size : 1;
	ssize_t rc =
		packet_io_write(s, slot, records, (n < most ? n : most) * s->record_size, flags);

	if (rc == -EAGAIN)
		fd_slots_full(s, slot);
	return rc < 0 ? rc : rc / (ssize_t)s->record_size;
}

static ssize_t unix_recv(struct ipc *s, unsigned *slot, void *records, size_t cap, unsigned flags)
{
	ssize_t rc = packet_io_next(s, slot, flags);

	if (rc < 0)
		return rc;
	rc = packet_io_read(s, *slot, records, cap * s->record_size, flags);
	if (rc == 0)
		fd_slots_ended(s, *slot);
	if (rc <= 0)
		return rc;
	/* Our senders write whole records only; a torn one is hostile. */
	return rc % (ssize_t)s->record_size ? -EPROTO : rc / (ssize_t)s->record_size;
}

const struct ipc_backend ipc_unix = {
	.info = {
		.name = "unix",
		.title = "Unix socket",
		.summary = "one SEQPACKET socket pair per slot; a batch of records is one packet",
		.group = IPC_GROUP_SOCKETS,
		.capabilities = IPC_CAP_BOUNDARIES | IPC_CAP_EOF | IPC_CAP_POLLABLE |
				IPC_CAP_TRUSTED_SLOT | IPC_CAP_DURABLE | IPC_CAP_JOIN |
				IPC_CAP_THREADS | IPC_CAP_FAIR | IPC_CAP_PASS_FD,
		.record_limit = UNIX_RECORD_LIMIT,
		.objects = { { "a socket pair per slot, unnamed", "ss -xp | grep 'pid=PID,'" },
			     { "an epoll instance in the hub, if it has several slots",
			       "cat /proc/PID/fdinfo/N" } },
		.syscalls = { "socketpair", "setsockopt", "sendto", "sendmsg", "recvmsg",
			      "epoll_create1", "epoll_ctl", "epoll_wait", "ppoll", "close" },
		.man = { "unix(7)", "socketpair(2)", "send(2)", "recvmsg(2)", "socket(7)",
			 "epoll(7)" },
	},
	.state_size = sizeof(struct packet_io),
	.slot_size = sizeof(struct fd_slot),
	.limits = unix_limits,
	.hub_fds = fd_slots_hub_fds,
	.open = fd_slots_open,
	.arm = unix_arm,
	.attach = fd_slots_attach,
	.ticket = unix_ticket,
	.join = fd_slots_join,
	.send = unix_send,
	.recv = unix_recv,
	.pollfd = packet_io_pollfd,
	.detach = packet_io_detach,
	.close = fd_slots_close,
};
