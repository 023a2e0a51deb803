/* SPDX-License-Identifier: MIT */
/*
 * dgram.c - Unix datagram sockets: one for all slots towards the hub, one pair each from it.
 *
 * Mechanism: a socket that many others are connected to: whoever sends, it is one queue, and one
 *   receive takes one datagram, whole. The kernel adds who sent it.
 *
 *      hub                                worker
 *      bind(q, a name), SO_PASSCRED
 *      connect(w, the name)
 *      fork ----------------------------> close(q), and every sibling's ends
 *      close(w)                           sendmsg(w, slot, records)
 *      recvmsg(q): pid, slot  <---------- a datagram; the kernel adds its pid
 *      nothing at all <------------------ dies, however it dies
 *
 * Life cycle: q has a name only within open, in a private directory; arm connects through an O_PATH
 *   descriptor of it. Nothing remains after kill -9 of anyone.
 * Guarantees: a datagram is whole or not at all, in order, and survives its sender: unlike UDP, no
 *   Unix datagram is ever lost. Who sent it is told by the kernel (SCM_CREDENTIALS): a worker
 *   cannot be another, unless it runs as root, which may fill in any pid. No end of file: a
 *   datagram socket has no other end; a pidfd tells of a death.
 * Limits: net.unix.max_dgram_qlen datagrams wait in q (10 in many containers, 512 on others), for
 *   all senders together, however small; so a batch goes in one datagram of at most 4 KiB.
 * Wake-up: the socket polls, level-triggered. A blocking receive is one system call; it gives up
 *   after a second, so that a dead peer is found.
 * Failure modes: full - send waits, or EAGAIN, until the receiver has taken one. Peer gone - who
 *   sends to it meets ECONNREFUSED; who receives, silence: its pidfd tells.
 * Costs: one system call, one copy and one kernel buffer on each side, and eight bytes of ours
 *   that say which slot, in a piece of their own: no more calls than the bare ones, but the kernel
 *   fetches a header and a list of pieces in each, a tenth of a round trip. A hub with a thousand
 *   slots waits for one descriptor.
 * Pitfalls: a connected pair (socketpair) does not count max_dgram_qlen at all. Who floods q
 *   delays everybody. A datagram of no bytes is no end of file. A buffer that is too small cuts
 *   the datagram without a word unless MSG_TRUNC is looked at. A pid may be used again: it
 *   counts only while its process is ours to reap. A descriptor (SCM_RIGHTS) comes behind the
 *   credentials, if there is room for both; one from a dead slot stays open until its turn comes.
 * Use when: one receiver serves many senders and wants to know who they are: syslog, systemd.
 * Avoid when: a sender may be hostile and others must not wait for it: then a socket each.
 * Read next: unix.c - a socket each, and an end of file: diff them; sysv.c - one queue, nobody
 *   knows who sent.
 */
#include "config.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "ipc/core/backend.h"
#include "ipc/core/control.h"
#include "ipc/core/fd_slots.h"
#include "ipc/core/named.h"
#include "ipc/core/rest.h"
#include "ipc/core/sys.h"

#define DGRAM_BATCH        4096 /* most bytes of a batch; a single record may be longer */
#define DGRAM_RECORD_LIMIT 65536

/* In front of the records to the hub. The kernel's pid says whether it is true. */
struct dgram_head {
	uint32_t slot, owner;
};

struct dgram_slot {
	struct fd_slot fd; /* first: fd_slots.h */
	uint32_t owner;    /* how many this slot has had */
	pid_t pid;         /* of the present one, in the hub. 0: none */
};

struct dgram_state {
	struct fd_slots slots; /* first: fd_slots.h */
	int queue;             /* to the hub: all slots send to it. -1: they do not */
	int name;              /* O_PATH on its name, to connect to */
	struct rest rest;
	char text[DGRAM_BATCH + 1]; /* one byte more than a batch: see dgram_take */
};

static struct dgram_state *dgram_state(const struct ipc *s)
{
	return s->state;
}

static struct dgram_slot *dgram_slot(const struct ipc *s, unsigned slot)
{
	return (struct dgram_slot *)fd_slots_at(s, slot);
}

static int dgram_limits(struct ipc_limit *limits, size_t cap)
{
	(void)cap;
	sys_limit_file(&limits[0], "datagrams that a socket holds",
		       "/proc/sys/net/unix/max_dgram_qlen");
	return 1;
}

/* A receiver looks at its peer every second. Cannot fail. */
static void dgram_tune(struct ipc *s, int fd)
{
	const struct timeval second = { .tv_sec = 1 };

	(void)SYS(s, setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof second));
}

/* One each and the epoll instance from the hub; the other way of one slot more: dgram_queue. */
static int dgram_hub_fds(unsigned slots)
{
	return slots > 1 ? fd_slots_hub_fds(slots) : 3;
}

