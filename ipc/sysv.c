/* SPDX-License-Identifier: MIT */
/*
 * sysv.c - System V message queues: one for all slots towards the hub, one each from it.
 *
 * Mechanism: a queue of typed messages in the kernel, named by a number. A receiver takes the
 *   oldest message, or the oldest of one type: here the type tells the slot.
 *
 *      hub                                worker
 *      msgget(key, IPC_EXCL) -> id
 *      fork ----------------------------> keeps the number; nothing to close
 *      msgrcv(id, any type) <-- a batch - msgsnd(id, type of the slot, records)
 *      nothing at all <------------------ dies, however it dies
 *      msgctl(id, IPC_RMID) ------------> whoever waits: EIDRM
 *
 * Life cycle: the number is valid until IPC_RMID, whether anybody uses the queue or not: it
 *   outlives every process. A shared memory segment may be removed early and goes with its
 *   last user; a queue goes at once, with its messages, so it must stay until the end. A hub
 *   that is killed leaves it. The next hub of the same user finds it by its key, sees that who
 *   sent and received last is dead, or that nobody ever did, and removes it.
 * Guarantees: a message is whole or not at all, in order within a type, and survives its sender. A
 *   type is only a claim: a worker can write another's, so a slot can be forged. No end of file,
 *   but EIDRM when the hub closes.
 * Limits: 16 KiB in a queue (kernel.msgmnb), 8 KiB in a message (msgmax), 32,000 queues (msgmni).
 *   Slots that share a queue share its room.
 * Wake-up: none. There is no descriptor, so nothing else can be waited for at the same time, nor
 *   can a call have a timeout. Only a hub with several slots blocks in msgrcv; whoever has one
 *   peer, and must learn of its death, looks again and again: between yields at first, then
 *   between naps that grow.
 * Failure modes: full - EAGAIN. Peer gone - silence: its pidfd tells. Queue removed - EIDRM, or
 *   EINVAL in the next call.
 * Costs: one system call on each side, and three copies: a message must stand behind its type. A
 *   batch of up to 4 KiB shares them. Waiting costs CPU or time: a try, a yield and a try, so five
 *   calls a record instead of two, and a fifth more than the call that waits, which a dead peer
 *   would not end.
 * Pitfalls: ftok(3) gives equal keys for different files now and then, and fails without a word
 *   where nobody looks. One slot that reads nothing would fill a shared queue for all: hence a
 *   queue each from the hub. IPC_NOWAIT of <sys/ipc.h> is not ours. Anybody of the same user can
 *   read, write and remove every queue: ipcs -q shows them, ipcrm removes them.
 * Use when: an old program speaks it.
 * Avoid when: anything else is at hand: mq.c has descriptors, timeouts and no leftovers.
 * Read next: mq.c - what POSIX made of it; dgram.c - one queue for all, and a kernel that tells
 *   who sent.
 */
#include "config.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/msg.h>
#include <unistd.h>

/* <sys/ipc.h> has the name too, for a flag of another value. */
enum { SYSV_NOWAIT = IPC_NOWAIT };
#undef IPC_NOWAIT

#include "ipc/core/backend.h"
#include "ipc/core/rest.h"
#include "ipc/core/sys.h"

#define SYSV_RECORD_LIMIT 8192       /* kernel.msgmax, unless somebody has changed it */
#define SYSV_BATCH        4096       /* most bytes of a batch; a single record may be longer */
#define SYSV_KEY          0x1dc00000 /* our keys: this, and 20 bits that are random */
#define SYSV_KEY_RANDOM   0xfffff

struct sysv_slot {
	int queue; /* from the hub: this slot's own, else the session's. -1: none */
	long type; /* of its messages: slot + 1, and a multiple for each owner. 0: none yet */
};

struct sysv_state {
	int queue;        /* to the hub: of all slots. -1: each has its own */
	bool watch;       /* a peer's death has to be noticed: so never block */
	struct rest rest; /* of the message */
	struct sysv_message {
		long type;
		char text[SYSV_RECORD_LIMIT];
	} message;
};

