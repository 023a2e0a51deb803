/* SPDX-License-Identifier: MIT */
/*
 * zmq.c - ZeroMQ: a ROUTER in the hub, a DEALER in each slot's process, over ipc://.
 *
 * Mechanism: a library that queues messages in the memory of both processes, and has a thread in
 *   each that carries them over a Unix stream socket. DEALER and ROUTER are its pair for
 *   messages that go either way at any time.
 *
 *      hub                                worker
 *      mkdtemp(), ROUTER, bind; the name
 *      is removed, an O_PATH fd is kept
 *      fork ----------------------------> drop the hub's context, make one's own
 *      who is it? the kernel says <------ DEALER: /proc/self/fd/N, greets
 *      recv: routing id, record <-------- send: record
 *
 * Life cycle: the socket has a name only within open, in a private directory; a worker connects
 *   through the descriptor that it inherits. Nothing remains after kill -9 of anyone.
 * Guarantees: messages are whole, and in order. A slot cannot be forged: its routing id is a secret
 *   of the hub and that slot's process, and a connection counts only if the pid that the kernel
 *   gives for it is the slot's. NOT guaranteed: delivery. What was sent is in the sender's own
 *   memory at first and dies with it; whoever must know has to wait for an answer.
 * Limits: 1,000 messages on each side, fewer of large ones, and what the socket holds. The hub
 *   needs a descriptor for each worker, and if accept() finds none, libzmq ends the process
 *   (SIGABRT): so arm fails with EMFILE while 64 are left. A worker that opens connections by the
 *   thousand could still bring it about: RLIMIT_NOFILE is for the worker, too.
 * Wake-up: ZMQ_FD is edge-triggered: it tells that something has happened, once. Take
 *   everything there is before each sleep.
 * Failure modes: full - EAGAIN. Peer gone - the hub's send finds no route (EPIPE); all else is
 *   silence, and the pidfd tells. A message over ZMQ_MAXMSGSIZE ends its connection.
 * Costs: two more threads in each process, four copies, and two wake-ups more than a socket has:
 *   some 50 us for a round trip. Many small messages in a row go in one write.
 * Pitfalls: a context does not survive a fork: a child must neither use it nor end it, but drop
 *   what it has open. Linger is for ever by default: with messages still queued for a peer that is
 *   gone, the end hangs. bind() removes whatever has the name. connect() only asks: a thread
 *   connects later, so what its address names must stay until the context has ended. The routing
 *   id that a peer gives is its own claim.
 * Use when: peers come and go, live on other hosts, or are written in other languages.
 * Avoid when: both ends are of one program, and latency or delivery counts.
 * Read next: backend.h - what these files have in common; then skeleton.c, to write another.
 */
#include "config.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#include "ipc/core/backend.h"
#include "ipc/core/foreign_fds.h"
#include "ipc/core/sys.h"

/* The functions here are zipc_, because zmq_ is the library's. */
#define ZIPC_OWN_FDS   8 /* of a context with a listening socket, and its address */
/*
 * Descriptors that must be free at each arm, for workers that are about to connect. The library
 * aborts the process when it lacks one, even in accept(), and a worker decides when that happens.
 */
#define ZIPC_SPARE_FDS 64

struct zipc_slot {
	uint64_t id; /* the routing id, a secret; 0: not armed */
	/* The owner's, as the hub knows it; as the kernel gave it for a connection. 0: not yet. */
	pid_t pid, seen;
};

struct zipc_state {
	void *context, *socket; /* in a child the hub's are only forgotten */
	/* The listener is O_PATH on the name of the hub's socket; fds below it are the library's */
	int fds[ZIPC_OWN_FDS], listener;
	char endpoint[IPC_PATH_MAX + 32];
	zmq_msg_t body; /* the last message */
	unsigned from;  /* whose it is */
	int size;       /* its size; -1: handed out already; 0 also if it had several frames */
};

static struct zipc_slot *zipc_slot(const struct ipc *s, unsigned slot)
{
	return (struct zipc_slot *)s->slot_state + slot;
}

static int zipc_limits(struct ipc_limit *limits, size_t cap)
{
	int major, minor, patch;

	zmq_version(&major, &minor, &patch);
	sys_limit(limits, "libzmq", "zmq_version(3)", "%d.%d.%d", major, minor, patch);
	return cap > 0;
}

