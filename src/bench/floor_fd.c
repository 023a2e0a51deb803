/* SPDX-License-Identifier: MIT */
/*
 * floor_fd.c - the bare system calls of pipes, named pipes, SEQPACKET socket pairs and real-time
 * signals, with nothing between them and the loop.
 */
#include "config.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "bench/floor_fd.h"

#define UNIX_PACKET  4096 /* a batch is one packet, as in the mechanism */
#define SIGNALS_READ 64
#define QUEUE_NAP_NS 50000 /* there is no wake-up for room in a signal queue */

struct signal_link {
	struct fd_ends ends;
	unsigned next, count; /* of infos */
	siginfo_t info;
	struct signalfd_siginfo infos[SIGNALS_READ];
};

/* ---- what all of them share ---- */

static void fd_close(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

int fd_ends_open(struct link *l, size_t size)
{
	struct fd_ends *ends = calloc(1, size);

	if (!ends)
		return -ENOMEM;
	l->state = ends;
	ends->in = ends->out = -1;
	ends->down[0] = ends->down[1] = ends->up[0] = ends->up[1] = -1;
	return 0;
}

int fd_ends_open_pairs(struct link *l, fd_pair *pair)
{
	int rc = fd_ends_open(l, sizeof(struct fd_ends));
	struct fd_ends *ends = l->state;

	if (rc == 0)
		rc = pair(l, ends->down, false);
	return rc < 0 ? rc : pair(l, ends->up, true);
}

int fd_ends_attach(struct link *l, unsigned slot, enum ipc_role role, const struct ipc_peer *peer)
{
	struct fd_ends *ends = l->state;
	bool hub = role == IPC_HUB;

	(void)slot;
	(void)peer;
	ends->in = hub ? ends->up[0] : ends->down[0];
	ends->out = hub ? ends->down[1] : ends->up[1];
	fd_close(hub ? &ends->down[0] : &ends->down[1]);
	fd_close(hub ? &ends->up[1] : &ends->up[0]);
	return 0;
}

void fd_ends_close(struct link *l)
{
	struct fd_ends *ends = l->state;

	if (!ends)
		return;
	fd_close(&ends->in);
	fd_close(&ends->out);
	free(ends);
}

uint64_t fd_ends_syscalls(const struct link *l)
{
	return l->syscalls;
}

/* ---- pipe ---- */

static int pipe_pair(const struct link *l, int ends[2], bool to_hub)
{
	(void)l;
	(void)to_hub;
	return pipe2(ends, O_CLOEXEC) < 0 ? -errno : 0;
}

static inline int pipe_send(struct link *l, unsigned slot, size_t n)
{
	struct fd_ends *state = l->state;
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
	struct fd_ends *state = l->state;
	struct iovec iov = { .iov_base = l->records, .iov_len = cap * l->axes->size };
	ssize_t rc;

	*slot = 0;
	if (l->wait == IPC_SPIN) {
		while ((rc = CALL(l, preadv2(state->in, &iov, 1, -1, RWF_NOWAIT))) == -EAGAIN)
			link_pause();
	} else {
		rc = fd_ends_wait(l, state->in, POLLIN);
		if (rc == 0)
			rc = CALL(l, read(state->in, l->records, iov.iov_len));
	}
	return rc <= 0 ? rc : rc / (ssize_t)l->axes->size;
}

LINK_LOOPS(pipe)

FD_FLOOR(floor_pipe, pipe_pair, pipe);

/* ---- named pipe ---- */

/* Both ends of a FIFO, whose name is needed only here. Spinning needs O_NONBLOCK: no RWF_NOWAIT. */
static int fifo_pair(const struct link *l, int ends[2], bool to_hub)
{
	const int spin = l->wait == IPC_SPIN ? O_NONBLOCK : 0;
	char path[PATH_MAX];
	int either;

	(void)to_hub;
	(void)snprintf(path, sizeof path, "%s/floor-fifo", l->dir ? l->dir : "/tmp");
	if (mkfifo(path, 0600) < 0)
		return -errno;
	either = open(path, O_RDWR | O_CLOEXEC); /* so that the next two need not wait */
	ends[0] = open(path, O_RDONLY | O_CLOEXEC | spin);
	ends[1] = open(path, O_WRONLY | O_CLOEXEC | spin);
	(void)unlink(path);
	fd_close(&either);
	return ends[0] < 0 || ends[1] < 0 ? -EMFILE : 0;
}

static inline int fifo_send(struct link *l, unsigned slot, size_t n)
{
	struct fd_ends *state = l->state;
	size_t most = PIPE_BUF / l->axes->size * l->axes->size, left = n * l->axes->size;
	char *from = l->records;
	ssize_t rc = 0;

	(void)slot;
	for (; left > 0 && rc >= 0; left -= (size_t)rc, from += rc)
		while ((rc = CALL(l, write(state->out, from, left < most ? left : most))) ==
		       -EAGAIN)
			link_pause();
	return rc < 0 ? (int)rc : 0;
}

static inline ssize_t fifo_recv(struct link *l, unsigned *slot, size_t cap)
{
	struct fd_ends *state = l->state;
	ssize_t rc = fd_ends_wait(l, state->in, POLLIN);

	*slot = 0;
	while (rc >= 0 &&
	       (rc = CALL(l, read(state->in, l->records, cap * l->axes->size))) == -EAGAIN) {
		link_pause();
		rc = 0;
	}
	return rc <= 0 ? rc : rc / (ssize_t)l->axes->size;
}

LINK_LOOPS(fifo)

FD_FLOOR(floor_fifo, fifo_pair, fifo);

/* ---- Unix socket ---- */

static int unix_pair(const struct link *l, int ends[2], bool to_hub)
{
	(void)l;
	(void)to_hub;
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0 ? -errno : 0;
}

static inline int unix_send(struct link *l, unsigned slot, size_t n)
{
	(void)slot;
	return fd_ends_send(l, n, UNIX_PACKET);
}

static inline ssize_t unix_recv(struct link *l, unsigned *slot, size_t cap)
{
	*slot = 0;
	return fd_ends_recv_packet(l, cap, NULL, 0);
}

LINK_LOOPS(unix)

FD_FLOOR(floor_unix, unix_pair, unix);

/* ---- real-time signals ---- */

/* The last real-time signal: a session in the same process takes the first free one. */
#define SIGNAL SIGRTMAX

static int signal_open(struct link *l)
{
	int rc = fd_ends_open(l, sizeof(struct signal_link));
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGNAL);
	(void)sigprocmask(SIG_BLOCK, &set, NULL); /* the slot inherits it: cannot fail */
	return rc;
}

