/* SPDX-License-Identifier: MIT */
/*
 * session.c - the facade: the checks, and how to wait, once for all mechanisms.
 */
#include "config.h"

#include "ipc/ipc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "ipc/core/backend.h"
#include "ipc/core/sys.h"

#define SPIN_CHECK      4096u  /* tries between two looks at the peer's pidfd */
#define PATIENCE_NS     50000u /* about one wake-up of a sleeping CPU: at worst twice the optimum */
#define PATIENCE_MIN_NS 3000u  /* below that a try is not worth its system calls */
#define BACKOFF_MAX     1024u  /* calls between two probes of a peer that does not answer at once */
#define TRUST_FULL      8u /* clean successes in a row until only one in TRUST_SAMPLE is checked */
#define TRUST_SAMPLE    32u
#define NAP_NS          200000 /* where nothing wakes us: a mechanism without a descriptor */

/* ---- life of a session ---- */

static int config_check(const struct ipc_backend *backend, const struct ipc_config *config)
{
	if (config->slots < 1 || config->slots > IPC_SLOTS_MAX)
		return -EINVAL;
	if (config->record_size < IPC_RECORD_MIN || config->record_size % 8)
		return -EINVAL;
	return config->record_size > backend->info.record_limit ? -EMSGSIZE : 0;
}

static void session_free(struct ipc *s)
{
	free(s->state);
	free(s->slot_state);
	free(s->stage);
	free(s);
}

static struct ipc *session_new(const struct ipc_backend *backend, const struct ipc_config *config)
{
	struct ipc *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->backend = backend;
	s->direction = config->direction;
	s->role = IPC_HUB;
	s->slots = config->slots;
	s->single = config->slots == 1;
	s->record_size = config->record_size;
	s->depth = config->depth;
	s->opener = getpid();
	ipc_set_strategy(s, IPC_BLOCK);
	s->patience = (struct ipc_patience){ .budget_ns = PATIENCE_NS, .backoff = 1 };
	s->peer = (struct ipc_peer){ .pidfd = -1 };
	/* calloc(.., 0) may be NULL: one more byte than needed, so that NULL is always "no memory"
	 */
	s->state = calloc(1, backend->state_size + 1);
	s->slot_state = calloc(config->slots, backend->slot_size + 1);
	s->stage = calloc(config->slots, sizeof *s->stage);
	if (s->state && s->slot_state && s->stage)
		return s;
	session_free(s);
	return NULL;
}

int ipc_open(struct ipc **session, const char *name, const struct ipc_config *config)
{
	const struct ipc_backend *backend = ipc_backend_find(name);
	const char *dir = config->runtime_dir ? config->runtime_dir : "/tmp";
	struct ipc *s;
	int rc;

	if (!backend)
		return -ENOENT;
	rc = config_check(backend, config);
	if (rc < 0)
		return rc;
	s = session_new(backend, config);
	if (!s)
		return -ENOMEM;
	if ((size_t)snprintf(s->runtime_dir, sizeof s->runtime_dir, "%s", dir) >=
	    sizeof s->runtime_dir)
		rc = -ENAMETOOLONG;
	else
		rc = backend->open(s);
	if (rc < 0) {
		session_free(s);
		return rc;
	}
	*session = s;
	return 0;
}

int ipc_arm(struct ipc *s, unsigned slot)
{
	int rc;

	if (slot >= s->slots || s->role != IPC_HUB)
		return -EINVAL;
	if (s->stage[slot] != IPC_FREE)
		return -EBUSY;
	rc = s->backend->arm(s, slot);
	if (rc == 0)
		s->stage[slot] = IPC_ARMED;
	return rc;
}

int ipc_attach(struct ipc *s, unsigned slot, enum ipc_role role, const struct ipc_peer *peer)
{
	int rc;

	if (slot >= s->slots || s->role != IPC_HUB || s->stage[slot] != IPC_ARMED)
		return -EINVAL;
	s->role = role;
	if (role == IPC_SLOT) {
		s->single = true;
		s->self = slot;
		memset(s->stage, IPC_FREE,
		       s->slots); /* the siblings' slots are not ours to detach */
		s->syscalls = 0;
	}
	if (s->single)
		s->peer = *peer;
	rc = s->backend->attach(s, slot, peer);
	s->stage[slot] = IPC_ATTACHED;
	return rc;
}

/*
 * The short way through ipc_send and ipc_recv: one call of the backend, nothing around it. A
 * blocking call is that by itself; where a try costs next to nothing, it comes before any policy.
 */
void ipc_set_strategy(struct ipc *s, enum ipc_strategy strategy)
{
	s->strategy = strategy;
	s->direct = strategy == IPC_BLOCK || s->backend->never_blocks;
	s->direct_flags = s->backend->never_blocks ? IPC_NOWAIT : 0;
}

void ipc_detach(struct ipc *s, unsigned slot)
{
	if (slot >= s->slots || s->stage[slot] == IPC_FREE)
		return;
	s->backend->detach(s, slot);
	s->stage[slot] = IPC_FREE;
	if (s->single)
		s->peer = (struct ipc_peer){ .pidfd = -1 };
}

