/* SPDX-License-Identifier: MIT */
/* sealed_memory.h - shared memory without a name, for mechanisms that use it as a means only. */
#ifndef IPC_SEALED_MEMORY_H
#define IPC_SEALED_MEMORY_H

#include <stddef.h>

struct ipc;

/*
 * Makes a memfd of fixed size and allocates its pages (memfd.c explains the flags and seals).
 * Returns the descriptor, which the caller closes once it is mapped, or -errno.
 */
int sealed_memory(struct ipc *s, size_t bytes);

#endif
