/* SPDX-License-Identifier: MIT */
/*
 * kill_sweep.h - what a killed sender leaves behind: the parts of kill_sweep.c.
 */
#ifndef IPCDEMO_TESTS_KILL_SWEEP_H
#define IPCDEMO_TESTS_KILL_SWEEP_H

#include "tests/ipc/contract.h"

#define VICTIMS 4 /* slots, and so workers at once, of the random kills */

/* One mechanism's account. In memory that the parent shares, so that a crash loses none of it. */
struct account {
	uint64_t points;       /* instructions and system calls at which a sender was killed */
	uint64_t kills;        /* at random times */
	uint64_t acknowledged; /* records of the killed that ipc_send had taken */
	uint64_t lost;         /* of those, never received */
	uint64_t duplicated;   /* received again, or after a later one, or under a wrong owner */
	uint64_t torn;
	uint64_t invented; /* more than the call under way could have sent */
	uint64_t leaked;   /* descriptors, mappings, threads, processes, objects */
	uint64_t done;     /* 1: came to its end */
	double seconds;
	struct report report; /* steps */
};

struct options {
	unsigned stride; /* of mechanisms with threads of their own, and of nobody else */
	unsigned kills;
	const char *only; /* or NULL */
	bool network;     /* senders come by the network */
};

/*
 * The hub of one mechanism, with what it knows of each slot's owner. NEXT is the id due, FIRST the
 * owner's first.
 */
struct killing {
	struct world w;
	struct account *account;
	struct rng rng;
	uint64_t first[VICTIMS], next[VICTIMS];
	unsigned generation[VICTIMS];
};

/* A new owner for SLOT, running MAIN. */
void killing_spawn(struct killing *k, unsigned slot, worker_main *main);
/* One NOWAIT call; enters what it gets. Returns as ipc_recv. */
ssize_t killing_recv(struct killing *k, unsigned *slot);
/*
 * SLOT's owner is dead and reaped: receives what it left, settles its account, lets go of the
 * slot. At most MOST records may have been under way.
 */
void killing_settle(struct killing *k, unsigned slot, unsigned most);

/* Kills at every STRIDEth instruction of a send, and system call of a worker's life. */
void sweep_points(struct killing *k, unsigned stride);
/* Kills at random times. */
void sweep_random(struct killing *k, unsigned kills);

#endif
