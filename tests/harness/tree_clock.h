/* SPDX-License-Identifier: MIT */
/*
 * tree_clock.h - how long a process and its descendants have been at it, for deadlines that a busy
 * machine does not cut short.
 *
 * The clock counts the CPU time that they use, and the time in which none of them wants a CPU or a
 * disk. What passes while they stand in a queue for either is not counted. So it runs at most as
 * fast as any other clock; it stops for none that hangs, whether that sleeps or spins.
 */
#ifndef IPCDEMO_TESTS_TREE_CLOCK_H
#define IPCDEMO_TESTS_TREE_CLOCK_H

#include <stdint.h>
#include <sys/types.h>

struct tree_clock {
	pid_t root;
	uint64_t wall_ns, cpu_ns; /* at the last look */
	double seconds;
};

/* ROOT: a child, or the calling process, which is then not counted itself. */
void tree_clock_start(struct tree_clock *clock, pid_t root);
/* Looks, and returns the seconds since the start. To be called about once a second, or oftener. */
double tree_clock_read(struct tree_clock *clock);

/* Writes to stderr what each of them is doing: its state, its system call, where it sleeps. */
void tree_clock_print(const struct tree_clock *clock);

#endif
