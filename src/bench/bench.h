/* SPDX-License-Identifier: MIT */
/*
 * bench.h - the data of the benchmark. The functions are in the headers of their files:
 *
 *	axes       the command line: which rows are wanted
 *	plan       the rows to measure (the product of the axes), and what is left out and why
 *	run        rounds over all rows in turn, each in fresh processes with a deadline
 *	find_rate  the rate of each row where it is to be found: rounds before those of the run
 *	round      one round of one row, in those processes (a hub and its slots)
 *	loop       the measuring loops, compiled once for each link
 *	link       a way of moving records: link_ipc (our library), floor_* (the bare system calls)
 *	baseline   costs of the machine itself: a call, a copy, the clocks, a cache line
 *	figures    from rounds to figures
 *	write/     the result as table, JSON, CSV, HdrHistogram text and HTML
 *
 * A row is one combination of the axes over one API: our library ("ipc") or the bare system calls
 * ("floor"). A round of a row is short, and rounds go over all rows in turn, because a machine
 * changes within seconds: figures that are compared must be measured side by side.
 */
#ifndef IPCDEMO_BENCH_H
#define IPCDEMO_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/stamp.h"
#include "bench/stats.h"
#include "ipc/ipc.h"

#define SCHEMA          "ipcdemo-bench/1" /* of the JSON; no key is ever removed */
#define SENDERS_MAX     64u
#define ROUNDS_MAX      10000u
#define COUNT_MAX       10000000u
#define RATE_MAX        100000000u
#define REASON_SIZE     160
#define BLOCK_TRIPS     16u /* round trips per stamp where one is too short for the clock */
#define WAITS           4   /* of enum ipc_strategy */
#define WARMUP_AUTO     UINT32_MAX
#define CPU_RATE        1000u /* round trips a second, at which each row's use of CPU is measured */
#define BENCH_PARTS_MAX 10u   /* of a round, in which a row and its floor take turns */

enum api { API_IPC, API_FLOOR };
enum mode { MODE_LATENCY, MODE_THROUGHPUT, MODE_ONEWAY, MODE_DOWNLOAD, MODE_START, MODES };
/* ROW_SATURATED: the row did not reach the rate that was asked for. */
enum row_status { ROW_OK, ROW_ERROR, ROW_STOPPED, ROW_SATURATED };
enum format { FORMAT_TABLE, FORMAT_JSON, FORMAT_CSV };

/* What the user asked for. Lists end with NULL, or have a length _n. */
struct options {
	struct {
		const char *ipc, *modes, *sizes, *waits, *places, *senders, *batches, *depths, *p99;
	} text;                /* the lists, as typed */
	const char **ipc;      /* names, or "all" alone */
	const char **places;   /* names of placements, or "all" for each pair of CPUs */
	unsigned modes, waits; /* bits: 1 << enum mode, 1 << enum ipc_strategy */
	size_t *sizes, sizes_n;
	size_t *batches, batches_n;
	size_t *senders, senders_n;
	size_t *depths, depths_n; /* records; 0: the mechanism's own */
	unsigned count;           /* per round; 0: as many as fit in round_ms */
	unsigned warmup;          /* round trips, or WARMUP_AUTO */
	unsigned rounds;
	unsigned round_ms;
	unsigned timeout_s;
	unsigned rate;  /* records a second; 0: closed loop */
	bool find_rate; /* the highest at which p99 is below p99_ns */
	double p99_ns;
	bool floor;
	enum format format;
	const char *output, *report, *hgrm;
	bool quiet;
};

/* Where the two ends run. */
struct place {
	char name[24];       /* "same", "cross", "smt", ...; "cpu0-cpu1" for --place=all */
	const char *nearest; /* what the two CPUs share: "cpu", "core", "l3", ... */
	int hub, slot;       /* CPU numbers */
};

/* In mode download: the files that a row downloads. */
struct load {
	const char *name;
	unsigned files;
	uint64_t size; /* bytes of each */
	unsigned workers;
};

