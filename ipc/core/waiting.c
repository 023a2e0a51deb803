/* SPDX-License-Identifier: MIT */
/* waiting.c - see waiting.h */
#include "config.h"

#include "ipc/core/waiting.h"

#include <errno.h>
#include <sched.h>
#include <sys/resource.h>

#include "ipc/core/sys.h"

#define SPIN_CHECK      4096u    /* tries between two looks at the peer's pidfd */
#define PATIENCE_NS     50000u   /* one wake-up of a sleeping CPU: at most twice the optimum */
#define PATIENCE_MIN_NS 3000u    /* below that a try is not worth its system calls */
#define BACKOFF_MAX     1024u    /* calls between two probes, while tries do not pay */
#define TRUST_FULL      8u       /* successes in a row, from which on one in TRUST_SAMPLE ... */
#define TRUST_SAMPLE    32u      /* ... is checked */
#define NAP_MIN_NS      200000   /* between two looks at a mechanism that has no descriptor: ... */
#define NAP_MAX_NS      10000000 /* ... at first, and of a process that has waited for long */
#define UNKNOWN         (-1)

/*
 * direct: the first step is one plain call of the mechanism. For IPC_BLOCK that is its blocking
 * call; where a try costs next to nothing, it is a try, whatever the strategy.
 */
void waiting_set_strategy(struct waiting *w, const struct ipc_backend *backend,
			  enum ipc_strategy strategy)
{
	w->strategy = strategy;
	w->direct = strategy == IPC_BLOCK || backend->free_try;
	w->direct_flags = backend->free_try ? IPC_NOWAIT : 0;
}

void waiting_init(struct waiting *w, const struct ipc_backend *backend)
{
	*w = (struct waiting){ .patience = { .budget_ns = PATIENCE_NS, .backoff = 1 },
			       .peer = { .pidfd = -1 } };
	waiting_set_strategy(w, backend, IPC_BLOCK);
}

/* One ipc_send or ipc_recv in progress: waiting is written once for both. */
struct call {
	struct ipc *s;
	struct waiting *w;
	unsigned *slot; /* receiving: where to store the slot; sending: the slot */
	void *in;       /* receiving; else NULL */
	const void *out;
	size_t n;
};

static inline ssize_t attempt(const struct call *c, unsigned flags)
{
	const struct ipc_backend *backend = c->s->backend;

	return c->in ? backend->recv(c->s, c->slot, c->in, c->n, flags) :
		       backend->send(c->s, *c->slot, c->out, c->n, flags);
}

/* The pidfd to watch if the mechanism does not notice the peer's death itself; else -1. */
static int watched_peer(const struct ipc *s, const struct waiting *w)
{
	return s->single && !(s->backend->info.capabilities & IPC_CAP_EOF) ? w->peer.pidfd : -1;
}

enum { WOKE_TIMEOUT = 0, WOKE_READY = 1, WOKE_PEER_DEAD = 2, WOKE_YIELDED };

/*
 * Sleeps once; where no descriptor would wake it, for NAP_NS, and with 0 it only lets the peer run,
 * which may share this CPU. One of the above, or -errno.
 */
static int sleep_once(struct ipc *s, const struct waiting *w, int64_t timeout_ns, int64_t nap_ns)
{
	int peer = watched_peer(s, w);
	short events = 0;
	int fd = s->backend->pollfd ? s->backend->pollfd(s, &events) : -ENOTSUP;
	int rc;

	if (fd == -EAGAIN)
		return WOKE_READY;
	if (fd == -ENOTSUP && nap_ns == 0) {
		(void)SYS(s, sched_yield());
		return WOKE_YIELDED;
	}
	if (fd == -ENOTSUP) {
		rc = sys_poll(s, -1, 0, peer,
			      timeout_ns >= 0 && timeout_ns < nap_ns ? timeout_ns : nap_ns);
		return rc == 0 ? WOKE_READY : rc < 0 ? rc : WOKE_PEER_DEAD;
	}
	if (fd < 0)
		return fd;
	rc = sys_poll(s, fd, events, peer, timeout_ns);
	return rc > 0 && (rc & 1) ? WOKE_READY : rc;
}

int waiting_sleep(struct ipc *s, const struct waiting *w, int64_t timeout_ns)
{
	int woke = sleep_once(s, w, timeout_ns, NAP_MIN_NS);

	return woke > 0 ? 1 : woke;
}

/* After the peer's death: returns its remaining records, then the end. */
static ssize_t after_death(const struct call *c)
{
	ssize_t rc;

	if (!c->in)
		return -EPIPE;
	rc = attempt(c, IPC_NOWAIT);
	if (rc != -EAGAIN)
		return rc;
	*c->slot = c->s->self;
	return 0;
}

/*
 * Sleeps and tries in turn until there is a result. Each nap is longer by an eighth, so it is about
 * an eighth of the time that went by: who waits for long is late by that, and hundreds of idle
 * workers leave the CPU to others.
 */
static ssize_t sleep_and_try(const struct call *c, unsigned flags)
{
	uint64_t now, start = 0;
	int64_t nap_ns = 0;
	ssize_t rc;
	int woke;

	do {
		woke = sleep_once(c->s, c->w, -1, nap_ns);
		if (woke < 0)
			return woke;
		if (woke == WOKE_PEER_DEAD)
			return after_death(c);
		if (woke == WOKE_YIELDED) { /* which takes long while others want the CPU */
			now = sys_now_ns();
			start = start ? start : now;
			nap_ns = now - start < PATIENCE_NS ? 0 : NAP_MIN_NS;
		} else if (nap_ns < NAP_MAX_NS) {
			nap_ns += nap_ns / 8;
		}
		rc = attempt(c, flags);
	} while (rc == -EAGAIN);
	return rc;
}

