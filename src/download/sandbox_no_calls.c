/* SPDX-License-Identifier: MIT */
/* sandbox_no_calls.c - in the place of sandbox_calls.c where libseccomp was left out. */
#include "config.h"

#include "download/sandbox_internal.h"

#include <errno.h>
#include <stdio.h>

int sandbox_calls_filter(const struct sandbox_plan *plan, bool notify)
{
	(void)plan;
	(void)notify;
	return -EOPNOTSUPP;
}

int sandbox_calls_enter(int filter, bool notify)
{
	(void)filter;
	(void)notify;
	return -EOPNOTSUPP;
}

char *sandbox_call_name(int number, char *buf, size_t size)
{
	(void)snprintf(buf, size, "system call %d", number);
	return buf;
}

unsigned sandbox_forbidden_count(void)
{
	return 0;
}
