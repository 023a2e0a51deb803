/* SPDX-License-Identifier: MIT */
/*
 * link.h - the two ends of a row while one of its rounds is measured.
 *
 * A link is a way of moving records between the hub's process and its slots: our library, or
 * a mechanism's bare system calls. Each kind is one const struct link_ops; its two
 * loops are made from loop.h.
 */
#ifndef IPCDEMO_BENCH_LINK_H
#define IPCDEMO_BENCH_LINK_H

#include "bench/bench.h"

#include <stdalign.h>
#include <stdatomic.h>

/* The bare cache line: one word that two CPUs hand to and fro. */
struct bench_line {
	alignas(64) _Atomic uint64_t word[2]; /* both in one line: [0] there, [1] back */
};

/* What one process reports. Written by it alone, read after its end. */
struct bench_side {
	uint64_t start, end;    /* ticks: of the measured stream, where the sender times it */
	struct bench_cost cost; /* of the measured part */
	int rc;                 /* 0 or -errno of its loop */
	char what[64];          /* which step failed */
};

/* Shared by the coordinator, which makes it, and the processes of a round. */
struct bench_area {
	struct bench_line line;
	bool complete; /* the hub has finished, all slots with it */
	char reason[BENCH_REASON];
	size_t samples_n, lags_n;
	uint64_t records;
	uint64_t there_min, back_min; /* oneway: shortest way each way, ticks */
	double line_ticks;            /* per round trip; 0: not taken */
	struct {
		double call, copy, getpid, clock, stamp, line, lost;
	} base; /* as in struct bench_base */
	struct bench_side hub, slot[BENCH_SENDERS_MAX];
};

struct link_ops;

struct link {
	const struct link_ops *ops;
	const struct bench *bench;
	const struct bench_axes *axes;
	const struct bench_options *options;
	const struct tick_clock *clock;
	const char *dir;
	struct bench_area *area;
	uint64_t *samples, *lags; /* shared; [room] */
	size_t room;
	void *records;     /* one call's worth, 64-byte aligned */
	size_t cap;        /* records that a receiver takes at once, at most */
	void *state;       /* of the ops */
	uint64_t syscalls; /* counted by a floor, which has no session to do it */
};

struct link_ops {
	int (*open)(struct link *link); /* the hub, before any slot exists */
	int (*arm)(struct link *link,
		   unsigned slot); /* the hub, before that slot's fork. May be NULL */
	int (*attach)(struct link *link, unsigned slot, enum ipc_role role,
		      const struct ipc_peer *peer);
	int (*hub)(struct link *link);
	int (*slot)(struct link *link, unsigned slot);
	uint64_t (*syscalls)(const struct link *link);
	void (*close)(struct link *link);
};

extern const struct link_ops link_ipc;

/* The floor of a mechanism, or NULL with the REASON why AXES has none. */
const struct link_ops *floor_find(const struct bench_axes *axes, const char **reason);

/*
 * The strategy that is the floor for AXES: adaptive waiting is measured against what it should
 * choose.
 */
enum ipc_strategy floor_wait(const struct bench_axes *axes);

extern const struct link_ops floor_pipe, floor_unix, floor_signal, floor_ring;
#ifdef HAVE_ZMQ
extern const struct link_ops floor_zmq;
#endif

/* What this process has used so far. */
void link_cost(const struct link *link, struct bench_cost *cost);
/* COST becomes what was used since it was taken, for RECORDS. */
void link_cost_since(const struct link *link, struct bench_cost *cost, uint64_t records);

/* Waits for the moment DUE (ticks) as precisely as the placement allows; returns the moment. */
uint64_t link_pace(const struct link *link, uint64_t due);

/* N round trips of the bare line. LEAD: this side begins. Returns ticks per round trip. */
double link_line(struct bench_area *area, const struct tick_clock *clock, bool lead, unsigned n);

/* Measures one round of AXES in this process and its children. An exit status: 0 or 1. */
struct bench_job {
	const struct bench *bench;
	const struct bench_axes *axes;
	struct bench_area *area;
	uint64_t *samples, *lags;
	size_t room;
};
int bench_round_main(void *job);

/* One round of the baselines, into area->base. */
int bench_base_main(void *job);
/* Takes it in, as the figures of one more round. */
void bench_base_absorb(struct bench *bench, const struct bench_area *area);

/* Tells the CPU that this is a spin. */
static inline void link_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/* Binds the calling process to CPU. 0 or -errno. */
int link_pin(int cpu);

#endif
