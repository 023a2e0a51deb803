/* SPDX-License-Identifier: MIT */
/*
 * uring_ring.h - an io_uring for one request of each slot, and for a few sends at a time: what has
 * completed is put into a list, in the order of completion.
 */
#ifndef IPC_URING_RING_H
#define IPC_URING_RING_H

#include <liburing.h>

#include "ipc/core/fd_slots.h"

#define URING_SENDS 16u /* in one call */

/* The slot state of such a mechanism begins with this. */
struct uring_pending {
	struct fd_slot fd; /* first: fd_slots.h */
	bool asked;        /* its request is under way; with SLOT as user data */
	bool ready;        /* it has completed, and is in the list */
	int result;
	unsigned next; /* in the list */
};

/* The session state of such a mechanism begins with this. */
struct uring_ring {
	struct fd_slots slots; /* first: fd_slots.h */
	struct io_uring io;
	unsigned first, last;  /* of the list; s->slots: none */
	unsigned sends;        /* under way; with s->slots + i as user data */
	int sent[URING_SENDS]; /* their results */
};

/* A ring of this process' own. Its memory is not inherited: a child could not use it. */
int uring_ring_make(struct ipc *s);

/* A request to fill in. NULL: the kernel takes no more. */
struct io_uring_sqe *uring_ring_request(struct ipc *s);

/* Takes what has completed. No system call. */
void uring_ring_reap(struct ipc *s);

/* Submits what there is, waits for WAIT results, and takes what has completed. 0 or -errno. */
int uring_ring_enter(struct ipc *s, unsigned wait);

/* The first of the list, which must not be empty, is *SLOT. Its result. */
int uring_ring_next(struct ipc *s, unsigned *slot);

/* Cancels SLOT's request, if there is one, waits for its end, and takes it out of the list. */
void uring_ring_forget(struct ipc *s, unsigned slot);

#endif
