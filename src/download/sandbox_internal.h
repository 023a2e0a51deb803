/* SPDX-License-Identifier: MIT */
/* sandbox_internal.h - what sandbox.c, sandbox_files.c and sandbox_calls.c share. */
#ifndef IPCDEMO_SANDBOX_INTERNAL_H
#define IPCDEMO_SANDBOX_INTERNAL_H

#include "download/sandbox.h"

/* ---- sandbox_files.c: Landlock ---- */

/*
 * Makes a ruleset of what PLAN's workers may open. A descriptor, or -errno; -EOPNOTSUPP: Landlock
 * is switched off; -ENOSYS: the kernel has none.
 */
int sandbox_files_ruleset(const struct sandbox_plan *plan);

/* Confines this thread, and those that it starts from now on, to RULESET. 0 or -errno. */
int sandbox_files_enter(int ruleset);

/* ---- sandbox_calls.c: seccomp ---- */

/*
 * A memfd with the filter for PLAN's workers. If TOLD, what it forbids waits for the parent's word,
 * which kills the worker and knows which call it was; else the kernel kills it. A descriptor, or
 * -errno; -EOPNOTSUPP: built without libseccomp.
 */
int sandbox_calls_filter(const struct sandbox_plan *plan, bool notify);

/*
 * Confines all threads of this process to FILTER. With NOTIFY, returns the descriptor from which
 * another process reads violations, else 0; or -errno.
 */
int sandbox_calls_enter(int filter, bool notify);

#endif
