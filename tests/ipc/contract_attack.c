/* SPDX-License-Identifier: MIT */
/*
 * contract_attack.c - rules for what no honest party does, done on purpose: a fork keeps the hub's
 * descriptors, a receiver takes a part of what is there and sleeps, a sender fills shared memory
 * with what is no record, the holder of a ticket truncates it.
 */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/ipc/contract.h"

#define GATE_DONE   0
#define WAKEUPS_MAX 1000

/* ---- a process that the hub has forked for another purpose keeps its descriptors ---- */

static pid_t fork_keeper(void)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid > 0)
		return pid;
	CHECK_EQ(prctl(PR_SET_PDEATHSIG, SIGKILL), 0);
	for (;;)
		(void)pause();
}

static void sender_of_one(struct world *w, unsigned slot)
{
	char record[56];

	record_fill(record, w->record, id_of(slot, 0, 0));
	CHECK_EQ(ipc_send(w->s, slot, record, 1, 0), 1);
	gate_open(&w->board->gate[GATE_DONE]);
	gate_await(&w->board->gate[GATE_ALL_READ], 1);
}

/* A registration in epoll outlives its descriptor for as long as anybody has a duplicate. */
static void run_kept(const struct subject *subject)
{
	struct inbox inbox;
	struct world w;
	unsigned slot, tries;
	pid_t keeper;

	world_open(&w, subject, subject->rule->slots);
	inbox_open(&inbox, &w);
	world_spawn(&w, 0, sender_of_one);
	for (slot = 1; slot < w.slots; slot++)
		world_spawn(&w, slot, worker_idle);
	gate_await(&w.board->gate[GATE_DONE], 1);
	keeper = fork_keeper();
	CHECK_EQ(kill(w.worker[0].pid, SIGKILL), 0);
	world_reap(&w, 0, SIGKILL);
	world_detach(&w, 0); /* its record is unread */
	world_spawn(&w, 0, worker_idle);
	CHECK_EQ(inbox_recv(&inbox, &w, &slot, 1, IPC_NOWAIT), -EAGAIN);
	/*
	 * Nothing has come, so the hub can sleep. Not at once: a library wakes it for each step of
	 * its own by which a connection comes or goes. A registration left over does so for ever.
	 */
	for (tries = 0; tries < WAKEUPS_MAX && ipc_wait(w.s, 20000000) == 1; tries++)
		(void)inbox_recv(&inbox, &w, &slot, 1, IPC_NOWAIT);
	CHECK(tries < WAKEUPS_MAX);
	CHECK_EQ(kill(keeper, SIGKILL), 0);
	CHECK_EQ(waitpid(keeper, NULL, 0), keeper);
	inbox_close(&inbox);
	world_close(&w);
}

/* ---- a batch of which the receiver takes a part ---- */

#define BATCH 5

static void batch_sender(struct world *w, unsigned slot)
{
	char records[BATCH * 56];
	unsigned i;

	for (i = 0; i < BATCH; i++)
		record_fill(records + i * w->record, w->record, id_of(slot, 0, i));
	CHECK_EQ(ipc_send_all(w->s, slot, records, BATCH), 0);
	gate_open(&w->board->gate[GATE_DONE]);
	gate_await(&w->board->gate[GATE_ALL_READ], 1);
}

/* The rest is announced, wherever it lies by now: in the kernel or with the receiver. */
static void run_left_over(const struct subject *subject)
{
	struct inbox inbox;
	struct world w;
	unsigned slot;

	world_open(&w, subject, subject->rule->slots);
	inbox_open(&inbox, &w);
	world_spawn(&w, 0, batch_sender);
	for (slot = 1; slot < w.slots; slot++)
		world_spawn(&w, slot, worker_idle);
	gate_await(&w.board->gate[GATE_DONE], 1);
	while (inbox.total < BATCH) {
		CHECK_EQ(ipc_wait(w.s, (int64_t)CONTRACT_SILENT_S * 750000000), 1);
		(void)inbox_recv(&inbox, &w, &slot, 1, IPC_NOWAIT);
	}
	inbox_close(&inbox);
	world_close(&w);
}

/* ---- shared memory that no honest sender has written ---- */

static void spoiler(struct world *w, unsigned slot)
{
	struct mapping mapping[MAPPINGS_MAX];
	unsigned count = memory_given(w, mapping), i;

	(void)slot;
	for (i = 0; i < count; i++)
		memset(mapping[i].words, 0xff, mapping[i].count * sizeof *mapping[i].words);
	gate_open(&w->board->gate[GATE_DONE]);
	gate_await(&w->board->gate[GATE_ALL_READ], 1);
}

/* A hub that kills for it and goes on to receive would else be told for ever. */
static void run_spoilt(const struct subject *subject)
{
	char records[4 * 56];
	unsigned slot, told = 0, i;
	struct world w;
	ssize_t rc;

	world_open(&w, subject, subject->rule->slots);
	world_spawn(&w, 0, spoiler);
	for (slot = 1; slot < w.slots; slot++)
		world_spawn(&w, slot, worker_idle);
	gate_await(&w.board->gate[GATE_DONE], 1);
	for (i = 0; i < 10; i++) {
		rc = ipc_recv(w.s, &slot, records, 4, IPC_NOWAIT);
		CHECK_RC(rc, rc == -EAGAIN || (rc == -EPROTO && slot == 0));
		told += rc == -EPROTO;
	}
	CHECK(told <= 1);
	world_close(&w);
}

/* ---- who holds a ticket takes the memory away that its descriptors stand for ---- */