/* The mechanism's own blocking call; -EAGAIN if it has none. */
static ssize_t block(const struct call *c)
{
	ssize_t rc = attempt(c, 0);

	return rc == -EAGAIN ? sleep_and_try(c, 0) : rc;
}

static ssize_t spin(const struct call *c)
{
	int peer = watched_peer(c->s, c->w);
	unsigned tries = 0;
	ssize_t rc;

	while ((rc = attempt(c, IPC_NOWAIT)) == -EAGAIN) {
		sys_pause();
		if (++tries % SPIN_CHECK == 0 && peer >= 0 && sys_poll(c->s, -1, 0, peer, 0) > 0)
			return after_death(c);
	}
	return rc;
}

/* Has this thread lost its CPU since the last look? Then the peer may run on the same CPU. */
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

/*
 * Tries for BUDGET_NS. -EAGAIN: without success. SWITCHES, unless NULL, is stored before the tries;
 * where they are free, not before the first look at the clock: what comes sooner has come from
 * another CPU, in less time than the system call takes.
 */
static ssize_t try_patiently(const struct call *c, uint64_t budget_ns, long *switches)
{
	/*
	 * Reading the clock costs as much as several tries of a ring, or a tenth of a system call.
	 */
	const bool free_try = c->s->backend->free_try;
	const unsigned look = free_try ? 32 : 4;
	uint64_t start = 0, now;
	unsigned tries;
	ssize_t rc;

	if (switches && !free_try)
		(void)was_switched(c->s, switches);
	for (tries = 1;; tries++) {
		rc = attempt(c, IPC_NOWAIT);
		if (rc != -EAGAIN)
			return rc;
		sys_pause();
		if (tries % look)
			continue;
		now = sys_now_ns();
		if (!start) {
			start = now;
			if (switches && free_try)
				(void)was_switched(c->s, switches);
		} else if (now - start >= budget_ns) {
			return -EAGAIN;
		}
	}
}

/* The tries found nothing, or found something only because the scheduler took this CPU away. */
static void lose_patience(struct patience *p)
{
	p->budget_ns /= 2;
	p->trust = 0;
	if (p->budget_ns >= PATIENCE_MIN_NS)
		return;
	p->budget_ns = 0;
	p->skip = p->backoff;
	p->backoff = p->backoff < BACKOFF_MAX ? p->backoff * 2 : BACKOFF_MAX;
}

/* Tries for the current budget, and adapts the budget to the result. -EAGAIN: without success. */
static ssize_t try_and_learn(const struct call *c)
{
	struct patience *p = &c->w->patience;
	bool sample = p->trust < TRUST_FULL || ++p->calls % TRUST_SAMPLE == 0;
	bool first = true;
	long switches = UNKNOWN;
	ssize_t rc = attempt(c, IPC_NOWAIT);

	if (rc == -EAGAIN) {
		first = false;
		rc = try_patiently(c, p->budget_ns ? p->budget_ns : PATIENCE_NS,
				   sample ? &switches : NULL);
	}
	if (first) { /* it was there at once: a probe has learnt nothing */
		if (p->budget_ns == 0)
			lose_patience(p);
	} else if (rc == -EAGAIN || (switches != UNKNOWN && was_switched(c->s, &switches))) {
		lose_patience(p);
	} else {
		p->budget_ns = PATIENCE_NS;
		p->backoff = 1;
		p->trust += p->trust < TRUST_FULL;
	}
	return rc;
}

/*
 * Tries pay if the peer runs on another CPU and answers sooner than a sleeper wakes up. On the same
 * CPU they do harm: they keep the peer from running, and succeed only after a context switch. So
 * each failure, and each success that needed a context switch, halves the budget, down to no tries
 * at all: then a call costs as much as the bare blocking call. From time to time, at growing
 * intervals, a probe finds out whether the peer has moved to another CPU. One success without a
 * context switch restores the budget.
 */
static ssize_t adapt(const struct call *c)
{
	struct patience *p = &c->w->patience;
	ssize_t rc;

	/* A sender waits only for room, and a blocking send costs less than one that may fail. */
	if (c->s->backend->own_threads || (!c->in && !c->s->backend->free_try))
		return block(c);
	if (p->budget_ns == 0 && p->skip > 0) {
		p->skip--;
		return block(c);
	}
	rc = try_and_learn(c);
	return rc == -EAGAIN ? block(c) : rc;
}

/*
 * As in an event loop: a receiver waits for its descriptor before it asks for a record. A sender
 * tries first, since a hub's descriptor reports room only after a send that found none.
 */
static ssize_t poll_first(const struct call *c)
{
	ssize_t rc = c->in ? -EAGAIN : attempt(c, IPC_NOWAIT);

	return rc == -EAGAIN ? sleep_and_try(c, IPC_NOWAIT) : rc;
}

static ssize_t wait_and_do(const struct call *c)
{
	switch (c->w->strategy) {
	case IPC_POLL:
		return poll_first(c);
	case IPC_SPIN:
		return spin(c);
	case IPC_ADAPTIVE:
		return adapt(c);
	case IPC_BLOCK:
		break;
	}
	return block(c);
}

ssize_t waiting_send(struct ipc *s, struct waiting *w, unsigned slot, const void *records, size_t n)
{
	const struct call call = { .s = s, .w = w, .slot = &slot, .out = records, .n = n };

	return wait_and_do(&call);
}

ssize_t waiting_recv(struct ipc *s, struct waiting *w, unsigned *slot, void *records, size_t cap)
{
	const struct call call = { .s = s, .w = w, .slot = slot, .in = records, .n = cap };

	return wait_and_do(&call);
}
