/* SPDX-License-Identifier: MIT */
/*
 * session.c - the facade: the life of a session, and the checks that mechanisms need not repeat.
 */
#include "config.h"

#include "ipc/ipc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ipc/core/registry.h"
#include "ipc/core/sys.h"
#include "ipc/core/ticket.h"
#include "ipc/core/waiting.h"

#define PEER_TIMEOUT_S 60u

/* What may be done with a slot. SLOT_BROKEN: attach has failed, only detach is allowed. */
enum stage { SLOT_FREE, SLOT_ARMED, SLOT_SENDS, SLOT_RECEIVES, SLOT_BROKEN };

/* A session: what its mechanism sees of it, and what the facade keeps for itself. */
struct session {
	struct ipc ipc; /* first: callers have a pointer to it */
	struct waiting waiting;
	bool receives;
	unsigned char *stage; /* [slots]: enum stage */
};

static inline struct session *session_of(const struct ipc *s)
{
	return (struct session *)(uintptr_t)s;
}

/* ---- life of a session ---- */

static int config_check(const struct ipc_backend *backend, const struct ipc_config *config)
{
	if (config->slots < 1 || config->slots > IPC_SLOTS_MAX)
		return -EINVAL;
	if (config->record_size < IPC_RECORD_MIN || config->record_size % 8)
		return -EINVAL;
	if (config->accept_fds && !(backend->info.capabilities & IPC_CAP_PASS_FD))
		return -EOPNOTSUPP;
	if (config->keep && !(backend->info.capabilities & IPC_CAP_KEEPS))
		return -EOPNOTSUPP;
	if (config->listen && !(backend->info.capabilities & IPC_CAP_CROSS_HOST))
		return -EOPNOTSUPP;
	if ((config->listen && (!*config->listen || strlen(config->listen) >= IPC_LISTEN_MAX)) ||
	    config->peer_timeout > IPC_PEER_TIMEOUT_MAX)
		return -EINVAL;
	if (config->keep && (!config->runtime_dir || config->direction != IPC_TO_HUB))
		return -EINVAL;
	return config->record_size > backend->info.record_limit ? -EMSGSIZE : 0;
}

static void session_free(struct session *session)
{
	free(session->ipc.state);
	free(session->ipc.slot_state);
	free(session->stage);
	free(session);
}

static struct session *session_new(const struct ipc_backend *backend,
				   const struct ipc_config *config)
{
	struct session *session = calloc(1, sizeof *session);
	struct ipc *s;

	if (!session)
		return NULL;
	s = &session->ipc;
	s->backend = backend;
	s->direction = config->direction;
	s->role = IPC_HUB;
	s->slots = config->slots;
	s->single = config->slots == 1;
	s->record_size = config->record_size;
	s->depth = config->depth;
	s->accept_fds = config->accept_fds;
	s->keep = config->keep;
	if (config->listen) /* its length was checked, and what is behind it is zero */
		memcpy(s->listen, config->listen, strlen(config->listen));
	s->peer_timeout = config->peer_timeout ? config->peer_timeout : PEER_TIMEOUT_S;
	s->opener = getpid();
	session->receives = ipc_receives(s);
	waiting_init(&session->waiting, backend);
	/*
	 * One byte more than needed: calloc of 0 bytes may return NULL, which must mean "no
	 * memory".
	 */
	s->state = calloc(1, backend->state_size + 1);
	s->slot_state = calloc(config->slots, backend->slot_size + 1);
	session->stage = calloc(config->slots, sizeof *session->stage);
	if (s->state && s->slot_state && session->stage)
		return session;
	session_free(session);
	return NULL;
}

int ipc_open(struct ipc **session, const char *name, const struct ipc_config *config)
{
	const struct ipc_backend *backend = ipc_backend_find(name);
	const char *dir = config->runtime_dir ? config->runtime_dir : "/tmp";
	struct session *new;
	struct ipc *s;
	int rc;

	if (!backend)
		return -ENOENT;
	rc = config_check(backend, config);
	if (rc < 0)
		return rc;
	new = session_new(backend, config);
	if (!new)
		return -ENOMEM;
	s = &new->ipc;
	if ((size_t)snprintf(s->runtime_dir, sizeof s->runtime_dir, "%s", dir) >=
	    sizeof s->runtime_dir)
		rc = -ENAMETOOLONG;
	else
		rc = backend->open(s);
	if (rc < 0) {
		session_free(new);
		return rc;
	}
	*session = s;
	return 0;
}

static void become_slot(struct session *session, unsigned slot, const struct ipc_peer *hub)
{
	struct ipc *s = &session->ipc;

	s->role = IPC_SLOT;
	s->single = true;
	s->self = slot;
	s->syscalls = 0;
	session->waiting.peer = *hub;
	memset(session->stage, SLOT_FREE, s->slots); /* the siblings' are not its own */
}

