/* SPDX-License-Identifier: MIT */
/*
 * pipe_io.h - for pipes and FIFOs: read and write whole records, with two things for which sockets
 * have flags and pipes, on older kernels, have not.
 *
 *  - Not to wait. RWF_NOWAIT (preadv2(2)) is a flag for it, but pipes know it only since Linux 6.4,
 *    and FIFOs not at all. Otherwise O_NONBLOCK is set or cleared (fd_slots_mode).
 *  - No SIGPIPE when the reader is gone. If the program ignores the signal, a write is a plain
 *    write(2). Otherwise RWF_NOSIGNAL (Linux 6.18) suppresses it. On older kernels the signal is
 *    blocked around each write and taken off the queue, which costs two system calls more. A
 *    session never changes the program's disposition of the signal; attach looks it up.
 */
#ifndef IPC_PIPE_IO_H
#define IPC_PIPE_IO_H

#include "ipc/core/fd_slots.h"

/* The session state of such a mechanism begins with this. */
struct pipe_io {
	struct fd_slots slots; /* first: fd_slots.h */
	bool by_mode;          /* RWF_NOWAIT is not known: O_NONBLOCK decides */
	bool nosignal;         /* the kernel knows RWF_NOSIGNAL */
	bool ignored;          /* the program ignores SIGPIPE */
};

/* Finds out which of the flags the kernel knows. 0 or -errno. */
int pipe_io_ask(struct ipc *s);
/* Looks up whether the program ignores SIGPIPE. Call it in attach and in join. */
void pipe_io_look(struct ipc *s);

/* As those of fd_slots.h, which they call last; a ticket carries what the kernel knows. */
int pipe_io_open(struct ipc *s);
int pipe_io_attach(struct ipc *s, unsigned slot, const struct ipc_peer *peer);
int pipe_io_ticket(struct ipc *s, unsigned slot, struct ipc_ticket *ticket);
int pipe_io_join(struct ipc *s, unsigned slot, const struct ipc_ticket *ticket,
		 const struct ipc_peer *peer);

/* SLOT's own end, as write(2) and read(2). Results or -errno; -EPIPE without a signal. */
ssize_t pipe_io_write(struct ipc *s, unsigned slot, const void *buf, size_t bytes, unsigned flags);
ssize_t pipe_io_read(struct ipc *s, unsigned slot, void *buf, size_t bytes, unsigned flags);

#endif
