/* SPDX-License-Identifier: MIT */
/* packet_io.c - see packet_io.h */
#include "config.h"

#include "ipc/core/packet_io.h"

#include "ipc/core/control.h"

static struct packet_io *io_of(const struct ipc *s)
{
	return s->state;
}

int packet_io_next(struct ipc *s, unsigned *slot, unsigned flags)
{
	const struct rest *rest = &io_of(s)->rest;

	if (rest->count == 0)
		return fd_slots_next(s, slot, flags);
	*slot = rest->slot;
	return 0;
}

ssize_t packet_io_write(struct ipc *s, unsigned slot, const void *buf, size_t bytes, unsigned flags)
{
	ssize_t rc = control_send_bytes(s, fd_slots_at(s, slot)->own, buf, bytes, flags);

	return rc == -ECONNRESET ? -EPIPE : rc;
}

ssize_t packet_io_read(struct ipc *s, unsigned slot, void *buf, size_t bytes, unsigned flags)
{
	struct packet_io *io = io_of(s);
	struct iovec iov[2] = { { .iov_base = buf, .iov_len = bytes },
				{ .iov_base = io->text, .iov_len = sizeof io->text } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
	ssize_t rc;

	if (io->rest.count > 0)
		return rest_take(s, &io->rest, &slot, buf, bytes / s->record_size) *
		       (ssize_t)s->record_size;
	do { /* again after ECONNRESET: a dead peer's packets are still there */
		rc = control_recv(s, fd_slots_at(s, slot)->own, &msg, flags, NULL);
	} while (rc == -ECONNRESET);
	if (rc > 0 && (msg.msg_flags & MSG_TRUNC))
		return -EPROTO;
	if (rc <= (ssize_t)bytes)
		return rc;
	if (rc % (ssize_t)s->record_size)
		return -EPROTO;
	io->rest = (struct rest){ .slot = slot,
				  .count = ((size_t)rc - bytes) / s->record_size,
				  .text = io->text };
	return (ssize_t)bytes;
}

/* -EAGAIN while a packet is not read to its end: the socket itself may be empty. */
int packet_io_pollfd(struct ipc *s, short *events)
{
	return io_of(s)->rest.count > 0 ? -EAGAIN : fd_slots_pollfd(s, events);
}

void packet_io_detach(struct ipc *s, unsigned slot)
{
	rest_forget(&io_of(s)->rest, slot);
	fd_slots_detach(s, slot);
}
