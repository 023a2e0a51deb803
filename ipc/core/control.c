/* SPDX-License-Identifier: MIT */
/* control.c - see control.h */
#include "config.h"

#include "ipc/core/control.h"

#include <string.h>

#include "ipc/core/sys.h"

#ifndef SO_PASSRIGHTS
# define SO_PASSRIGHTS 83 /* linux/socket.h since 6.16 */
#endif

pid_t control_pid(struct msghdr *msg)
{
	struct cmsghdr *header;
	struct ucred sender;

	for (header = CMSG_FIRSTHDR(msg); header; header = CMSG_NXTHDR(msg, header))
		if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_CREDENTIALS) {
			memcpy(&sender, CMSG_DATA(header), sizeof sender);
			return sender.pid;
		}
	return 0;
}

void control_refuse_fds(struct ipc *s, int fd)
{
	const int no = 0;

	(void)SYS(s, setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &no, sizeof no));
}
