/* SPDX-License-Identifier: MIT */
/* framing.c - see framing.h */
#include "config.h"

#include "ipc/core/framing.h"

#include <string.h>
#include <sys/socket.h>

#include "ipc/core/control.h"
#include "ipc/core/sys.h"

static struct framed_slot *framed_slot(const struct ipc *s, unsigned slot)
{
	return (void *)fd_slots_at(s, slot);
}

void framing_armed(struct ipc *s, unsigned slot, int hub_end, int slot_end)
{
	fd_slots_armed(s, slot, hub_end, slot_end);
	framed_slot(s, slot)->held = 0;
}

ssize_t framing_send(struct ipc *s, unsigned slot, const void *records, size_t n, unsigned flags)
{
	const size_t size = s->record_size, most = FRAMING_RECORD_LIMIT / size;
	const int fd = fd_slots_at(s, slot)->own;
	size_t done, rest;
	const size_t bytes = (n < most ? n : most) * size;
	ssize_t rc = control_send_bytes(s, fd, records, bytes, flags);

	if (rc == -EAGAIN)
		fd_slots_full(s, slot);
	else if (rc < 0) /* a connection reports once what ended it; then it is EPIPE */
		rc = control_send_bytes(s, fd, records, bytes, flags);
	if (rc < 0)
		return rc;
	for (done = (size_t)rc; done % size > 0; done += (size_t)rc) { /* a record is begun */
		rest = size - done % size;
		rc = SYS(s, send(fd, (const char *)records + done, rest, MSG_NOSIGNAL));
		if (rc < 0)
			return done >= size ? (ssize_t)(done / size) : -EPIPE;
	}
	return (ssize_t)(done / size);
}

/*
 * A descriptor arrives with the first byte of its record. Until the record is whole, the slot keeps
 * it. 0, or -EPROTO: two came with one record.
 */
static int framing_passed(struct ipc *s, struct fd_slot *at, bool whole)
{
	int *from = whole ? &at->passed : s->passed, *to = whole ? s->passed : &at->passed;

	if (whole && !s->passed)
		sys_close(&at->passed); /* the caller wants no descriptor */
	if (!s->passed || *from == -1)
		return 0;
	if (*to != -1)
		return -EPROTO;
	*to = *from;
	*from = -1;
	return 0;
}

/*
 * recv(2), or with room for a descriptor recvmsg(2). A connection reports once what has ended it,
 * such as ECONNRESET: its peer died with something unread. Then comes the end of file.
 */
static ssize_t framing_read(struct ipc *s, int fd, char *at, size_t size, unsigned flags)
{
	struct iovec iov = { .iov_base = at, .iov_len = size };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	unsigned tries = 0;
	ssize_t rc;

	do {
		rc = s->passed ? control_recv(s, fd, &msg, flags, NULL) :
				 SYS(s, recv(fd, at, size, flags & IPC_NOWAIT ? MSG_DONTWAIT : 0));
	} while (rc < 0 && rc != -EAGAIN && tries++ == 0);
	return rc >= 0 && (msg.msg_flags & MSG_TRUNC) ? -EPROTO : rc;
}

/* Receives once from SLOT: whole records; 0 at its end; -EAGAIN while none is whole. */
static ssize_t framing_take(struct ipc *s, unsigned slot, char *records, size_t cap, unsigned flags)
{
	struct framed_slot *at = framed_slot(s, slot);
	const size_t size = s->record_size;
	size_t have, whole;
	ssize_t rc;

	memcpy(records, at->begun, at->held);
	rc = framing_read(s, at->fd.own, records + at->held, cap * size - at->held, flags);
	if (rc == 0) {
		at->held = 0; /* bytes of a record that its sender did not finish */
		sys_close(&at->fd.passed);
		fd_slots_ended(s, slot);
	}
	if (rc <= 0)
		return rc;
	have = at->held + (size_t)rc;
	whole = have / size;
	at->held = have % size;
	memcpy(at->begun, records + whole * size, at->held);
	if (framing_passed(s, &at->fd, whole > 0) < 0)
		return -EPROTO;
	return whole > 0 ? (ssize_t)whole : -EAGAIN;
}

/* A slot with only a part of a record is skipped: the next slot gets its turn. */
ssize_t framing_recv(struct ipc *s, unsigned *slot, void *records, size_t cap, unsigned flags)
{
	const bool once = s->single && (flags & IPC_NOWAIT);
	ssize_t rc;

	do {
		rc = fd_slots_next(s, slot, flags);
		if (rc < 0)
			return rc;
		rc = framing_take(s, *slot, records, cap, flags);
	} while (rc == -EAGAIN && !once);
	return rc;
}
