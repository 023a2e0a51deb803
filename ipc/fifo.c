/* SPDX-License-Identifier: MIT */
/*
 * fifo.c - named pipes: one per slot, a pipe that a process finds by its name.
 *
 * Mechanism: a pipe whose two ends are got by open(2) of a special file. The file is only the
 *   meeting place: the bytes are in the kernel, as those of a pipe are.
 *
 *      hub                                worker
 *      mkdtemp(), mkfifo() in it
 *      open(O_RDONLY | O_NONBLOCK) -> r
 *      open(O_WRONLY | O_NONBLOCK) -> w
 *      unlink(), rmdir()
 *      fork ----------------------------> close(r), and every sibling's ends
 *      close(w)                           write(w, record)
 *      read(r)  <------- 56 bytes ------- write(w, record)
 *      read(r) = 0  <---- end of file --- dies, however it dies
 *
 * Life cycle: made before the fork under a name in a private directory, which is gone before
 *   anything else happens; then it is a pipe, gone with its last descriptor. Killed between mkdtemp
 *   and rmdir, the hub leaves a directory with an empty FIFO in its runtime directory.
 * Guarantees: as a pipe's. A write of up to PIPE_BUF (4,096) bytes is whole or not at all, also
 *   when the writer is killed in the middle (pipe(7)); so no write here is longer, and every
 *   read is a multiple of the record. First in, first out. What was written survives its writer.
 *   End of file when the last write end is closed. A slot is its own FIFO.
 * Limits: 16 pages, as a pipe; the same user quota (fs.pipe-user-pages-soft).
 * Wake-up: the read end polls, level-triggered. A blocking read is one system call.
 * Failure modes: full - write waits, or EAGAIN. Reader gone - EPIPE, and SIGPIPE as with a pipe
 *   (pipe_io.h). Writer gone - end of file, after the data.
 * Costs: those of a pipe, once it is open. To change between calls that wait and calls that do not
 *   costs an fcntl: RWF_NOWAIT is EOPNOTSUPP here, although it works for a pipe.
 * Pitfalls: open(2) waits until the other end is opened too, so two processes that open two FIFOs
 *   in different orders wait for each other for ever. O_RDONLY | O_NONBLOCK never waits;
 *   O_WRONLY | O_NONBLOCK fails with ENXIO until there is a reader; hence the order above. O_RDWR
 *   never waits either (Linux, not POSIX), but who holds both ends is never told that the other
 *   side is gone. A reader that comes first reads 0, which looks like the end: here the writer
 *   is open before anybody reads. A name that stays is for any process with the right to it, and
 *   two writers' records mix.
 * Use when: programs that are not related must meet by a name, such as a shell script and a daemon.
 * Avoid when: a fork can hand over a pipe: it has no name to guard, and no order to keep.
 * Read next: pipe.c - the same file without a name: diff them.
 */
#include "config.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ipc/core/backend.h"
#include "ipc/core/fd_slots.h"
#include "ipc/core/named.h"
#include "ipc/core/pipe_io.h"
#include "ipc/core/sys.h"

#define FIFO_FLAGS (O_NONBLOCK | O_CLOEXEC)

static int fifo_limits(struct ipc_limit *limits, size_t cap)
{
	if (cap < 3)
		return 0;
	sys_limit(&limits[0], "atomic write", "PIPE_BUF, limits.h", "%d bytes", PIPE_BUF);
	sys_limit_file(&limits[1], "largest pipe (bytes)", "/proc/sys/fs/pipe-max-size");
	sys_limit_file(&limits[2], "pages per user before pipes shrink",
		       "/proc/sys/fs/pipe-user-pages-soft");
	return 3;
}

/* What a pipe is asked; but RWF_NOWAIT, which pipes know, is EOPNOTSUPP for a FIFO. */
static int fifo_ask(struct ipc *s)
{
	int rc = pipe_io_ask(s);

	((struct pipe_io *)s->state)->by_mode = true;
	return rc;
}

static int fifo_open(struct ipc *s)
{
	int rc = fifo_ask(s);

	return rc < 0 ? rc : fd_slots_open(s);
}

