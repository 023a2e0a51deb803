/* SPDX-License-Identifier: MIT */
/*
 * signal.c - real-time signals: one number per session, each carries eight bytes of a record.
 *
 * Mechanism: the kernel keeps a queue of pending signals for every process. A real-time signal
 *   is queued once for each send, with a value of one pointer; signalfd(2) reads the queue.
 *
 *      hub                                worker
 *      block a free number, signalfd()
 *      fork ----------------------------> close the inherited signalfd
 *      read(signalfd) <--- 8 bytes ------ pidfd_send_signal(hub, ..., 1st of 7)
 *      read(signalfd) <--- 8 bytes ------ pidfd_send_signal(hub, ..., 2nd of 7)
 *      the 7th: a record of 56 bytes      dies; what it queued stays queued
 *
 * Life cycle: the number is claimed at open by blocking it, here and in what is forked then. Close
 *   throws away what is pending, restores the disposition and unblocks. (If a slot was detached
 *   while its process lived, the number stays ignored.) No name, no object; what is pending goes
 *   with its receiver.
 * Guarantees: signals of one number arrive in the order of sending and survive their sender.
 *   si_errno, which queued signals leave free, says which piece of which slot's record this is,
 *   so a record that its sender left half-way, or of an earlier owner of the slot, is never
 *   seen. NOT guaranteed: the sender. A process of the same user may queue any siginfo, with any
 *   si_pid. The checks here keep out mistakes, not enemies.
 * Limits: RLIMIT_SIGPENDING of the RECEIVER is compared with what is pending for its whole user:
 *   another program that lets its signals lie fills this queue. 31 numbers at most.
 * Wake-up: the signalfd polls, level-triggered. It reads the signals of the process that reads,
 *   so a child gets its own through one that it inherited. But an epoll instance stays bound to
 *   the process that registered it there (signalfd(2)): each makes its own here.
 * Failure modes: full - EAGAIN before the record begins; within a record the sender naps, and
 *   if nothing moves for 230 ms it gives the record up, and the receiver drops the pieces. Peer
 *   gone - ESRCH once it is reaped; until then a zombie takes signals with success.
 * Costs: a system call and a queue entry for each 8 bytes; one read takes up to 64 of them. By
 *   pidfd, which is never another process; a bare pid costs about the same.
 * Pitfalls: of pending signals the lowest number goes first, standard ones before all: a second
 *   number for "urgent" would overtake what was sent before. kill(2) on a full queue returns 0;
 *   of several one arrives, without a sender. Standard signals carry nothing and merge: of ten
 *   SIGUSR1 one may arrive, so they count nothing (examples/broken/signal_count.c). Never send to
 *   getppid(): an orphan's parent is init, where systemd takes SIGRTMIN+3 for "halt". Unblocked,
 *   the default action is death: open before the first thread starts, so that it inherits the
 *   mask. A blocked read does not notice that the peer dies: a timer, which sends the very same
 *   signal, makes it look.
 * Use when: a few bytes must reach a process of which only the pid is known.
 * Avoid when: there is anything else: a pipe is faster, has no quota, and knows its sender.
 * Read next: shm.c - without the kernel in the way.
 */
#include "config.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "ipc/core/backend.h"
#include "ipc/core/rt_signal.h"
#include "ipc/core/sys.h"

#define SIGNAL_RECORD_LIMIT 512
#define SIGNAL_NAP_NS       50000 /* the first one for a full queue; they double to 12.8 ms */
#define SIGNAL_BYTES        sizeof(union sigval) /* of a piece */
_Static_assert(SIGNAL_RECORD_LIMIT / SIGNAL_BYTES <= 128 && IPC_SLOTS_MAX <= 4096, "see tag");

struct signal_slot {
	pid_t pid; /* of the peer; 0: none, what comes is nobody's */
	int pidfd; /* the peer's, borrowed */
	/* For si_errno: owner in 12 bits, slot in 12, piece in 7 (here 0). Pieces put together. */
	unsigned tag, filled;
	union sigval pieces[SIGNAL_RECORD_LIMIT / SIGNAL_BYTES];
};

