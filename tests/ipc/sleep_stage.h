/* SPDX-License-Identifier: MIT */
/*
 * sleep_stage.h - for the tests of mechanisms that sleep on a futex for a second at most: was a
 * sleeper woken, or did its time run out? A lost wake-up is no error there, it is a second lost.
 *
 * A program of these is linked with -Wl,--wrap=syscall.
 */
#ifndef IPCDEMO_TESTS_SLEEP_STAGE_H
#define IPCDEMO_TESTS_SLEEP_STAGE_H

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/futex.h>

#include <cmocka.h>

#include "ipc/ipc.h"

#define RECORD 56
#define ROUNDS 5 /* time may run out on a busy machine, too; hardly in each of these */

static _Atomic unsigned sleeps_in_vain; /* of this process, ended by their own limit */

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);

long __wrap_syscall(long number, ...)
{
	long a[6], rc;
	va_list args;
	int i;

	va_start(args, number);
	for (i = 0; i < 6; i++) /* as the C library does it: what was not passed is not looked at */
		a[i] = va_arg(args, long);
	va_end(args);
	rc = __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	if (rc < 0 && errno == ETIMEDOUT)
		atomic_fetch_add(&sleeps_in_vain, 1);
	return rc;
}

/* Returns once thread TID of process PID sleeps. */
static inline void await_sleep(pid_t pid, pid_t tid)
{
	char path[64], text[256], *state;
	FILE *stat;

	(void)snprintf(path, sizeof path, "/proc/%d/task/%d/stat", (int)pid, (int)tid);
	do {
		stat = fopen(path, "re");
		assert_non_null(stat);
		assert_non_null(fgets(text, sizeof text, stat));
		(void)fclose(stat);
		state = strrchr(text, ')');
		assert_non_null(state);
		(void)poll(NULL, 0, 1);
	} while (state[2] != 'S');
}

/* ---- a hub, and the owner of its one slot, who is a thread ---- */

struct stage {
	struct ipc *hub, *owner;
	struct ipc_ticket ticket;
};

static inline void stage_open(struct stage *g, const char *name, enum ipc_direction direction)
{
	struct ipc_config config = {
		.direction = direction, .record_size = RECORD, .slots = 1, .depth = 8
	};
	struct ipc_peer self = { .pid = getpid(), .pidfd = -1 };
	unsigned slot;

	assert_int_equal(ipc_open(&g->hub, name, &config), 0);
	assert_int_equal(ipc_ticket(g->hub, 0, &g->ticket), 0);
	assert_int_equal(ipc_attach(g->hub, 0, IPC_HUB, &self), 0);
	assert_int_equal(ipc_join(&g->owner, g->ticket.text, &self, &slot), 0);
}

static inline void stage_close(struct stage *g)
{
	ipc_close(g->owner);
	ipc_close(g->hub);
}

/* A party that makes one call, which sleeps. */
struct sleeper {
	struct ipc *s;
	bool receives;
	ssize_t rc;
	_Atomic pid_t tid;
};

static inline void *sleeper_main(void *arg)
{
	struct sleeper *z = arg;
	char record[RECORD] = { 0 };
	unsigned slot;

	atomic_store(&z->tid, gettid());
	z->rc = z->receives ? ipc_recv(z->s, &slot, record, 1, 0) : ipc_send(z->s, 0, record, 1, 0);
	return NULL;
}

/* S sleeps until WAKER, which is the other side, has done what it waits for. */
static inline void sleep_until(struct ipc *s, bool receives, struct ipc *waker)
{
	struct sleeper z = { .s = s, .receives = receives };
	char record[RECORD] = { 0 };
	unsigned slot;
	pthread_t id;

	while (!receives && ipc_send(s, 0, record, 1, IPC_NOWAIT) == 1)
		;
	assert_int_equal(pthread_create(&id, NULL, sleeper_main, &z), 0);
	while (atomic_load(&z.tid) == 0)
		(void)poll(NULL, 0, 1);
	await_sleep(getpid(), z.tid);
	if (receives)
		assert_int_equal(ipc_send(waker, 0, record, 1, 0), 1);
	while (!receives && ipc_recv(waker, &slot, record, 1, IPC_NOWAIT) == 1)
		;
	assert_int_equal(pthread_join(id, NULL), 0);
	assert_int_equal(z.rc, 1);
	while (!receives && ipc_recv(waker, &slot, record, 1, IPC_NOWAIT) == 1)
		;
}

/* Each of the four who may sleep: a hub or an owner, for a record or for room. */
static inline void each_sleeper_is_woken(const char *name)
{
	unsigned way, round, before, woken;
	struct stage g;

	for (way = 0; way < 4; way++) {
		const bool hub_sleeps = way & 1, receives = way & 2;

		stage_open(&g, name, hub_sleeps == receives ? IPC_TO_HUB : IPC_FROM_HUB);
		for (round = woken = 0; round < ROUNDS && woken == 0; round++) {
			before = atomic_load(&sleeps_in_vain);
			sleep_until(hub_sleeps ? g.hub : g.owner, receives,
				    hub_sleeps ? g.owner : g.hub);
			woken += atomic_load(&sleeps_in_vain) == before;
		}
		stage_close(&g);
		if (woken == 0)
			fail_msg("%s is not woken for %s", hub_sleeps ? "a hub" : "an owner",
				 receives ? "a record" : "room");
	}
}

/* A call that never returns has to be told, not waited for. */
static inline void hangs(int signo)
{
	static const char text[] = "[  FAILED  ] a call waits for ever\n";

	(void)signo;
	(void)!write(STDOUT_FILENO, text, sizeof text - 1);
	_exit(1);
}

static inline int watch(void **state)
{
	(void)state;
	(void)signal(SIGALRM, hangs);
	(void)alarm(40);
	return 0;
}

#endif