static struct sysv_state *sysv_state(const struct ipc *s)
{
	return s->state;
}

static struct sysv_slot *sysv_slot(const struct ipc *s, unsigned slot)
{
	return (struct sysv_slot *)s->slot_state + slot;
}

static int sysv_limits(struct ipc_limit *limits, size_t cap)
{
	(void)cap;
	sys_limit_file(&limits[0], "bytes of a queue", "/proc/sys/kernel/msgmnb");
	sys_limit_file(&limits[1], "bytes of a message", "/proc/sys/kernel/msgmax");
	sys_limit_file(&limits[2], "queues", "/proc/sys/kernel/msgmni");
	return 3;
}

static int sysv_hub_fds(unsigned slots)
{
	(void)slots;
	return 0;
}

/* ---- queues ---- */

static void sysv_remove(struct ipc *s, int *queue)
{
	if (*queue >= 0)
		(void)SYS(s, msgctl(*queue, IPC_RMID, NULL)); /* EINVAL: somebody has used ipcrm */
	*queue = -1;
}

/*
 * Sends one message and takes it back: from now on the kernel names this process as the last user.
 */
static int sysv_stamp(struct ipc *s, int queue)
{
	struct sysv_message *message = &sysv_state(s)->message;
	int rc;

	message->type = 1;
	rc = (int)SYS(s, msgsnd(queue, message, 0, SYSV_NOWAIT));
	return rc < 0 ? rc : (int)SYS(s, msgrcv(queue, message, 0, 0, SYSV_NOWAIT));
}

/*
 * Makes a new queue under a key by which we know it for one of ours. Returns its number or -errno.
 */
static int sysv_make(struct ipc *s)
{
	int queue, rc;

	do {
		const key_t key = (key_t)(SYSV_KEY | (arc4random() & SYSV_KEY_RANDOM));

		queue = (int)SYS(s, msgget(key, IPC_CREAT | IPC_EXCL | 0600));
		rc = queue < 0 ? queue : sysv_stamp(s, queue);
	} while (rc == -EEXIST || rc == -EIDRM || rc == -EINVAL); /* another hub has removed it */
	if (rc < 0)
		sysv_remove(s, &queue);
	return rc < 0 ? rc : queue;
}

static bool sysv_is_dead(pid_t pid)
{
	return pid > 0 && kill(pid, 0) < 0 && errno == ESRCH;
}

/*
 * Was the hub of this queue killed? It is the last to send or the last to receive, depending on the
 * direction; so if both are dead the hub is. A pid can be 0 because its process is in another pid
 * namespace, so it is the times that tell what nobody has done yet. A hub that lives, and has only
 * just made its queue, then makes another.
 */
static bool sysv_is_left(const struct msqid_ds *queue)
{
	return queue->msg_stime == 0 || (sysv_is_dead(queue->msg_lspid) &&
					 (queue->msg_rtime == 0 || sysv_is_dead(queue->msg_lrpid)));
}

/* Removes the queues of this user's hubs that were killed. */
static void sysv_sweep(struct ipc *s)
{
	struct msginfo info;
	struct msqid_ds queue;
	int i, id, most = (int)SYS(s, msgctl(0, MSG_INFO, (struct msqid_ds *)&info));

	for (i = 0; i <= most; i++) {
		id = (int)SYS(s, msgctl(i, MSG_STAT, &queue));
		if (id >= 0 && (queue.msg_perm.__key & ~SYSV_KEY_RANDOM) == SYSV_KEY &&
		    queue.msg_perm.uid == geteuid() && sysv_is_left(&queue))
			sysv_remove(s, &id);
	}
}

