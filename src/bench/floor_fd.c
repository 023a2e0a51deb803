/* SPDX-License-Identifier: MIT */
/*
 * floor_fd.c - floors of the mechanisms that are descriptors: the bare system calls of a pipe, of a
 * SEQPACKET socket pair and of real-time signals, with nothing between them and the loop.
 *
 * Waiting is as bare: block is the blocking call, poll is ppoll(2) and the call, spin is the call
 * that does not wait, again and again.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "bench/floor.h"
#include "bench/loop.h"

#define UNIX_PACKET  4096 /* a batch travels as one packet, as in the mechanism */
#define SIGNALS_READ 64
#define QUEUE_NAP_NS 50000 /* nothing tells when a signal queue has room */

struct fd_link {
	int in, out;          /* this process' ends */
	int down[2], up[2];   /* [0] the receiver's, [1] the sender's */
	unsigned next, count; /* of infos */
	siginfo_t info;
	struct signalfd_siginfo infos[SIGNALS_READ];
};

/* A call: counted, and restarted after a signal. -errno. */
#define CALL(l, call)                       \
 __extension__(                             \
	 {                                  \
   ssize_t call_rc;                         \
   do {                                     \
    (l)->syscalls++;                        \
    call_rc = (call);                       \
   } while (call_rc < 0 && errno == EINTR); \
   call_rc < 0 ? -errno : call_rc;          \
	 })

static void fd_close(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

static int fd_open(struct link *l)
{
	struct fd_link *state = calloc(1, sizeof *state);

	if (!state)
		return -ENOMEM;
	l->state = state;
	state->in = state->out = -1;
	state->down[0] = state->down[1] = state->up[0] = state->up[1] = -1;
	return 0;
}

/* Keeps this role's ends and closes the other's. */
static int fd_attach(struct link *l, unsigned slot, enum ipc_role role, const struct ipc_peer *peer)
{
	struct fd_link *state = l->state;
	bool hub = role == IPC_HUB;

	(void)slot;
	(void)peer;
	state->in = hub ? state->up[0] : state->down[0];
	state->out = hub ? state->down[1] : state->up[1];
	fd_close(hub ? &state->down[0] : &state->down[1]);
	fd_close(hub ? &state->up[1] : &state->up[0]);
	return 0;
}

static void fd_link_close(struct link *l)
{
	struct fd_link *state = l->state;

	if (!state)
		return;
	fd_close(&state->in);
	fd_close(&state->out);
	free(state);
}

static uint64_t fd_syscalls(const struct link *l)
{
	return l->syscalls;
}

/* ppoll(2) before the call, if that is the strategy. */
static inline int fd_wait(struct link *l, int fd, short events)
{
	struct pollfd pollfd = { .fd = fd, .events = events };
	ssize_t rc;

	if (l->wait != IPC_POLL)
		return 0;
	rc = CALL(l, ppoll(&pollfd, 1, NULL, NULL));
	return rc < 0 ? (int)rc : 0;
}

/* ---- pipe ---- */

static int pipe_open(struct link *l)
{
	int rc = fd_open(l);
	struct fd_link *state = l->state;

	if (rc < 0)
		return rc;
	if (pipe2(state->down, O_CLOEXEC) < 0 || pipe2(state->up, O_CLOEXEC) < 0)
		return -errno;
	return 0;
}

static inline int pipe_send(struct link *l, unsigned slot, size_t n)
{
	struct fd_link *state = l->state;
	size_t most = PIPE_BUF / l->axes->size * l->axes->size, left = n * l->axes->size;
	char *from = l->records;
	ssize_t rc = 0;

	(void)slot;
	for (; left > 0 && rc >= 0; left -= (size_t)rc, from += rc) {
		struct iovec iov = { .iov_base = from, .iov_len = left < most ? left : most };

		if (l->wait != IPC_SPIN) {
			rc = CALL(l, write(state->out, from, iov.iov_len));
			continue;
		}
		while ((rc = CALL(l, pwritev2(state->out, &iov, 1, -1, RWF_NOWAIT))) == -EAGAIN)
			link_pause();
	}
	return rc < 0 ? (int)rc : 0;
}

static inline ssize_t pipe_recv(struct link *l, unsigned *slot, size_t cap)
{
	struct fd_link *state = l->state;
	struct iovec iov = { .iov_base = l->records, .iov_len = cap * l->axes->size };
	ssize_t rc;

	*slot = 0;
	if (l->wait == IPC_SPIN) {
		while ((rc = CALL(l, preadv2(state->in, &iov, 1, -1, RWF_NOWAIT))) == -EAGAIN)
			link_pause();
	} else {
		rc = fd_wait(l, state->in, POLLIN);
		if (rc == 0)
			rc = CALL(l, read(state->in, l->records, iov.iov_len));
	}
	return rc <= 0 ? rc : rc / (ssize_t)l->axes->size;
}

LINK_LOOPS(pipe)

const struct link_ops floor_pipe = {
	.open = pipe_open,
	.attach = fd_attach,
	.hub = pipe_hub,
	.slot = pipe_slot,
	.syscalls = fd_syscalls,
	.close = fd_link_close,
};

/* ---- Unix socket ---- */

static int unix_open(struct link *l)
{
	int rc = fd_open(l);
	struct fd_link *state = l->state;

	if (rc < 0)
		return rc;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, state->down) < 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, state->up) < 0)
		return -errno;
	return 0;
}

