/* SPDX-License-Identifier: MIT */
/*
 * bench.h - the words of the benchmark, shared by its parts:
 *
 *	bench_options  what the user asked for
 *	bench_plan     the product of the axes: rows to measure, and what is left out and why
 *	bench_run      the coordinator: rounds, interleaved over all rows, each in fresh processes
 *	bench_round    one row's one round, in those processes (the hub and its slots)
 *	loop.h   the measuring loops, compiled once for each way of moving records:
 *	link_ipc, floor_fd, floor_ring, floor_zmq
 *	bench_base     what everything costs that is no mechanism: a call, a copy, the clock
 *	bench_sum      from rounds to figures
 *	bench_json, bench_table, bench_csv, hgrm, report    what is written
 *
 * A row is one combination of the axes over one API: ours ("ipc") or the bare system calls
 * ("floor"). A row's round is short, and rounds go over all rows in turn, because a machine drifts
 * within seconds: figures that are to be compared must be taken side by side.
 */
#ifndef IPCDEMO_BENCH_H
#define IPCDEMO_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ipc/ipc.h"
#include "bench/stamp.h"

#define BENCH_SENDERS_MAX 64u
#define BENCH_ROUNDS_MAX  10000u
#define BENCH_COUNT_MAX   10000000u
#define BENCH_REASON      160
#define BENCH_BLOCK       16u /* round trips per stamp where one is too short for the clock */

enum bench_api { BENCH_IPC, BENCH_FLOOR };
enum bench_mode {
	BENCH_LATENCY,
	BENCH_THROUGHPUT,
	BENCH_ONEWAY,
	BENCH_MODES,
	BENCH_DOWNLOAD = BENCH_MODES
};
enum bench_status { BENCH_OK, BENCH_ERROR, BENCH_STOPPED };

#define BENCH_WAITS 4 /* of enum ipc_strategy */

const char *bench_mode_name(enum bench_mode mode);
const char *bench_wait_name(enum ipc_strategy wait);
const char *bench_status_name(enum bench_status status);

/* Where the two ends run. */
struct bench_place {
	char name[24];       /* "same", "cross", "smt", ...; "cpu0-cpu1" in a heat map */
	const char *nearest; /* what the two CPUs share: "cpu", "core", "l3", ... */
	int hub, slot;       /* CPU numbers */
};

struct bench_axes {
	const char *backend;
	enum bench_api api;
	enum bench_mode mode;
	enum ipc_strategy wait;
	struct bench_place place;
	size_t size; /* bytes */
	unsigned senders;
	unsigned batch; /* records handed over in one call */
	unsigned block; /* round trips per sample */
	unsigned rate;  /* records a second; 0: as fast as they go */
};

/* What a process used up between two moments. */
struct bench_cost {
	uint64_t records; /* that it sent or received meanwhile, as it counts them */
	uint64_t cpu_ns;
	uint64_t syscalls; /* UINT64_MAX: a library hides them */
	uint64_t ctxsw;
	uint64_t faults;
};

/* Per record, both sides together. NAN: not known. */
struct bench_costs {
	double cpu_ns, syscalls, ctxsw, faults;
};

/* What one round left of a row. */
struct bench_round {
	double p50_ns, mean_ns; /* of a round trip, or of one way; NAN in throughput */
	double rate;            /* records a second; NAN but in throughput */
	double line_ns;         /* the bare cache line right after it; NAN: not taken */
	double error_ns;        /* oneway: what the two CPUs' clocks may differ by; NAN else */
	double ratio;           /* to the floor's round; NAN */
	struct bench_costs costs;
};

struct bench_row {
	struct bench_axes axes;
	struct bench_row *floor; /* its own, or NULL */
	struct bench_row *block; /* the same in blocks, or NULL */
	enum bench_status status;
	char reason[BENCH_REASON]; /* "" when ok */
	unsigned rounds;           /* done */
	struct bench_round *round; /* [rounds asked for] */
	uint64_t *samples;         /* ticks of block round trips each, of all rounds */
	size_t samples_n, samples_room;
	uint64_t *lags; /* ticks that the pacing was late: with a rate */
	size_t lags_n, lags_room;
	uint64_t records; /* of all rounds */
};

