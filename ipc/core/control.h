/* SPDX-License-Identifier: MIT */
/*
 * control.h - what a Unix socket carries beside the bytes (cmsg(3)).
 */
#ifndef IPC_CONTROL_H
#define IPC_CONTROL_H

#include <sys/socket.h>

#include "ipc/core/backend.h"

/* sendmsg(2) with the descriptor of ipc_send_fd, if any. FLAGS: IPC_NOWAIT or 0. No SIGPIPE. */
ssize_t control_send(struct ipc *s, int fd, struct msghdr *msg, unsigned flags);
/* The same for SIZE bytes; without a descriptor it calls send(2), which costs less. */
ssize_t control_send_bytes(struct ipc *s, int fd, const void *bytes, size_t size, unsigned flags);

/*
 * recvmsg(2); during ipc_recv_fd it also takes the descriptor that came. *PID is the sender's, if
 * the kernel has added it (SO_PASSCRED), else 0; PID may be NULL. A message with more than one
 * descriptor is not a record: it gets MSG_TRUNC, as one that is too long. Outside ipc_recv_fd the
 * kernel drops descriptors.
 */
ssize_t control_recv(struct ipc *s, int fd, struct msghdr *msg, unsigned flags, pid_t *pid);

/*
 * Makes the kernel refuse descriptors that come to FD, the hub's end: their sender gets EPERM. Does
 * nothing if the hub accepts descriptors. Before Linux 6.16 the receiver drops them instead.
 */
void control_refuse_fds(struct ipc *s, int fd);

#endif
