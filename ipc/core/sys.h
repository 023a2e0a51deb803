/* SPDX-License-Identifier: MIT */
/*
 * sys.h - idioms that the mechanisms share.
 */
#ifndef IPC_SYS_H
#define IPC_SYS_H

#include "ipc/core/backend.h"

#include <stdint.h>

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t sys_now_ns(void);

/* close(2); *FD becomes -1. Not repeated on EINTR: Linux has closed it even then. */
void sys_close(int *fd);

/*
 * ppoll(2) on one descriptor, and on PIDFD unless it is -1. TIMEOUT_NS < 0: for ever. Restarted on
 * EINTR with what remains of the time. Returns 0 timeout, else bits: 1 FD is ready, 2 PIDFD is.
 */
int sys_poll(struct ipc *s, int fd, short events, int pidfd, int64_t timeout_ns);

/* membarrier(2), which has no wrapper. 0 or -errno. */
int sys_membarrier(struct ipc *s, int command);

/* Fills one limit from printf-like parts; the value of a /proc/sys file, "?" when unreadable. */
void sys_limit(struct ipc_limit *limit, const char *name, const char *source, const char *format,
	       ...) __attribute__((format(printf, 4, 5)));
void sys_limit_file(struct ipc_limit *limit, const char *name, const char *path);

/* Stores TEXT in probe's REASON; returns RC. */
int sys_reason(char *reason, size_t size, int rc, const char *text);

/*
 * Probes for what several mechanisms, or a library, need: /proc/self/fd, by which a process reaches
 * a socket without a name; the same and eventfd(2); pidfd_open(2) and pidfd_send_signal(2);
 * process_vm_readv(2) and process_vm_writev(2).
 */
int sys_needs_proc(char *reason, size_t size);
int sys_needs_proc_eventfd(char *reason, size_t size);
int sys_needs_pidfd(char *reason, size_t size);
int sys_needs_peer_memory(char *reason, size_t size);

/* Tells the CPU that this is a spin: on x86 a loop without it is 1.2 to 3 times slower. */
static inline void sys_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

#endif
