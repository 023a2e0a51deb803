/* SPDX-License-Identifier: MIT */
/*
 * floor_queue.c - the bare system calls of POSIX and of System V message queues.
 *
 * A System V queue has no descriptor: only the receiving call itself can wait for it, so poll means
 * block there. The hub removes the queue.
 */
#include "config.h"

#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/msg.h>
#include <sys/stat.h>
#include <unistd.h>

/* <sys/ipc.h> defines the same name with another value. */
enum { QUEUE_NOWAIT = IPC_NOWAIT };
#undef IPC_NOWAIT

#include "bench/floor_fd.h"

#define MQ_DEPTH   10
#define SYSV_BATCH 4096
#define SYSV_TEXT  8192 /* kernel.msgmax */

/* ---- POSIX ---- */

static int bare_mq_pair(const struct link *l, int ends[2], bool to_hub)
{
	const int spin = l->wait == IPC_SPIN ? O_NONBLOCK : 0;
	struct mq_attr attr = { .mq_maxmsg = MQ_DEPTH, .mq_msgsize = (long)l->axes->size };
	char name[48];

	(void)to_hub;
	(void)snprintf(name, sizeof name, "/floor-%d", (int)getpid());
	ends[0] = mq_open(name, O_CREAT | O_EXCL | O_RDONLY | spin, 0600, &attr);
	if (ends[0] < 0)
		return -errno;
	ends[1] = mq_open(name, O_WRONLY | spin);
	(void)mq_unlink(name);
	return ends[1] < 0 ? -EMFILE : 0;
}

static inline int bare_mq_send(struct link *l, unsigned slot, size_t n)
{
	struct fd_ends *state = l->state;
	ssize_t rc = 0;
	size_t i;

	(void)slot;
	for (i = 0; i < n && rc >= 0; i++)
		while ((rc = CALL(l, mq_send(state->out, (char *)loop_at(l, i), l->axes->size,
					     0))) == -EAGAIN)
			link_pause();
	return (int)rc;
}

static inline ssize_t bare_mq_recv(struct link *l, unsigned *slot, size_t cap)
{
	struct fd_ends *state = l->state;
	ssize_t rc = fd_ends_wait(l, state->in, POLLIN);

	(void)cap;
	*slot = 0;
	while (rc >= 0 &&
	       (rc = CALL(l, mq_receive(state->in, l->records, l->axes->size, NULL))) == -EAGAIN) {
		link_pause();
		rc = 0;
	}
	return rc <= 0 ? rc : 1;
}

LINK_LOOPS(bare_mq)

FD_FLOOR(floor_mq, bare_mq_pair, bare_mq);

/* ---- System V ---- */

struct sysv_link {
	int down, up; /* queues, by number */
	int in, out;  /* the same two, as this process uses them */
	struct {
		long type;
		char text[SYSV_TEXT];
	} message;
};

static int sysv_open(struct link *l)
{
	struct sysv_link *state = calloc(1, sizeof *state);

	if (!state)
		return -ENOMEM;
	l->state = state;
	state->down = msgget(IPC_PRIVATE, 0600);
	state->up = msgget(IPC_PRIVATE, 0600);
	state->message.type = 1;
	return state->down < 0 || state->up < 0 ? -errno : 0;
}

static int sysv_attach(struct link *l, unsigned slot, enum ipc_role role,
		       const struct ipc_peer *peer)
{
	struct sysv_link *state = l->state;

	(void)slot;
	(void)peer;
	state->in = role == IPC_HUB ? state->up : state->down;
	state->out = role == IPC_HUB ? state->down : state->up;
	return 0;
}

static inline int sysv_send(struct link *l, unsigned slot, size_t n)
{
	struct sysv_link *state = l->state;
	const int flags = l->wait == IPC_SPIN ? QUEUE_NOWAIT : 0;
	size_t size = l->axes->size, left = n * size, part;
	size_t most = size < SYSV_BATCH ? SYSV_BATCH / size * size : size;
	char *from = l->records;
	ssize_t rc = 0;

	(void)slot;
	for (; left > 0 && rc >= 0; left -= part, from += part) {
		part = left < most ? left : most;
		memcpy(state->message.text, from, part);
		while ((rc = CALL(l, msgsnd(state->out, &state->message, part, flags))) == -EAGAIN)
			link_pause();
	}
	return (int)rc;
}

static inline ssize_t sysv_recv(struct link *l, unsigned *slot, size_t cap)
{
	struct sysv_link *state = l->state;
	const int flags = l->wait == IPC_SPIN ? QUEUE_NOWAIT : 0;
	size_t most = cap * l->axes->size;
	ssize_t rc;

	*slot = 0;
	if (most > SYSV_TEXT)
		most = SYSV_TEXT;
	while ((rc = CALL(l, msgrcv(state->in, &state->message, most, 0, flags))) == -ENOMSG)
		link_pause();
	if (rc < 0)
		return rc == -EIDRM ? -EPIPE : rc;
	memcpy(l->records, state->message.text, (size_t)rc);
	return rc / (ssize_t)l->axes->size;
}

LINK_LOOPS(sysv)

/* Whichever side comes first removes the queues; the other gets EINVAL. */
static void sysv_close(struct link *l)
{
	struct sysv_link *state = l->state;

	if (!state)
		return;
	(void)msgctl(state->down, IPC_RMID, NULL);
	(void)msgctl(state->up, IPC_RMID, NULL);
	free(state);
}

const struct link_ops floor_sysv = {
	.open = sysv_open,
	.attach = sysv_attach,
	.hub = sysv_hub,
	.slot = sysv_slot,
	.syscalls = fd_ends_syscalls,
	.close = sysv_close,
};