struct signal_state {
	struct rt_signal own; /* the session's number */
	bool haunted;         /* a slot was let go while its process lived: see signal_close */
	siginfo_t info;       /* what we send, but for piece and value */
	int fd;               /* the signalfd of a receiving side, else -1 */
	enum { TICK_NONE, TICK_CAME, TICK_IDLE, TICK_SET } tick; /* see signal_attach */
	timer_t timer;
	size_t next, count; /* of infos */
	struct signalfd_siginfo infos[64];
};

static struct signal_slot *signal_slot(const struct ipc *s, unsigned slot)
{
	return (struct signal_slot *)s->slot_state + slot;
}

static rlim_t signal_quota(void)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_SIGPENDING, &limit) == 0 ? limit.rlim_cur : 0;
}

static int signal_probe(char *reason, size_t size)
{
	return signal_quota() ? sys_needs_pidfd(reason, size) :
				sys_reason(reason, size, -EAGAIN, "raise ulimit -i: it is 0");
}

static int signal_limits(struct ipc_limit *limits, size_t cap)
{
	if (cap > 0)
		sys_limit(limits, "pending signals, per user", "getrlimit(RLIMIT_SIGPENDING)",
			  "%llu", (unsigned long long)signal_quota());
	return cap > 0;
}

static int signal_hub_fds(unsigned slots)
{
	(void)slots;
	return 1;
}

/* Each process sends under its own pid and receives by its own signalfd. */
static int signal_enter(struct ipc *s)
{
	struct signal_state *state = s->state;

	sys_close(&state->fd);
	state->next = state->count = 0;
	state->info.si_signo = state->own.number;
	state->info.si_code = SI_QUEUE;
	state->info.si_pid = getpid();
	state->info.si_uid = getuid();
	state->fd = ipc_receives(s) ? (int)SYS(s, signalfd(-1, &state->own.set, SFD_CLOEXEC)) : -1;
	return ipc_receives(s) && state->fd < 0 ? state->fd : 0;
}

static int signal_open(struct ipc *s)
{
	struct signal_state *state = s->state;
	int rc;

	/*
	 * All slots share this user's queue. A hub that waits for room to finish a record does not
	 * empty the queue meanwhile, so what the slots have under way must not fill it.
	 */
	if (!s->single && signal_quota() < 256 + 8 * s->slots)
		return -EAGAIN;
	state->fd = -1;
	rc = rt_signal_claim(s, &state->own);
	if (rc == 0 && (rc = signal_enter(s)) < 0)
		rt_signal_release(s, &state->own, false);
	return rc;
}

static int signal_arm(struct ipc *s, unsigned slot)
{
	struct signal_slot *at = signal_slot(s, slot);

	at->tag = ((at->tag + (1u << 19)) & (4095u << 19)) | slot << 7;
	at->filled = 0;
	return 0;
}

/*
 * A blocked read would sleep on when the peer dies. So a receiver with one peer sets a timer before
 * it blocks, at most once a second; the timer queues our own signal and so ends the read. The next
 * read does not wait: recv answers -EAGAIN, and the facade sleeps watching the peer's pidfd too.
 * Where few signals are allowed we spend none on this, and recv never blocks.
 */
static int signal_attach(struct ipc *s, unsigned slot, const struct ipc_peer *peer)
{
	struct signal_state *state = s->state;
	struct signal_slot *at = signal_slot(s, slot);
	struct sigevent event = { .sigev_signo = state->own.number };
	int rc;

	if (!ipc_receives(s) && peer->pidfd < 0)
		return -EINVAL; /* a bare pid may be another process by now */
	at->pid = peer->pid;
	at->pidfd = peer->pidfd;
	rc = s->role == IPC_SLOT ? signal_enter(s) : 0;
	if (rc == 0 && s->single && ipc_receives(s) && signal_quota() >= 64 &&
	    SYS(s, timer_create(CLOCK_MONOTONIC, &event, &state->timer)) == 0)
		state->tick = TICK_IDLE;
	return rc;
}

/* The number stays blocked across an execve(2). */
static int signal_ticket(struct ipc *s, unsigned slot, struct ipc_ticket *ticket)
{
	ticket->words[0] = (uint64_t)((struct signal_state *)s->state)->own.number;
	(void)signal_arm(s, slot); /* cannot fail */
	ticket->words[1] = signal_slot(s, slot)->tag;
	return 0;
}