static int sysv_probe(char *reason, size_t size)
{
	struct sysv_state state = { .message.type = 1 };
	struct ipc s = { .state = &state };
	int queue = sysv_make(&s), rc = queue;

	/* With smaller limits a sender would wait for ever. */
	if (rc >= 0)
		rc = (int)SYS(&s, msgsnd(queue, &state.message, SYSV_RECORD_LIMIT, SYSV_NOWAIT));
	sysv_remove(&s, &queue);
	if (rc == -EINVAL || rc == -EAGAIN)
		return sys_reason(reason, size, rc,
				  "raise kernel.msgmax and kernel.msgmnb to 8192 at least");
	return rc >= 0 ? 0 :
			 sys_reason(reason, size, rc,
				    "cannot make a queue: see kernel.msgmni, and ipcs -q");
}

/* ---- life ---- */

static int sysv_open(struct ipc *s)
{
	struct sysv_state *state = sysv_state(s);

	for (unsigned i = 0; i < s->slots; i++)
		sysv_slot(s, i)->queue = -1;
	sysv_sweep(s);
	state->queue = s->direction == IPC_TO_HUB ? sysv_make(s) : -1;
	s->number = (uint64_t)state->queue;
	return s->direction == IPC_TO_HUB && state->queue < 0 ? state->queue : 0;
}

static int sysv_arm(struct ipc *s, unsigned slot)
{
	struct sysv_slot *at = sysv_slot(s, slot);

	at->queue = s->direction == IPC_TO_HUB ? sysv_state(s)->queue : sysv_make(s);
	if (at->queue < 0)
		return at->queue;
	at->type = at->type ? at->type + IPC_SLOTS_MAX : slot + 1; /* another for each owner */
	return 0;
}

static int sysv_attach(struct ipc *s, unsigned slot, const struct ipc_peer *peer)
{
	(void)slot;
	sysv_state(s)->watch = s->single && peer->pidfd >= 0;
	return 0;
}

static int sysv_ticket(struct ipc *s, unsigned slot, struct ipc_ticket *ticket)
{
	int rc = sysv_arm(s, slot);

	ticket->words[0] = (uint64_t)sysv_slot(s, slot)->queue;
	ticket->words[1] = (uint64_t)sysv_slot(s, slot)->type;
	return rc;
}

static int sysv_join(struct ipc *s, unsigned slot, const struct ipc_ticket *ticket,
		     const struct ipc_peer *peer)
{
	sysv_state(s)->queue = -1; /* the hub's to remove */
	sysv_slot(s, slot)->queue = (int)ticket->words[0];
	sysv_slot(s, slot)->type = (long)ticket->words[1];
	return sysv_attach(s, slot, peer);
}

/* ---- records ---- */

static int sysv_flags(const struct ipc *s, unsigned flags)
{
	return (flags & IPC_NOWAIT) || sysv_state(s)->watch ? SYSV_NOWAIT : 0;
}

static ssize_t sysv_send(struct ipc *s, unsigned slot, const void *records, size_t n,
			 unsigned flags)
{
	struct sysv_message *message = &sysv_state(s)->message;
	const struct sysv_slot *at = sysv_slot(s, slot);
	size_t most = s->record_size < SYSV_BATCH ? SYSV_BATCH / s->record_size : 1;
	int rc;

	n = n < most ? n : most;
	message->type = at->type;
	memcpy(message->text, records, n * s->record_size);
	rc = (int)SYS(s, msgsnd(at->queue, message, n * s->record_size, sysv_flags(s, flags)));
	if (rc == -EIDRM || rc == -EINVAL)
		return -EPIPE;
	return rc < 0 ? rc : (ssize_t)n;
}

/* Who sent the last message, and is it valid? 0; -EAGAIN: no present owner did; or -EPROTO. */
static int sysv_check(struct ipc *s, unsigned *slot, size_t bytes)
{
	struct sysv_state *state = sysv_state(s);
	unsigned from = (unsigned)((unsigned long)(state->message.type - 1) % IPC_SLOTS_MAX);

	if (from >= s->slots || sysv_slot(s, from)->queue < 0 ||
	    sysv_slot(s, from)->type != state->message.type)
		return -EAGAIN; /* of an earlier owner */
	*slot = from;
	if (bytes == 0 || bytes % s->record_size)
		return -EPROTO;
	state->rest = (struct rest){ .slot = from,
				     .count = bytes / s->record_size,
				     .text = state->message.text };
	return 0;
}