static int zipc_hub_fds(unsigned slots)
{
	return ZIPC_OWN_FDS + ZIPC_SPARE_FDS + (int)slots;
}

/*
 * Makes a context and its socket. Calls wait a second at most, so that the facade can look at the
 * peer; closing waits as long for sent records to be written. We never try twice to connect, as a
 * hub that is gone does not come back; so the backlog has room for all workers at once.
 */
static int zipc_start(struct ipc *s)
{
	struct zipc_state *state = s->state;
	int depth = s->depth ? (int)s->depth : 1 + (int)(4096000 / (s->record_size + 4096));
	const int options[] = { ZMQ_SNDHWM,   depth,         ZMQ_RCVHWM,           depth,
				ZMQ_SNDTIMEO, 1000,          ZMQ_RCVTIMEO,         1000,
				ZMQ_LINGER,   1000,          ZMQ_RECONNECT_IVL,    -1,
				ZMQ_BACKLOG,  IPC_SLOTS_MAX, ZMQ_ROUTER_MANDATORY, 1 };
	/* The library's own handshake, which it counts too, takes 49 bytes. */
	int64_t most = s->record_size < 64 ? 64 : (int64_t)s->record_size;
	int i, rc = foreign_fds_room(ZIPC_SPARE_FDS);

	foreign_fds_next(state->fds, ZIPC_OWN_FDS);
	(void)zmq_msg_init(&state->body); /* cannot fail, nor can an option that exists */
	state->size = -1;
	state->context = rc == 0 ? zmq_ctx_new() : NULL;
	state->socket = zmq_socket(state->context, s->role == IPC_HUB ? ZMQ_ROUTER : ZMQ_DEALER);
	if (!state->socket)
		return rc < 0 ? rc : -errno;
	/* A DEALER refuses options that only a ROUTER has; nobody looks at a ROUTER's own id. */
	for (i = 0; i < (int)(sizeof options / sizeof options[0]); i += 2)
		(void)zmq_setsockopt(state->socket, options[i], &options[i + 1], sizeof(int));
	(void)zmq_setsockopt(state->socket, ZMQ_ROUTING_ID, &zipc_slot(s, s->self)->id, 8);
	return (int)SYS(s, zmq_setsockopt(state->socket, ZMQ_MAXMSGSIZE, &most, sizeof most));
}

static void zipc_close(struct ipc *s)
{
	struct zipc_state *state = s->state;

	if (s->role != IPC_HUB || s->opener == getpid()) {
		(void)zmq_msg_close(&state->body); /* what fails here was never made */
		(void)zmq_close(state->socket);
		(void)SYS(s, zmq_ctx_term(state->context));
	}
	/* Last: a thread of the library connects through it, when it gets a CPU. */
	sys_close(&state->listener);
}

static int zipc_open(struct ipc *s)
{
	struct zipc_state *state = s->state;
	char dir[IPC_PATH_MAX + 24];
	int rc;

	state->listener = -1;
	(void)snprintf(dir, sizeof dir, "%s/ipcdemo-zmq.XXXXXX", s->runtime_dir);
	if (!mkdtemp(dir))
		return -errno;
	(void)snprintf(state->endpoint, sizeof state->endpoint, "ipc://%s/s", dir);
	rc = zipc_start(s);
	if (rc == 0 && (rc = (int)SYS(s, zmq_bind(state->socket, state->endpoint))) == 0)
		rc = state->listener = (int)SYS(s, open(state->endpoint + 6, O_PATH | O_CLOEXEC));
	(void)unlink(state->endpoint + 6); /* not there if bind failed */
	(void)rmdir(dir);
	if (rc < 0)
		zipc_close(s);
	return rc < 0 ? rc : 0;
}

static int zipc_arm(struct ipc *s, unsigned slot)
{
	uint64_t id = (uint64_t)arc4random() << 32 | arc4random();

	/* The id's first byte must not be 0 (zmq_setsockopt(3), ZMQ_ROUTING_ID), on any machine. */
	zipc_slot(s, slot)->id = (id & ~(0xfffull << 8)) | slot << 8 | 1 | 1ull << 56;
	return foreign_fds_room(ZIPC_SPARE_FDS);
}

