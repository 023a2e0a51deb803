/* SPDX-License-Identifier: MIT */
/* foreign_fds.c - see foreign_fds.h */
#include "config.h"

#include "ipc/core/foreign_fds.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define GAP_MAX 1024 /* so many free numbers in a row mean that there are no more descriptors */

int foreign_fds_room(int spare)
{
	struct rlimit limit;
	int fd;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur < (rlim_t)spare)
		return -EMFILE;
	for (fd = (int)limit.rlim_cur - spare; fd < (int)limit.rlim_cur; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			return -EMFILE;
	return 0;
}

void foreign_fds_next(int *fds, int n)
{
	int i, fd;

	for (i = 0, fd = 0; i < n; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			fds[i++] = fd;
}

void foreign_fds_close(const int *fds, int n, int limit)
{
	for (; n > 0 && *fds < limit; n--, fds++)
		(void)close(*fds);
}

void foreign_fds_close_bound(const char *path)
{
	int fd, gap = 0;

	for (fd = 0; gap < GAP_MAX; fd++) {
		struct sockaddr_un name = { .sun_family = AF_UNSPEC };
		socklen_t size = sizeof name - 1; /* the last byte stays 0 */
		int rc = getsockname(fd, (void *)&name, &size);

		gap = rc < 0 && errno == EBADF ? gap + 1 : 0;
		if (rc == 0 && strcmp(name.sun_path, path) == 0)
			(void)close(fd);
	}
}
