/* SPDX-License-Identifier: MIT */
/*
 * named.h - a private directory for an object that needs a name for a moment.
 *
 *      named_make(s, &name, "fifo")     RUNTIME_DIR/ipcdemo-fifo.XXXXXX/f, mode 0700
 *      mkfifo(name.path), open ...      nobody else can look in, or has put something there
 *      named_remove(s, &name)           the object stays for whoever has it open
 */
#ifndef IPC_NAMED_H
#define IPC_NAMED_H

#include "ipc/core/backend.h"

struct named {
	char dir[IPC_PATH_MAX + 24], path[IPC_PATH_MAX + 32];
};

int named_make(struct ipc *s, struct named *name, const char *kind);
/* Removes the named object, if there is one, and the directory. */
void named_remove(struct ipc *s, const struct named *name);

#endif