static int arm_check(const struct ipc *s, unsigned slot)
{
	if (slot >= s->slots || s->role != IPC_HUB)
		return -EINVAL;
	return session_of(s)->stage[slot] == SLOT_FREE ? 0 : -EBUSY;
}

int ipc_arm(struct ipc *s, unsigned slot)
{
	int rc = arm_check(s, slot);

	if (rc == 0)
		rc = s->backend->arm(s, slot);
	if (rc == 0)
		session_of(s)->stage[slot] = SLOT_ARMED;
	return rc;
}

int ipc_recover(struct ipc *s, unsigned slot)
{
	int rc = arm_check(s, slot);

	if (rc == 0)
		rc = s->keep ? s->backend->recover(s, slot) : -EOPNOTSUPP;
	if (rc == 0)
		session_of(s)->stage[slot] = SLOT_RECEIVES;
	return rc;
}

static void attached(struct session *session, unsigned slot, int rc)
{
	session->receives = ipc_receives(&session->ipc);
	session->stage[slot] = rc < 0            ? SLOT_BROKEN :
			       session->receives ? SLOT_RECEIVES :
						   SLOT_SENDS;
}

int ipc_attach(struct ipc *s, unsigned slot, enum ipc_role role, const struct ipc_peer *peer)
{
	int rc;

	if (slot >= s->slots || s->role != IPC_HUB || session_of(s)->stage[slot] != SLOT_ARMED)
		return -EINVAL;
	if (role == IPC_SLOT)
		become_slot(session_of(s), slot, peer);
	else if (s->single)
		session_of(s)->waiting.peer = *peer;
	rc = s->backend->attach(s, slot, peer);
	attached(session_of(s), slot, rc);
	return rc;
}

int ipc_ticket(struct ipc *s, unsigned slot, struct ipc_ticket *ticket)
{
	struct ticket_session about = { .slot = slot,
					.config = { .direction = s->direction,
						    .record_size = s->record_size,
						    .slots = s->slots,
						    .depth = s->depth } };
	int rc = arm_check(s, slot);

	*ticket = (struct ipc_ticket){ .fds = { -1, -1, -1, -1 } };
	if (rc == 0)
		rc = s->backend->ticket ? s->backend->ticket(s, slot, ticket) : -ENOTSUP;
	if (rc < 0)
		return rc;
	session_of(s)->stage[slot] = SLOT_ARMED;
	(void)snprintf(about.name, sizeof about.name, "%s", s->backend->info.name);
	rc = ticket_write(ticket, &about);
	if (rc < 0) {
		ipc_ticket_close(ticket);
		ipc_detach(s, slot);
	}
	return rc;
}

/* Makes the descriptors close-on-exec, as all of a session are. -EBADF: one is not open. */
static int take_descriptors(const struct ipc_ticket *ticket)
{
	size_t i;

	for (i = 0; i < IPC_TICKET_FDS; i++)
		if (ticket->fds[i] >= 0 && fcntl(ticket->fds[i], F_SETFD, FD_CLOEXEC) < 0)
			return -errno;
	return 0;
}

int ipc_join(struct ipc **session, const char *text, const struct ipc_peer *hub, unsigned *slot)
{
	const struct ipc_backend *backend;
	struct ticket_session about;
	struct ipc_ticket ticket;
	struct session *new;
	int rc = ticket_read(text, &ticket, &about);

	if (rc < 0)
		return rc;
	backend = ipc_backend_find(about.name);
	if (!backend || !backend->join)
		return backend ? -ENOTSUP : -ENOENT;
	rc = config_check(backend, &about.config);
	if (rc == 0)
		rc = take_descriptors(&ticket);
	if (rc < 0)
		return rc;
	new = session_new(backend, &about.config);
	if (!new)
		return -ENOMEM;
	new->ipc.opener = 0;
	become_slot(new, about.slot, hub);
	rc = backend->join(&new->ipc, about.slot, &ticket, hub);
	if (rc < 0) {
		session_free(new);
		return rc;
	}
	attached(new, about.slot, 0);
	*slot = about.slot;
	*session = &new->ipc;
	return 0;
}

void ipc_set_strategy(struct ipc *s, enum ipc_strategy strategy)
{
	waiting_set_strategy(&session_of(s)->waiting, s->backend, strategy);
}

void ipc_detach(struct ipc *s, unsigned slot)
{
	if (slot >= s->slots || session_of(s)->stage[slot] == SLOT_FREE)
		return;
	s->backend->detach(s, slot);
	session_of(s)->stage[slot] = SLOT_FREE;
	if (s->single)
		session_of(s)->waiting.peer = (struct ipc_peer){ .pidfd = -1 };
}

