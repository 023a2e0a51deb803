/* SPDX-License-Identifier: MIT */
/*
 * link.h - the two ends of a row while one of its rounds is measured.
 *
 * A link is a way of moving records between the hub's process and its slots: our library, or a
 * mechanism's bare system calls. Each kind is one const struct link_ops; its two loops are made
 * from loop.h.
 */
#ifndef IPCDEMO_LINK_H
#define IPCDEMO_LINK_H

#include <stdalign.h>
#include <stdatomic.h>

#include "bench/bench.h"

/* Two words that two CPUs write in turn. */
struct cache_line {
	alignas(64) _Atomic uint64_t word[2]; /* both in one line: [0] there, [1] back */
};

/* What a process has used in a time. */
struct usage {
	uint64_t records; /* that it sent or received meanwhile */
	uint64_t cpu_ns;
	uint64_t syscalls; /* UINT64_MAX: a library hides them */
	uint64_t ctxsw;
	uint64_t faults;
};

/* The report of one process, which only it writes. Read after its end. */
struct side {
	uint64_t start,
		end;        /* ticks: of a stream or of paced records; oneway: of the last record */
	struct usage usage; /* of the measured part */
	int rc;             /* 0 or -errno of its loop */
	char what[64];      /* which step failed */
};

/* Shared by the coordinator, which makes it, and the processes of a round. */
struct area {
	struct cache_line cache_line;
	bool complete;          /* the hub has finished, all slots with it */
	atomic_flag has_reason; /* set by the process that writes it, of several */
	char reason[REASON_SIZE];
	size_t samples_n, lags_n;
	unsigned parts;                   /* in which the samples were taken */
	size_t part_end[BENCH_PARTS_MAX]; /* of each: samples until then */
	uint64_t records;
	uint64_t there_min, back_min; /* oneway: shortest way each way, ticks */
	uint64_t late;                /* with a rate: by how many ticks the last one began late */
	double cache_line_ticks;      /* per round trip; 0: not measured */
	double wall_s, cpu_s;         /* of a download */
	double memory;                /* of what was started, bytes */
	struct baseline baseline;
	struct side hub, slot[SENDERS_MAX];
};

/* The argument of the process that measures one round. */
struct link_job {
	const struct bench *bench;
	const struct axes *axes;
	struct area *area;
	uint64_t *samples, *lags; /* shared; [room] */
	size_t room;
	const char *dir;               /* private; "" when it could not be made */
	uint16_t port;                 /* of the origin, in mode download */
	const struct link_job *beside; /* the floor's, measured in turn with this one, or NULL */
};

struct link_ops;

struct link {
	const struct link_ops *ops;
	const struct bench *bench;
	const struct axes *axes;
	const struct options *options;
	const struct stamp_clock *clock;
	enum ipc_strategy wait; /* how the receiver waits: of the axes, or what the floor does */
	const char *dir;
	struct area *area;
	unsigned part; /* of how many parts this one is, from 0 */
	unsigned parts;
	uint64_t *samples, *lags; /* shared; [room]: of this part */
	size_t room;
	void *records;     /* one call's worth, 64-byte aligned */
	size_t cap;        /* records that a receiver takes at once, at most */
	void *state;       /* of the ops */
	uint64_t syscalls; /* counted by a floor, which has no session to do it */
	uint64_t paced_ns; /* CPU time of link_pace's spins, which is not the mechanism's */
};

struct link_ops {
	/* The hub, before any slot exists. */
	int (*open)(struct link *link);
	/* The hub, before that slot's fork. May be NULL. */
	int (*arm)(struct link *link, unsigned slot);
	int (*attach)(struct link *link, unsigned slot, enum ipc_role role,
		      const struct ipc_peer *peer);
	int (*hub)(struct link *link);
	int (*slot)(struct link *link, unsigned slot);
	uint64_t (*syscalls)(const struct link *link);
	void (*close)(struct link *link);
	/* The library waits by itself: the floor of adaptive waiting is block. */
	bool own_threads;
};

extern const struct link_ops link_ipc;

/* What this process has used so far. */
void link_usage(const struct link *link, struct usage *usage);
/* Changes USAGE to what was used since it was taken, for RECORDS records. */
void link_usage_since(const struct link *link, struct usage *usage, uint64_t records);

/* Waits for DUE (ticks) as precisely as the placement allows; returns the time of its end. */
uint64_t link_pace(struct link *link, uint64_t due);

/* N round trips of the bare cache line. LEAD: this side begins. Ticks per round trip. */
double link_cache_line(struct area *area, const struct stamp_clock *clock, bool lead, unsigned n);

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
