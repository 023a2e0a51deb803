/* SPDX-License-Identifier: MIT */
/*
 * shm.c - POSIX shared memory: a ring per slot, in memory that two processes map.
 *
 * Mechanism: a file that lives in memory (tmpfs, /dev/shm), mapped by both sides. The kernel
 *   gives the memory and is then out of the way: a record is stored by one CPU and loaded by
 *   another.
 *
 *      hub                                worker
 *      shm_open(O_EXCL) -> fd, shm_unlink
 *      posix_fallocate(fd), mmap(fd), close(fd)
 *      fork ----------------------------> munmap of every sibling's ring
 *      madvise(MADV_DONTFORK)             record, then its sequence, into the ring
 *      sequence seen  <-- a cache line -- (no system call)
 *      bell in epoll  <-- write(bell) --- only if the hub has announced its sleep
 *      nothing at all <------------------ dies, however it dies
 *
 * Life cycle: made before the fork under a random name, which is gone before anything else
 *   happens; the memory goes with its last mapping. Killed between shm_open and shm_unlink, the
 *   hub leaves an empty name; the next hub of the same user removes it.
 * Guarantees: a record is seen whole or not at all, because its sequence is stored last. First
 *   in, first out. What was sent survives its sender. A worker maps no ring but its own, so it
 *   cannot claim another's slot. No end of file: memory does not say that its writer is dead, a
 *   pidfd does.
 * Limits: the free space of /dev/shm, and what the ring holds: 16 KiB of records by default, or
 *   of large ones 16, at most about 1 MiB, at least 2. All of it is taken at once, so that a full
 *   tmpfs is an error here and not a signal later.
 * Wake-up: none of its own. Two eventfds a slot, one for each side, rung only if that side has
 *   announced its sleep (ring.h explains the fences, ring_slots.h who holds which). A side that
 *   never sleeps costs nobody a system call.
 * Failure modes: full - EAGAIN, and the sender sleeps until the receiver has taken a quarter.
 *   Peer gone - silence. Sequence or tail that no honest peer writes - EPROTO.
 * Costs: two copies of the record, no system call. A sleeper costs its peer a write, itself an
 *   epoll_wait; in an event loop a poll, too.
 * Pitfalls: the object cannot be sealed. Whoever has it open may truncate it, and our next load
 *   is SIGBUS, which a library cannot take in its program's place. So a forked worker does not get
 *   the descriptor; but who is given a ticket does, and a worker that runs as root can open the
 *   object again through /proc/self/map_files. Any worker may punch holes into its own ring
 *   (MADV_REMOVE); if something then fills the tmpfs, our next access to such a hole is SIGBUS
 *   as well. memfd stops the first; a sandbox must stop the second.
 * Use when: the last microsecond counts, both sides run on one machine, and one of them may spin.
 * Avoid when: who gets a ticket may be hostile, or a worker is and runs as root: then memfd. Nobody
 *   can afford a CPU that waits: then a pipe is as fast.
 * Read next: ring.h - the ring and its fences; ring_slots.c - the doorbells; memfd.c - diff it with
 *   this.
 */
#include "config.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "ipc/core/backend.h"
#include "ipc/core/ring_slots.h"
#include "ipc/core/sys.h"

#define SHM_DIR    "/dev/shm" /* where shm_open of glibc looks, see shm_overview(7) */
#define SHM_PREFIX "ipcdemo-"
#define SHM_NAME   (sizeof SHM_PREFIX + 33) /* "/", the prefix, 32 digits, "\0" */

static int shm_limits(struct ipc_limit *limits, size_t cap)
{
	struct statvfs fs;

	if (cap < 4)
		return 0;
	sys_limit(&limits[0], "free in " SHM_DIR, "statvfs(3)", "?");
	sys_limit(&limits[1], "size of " SHM_DIR, "statvfs(3)", "?");
	if (statvfs(SHM_DIR, &fs) == 0) {
		sys_limit(&limits[0], "free in " SHM_DIR, "statvfs(3)", "%llu bytes",
			  (unsigned long long)fs.f_bavail * fs.f_frsize);
		sys_limit(&limits[1], "size of " SHM_DIR, "statvfs(3)", "%llu bytes",
			  (unsigned long long)fs.f_blocks * fs.f_frsize);
	}
	sys_limit(&limits[2], "ring of a slot, 56-byte records", "ipc/core/ring_slots.c",
		  "%zu bytes", ring_slots_slot_bytes(56));
	sys_limit(&limits[3], "page", "sysconf(_SC_PAGESIZE)", "%ld bytes", sysconf(_SC_PAGESIZE));
	return 4;
}

