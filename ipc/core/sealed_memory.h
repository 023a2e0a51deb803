/* SPDX-License-Identifier: MIT */
/* sealed_memory.h - shared memory without a name, for mechanisms whose lesson is another one. */
#ifndef IPC_SEALED_MEMORY_H
#define IPC_SEALED_MEMORY_H

#include <stddef.h>

struct ipc;

/*
 * A memfd of fixed size, whose pages are taken now. (memfd.c tells what the flags and the seals are
 * for.) The descriptor, which the caller closes once it is mapped, or -errno.
 */
int sealed_memory(struct ipc *s, size_t bytes);

#endif
