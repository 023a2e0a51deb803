/* SPDX-License-Identifier: MIT */
/* sealed_memory.c - see sealed_memory.h */
#include "config.h"

#include "ipc/core/sealed_memory.h"

#include <fcntl.h>
#include <sys/mman.h>

#include "ipc/core/sys.h"

int sealed_memory(struct ipc *s, size_t bytes)
{
	int fd = (int)SYS(s, memfd_create("ipcdemo", MFD_CLOEXEC | MFD_ALLOW_SEALING));
	int rc;

	if (fd < 0)
		return fd;
	do {
		s->syscalls++;
		rc = -posix_fallocate(fd, 0, (off_t)bytes);
	} while (rc == -EINTR);
	if (rc == 0)
		rc = (int)SYS(s, fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL));
	if (rc == 0)
		return fd;
	sys_close(&fd);
	return rc;
}
