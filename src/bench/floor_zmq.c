/* SPDX-License-Identifier: MIT */
/*
 * floor_zmq.c - the floor of ZeroMQ: libzmq itself, between the same socket types, one message a
 * record, with the zmq_msg calls and nothing around them.
 *
 * The hub's ROUTER learns the routing id of the slot's DEALER from its first message, an empty one.
 */
#include "config.h"

#ifdef HAVE_ZMQ

# include <errno.h>
# include <stdio.h>
# include <stdlib.h>
# include <string.h>
# include <unistd.h>

# include <zmq.h>

# include "bench/floor.h"
# include "bench/loop.h"

# define PATH_MAX_IPC 100
# define ID_MAX       256
# define LINGER_MS    1000

struct zmq_link {
	enum ipc_strategy wait;
	void *context, *socket;
	bool hub;
	char dir[PATH_MAX_IPC], endpoint[PATH_MAX_IPC + 16];
	char id[ID_MAX];
	size_t id_size;
};

static int zmq_error(void)
{
	return errno < ZMQ_HAUSNUMERO ? -errno : -EIO;
}

static int make_socket(struct zmq_link *state, int type)
{
	int linger = LINGER_MS;

	state->context = zmq_ctx_new();
	state->socket = state->context ? zmq_socket(state->context, type) : NULL;
	if (!state->socket)
		return zmq_error();
	(void)zmq_setsockopt(state->socket, ZMQ_LINGER, &linger, sizeof linger);
	return 0;
}

static int bare_zmq_open(struct link *l)
{
	struct zmq_link *state = calloc(1, sizeof *state);
	int rc;

	if (!state)
		return -ENOMEM;
	l->state = state;
	state->hub = true;
	state->wait = l->wait;
	(void)snprintf(state->dir, sizeof state->dir, "%s/floor-XXXXXX", l->dir ? l->dir : "/tmp");
	if (!mkdtemp(state->dir)) {
		state->dir[0] = '\0';
		return -errno;
	}
	(void)snprintf(state->endpoint, sizeof state->endpoint, "ipc://%s/hub", state->dir);
	rc = make_socket(state, ZMQ_ROUTER);
	if (rc == 0 && zmq_bind(state->socket, state->endpoint) < 0)
		rc = zmq_error();
	return rc;
}

static int learn_id(struct zmq_link *state)
{
	zmq_msg_t id, empty;
	int rc;

	(void)zmq_msg_init(&id);
	(void)zmq_msg_init(&empty);
	rc = zmq_msg_recv(&id, state->socket, 0) < 0 || zmq_msg_recv(&empty, state->socket, 0) < 0 ?
		     zmq_error() :
		     0;
	state->id_size = zmq_msg_size(&id) < ID_MAX ? zmq_msg_size(&id) : 0;
	memcpy(state->id, zmq_msg_data(&id), state->id_size);
	(void)zmq_msg_close(&id);
	(void)zmq_msg_close(&empty);
	return rc;
}

static int bare_zmq_attach(struct link *l, unsigned slot, enum ipc_role role,
			   const struct ipc_peer *peer)
{
	struct zmq_link *state = l->state;
	int rc;

	(void)slot;
	(void)peer;
	if (role == IPC_HUB)
		return learn_id(state);
	/* The inherited context is the hub's: it must be neither used nor terminated here. */
	state->hub = false;
	rc = make_socket(state, ZMQ_DEALER);
	if (rc == 0 && zmq_connect(state->socket, state->endpoint) < 0)
		rc = zmq_error();
	if (rc == 0 && zmq_send(state->socket, "", 0, 0) < 0)
		rc = zmq_error();
	return rc;
}

static void bare_zmq_close(struct link *l)
{
	struct zmq_link *state = l->state;

	if (!state)
		return;
	if (state->socket)
		(void)zmq_close(state->socket);
	if (state->context)
		(void)zmq_ctx_term(state->context);
	if (state->hub && state->dir[0]) {
		(void)unlink(state->endpoint + strlen("ipc://"));
		(void)rmdir(state->dir);
	}
	free(state);
}

