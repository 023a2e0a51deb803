/* SPDX-License-Identifier: MIT */
/*
 * floor_vm.c - the floor of the peer's memory: process_vm_readv(2) and process_vm_writev(2) on two
 * rings in the slot's memory, and a packet with the number of new records, or of places that are
 * free again.
 *
 * The rings are mapped before the fork, so the hub knows their addresses; it never touches its own
 * copies.
 */
#include "config.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "bench/floor_fd.h"

#define DEPTH 256u
#define BATCH 65536u

struct vm_ring {
	char *at;          /* in the slot's memory */
	uint64_t position; /* of this side */
	uint64_t count;    /* sending: places that are free; receiving: records that are there */
	uint64_t owed;     /* receiving: free places that were not reported to the sender yet */
};

struct vm_link {
	struct fd_ends ends;
	size_t depth;
	struct vm_ring out, in;
	pid_t slot; /* in the hub; 0: this is the slot */
};

static int vm_open(struct link *l)
{
	int rc = fd_ends_open(l, sizeof(struct vm_link));
	struct vm_link *state = l->state;
	size_t bytes;

	if (rc < 0)
		return rc;
	state->depth = l->axes->depth ? l->axes->depth : DEPTH;
	bytes = state->depth * l->axes->size;
	/* As in the hub; attach swaps them in the slot. Mapped until the process ends. */
	state->out.at =
		mmap(NULL, 2 * bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (state->out.at == MAP_FAILED ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, state->ends.down) < 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, state->ends.up) < 0)
		return -errno;
	state->in.at = state->out.at + bytes;
	return 0;
}

static int vm_attach(struct link *l, unsigned slot, enum ipc_role role, const struct ipc_peer *peer)
{
	struct vm_link *state = l->state;
	const struct vm_ring down = state->out;

	if (role == IPC_HUB) {
		state->slot = peer->pid;
	} else {
		/* Maps the pages before the start. The hub may have written into them already. */
		(void)madvise(down.at, 2 * state->depth * l->axes->size, MADV_POPULATE_WRITE);
		state->out = state->in;
		state->in = down;
	}
	state->out.count = state->depth;
	return fd_ends_attach(l, slot, role, peer);
}

/* Copies N records, from DONE on, between the buffer and RING. 0 or -errno. */
static inline int vm_copy(struct link *l, struct vm_ring *ring, size_t done, size_t n, bool in)
{
	const struct vm_link *state = l->state;
	const size_t size = l->axes->size, first = ring->position % state->depth;
	const size_t straight = state->depth - first < n ? state->depth - first : n;
	const struct iovec near = { .iov_base = loop_at(l, done), .iov_len = n * size };
	const struct iovec far[2] = {
		{ .iov_base = ring->at + first * size, .iov_len = straight * size },
		{ .iov_base = ring->at, .iov_len = (n - straight) * size },
	};
	ssize_t rc;

	ring->position += n;
	if (state->slot) {
		rc = in ? CALL(l, process_vm_readv(state->slot, &near, 1, far, 2, 0)) :
			  CALL(l, process_vm_writev(state->slot, &near, 1, far, 2, 0));
		return rc < 0 ? (int)rc : 0;
	}
	memcpy(in ? near.iov_base : far[0].iov_base, in ? far[0].iov_base : near.iov_base,
	       far[0].iov_len);
	if (straight < n)
		memcpy(in ? (char *)near.iov_base + far[0].iov_len : far[1].iov_base,
		       in ? far[1].iov_base : (char *)near.iov_base + far[0].iov_len,
		       far[1].iov_len);
	return 0;
}

/* Waits for the next note. 1; 0 at the end of file; or -errno. */
static inline int vm_read_note(struct link *l, int fd, struct vm_ring *ring)
{
	const int dontwait = l->wait == IPC_SPIN ? MSG_DONTWAIT : 0;
	uint64_t note = 0;
	ssize_t rc = fd_ends_wait(l, fd, POLLIN);

	while (rc >= 0 && (rc = CALL(l, recv(fd, &note, sizeof note, dontwait))) == -EAGAIN) {
		link_pause();
		rc = 0;
	}
	ring->count += note;
	return rc > 0 ? 1 : (int)rc;
}

static inline int vm_tell(struct link *l, int fd, uint64_t note)
{
	ssize_t rc = CALL(l, send(fd, &note, sizeof note, MSG_NOSIGNAL));

	return rc < 0 ? (int)rc : 0;
}

static inline int vm_send(struct link *l, unsigned slot, size_t n)
{
	struct vm_link *state = l->state;
	struct vm_ring *ring = &state->out;
	const size_t most = l->axes->size < BATCH ? BATCH / l->axes->size : 1;
	size_t done, part;
	int rc = 1;

	(void)slot;
	for (done = 0; done < n && rc >= 0; done += part) {
		part = n - done < most ? n - done : most;
		if (ring->count == 0 && (rc = vm_read_note(l, state->ends.out, ring)) <= 0)
			return rc < 0 ? rc : -EPIPE;
		part = part < ring->count ? part : (size_t)ring->count;
		ring->count -= part;
		rc = vm_copy(l, ring, done, part, false);
		if (rc == 0)
			rc = vm_tell(l, state->ends.out, part);
	}
	return rc;
}

static inline ssize_t vm_recv(struct link *l, unsigned *slot, size_t cap)
{
	struct vm_link *state = l->state;
	struct vm_ring *ring = &state->in;
	size_t n;
	int rc;

	*slot = 0;
	if (ring->count == 0 && (rc = vm_read_note(l, state->ends.in, ring)) <= 0)
		return rc;
	n = cap < ring->count ? cap : (size_t)ring->count;
	rc = vm_copy(l, ring, 0, n, true);
	ring->count -= n;
	ring->owed += n;
	if (rc == 0 && ring->owed >= (state->depth + 3) / 4) {
		rc = vm_tell(l, state->ends.in, ring->owed);
		ring->owed = 0;
	}
	return rc < 0 ? rc : (ssize_t)n;
}

LINK_LOOPS(vm)

const struct link_ops floor_vm = {
	.open = vm_open,
	.attach = vm_attach,
	.hub = vm_hub,
	.slot = vm_slot,
	.syscalls = fd_ends_syscalls,
	.close = fd_ends_close,
};
