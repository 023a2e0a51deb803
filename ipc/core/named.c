/* SPDX-License-Identifier: MIT */
/* named.c - see named.h */
#include "config.h"

#include "ipc/core/named.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ipc/core/sys.h"

int named_make(struct ipc *s, struct named *name, const char *kind)
{
	(void)snprintf(name->dir, sizeof name->dir, "%s/ipcdemo-%.8s.XXXXXX", s->runtime_dir, kind);
	if (strlen(name->dir) + 2 >= IPC_PATH_MAX) /* a socket's address would be cut */
		return -ENAMETOOLONG;
	s->syscalls++; /* SYS() is for calls that return an int */
	if (!mkdtemp(name->dir))
		return -errno;
	(void)snprintf(name->path, sizeof name->path, "%s/f", name->dir);
	return 0;
}

void named_remove(struct ipc *s, const struct named *name)
{
	(void)SYS(s, unlink(name->path));
	(void)SYS(s, rmdir(name->dir));
}
