/* SPDX-License-Identifier: MIT */
/* sandbox_no_calls.c - in the place of sandbox_calls.c where libseccomp was left out. */
#include "config.h"

#include "download/sandbox_internal.h"

#include <errno.h>
#include <stdio.h>

int sandbox_calls_filter(const struct sandbox_plan *plan, bool told)
{
	(void)plan;
	(void)told;
	return -EOPNOTSUPP;
}

int sandbox_calls_enter(int filter, bool told)
{
	(void)filter;
	(void)told;
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