static int signal_join(struct ipc *s, unsigned slot, const struct ipc_ticket *ticket,
		       const struct ipc_peer *peer)
{
	struct signal_state *state = s->state;

	state->fd = -1;
	signal_slot(s, slot)->tag = (unsigned)ticket->words[1];
	return rt_signal_adopt(&state->own, (int)ticket->words[0]) ?: signal_attach(s, slot, peer);
}

/*
 * Sends one piece. If WAIT and the queue is full, we nap and try again, since nothing tells when
 * there is room. The naps grow, because a thousand senders that try again and again keep the
 * receiver from running. They end: the quota may be full of signals to us, which nobody reads while
 * we nap.
 */
static int signal_push(struct ipc *s, int pidfd, siginfo_t *info, bool wait)
{
	int naps, rc;

	for (naps = 0; naps < 24; naps++) { /* about 230 ms in all */
		rc = (int)SYS(s, pidfd_send_signal(pidfd, info->si_signo, info, 0));
		if (rc != -EAGAIN || !wait)
			return rc == -ESRCH ? -EPIPE : rc;
		if (sys_poll(s, -1, 0, pidfd, SIGNAL_NAP_NS << (naps < 8 ? naps : 8)) != 0)
			return -EPIPE;
	}
	return -EAGAIN;
}

/* Waits for room for the first record, and for the rest of a record that has begun. */
static ssize_t signal_send(struct ipc *s, unsigned slot, const void *records, size_t n,
			   unsigned flags)
{
	const struct signal_slot *at = signal_slot(s, slot);
	siginfo_t *info = &((struct signal_state *)s->state)->info;
	unsigned piece, pieces = (unsigned)(s->record_size / SIGNAL_BYTES);
	const char *from = records;
	size_t sent;
	int rc;

	for (sent = 0; sent < n; sent++)
		for (piece = 0; piece < pieces; piece++, from += SIGNAL_BYTES) {
			memcpy(&info->si_value, from, SIGNAL_BYTES);
			info->si_errno = (int)(at->tag | piece);
			rc = signal_push(s, at->pidfd, info, piece > 0 || !(sent || flags));
			if (rc < 0)
				return sent > 0 ? (ssize_t)sent : rc;
		}
	return (ssize_t)n;
}

/* Puts together what was read. Returns records of one slot; 0: none is whole yet; -EPROTO. */
static ssize_t signal_take(struct ipc *s, unsigned *slot, char *records, size_t cap)
{
	struct signal_state *state = s->state;
	size_t got = 0;

	while (state->next < state->count && got < cap) {
		const struct signalfd_siginfo *info = &state->infos[state->next];
		unsigned tag = (unsigned)info->ssi_errno, piece = tag % 128;
		unsigned from = tag / 128 % 4096 % s->slots; /* whether it is true, tag says */
		struct signal_slot *at = signal_slot(s, from);
		bool known = at->pid > 0 && info->ssi_pid == (uint32_t)at->pid &&
			     at->tag + piece == tag && info->ssi_code == SI_QUEUE;

		if (known && got > 0 && (from != *slot || piece != at->filled))
			break;
		state->next++;
		if (info->ssi_code == SI_TIMER && state->tick == TICK_SET)
			state->tick = TICK_CAME;
		if (!known)
			continue;
		*slot = from;
		if (piece != 0 && piece != at->filled) /* 0: the one before was given up */
			return -EPROTO;
		at->pieces[piece].sival_ptr = (void *)(uintptr_t)info->ssi_ptr;
		at->filled = piece + 1;
		if (at->filled * SIGNAL_BYTES < s->record_size)
			continue;
		memcpy(records + got++ * s->record_size, at->pieces, s->record_size);
		at->filled = 0;
	}
	return (ssize_t)got;
}

