/* SPDX-License-Identifier: MIT */
/*
 * floor.h - the bare system calls (or memory accesses) that a mechanism is measured against.
 */
#ifndef IPCDEMO_FLOOR_H
#define IPCDEMO_FLOOR_H

#include "bench/link.h"

/* The floor of a mechanism, or NULL with the REASON why AXES has none. */
const struct link_ops *floor_find(const struct axes *axes, const char **reason);

/*
 * How the floor of AXES waits. The floor of adaptive waiting uses what adaptive waiting should
 * choose: block if both ends share a CPU, else spin.
 */
enum ipc_strategy floor_wait(const struct axes *axes);

extern const struct link_ops floor_pipe, floor_fifo, floor_unix, floor_signal; /* floor_fd.c */
extern const struct link_ops floor_stream, floor_tcp, floor_dgram;             /* floor_socket.c */
extern const struct link_ops floor_mq, floor_sysv;                             /* floor_queue.c */
extern const struct link_ops floor_ring, floor_mutex, floor_vm;
#ifdef HAVE_URING
extern const struct link_ops floor_uring;
#endif
#ifdef HAVE_ZMQ
extern const struct link_ops floor_zmq;
#endif

#endif