/* A slot's owner makes its own context and sends a greeting, which tells the hub its routing id. */
static int zipc_connect(struct ipc *s)
{
	struct zipc_state *state = s->state;
	int rc;

	(void)snprintf(state->endpoint, 48, "ipc:///proc/self/fd/%d", state->listener);
	rc = zipc_start(s);
	memset(s->slot_state, 0, s->slots * sizeof(struct zipc_slot)); /* the siblings' secrets */
	if (rc == 0)
		rc = (int)SYS(s, zmq_connect(state->socket, state->endpoint));
	return rc < 0 ? rc : (int)SYS(s, zmq_send(state->socket, "", 0, ZMQ_DONTWAIT));
}

/*
 * A slot's process first closes what it inherited of the hub's context: the context's descriptors,
 * through which it could write into the hub's mailboxes and crash it, and the connections that the
 * hub's socket has accepted. Those bear the socket's name, and with them a worker could pose as the
 * hub to a sibling.
 */
static int zipc_attach(struct ipc *s, unsigned slot, const struct ipc_peer *peer)
{
	struct zipc_state *state = s->state;

	zipc_slot(s, slot)->pid = peer->pid;
	if (s->role == IPC_HUB)
		return 0;
	foreign_fds_close(state->fds, ZIPC_OWN_FDS, state->listener);
	foreign_fds_close_bound(state->endpoint + 6);
	return zipc_connect(s);
}

/* The hub's socket has no name any more; the O_PATH descriptor still leads to it. */
static int zipc_ticket(struct ipc *s, unsigned slot, struct ipc_ticket *ticket)
{
	int listener = ((struct zipc_state *)s->state)->listener;
	int rc = zipc_arm(s, slot);

	if (rc == 0)
		rc = ticket->fds[0] = (int)SYS(s, fcntl(listener, F_DUPFD_CLOEXEC, 0));
	ticket->words[0] = zipc_slot(s, slot)->id;
	return rc < 0 ? rc : 0;
}

static int zipc_join(struct ipc *s, unsigned slot, const struct ipc_ticket *ticket,
		     const struct ipc_peer *peer)
{
	struct zipc_state *state = s->state;
	int rc;

	(void)peer;
	zipc_slot(s, slot)->id = ticket->words[0];
	state->listener = ticket->fds[0];
	rc = zipc_connect(s);
	if (rc == 0)
		return 0;
	state->listener = -1; /* still the caller's */
	zipc_close(s);
	return rc;
}

/* In the hub: a message with this routing id has come. Is it a slot's? Records a greeting. */
static bool zipc_identify(struct ipc *s, uint64_t id)
{
	struct zipc_state *state = s->state;
	struct zipc_slot *at = zipc_slot(s, (unsigned)(id >> 8) % 4096 % s->slots);
	const char *address;

	if (at->id != id || id == 0)
		return false;
	state->from = (unsigned)(id >> 8) % 4096;
	if (at->seen != 0 || state->size > 0) /* until the hub attaches the secret must do */
		return at->seen > 0 && (at->pid == at->seen || at->pid == 0);
	address = zmq_msg_gets(&state->body, "Peer-Address"); /* host:uid:gid:pid */
	address = address ? strrchr(address, ':') : NULL;
	at->seen = address ? (pid_t)strtol(address + 1, NULL, 10) : -1;
	return false;
}

/* The next message of a slot into body. 0, or -EAGAIN: none is there. */
static int zipc_fetch(struct ipc *s, int flags)
{
	struct zipc_state *state = s->state;
	bool hub = s->role == IPC_HUB;
	int rc = 0;

	state->from = s->self;
	for (;;) {
		uint64_t id = 0;

		if (hub &&
		    (rc = (int)SYS(s, zmq_msg_recv(&state->body, state->socket, flags))) == 8)
			memcpy(&id, zmq_msg_data(&state->body), sizeof id);
		if (rc >= 0)
			rc = (int)SYS(s, zmq_msg_recv(&state->body, state->socket, flags));
		state->size = rc < 0 ? -1 : rc;
		/* A frame too many is no record. */
		for (; rc >= 0 && zmq_msg_more(&state->body); state->size = rc < 0 ? -1 : 0)
			rc = (int)SYS(s, zmq_msg_recv(&state->body, state->socket, flags));
		if (rc < 0 || !hub || zipc_identify(s, id))
			return rc < 0 ? rc : 0;
	}
}

