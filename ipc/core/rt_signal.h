/* SPDX-License-Identifier: MIT */
/*
 * rt_signal.h - a real-time signal for one session: a number that nothing else in this process
 * uses, blocked while the session exists and restored afterwards.
 */
#ifndef IPC_RT_SIGNAL_H
#define IPC_RT_SIGNAL_H

#include <signal.h>
#include <stdbool.h>

struct ipc;

struct rt_signal {
	int number;
	sigset_t set; /* that signal only */
	struct sigaction before;
};

/*
 * Chooses and blocks a signal that is not blocked and has no handler; a signal in use is blocked.
 * Its number is also s->number. A child and an executed program inherit the mask. 0, or -EBUSY:
 * none is left.
 */
int rt_signal_claim(struct ipc *s, struct rt_signal *own);

/* In an executed program: NUMBER is the session's. 0, or -EINVAL. */
int rt_signal_adopt(struct rt_signal *own, int number);

/*
 * Discards pending signals, restores the disposition and unblocks. HAUNTED: a process may still
 * send the signal, whose default action would end this process; then it stays ignored.
 */
void rt_signal_release(struct ipc *s, const struct rt_signal *own, bool haunted);

#endif
