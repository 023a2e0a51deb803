/* SPDX-License-Identifier: MIT */
/*
 * registry.h - the registry, as the library itself sees it: the contract behind a name.
 */
#ifndef IPC_REGISTRY_H
#define IPC_REGISTRY_H

#include "ipc/core/backend.h"

/* NULL: no such mechanism. */
const struct ipc_backend *ipc_backend_find(const char *name);

#endif
