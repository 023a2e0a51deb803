/* SPDX-License-Identifier: MIT */
/* part_internal.h - what part_file.c, part_commit.c, part_digest.c and part_source.c share. */
#ifndef IPCDEMO_PART_INTERNAL_H
#define IPCDEMO_PART_INTERNAL_H

#include <errno.h>
#include <limits.h>

#include "download/part_file.h"

/* Reads errno on behalf of calls that return -1. */
static inline int sys_result(long rc)
{
	return rc < 0 ? -errno : (int)rc;
}

/* We can fetch a removed file again; anything else needs the user. */
static inline bool part_failed(struct failure *failure, enum failure_kind kind, int code)
{
	*failure = (struct failure){
		.kind = kind,
		.code = code,
		.transient = kind == FAILURE_VANISHED,
	};
	return false;
}

/* NAME.part; a name that is no single component is refused: -EINVAL, -ENAMETOOLONG. */
int part_name(const char *name, char part[NAME_MAX + 1]);

/* Opens one component beneath DIRFD, close-on-exec, never a link; -errno. */
int part_open_beneath(int dirfd, const char *name, int flags);

#endif