/* Both ends of a new FIFO, which has no name any more: ENDS[0] reads. 0 or -errno. */
static int fifo_make(struct ipc *s, int ends[2])
{
	struct named name = { .path = "" };
	int rc = named_make(s, &name, "fifo");

	if (rc < 0)
		return rc;
	ends[0] = ends[1] = -1;
	rc = (int)SYS(s, mkfifo(name.path, 0600));
	if (rc == 0)
		rc = ends[0] = (int)SYS(s, open(name.path, O_RDONLY | FIFO_FLAGS));
	if (rc >= 0)
		rc = ends[1] = (int)SYS(s, open(name.path, O_WRONLY | FIFO_FLAGS));
	named_remove(s, &name);
	if (rc < 0)
		sys_close(&ends[0]);
	return rc < 0 ? rc : 0;
}

static int fifo_arm(struct ipc *s, unsigned slot)
{
	int fds[2];
	int rc = fifo_make(s, fds);

	if (rc < 0)
		return rc;
	if (s->direction == IPC_TO_HUB)
		fd_slots_armed(s, slot, fds[0], fds[1]);
	else
		fd_slots_armed(s, slot, fds[1], fds[0]);
	fd_slots_at(s, slot)->nonblock = true;
	return 0;
}

static int fifo_ticket(struct ipc *s, unsigned slot, struct ipc_ticket *ticket)
{
	int rc = fifo_arm(s, slot);

	return rc < 0 ? rc : fd_slots_ticket(s, slot, ticket);
}

static int fifo_join(struct ipc *s, unsigned slot, const struct ipc_ticket *ticket,
		     const struct ipc_peer *peer)
{
	int rc = fifo_ask(s);

	pipe_io_look(s);
	if (rc == 0)
		rc = fd_slots_join(s, slot, ticket, peer);
	fd_slots_at(s, slot)->nonblock = true; /* as fifo_arm has opened it */
	return rc;
}

static ssize_t fifo_send(struct ipc *s, unsigned slot, const void *records, size_t n,
			 unsigned flags)
{
	size_t most = PIPE_BUF / s->record_size; /* more would not be atomic: see Guarantees */
	ssize_t rc = pipe_io_write(s, slot, records, (n < most ? n : most) * s->record_size, flags);

	if (rc == -EAGAIN)
		fd_slots_full(s, slot);
	return rc < 0 ? rc : rc / (ssize_t)s->record_size;
}

static ssize_t fifo_recv(struct ipc *s, unsigned *slot, void *records, size_t cap, unsigned flags)
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

const struct ipc_backend ipc_fifo = {
	.info = {
		.name = "fifo",
		.title = "named pipe",
		.summary = "one FIFO per slot, unlinked at once; a send is one atomic write",
		.group = IPC_GROUP_PIPES,
		.capabilities = IPC_CAP_EOF | IPC_CAP_POLLABLE | IPC_CAP_TRUSTED_SLOT |
				IPC_CAP_DURABLE | IPC_CAP_JOIN | IPC_CAP_THREADS |
				IPC_CAP_FAIR,
		.record_limit = PIPE_BUF,
		.objects = { { "a FIFO per slot, its name removed",
			       "ls -l /proc/PID/fd | grep ipcdemo-fifo" },
			     { "an epoll instance in the hub, if it has several slots",
			       "cat /proc/PID/fdinfo/N" } },
		.syscalls = { "mkdir", "mknod", "openat", "unlink", "rmdir", "fcntl", "read",
			      "write", "pwritev2", "pipe2", "preadv2", "rt_sigaction",
			      "rt_sigprocmask", "epoll_create1", "epoll_ctl", "epoll_wait", "ppoll",
			      "close" },
		.man = { "fifo(7)", "mkfifo(3)", "open(2)", "pipe(7)", "read(2)", "write(2)",
			 "fcntl(2)", "epoll(7)" },
	},
	.state_size = sizeof(struct pipe_io),
	.slot_size = sizeof(struct fd_slot),
	.limits = fifo_limits,
	.hub_fds = fd_slots_hub_fds,
	.open = fifo_open,
	.arm = fifo_arm,
	.attach = pipe_io_attach,
	.ticket = fifo_ticket,
	.join = fifo_join,
	.send = fifo_send,
	.recv = fifo_recv,
	.pollfd = fd_slots_pollfd,
	.detach = fd_slots_detach,
	.close = fd_slots_close,
};
