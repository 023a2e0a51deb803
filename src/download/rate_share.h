/* SPDX-License-Identifier: MIT */
/* rate_share.h - one limit shared by several that take from it. A pure function. */
#ifndef IPCDEMO_RATE_SHARE_H
#define IPCDEMO_RATE_SHARE_H

#include <stdint.h>

#define RATE_SHARE_ALL UINT64_MAX /* a demand: as much as there is */

/*
 * Shares LIMIT among N by max-min fairness: nobody gets more than its demand, and nobody could get
 * more without another that has no more getting less. DEMAND 0: takes no part. What nobody demands
 * is spread evenly, since a demand is a guess from the past. So the shares add up to LIMIT; each
 * that takes part gets 1 at least.
 */
void rate_share(uint64_t limit, const uint64_t *demand, uint64_t *share, unsigned n);

#endif