/* A socket that CALL has bound to PATH, or connected to what is. The descriptor or -errno. */
static int dgram_socket(struct ipc *s, const char *path,
			int (*call)(int, const struct sockaddr *, socklen_t))
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = (int)SYS(s, socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	int rc;

	if (fd < 0)
		return fd;
	(void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	rc = (int)SYS(s, call(fd, (struct sockaddr *)&address, sizeof address));
	if (rc < 0)
		sys_close(&fd);
	return rc < 0 ? rc : fd;
}

/* The queue, whose name is gone but for the O_PATH descriptor. 0 or -errno. */
static int dgram_queue(struct ipc *s)
{
	struct dgram_state *state = dgram_state(s);
	const int yes = 1;
	struct named name = { .path = "" };
	int rc = named_make(s, &name, "dgram");

	if (rc < 0)
		return rc;
	rc = state->queue = dgram_socket(s, name.path, bind);
	if (rc >= 0)
		rc = state->name = (int)SYS(s, open(name.path, O_PATH | O_CLOEXEC));
	named_remove(s, &name);
	if (rc < 0)
		return rc;
	dgram_tune(s, state->queue);
	control_refuse_fds(s, state->queue);
	/* From now on no datagram comes without the pid of its sender. */
	return (int)SYS(s, setsockopt(state->queue, SOL_SOCKET, SO_PASSCRED, &yes, sizeof yes));
}

static void dgram_close(struct ipc *s)
{
	sys_close(&dgram_state(s)->queue);
	sys_close(&dgram_state(s)->name);
	fd_slots_close(s);
}

static int dgram_open(struct ipc *s)
{
	int rc = fd_slots_open(s);

	dgram_state(s)->queue = dgram_state(s)->name = -1;
	if (rc == 0 && s->direction == IPC_TO_HUB)
		rc = dgram_queue(s);
	if (rc < 0)
		dgram_close(s);
	return rc;
}

static int dgram_arm(struct ipc *s, unsigned slot)
{
	int fds[2] = { -1, -1 };
	char path[32];
	int rc;

	if (s->direction == IPC_TO_HUB) {
		(void)snprintf(path, sizeof path, "/proc/self/fd/%d", dgram_state(s)->name);
		rc = fds[1] = dgram_socket(s, path, connect);
	} else {
		rc = (int)SYS(s, socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, fds));
	}
	if (rc < 0)
		return rc;
	if (s->direction == IPC_FROM_HUB) {
		dgram_tune(s, fds[1]);
		control_refuse_fds(s, fds[0]);
	}
	fd_slots_armed(s, slot, fds[0], fds[1]);
	dgram_slot(s, slot)->owner++;
	return 0;
}

static int dgram_attach(struct ipc *s, unsigned slot, const struct ipc_peer *peer)
{
	if (s->role == IPC_HUB && s->direction == IPC_TO_HUB) {
		dgram_slot(s, slot)->pid = peer->pid;
		sys_close(&fd_slots_at(s, slot)->other);
		return 0; /* there is nothing of this slot to wait for: the queue is */
	}
	if (s->role == IPC_SLOT)
		dgram_close(s);
	return fd_slots_attach(s, slot, peer);
}

static int dgram_ticket(struct ipc *s, unsigned slot, struct ipc_ticket *ticket)
{
	int rc = dgram_arm(s, slot);

	ticket->words[0] = dgram_slot(s, slot)->owner;
	return rc < 0 ? rc : fd_slots_ticket(s, slot, ticket);
}

static int dgram_join(struct ipc *s, unsigned slot, const struct ipc_ticket *ticket,
		      const struct ipc_peer *peer)
{
	dgram_state(s)->queue = dgram_state(s)->name = -1;
	dgram_slot(s, slot)->owner = (uint32_t)ticket->words[0];
	return fd_slots_join(s, slot, ticket, peer);
}

