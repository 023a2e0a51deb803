/* SPDX-License-Identifier: MIT */
/*
 * pool_rate.c - --limit-rate: how much each worker may take, by RATE records. Who takes less than
 * its share, because its origin gives no more, leaves the rest to the others.
 */
#include "config.h"

#include "download/pool.h"

#include <stdlib.h>

#include "common/clock.h"
#include "download/pool_internal.h"
#include "download/rate_share.h"

#define SHARE_NS (500 * NS_PER_MS) /* between two looks at what the workers took */

/*
 * What WORKER may demand: everything, unless it took clearly less than its share. Then a quarter
 * more than it took, so that it can show whether it could take more.
 */
static uint64_t demand_of(struct pool_worker *worker, uint64_t passed_ns)
{
	const uint64_t took = worker->received - worker->shared_received;
	const uint64_t rate = (uint64_t)((double)took * (double)NS_PER_S / (double)passed_ns);

	worker->shared_received = worker->received;
	if (worker->job_count == 0)
		return 0;
	if (passed_ns < SHARE_NS || rate >= worker->rate / 4 * 3)
		return RATE_SHARE_ALL;
	return rate + rate / 4 + worker->rate / 16 + 1;
}

static void tell(struct pool *pool, struct pool_worker *worker, uint64_t rate)
{
	const uint64_t change = rate > worker->rate ? rate - worker->rate : worker->rate - rate;

	/* A record for every hundredth is enough. */
	if (rate > 0 && change > worker->rate / 100 && pool_send_rate(pool, worker, rate))
		worker->rate = rate;
}

/* Is it time, or has a worker begun or ended its work? */
static bool is_due(const struct pool *pool, uint64_t now_ns)
{
	return now_ns >= pool->shared_ns + SHARE_NS || pool->busy != pool->shared_busy;
}

uint64_t pool_share_rate(struct pool *pool, uint64_t now_ns)
{
	const uint64_t limit = pool->batch->settings->limit_rate;
	uint64_t *demand;
	unsigned i;

	if (limit == 0)
		return UINT64_MAX;
	if (!is_due(pool, now_ns))
		return pool->shared_ns + SHARE_NS;
	demand = calloc(2 * pool->size, sizeof *demand);
	if (!demand)
		return now_ns + SHARE_NS; /* the shares stay as they are */
	for (i = 0; i < pool->size; i++)
		demand[i] = demand_of(&pool->workers[i], now_ns - pool->shared_ns);
	rate_share(limit, demand, demand + pool->size, pool->size);
	for (i = 0; i < pool->size; i++)
		tell(pool, &pool->workers[i], demand[pool->size + i]);
	free(demand);
	pool->shared_ns = now_ns;
	pool->shared_busy = pool->busy;
	return now_ns + SHARE_NS;
}
