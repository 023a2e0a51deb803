/* SPDX-License-Identifier: MIT */
/*
 * fd_message.h - a message with descriptors, from process to process of this program
 * (SCM_RIGHTS, unix(7)).
 */
#ifndef IPCDEMO_FD_MESSAGE_H
#define IPCDEMO_FD_MESSAGE_H

#include <stddef.h>
#include <sys/types.h>

#define FD_MESSAGE_MAX 16 /* descriptors in one */

/*
 * Sends SIZE BYTES, at least one, and duplicates of the COUNT descriptors of FDS. Waits for room.
 * 0, or -errno: -EPIPE, the peer is gone; -ETOOMANYREFS, the user has too many under way.
 */
int fd_message_send(int socket, const void *bytes, size_t size, const int *fds, size_t count);

struct fd_descriptors {
	size_t count;
	int fds[FD_MESSAGE_MAX];
};

/*
 * Receives up to SIZE BYTES, and what came with them: close-on-exec descriptors, which are the
 * caller's then. FLAGS are those of recv(2). Returns how many bytes, 0 at the end, or -errno.
 */
ssize_t fd_message_receive(int socket, void *bytes, size_t size, struct fd_descriptors *came,
			   int flags);

#endif
