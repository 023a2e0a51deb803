/* SPDX-License-Identifier: MIT */
/*
 * vm.c - process_vm_readv: the hub reads and writes the worker's own memory.
 *
 * Mechanism: a system call that copies between this process and another one, whose memory need
 *   not be shared. Who may trace a process (ptrace(2)) may do that. A socket pair beside it carries
 *   notes: so many records are there, so many places are free.
 *
 *      hub                                worker
 *      socketpair() -> h, w
 *      fork ----------------------------> a ring in its own memory
 *                                         record into the ring
 *      recv(h)  <-- note: ring, count --- send(w)
 *      process_vm_readv(worker, ring)     (does nothing, and need not be asked)
 *      send(h)  --- note: so many free -> recv(w), when the ring is full
 *      recv(h) = 0  <--- end of file ---- dies, and its memory with it
 *
 * Life cycle: the sockets are made before the fork, unnamed. The ring is private memory of the
 *   worker's. Nothing can remain after kill -9 of anyone.
 * Guarantees: first in, first out. A slot is its own socket and its own process: no sender can
 *   claim another's. End of file when the worker is gone. NOT guaranteed: delivery. What the hub
 *   has not copied yet dies with the worker. A copy is no snapshot: bytes that the other side
 *   changes meanwhile are seen half old, half new; here it does not, the note says when.
 * Limits: 1,024 pieces in one call (IOV_MAX), any number of bytes. What the ring holds: 256
 *   records, fewer of large ones.
 * Wake-up: the socket polls, level-triggered.
 * Failure modes: full - EAGAIN, or the sender waits for a note. Peer gone - EPIPE, end of file; the
 *   copy says ESRCH. EFAULT: there is no memory at that address (a worker that lies). EPERM: the
 *   worker runs under another user or is not dumpable (prctl(2)), or Yama forbids it.
 * Costs: one copy of the record where a pipe makes two, but three system calls where it makes two,
 *   and the kernel has to find and pin the other's pages: it pays from some 10 KiB on.
 * Pitfalls: a partial copy is no error; compare the count. A pid may be another process by now: ask
 *   only about a child that was not reaped. Yama (ptrace_scope 1) lets a parent at its children,
 *   not the reverse; at 2 and 3 nobody but root, or nobody at all.
 * Use when: records are large, and the hub may trace its workers anyway.
 * Avoid when: records are small; or a sandbox, a container or another user stands between.
 * Read next: unix.c - the socket that carries the notes; memfd.c - memory that both really share.
 */
#include "config.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "ipc/core/backend.h"
#include "ipc/core/fd_slots.h"
#include "ipc/core/sys.h"

#define VM_DEPTH 256u /* records: at most so many notes are under way, and a socket holds them */
#define VM_BYTES (4u << 20) /* of a ring, unless two records need more */
#define VM_BATCH 65536u /* bytes that one note announces, so that a flood leaves room for others */

/* What goes over the socket, in either direction. */
struct vm_note {
	uint64_t ring;  /* from the worker: where its ring is; else 0 */
	uint64_t count; /* of records that are there, or of places that are free */
};

struct vm_slot {
	struct fd_slot fd; /* first: fd_slots.h */
	uint64_t ring;     /* an address in the worker's memory; 0: not known yet */
	uint64_t position; /* records sent, or received */
	size_t there;      /* receiving: announced, not yet taken; sending: places that are free */
	size_t owed;       /* receiving: places that the sender has not been told of */
	pid_t pid;         /* the worker */
};

struct vm_state {
	struct fd_slots slots; /* first: fd_slots.h */
	size_t depth;
	unsigned rest; /* receiving: the slot of which something is left */
};

static struct vm_slot *vm_slot(const struct ipc *s, unsigned slot)
{
	return (struct vm_slot *)s->slot_state + slot;
}

static size_t vm_depth(const struct ipc *s)
{
	return ((const struct vm_state *)s->state)->depth;
}

static int vm_probe(char *reason, size_t size)
{
	struct ipc_limit yama;
	int rc = sys_needs_peer_memory(reason, size);

	if (rc < 0)
		return rc;
	sys_limit_file(&yama, "", "/proc/sys/kernel/yama/ptrace_scope");
	if (yama.value[0] == '3' || (yama.value[0] == '2' && geteuid() != 0))
		return sys_reason(reason, size, -EPERM,
				  "kernel.yama.ptrace_scope forbids a parent to read its child");
	return 0;
}

static int vm_limits(struct ipc_limit *limits, size_t cap)
{
	(void)cap;
	sys_limit_file(&limits[0], "who may trace whom (?: no Yama)",
		       "/proc/sys/kernel/yama/ptrace_scope");
	return 1;
}

/* ---- life ---- */

static void vm_size(struct ipc *s)
{
	struct vm_state *state = s->state;

	state->slots.room = EPOLLIN; /* room is told by a note */
	state->depth = s->depth > 1 && s->depth < VM_DEPTH ? s->depth : VM_DEPTH;
	while (state->depth > 2 && state->depth * s->record_size > VM_BYTES)
		state->depth /= 2;
}

