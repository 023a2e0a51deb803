/* SPDX-License-Identifier: MIT */
/*
 * uring.c - io_uring: the socket pairs of unix.c, driven by two rings instead of system calls.
 *
 * Mechanism: two rings that the process shares with the kernel. It puts requests into one
 *   (submission), the kernel puts results into the other (completion). One system call submits any
 *   number of requests and waits for results; a result that is there costs none.
 *
 *      hub                                worker
 *      socketpair() -> h, w; a ring
 *      fork ----------------------------> close(h), a ring of its own
 *      RECV into each slot's buffer       SEND, SEND, SEND linked
 *      io_uring_enter(submit, wait 1)     io_uring_enter(submit 3, wait 3)
 *      completion  <------ a packet ----- (one call for all of them)
 *      completion = 0  <-- end of file -- dies, however it dies
 *
 * Life cycle: sockets and rings are unnamed; gone with their last descriptor, so nothing can remain
 *   after kill -9 of anyone. The kernel takes a dead process' ring down in its own time, a
 *   moment later, and only then the other side sees the end of file.
 * Guarantees: those of the socket: a packet is whole, in order, survives its sender; end of file;
 *   no sender can claim another's slot. Requests are carried out in any order, unless they are
 *   linked (IOSQE_IO_LINK). A buffer belongs to the kernel until its request has completed.
 * Limits: 32,768 requests in one ring. A packet here has 4,096 bytes at most. A ring is locked
 *   memory, two or three pages (RLIMIT_MEMLOCK counts all rings of a user but root: the usual 8
 *   MiB are enough for some 680 workers). A system may forbid io_uring
 *   (kernel.io_uring_disabled), and containers often do.
 * Wake-up: the ring's descriptor polls while a completion is there. Requests that were not
 *   submitted yet do not happen, so they are submitted before each sleep. Who spins is interrupted
 *   for each completion by default; here it finds a flag instead (IORING_SETUP_COOP_TASKRUN).
 * Failure modes: full - the request waits, or EAGAIN. Peer gone - EPIPE (MSG_NOSIGNAL). Completion
 *   ring full - the kernel keeps the rest back; here it has room for a result of each slot.
 * Costs: one system call a record where each is waited for: no fewer than unix.c, and each is
 *   dearer. It pays where requests come in numbers: a hub asks all of its slots in one call, a
 *   batch of many packets goes in one.
 * Pitfalls: a ring must not be used on both sides of a fork: the child closes the descriptor and
 *   does not touch the memory (here it is not even there, MADV_DONTFORK). To close a socket does
 *   not end a request on it: cancel it, and wait for that, or the peer never sees the end.
 * Use when: one process serves many descriptors, and much happens in each turn.
 * Avoid when: a record is sent, and its answer waited for: then a plain call is faster.
 * Read next: unix.c - the same sockets with plain calls.
 */
#include "config.h"

#include <liburing.h>
#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ipc/core/backend.h"
#include "ipc/core/fd_slots.h"
#include "ipc/core/sys.h"
#include "ipc/core/uring_ring.h"

#define URING_PACKET 4096 /* bytes */

struct uring_slot {
	struct uring_pending pending;  /* first: uring_ring.h. While it is asked for, ... */
	char packet[URING_PACKET + 1]; /* ... this is the kernel's. A longer packet is seen, too. */
};

struct uring_state {
	struct uring_ring ring; /* first: uring_ring.h */
	unsigned rest;          /* the slot of which something is left ... */
	size_t from, count;     /* ... from this record on, so many */
};

static struct uring_state *uring_state(const struct ipc *s)
{
	return s->state;
}

static struct uring_slot *uring_slot(const struct ipc *s, unsigned slot)
{
	return (struct uring_slot *)s->slot_state + slot;
}

static int uring_probe(char *reason, size_t size)
{
	struct io_uring ring;
	int rc = io_uring_queue_init(2, &ring, 0);

	if (rc == -ENOSYS)
		return sys_reason(reason, size, rc, "the kernel has no io_uring");
	if (rc < 0)
		return sys_reason(reason, size, rc,
				  "io_uring is forbidden here: see kernel.io_uring_disabled, or a "
				  "sandbox's filter");
	io_uring_queue_exit(&ring);
	return 0;
}

static rlim_t uring_locked(void)
{
	struct rlimit locked;

	return getrlimit(RLIMIT_MEMLOCK, &locked) == 0 ? locked.rlim_cur : 0;
}

static int uring_limits(struct ipc_limit *limits, size_t cap)
{
	(void)cap;
	sys_limit_file(&limits[0], "may (0 all, 1 a group, 2 nobody)",
		       "/proc/sys/kernel/io_uring_disabled");
	sys_limit(&limits[1], "locked memory, rings included", "getrlimit(RLIMIT_MEMLOCK)",
		  uring_locked() == RLIM_INFINITY ? "unlimited" : "%llu bytes",
		  (unsigned long long)uring_locked());
	return 2;
}

