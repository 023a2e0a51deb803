/* SPDX-License-Identifier: MIT */
/*
 * rest.h - for mechanisms whose messages hold several records: those that the caller has not taken
 * yet.
 *
 * A message is received whole. If it holds more records than the caller has room for, the others
 * wait in the session, and the next call gets them. Until then pollfd answers -EAGAIN, because the
 * kernel's queue may be empty.
 */
#ifndef IPC_REST_H
#define IPC_REST_H

#include "ipc/core/backend.h"

#include <string.h>

struct rest {
	unsigned slot;      /* that sent the records */
	size_t next, count; /* in records */
	const char *text;   /* the first record */
};

/* Copies up to CAP of the records, of which there is at least one. */
static inline ssize_t rest_take(const struct ipc *s, struct rest *rest, unsigned *slot,
				void *records, size_t cap)
{
	size_t n = rest->count < cap ? rest->count : cap;

	memcpy(records, rest->text + rest->next * s->record_size, n * s->record_size);
	rest->next += n;
	rest->count -= n;
	*slot = rest->slot;
	return (ssize_t)n;
}

/* SLOT is detached, so the rest belongs to its former owner: drops it. */
static inline void rest_forget(struct rest *rest, unsigned slot)
{
	if (rest->slot == slot)
		rest->count = 0;
}

#endif
