/* SPDX-License-Identifier: MIT */
/*
 * door.h - a TCP port that lets in one peer: who knows its secret.
 *
 *      door_open(s, &door, listener, address)
 *      where it is, and its secret -----------> door_enter(s, &door, fd)
 *      door_admit(s, &door, listener) -> fd
 *      close(listener)
 *
 *  - Whoever reaches the port may connect. A connection counts only if its first bytes are the
 *    secret, which are compared in constant time; any other is closed.
 *  - Who connects and says nothing must not make us wait. So the kernel keeps a connection to
 *    itself until it has said something (TCP_DEFER_ACCEPT); DOOR_STRANGERS at most, for
 *    DOOR_SILENT_S.
 *  - Between hosts a peer that loses its power says nothing either. door_watch has an idle one
 *    asked, and ended if it does not answer.
 *
 * The sockets are the caller's, who has made and tuned them.
 */
#ifndef IPC_DOOR_H
#define IPC_DOOR_H

#include <netinet/in.h>

#include "ipc/core/backend.h"

#define DOOR_STRANGERS 16
#define DOOR_SILENT_S  10

struct door {
	struct sockaddr_in address;
	uint64_t secret[2]; /* 16 bytes, as they travel */
};

/* LISTENER, which does not block, listens at AT, on a port of the kernel's choice. 0 or -errno. */
int door_open(struct ipc *s, struct door *door, int listener, struct in_addr at);

/* Connects FD, and says the secret. 0 or -errno. */
int door_enter(struct ipc *s, const struct door *door, int fd);

/*
 * Returns the connection that knew the secret, or -errno. With IPC_NOWAIT -EAGAIN: it has not come
 * yet. One stranger is all of such a call, or a flood of them would keep it.
 */
int door_admit(struct ipc *s, const struct door *door, int listener, unsigned flags);

/*
 * FD's connection ends if for SECONDS, or a quarter more, its other end has acknowledged nothing:
 * no data, and no question where there is none. 0 or -errno.
 */
int door_watch(struct ipc *s, int fd, unsigned seconds);

/* A door as the words of a ticket: numbers, which are the same on every host. */
void door_write(const struct door *door, uint64_t words[IPC_TICKET_WORDS], uint16_t more);
void door_read(struct door *door, const uint64_t words[IPC_TICKET_WORDS], uint16_t *more);

#endif
