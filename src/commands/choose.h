/* SPDX-License-Identifier: MIT */
/* choose.h - which mechanisms meet some needs, in order, and why. */
#ifndef IPCDEMO_CHOOSE_H
#define IPCDEMO_CHOOSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ipc/ipc.h"

struct needs {
	uint64_t record_bytes;
	unsigned rate; /* records a second; 0: any */
	int spin;      /* the receiver never sleeps */
	bool bits[IPC_CAP_COUNT];
	bool measure;
	int format;
};

struct candidate {
	const struct ipc_info *info;
	bool fits;
	char *reason; /* sentences: why it fits, or why it does not */
	/* With --measure, of those that have the capabilities; 0: not measured. */
	double p50_ns; /* of a round trip */
	double cpu_ns; /* of one record in a stream, of both ends together */
	double records_per_s;
	bool busy;  /* other programs used the CPUs meanwhile: figures do not decide the order */
	bool awake; /* it was to sleep, but tried again and again: not the time of a sleeper */
	/* For choose.c: how fast, 0 the fastest; the order if nothing was measured. */
	unsigned step;
	int merit;
	size_t index;
};

/*
 * All mechanisms of this build, those that fit first, best first. *N of them, to be given to
 * choose_free. NULL when memory is short. With needs->measure it runs the benchmark in a process of
 * its own for some seconds, which writes its progress to stderr.
 */
struct candidate *choose(const struct needs *needs, size_t *n);
void choose_free(struct candidate *candidates, size_t n);

/* Runs the benchmark over the N candidates that fit and fills in their figures. 0 or -errno. */
int choose_measure(const struct needs *needs, struct candidate *candidates, size_t n);

#endif
