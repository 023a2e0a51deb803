/* SPDX-License-Identifier: MIT */
/*
 * floor_uring.c - the floor of io_uring: liburing's own calls on SEQPACKET socket pairs. A send
 * submits its packets, linked, and waits for their results; a receive submits its request and waits
 * in the same call. There is a ring for each direction, because each of two sessions has one. With
 * a single ring for both directions the floor would be 6 % lower, but no session could reach it.
 */
#include "config.h"

#ifdef HAVE_URING

# include <liburing.h>
# include <sys/socket.h>

# include "bench/floor_fd.h"

# define PACKET 4096 /* a batch travels in packets of this, as in the mechanism */
# define SENDS  16u  /* of one call */
# define FLAGS  (IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG) /* uring_ring.c */

struct uring_link {
	struct fd_ends ends;
	struct io_uring in, out;
	bool made;
};

static int uring_open(struct link *l)
{
	int rc = fd_ends_open(l, sizeof(struct uring_link));
	struct uring_link *state = l->state;

	if (rc < 0)
		return rc;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, state->ends.down) < 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, state->ends.up) < 0)
		return -errno;
	return 0;
}

/* Makes the rings after the fork: a ring belongs to one process. */
static int uring_attach(struct link *l, unsigned slot, enum ipc_role role,
			const struct ipc_peer *peer)
{
	struct uring_link *state = l->state;
	int rc = fd_ends_attach(l, slot, role, peer);

	if (rc == 0)
		rc = io_uring_queue_init(SENDS, &state->in, FLAGS);
	if (rc == 0 && (rc = io_uring_queue_init(SENDS, &state->out, FLAGS)) < 0)
		io_uring_queue_exit(&state->in);
	state->made = rc == 0;
	return rc;
}

static void uring_close(struct link *l)
{
	struct uring_link *state = l->state;

	if (state && state->made) {
		io_uring_queue_exit(&state->in);
		io_uring_queue_exit(&state->out);
	}
	fd_ends_close(l);
}

/* Submits all requests and waits for N results. Returns the last one, or -errno if one failed. */
static inline int uring_results(struct link *l, struct io_uring *ring, unsigned n)
{
	struct io_uring_cqe *cqe = NULL;
	const bool spin = l->wait == IPC_SPIN;
	int rc, result = 0;

	do {
		l->syscalls++;
		rc = io_uring_submit_and_wait(ring, spin ? 0 : n);
	} while (rc == -EINTR);
	for (; n > 0 && rc >= 0; n--) {
		while ((rc = io_uring_peek_cqe(ring, &cqe)) == -EAGAIN)
			link_pause();
		if (rc < 0)
			break;
		result = rc = cqe->res;
		io_uring_cqe_seen(ring, cqe);
	}
	return rc < 0 ? rc : result;
}

static inline int uring_send(struct link *l, unsigned slot, size_t n)
{
	struct uring_link *state = l->state;
	const size_t size = l->axes->size, most = PACKET / size * size;
	size_t left = n * size, part;
	char *from = l->records;
	unsigned packets;
	int rc = 0;

	(void)slot;
	while (left > 0 && rc >= 0) {
		for (packets = 0; left > 0 && packets < SENDS; packets++) {
			struct io_uring_sqe *sqe = io_uring_get_sqe(&state->out);

			part = left < most ? left : most;
			io_uring_prep_send(sqe, state->ends.out, from, part, MSG_NOSIGNAL);
			left -= part;
			from += part;
			sqe->flags = left > 0 && packets + 1 < SENDS ? IOSQE_IO_LINK : 0;
		}
		rc = uring_results(l, &state->out, packets);
	}
	return rc < 0 ? rc : 0;
}

static inline ssize_t uring_recv(struct link *l, unsigned *slot, size_t cap)
{
	struct uring_link *state = l->state;
	int rc;

	*slot = 0;
	io_uring_prep_recv(io_uring_get_sqe(&state->in), state->ends.in, l->records,
			   cap * l->axes->size, 0);
	if (l->wait == IPC_POLL) {
		l->syscalls++;
		(void)io_uring_submit(&state->in);
		(void)fd_ends_wait(l, state->in.ring_fd, POLLIN);
	}
	rc = uring_results(l, &state->in, 1);
	return rc <= 0 ? rc : rc / (ssize_t)l->axes->size;
}

LINK_LOOPS(uring)

const struct link_ops floor_uring = {
	.open = uring_open,
	.attach = uring_attach,
	.hub = uring_hub,
	.slot = uring_slot,
	.syscalls = fd_ends_syscalls,
	.close = uring_close,
};

#endif
