/* SPDX-License-Identifier: MIT */
/*
 * mq.c - POSIX message queues: one per slot, each message one record.
 *
 * Mechanism: a queue of messages in the kernel, found by a name, each message with a priority. The
 *   kernel keeps them sorted: the highest priority first, the oldest first among equals.
 *
 *      hub                                worker
 *      mq_open(O_EXCL | O_RDONLY) -> r
 *      mq_open(O_WRONLY) -> w
 *      mq_unlink()
 *      fork ----------------------------> close(r), and every sibling's ends
 *      close(w)                           mq_timedsend(w, record, priority 0)
 *      mq_timedreceive(r) <-- a message - mq_timedsend(w, record, priority 0)
 *      nothing at all <------------------ dies, however it dies
 *
 * Life cycle: made before the fork under a random name, which is gone before anything else
 *   happens; the queue goes with its last descriptor. Killed between mq_open and mq_unlink, the
 *   hub leaves a name in /dev/mqueue, and its bytes count against the user until it is removed.
 * Guarantees: a message is whole or not at all, in order within a priority, and survives its
 *   sender. One priority for all here: with two, a late record overtakes an early one. A slot is
 *   its own queue, opened for one way only. No end of file: a queue does not know who has it
 *   open; a pidfd tells of a death.
 * Limits: 10 messages of 8 KiB in a queue (fs.mqueue.msg_max, msgsize_max), 256 queues in all
 *   (queues_max), and per user 819,200 bytes, which are reserved when a queue is made
 *   (RLIMIT_MSGQUEUE). So a queue here takes 8 KiB at most, two records of 4 KiB: about 500
 *   queues of 56-byte records, 95 of the largest.
 * Wake-up: on Linux a queue is a descriptor and polls, level-triggered. A blocking receive is one
 *   system call; it gives up after a second, so that a dead peer is found.
 * Failure modes: full - send waits, or ETIMEDOUT. Peer gone - silence: its pidfd tells. No more
 *   queues - EMFILE (RLIMIT_MSGQUEUE) or ENOSPC (queues_max).
 * Costs: one system call and one copy on each side, for each record: there are no batches. A sleep
 *   starts a timer of a second, so that a dead peer is found: a tenth of a round trip.
 * Pitfalls: mq_receive wants a buffer for the largest message, or it is EMSGSIZE. A timeout is a
 *   moment of CLOCK_REALTIME: who sets the clock back makes it longer. A timeout that is past means
 *   "do not wait", which spares O_NONBLOCK. EMFILE here has nothing to do with descriptors. A
 *   message may be empty: 0 is no end of file.
 * Use when: urgent messages must pass the others, or readers and writers meet by a name and the
 *   kernel should keep messages while none of them runs.
 * Avoid when: there are many peers, or more than ten messages at a time.
 * Read next: sysv.c - the older queue; unix.c - packets with an end of file.
 */
#include "config.h"

#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ipc/core/backend.h"
#include "ipc/core/fd_slots.h"
#include "ipc/core/sys.h"

#define MQ_DEPTH        10   /* fs.mqueue.msg_max, unless somebody has changed it */
#define MQ_BYTES        8192 /* of a queue's messages: all queues of a user share one quota */
#define MQ_RECORD_LIMIT 4096 /* so that a queue holds two */

static int mq_limits(struct ipc_limit *limits, size_t cap)
{
	struct rlimit bytes;

	if (cap < 4)
		return 0;
	sys_limit_file(&limits[0], "messages of a queue", "/proc/sys/fs/mqueue/msg_max");
	sys_limit_file(&limits[1], "bytes of a message", "/proc/sys/fs/mqueue/msgsize_max");
	sys_limit_file(&limits[2], "queues", "/proc/sys/fs/mqueue/queues_max");
	sys_limit(&limits[3], "bytes of this user's queues", "getrlimit(RLIMIT_MSGQUEUE)", "?");
	if (getrlimit(RLIMIT_MSGQUEUE, &bytes) == 0)
		sys_limit(&limits[3], "bytes of this user's queues", "getrlimit(RLIMIT_MSGQUEUE)",
			  "%llu", (unsigned long long)bytes.rlim_cur);
	return 4;
}

/* How many messages a queue gets: as many as asked for, within what is allowed. */
static long mq_depth(const struct ipc *s)
{
	size_t most = MQ_BYTES / s->record_size;

	if (most > MQ_DEPTH)
		most = MQ_DEPTH;
	return (long)(s->depth > 0 && s->depth < most ? s->depth : most);
}

/* Makes both ends of a new queue, whose name is gone already: ENDS[0] receives. 0 or -errno. */
static int mq_make(struct ipc *s, int ends[2])
{
	struct mq_attr attr = { .mq_maxmsg = mq_depth(s), .mq_msgsize = (long)s->record_size };
	uint64_t random[2] = { 0 };
	char name[48];
	ssize_t rc = SYS(s, getrandom(random, sizeof random, 0));

	if (rc < 0)
		return (int)rc;
	(void)snprintf(name, sizeof name, "/ipcdemo-%016llx%016llx", (unsigned long long)random[0],
		       (unsigned long long)random[1]);
	/*
	 * O_EXCL: we never take one that somebody has put there for us. It is close-on-exec by
	 * itself.
	 */
	ends[0] = (int)SYS(s, mq_open(name, O_CREAT | O_EXCL | O_RDONLY, 0600, &attr));
	if (ends[0] < 0)
		return ends[0];
	ends[1] = (int)SYS(s, mq_open(name, O_WRONLY));
	(void)SYS(s, mq_unlink(name)); /* ours: it is there */
	if (ends[1] < 0)
		sys_close(&ends[0]);
	return ends[1] < 0 ? ends[1] : 0;
}