/* Makes a new object, whose name is gone already. Returns the descriptor or -errno. */
static int shm_make(struct ipc *s)
{
	uint64_t random[2] = { 0 };
	char name[SHM_NAME];
	int fd;
	ssize_t rc = SYS(s, getrandom(random, sizeof random, 0));

	if (rc < 0)
		return (int)rc;
	(void)snprintf(name, sizeof name, "/" SHM_PREFIX "%016llx%016llx",
		       (unsigned long long)random[0], (unsigned long long)random[1]);
	/*
	 * O_EXCL: we never take one that somebody has put there for us. It is close-on-exec by
	 * itself.
	 */
	fd = (int)SYS(s, shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600));
	if (fd >= 0)
		(void)SYS(s, shm_unlink(name)); /* ENOENT: another hub took it for a leftover */
	return fd;
}

static int shm_probe(char *reason, size_t size)
{
	struct ipc s = { .syscalls = 0 };
	int fd = shm_make(&s);

	if (fd < 0)
		return sys_reason(reason, size, fd,
				  "cannot create a file in /dev/shm: mount a tmpfs there");
	sys_close(&fd);
	return 0;
}

/* Is this the name of an object that a hub was about to unlink when it was killed? */
static bool shm_is_leftover(int dir, const char *name)
{
	size_t prefix = sizeof SHM_PREFIX - 1;
	struct stat st;

	return strncmp(name, SHM_PREFIX, prefix) == 0 &&
	       strspn(name + prefix, "0123456789abcdef") == 32 && name[prefix + 32] == '\0' &&
	       fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
	       st.st_uid == geteuid() && st.st_size == 0;
}

/*
 * Removes such names. It does no harm if one of them belongs to a hub that lives and is about to
 * unlink it: nobody ever opens it by its name again.
 */
static void shm_sweep(struct ipc *s)
{
	DIR *dir = opendir(SHM_DIR);
	const struct dirent *entry;

	if (!dir)
		return; /* arm will say what is wrong with it */
	while ((entry = readdir(dir)))
		if (shm_is_leftover(dirfd(dir), entry->d_name))
			(void)SYS(s, unlinkat(dirfd(dir), entry->d_name, 0));
	(void)closedir(dir);
}

static int shm_start(struct ipc *s)
{
	shm_sweep(s);
	return ring_slots_open(s);
}

/* Makes a slot's ring. TICKET: its owner needs the descriptor. NULL: a forked owner does not. */
static int shm_make_ring(struct ipc *s, unsigned slot, struct ipc_ticket *ticket)
{
	int fd = shm_make(s);
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

static int shm_arm(struct ipc *s, unsigned slot)
{
	return shm_make_ring(s, slot, NULL);
}

static int shm_ticket(struct ipc *s, unsigned slot, struct ipc_ticket *ticket)
{
	return shm_make_ring(s, slot, ticket);
}

const struct ipc_backend ipc_shm = {
	.info = {
		.name = "shm",
		.title = "POSIX shared memory",
		.summary = "a ring per slot in an object of /dev/shm, a doorbell for who sleeps",
		.group = IPC_GROUP_MEMORY,
		.capabilities = IPC_CAP_POLLABLE | IPC_CAP_TRUSTED_SLOT |
				IPC_CAP_DURABLE | IPC_CAP_JOIN | IPC_CAP_THREADS |
				IPC_CAP_FAIR | IPC_CAP_TRUSTING,
		.record_limit = 1 << 20,
		.shared_memory = true,
		.objects = { { "a mapped object per slot, without a name",
			       "grep /dev/shm/ipcdemo- /proc/PID/maps" },
			     { "two eventfds per slot, the doorbells",
			       "ls -l /proc/PID/fd | grep eventfd" },
			     { "an epoll instance for each process that sleeps",
			       "cat /proc/PID/fdinfo/N" } },
		.syscalls = { "getrandom", "openat", "unlink", "fallocate", "mmap", "munmap",
			      "madvise", "eventfd2", "epoll_create1", "epoll_ctl", "epoll_wait",
			      "membarrier", "write",
			      "close" },
		.man = { "shm_overview(7)", "shm_open(3)", "mmap(2)", "posix_fallocate(3)",
			 "madvise(2)", "eventfd(2)", "epoll(7)", "membarrier(2)" },
	},
	.state_size = sizeof(struct ring_slots),
	.slot_size = sizeof(struct ring_slot),
	.slot_calls = { { .name = "membarrier" } },
	.free_try = true,
	.forked_harmless = true,
	.probe = shm_probe,
	.limits = shm_limits,
	.hub_fds = ring_slots_hub_fds,
	.open = shm_start,
	.arm = shm_arm,
	.attach = ring_slots_attach,
	.ticket = shm_ticket,
	.join = ring_slots_join,
	.send = ring_slots_send,
	.recv = ring_slots_recv,
	.pollfd = ring_slots_pollfd,
	.detach = ring_slots_detach,
	.close = ring_slots_close,
};
