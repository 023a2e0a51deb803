/* SPDX-License-Identifier: MIT */
/*
 * signals.h - signals from the user, read from a descriptor: no work is done in a handler.
 *
 * SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH and SIGCONT are blocked and read from a signalfd(2).
 * One that was ignored when the program started (nohup) stays ignored.
 */
#ifndef IPCDEMO_SIGNALS_H
#define IPCDEMO_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

struct signals {
	int fd; /* readable when signals_next has one; -1: closed */
	sigset_t old_mask;
};

/* 0, or -errno with the mask as it was. */
int signals_open(struct signals *signals);

/* The next signal that arrived, or 0. Never waits. */
int signals_next(struct signals *signals);

/*
 * From now on, in this process and its children, a write that fails returns its errno and raises no
 * signal: EPIPE (nobody reads the pipe; the TLS peer is gone), EFBIG (beyond the file size limit).
 */
void signals_ignore_failed_writes(void);

/* Does SIGNO ask the program to end? */
bool signals_ends(int signo);

/* Restores the mask as it was. */
void signals_close(struct signals *signals);

/* Ends the process by SIGNO, as the parent of an interrupted program expects. */
_Noreturn void signals_die(int signo);

#endif
