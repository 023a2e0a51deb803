/* SPDX-License-Identifier: MIT */
/*
 * contract_launch.h - a worker of a rule as a program that is executed anew: what it knows of its
 * world came by inherited descriptors and by tickets.
 */
#ifndef IPCDEMO_TESTS_CONTRACT_LAUNCH_H
#define IPCDEMO_TESTS_CONTRACT_LAUNCH_H

#include "tests/ipc/contract.h"

/* Zeroed memory that an executed worker can map too; *FD stands for it. NULL: none. */
void *launch_share(size_t bytes, int *fd);

/* The same, for all reports and the digest: an executed worker finds them again. */
void *launch_share_reports(size_t bytes);

/* How workers take their slots. */
enum start { BY_FORK, BY_TICKET, BY_EXECUTION, BY_NETWORK };

/* Are RULE's workers to START so? */
bool launch_starts(const struct rule *rule, enum start start);

/* In the new process of SLOT: executes this program, which then is W's worker MAIN. */
_Noreturn void launch_worker(struct world *w, unsigned slot, worker_main *main);

/* That program: ARGUMENT is the word behind --worker. Returns the exit status. */
int launch_run(const char *argument);

#endif
