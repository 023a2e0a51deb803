/* SPDX-License-Identifier: MIT */
/*
 * rt_signal.h - a real-time signal for the use of one session: a number that nobody else in this
 * process uses, blocked as long as the session lives, and all as it was afterwards.
 */
#ifndef IPC_RT_SIGNAL_H
#define IPC_RT_SIGNAL_H

#include <signal.h>
#include <stdbool.h>

struct ipc;

struct rt_signal {
	int number;
	sigset_t set; /* that one alone */
	struct sigaction before;
};

/*
 * Claims and blocks a number that is neither blocked, as one in use is, nor has a handler: it is
 * s->number, too. A child and an executed program inherit the mask. 0, or -EBUSY: none is left.
 */
int rt_signal_claim(struct ipc *s, struct rt_signal *own);

/* In an executed program: NUMBER is the session's. 0, or -EINVAL. */
int rt_signal_adopt(struct rt_signal *own, int number);

/*
 * Throws away what is pending, restores the disposition and unblocks. HAUNTED: somebody may still
 * send it, which by default would end us; then it stays ignored.
 */
void rt_signal_release(struct ipc *s, const struct rt_signal *own, bool haunted);

#endif