static int uring_hub_fds(unsigned slots)
{
	return fd_slots_hub_fds(slots) + 1;
}

/* ---- the ring ---- */

/* Asks for SLOT's next packet; the request leaves with the next submission. */
static int uring_ask(struct ipc *s, unsigned slot)
{
	struct uring_slot *at = uring_slot(s, slot);
	struct io_uring_sqe *sqe = uring_ring_request(s);

	if (!sqe)
		return -EBUSY;
	/* MSG_TRUNC: the result is the packet's length, even if it did not fit. */
	io_uring_prep_recv(sqe, at->pending.fd.own, at->packet, sizeof at->packet, MSG_TRUNC);
	io_uring_sqe_set_data64(sqe, slot);
	at->pending.asked = true;
	return 0;
}

/* ---- life ---- */

/* Is there enough locked memory for the rings of so many slots' processes, three pages each? */
static bool uring_fits(const struct ipc *s)
{
	return geteuid() == 0 || 3 * (s->slots + 2ul) * (rlim_t)getpagesize() <= uring_locked();
}

static int uring_open(struct ipc *s)
{
	int rc = uring_fits(s) ? fd_slots_open(s) : -ENOMEM;

	if (rc == 0 && (rc = uring_ring_make(s)) < 0)
		fd_slots_close(s);
	return rc;
}

static int uring_arm(struct ipc *s, unsigned slot)
{
	int fds[2];
	int rc = (int)SYS(s, socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds));

	if (rc < 0)
		return rc;
	fd_slots_armed(s, slot, fds[0], fds[1]);
	return 0;
}

static int uring_attach(struct ipc *s, unsigned slot, const struct ipc_peer *peer)
{
	int rc = 0;

	if (s->role == IPC_HUB) { /* the ring tells what is there, no epoll instance */
		sys_close(&fd_slots_at(s, slot)->other);
	} else {
		sys_close(&uring_state(s)->ring.io.ring_fd); /* the hub's */
		(void)fd_slots_attach(s, slot, peer);        /* closes only */
		rc = uring_ring_make(s);
	}
	return rc == 0 && ipc_receives(s) ? uring_ask(s, slot) : rc;
}

static int uring_ticket(struct ipc *s, unsigned slot, struct ipc_ticket *ticket)
{
	int rc = uring_arm(s, slot);

	return rc < 0 ? rc : fd_slots_ticket(s, slot, ticket);
}

static int uring_join(struct ipc *s, unsigned slot, const struct ipc_ticket *ticket,
		      const struct ipc_peer *peer)
{
	int rc = fd_slots_join(s, slot, ticket, peer);

	if (rc == 0)
		rc = uring_ring_make(s);
	return rc == 0 && ipc_receives(s) ? uring_ask(s, slot) : rc;
}

static void uring_detach(struct ipc *s, unsigned slot)
{
	struct uring_state *state = uring_state(s);

	uring_ring_forget(s, slot);
	state->count = state->rest == slot ? 0 : state->count;
	fd_slots_detach(s, slot);
}

static void uring_close(struct ipc *s)
{
	io_uring_queue_exit(&uring_state(s)->ring.io);
	fd_slots_close(s);
}

/* ---- records ---- */

/*
 * Sends as many packets as one call takes, in order: if one is not sent, those after it are not
 * either.
 */
static ssize_t uring_send(struct ipc *s, unsigned slot, const void *records, size_t n,
			  unsigned flags)
{
	struct uring_state *state = uring_state(s);
	size_t most = URING_PACKET / s->record_size, done = 0, left = n;
	unsigned packets = 0, i;
	int rc = 0;

	for (; left > 0 && packets < URING_SENDS; packets++) {
		size_t now = left < most ? left : most;
		struct io_uring_sqe *sqe = uring_ring_request(s);
		/* Waits for room for the first only. */
		int wait = packets == 0 && !(flags & IPC_NOWAIT) ? 0 : MSG_DONTWAIT;

		if (!sqe)
			break;
		io_uring_prep_send(sqe, fd_slots_at(s, slot)->own,
				   (const char *)records + (n - left) * s->record_size,
				   now * s->record_size, MSG_NOSIGNAL | wait);
		io_uring_sqe_set_data64(sqe, s->slots + packets);
		left -= now;
		sqe->flags = left > 0 && packets + 1 < URING_SENDS ? IOSQE_IO_LINK : 0;
	}
	state->ring.sends = packets;
	while (state->ring.sends > 0 && rc == 0)
		rc = uring_ring_enter(s, state->ring.sends);
	for (i = 0; i < packets && rc == 0 && state->ring.sent[i] > 0; i++)
		done += (size_t)state->ring.sent[i] / s->record_size;
	if (done > 0)
		return (ssize_t)done;
	rc = rc < 0 ? rc : packets > 0 ? state->ring.sent[0] : -EBUSY;
	if (rc == -EAGAIN)
		fd_slots_full(s, slot);
	return rc == -ECONNRESET ? -EPIPE : rc;
}

