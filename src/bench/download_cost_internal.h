/* SPDX-License-Identifier: MIT */
/*
 * download_cost_internal.h - between download_cost.c, which measures, and download_rows.c, which
 * writes.
 */
#ifndef IPCDEMO_DOWNLOAD_COST_INT_H
#define IPCDEMO_DOWNLOAD_COST_INT_H

#include <stdint.h>

#define DOWNLOAD_LOADS       2u
#define DOWNLOAD_WORKERS_MAX 8u
#define DOWNLOAD_ROWS_MAX    64u

struct download_load {
	const char *name;
	unsigned files;
	uint64_t size; /* bytes of each */
	unsigned workers;
};

/* What one round took. */
struct download_round {
	double wall_s;
	double cpu_s; /* parent and workers; not the origin */
	uint64_t records;
	int error; /* errno */
};

struct download_row {
	const char *ipc; /* NULL: workers that report to nobody */
	const struct download_load *load;
	struct download_round *costs; /* [rounds] */
	int error;                    /* errno that ended this row */
};

struct download_cost {
	struct download_row rows[DOWNLOAD_ROWS_MAX]; /* the first DOWNLOAD_LOADS: without IPC */
	unsigned rows_n;
	unsigned rounds, rounds_wanted;
	uint16_t port;
	struct download_round *shared;
	int signo;
};

#endif
