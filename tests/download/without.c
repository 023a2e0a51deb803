/* SPDX-License-Identifier: MIT */
/*
 * without.c - a program on a machine that lacks something: `without CALL=ERRNO... -- COMMAND...`
 * puts a filter around COMMAND in which these system calls fail so. CALL=supervised puts one around
 * it that somebody supervises, as a container may: the kernel allows no second supervisor.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int error_number(const char *name)
{
	int error;

	for (error = 1; error < 134; error++)
		if (strerrorname_np(error) && strcmp(strerrorname_np(error), name) == 0)
			return error;
	return 0;
}

static int add(scmp_filter_ctx filter, char *word)
{
	char *error = strchr(word, '=');
	uint32_t action;

	if (!error)
		return -EINVAL;
	*error++ = '\0';
	action = strcmp(error, "supervised") == 0 ? SCMP_ACT_NOTIFY :
						    SCMP_ACT_ERRNO((uint32_t)error_number(error));
	return seccomp_rule_add(filter, action, seccomp_syscall_resolve_name(word), 0);
}

int main(int argc, char **argv)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int i, fd, rc = filter ? 0 : -ENOMEM;

	for (i = 1; i < argc && strcmp(argv[i], "--") != 0 && rc == 0; i++)
		rc = add(filter, argv[i]);
	if (rc == 0 && i + 1 < argc)
		rc = seccomp_load(filter);
	fd = rc == 0 ? seccomp_notify_fd(filter) : -1;
	if (fd >= 0)
		(void)fcntl(fd, F_SETFD, 0); /* else nobody would supervise any more */
	if (rc == 0 && i + 1 < argc)
		(void)execvp(argv[i + 1], argv + i + 1);
	(void)fprintf(stderr, "usage: without CALL=ERRNO... -- COMMAND... (%s)\n",
		      strerror(rc ? -rc : errno));
	return EXIT_FAILURE;
}