static uint64_t bare_zmq_syscalls(const struct link *l)
{
	(void)l;
	return UINT64_MAX; /* libzmq hides them */
}

/* Sends a message of N bytes; the library frees it. */
static inline int put(const struct zmq_link *state, const void *from, size_t n, int more)
{
	int flags = more | (state->wait == IPC_SPIN ? ZMQ_DONTWAIT : 0);
	zmq_msg_t msg;
	int rc;

	if (zmq_msg_init_size(&msg, n) < 0)
		return -ENOMEM;
	memcpy(zmq_msg_data(&msg), from, n);
	while ((rc = zmq_msg_send(&msg, state->socket, flags)) < 0 &&
	       (errno == EAGAIN || errno == EINTR))
		link_pause();
	if (rc >= 0)
		return 0;
	(void)zmq_msg_close(&msg);
	return zmq_error();
}

static inline int bare_zmq_send(struct link *l, unsigned slot, size_t n)
{
	const struct zmq_link *state = l->state;
	const char *from = l->records;
	int rc = 0;

	(void)slot;
	for (; n > 0 && rc == 0; n--, from += l->axes->size) {
		if (state->hub)
			rc = put(state, state->id, state->id_size, ZMQ_SNDMORE);
		if (rc == 0)
			rc = put(state, from, l->axes->size, 0);
	}
	return rc;
}

/* Receives one frame. FLAGS: ZMQ_DONTWAIT for records after the first. */
static inline int get(const struct zmq_link *state, zmq_msg_t *msg, int flags)
{
	int rc;

	if (state->wait == IPC_SPIN)
		flags |= ZMQ_DONTWAIT;
	while ((rc = zmq_msg_recv(msg, state->socket, flags)) < 0 && errno == EINTR)
		;
	return rc < 0 ? zmq_error() : rc;
}

static inline int get_record(struct link *l, char *to, int flags)
{
	const struct zmq_link *state = l->state;
	zmq_msg_t msg;
	int rc;

	(void)zmq_msg_init(&msg);
	rc = get(state, &msg, flags);
	if (rc >= 0 && state->hub)
		rc = get(state, &msg, 0); /* the message follows its routing id */
	if (rc >= 0 && (size_t)rc == l->axes->size)
		memcpy(to, zmq_msg_data(&msg), l->axes->size);
	else if (rc >= 0)
		rc = -EBADMSG;
	(void)zmq_msg_close(&msg);
	return rc;
}

static inline ssize_t bare_zmq_recv(struct link *l, unsigned *slot, size_t cap)
{
	struct zmq_link *state = l->state;
	zmq_pollitem_t item = { .socket = state->socket, .events = ZMQ_POLLIN };
	size_t got = 0;
	int rc;

	*slot = 0;
	if (state->wait == IPC_POLL)
		while (zmq_poll(&item, 1, -1) < 0 && errno == EINTR)
			;
	while ((rc = get_record(l, l->records, 0)) == -EAGAIN)
		link_pause();
	/* Receives more if they are there, as the library does. */
	while (rc >= 0 && ++got < cap)
		rc = get_record(l, (char *)l->records + got * l->axes->size, ZMQ_DONTWAIT);
	return got > 0 ? (ssize_t)got : rc;
}

LINK_LOOPS(bare_zmq)

const struct link_ops floor_zmq = {
	.open = bare_zmq_open,
	.attach = bare_zmq_attach,
	.hub = bare_zmq_hub,
	.slot = bare_zmq_slot,
	.syscalls = bare_zmq_syscalls,
	.close = bare_zmq_close,
	.own_threads = true,
};

#else
typedef int floor_zmq_is_left_out; /* ISO C wants something in a file */
#endif
