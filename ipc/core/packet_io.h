/* SPDX-License-Identifier: MIT */
/*
 * packet_io.h - for connected sockets that keep packets apart (SOCK_SEQPACKET): write and read
 * whole records, as pipe_io.h does for pipes, with two differences:
 *
 *  - A packet is received whole, or its end is lost. If it holds more records than the caller has
 *    room for, the others stay in the session (rest.h), and the next read returns them.
 *  - ECONNRESET means that the peer died with unread packets. Those that it sent are still there,
 *    then comes the end of file.
 */
#ifndef IPC_PACKET_IO_H
#define IPC_PACKET_IO_H

#include "ipc/core/fd_slots.h"
#include "ipc/core/rest.h"

#define PACKET_BYTES 4096 /* of several records at most; a single one may be longer */

/* The session state of such a mechanism begins with this. */
struct packet_io {
	struct fd_slots slots; /* first: fd_slots.h */
	struct rest rest;
	char text[PACKET_BYTES +
		  1]; /* one byte more, so that a packet that is too long is noticed */
};

/* Receiving: as fd_slots_next, but first the slot whose packet is not read to its end. */
int packet_io_next(struct ipc *s, unsigned *slot, unsigned flags);

/* SLOT's own end, as write(2) and read(2). Results or -errno; -EPIPE without a signal. */
ssize_t packet_io_write(struct ipc *s, unsigned slot, const void *buf, size_t bytes,
			unsigned flags);
ssize_t packet_io_read(struct ipc *s, unsigned slot, void *buf, size_t bytes, unsigned flags);

int packet_io_pollfd(struct ipc *s, short *events);
void packet_io_detach(struct ipc *s, unsigned slot);

#endif