static void take_memory_away(const struct ipc_ticket *ticket)
{
	struct stat status;
	unsigned i;
	off_t size;
	int fd;

	for (i = 0; i < IPC_TICKET_FDS; i++) {
		fd = ticket->fds[i];
		if (fd < 0 || fstat(fd, &status) < 0 || !S_ISREG(status.st_mode))
			continue;
		(void)fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 1 << 30);
		size = status.st_size;
		(void)ftruncate(fd, 2 * size);
		(void)ftruncate(fd, 0);
		if (fcntl(fd, F_GET_SEALS) > F_SEAL_SEAL) /* it is sealed: then for good */
			CHECK(fstat(fd, &status) == 0 && status.st_size == size);
	}
}

/* A hub that goes on as if nothing were, and afterwards gives the slot to somebody else. */
static void robbed_hub(const struct subject *subject)
{
	struct ipc_config config = { .direction = subject->direction,
				     .record_size = subject->record,
				     .slots = 2,
				     .runtime_dir = subject->dir };
	struct ipc_peer holder = { .pid = getpid(), .pidfd = -1 };
	struct ipc_ticket ticket;
	char record[56] = { 0 };
	unsigned slot, i;
	struct ipc *s;

	CHECK_EQ(ipc_open(&s, subject->backend->info.name, &config), 0);
	CHECK_EQ(ipc_ticket(s, 0, &ticket), 0);
	CHECK_EQ(ipc_attach(s, 0, IPC_HUB, &holder), 0);
	take_memory_away(&ticket);
	for (i = 0; i < 100; i++) {
		(void)(subject->direction == IPC_TO_HUB ?
			       ipc_recv(s, &slot, record, 1, IPC_NOWAIT) :
			       ipc_send(s, 0, record, 1, IPC_NOWAIT));
		(void)ipc_wait(s, 1000);
	}
	ipc_ticket_close(&ticket);
	ipc_detach(s, 0);
	CHECK_EQ(ipc_arm(s, 0), 0);
	ipc_close(s);
}

/* Where that ends the hub, the mechanism says so. */
static void run_robbed(const struct subject *subject)
{
	const bool trusting = subject->backend->forked_harmless;
	pid_t pid = fork();
	int status;

	CHECK(pid >= 0);
	if (pid == 0) {
		robbed_hub(subject);
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(WIFSIGNALED(status) ? WTERMSIG(status) : 0, trusting ? SIGBUS : 0);
	CHECK(trusting || WEXITSTATUS(status) == 0);
}

/* ---- doorbells that cannot be rung any more ---- */

#define RINGS 200

/* Before it attaches, a worker has both of its doorbells. */
static void fill_bells(void)
{
	const uint64_t most = UINT64_MAX - 1;
	char path[64], target[64];
	ssize_t n;
	int fd;

	for (fd = 3; fd < 1024; fd++) {
		(void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
		n = readlink(path, target, sizeof target - 1);
		target[n > 0 ? n : 0] = '\0';
		if (strcmp(target, "anon_inode:[eventfd]") == 0)
			(void)!write(fd, &most, sizeof most);
	}
}

static void endless_reader(struct world *w, unsigned slot)
{
	char record[56];

	gate_open(&w->board->gate[GATE_DONE]);
	for (;;)
		(void)ipc_recv(w->s, &slot, record, 1, 0);
}

static void bell_reader(struct world *w, unsigned slot)
{
	struct inbox inbox;

	(void)slot;
	inbox_open(&inbox, w);
	inbox_until(&inbox, w, RINGS, 1);
	inbox_close(&inbox);
}

/* The hub rings for a sleeper: where that would block, it would wait for ever. */
static void run_full_bells(const struct subject *subject)
{
	struct subject commands = *subject;
	char record[56];
	struct world w;
	unsigned slot, i;
	ssize_t rc;

	if (subject->backend->own_threads) /* these are bells within the library */
		return;
	commands.direction = IPC_FROM_HUB;
	world_open(&w, &commands, subject->rule->slots);
	w.early = fill_bells;
	world_spawn(&w, 0, endless_reader);
	w.early = NULL;
	for (slot = 1; slot < w.slots; slot++)
		world_spawn(&w, slot, bell_reader);
	gate_await(&w.board->gate[GATE_DONE], 1);
	await_state(w.worker[0].pid, 'S');
	for (i = 0; i < RINGS; i++)
		for (slot = 0; slot < w.slots; slot++) {
			record_fill(record, w.record, id_of(slot, 0, i));
			rc = ipc_send(w.s, slot, record, 1, slot == 0 ? IPC_NOWAIT : 0);
			CHECK_RC(rc, rc == 1 || (slot == 0 && rc == -EAGAIN));
		}
	for (slot = 1; slot < w.slots; slot++)
		world_reap(&w, slot, 0);
	world_kill_and_close(&w);
}

const struct rule contract_attack_rules[] = {
	{ .name = "full bells, 3 slots", .run = run_full_bells, .slots = 3 },
	{ .name = "spoilt memory, 1 slot",
	  .run = run_spoilt,
	  .slots = 1,
	  .unless = IPC_CAP_TRUSTING },
	{ .name = "spoilt memory, 3 slots",
	  .run = run_spoilt,
	  .slots = 3,
	  .unless = IPC_CAP_TRUSTING },
	{ .name = "a fork keeps the ends", .run = run_kept, .slots = 2, .needs = IPC_CAP_POLLABLE },
	{ .name = "a batch in parts, 1 slot", .run = run_left_over, .slots = 1 },
	{ .name = "a batch in parts, 3 slots", .run = run_left_over, .slots = 3 },
	{ .name = "a ticket's memory taken away",
	  .run = run_robbed,
	  .needs = IPC_CAP_THREADS, /* it is the hub's own process */
	  .flags = RULE_BOTH_WAYS | RULE_TICKETS },
	{ .name = NULL },
};
