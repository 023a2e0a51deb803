/* SPDX-License-Identifier: MIT */
/*
 * mmap.c - a mapped file: the ring of shm.c in a regular file of a file system.
 *
 * Mechanism: a file of which both sides map the pages (mmap, MAP_SHARED). They then are one memory,
 *   which the kernel writes to the disk when it likes.
 *
 *      hub                                worker
 *      mkostemp() -> fd, unlink
 *      posix_fallocate(fd), mmap(fd), close(fd)
 *      fork ----------------------------> munmap of every sibling's ring
 *      madvise(MADV_DONTFORK)             record, then its sequence, into the ring
 *      sequence seen  <-- a cache line -- (no system call)
 *      bell in epoll  <-- write(bell) --- only if the hub has announced its sleep
 *      nothing at all <------------------ dies, however it dies
 *
 * Life cycle: made before the fork in the session's runtime_dir, under a random name that goes at
 *   once; the file goes with its last mapping. Killed between mkostemp and unlink, the hub leaves
 *   an empty file. A file that keeps its name survives both processes: examples/mmap.c reads what
 *   the dead have left.
 * Guarantees: a record is seen whole or not at all, because its sequence is stored last. First
 *   in, first out. What was sent survives its sender. A worker maps no ring but its own, so it
 *   cannot claim another's slot. No end of file: memory does not say that its writer is dead, a
 *   pidfd does. The file survives a crash of its processes, since its pages are the kernel's. It
 *   survives a crash of the machine only as far as it was written: msync(MS_SYNC) waits for that,
 *   MS_ASYNC does nothing on Linux; and neither says in which order pages reach the disk.
 * Limits: the free space of the file system and the user's quota; what the ring holds: 16 KiB of
 *   records by default, or of large ones 16, at most about 1 MiB, at least 2. All of it is taken
 *   at once.
 * Wake-up: none of its own. Two eventfds a slot, one for each side, rung only if that side has
 *   announced its sleep (ring.h explains the fences, ring_slots.h who holds which). A side that
 *   never sleeps costs nobody a system call.
 * Failure modes: full - EAGAIN, and the sender sleeps until the receiver has taken a quarter.
 *   Peer gone - silence. Sequence or tail that no honest peer writes - EPROTO. A page that lies
 *   behind the end of the file, or that the disk cannot give - SIGBUS.
 * Costs: those of shm, and the kernel's writing: a page that was stored to is dirty, is written
 *   within half a minute, and the next store to it faults once more.
 * Pitfalls: who can open the file can truncate it, and our next load is SIGBUS: so it has mode
 *   0600 and no name, and no forked worker has the descriptor; who is given a ticket has. On a
 *   network file system two machines do not see one memory. A file that was made by ftruncate has
 *   holes, and a store into one is SIGBUS on a full disk.
 * Use when: what was written must outlive the processes, or is too large for memory.
 * Avoid when: it need not: shm is the same without a disk behind it.
 * Read next: shm.c - diff it with this; examples/mmap.c - the file that survives.
 */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "ipc/core/backend.h"
#include "ipc/core/ring_slots.h"
#include "ipc/core/sys.h"

static int mmap_limits(struct ipc_limit *limits, size_t cap)
{
	struct statvfs fs;

	(void)cap;
	sys_limit(&limits[0], "free in /tmp", "statvfs(3)", "?");
	if (statvfs("/tmp", &fs) == 0)
		sys_limit(&limits[0], "free in /tmp", "statvfs(3)", "%llu bytes",
			  (unsigned long long)fs.f_bavail * fs.f_frsize);
	sys_limit(&limits[1], "ring of a slot, 56-byte records", "ipc/core/ring_slots.c",
		  "%zu bytes", ring_slots_slot_bytes(56));
	sys_limit_file(&limits[2], "age at which a page is written (1/100 s)",
		       "/proc/sys/vm/dirty_expire_centisecs");
	sys_limit_file(&limits[3], "mappings of a process", "/proc/sys/vm/max_map_count");
	return 4;
}

/* A new file without a name. The descriptor or -errno. */
static int mmap_make(struct ipc *s)
{
	char name[IPC_PATH_MAX + 24];
	int fd;

	do { /* not SYS(): a failed try has used the Xs up */
		(void)snprintf(name, sizeof name, "%s/ipcdemo-mmap.XXXXXX", s->runtime_dir);
		s->syscalls++;
		fd = mkostemp(name, O_CLOEXEC); /* O_EXCL and mode 0600 by itself */
	} while (fd < 0 && errno == EINTR);
	if (fd < 0)
		return -errno;
	(void)SYS(s, unlink(name)); /* just made, in a directory where we may write */
	return fd;
}

/* A slot's ring. TICKET: its owner needs the descriptor. NULL: it is forked, and does not. */
static int mmap_make_ring(struct ipc *s, unsigned slot, struct ipc_ticket *ticket)
{
	int fd = mmap_make(s);
	int rc;

	if (fd < 0)
		return fd;
	rc = ring_slots_size(s, fd);
	if (rc == 0)
		rc = ring_slots_map(s, slot, fd);
	if (rc == 0 && ticket)
		rc = ring_slots_ticket(s, slot, fd, ticket);
	if (rc < 0 || !ticket)
		sys_close(&fd); /* a forked worker never has a descriptor to truncate */
	return rc;
}

static int mmap_arm(struct ipc *s, unsigned slot)
{
	return mmap_make_ring(s, slot, NULL);
}

static int mmap_ticket(struct ipc *s, unsigned slot, struct ipc_ticket *ticket)
{
	return mmap_make_ring(s, slot, ticket);
}

const struct ipc_backend ipc_mmap = {
	.info = {
		.name = "mmap",
		.title = "mapped file",
		.summary = "a ring per slot in a mapped regular file, a doorbell for who sleeps",
		.group = IPC_GROUP_MEMORY,
		.capabilities = IPC_CAP_POLLABLE | IPC_CAP_TRUSTED_SLOT |
				IPC_CAP_DURABLE | IPC_CAP_JOIN | IPC_CAP_THREADS |
				IPC_CAP_FAIR | IPC_CAP_TRUSTING,
		.record_limit = 1 << 20,
		.shared_memory = true,
		.objects = { { "a mapped file per slot, without a name",
			       "grep ipcdemo-mmap /proc/PID/maps" },
			     { "two eventfds per slot, the doorbells",
			       "ls -l /proc/PID/fd | grep eventfd" },
			     { "an epoll instance for each process that sleeps",
			       "cat /proc/PID/fdinfo/N" } },
		.syscalls = { "openat", "unlink", "fallocate", "mmap", "munmap", "madvise",
			      "eventfd2", "epoll_create1", "epoll_ctl", "epoll_wait",
			      "membarrier", "write", "close" },
		.man = { "mmap(2)", "msync(2)", "mkostemp(3)", "posix_fallocate(3)", "madvise(2)",
			 "eventfd(2)", "epoll(7)", "membarrier(2)" },
	},
	.state_size = sizeof(struct ring_slots),
	.slot_size = sizeof(struct ring_slot),
	.slot_calls = { { "membarrier" } },
	.free_try = true,
	.forked_harmless = true,
	.limits = mmap_limits,
	.hub_fds = ring_slots_hub_fds,
	.open = ring_slots_open,
	.arm = mmap_arm,
	.attach = ring_slots_attach,
	.ticket = mmap_ticket,
	.join = ring_slots_join,
	.send = ring_slots_send,
	.recv = ring_slots_recv,
	.pollfd = ring_slots_pollfd,
	.detach = ring_slots_detach,
	.close = ring_slots_close,
};
