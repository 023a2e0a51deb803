/* SPDX-License-Identifier: MIT */
/* stamp.c - see stamp.h */
#include "config.h"

#include "bench/stamp.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "bench/stats.h"

#define CALIBRATE_NS (50 * NS_PER_MS)
#define COST_STAMPS  20000u
#define PAIR_TRIES   50
#define STEPS        2000u

static bool kernel_trusts(const char *source)
{
	char buf[32] = "";
	int fd = open("/sys/devices/system/clocksource/clocksource0/current_clocksource",
		      O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, buf, sizeof buf - 1);
	(void)close(fd);
	return n > 0 && strncmp(buf, source, strlen(source)) == 0;
}

static void choose(struct stamp_clock *clock)
{
	*clock = (struct stamp_clock){ .name = "CLOCK_MONOTONIC", .ns_per_tick = 1 };
#if defined(__x86_64__) || defined(__i386__)
	clock->counter = kernel_trusts("tsc");
	if (clock->counter)
		clock->name = "tsc";
#elif defined(__aarch64__)
	clock->counter = kernel_trusts("arch_sys_counter");
	if (clock->counter)
		clock->name = "cntvct";
#else
	(void)kernel_trusts;
#endif
}

/* Reads both clocks at the same time: takes the fastest of several tries. */
static void read_pair(const struct stamp_clock *clock, uint64_t *tick, uint64_t *ns)
{
	uint64_t best = UINT64_MAX;
	int i;

	for (i = 0; i < PAIR_TRIES; i++) {
		uint64_t before = stamp_now(clock);
		uint64_t middle = clock_ns();
		uint64_t after = stamp_now(clock);

		if (after - before >= best)
			continue;
		best = after - before;
		*tick = before + best / 2;
		*ns = middle;
	}
}

/*
 * The resolution is the median step. The smallest step would be wrong: a counter that moves by 26
 * may return one more where it would otherwise return the same value twice.
 */
static void measure_cost(struct stamp_clock *clock)
{
	uint64_t steps[STEPS];
	uint64_t start = stamp_now(clock), last = start;
	size_t n = 0;
	unsigned i;

	for (i = 0; i < COST_STAMPS; i++) {
		uint64_t now = stamp_now(clock);

		if (now != last && n < STEPS)
			steps[n++] = now - last;
		last = now;
	}
	clock->cost_ns = stamp_to_ns(clock, last - start) / COST_STAMPS;
	clock->resolution_ns = clock->cost_ns;
	if (n == 0)
		return;
	stats_sort_u64(steps, n);
	clock->resolution_ns = stamp_to_ns(clock, steps[stats_rank(50, n)]);
}

void stamp_init(struct stamp_clock *clock)
{
	uint64_t tick, ns;

	choose(clock);
	read_pair(clock, &clock->tick0, &clock->ns0);
	if (clock->counter) {
		while (clock_ns() - clock->ns0 < CALIBRATE_NS)
			;
		read_pair(clock, &tick, &ns);
		clock->ns_per_tick = (double)(ns - clock->ns0) / (double)(tick - clock->tick0);
	}
	measure_cost(clock);
}