static int vm_open(struct ipc *s)
{
	vm_size(s);
	return fd_slots_open(s);
}

static int vm_arm(struct ipc *s, unsigned slot)
{
	int fds[2];
	int rc = (int)SYS(s, socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds));

	if (rc < 0)
		return rc;
	*vm_slot(s, slot) = (struct vm_slot){ .ring = 0 };
	fd_slots_armed(s, slot, fds[0], fds[1]);
	return 0;
}

static int vm_tell(struct ipc *s, unsigned slot, size_t count, int flags)
{
	struct vm_note note = { .ring = s->role == IPC_SLOT ? vm_slot(s, slot)->ring : 0,
				.count = count };
	ssize_t rc =
		SYS(s, send(fd_slots_at(s, slot)->own, &note, sizeof note, MSG_NOSIGNAL | flags));

	return rc == -ECONNRESET ? -EPIPE : rc < 0 ? (int)rc : 0;
}

/* The worker makes its own ring, and receives the first note about it there. */
static int vm_enter(struct ipc *s, unsigned slot)
{
	struct vm_slot *at = vm_slot(s, slot);
	void *ring = mmap(NULL, vm_depth(s) * s->record_size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	s->syscalls++;
	if (ring == MAP_FAILED)
		return -errno;
	at->ring = (uintptr_t)ring;
	at->there = ipc_receives(s) ? 0 : vm_depth(s);
	((struct vm_state *)s->state)->rest = slot;
	return ipc_receives(s) ? vm_tell(s, slot, vm_depth(s), MSG_DONTWAIT) : 0;
}

static int vm_attach(struct ipc *s, unsigned slot, const struct ipc_peer *peer)
{
	int rc = fd_slots_attach(s, slot, peer);

	vm_slot(s, slot)->pid = peer->pid;
	return rc == 0 && s->role == IPC_SLOT ? vm_enter(s, slot) : rc;
}

static int vm_ticket(struct ipc *s, unsigned slot, struct ipc_ticket *ticket)
{
	int rc = vm_arm(s, slot);

	return rc < 0 ? rc : fd_slots_ticket(s, slot, ticket);
}

static int vm_join(struct ipc *s, unsigned slot, const struct ipc_ticket *ticket,
		   const struct ipc_peer *peer)
{
	int rc;

	vm_size(s);
	rc = fd_slots_join(s, slot, ticket, peer);
	return rc == 0 ? vm_enter(s, slot) : rc;
}

static void vm_detach(struct ipc *s, unsigned slot)
{
	struct vm_slot *at = vm_slot(s, slot);

	if (s->role == IPC_SLOT && at->ring)
		(void)SYS(s, munmap((void *)(uintptr_t)at->ring, vm_depth(s) * s->record_size));
	fd_slots_detach(s, slot);
	at->there = 0; /* what is left of it is nobody's */
}

/* ---- records ---- */

/*
 * Copies N records between RECORDS and the ring. 0, or -EPIPE: the worker is gone; -EPROTO: it
 * lied.
 */
static int vm_copy(struct ipc *s, struct vm_slot *at, void *records, size_t n)
{
	size_t first = at->position % vm_depth(s), straight = vm_depth(s) - first;
	struct iovec local = { .iov_base = records, .iov_len = n * s->record_size };
	struct iovec remote[2] = {
		{ .iov_base = (void *)(uintptr_t)(at->ring + first * s->record_size),
		  .iov_len = (n < straight ? n : straight) * s->record_size },
		{ .iov_base = (void *)(uintptr_t)at->ring,
		  .iov_len = (n < straight ? 0 : n - straight) * s->record_size },
	};
	ssize_t rc = (ssize_t)local.iov_len;
	bool in = ipc_receives(s);
	char *near = records;
	int i;

	at->position += n;
	if (s->role == IPC_HUB)
		rc = in ? SYS(s, process_vm_readv(at->pid, &local, 1, remote, 2, 0)) :
			  SYS(s, process_vm_writev(at->pid, &local, 1, remote, 2, 0));
	for (i = 0; s->role == IPC_SLOT && i < 2; near += remote[i++].iov_len)
		memcpy(in ? near : remote[i].iov_base, in ? remote[i].iov_base : near,
		       remote[i].iov_len);
	if (rc == (ssize_t)local.iov_len)
		return 0;
	return rc == -ESRCH ? -EPIPE : rc == -EFAULT || rc >= 0 ? -EPROTO : (int)rc;
}

/*
 * Receives the next note from SLOT's other end. 1; 0: that end has closed; -EAGAIN; -EPROTO: the
 * note is invalid.
 */
static int vm_read_note(struct ipc *s, unsigned slot, unsigned flags)
{
	struct vm_slot *at = vm_slot(s, slot);
	struct vm_note note = { 0 };
	ssize_t rc;

	do /* once more after ECONNRESET: the notes of the dead are still there, then the end */
		rc = SYS(s, recv(at->fd.own, &note, sizeof note,
				 MSG_TRUNC | (flags & IPC_NOWAIT ? MSG_DONTWAIT : 0)));
	while (rc == -ECONNRESET);
	if (rc <= 0)
		return (int)rc;
	if (rc != sizeof note || note.count == 0 || note.count > vm_depth(s) - at->there)
		return -EPROTO;
	/* The worker may name any address: this touches only the worker's own memory. */
	at->ring = s->role == IPC_HUB ? note.ring : at->ring;
	at->there += (size_t)note.count;
	return 1;
}

static ssize_t vm_send(struct ipc *s, unsigned slot, const void *records, size_t n, unsigned flags)
{
	struct vm_slot *at = vm_slot(s, slot);
	int rc = 1;

	if (at->there == 0)
		rc = vm_read_note(s, slot, flags);
	if (rc == -EAGAIN)
		fd_slots_full(s, slot);
	if (rc <= 0)
		return rc < 0 ? rc : -EPIPE;
	n = n < at->there ? n : at->there;
	while (n > 1 && n * s->record_size > VM_BATCH)
		n /= 2;
	rc = vm_copy(s, at, (void *)(uintptr_t)records, n);
	if (rc == 0)
		rc = vm_tell(s, slot, n, MSG_DONTWAIT); /* there is room, see VM_DEPTH */
	if (rc < 0)
		return rc == -EAGAIN ? -EPROTO : rc;
	at->there -= n;
	return (ssize_t)n;
}

/* What was announced and is still there to be had. */
static ssize_t vm_take(struct ipc *s, unsigned slot, void *records, size_t cap)
{
	struct vm_slot *at = vm_slot(s, slot);
	size_t n = cap < at->there ? cap : at->there;
	int rc = vm_copy(s, at, records, n);

	at->there = rc < 0 ? 0 : at->there - n;
	if (rc < 0)
		return rc;
	at->owed += n;
	if (at->owed >= (vm_depth(s) + 3) / 4 && vm_tell(s, slot, at->owed, MSG_DONTWAIT) == 0)
		at->owed = 0;
	return (ssize_t)n;
}

static ssize_t vm_recv(struct ipc *s, unsigned *slot, void *records, size_t cap, unsigned flags)
{
	struct vm_state *state = s->state;
	ssize_t rc;

	for (;;) {
		*slot = state->rest;
		if (vm_slot(s, *slot)->there == 0) {
			rc = fd_slots_next(s, slot, flags);
			if (rc == 0)
				rc = vm_read_note(s, *slot, flags);
			if (rc == 0)
				fd_slots_ended(s, *slot);
			if (rc <= 0)
				return rc;
			state->rest = *slot;
		}
		rc = vm_take(s, *slot, records, cap);
		if (rc != -EPIPE) /* else the records died with it: continue to its end */
			return rc;
	}
}

/* The rest of a note is available even if the socket is empty. */
static int vm_pollfd(struct ipc *s, short *events)
{
	unsigned rest = ((const struct vm_state *)s->state)->rest;

	if (ipc_receives(s) && vm_slot(s, rest)->there > 0)
		return -EAGAIN;
	return fd_slots_pollfd(s, events);
}

const struct ipc_backend ipc_vm = {
	.info = {
		.name = "vm",
		.title = "memory of the peer",
		.summary = "the hub copies from and to a ring in the worker's own memory",
		.group = IPC_GROUP_MEMORY,
		.capabilities = IPC_CAP_EOF | IPC_CAP_POLLABLE | IPC_CAP_TRUSTED_SLOT |
				IPC_CAP_JOIN | IPC_CAP_THREADS | IPC_CAP_FAIR |
				IPC_CAP_RESTRICTED,
		.record_limit = 1 << 20,
		.objects = { { "a socket pair per slot, for notes", "ss -xp | grep 'pid=PID,'" },
			     { "a ring in the worker's private memory", "pmap PID" } },
		.syscalls = { "process_vm_readv", "process_vm_writev", "socketpair", "sendto",
			      "recvfrom", "mmap", "munmap", "epoll_create1", "epoll_ctl",
			      "epoll_wait", "close" },
		.man = { "process_vm_readv(2)", "ptrace(2)", "prctl(2)", "unix(7)" },
	},
	.state_size = sizeof(struct vm_state),
	.slot_size = sizeof(struct vm_slot),
	.probe = vm_probe,
	.limits = vm_limits,
	.hub_fds = fd_slots_hub_fds,
	.open = vm_open,
	.arm = vm_arm,
	.attach = vm_attach,
	.ticket = vm_ticket,
	.join = vm_join,
	.send = vm_send,
	.recv = vm_recv,
	.pollfd = vm_pollfd,
	.detach = vm_detach,
	.close = fd_slots_close,
};