static ssize_t signal_recv(struct ipc *s, unsigned *slot, void *records, size_t cap, unsigned flags)
{
	struct signal_state *state = s->state;
	struct iovec iov = { .iov_base = state->infos, .iov_len = sizeof state->infos };
	struct itimerspec second = { .it_value.tv_sec = 1 };
	ssize_t rc;

	while ((rc = signal_take(s, slot, records, cap)) == 0) {
		bool wait = !(flags & IPC_NOWAIT) && (!s->single || state->tick > TICK_CAME);

		if (wait && state->tick == TICK_IDLE &&
		    SYS(s, timer_settime(state->timer, 0, &second, NULL)) == 0)
			state->tick = TICK_SET;
		if (state->tick == TICK_CAME)
			state->tick = TICK_IDLE;
		rc = wait ? SYS(s, read(state->fd, state->infos, sizeof state->infos)) :
			    SYS(s, preadv2(state->fd, &iov, 1, -1, RWF_NOWAIT));
		/*
		 * signalfd knows RWF_NOWAIT since Linux 6.10. Before, poll tells, and nobody else
		 * reads here in between.
		 */
		if (rc == -EOPNOTSUPP && sys_poll(s, state->fd, POLLIN, -1, 0) > 0)
			rc = SYS(s, read(state->fd, state->infos, sizeof state->infos));
		if (rc < 0)
			return rc == -EOPNOTSUPP ? -EAGAIN : rc;
		state->next = 0;
		state->count = (size_t)rc / sizeof state->infos[0];
	}
	return rc;
}

static int signal_pollfd(struct ipc *s, short *events)
{
	const struct signal_state *state = s->state;

	*events = POLLIN;
	/* Nothing tells when the peer's queue has room. */
	return !ipc_receives(s) ? -ENOTSUP : state->next < state->count ? -EAGAIN : state->fd;
}

static void signal_detach(struct ipc *s, unsigned slot)
{
	struct signal_state *state = s->state;
	struct signal_slot *at = signal_slot(s, slot);

	/* A dead peer, even a zombie, sends nothing more. */
	if (at->pid > 0 && ipc_receives(s) &&
	    (at->pidfd < 0 || sys_poll(s, -1, 0, at->pidfd, 0) == 0))
		state->haunted = true;
	at->pid = 0; /* whatever it still has pending is nobody's */
	if (state->tick != TICK_NONE)
		(void)SYS(s, timer_delete(state->timer));
	state->tick = TICK_NONE;
}

static void signal_close(struct ipc *s)
{
	struct signal_state *state = s->state;

	sys_close(&state->fd);
	if (getpid() == s->opener)
		rt_signal_release(s, &state->own, state->haunted);
}

const struct ipc_backend ipc_signal = {
	.info = {
		.name = "signal",
		.title = "real-time signal",
		.summary = "one number per session; a record is a run of queued signals of 8 bytes",
		.group = IPC_GROUP_SIGNALS,
		.capabilities = IPC_CAP_POLLABLE | IPC_CAP_DURABLE | IPC_CAP_JOIN,
		.record_limit = SIGNAL_RECORD_LIMIT,
		.objects = { { "pending signals", "grep -E 'SigQ|SigBlk|ShdPnd' /proc/PID/status" },
			     { "a receiver's signalfd", "grep sigmask /proc/PID/fdinfo/N" } },
		.syscalls = { "rt_sigprocmask", "rt_sigaction", "signalfd4", "pidfd_send_signal",
			      "read", "preadv2", "ppoll", "timer_create", "timer_settime",
			      "timer_delete", "close" },
		.man = { "signal(7)", "signalfd(2)", "pidfd_send_signal(2)", "sigqueue(3)" },
	},
	.state_size = sizeof(struct signal_state),
	.slot_size = sizeof(struct signal_slot),
	.slot_calls = { { "pidfd_send_signal", { IPC_ARG_HUB_PIDFD, IPC_ARG_NUMBER } } },
	.probe = signal_probe,
	.limits = signal_limits,
	.hub_fds = signal_hub_fds,
	.open = signal_open,
	.arm = signal_arm,
	.attach = signal_attach,
	.ticket = signal_ticket,
	.join = signal_join,
	.send = signal_send,
	.recv = signal_recv,
	.pollfd = signal_pollfd,
	.detach = signal_detach,
	.close = signal_close,
};
