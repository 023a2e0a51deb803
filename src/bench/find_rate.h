/* SPDX-License-Identifier: MIT */
/*
 * find_rate.h - the highest rate at which a row's p99 stays below a bound.
 */
#ifndef IPCDEMO_FIND_RATE_H
#define IPCDEMO_FIND_RATE_H

#include "bench/bench.h"

struct find_rate {
	const struct options *options;
	/* One round of ROW, at row->axes.rate: 0, or -EINTR. What failed is in row->status. */
	int (*measure)(void *context, struct row *row);
	void *context;
};

/*
 * Gives ROW its rate, or status ROW_ERROR and the reason: no rate keeps the bound, or rounds fail.
 * 0, -EINTR or -ENOMEM.
 */
int find_rate(const struct find_rate *find, struct row *row);

#endif
