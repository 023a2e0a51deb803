/* SPDX-License-Identifier: MIT */
/*
 * contract_host.c - rules of good manners: a session leaves its process as it found it. Signal
 * dispositions, the mask, what is pending, limits, the environment, umask and working directory
 * are the same after the close as before the open, whatever the session has met; and SIGPIPE
 * never arrives, whatever the program has decided about it.
 */
#include "config.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/ipc/contract.h"

struct host {
	struct sigaction action[NSIG];
	sigset_t mask, pending;
	struct rlimit limit[RLIM_NLIMITS];
	uint64_t environment;
	mode_t umask;
	struct stat directory;
	int death_signal, dumpable;
	char name[16];
};

static uint64_t hash(uint64_t seed, const char *text)
{
	for (; *text; text++)
		seed = (seed ^ (unsigned char)*text) * 0x100000001b3;
	return seed;
}

static void host_look(struct host *host)
{
	char **variable;
	int i;

	memset(host, 0, sizeof *host);
	for (i = 1; i < NSIG; i++)
		(void)sigaction(i, NULL, &host->action[i]); /* glibc keeps 32 and 33 for itself */
	CHECK_EQ(sigprocmask(SIG_BLOCK, NULL, &host->mask), 0);
	CHECK_EQ(sigpending(&host->pending), 0);
	for (i = 0; i < (int)RLIM_NLIMITS; i++)
		CHECK_EQ(getrlimit((__rlimit_resource_t)i, &host->limit[i]), 0);
	for (variable = environ; *variable; variable++)
		host->environment = hash(host->environment, *variable);
	host->umask = umask(0);
	(void)umask(host->umask);
	CHECK_EQ(stat(".", &host->directory), 0);
	CHECK_EQ(prctl(PR_GET_PDEATHSIG, &host->death_signal), 0);
	host->dumpable = prctl(PR_GET_DUMPABLE);
	CHECK_EQ(prctl(PR_GET_NAME, host->name), 0);
}

/* The library's own signals need not be looked at, but those of the real-time range do. */
static void host_check(const struct host *before)
{
	struct host now;
	int i;

	host_look(&now);
	for (i = 1; i < NSIG; i++) {
		if (now.action[i].sa_handler != before->action[i].sa_handler)
			CHECK_EQ(-i, i); /* shows the signal's number */
		CHECK_EQ(sigismember(&now.mask, i), sigismember(&before->mask, i));
		if (i < SIGRTMIN || sigismember(&now.pending, i)) /* a record may have been due */
			CHECK_EQ(sigismember(&now.pending, i), sigismember(&before->pending, i));
	}
	CHECK(memcmp(now.limit, before->limit, sizeof now.limit) == 0);
	CHECK_EQ((long long)now.environment, (long long)before->environment);
	CHECK_EQ(now.umask, before->umask);
	CHECK_EQ((long long)now.directory.st_ino, (long long)before->directory.st_ino);
	CHECK_EQ(now.death_signal, before->death_signal);
	CHECK_EQ(now.dumpable, before->dumpable);
	CHECK(strcmp(now.name, before->name) == 0);
}

/* ---- what a program may have decided about SIGPIPE ---- */

static volatile sig_atomic_t pipes_handled;

static void pipe_handler(int signo)
{
	(void)signo;
	pipes_handled = pipes_handled + 1;
}

enum { PIPE_DEFAULT, PIPE_IGNORED, PIPE_HANDLED, PIPE_BLOCKED, PIPE_PENDING, PIPE_WAYS };

static void decide(int way)
{
	struct sigaction action = { .sa_handler = way == PIPE_IGNORED ? SIG_IGN :
						  way == PIPE_HANDLED ? pipe_handler :
									SIG_DFL };
	sigset_t set;

	CHECK_EQ(sigaction(SIGPIPE, &action, NULL), 0);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGPIPE);
	CHECK_EQ(sigprocmask(way >= PIPE_BLOCKED ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL), 0);
	if (way == PIPE_PENDING)
		CHECK_EQ(raise(SIGPIPE), 0);
}

/* ---- the life of a session, in both processes ---- */

static struct host worker_before;

static void look_early(void)
{
	host_look(&worker_before);
}

/* Has its say, then sends until the hub is gone, or waits to be killed. */
static void worker_life(struct world *w, unsigned slot)
{
	char record[56];
	int rc = 1;

	record_fill(record, w->record, id_of(slot, 0, 0));
	while (!ipc_receives(w->s) && rc == 1) {
		rc = (int)ipc_send(w->s, slot, record, 1, 0);
		if (atomic_load(&w->board->gate[0]) == 0)
			gate_open(&w->board->gate[0]);
	}
	CHECK(ipc_receives(w->s) || rc == -EPIPE);
	if (ipc_receives(w->s)) {
		CHECK_EQ(ipc_recv(w->s, &slot, record, 1, 0), 1);
		gate_open(&w->board->gate[0]);
		gate_await(&w->board->gate[1], 1);
	}
	ipc_close(w->s);
	host_check(&worker_before);
}

static void hub_life(struct world *w)
{
	bool ends = can(w, IPC_CAP_EOF) && ipc_receives(w->s);
	char record[56];
	unsigned slot;
	ssize_t rc;

	record_fill(record, w->record, id_of(0, 0, 0));
	if (ipc_receives(w->s)) {
		CHECK_EQ(ipc_recv(w->s, &slot, record, 1, 0), 1);
	} else {
		CHECK_EQ(ipc_send(w->s, 0, record, 1, 0), 1);
		gate_await(&w->board->gate[0], 1);
		if (w->subject->count == 0) /* it closes its session first */
			gate_open(&w->board->gate[1]);
		else
			CHECK_EQ(kill(w->worker[0].pid, SIGKILL), 0);
		world_reap(w, 0, w->subject->count == 0 ? 0 : SIGKILL);
		while ((rc = ipc_send(w->s, 0, record, 1, 0)) == 1)
			;
		CHECK_EQ(rc, -EPIPE);
	}
	if (ends) { /* the worker meets a dead hub */
		ipc_detach(w->s, 0);
		world_reap(w, 0, 0);
	} else if (w->worker[0].pid) {
		CHECK_EQ(kill(w->worker[0].pid, SIGKILL), 0);
		world_reap(w, 0, SIGKILL);
	}
}

static void run_host(const struct subject *subject)
{
	struct host before;
	struct world w;
	int way;

	for (way = 0; way < PIPE_WAYS; way++) {
		decide(way);
		host_look(&before);
		world_open(&w, subject, 1);
		w.early = look_early;
		world_spawn(&w, 0, worker_life);
		hub_life(&w);
		world_close(&w);
		host_check(&before);
		CHECK_EQ(pipes_handled, 0);
	}
}

const struct rule contract_host_rules[] = {
	{ .name = "the host, a worker ends",
	  .run = run_host,
	  .flags = RULE_BOTH_WAYS | RULE_JOINED },
	{ .name = "the host, a worker is killed",
	  .run = run_host,
	  .count = 1,
	  .flags = RULE_BOTH_WAYS | RULE_JOINED },
	{ .name = "the host, old kernel",
	  .run = run_host,
	  .flags = RULE_BOTH_WAYS | RULE_OLD_KERNEL },
	{ .name = NULL },
};
