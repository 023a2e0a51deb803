/* SPDX-License-Identifier: MIT */
/* rate_share.c - see rate_share.h */
#include "config.h"

#include "download/rate_share.h"

#include <stdbool.h>

/* Whoever demands at most an equal part gets its demand. True if there is such a one. */
static bool serve_modest(uint64_t *left, unsigned *open, const uint64_t *demand, uint64_t *share,
			 unsigned n)
{
	const uint64_t equal = *left / *open;
	bool served = false;

	for (unsigned i = 0; i < n; i++) {
		if (demand[i] == 0 || share[i] > 0 || demand[i] > equal)
			continue;
		share[i] = demand[i];
		*left -= demand[i];
		--*open;
		served = true;
	}
	return served;
}

/* LEFT in equal parts to all who take part. */
static void spread(uint64_t left, const uint64_t *demand, uint64_t *share, unsigned n)
{
	unsigned takers = 0;

	for (unsigned i = 0; i < n; i++)
		takers += demand[i] > 0;
	for (unsigned i = 0; i < n && takers > 0; i++) {
		if (demand[i] == 0)
			continue;
		share[i] += left / takers;
		left -= left / takers;
		takers--;
	}
}

void rate_share(uint64_t limit, const uint64_t *demand, uint64_t *share, unsigned n)
{
	uint64_t left = limit;
	unsigned open = 0;

	for (unsigned i = 0; i < n; i++) {
		share[i] = 0;
		open += demand[i] > 0;
	}
	/*
	 * What these leave raises the equal part, so that more of the others may be content with
	 * it.
	 */
	while (open > 0 && serve_modest(&left, &open, demand, share, n))
		;
	if (open == 0)
		spread(left, demand, share, n);
	for (unsigned i = 0; i < n; i++) {
		if (demand[i] == 0 || share[i] > 0)
			continue;
		share[i] = left / open > 0 ? left / open : 1;
		left -= left / open;
		open--;
	}
}