/* In mode start: how a row starts a process or thread. */
struct start_kind {
	const char *name;
	int how;             /* see start_cost.c */
	unsigned parent_mib; /* memory that the parent has written, beside its own */
	bool confined;       /* in the sandbox of a download's workers, as far as there is one */
};

/* In modes download and start there is only the first block. */
struct axes {
	const char *backend;
	enum api api;
	enum mode mode;
	const struct load *load;        /* NULL in other modes than download */
	const struct start_kind *start; /* NULL in other modes than start */

	enum ipc_strategy wait;
	struct place place;
	size_t size; /* bytes */
	unsigned senders;
	unsigned batch; /* records handed over in one call */
	unsigned block; /* round trips per sample */
	unsigned rate;  /* records a second; 0: as fast as they go */
	unsigned depth; /* records that a slot should hold; 0: the mechanism's own */
};

/* Per record, both sides together. NAN: not known. */
struct costs {
	double cpu_ns, syscalls, ctxsw, faults;
};

/* The figures of one round of a row. NAN: none. */
struct round {
	double p50_ns, mean_ns, p99_ns; /* of a round trip, or of one way */
	double rate;                    /* records a second, in throughput */
	double cache_line_ns;           /* the bare cache line's round trip, measured right after */
	double error_ns;                /* oneway: by how much the two CPUs' clocks may differ */
	double achieved;                /* records a second, where a rate was asked for */
	double late_ns;                 /* by how much the last record began late */
	double late_share; /* of the records that began late because the one before had not ended */
	double ratio;      /* of time, to the same round of the floor: 1 is perfect */
	unsigned parts;    /* 0: not measured in turn with the floor */
	double part[BENCH_PARTS_MAX]; /* of each: the figure that is compared, ns */
	double wall_s, cpu_s;         /* of a download: parent and workers, not the origin */
	double wall_share, cpu_share; /* the part of it that IPC cost */
	double memory;                /* bytes that are private to what was started */
	struct costs costs;
};

struct row {
	struct axes axes;
	struct row *floor; /* its own (of downloads: the one without IPC), or NULL */
	struct row *block; /* the same in blocks, or NULL */
	bool apart;        /* the row and its floor could not be measured in turn */
	enum row_status status;
	char reason[REASON_SIZE]; /* "" when ok */
	unsigned rounds;          /* done */
	struct round *round;      /* [rounds asked for] */
	uint64_t *samples;        /* ticks of block round trips each, of all rounds */
	size_t samples_n, samples_room;
	uint64_t *lags; /* with a rate: ticks by which the pacing was late */
	size_t lags_n, lags_room;
	uint64_t records; /* of all rounds */
	double cpu_share; /* both sides, of one CPU, at CPU_RATE; NAN: not measured */
};

struct skip {
	struct axes axes;
	char reason[REASON_SIZE];
	bool unavailable; /* the mechanism cannot be used here */
};

struct plan {
	struct row **rows; /* each owned by the plan, in the order of display */
	size_t rows_n, rows_room;
	struct skip *skips;
	size_t skips_n, skips_room;
};

/* The baselines of one round, in ns. */
struct baseline {
	double call, copy, getpid, clock, stamp;
	double cache_line; /* a round trip between two CPUs; NAN: there is only one */
	double lost;       /* share of a spinning CPU's time that other programs took */
};

struct baselines {
	unsigned rounds;
	struct baseline *round; /* [rounds asked for] */
	size_t copy_bytes;
	struct place cache_line_place;
};

struct bench {
	const struct options *options;
	struct stamp_clock clock;
	struct plan plan;
	struct baselines baselines;
	unsigned rounds; /* finished over all rows */
	double wall_s;
	int signal;      /* that ended it early, or 0 */
	const int *cpus; /* that we may use, in hwloc's order */
	size_t cpus_n;
};

#endif