void ipc_close(struct ipc *s)
{
	unsigned slot;

	if (!s)
		return;
	for (slot = 0; slot < s->slots; slot++)
		ipc_detach(s, slot);
	s->backend->close(s);
	session_free(s);
}

/* ---- how to wait ---- */

/* One ipc_send or ipc_recv under way, so that waiting is written once for both. */
struct call {
	unsigned *slot; /* receiving: where to tell the slot; sending: the slot */
	void *in;
	const void *out;
	size_t n;
};

static inline ssize_t attempt(struct ipc *s, const struct call *call, unsigned flags)
{
	return call->in ? s->backend->recv(s, call->slot, call->in, call->n, flags) :
			  s->backend->send(s, *call->slot, call->out, call->n, flags);
}

/* The pidfd to watch where the mechanism itself is silent about the death of its other end. */
static int mute_peer(const struct ipc *s)
{
	return s->single && !(s->backend->info.capabilities & IPC_CAP_EOF) ? s->peer.pidfd : -1;
}

enum { WOKE_TIMEOUT = 0, WOKE_READY = 1, WOKE_PEER_DEAD = 2 };

/* Sleeps once. One of the above, or -errno. */
static int sleep_once(struct ipc *s, int64_t timeout_ns)
{
	short events = 0;
	int fd = s->backend->pollfd(s, &events);
	int rc;

	if (fd == -EAGAIN)
		return WOKE_READY;
	if (fd == -ENOTSUP) { /* nothing tells: look again in a moment */
		rc = sys_poll(s, -1, 0, mute_peer(s),
			      timeout_ns >= 0 && timeout_ns < NAP_NS ? timeout_ns : NAP_NS);
		return rc == 0 ? WOKE_READY : rc < 0 ? rc : WOKE_PEER_DEAD;
	}
	if (fd < 0)
		return fd;
	rc = sys_poll(s, fd, events, mute_peer(s), timeout_ns);
	return rc > 0 && (rc & 1) ? WOKE_READY : rc;
}

/* The peer is dead: what it sent is still to be had, then the end. */
static ssize_t after_death(struct ipc *s, const struct call *call)
{
	ssize_t rc;

	if (!call->in)
		return -EPIPE;
	rc = attempt(s, call, IPC_NOWAIT);
	if (rc != -EAGAIN)
		return rc;
	*call->slot = s->self;
	return 0;
}

/* Sleeps, then tries, until there is an answer. */
static ssize_t sleep_and_try(struct ipc *s, const struct call *call, unsigned flags)
{
	ssize_t rc;
	int woke;

	do {
		woke = sleep_once(s, -1);
		if (woke < 0)
			return woke;
		if (woke == WOKE_PEER_DEAD)
			return after_death(s, call);
		rc = attempt(s, call, flags);
	} while (rc == -EAGAIN);
	return rc;
}

/* The mechanism's own blocking call; one that has none answers -EAGAIN. */
static ssize_t block(struct ipc *s, const struct call *call)
{
	ssize_t rc = attempt(s, call, 0);

	return rc == -EAGAIN ? sleep_and_try(s, call, 0) : rc;
}

static ssize_t spin(struct ipc *s, const struct call *call)
{
	unsigned tries = 0;
	ssize_t rc;

	while ((rc = attempt(s, call, IPC_NOWAIT)) == -EAGAIN) {
		sys_pause();
		if (++tries % SPIN_CHECK == 0 && mute_peer(s) >= 0 &&
		    sys_poll(s, -1, 0, mute_peer(s), 0) > 0)
			return after_death(s, call);
	}
	return rc;
}

/* Tries for the budget. -EAGAIN: in vain. */
static ssize_t try_patiently(struct ipc *s, const struct call *call, uint64_t budget_ns)
{
	/* The clock costs as much as several tries at a ring, and a tenth of a system call. */
	const unsigned look = s->backend->never_blocks ? 32 : 4;
	uint64_t start = 0, now;
	unsigned tries;
	ssize_t rc;

	for (tries = 1;; tries++) {
		rc = attempt(s, call, IPC_NOWAIT);
		if (rc != -EAGAIN)
			return rc;
		sys_pause();
		if (tries % look)
			continue;
		now = sys_now_ns();
		if (!start)
			start = now;
		else if (now - start >= budget_ns)
			return -EAGAIN;
	}
}

/* A try found nothing, or found something only because the scheduler took our CPU away. */
static void lose_patience(struct ipc_patience *p)
{
	p->budget_ns /= 2;
	p->trust = 0;
	if (p->budget_ns >= PATIENCE_MIN_NS)
		return;
	p->budget_ns = 0;
	p->skip = p->backoff;
	p->backoff = p->backoff < BACKOFF_MAX ? p->backoff * 2 : BACKOFF_MAX;
}

/* Was this thread put off its CPU since the last look? Then the peer may share it. */
static bool was_switched(struct ipc *s, long *switches)
{
	struct rusage usage;
	long before = *switches;

	s->syscalls++;
	if (getrusage(RUSAGE_THREAD, &usage) < 0)
		return false;
	*switches = usage.ru_nivcsw + usage.ru_nvcsw;
	return *switches != before;
}

