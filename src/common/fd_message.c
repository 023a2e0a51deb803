/* SPDX-License-Identifier: MIT */
/* fd_message.c - see fd_message.h */
#include "config.h"

#include "common/fd_message.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The control message of one, aligned. */
union control {
	char bytes[CMSG_SPACE(FD_MESSAGE_MAX * sizeof(int))];
	struct cmsghdr align;
};

int fd_message_send(int socket, const void *bytes, size_t size, const int *fds, size_t count)
{
	union control control = { .bytes = { 0 } };
	struct iovec iov = { .iov_base = (void *)(uintptr_t)bytes, .iov_len = size };
	const struct msghdr message = { .msg_iov = &iov,
					.msg_iovlen = 1,
					.msg_control = control.bytes,
					.msg_controllen = CMSG_SPACE(count * sizeof(int)) };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(count * sizeof(int));
	if (count > 0) /* FDS may be NULL then */
		memcpy(CMSG_DATA(header), fds, count * sizeof(int));
	return TEMP_FAILURE_RETRY(sendmsg(socket, &message, MSG_NOSIGNAL)) < 0 ? -errno : 0;
}

ssize_t fd_message_receive(int socket, void *bytes, size_t size, struct fd_descriptors *came,
			   int flags)
{
	union control control;
	struct iovec iov = { .iov_base = bytes, .iov_len = size };
	struct msghdr message = { .msg_iov = &iov,
				  .msg_iovlen = 1,
				  .msg_control = control.bytes,
				  .msg_controllen = sizeof control.bytes };
	const struct cmsghdr *header;
	ssize_t n = TEMP_FAILURE_RETRY(recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC));

	came->count = 0;
	if (n < 0)
		return -errno;
	header = CMSG_FIRSTHDR(&message);
	if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
		came->count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(came->fds, CMSG_DATA(header), came->count * sizeof(int));
	}
	return n;
}
