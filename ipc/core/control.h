/* SPDX-License-Identifier: MIT */
/*
 * control.h - what a Unix socket carries beside the bytes (cmsg(3)).
 */
#ifndef IPC_CONTROL_H
#define IPC_CONTROL_H

#include <sys/socket.h>

#include "ipc/core/backend.h"

/* Room for the sender's credentials. */
#define CONTROL_PID_SIZE CMSG_SPACE(sizeof(struct ucred))

/* The pid of who sent MSG, as the kernel has added it (SO_PASSCRED); 0: it has not. */
pid_t control_pid(struct msghdr *msg);

/*
 * Descriptors have no business on the socket FD: their sender is told so (EPERM). Before Linux
 * 6.16, which cannot, the receiver drops them, as it gives no room for them.
 */
void control_refuse_fds(struct ipc *s, int fd);

#endif