/* Hands out what the packet of slot `rest` holds, and asks for the next one when it is empty. */
static ssize_t uring_rest(struct ipc *s, unsigned *slot, void *records, size_t cap)
{
	struct uring_state *state = uring_state(s);
	size_t n = state->count < cap ? state->count : cap;

	*slot = state->rest;
	memcpy(records, uring_slot(s, *slot)->packet + state->from * s->record_size,
	       n * s->record_size);
	state->from += n;
	state->count -= n;
	if (state->count == 0 && uring_ask(s, *slot) < 0)
		return -EBUSY;
	return (ssize_t)n;
}

/* Serves the first ready slot. Records, 0, -EPROTO; -EAGAIN: there was nothing after all. */
static ssize_t uring_take(struct ipc *s, unsigned *slot, void *records, size_t cap)
{
	struct uring_state *state = uring_state(s);
	int rc = uring_ring_next(s, slot);

	if (rc == 0)
		fd_slots_ended(s, *slot);
	if (rc > 0 && rc <= URING_PACKET && (size_t)rc % s->record_size == 0) {
		state->rest = *slot;
		state->from = 0;
		state->count = (size_t)rc / s->record_size;
		return uring_rest(s, slot, records, cap);
	}
	/* ECONNRESET comes before the dead peer's last packets, so ask again. */
	if (rc != 0 && uring_ask(s, *slot) < 0)
		return -EBUSY;
	return rc == -ECONNRESET ? -EAGAIN : rc > 0 ? -EPROTO : rc;
}

/* Looks for what has completed; if FLAGS allow, submits the requests and waits. */
static int uring_look(struct ipc *s, unsigned flags)
{
	struct uring_state *state = uring_state(s);

	uring_ring_reap(s);
	if (state->ring.first != s->slots)
		return 0;
	if (!(flags & IPC_NOWAIT))
		return uring_ring_enter(s, 1);
	return io_uring_sq_ready(&state->ring.io) > 0 ? uring_ring_enter(s, 0) : 0;
}

static ssize_t uring_recv(struct ipc *s, unsigned *slot, void *records, size_t cap, unsigned flags)
{
	struct uring_state *state = uring_state(s);
	ssize_t rc = -EAGAIN;

	if (state->count > 0)
		return uring_rest(s, slot, records, cap);
	*slot = s->self;
	if (s->single && uring_slot(s, s->self)->pending.fd.ended)
		return flags & IPC_NOWAIT ? -EAGAIN : 0;
	do {
		int look = uring_look(s, flags);

		if (look < 0)
			return look;
		while (state->ring.first != s->slots && rc == -EAGAIN)
			rc = uring_take(s, slot, records, cap);
	} while (rc == -EAGAIN && !(flags & IPC_NOWAIT));
	return rc;
}

static int uring_pollfd(struct ipc *s, short *events)
{
	struct uring_state *state = uring_state(s);
	int rc;

	if (!ipc_receives(s))
		return fd_slots_pollfd(s, events);
	*events = POLLIN;
	rc = uring_look(s, IPC_NOWAIT);
	if (rc < 0 || state->count > 0 || state->ring.first != s->slots)
		return rc < 0 ? rc : -EAGAIN;
	return s->single && uring_slot(s, s->self)->pending.fd.ended ? -ENOTCONN :
								       state->ring.io.ring_fd;
}

const struct ipc_backend ipc_uring = {
	.info = {
		.name = "uring",
		.title = "io_uring on sockets",
		.summary = "a socket pair per slot, driven by submission and completion rings",
		.group = IPC_GROUP_SOCKETS,
		.capabilities = IPC_CAP_BOUNDARIES | IPC_CAP_EOF | IPC_CAP_POLLABLE |
				IPC_CAP_TRUSTED_SLOT | IPC_CAP_DURABLE | IPC_CAP_JOIN |
				IPC_CAP_THREADS | IPC_CAP_FAIR | IPC_CAP_RESTRICTED,
		.record_limit = URING_PACKET,
		.objects = { { "a socket pair per slot, unnamed", "ss -xp | grep 'pid=PID,'" },
			     { "a ring in each process", "ls -l /proc/PID/fd | grep io_uring" } },
		.syscalls = { "socketpair", "io_uring_setup", "io_uring_enter", "mmap", "munmap",
			      "madvise", "epoll_create1", "epoll_ctl", "epoll_wait", "close" },
		.man = { "io_uring(7)", "io_uring_setup(2)", "io_uring_enter(2)", "unix(7)" },
	},
	.state_size = sizeof(struct uring_state),
	.slot_size = sizeof(struct uring_slot),
	.slot_calls = { { .name = "io_uring_enter" } },
	.probe = uring_probe,
	.limits = uring_limits,
	.hub_fds = uring_hub_fds,
	.open = uring_open,
	.arm = uring_arm,
	.attach = uring_attach,
	.ticket = uring_ticket,
	.join = uring_join,
	.send = uring_send,
	.recv = uring_recv,
	.pollfd = uring_pollfd,
	.detach = uring_detach,
	.close = uring_close,
};
