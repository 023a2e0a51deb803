/* SPDX-License-Identifier: MIT */
/*
 * framing.h - for mechanisms whose ends are stream sockets: records by counting bytes. It calls
 * send, recv and recvmsg; a mechanism over other descriptors does the same with read and write.
 *
 * A stream keeps no boundaries. One receive may end in the middle of a record, and one send may
 * take only a part of what it was given. Every record of a session has the same size, so there is
 * no header: the n-th record begins at byte n * record_size.
 *
 *  - A receiver takes whole records and keeps the beginning of the next one until the rest comes.
 *  - A sender that the kernel has stopped in the middle of a record finishes that record before it
 *    returns, because the receiver already has its beginning. No call here is larger than what
 *    the kernel puts into one buffer, so this is rare; a mechanism whose kernel may split smaller
 *    calls asks for room first (tcp.c).
 *  - If a sender dies in the middle of a record, the receiver drops its beginning. That record was
 *    never acknowledged.
 */
#ifndef IPC_FRAMING_H
#define IPC_FRAMING_H

#include "ipc/core/fd_slots.h"

#define FRAMING_RECORD_LIMIT 32768 /* also the most bytes of one call; see unix_stream_sendmsg */

/* The slot state of such a mechanism begins with this. */
struct framed_slot {
	struct fd_slot fd; /* first: fd_slots.h */
	size_t held;       /* receiving: bytes of a record that has begun */
	char begun[FRAMING_RECORD_LIMIT];
};

/* As fd_slots_armed(). */
void framing_armed(struct ipc *s, unsigned slot, int hub_end, int slot_end);
ssize_t framing_send(struct ipc *s, unsigned slot, const void *records, size_t n, unsigned flags);
ssize_t framing_recv(struct ipc *s, unsigned *slot, void *records, size_t cap, unsigned flags);

#endif
