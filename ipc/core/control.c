/* SPDX-License-Identifier: MIT */
/* control.c - see control.h */
#include "config.h"

#include "ipc/core/control.h"

#include <string.h>

#include "ipc/core/sys.h"

#ifndef SO_PASSRIGHTS
# define SO_PASSRIGHTS 83 /* linux/socket.h since 6.16 */
#endif

/* Room for what one message may carry: the sender's credentials, then a descriptor. */
#define CREDENTIALS_SPACE CMSG_SPACE(sizeof(struct ucred))
#define FD_SPACE          CMSG_SPACE(sizeof(int))

struct control {
	_Alignas(struct cmsghdr) char room[CREDENTIALS_SPACE + FD_SPACE];
};

static int native(unsigned flags)
{
	return flags & IPC_NOWAIT ? MSG_DONTWAIT : 0;
}

ssize_t control_send(struct ipc *s, int fd, struct msghdr *msg, unsigned flags)
{
	struct control control = { .room = { 0 } };
	struct cmsghdr *header;

	if (s->passed) {
		msg->msg_control = control.room;
		msg->msg_controllen = FD_SPACE;
		header = CMSG_FIRSTHDR(msg);
		header->cmsg_len = CMSG_LEN(sizeof(int));
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		memcpy(CMSG_DATA(header), s->passed, sizeof(int));
	}
	return SYS(s, sendmsg(fd, msg, MSG_NOSIGNAL | native(flags)));
}

ssize_t control_send_bytes(struct ipc *s, int fd, const void *bytes, size_t size, unsigned flags)
{
	struct iovec iov = { .iov_base = (void *)(uintptr_t)bytes, .iov_len = size };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	return s->passed ? control_send(s, fd, &msg, flags) :
			   SYS(s, send(fd, bytes, size, MSG_NOSIGNAL | native(flags)));
}

/*
 * Stores what came with MSG: the descriptor in *FD, the sender's pid in *PID. Returns how many
 * descriptors came, and closes all but the last. They may be more than fit into the space that was
 * asked for, because CMSG_SPACE is rounded up and the kernel uses all of it.
 */
static unsigned take_all(struct msghdr *msg, int *fd, pid_t *pid)
{
	struct cmsghdr *header;
	struct ucred sender;
	unsigned count = 0;
	size_t at;

	for (header = CMSG_FIRSTHDR(msg); header; header = CMSG_NXTHDR(msg, header)) {
		if (header->cmsg_level != SOL_SOCKET)
			continue;
		if (header->cmsg_type == SCM_CREDENTIALS && pid) {
			memcpy(&sender, CMSG_DATA(header), sizeof sender);
			*pid = sender.pid;
		}
		for (at = CMSG_LEN(0);
		     header->cmsg_type == SCM_RIGHTS && fd && at + sizeof(int) <= header->cmsg_len;
		     at += sizeof(int)) {
			sys_close(fd);
			memcpy(fd, (char *)header + at, sizeof(int));
			count++;
		}
	}
	return count;
}

ssize_t control_recv(struct ipc *s, int fd, struct msghdr *msg, unsigned flags, pid_t *pid)
{
	struct control control;
	unsigned count;
	ssize_t rc;

	if (pid)
		*pid = 0;
	if (s->passed)
		sys_close(s->passed); /* of an earlier message of this call, which was no record */
	msg->msg_control = pid || s->passed ? control.room : NULL;
	msg->msg_controllen = (pid ? CREDENTIALS_SPACE : 0) + (s->passed ? FD_SPACE : 0);
	rc = SYS(s, recvmsg(fd, msg, MSG_CMSG_CLOEXEC | native(flags)));
	if (rc < 0)
		return rc;
	count = take_all(msg, s->passed, pid);
	if (count > 1)
		msg->msg_flags |= MSG_TRUNC;
	if (count == 0 && s->passed && (msg->msg_flags & MSG_CTRUNC))
		*s->passed = -EMFILE;
	return rc;
}

void control_refuse_fds(struct ipc *s, int fd)
{
	const int no = 0;

	if (s->accept_fds && s->direction == IPC_TO_HUB)
		return;
	(void)SYS(s, setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &no, sizeof no));
}