/* One call with tries: -EAGAIN if they were in vain. Learns from how it went. */
static ssize_t try_and_learn(struct ipc *s, const struct call *call)
{
	struct ipc_patience *p = &s->patience;
	bool sample = p->trust < TRUST_FULL || ++p->calls % TRUST_SAMPLE == 0;
	bool first = true;
	long switches = 0;
	ssize_t rc = attempt(s, call, IPC_NOWAIT);

	if (rc == -EAGAIN) {
		first = false;
		if (sample)
			(void)was_switched(s, &switches);
		rc = try_patiently(s, call, p->budget_ns ? p->budget_ns : PATIENCE_NS);
	}
	if (first) { /* it was there already: says nothing about waiting, but a probe has failed */
		if (p->budget_ns == 0)
			lose_patience(p);
	} else if (rc == -EAGAIN || (sample && was_switched(s, &switches))) {
		lose_patience(p);
	} else {
		p->budget_ns = PATIENCE_NS;
		p->backoff = 1;
		p->trust += p->trust < TRUST_FULL;
	}
	return rc;
}

/*
 * Trying pays where the peer runs on another CPU and answers within a wake-up's time, and is
 * poison on the same CPU: there it keeps the peer from running, and a try succeeds only after
 * the scheduler has stepped in. So each failure, and each success that needed a context
 * switch, halves the budget, down to no try at all, where a call costs what the bare blocking
 * call costs; a probe, ever more rarely, finds out whether the peer has moved. One clean
 * success restores it.
 */
static ssize_t adapt(struct ipc *s, const struct call *call)
{
	struct ipc_patience *p = &s->patience;
	ssize_t rc;

	/* Who sends waits only for room, and a blocking send costs less than one that may fail. */
	if (s->backend->own_threads || (!call->in && !s->backend->never_blocks))
		return block(s, call);
	if (p->budget_ns == 0 && p->skip > 0) {
		p->skip--;
		return block(s, call);
	}
	rc = try_and_learn(s, call);
	return rc == -EAGAIN ? block(s, call) : rc;
}

/*
 * As an event loop does it: nobody is asked for a record before its descriptor said so. But who
 * sends, sends: a hub's descriptor tells of room only after a send that found none.
 */
static ssize_t poll_first(struct ipc *s, const struct call *call)
{
	ssize_t rc = call->in ? -EAGAIN : attempt(s, call, IPC_NOWAIT);

	return rc == -EAGAIN ? sleep_and_try(s, call, IPC_NOWAIT) : rc;
}

static ssize_t wait_and_do(struct ipc *s, const struct call *call)
{
	switch (s->strategy) {
	case IPC_POLL:
		return poll_first(s, call);
	case IPC_SPIN:
		return spin(s, call);
	case IPC_ADAPTIVE:
		return adapt(s, call);
	case IPC_BLOCK:
		break;
	}
	return block(s, call);
}

/* ---- records ---- */

/* Kept out of the callers: what waits may take a moment longer, what need not wait may not. */
static __attribute__((noinline)) ssize_t send_later(struct ipc *s, unsigned slot,
						    const void *records, size_t n)
{
	const struct call call = { .slot = &slot, .out = records, .n = n };

	return wait_and_do(s, &call);
}

static __attribute__((noinline)) ssize_t recv_later(struct ipc *s, unsigned *slot, void *records,
						    size_t cap)
{
	const struct call call = { .slot = slot, .in = records, .n = cap };

	return wait_and_do(s, &call);
}

ssize_t ipc_send(struct ipc *s, unsigned slot, const void *records, size_t n, unsigned flags)
{
	const bool waits = !(flags & IPC_NOWAIT);
	ssize_t rc;

	if (slot >= s->slots || s->stage[slot] != IPC_ATTACHED || n == 0)
		return -EINVAL;
	if (!(flags & IPC_NOWAIT) && !s->direct)
		return send_later(s, slot, records, n);
	flags |= s->direct_flags;
	rc = s->backend->send(s, slot, records, n, flags);
	return rc == -EAGAIN && waits ? send_later(s, slot, records, n) : rc;
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
	const bool waits = !(flags & IPC_NOWAIT);
	ssize_t rc;

	if (cap == 0)
		return -EINVAL;
	if (!(flags & IPC_NOWAIT) && !s->direct)
		return recv_later(s, slot, records, cap);
	flags |= s->direct_flags;
	rc = s->backend->recv(s, slot, records, cap, flags);
	return rc == -EAGAIN && waits ? recv_later(s, slot, records, cap) : rc;
}

int ipc_wait(struct ipc *s, int64_t timeout_ns)
{
	int woke = sleep_once(s, timeout_ns);

	return woke > 0 ? 1 : woke;
}

int ipc_pollfd(struct ipc *s, short *events)
{
	return s->backend->pollfd(s, events);
}

uint64_t ipc_syscalls(const struct ipc *s)
{
	return s->backend->own_threads ? UINT64_MAX : s->syscalls;
}

const struct ipc_info *ipc_session_info(const struct ipc *s)
{
	return &s->backend->info;
}
