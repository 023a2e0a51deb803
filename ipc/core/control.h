/* SPDX-License-Identifier: MIT */
/*
 * control.h - what a Unix socket carries beside the bytes (cmsg(3)).
 */
#ifndef IPC_CONTROL_H
#define IPC_CONTROL_H

#include <sys/socket.h>

#include "ipc/core/backend.h"

/* sendmsg(2), with the descriptor of an ipc_send_fd. FLAGS may have IPC_NOWAIT. No SIGPIPE. */
ssize_t control_send(struct ipc *s, int fd, struct msghdr *msg, unsigned flags);
/* The same of SIZE bytes; without a descriptor it is send(2), which costs less. */
ssize_t control_send_bytes(struct ipc *s, int fd, const void *bytes, size_t size, unsigned flags);

/*
 * recvmsg(2); in an ipc_recv_fd it also takes the descriptor that came. *PID: of who sent it, as
 * the kernel has added it (SO_PASSCRED), 0 if it has not; PID may be NULL. More than one descriptor
 * are no record: then MSG_TRUNC is set, as of one that is too long. Of those that nobody asked for
 * the kernel itself lets go.
 */
ssize_t control_recv(struct ipc *s, int fd, struct msghdr *msg, unsigned flags, pid_t *pid);

/*
 * On the hub's end FD, unless it takes descriptors from its slots: they have no business there, and
 * their sender is told so (EPERM). Before Linux 6.16, which cannot, the receiver drops them.
 */
void control_refuse_fds(struct ipc *s, int fd);

#endif