static ssize_t dgram_send(struct ipc *s, unsigned slot, const void *records, size_t n,
			  unsigned flags)
{
	size_t most = s->record_size < DGRAM_BATCH ? DGRAM_BATCH / s->record_size : 1;
	size_t bytes = (n < most ? n : most) * s->record_size;
	struct dgram_head head = { .slot = slot, .owner = dgram_slot(s, slot)->owner };
	struct iovec iov[2] = { { .iov_base = &head, .iov_len = sizeof head },
				{ .iov_base = (void *)(uintptr_t)records, .iov_len = bytes } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
	const int fd = fd_slots_at(s, slot)->own;
	/* A pair says by itself who it is. */
	ssize_t rc = s->direction == IPC_FROM_HUB ?
			     control_send_bytes(s, fd, records, bytes, flags) :
			     control_send(s, fd, &msg, flags);

	if (rc == -EAGAIN)
		fd_slots_full(s, slot);
	if (rc == -ECONNREFUSED || rc == -ENOTCONN) /* at first; from then on */
		return -EPIPE;
	return rc < 0 ? rc : (ssize_t)(bytes / s->record_size); /* all or nothing */
}

/* Is PID the slot's that it says it is? 0, -ESRCH of nobody that we know, or -EPROTO with *SLOT. */
static int dgram_check(struct ipc *s, unsigned *slot, const struct dgram_head *head, pid_t pid)
{
	*slot = head->slot;
	if (*slot < s->slots && pid > 0 && dgram_slot(s, *slot)->pid == pid)
		return dgram_slot(s, *slot)->owner == head->owner ? 0 : -ESRCH;
	for (*slot = 0; *slot < s->slots && pid > 0; ++*slot)
		if (dgram_slot(s, *slot)->pid == pid)
			return -EPROTO;
	return -ESRCH;
}

/* One datagram: what the caller wants goes to RECORDS, what is left over to state->text. */
static ssize_t dgram_take(struct ipc *s, unsigned *slot, void *records, size_t cap, unsigned flags)
{
	struct dgram_state *state = dgram_state(s);
	const bool pair = s->direction == IPC_FROM_HUB; /* our own: only the hub sends there */
	const int fd = pair ? fd_slots_at(s, s->self)->own : state->queue;
	const size_t want = cap * s->record_size;
	struct dgram_head head = { .slot = IPC_SLOTS_MAX };
	/* One byte more than a batch may have: a longer one is then seen in any case. */
	struct iovec iov[3] = { { .iov_base = &head, .iov_len = sizeof head },
				{ .iov_base = records, .iov_len = want },
				{ .iov_base = state->text, .iov_len = sizeof state->text } };
	struct msghdr msg = { .msg_iov = iov + pair, .msg_iovlen = 3 - pair };
	pid_t pid;
	ssize_t bytes = control_recv(s, fd, &msg, flags, pair ? NULL : &pid);
	int rc;

	if (bytes < 0)
		return bytes;
	*slot = s->self;
	if (!pair) {
		rc = dgram_check(s, slot, &head, pid);
		if (rc < 0)
			return rc;
		bytes -= (ssize_t)sizeof head;
	}
	if ((msg.msg_flags & MSG_TRUNC) || bytes <= 0 || bytes % (ssize_t)s->record_size)
		return -EPROTO;
	if ((size_t)bytes <= want)
		return bytes / (ssize_t)s->record_size;
	state->rest = (struct rest){ .slot = *slot,
				     .count = ((size_t)bytes - want) / s->record_size,
				     .text = state->text };
	return (ssize_t)cap;
}

static ssize_t dgram_recv(struct ipc *s, unsigned *slot, void *records, size_t cap, unsigned flags)
{
	struct dgram_state *state = dgram_state(s);
	ssize_t rc;

	if (state->rest.count > 0)
		return rest_take(s, &state->rest, slot, records, cap);
	do {
		rc = dgram_take(s, slot, records, cap, flags);
	} while (rc == -ESRCH); /* of an earlier owner */
	return rc;
}

static int dgram_pollfd(struct ipc *s, short *events)
{
	const struct dgram_state *state = dgram_state(s);

	if (state->rest.count > 0)
		return -EAGAIN;
	*events = POLLIN;
	return state->queue < 0 ? fd_slots_pollfd(s, events) : state->queue;
}

static void dgram_detach(struct ipc *s, unsigned slot)
{
	dgram_slot(s, slot)->pid = 0; /* whatever it still has in the queue is nobody's */
	rest_forget(&dgram_state(s)->rest, slot);
	fd_slots_detach(s, slot);
}

const struct ipc_backend ipc_dgram = {
	.info = {
		.name = "dgram",
		.title = "Unix datagram socket",
		.summary = "one socket for all slots towards the hub, and the kernel says who sent",
		.group = IPC_GROUP_SOCKETS,
		.capabilities = IPC_CAP_BOUNDARIES | IPC_CAP_POLLABLE |
				IPC_CAP_TRUSTED_SLOT | IPC_CAP_DURABLE | IPC_CAP_JOIN |
				IPC_CAP_THREADS | IPC_CAP_PASS_FD,
		.record_limit = DGRAM_RECORD_LIMIT,
		.objects = { { "a socket that all slots send to, its name removed",
			       "ss -xap | grep 'pid=PID,'" },
			     { "a socket pair per slot, from the hub", "ss -xp | grep 'pid=PID,'" },
			     { "an epoll instance in the hub, if it has several slots",
			       "cat /proc/PID/fdinfo/N" } },
		.syscalls = { "socket", "bind", "connect", "socketpair", "setsockopt", "mkdir",
			      "openat", "unlink", "rmdir", "sendmsg", "recvmsg", "epoll_create1",
			      "epoll_ctl", "epoll_wait", "ppoll", "close" },
		.man = { "unix(7)", "socket(2)", "sendmsg(2)", "recvmsg(2)", "cmsg(3)",
			 "credentials(7)", "epoll(7)" },
	},
	.state_size = sizeof(struct dgram_state),
	.slot_size = sizeof(struct dgram_slot),
	.probe = sys_needs_proc,
	.limits = dgram_limits,
	.hub_fds = dgram_hub_fds,
	.open = dgram_open,
	.arm = dgram_arm,
	.attach = dgram_attach,
	.ticket = dgram_ticket,
	.join = dgram_join,
	.send = dgram_send,
	.recv = dgram_recv,
	.pollfd = dgram_pollfd,
	.detach = dgram_detach,
	.close = dgram_close,
};
