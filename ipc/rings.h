/* SPDX-License-Identifier: MIT */
/*
 * rings.h - for mechanisms that are shared memory: a ring (ring.h) and a doorbell per slot.
 *
 * What differs between them is only how the memory is made; their arm() does that, and
 * hands the descriptor over:
 *
 *      fd = shm_open() or memfd_create()
 *      rings_size(s, fd)          no memory left is said here, not by SIGBUS later
 *      rings_map(s, slot, fd)
 *      close(fd)                  before the worker exists: none can truncate it
 *
 * A doorbell is an eventfd(2) that one process sleeps on: one of the hub for the whole session,
 * one of each slot's process. Whoever is awake rings that of the other side, and only if it
 * has announced its sleep: for a record where the other side receives, for room where it sends.
 */
#ifndef IPC_RINGS_H
#define IPC_RINGS_H

#include "backend.h"
#include "ring.h"

/* The session state of such a mechanism. */
struct rings {
	int bell;         /* the hub sleeps on it; shared by all who may wake it */
	bool announced;   /* so the own bell may have been rung since it was last silenced */
	bool asymmetric;  /* membarrier(2) works here: see ring.h */
	unsigned next;    /* a receiving hub: whose turn it is */
	uint32_t entries; /* of each ring */
};

/* The slot state of such a mechanism. */
struct rings_slot {
	struct ring ring; /* live: attached, and the peer has written nothing impossible */
	bool inherited;   /* a child forked now would have the mapping too */
	bool full;        /* sending: the last send met no room */
	uint64_t slept;   /* receiving: the position after its last sleep */
	int bell;         /* the slot's process sleeps on it */
};

int rings_open(struct ipc *s);
int rings_size(struct ipc *s, int fd);
int rings_map(struct ipc *s, unsigned slot, int fd);
int rings_attach(struct ipc *s, unsigned slot, const struct ipc_peer *peer);
ssize_t rings_send(struct ipc *s, unsigned slot, const void *records, size_t n, unsigned flags);
ssize_t rings_recv(struct ipc *s, unsigned *slot, void *records, size_t cap, unsigned flags);
int rings_pollfd(struct ipc *s, short *events);
void rings_detach(struct ipc *s, unsigned slot);
void rings_close(struct ipc *s);
int rings_hub_fds(unsigned slots);

/* Bytes that a slot maps for records of RECORD_SIZE, with the mechanism's own depth. */
size_t rings_slot_bytes(size_t record_size);

#endif
