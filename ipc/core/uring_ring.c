/* SPDX-License-Identifier: MIT */
/* uring_ring.c - see uring_ring.h */
#include "config.h"

#include "ipc/core/uring_ring.h"

#include "ipc/core/sys.h"

#define URING_CANCEL UINT64_MAX
#define MAKE_NAPS    100 /* a second in all */
#define MAKE_NAP_NS  10000000

static struct uring_ring *ring_of(const struct ipc *s)
{
	return s->state;
}

static struct uring_pending *pending(const struct ipc *s, unsigned slot)
{
	return (void *)fd_slots_at(s, slot);
}

int uring_ring_make(struct ipc *s)
{
	struct uring_ring *state = ring_of(s);
	unsigned slots = s->role == IPC_HUB ? s->slots : 1;
	/*
	 * Room for one result of each slot. Rings count as locked memory, so many slots get small
	 * rings. COOP_TASKRUN, TASKRUN_FLAG: to deliver a result the kernel does not interrupt who
	 * runs, which takes longer than the result, but sets a flag for who looks.
	 */
	struct io_uring_params params = { .flags = IORING_SETUP_CQSIZE | IORING_SETUP_COOP_TASKRUN |
						   IORING_SETUP_TASKRUN_FLAG,
					  .cq_entries = 2 * (slots + URING_SENDS) };
	int rc, naps = 0;

	/* Rings of dead processes count until the kernel has freed them, a moment later. */
	while ((rc = io_uring_queue_init_params(URING_SENDS, &state->io, &params)) == -ENOMEM &&
	       naps++ < MAKE_NAPS)
		(void)sys_poll(s, -1, 0, -1, MAKE_NAP_NS);
	s->syscalls++;
	state->first = state->last = s->slots;
	if (rc < 0)
		state->io.ring_fd = -1;
	return rc < 0 ? rc : io_uring_ring_dontfork(&state->io);
}

/* The next result, if there is one. A system call if the kernel has some that are not delivered. */
static bool peek(struct ipc *s, struct io_uring_cqe **cqe)
{
	struct io_uring *io = &ring_of(s)->io;

	if (io_uring_cq_ready(io) == 0 && (IO_URING_READ_ONCE(*io->sq.kflags) & IORING_SQ_TASKRUN))
		s->syscalls++;
	return io_uring_peek_cqe(io, cqe) == 0;
}

void uring_ring_reap(struct ipc *s)
{
	struct uring_ring *state = ring_of(s);
	struct io_uring_cqe *cqe;

	while (peek(s, &cqe)) {
		uint64_t of = io_uring_cqe_get_data64(cqe);
		struct uring_pending *at = pending(s, (unsigned)of);

		if (of >= s->slots && of != URING_CANCEL) {
			state->sent[of - s->slots] = cqe->res;
			state->sends--;
		} else if (of != URING_CANCEL) {
			at->asked = false;
			at->ready = true;
			at->result = cqe->res;
			at->next = s->slots;
			if (state->first == s->slots)
				state->first = (unsigned)of;
			else
				pending(s, state->last)->next = (unsigned)of;
			state->last = (unsigned)of;
		}
		io_uring_cqe_seen(&state->io, cqe);
	}
}

int uring_ring_enter(struct ipc *s, unsigned wait)
{
	int rc;

	do {
		s->syscalls++;
		rc = io_uring_submit_and_wait(&ring_of(s)->io, wait);
	} while (rc == -EINTR);
	uring_ring_reap(s);
	return rc < 0 ? rc : 0;
}

struct io_uring_sqe *uring_ring_request(struct ipc *s)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring_of(s)->io);

	if (!sqe && uring_ring_enter(s, 0) == 0) /* the submission ring was full */
		sqe = io_uring_get_sqe(&ring_of(s)->io);
	return sqe;
}

int uring_ring_next(struct ipc *s, unsigned *slot)
{
	struct uring_pending *at = pending(s, ring_of(s)->first);

	*slot = ring_of(s)->first;
	ring_of(s)->first = at->next;
	at->ready = false;
	return at->result;
}

void uring_ring_forget(struct ipc *s, unsigned slot)
{
	struct uring_ring *state = ring_of(s);
	struct uring_pending *at = pending(s, slot);
	struct io_uring_sqe *sqe = at->asked ? uring_ring_request(s) : NULL;
	unsigned i, last = s->slots;

	if (sqe) {
		io_uring_prep_cancel64(sqe, slot, 0);
		io_uring_sqe_set_data64(sqe, URING_CANCEL);
		while (at->asked && uring_ring_enter(s, 1) == 0)
			;
	}
	for (i = state->first; at->ready && i != slot; last = i, i = pending(s, i)->next)
		;
	if (!at->ready)
		return;
	*(last == s->slots ? &state->first : &pending(s, last)->next) = at->next;
	state->last = state->last == slot ? last : state->last;
	at->ready = false;
}
