/* SPDX-License-Identifier: MIT */
/*
 * memfd.c - a sealed memfd: the same ring per slot, in memory that never had a name.
 *
 * Mechanism: a file that lives in memory and in no directory (memfd_create), mapped by both
 *   sides, and sealed: the kernel refuses to change its size, whoever asks.
 *
 *      hub                                worker
 *      memfd_create() -> fd
 *      posix_fallocate(fd), seal(fd), mmap(fd), close(fd)
 *      fork ----------------------------> munmap of every sibling's ring
 *      madvise(MADV_DONTFORK)             record, then its sequence, into the ring
 *      sequence seen  <-- a cache line -- (no system call)
 *      bell in epoll  <-- write(bell) --- only if the hub has announced its sleep
 *      nothing at all <------------------ dies, however it dies
 *
 * Life cycle: made before the fork; it has no name at any moment, so nothing can remain after
 *   kill -9 of anyone, and nobody can put one in our way.
 * Guarantees: a record is seen whole or not at all, because its sequence is stored last. First
 *   in, first out. What was sent survives its sender. A worker maps no ring but its own, so it
 *   cannot claim another's slot. No end of file: memory does not say that its writer is dead, a
 *   pidfd does. F_SEAL_SHRINK: nobody, not even root, can take the memory from under us.
 * Limits: the machine's memory and the cgroup's, not the size of /dev/shm; what the ring holds:
 *   16 KiB of records by default, or of large ones 16, at most about 1 MiB, at least 2. All of it
 *   is taken at once.
 * Wake-up: none of its own. Two eventfds a slot, one for each side, rung only if that side has
 *   announced its sleep (ring.h explains the fences, ring_slots.h who holds which). A side that
 *   never sleeps costs nobody a system call.
 * Failure modes: full - EAGAIN, and the sender sleeps until the receiver has taken a quarter.
 *   Peer gone - silence. Sequence or tail that no honest peer writes - EPROTO.
 * Costs: two copies of the record, no system call. A sleeper costs its peer a write, itself an
 *   epoll_wait; in an event loop a poll, too.
 * Pitfalls: seals fix the size, not the pages. A worker may still punch holes into its own ring
 *   (MADV_REMOVE). They read as zero: in the first lap that is "nothing yet", later EPROTO. Our
 *   next store takes a new page, which is SIGBUS if the cgroup has none left. Forgotten
 *   F_SEAL_SEAL, and who has the descriptor adds F_SEAL_FUTURE_WRITE for everybody. (F_SEAL_WRITE
 *   is EBUSY as long as anybody has a writable mapping, which the hub always has.)
 * Use when: shared memory is wanted at all, on Linux: it is shm without the name and its
 *   troubles.
 * Avoid when: unrelated processes must find the object by a name, or the program has to run
 *   elsewhere than on Linux or FreeBSD.
 * Read next: shm.c - the classical form: diff them; then ring.h and ring_slots.c.
 */
#include "config.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ipc/core/backend.h"
#include "ipc/core/ring_slots.h"
#include "ipc/core/sys.h"

#ifndef MFD_NOEXEC_SEAL
# define MFD_NOEXEC_SEAL 8u /* linux/memfd.h since 6.3 */
#endif

#define MEMFD_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

/* A new object. The descriptor or -errno. */
static int memfd_make(struct ipc *s)
{
	unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	/* The name shows in /proc/PID/maps only. Nothing in this memory can be executed. */
	int fd = (int)SYS(s, memfd_create("ipcdemo", flags | MFD_NOEXEC_SEAL));

	return fd == -EINVAL ? (int)SYS(s, memfd_create("ipcdemo", flags)) : fd;
}

static int memfd_seal(struct ipc *s, int fd)
{
	return (int)SYS(s, fcntl(fd, F_ADD_SEALS, MEMFD_SEALS));
}

static int memfd_probe(char *reason, size_t size)
{
	struct ipc s = { .syscalls = 0 };
	int fd = memfd_make(&s);
	int rc;

	if (fd < 0)
		return sys_reason(reason, size, fd, "the kernel or a sandbox refuses memfd_create");
	rc = memfd_seal(&s, fd);
	sys_close(&fd);
	return rc < 0 ? sys_reason(reason, size, rc, "the kernel refuses to seal a memfd") : 0;
}