/* Fetches messages until one is a present owner's. 0, -EAGAIN, -EPROTO or -errno. */
static int sysv_fetch(struct ipc *s, unsigned *slot, unsigned flags)
{
	struct sysv_state *state = sysv_state(s);
	bool all = s->direction == IPC_TO_HUB;
	ssize_t rc;

	do {
		rc = SYS(s,
			 msgrcv(all ? state->queue : sysv_slot(s, s->self)->queue, &state->message,
				sizeof state->message.text, 0, sysv_flags(s, flags)));
		if (rc < 0)
			return rc == -ENOMSG ? -EAGAIN : (int)rc;
		rc = sysv_check(s, slot, (size_t)rc);
	} while (rc == -EAGAIN);
	return (int)rc;
}

static ssize_t sysv_recv(struct ipc *s, unsigned *slot, void *records, size_t cap, unsigned flags)
{
	struct sysv_state *state = sysv_state(s);
	int rc = state->rest.count > 0 ? 0 : sysv_fetch(s, slot, flags);

	/* Only a slot's process meets this: the hub has closed. */
	if (rc == -EIDRM || rc == -EINVAL) {
		*slot = s->self;
		return 0;
	}
	return rc < 0 ? rc : rest_take(s, &state->rest, slot, records, cap);
}

static int sysv_pollfd(struct ipc *s, short *events)
{
	(void)events;
	return sysv_state(s)->rest.count > 0 ? -EAGAIN : -ENOTSUP;
}

/* ---- the end ---- */

static void sysv_detach(struct ipc *s, unsigned slot)
{
	struct sysv_slot *at = sysv_slot(s, slot);

	if (s->direction == IPC_FROM_HUB && s->role == IPC_HUB && getpid() == s->opener)
		sysv_remove(s, &at->queue);
	at->queue = -1;
	rest_forget(&sysv_state(s)->rest, slot);
}

static void sysv_close(struct ipc *s)
{
	if (getpid() == s->opener)
		sysv_remove(s, &sysv_state(s)->queue);
}

const struct ipc_backend ipc_sysv = {
	.info = {
		.name = "sysv",
		.title = "System V queue",
		.summary = "one queue to the hub, its messages typed by slot; one each from it",
		.group = IPC_GROUP_QUEUES,
		.capabilities = IPC_CAP_BOUNDARIES | IPC_CAP_DURABLE | IPC_CAP_NAMED |
				IPC_CAP_JOIN | IPC_CAP_THREADS,
		.record_limit = SYSV_RECORD_LIMIT,
		.objects = { { "a message queue, or one per slot", "ipcs -q -p | grep PID" } },
		.syscalls = { "getrandom", "msgget", "msgsnd", "msgrcv", "msgctl", "kill" },
		.man = { "sysvipc(7)", "msgget(2)", "msgop(2)", "msgctl(2)", "ipcs(1)" },
	},
	.state_size = sizeof(struct sysv_state),
	.slot_size = sizeof(struct sysv_slot),
	.slot_calls = { { "msgsnd", { IPC_ARG_NUMBER } }, { .name = "msgrcv" } },
	.probe = sysv_probe,
	.limits = sysv_limits,
	.hub_fds = sysv_hub_fds,
	.open = sysv_open,
	.arm = sysv_arm,
	.attach = sysv_attach,
	.ticket = sysv_ticket,
	.join = sysv_join,
	.send = sysv_send,
	.recv = sysv_recv,
	.pollfd = sysv_pollfd,
	.detach = sysv_detach,
	.close = sysv_close,
};
