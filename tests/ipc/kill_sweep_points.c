/* SPDX-License-Identifier: MIT */
/*
 * kill_sweep_points.c - where a sender is killed: see kill_sweep.c.
 *
 * A fresh worker for each point. It lets itself be traced and stops; the hub lets it go on by one
 * instruction, or to the next edge of a system call, at a time, and kills it after so many.
 * The next point is one more, until the worker is through before it comes to it.
 */
#include "config.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/ipc/kill_sweep.h"

#define RECORDS_BEFORE 3 /* so that a ring is not at its beginning, and calls are bound */
#define RECORDS_LIFE   3
#define BATCH          8

/* Hub and worker on one CPU: each step is two switches, which cost ten times as much across. */
static void share_one_cpu(cpu_set_t *before)
{
	cpu_set_t one;
	int cpu = sched_getcpu();

	CHECK_EQ(sched_getaffinity(0, sizeof *before, before), 0);
	CHECK(cpu >= 0);
	CPU_ZERO(&one);
	CPU_SET((size_t)cpu, &one);
	CHECK_EQ(sched_setaffinity(0, sizeof one, &one), 0);
}

static void be_traced(void)
{
	CHECK_EQ(ptrace(PTRACE_TRACEME, 0, NULL, NULL), 0);
	CHECK_EQ(raise(SIGSTOP), 0);
}

static void send_counted(struct world *w, unsigned slot, unsigned n)
{
	char record[56];

	while (n-- > 0) {
		record_fill(record, w->record,
			    atomic_load(&w->board->value[slot]) +
				    atomic_load(&w->board->acked[slot]));
		CHECK_EQ(ipc_send(w->s, slot, record, 1, 0), 1);
		atomic_fetch_add(&w->board->acked[slot], 1);
	}
}

/* Some records untraced, and received, then one under the eyes of the hub. */
static void step_victim(struct world *w, unsigned slot)
{
	send_counted(w, slot, RECORDS_BEFORE);
	gate_await(&w->board->gate[slot], 1);
	be_traced();
	send_counted(w, slot, 1);
	for (;;)
		(void)pause();
}

static void life_victim(struct world *w, unsigned slot)
{
	send_counted(w, slot, RECORDS_LIFE);
	ipc_close(w->s);
}

/* Lets PID go on by one REQUEST. False: it is gone. */
static bool step(pid_t pid, enum __ptrace_request request)
{
	int status;

	CHECK_EQ(ptrace(request, pid, NULL, NULL), 0);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status))
		CHECK_EQ(WEXITSTATUS(status), 0);
	return WIFSTOPPED(status);
}

/* Waits for the first stop of SLOT's worker. */
static void await_trace(struct killing *k, unsigned slot)
{
	int status;

	CHECK_EQ(waitpid(k->w.worker[slot].pid, &status, 0), k->w.worker[slot].pid);
	CHECK(WIFSTOPPED(status));
}

static void kill_traced(struct killing *k, unsigned slot, bool alive)
{
	if (alive) {
		CHECK_EQ(kill(k->w.worker[slot].pid, SIGKILL), 0);
		world_reap(&k->w, slot, SIGKILL);
		k->account->points++;
	}
	k->w.worker[slot].pid = 0;
}

/*
 * One point: the send of one record, killed after COUNT instructions. With ASLEEP the hub has
 * announced that it sleeps, so the sender has to wake it. False: the send had returned before.
 */
static bool one_instruction(struct killing *k, unsigned count, bool asleep)
{
	unsigned slot = rng_below(&k->rng, VICTIMS), from, i;
	uint64_t sent = RECORDS_BEFORE;
	short events;
	bool through;

	killing_spawn(k, slot, step_victim);
	while (k->next[slot] - k->first[slot] < sent)
		if (killing_recv(k, &from) <= 0)
			(void)ipc_wait(k->w.s, 1000000);
	if (asleep)
		CHECK(ipc_pollfd(k->w.s, &events) != -EPROTO);
	gate_open(&k->w.board->gate[slot]);
	await_trace(k, slot);
	for (i = 0; i < count && atomic_load(&k->w.board->acked[slot]) == sent; i++)
		CHECK(step(k->w.worker[slot].pid, PTRACE_SINGLESTEP));
	through = atomic_load(&k->w.board->acked[slot]) > sent;
	kill_traced(k, slot, true);
	killing_settle(k, slot, 1);
	return !through;
}

/* One point: the worker's whole life, killed at edge COUNT of its system calls. */
static bool one_call(struct killing *k, unsigned count)
{
	unsigned slot = rng_below(&k->rng, VICTIMS), i;
	bool alive = true;

	killing_spawn(k, slot, life_victim);
	await_trace(k, slot);
	for (i = 0; i < count && alive; i++)
		alive = step(k->w.worker[slot].pid, PTRACE_SYSCALL);
	kill_traced(k, slot, alive);
	killing_settle(k, slot, 1);
	return alive;
}

void sweep_points(struct killing *k, unsigned stride)
{
	cpu_set_t before;
	unsigned count;

	share_one_cpu(&before);
	for (count = rng_below(&k->rng, stride); one_instruction(k, count, false); count += stride)
		;
	for (count = rng_below(&k->rng, stride); one_instruction(k, count, true); count += stride)
		;
	k->w.early = be_traced;
	for (count = rng_below(&k->rng, stride); one_call(k, count); count += stride)
		;
	k->w.early = NULL;
	CHECK_EQ(sched_setaffinity(0, sizeof before, &before), 0);
}

/* ---- at random times ---- */

static void busy_victim(struct world *w, unsigned slot)
{
	struct stream stream = { .first = atomic_load(&w->board->value[slot]),
				 .count = UINT64_MAX >> 1,
				 .batch = BATCH,
				 .pause = 40,
				 .rng = rng_for((unsigned)getpid()) };

	(void)stream_send(w, slot, &stream);
	CHECK(false && "the hub ended before its worker");
}

static uint64_t now_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* Mostly within the first records of a life; sometimes into a full queue, as nobody receives. */
static void let_them_work(struct killing *k)
{
	uint64_t until = now_us() + rng_below(&k->rng, 1500);
	bool deaf = rng_below(&k->rng, 4) == 0;
	unsigned from;

	while (now_us() < until)
		if (deaf || killing_recv(k, &from) <= 0)
			(void)sched_yield();
}

void sweep_random(struct killing *k, unsigned kills)
{
	unsigned slot, i;

	for (slot = 0; slot < VICTIMS; slot++)
		killing_spawn(k, slot, busy_victim);
	for (i = 0; i < kills; i++) {
		let_them_work(k);
		slot = rng_below(&k->rng, VICTIMS);
		CHECK_EQ(kill(k->w.worker[slot].pid, SIGKILL), 0);
		world_reap(&k->w, slot, SIGKILL);
		k->account->kills++;
		killing_settle(k, slot, BATCH);
		killing_spawn(k, slot, busy_victim);
	}
}
