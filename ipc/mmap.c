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
 *   an empty file. A session that keeps (ipc_recover) leaves the name until all is read, so the
 *   file survives every process, and a hub that starts again reads what the dead have sent.
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
 * Read next: shm.c - diff it with this; examples/mmap.c - the bare file that survives.
 */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "ipc/core/backend.h"
#include "ipc/core/ring_slots.h"
#include "ipc/core/sys.h"

#define MMAP_NAME   32
#define MMAP_LAYOUT UINT64_C(0x6970632d6d6d6170) /* of a file that is kept; another with ring.h */

/* Behind the ring of a session that keeps: which one it is, for the session that recovers it. */
struct mmap_header {
	uint64_t layout; /* 0: not filled in yet */
	uint64_t record_size, slots;
};

struct mmap_state {
	struct ring_slots slots; /* first: ring_slots.h */
	int dir;                 /* of the files of a session that keeps; else -1 */
	unsigned last; /* whose records were received last; s->slots: they count as read */
};

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
	sys_limit_file(&limits[2], "a page is written at (1/100 s)",
		       "/proc/sys/vm/dirty_expire_centisecs");
	sys_limit_file(&limits[3], "mappings of a process", "/proc/sys/vm/max_map_count");
	return 4;
}

static struct mmap_state *mmap_state(const struct ipc *s)
{
	return s->state;
}

/* ---- the files ---- */