static inline int unix_send(struct link *l, unsigned slot, size_t n)
{
	struct fd_link *state = l->state;
	size_t size = l->axes->size, left = n * size;
	size_t most = size < UNIX_PACKET ? UNIX_PACKET / size * size : size;
	int flags = MSG_NOSIGNAL | (l->wait == IPC_SPIN ? MSG_DONTWAIT : 0);
	char *from = l->records;
	ssize_t rc = 0;

	(void)slot;
	for (; left > 0 && rc >= 0; left -= (size_t)rc, from += rc)
		while ((rc = CALL(l, send(state->out, from, left < most ? left : most, flags))) ==
		       -EAGAIN)
			link_pause();
	return rc < 0 ? (int)rc : 0;
}

static inline ssize_t unix_recv(struct link *l, unsigned *slot, size_t cap)
{
	struct fd_link *state = l->state;
	struct iovec iov = { .iov_base = l->records, .iov_len = cap * l->axes->size };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	int flags = l->wait == IPC_SPIN ? MSG_DONTWAIT : 0;
	ssize_t rc = fd_wait(l, state->in, POLLIN);

	*slot = 0;
	while (rc >= 0 && (rc = CALL(l, recvmsg(state->in, &msg, flags))) == -EAGAIN) {
		link_pause();
		rc = 0;
	}
	return rc <= 0 ? rc : rc / (ssize_t)l->axes->size;
}

LINK_LOOPS(unix)

const struct link_ops floor_unix = {
	.open = unix_open,
	.attach = fd_attach,
	.hub = unix_hub,
	.slot = unix_slot,
	.syscalls = fd_syscalls,
	.close = fd_link_close,
};

/* ---- real-time signals ---- */

static int signal_open(struct link *l)
{
	int rc = fd_open(l);
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGRTMIN);
	(void)sigprocmask(SIG_BLOCK, &set, NULL); /* the slot inherits it: cannot fail */
	return rc;
}

static int signal_attach(struct link *l, unsigned slot, enum ipc_role role,
			 const struct ipc_peer *peer)
{
	struct fd_link *state = l->state;
	sigset_t set;

	(void)slot;
	(void)role;
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGRTMIN);
	state->out = fcntl(peer->pidfd, F_DUPFD_CLOEXEC, 0);
	state->info = (siginfo_t){ .si_signo = SIGRTMIN, .si_code = SI_QUEUE };
	state->info.si_pid = getpid();
	state->info.si_uid = getuid();
	state->in = signalfd(-1, &set, SFD_CLOEXEC);
	return state->in < 0 || state->out < 0 ? -errno : 0;
}

static inline int signal_send(struct link *l, unsigned slot, size_t n)
{
	struct fd_link *state = l->state;
	const struct timespec nap = { .tv_nsec = QUEUE_NAP_NS };
	size_t words = n * l->axes->size / sizeof(uintptr_t), i;
	ssize_t rc;

	(void)slot;
	for (i = 0; i < words; i++) {
		memcpy(&state->info.si_value, (char *)l->records + i * sizeof(uintptr_t),
		       sizeof(uintptr_t));
		while ((rc = CALL(l, pidfd_send_signal(state->out, SIGRTMIN, &state->info, 0))) ==
		       -EAGAIN)
			(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &nap, NULL);
		if (rc < 0)
			return rc == -ESRCH ? -EPIPE : (int)rc;
	}
	return 0;
}

static inline int signal_read(struct link *l)
{
	struct fd_link *state = l->state;
	struct iovec iov = { .iov_base = state->infos, .iov_len = sizeof state->infos };
	ssize_t rc;

	if (l->wait == IPC_SPIN) {
		while ((rc = CALL(l, preadv2(state->in, &iov, 1, -1, RWF_NOWAIT))) == -EAGAIN)
			link_pause();
	} else {
		rc = fd_wait(l, state->in, POLLIN);
		if (rc == 0)
			rc = CALL(l, read(state->in, state->infos, sizeof state->infos));
	}
	if (rc < 0)
		return (int)rc;
	state->next = 0;
	state->count = (unsigned)((size_t)rc / sizeof state->infos[0]);
	return 0;
}

static inline ssize_t signal_recv(struct link *l, unsigned *slot, size_t cap)
{
	struct fd_link *state = l->state;
	size_t words = l->axes->size / sizeof(uintptr_t), have = 0;
	uintptr_t *to = l->records;
	int rc;

	*slot = 0;
	for (;;) {
		while (state->next < state->count && have < cap * words)
			to[have++] = (uintptr_t)state->infos[state->next++].ssi_ptr;
		if (have > 0 && have % words == 0)
			return (ssize_t)(have / words);
		rc = signal_read(l);
		if (rc < 0)
			return rc;
	}
}

LINK_LOOPS(signal)

const struct link_ops floor_signal = {
	.open = signal_open,
	.attach = signal_attach,
	.hub = signal_hub,
	.slot = signal_slot,
	.syscalls = fd_syscalls,
	.close = fd_link_close,
};