static int signal_attach(struct link *l, unsigned slot, enum ipc_role role,
			 const struct ipc_peer *peer)
{
	struct signal_link *state = l->state;
	sigset_t set;

	(void)slot;
	(void)role;
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGNAL);
	state->ends.out = fcntl(peer->pidfd, F_DUPFD_CLOEXEC, 0);
	state->info = (siginfo_t){ .si_signo = SIGNAL, .si_code = SI_QUEUE };
	state->info.si_pid = getpid();
	state->info.si_uid = getuid();
	state->ends.in = signalfd(-1, &set, SFD_CLOEXEC);
	return state->ends.in < 0 || state->ends.out < 0 ? -errno : 0;
}

static inline int signal_send(struct link *l, unsigned slot, size_t n)
{
	struct signal_link *state = l->state;
	const struct timespec nap = { .tv_nsec = QUEUE_NAP_NS };
	size_t words = n * l->axes->size / sizeof(uintptr_t), i;
	ssize_t rc;

	(void)slot;
	for (i = 0; i < words; i++) {
		memcpy(&state->info.si_value, (char *)l->records + i * sizeof(uintptr_t),
		       sizeof(uintptr_t));
		while ((rc = CALL(l, pidfd_send_signal(state->ends.out, SIGNAL, &state->info,
						       0))) == -EAGAIN)
			(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &nap, NULL);
		if (rc < 0)
			return rc == -ESRCH ? -EPIPE : (int)rc;
	}
	return 0;
}

static inline int signal_read(struct link *l)
{
	struct signal_link *state = l->state;
	struct iovec iov = { .iov_base = state->infos, .iov_len = sizeof state->infos };
	ssize_t rc;

	if (l->wait == IPC_SPIN) {
		while ((rc = CALL(l, preadv2(state->ends.in, &iov, 1, -1, RWF_NOWAIT))) == -EAGAIN)
			link_pause();
	} else {
		rc = fd_ends_wait(l, state->ends.in, POLLIN);
		if (rc == 0)
			rc = CALL(l, read(state->ends.in, state->infos, sizeof state->infos));
	}
	if (rc < 0)
		return (int)rc;
	state->next = 0;
	state->count = (unsigned)((size_t)rc / sizeof state->infos[0]);
	return 0;
}

static inline ssize_t signal_recv(struct link *l, unsigned *slot, size_t cap)
{
	struct signal_link *state = l->state;
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
	.syscalls = fd_ends_syscalls,
	.close = fd_ends_close,
};