static int memfd_limits(struct ipc_limit *limits, size_t cap)
{
	struct ipc s = { .syscalls = 0 };
	int fd;

	if (cap < 5)
		return 0;
	fd = memfd_make(&s);
	sys_limit(&limits[0], "seals", "fcntl(F_ADD_SEALS)", "%s",
		  fd >= 0 && memfd_seal(&s, fd) == 0 ? "size and seals are fixed" : "refused");
	sys_close(&fd);
	sys_limit(&limits[1], "ring of a slot, 56-byte records", "ipc/core/ring_slots.c",
		  "%zu bytes", ring_slots_slot_bytes(56));
	sys_limit(&limits[2], "page", "sysconf(_SC_PAGESIZE)", "%ld bytes", sysconf(_SC_PAGESIZE));
	sys_limit_file(&limits[3], "2: executable memfds are refused", "/proc/sys/vm/memfd_noexec");
	sys_limit_file(&limits[4], "mappings of a process", "/proc/sys/vm/max_map_count");
	return 5;
}

/* Makes a slot's ring. TICKET: its owner needs the descriptor. NULL: a forked owner does not. */
static int memfd_make_ring(struct ipc *s, unsigned slot, struct ipc_ticket *ticket)
{
	int fd = memfd_make(s);
	int rc;

	if (fd < 0)
		return fd;
	rc = ring_slots_size(s, fd);
	if (rc == 0)
		rc = memfd_seal(s, fd);
	if (rc == 0)
		rc = ring_slots_map(s, slot, fd);
	if (rc == 0 && ticket)
		rc = ring_slots_ticket(s, slot, fd, ticket);
	if (rc < 0 || !ticket)
		sys_close(
			&fd); /* no worker needs it, and one that opens it again finds it sealed */
	return rc;
}

static int memfd_arm(struct ipc *s, unsigned slot)
{
	return memfd_make_ring(s, slot, NULL);
}

static int memfd_ticket(struct ipc *s, unsigned slot, struct ipc_ticket *ticket)
{
	return memfd_make_ring(s, slot, ticket);
}

const struct ipc_backend ipc_memfd = {
	.info = {
		.name = "memfd",
		.title = "sealed memfd",
		.summary = "a ring per slot in a memfd of fixed size, a doorbell for who sleeps",
		.group = IPC_GROUP_MEMORY,
		.capabilities = IPC_CAP_POLLABLE | IPC_CAP_TRUSTED_SLOT |
				IPC_CAP_DURABLE | IPC_CAP_JOIN | IPC_CAP_THREADS |
				IPC_CAP_FAIR,
		.record_limit = 1 << 20,
		.shared_memory = true,
		.objects = { { "a mapped memfd per slot", "grep memfd:ipcdemo /proc/PID/maps" },
			     { "two eventfds per slot, the doorbells",
			       "ls -l /proc/PID/fd | grep eventfd" },
			     { "an epoll instance for each process that sleeps",
			       "cat /proc/PID/fdinfo/N" } },
		.syscalls = { "memfd_create", "fcntl", "fallocate", "mmap", "munmap", "madvise",
			      "eventfd2", "epoll_create1", "epoll_ctl", "epoll_wait",
			      "membarrier", "write", "close" },
		.man = { "memfd_create(2)", "fcntl(2)", "mmap(2)", "posix_fallocate(3)",
			 "madvise(2)", "eventfd(2)", "epoll(7)", "membarrier(2)" },
	},
	.state_size = sizeof(struct ring_slots),
	.slot_size = sizeof(struct ring_slot),
	.slot_calls = { { .name = "membarrier" } },
	.free_try = true,
	.probe = memfd_probe,
	.limits = memfd_limits,
	.hub_fds = ring_slots_hub_fds,
	.open = ring_slots_open,
	.arm = memfd_arm,
	.attach = ring_slots_attach,
	.ticket = memfd_ticket,
	.join = ring_slots_join,
	.send = ring_slots_send,
	.recv = ring_slots_recv,
	.pollfd = ring_slots_pollfd,
	.detach = ring_slots_detach,
	.close = ring_slots_close,
};