struct bench_skip {
	struct bench_axes axes;
	char reason[BENCH_REASON];
	bool unavailable; /* the mechanism cannot be used here */
};

#define BENCH_WARMUP_AUTO UINT32_MAX

enum bench_format { BENCH_TABLE, BENCH_JSON, BENCH_CSV };

struct bench_options {
	struct {
		const char *ipc, *modes, *sizes, *waits, *places, *senders, *batches;
	} text;                /* the lists, as typed */
	const char **ipc;      /* names, or "all"; ends with NULL */
	const char **places;   /* ends with NULL */
	unsigned modes, waits; /* bits */
	size_t *sizes, sizes_n;
	size_t *batches, batches_n;
	size_t *senders, senders_n;
	unsigned count;  /* per round; 0: as many as fit in round_ms */
	unsigned warmup; /* round trips, or BENCH_WARMUP_AUTO */
	unsigned rounds;
	unsigned round_ms;
	unsigned timeout_s;
	unsigned rate; /* records a second; 0: closed loop */
	bool floor;
	enum bench_format format;
	const char *output, *report, *hgrm;
	bool quiet;
};

struct bench_plan {
	struct bench_row **rows; /* each owned by the plan */
	size_t rows_n, rows_room;
	struct bench_skip *skips;
	size_t skips_n, skips_room;
};

/* The baselines: what everything costs that is no mechanism. Medians over rounds, in ns. */
struct bench_base {
	unsigned rounds;
	/* [rounds asked for], ns; NAN: not taken */
	double *call, *copy, *getpid, *clock, *stamp, *line;
	double *lost; /* share of a spinning CPU's time that others took */
	size_t copy_bytes;
	struct bench_place line_place;
};

struct bench {
	const struct bench_options *options;
	struct tick_clock clock;
	struct bench_plan plan;
	struct bench_base base;
	unsigned rounds; /* begun and finished over all rows */
	double wall_s;
	int signal;      /* that ended it early, or 0 */
	const int *cpus; /* that we may use, in hwloc's order */
	size_t cpus_n;
	char dir[64]; /* private, for mechanisms with names; "" when there is none */
};

/* ---- bench_plan ---- */

struct topo;

/* Fills the plan from the options. 0 or -ENOMEM. */
int bench_plan(struct bench *bench, const struct topo *topo);
/*
 * A second row like ROW (and its floor) that stamps blocks of round trips, put after it. 0 or
 * -ENOMEM.
 */
int bench_plan_block(struct bench *bench, struct bench_row *row);
void bench_plan_free(struct bench *bench);

/* ---- bench_run ---- */

/*
 * Measures. Rows that fail say why in the row; a signal (SIGINT, SIGTERM, SIGHUP) ends it early and
 * is left in bench->signal. 0 or -errno when not even that was possible.
 */
int bench_run(struct bench *bench);

/* ---- bench_sum ---- */

/* Takes in what a round left in its area. */
struct bench_area;
int bench_absorb(struct bench *bench, struct bench_row *row, const struct bench_area *area,
		 const uint64_t *samples, const uint64_t *lags);

struct bench_interval {
	double low, high;
};

/* A row's figures, in nanoseconds; NAN where there is none. */
struct bench_figures {
	double *sorted; /* all samples, ascending; owned, bench_figures_free */
	size_t n;
	double min, p50, p90, p99, p999, p9999, max, mean, stddev;
	struct bench_interval p50_ci;
	double rate, bytes;
	struct bench_interval rate_ci;
	struct bench_costs costs;
	double ratio;
	struct bench_interval ratio_ci;
	double line, error;
	double lag_p50, lag_p99, lag_max;
	bool bimodal;
	double mode_low, mode_high;
};

/* The floor must have its rounds; call it after bench_ratios. 0 or -ENOMEM. */
int bench_figures(const struct bench *bench, const struct bench_row *row,
		  struct bench_figures *figures);
void bench_figures_free(struct bench_figures *figures);
/* Fills round[].ratio of all rows that have a floor. */
void bench_ratios(struct bench *bench);
/* What floor_ratio of such a row is made of: "p50_ns", "mean_ns" or "records_per_s". */
const char *bench_ratio_of(const struct bench_axes *axes);

#endif