void ipc_close(struct ipc *s)
{
	unsigned slot;

	if (!s)
		return;
	for (slot = 0; slot < s->slots; slot++)
		ipc_detach(s, slot);
	if (s->backend->close)
		s->backend->close(s);
	session_free(session_of(s));
}

/* ---- records ---- */

/*
 * Where the strategy allows (see waiting_set_strategy), both first make the mechanism's call
 * directly, so that a call that need not wait costs nothing more.
 */
ssize_t ipc_send(struct ipc *s, unsigned slot, const void *records, size_t n, unsigned flags)
{
	struct session *session = session_of(s);
	const bool waits = !(flags & IPC_NOWAIT);
	ssize_t rc;

	if (slot >= s->slots || session->stage[slot] != SLOT_SENDS || n == 0)
		return -EINVAL;
	if (waits && !session->waiting.direct)
		return waiting_send(s, &session->waiting, slot, records, n);
	flags |= session->waiting.direct_flags;
	rc = s->backend->send(s, slot, records, n, flags);
	return rc == -EAGAIN && waits ? waiting_send(s, &session->waiting, slot, records, n) : rc;
}

int ipc_send_all(struct ipc *s, unsigned slot, const void *records, size_t n)
{
	const char *next = records;

	while (n > 0) {
		ssize_t sent = ipc_send(s, slot, next, n, 0);

		if (sent < 0)
			return (int)sent;
		next += (size_t)sent * s->record_size;
		n -= (size_t)sent;
	}
	return 0;
}

ssize_t ipc_recv(struct ipc *s, unsigned *slot, void *records, size_t cap, unsigned flags)
{
	struct session *session = session_of(s);
	const bool waits = !(flags & IPC_NOWAIT);
	ssize_t rc;

	if (cap == 0 || !session->receives)
		return -EINVAL;
	if (waits && !session->waiting.direct)
		return waiting_recv(s, &session->waiting, slot, records, cap);
	flags |= session->waiting.direct_flags;
	rc = s->backend->recv(s, slot, records, cap, flags);
	return rc == -EAGAIN && waits ? waiting_recv(s, &session->waiting, slot, records, cap) : rc;
}

int ipc_send_fd(struct ipc *s, unsigned slot, const void *record, int fd, unsigned flags)
{
	ssize_t rc;

	if (!(s->backend->info.capabilities & IPC_CAP_PASS_FD))
		return -EOPNOTSUPP;
	s->passed = &fd;
	rc = ipc_send(s, slot, record, 1, flags);
	s->passed = NULL;
	return rc < 0 ? (int)rc : 0;
}

ssize_t ipc_recv_fd(struct ipc *s, unsigned *slot, void *record, int *fd, unsigned flags)
{
	ssize_t rc;

	*fd = -1;
	if (!(s->backend->info.capabilities & IPC_CAP_PASS_FD))
		return -EOPNOTSUPP;
	if (s->role == IPC_HUB && !s->accept_fds)
		return -EPERM;
	s->passed = fd;
	rc = ipc_recv(s, slot, record, 1, flags);
	s->passed = NULL;
	if (rc <= 0)
		sys_close(fd);
	return rc;
}

int ipc_wait(struct ipc *s, int64_t timeout_ns)
{
	return waiting_sleep(s, &session_of(s)->waiting, timeout_ns);
}

int ipc_pollfd(struct ipc *s, short *events)
{
	return s->backend->pollfd ? s->backend->pollfd(s, events) : -ENOTSUP;
}

uint64_t ipc_syscalls(const struct ipc *s)
{
	return s->backend->own_threads ? UINT64_MAX : s->syscalls;
}

const struct ipc_info *ipc_session_info(const struct ipc *s)
{
	return &s->backend->info;
}

/* ---- for a sandbox ---- */

_Static_assert(IPC_CALLS_MAX == IPC_SLOT_CALLS_MAX, "a caller has room for all");

size_t ipc_slot_calls(const struct ipc *s, const struct ipc_peer *hub,
		      struct ipc_call calls[IPC_CALLS_MAX])
{
	const struct ipc_slot_call *from = s->backend->slot_calls;
	unsigned i;
	size_t n;

	for (n = 0; n < IPC_CALLS_MAX && from[n].name; n++) {
		calls[n] = (struct ipc_call){ .name = from[n].name };
		for (i = 0; i < 2; i++) {
			if (from[n].args[i] == IPC_ARG_ANY)
				continue;
			calls[n].fixed |= 1u << i;
			calls[n].args[i] = from[n].args[i] == IPC_ARG_HUB_PIDFD ?
						   (uint64_t)hub->pidfd :
						   s->number;
		}
	}
	return n;
}