static ssize_t zipc_recv(struct ipc *s, unsigned *slot, void *records, size_t cap, unsigned flags)
{
	struct zipc_state *state = s->state;
	size_t got, size = s->record_size;

	for (got = 0; got < cap; got++) {
		int rc = state->size < 0 ? zipc_fetch(s, got || flags ? ZMQ_DONTWAIT : 0) : 0;
		bool whole = state->size == (int)size;

		if (rc < 0 || (got > 0 && (state->from != *slot || !whole)))
			return got > 0 ? (ssize_t)got : rc;
		*slot = state->from;
		state->size = -1;
		if (!whole)
			return -EPROTO;
		memcpy((char *)records + got * size, zmq_msg_data(&state->body), size);
	}
	return (ssize_t)got;
}

static ssize_t zipc_send(struct ipc *s, unsigned slot, const void *records, size_t n,
			 unsigned flags)
{
	void *socket = ((struct zipc_state *)s->state)->socket;
	const struct zipc_slot *at = zipc_slot(s, slot);
	size_t sent, size = s->record_size;

	while (s->role == IPC_HUB && at->seen != at->pid)
		if (zipc_fetch(s, ZMQ_DONTWAIT) < 0) /* its greeting; nothing else is to come */
			return -EAGAIN;
	for (sent = 0; sent < n; sent++) {
		int rc = 0, wait = sent || flags ? ZMQ_DONTWAIT : 0;

		if (s->role == IPC_HUB)
			rc = (int)SYS(s, zmq_send(socket, &at->id, 8, wait | ZMQ_SNDMORE));
		if (rc >= 0)
			rc = (int)SYS(s, zmq_send(socket, (const char *)records + sent * size, size,
						  wait));
		if (rc < 0)
			return sent ? (ssize_t)sent : rc == -EHOSTUNREACH ? -EPIPE : rc;
	}
	return (ssize_t)n;
}

/*
 * The descriptor is edge-triggered: sleep on it only after a look that found nothing
 * (zmq_getsockopt(3)).
 */
static int zipc_pollfd(struct ipc *s, short *events)
{
	struct zipc_state *state = s->state;
	/* When sending, a ROUTER cannot tell which slot has room. */
	int rc = !ipc_receives(s) ? -ENOTSUP : state->size < 0 ? zipc_fetch(s, ZMQ_DONTWAIT) : 0;
	int fd = -1;

	*events = POLLIN;
	(void)zmq_getsockopt(state->socket, ZMQ_FD, &fd, &(size_t){ sizeof fd });
	return rc == -EAGAIN ? fd : rc < 0 ? rc : -EAGAIN;
}

static void zipc_detach(struct ipc *s, unsigned slot)
{
	struct zipc_state *state = s->state;

	*zipc_slot(s, slot) = (struct zipc_slot){ .id = 0 }; /* whatever it sends is a stranger's */
	state->size = state->from == slot ? -1 : state->size;
}

const struct ipc_backend ipc_zmq = {
	.info = {
		.name = "zmq",
		.title = "ZeroMQ",
		.summary = "DEALER and ROUTER of libzmq over a Unix socket; a record is a message",
		.group = IPC_GROUP_LIBRARIES,
		.capabilities = IPC_CAP_BOUNDARIES | IPC_CAP_POLLABLE | IPC_CAP_TRUSTED_SLOT |
				IPC_CAP_JOIN | IPC_CAP_THREADS | IPC_CAP_FAIR,
		.record_limit = 1 << 20,
		.objects = { { "a nameless stream socket per slot", "ss -xp | grep 'pid=PID,'" } },
		.syscalls = { "openat", "getsockname", "unlink", "rmdir", "fcntl", "close" },
		.man = { "zmq_ipc(7)", "zmq_socket(3)", "zmq_setsockopt(3)", "zmq_msg_gets(3)" },
	},
	.state_size = sizeof(struct zipc_state),
	.slot_size = sizeof(struct zipc_slot),
	/* Its thread connects when it likes. */
	/* clang-format off */
	.slot_calls = { { .name = "socket" }, { .name = "connect" },
			{ .name = "sched_setscheduler" } },
	/* clang-format on */
	.own_threads = true,
	.probe = sys_needs_proc_eventfd,
	.limits = zipc_limits,
	.hub_fds = zipc_hub_fds,
	.open = zipc_open,
	.arm = zipc_arm,
	.attach = zipc_attach,
	.ticket = zipc_ticket,
	.join = zipc_join,
	.send = zipc_send,
	.recv = zipc_recv,
	.pollfd = zipc_pollfd,
	.detach = zipc_detach,
	.close = zipc_close,
};