static void mmap_name(char name[MMAP_NAME], unsigned slot)
{
	(void)snprintf(name, MMAP_NAME, "ipcdemo-mmap-%u", slot);
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

/* A new file with SLOT's name, of a session that keeps. The descriptor or -errno. */
static int mmap_make_kept(struct ipc *s, unsigned slot)
{
	char name[MMAP_NAME];

	mmap_name(name, slot);
	return (int)SYS(
		s, openat(mmap_state(s)->dir, name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600));
}

static void mmap_remove(struct ipc *s, unsigned slot)
{
	char name[MMAP_NAME];

	mmap_name(name, slot);
	(void)SYS(s, unlinkat(mmap_state(s)->dir, name, 0));
}

static struct mmap_header *mmap_header(const struct ipc *s, unsigned slot)
{
	return ring_slots_extra(s, ring_slot_at(s, slot));
}

/* ---- life ---- */

static void mmap_close(struct ipc *s)
{
	sys_close(&mmap_state(s)->dir);
	ring_slots_close(s);
}

static int mmap_open(struct ipc *s)
{
	struct mmap_state *state = mmap_state(s);
	int rc;

	state->dir = -1;
	state->last = s->slots;
	if (s->keep)
		ring_slots_use(s, NULL, sizeof(struct mmap_header));
	rc = ring_slots_open(s);
	if (rc < 0 || !s->keep)
		return rc;
	rc = state->dir = (int)SYS(s, open(s->runtime_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	if (rc >= 0) /* one hub at a time; goes with the descriptor, however the hub ends */
		rc = (int)SYS(s, flock(state->dir, LOCK_EX | LOCK_NB));
	if (rc < 0)
		mmap_close(s);
	return rc == -EWOULDBLOCK ? -EBUSY : rc;
}

/* Makes a slot's ring. TICKET: its owner needs the descriptor. NULL: a forked owner does not. */
static int mmap_make_ring(struct ipc *s, unsigned slot, struct ipc_ticket *ticket)
{
	int fd = s->keep ? mmap_make_kept(s, slot) : mmap_make(s);
	int rc;

	if (fd < 0)
		return fd;
	rc = ring_slots_size(s, fd);
	if (rc == 0)
		rc = ring_slots_map(s, slot, fd);
	if (rc == 0 && s->keep) {
		ring_slot_at(s, slot)->ring.limit = UINT64_MAX; /* told by mmap_settle alone */
		*mmap_header(s, slot) = (struct mmap_header){ .layout = MMAP_LAYOUT,
							      .record_size = s->record_size,
							      .slots = s->slots };
	}
	if (rc == 0 && ticket)
		rc = ring_slots_ticket(s, slot, fd, ticket);
	if (rc < 0 && s->keep)
		mmap_remove(s, slot);
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

/* The ring as it was left: 0, -ENOENT: it was only just made, -EINVAL: of another session. */
static int mmap_resume(struct ipc *s, unsigned slot)
{
	const struct mmap_header *header = mmap_header(s, slot);
	struct ring_slot *at = ring_slot_at(s, slot);

	if (header->layout == 0)
		return -ENOENT;
	if (header->layout != MMAP_LAYOUT || header->record_size != s->record_size ||
	    header->slots != s->slots)
		return -EINVAL;
	ring_resume(&at->ring, atomic_load(&at->ring.control->tail));
	at->ring.limit = UINT64_MAX;
	at->ring.live = true;
	return 0;
}

static int mmap_recover(struct ipc *s, unsigned slot)
{
	struct stat file;
	char name[MMAP_NAME];
	int fd, rc;

	mmap_name(name, slot);
	fd = (int)SYS(s, openat(mmap_state(s)->dir, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC));
	if (fd < 0)
		return fd;
	rc = (int)SYS(s, fstat(fd, &file));
	if (rc == 0 && (size_t)file.st_size != ring_slots_bytes(s))
		rc = file.st_size == 0 ? -ENOENT : -EINVAL;
	if (rc == 0 && (rc = ring_slots_map(s, slot, fd)) == 0) {
		rc = mmap_resume(s, slot);
		if (rc < 0)
			ring_slots_detach(s, slot);
	}
	sys_close(&fd);
	if (rc == -ENOENT) /* its hub was killed in arm: nobody has sent anything */
		mmap_remove(s, slot);
	return rc;
}

static int mmap_attach(struct ipc *s, unsigned slot, const struct ipc_peer *peer)
{
	if (s->role == IPC_SLOT)
		sys_close(&mmap_state(s)->dir);
	return ring_slots_attach(s, slot, peer);
}

static int mmap_join(struct ipc *s, unsigned slot, const struct ipc_ticket *ticket,
		     const struct ipc_peer *peer)
{
	mmap_state(s)->dir = -1;
	return ring_slots_join(s, slot, ticket, peer);
}

/* ---- records that are kept: what was received counts as read with the next call ---- */

static void mmap_settle(struct ipc *s)
{
	struct mmap_state *state = mmap_state(s);
	struct ring_slot *at;

	if (!s->keep || state->last == s->slots)
		return;
	at = ring_slot_at(s, state->last);
	state->last = s->slots;
	ring_slots_store_tail(s, at);
	at->ring.limit = UINT64_MAX;
}

static ssize_t mmap_recv(struct ipc *s, unsigned *slot, void *records, size_t cap, unsigned flags)
{
	ssize_t rc;

	if (!s->keep)
		return ring_slots_recv(s, slot, records, cap, flags);
	mmap_settle(s);
	rc = ring_slots_recv(s, slot, records, cap, flags);
	if (rc > 0)
		mmap_state(s)->last = *slot;
	return rc;
}

static int mmap_pollfd(struct ipc *s, short *events)
{
	mmap_settle(s);
	return ring_slots_pollfd(s, events);
}

static void mmap_detach(struct ipc *s, unsigned slot)
{
	struct ring_slot *at = ring_slot_at(s, slot);
	bool left;

	mmap_settle(s);
	left = at->ring.live && ring_ready(&at->ring);
	ring_slots_detach(s, slot);
	if (s->keep && getpid() == s->opener && !left)
		mmap_remove(s, slot);
}

const struct ipc_backend ipc_mmap = {
	.info = {
		.name = "mmap",
		.title = "mapped file",
		.summary = "a ring per slot in a mapped regular file, a doorbell for who sleeps",
		.group = IPC_GROUP_MEMORY,
		.capabilities = IPC_CAP_POLLABLE | IPC_CAP_TRUSTED_SLOT |
				IPC_CAP_DURABLE | IPC_CAP_JOIN | IPC_CAP_THREADS |
				IPC_CAP_FAIR | IPC_CAP_TRUSTING | IPC_CAP_KEEPS,
		.record_limit = 1 << 20,
		.shared_memory = true,
		.objects = { { "a mapped file per slot, without a name",
			       "grep ipcdemo-mmap /proc/PID/maps" },
			     { "two eventfds per slot, the doorbells",
			       "ls -l /proc/PID/fd | grep eventfd" },
			     { "an epoll instance for each process that sleeps",
			       "cat /proc/PID/fdinfo/N" } },
		.syscalls = { "openat", "unlink", "flock", "fallocate", "mmap", "munmap", "madvise",
			      "eventfd2", "epoll_create1", "epoll_ctl", "epoll_wait",
			      "membarrier", "write", "close" },
		.man = { "mmap(2)", "msync(2)", "mkostemp(3)", "posix_fallocate(3)", "madvise(2)",
			 "eventfd(2)", "epoll(7)", "membarrier(2)" },
	},
	.state_size = sizeof(struct mmap_state),
	.slot_size = sizeof(struct ring_slot),
	.slot_calls = { { .name = "membarrier" } },
	.free_try = true,
	.forked_harmless = true,
	.limits = mmap_limits,
	.hub_fds = ring_slots_hub_fds,
	.open = mmap_open,
	.arm = mmap_arm,
	.recover = mmap_recover,
	.attach = mmap_attach,
	.ticket = mmap_ticket,
	.join = mmap_join,
	.send = ring_slots_send,
	.recv = mmap_recv,
	.pollfd = mmap_pollfd,
	.detach = mmap_detach,
	.close = mmap_close,
};
