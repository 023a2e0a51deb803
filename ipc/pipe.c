/* SPDX-License-Identifier: MIT */
/*
 * pipe.c - anonymous pipes: one per slot, the oldest mechanism of all.
 *
 * Mechanism: a queue of bytes in the kernel with a write end and a read end. Whoever
 *   holds an end may use it; a fork hands both to the child.
 *
 *      hub                                worker
 *      pipe2() -> r, w
 *      fork ----------------------------> close(r), and every sibling's ends
 *      close(w)                           write(w, record)
 *      read(r)  <------- 56 bytes ------- write(w, record)
 *      read(r) = 0  <---- end of file --- dies, however it dies
 *
 * Life cycle: made before the fork, unnamed; gone with its last descriptor, so nothing
 *   can remain after kill -9 of anyone.
 * Guarantees: a write of up to PIPE_BUF (4,096) bytes is whole or not at all, also when the
 *   writer is killed in the middle (pipe(7)); so no write here is longer, and every read
 *   is a multiple of the record. First in, first out. What was written survives its writer.
 *   End of file when the last write end is closed. A slot is its own pipe: no sender can
 *   claim another's.
 * Limits: 16 pages, not 64 KiB: a write goes into the last page only if all of it fits. The
 *   1,025th pipe of an unprivileged user has two pages (fs.pipe-user-pages-soft), so
 *   nothing may count on a capacity.
 * Wake-up: the read end polls, level-triggered. A blocking read is one system call.
 * Failure modes: full - write waits, or EAGAIN. Reader gone - EPIPE, and the signal SIGPIPE with
 *   it, which ends a process that does not ignore it. Pipes have no MSG_NOSIGNAL; RWF_NOSIGNAL
 *   came with Linux 6.18 (pipe_io.h does without). Writer gone - end of file, after the data.
 * Costs: one system call and one copy on each side; a batch of up to PIPE_BUF bytes
 *   shares them.
 * Pitfalls: the write end that a sibling inherited keeps end of file from ever coming.
 *   O_NONBLOCK belongs to the open file, not to the descriptor: set here, it is set in every
 *   process that shares the end. So each call says for itself that it must not wait (RWF_NOWAIT),
 *   where the kernel knows that for pipes (Linux 6.4). A process of the same user can open
 *   /proc/PID/fd/N and write into the pipe.
 * Use when: parent and child, one direction, and the simplest thing that is right.
 * Avoid when: records of more than PIPE_BUF bytes must stay whole, or descriptors must travel.
 * Read next: unix.c - the same file with a socket: diff them.
 */
#include "config.h"

#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "ipc/core/backend.h"
#include "ipc/core/fd_slots.h"
#include "ipc/core/pipe_io.h"
#include "ipc/core/sys.h"

static int pipe_limits(struct ipc_limit *limits, size_t cap)
{
	int fds[2];

	if (cap < 4)
		return 0;
	sys_limit(&limits[0], "atomic write", "PIPE_BUF, limits.h", "%d bytes", PIPE_BUF);
	sys_limit(&limits[1], "capacity of a new pipe", "fcntl(F_GETPIPE_SZ)", "?");
	if (pipe2(fds, O_CLOEXEC) == 0) {
		sys_limit(&limits[1], "capacity of a new pipe", "fcntl(F_GETPIPE_SZ)", "%d bytes",
			  fcntl(fds[0], F_GETPIPE_SZ));
		sys_close(&fds[0]);
		sys_close(&fds[1]);
	}
	sys_limit_file(&limits[2], "largest pipe (bytes)", "/proc/sys/fs/pipe-max-size");
	sys_limit_file(&limits[3], "pages per user before pipes shrink",
		       "/proc/sys/fs/pipe-user-pages-soft");
	return 4;
}

static int pipe_arm(struct ipc *s, unsigned slot)
{
	int fds[2]; /* the read end, the write end */
	int rc = (int)SYS(s, pipe2(fds, O_CLOEXEC));

	if (rc < 0)
		return rc;
	if (s->direction == IPC_TO_HUB)
		fd_slots_armed(s, slot, fds[0], fds[1]);
	else
		fd_slots_armed(s, slot, fds[1], fds[0]);
	return 0;
}

static int pipe_ticket(struct ipc *s, unsigned slot, struct ipc_ticket *ticket)
{
	int rc = pipe_arm(s, slot);

	return rc < 0 ? rc : pipe_io_ticket(s, slot, ticket);
}

static ssize_t pipe_send(struct ipc *s, unsigned slot, const void *records, size_t n,
			 unsigned flags)
{
	size_t most = PIPE_BUF / s->record_size; /* more would not be atomic: see Guarantees */
	ssize_t rc = pipe_io_write(s, slot, records, (n < most ? n : most) * s->record_size, flags);

	if (rc == -EAGAIN)
		fd_slots_full(s, slot);
	return rc < 0 ? rc : rc / (ssize_t)s->record_size;
}

static ssize_t pipe_recv(struct ipc *s, unsigned *slot, void *records, size_t cap, unsigned flags)
{
	ssize_t rc = fd_slots_next(s, slot, flags);

	if (rc < 0)
		return rc;
	rc = pipe_io_read(s, *slot, records, cap * s->record_size, flags);
	if (rc == 0)
		fd_slots_ended(s, *slot);
	if (rc <= 0)
		return rc;
	/* Our senders write whole records only; a torn one is hostile. */
	return rc % (ssize_t)s->record_size ? -EPROTO : rc / (ssize_t)s->record_size;
}

const struct ipc_backend ipc_pipe = {
	.info = {
		.name = "pipe",
		.title = "anonymous pipe",
		.summary = "one pipe per slot; a send is one atomic write, PIPE_BUF bytes at most",
		.group = IPC_GROUP_PIPES,
		.capabilities = IPC_CAP_EOF | IPC_CAP_POLLABLE | IPC_CAP_TRUSTED_SLOT |
				IPC_CAP_DURABLE | IPC_CAP_JOIN | IPC_CAP_THREADS |
				IPC_CAP_FAIR,
		.record_limit = PIPE_BUF,
		.objects = { { "a pipe per slot: 16 page buffers and two open files",
			       "ls -l /proc/PID/fd | grep pipe:" },
			     { "an epoll instance in the hub, if it has several slots",
			       "cat /proc/PID/fdinfo/N" } },
		.syscalls = { "pipe2", "read", "write", "preadv2", "pwritev2", "epoll_create1",
			      "epoll_ctl", "epoll_wait", "ppoll", "rt_sigaction", "rt_sigprocmask",
			      "close" },
		.man = { "pipe(7)", "pipe2(2)", "read(2)", "write(2)", "preadv2(2)", "epoll(7)" },
	},
	.state_size = sizeof(struct pipe_io),
	.slot_size = sizeof(struct fd_slot),
	.limits = pipe_limits,
	.hub_fds = fd_slots_hub_fds,
	.open = pipe_io_open,
	.arm = pipe_arm,
	.attach = pipe_io_attach,
	.ticket = pipe_ticket,
	.join = pipe_io_join,
	.send = pipe_send,
	.recv = pipe_recv,
	.pollfd = fd_slots_pollfd,
	.detach = fd_slots_detach,
	.close = fd_slots_close,
};