static int mq_probe(char *reason, size_t size)
{
	struct ipc s = { .record_size = MQ_RECORD_LIMIT };
	int ends[2];
	int rc = mq_make(&s, ends);

	if (rc < 0)
		return sys_reason(reason, size, rc,
				  rc == -ENOSYS ?
					  "the kernel has no message queues, or a sandbox's "
					  "filter refuses them" :
				  rc == -EINVAL ? "the largest record does not fit: raise "
						  "fs.mqueue.msgsize_max to 4096 at least" :
						  "cannot make a queue: see ulimit -q and "
						  "fs.mqueue.queues_max");
	sys_close(&ends[0]);
	sys_close(&ends[1]);
	return 0;
}

static int mq_arm(struct ipc *s, unsigned slot)
{
	int ends[2];
	int rc = mq_make(s, ends);

	if (rc < 0)
		return rc;
	if (s->direction == IPC_TO_HUB)
		fd_slots_armed(s, slot, ends[0], ends[1]);
	else
		fd_slots_armed(s, slot, ends[1], ends[0]);
	return 0;
}

static int mq_ticket(struct ipc *s, unsigned slot, struct ipc_ticket *ticket)
{
	int rc = mq_arm(s, slot);

	return rc < 0 ? rc : fd_slots_ticket(s, slot, ticket);
}

/* When a call gives up: at a time long past, hence at once; or in a second. */
static struct timespec mq_until(unsigned flags)
{
	struct timespec until = { .tv_sec = 0 };

	if (!(flags & IPC_NOWAIT)) {
		/* Cannot fail; some milliseconds old, but a quarter of the price. */
		(void)clock_gettime(CLOCK_REALTIME_COARSE, &until);
		until.tv_sec++;
	}
	return until;
}

static ssize_t mq_send_one(struct ipc *s, unsigned slot, const void *records, size_t n,
			   unsigned flags)
{
	struct timespec until = mq_until(flags);
	ssize_t rc =
		SYS(s, mq_timedsend(fd_slots_at(s, slot)->own, records, s->record_size, 0, &until));

	(void)n; /* the first of them */
	if (rc == 0)
		return 1;
	if (rc != -ETIMEDOUT && rc != -EAGAIN)
		return rc;
	fd_slots_full(s, slot);
	return -EAGAIN;
}

static ssize_t mq_recv_one(struct ipc *s, unsigned *slot, void *records, size_t cap, unsigned flags)
{
	struct timespec until = mq_until(flags);
	ssize_t rc = fd_slots_next(s, slot, flags);

	(void)cap; /* one of them */
	if (rc < 0)
		return rc;
	rc = SYS(s, mq_timedreceive(fd_slots_at(s, *slot)->own, records, s->record_size, NULL,
				    &until));
	if (rc < 0)
		return rc == -ETIMEDOUT ? -EAGAIN : rc;
	return (size_t)rc == s->record_size ? 1 : -EPROTO;
}

const struct ipc_backend ipc_mq = {
	.info = {
		.name = "mq",
		.title = "POSIX message queue",
		.summary = "one queue per slot, unlinked at once; each message is one record",
		.group = IPC_GROUP_QUEUES,
		.capabilities = IPC_CAP_BOUNDARIES | IPC_CAP_POLLABLE |
				IPC_CAP_TRUSTED_SLOT | IPC_CAP_DURABLE | IPC_CAP_JOIN |
				IPC_CAP_THREADS | IPC_CAP_FAIR,
		.record_limit = MQ_RECORD_LIMIT,
		.objects = { { "a message queue per slot, its name removed",
			       "ls -l /proc/PID/fd | grep /ipcdemo-" },
			     { "an epoll instance in the hub, if it has several slots",
			       "cat /proc/PID/fdinfo/N" } },
		.syscalls = { "getrandom", "mq_open", "mq_unlink", "mq_timedsend",
			      "mq_timedreceive", "epoll_create1", "epoll_ctl", "epoll_wait",
			      "ppoll", "close" },
		.man = { "mq_overview(7)", "mq_open(3)", "mq_send(3)", "mq_receive(3)",
			 "mq_unlink(3)", "getrlimit(2)", "epoll(7)" },
	},
	.state_size = sizeof(struct fd_slots),
	.slot_size = sizeof(struct fd_slot),
	.slot_calls = { { .name = "mq_timedsend" }, { .name = "mq_timedreceive" } },
	.probe = mq_probe,
	.limits = mq_limits,
	.hub_fds = fd_slots_hub_fds,
	.open = fd_slots_open,
	.arm = mq_arm,
	.attach = fd_slots_attach,
	.ticket = mq_ticket,
	.join = fd_slots_join,
	.send = mq_send_one,
	.recv = mq_recv_one,
	.pollfd = fd_slots_pollfd,
	.detach = fd_slots_detach,
	.close = fd_slots_close,
};
