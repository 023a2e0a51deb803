/* SPDX-License-Identifier: MIT */
/*
 * stream.c - Unix stream sockets: one SOCK_STREAM socket pair per slot.
 *
 * Mechanism: two connected sockets in the kernel that carry bytes: what one side sends in several
 *   calls the other may receive in one, and the other way round.
 *
 *      hub                                worker
 *      socketpair() -> h, w
 *      fork ----------------------------> close(h), and every sibling's ends
 *      close(w)                           send(w, 3 records)
 *      recv(h)  <--- 100 of 168 bytes --- (one record, and 44 bytes of the next)
 *      recv(h)  <---- the other 68 ------
 *      recv(h) = 0  <- end of file ------ dies, however it dies
 *
 * Life cycle: made before the fork, unnamed; gone with its last descriptor, so nothing
 *   can remain after kill -9 of anyone.
 * Guarantees: bytes arrive in order, and what was sent survives its sender. No boundaries: records
 *   are found by counting (framing.h). A sender that is killed in the middle of a call may
 *   leave the beginning of a record; the receiver drops it. End of file when the last descriptor of
 *   the other end is closed. A slot is its own pair: no sender can claim another's.
 * Limits: the send buffer of 212,992 bytes counts what the kernel allocates: 278 records of 56
 *   bytes sent one by one, but 3,800 sent in large batches. One call sends at most 32 KiB, which
 *   the kernel puts into one buffer: so it takes all of a call or nothing.
 * Wake-up: the socket polls, level-triggered. A blocking receive is one system call.
 * Failure modes: full - send waits, or EAGAIN. Peer gone - EPIPE (MSG_NOSIGNAL: no signal),
 *   end of file on the other side. A peer that died with unread data gives ECONNRESET, but after
 *   what it sent, not before as with packets.
 * Costs: one system call and one copy on each side. A batch shares them, and here it may be
 *   as large as the caller likes: that is what a stream is good at.
 * Pitfalls: a receive that returns less than was sent is no error, and the most common mistake
 *   with streams. A send may take a part too, of a call that is longer than one buffer: a record
 *   that is begun must be finished before anything else is sent. A descriptor (SCM_RIGHTS) comes
 *   with the first byte of what it was sent with: who then has only a part of the record must keep
 *   it; no receive takes bytes from beyond it. Without a control buffer it is closed, and
 *   SO_PASSRIGHTS=0 (Linux 6.16) refuses it at the sender.
 * Use when: many small records go in batches, or both ends may be strangers some day: every
 *   language and every tool speaks to a stream.
 * Avoid when: records come one by one: a packet costs the same and stays whole.
 * Read next: framing.c - the counting; unix.c - the same pair with packets: diff them; tcp.c.
 */
#include "config.h"

#include <sys/socket.h>
#include <unistd.h>

#include "ipc/core/backend.h"
#include "ipc/core/control.h"
#include "ipc/core/fd_slots.h"
#include "ipc/core/framing.h"
#include "ipc/core/sys.h"

static int stream_limits(struct ipc_limit *limits, size_t cap)
{
	int fds[2];
	int size = 0;
	socklen_t len = sizeof size;

	if (cap < 3)
		return 0;
	sys_limit(&limits[0], "send buffer of a new pair", "getsockopt(SO_SNDBUF)", "?");
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0) {
		if (getsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &size, &len) == 0)
			sys_limit(&limits[0], "send buffer of a new pair", "getsockopt(SO_SNDBUF)",
				  "%d bytes", size);
		sys_close(&fds[0]);
		sys_close(&fds[1]);
	}
	sys_limit_file(&limits[1], "largest send buffer (bytes)", "/proc/sys/net/core/wmem_max");
	sys_limit(&limits[2], "bytes of one call, taken whole", "ipc/core/framing.h", "%d",
		  FRAMING_RECORD_LIMIT);
	return 3;
}

static int stream_arm(struct ipc *s, unsigned slot)
{
	int fds[2];
	int rc = (int)SYS(s, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds));

	if (rc < 0)
		return rc;
	control_refuse_fds(s, fds[0]);
	framing_armed(s, slot, fds[0], fds[1]);
	return 0;
}

static int stream_ticket(struct ipc *s, unsigned slot, struct ipc_ticket *ticket)
{
	int rc = stream_arm(s, slot);

	return rc < 0 ? rc : fd_slots_ticket(s, slot, ticket);
}

const struct ipc_backend ipc_stream = {
	.info = {
		.name = "stream",
		.title = "Unix stream socket",
		.summary = "one stream socket pair per slot; records are found by counting bytes",
		.group = IPC_GROUP_SOCKETS,
		.capabilities = IPC_CAP_EOF | IPC_CAP_POLLABLE | IPC_CAP_TRUSTED_SLOT |
				IPC_CAP_DURABLE | IPC_CAP_JOIN | IPC_CAP_THREADS |
				IPC_CAP_FAIR | IPC_CAP_PASS_FD,
		.record_limit = FRAMING_RECORD_LIMIT,
		.objects = { { "a socket pair per slot, unnamed", "ss -xp | grep 'pid=PID,'" },
			     { "an epoll instance in the hub, if it has several slots",
			       "cat /proc/PID/fdinfo/N" } },
		.syscalls = { "socketpair", "setsockopt", "sendto", "recvfrom", "sendmsg",
			      "recvmsg", "epoll_create1", "epoll_ctl", "epoll_wait", "ppoll",
			      "close" },
		.man = { "unix(7)", "socketpair(2)", "send(2)", "recv(2)", "socket(7)",
			 "epoll(7)" },
	},
	.state_size = sizeof(struct fd_slots),
	.slot_size = sizeof(struct framed_slot),
	.limits = stream_limits,
	.hub_fds = fd_slots_hub_fds,
	.open = fd_slots_open,
	.arm = stream_arm,
	.attach = fd_slots_attach,
	.ticket = stream_ticket,
	.join = fd_slots_join,
	.send = framing_send,
	.recv = framing_recv,
	.pollfd = fd_slots_pollfd,
	.detach = fd_slots_detach,
	.close = fd_slots_close,
};
