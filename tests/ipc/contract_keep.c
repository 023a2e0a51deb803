/* SPDX-License-Identifier: MIT */
/*
 * contract_keep.c - rules of a session that keeps: all of its processes are killed at a random
 * moment, and a session that is opened again reads what was sent and not read.
 */
#include "config.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/ipc/contract.h"

#define SLOTS  3
#define CAP    8
#define RECORD 56u

/* What the killed have noted, in the order of slots. */
struct notes {
	_Atomic uint64_t sent[SLOTS];     /* ipc_send has returned */
	_Atomic uint64_t returned[SLOTS]; /* ipc_recv has returned it ... */
	_Atomic uint64_t settled[SLOTS];  /* ... and so has a later call */
	_Atomic pid_t worker[SLOTS];
};

static struct ipc *open_kept(const struct subject *subject, size_t record, int expected)
{
	struct ipc_config config = { .direction = IPC_TO_HUB,
				     .record_size = record,
				     .slots = SLOTS,
				     .runtime_dir = subject->dir,
				     .keep = true };
	struct ipc *s = NULL;

	CHECK_EQ(ipc_open(&s, subject->backend->info.name, &config), expected);
	return s;
}

/* ---- those who are killed ---- */

static _Noreturn void endless_worker(struct ipc *s, unsigned slot, struct notes *notes)
{
	const struct ipc_peer hub = { .pid = getppid(), .pidfd = -1 };
	char record[56];
	uint64_t i;

	atomic_store(&notes->worker[slot], getpid());
	CHECK_EQ(ipc_attach(s, slot, IPC_SLOT, &hub), 0);
	for (i = 0;; i++) {
		record_fill(record, sizeof record, id_of(slot, 0, i));
		CHECK_EQ(ipc_send(s, slot, record, 1, 0), 1);
		atomic_store(&notes->sent[slot], i + 1);
	}
}

static void start_worker(struct ipc *s, unsigned slot, struct notes *notes)
{
	struct ipc_peer peer = { .pidfd = -1 };

	CHECK_EQ(ipc_arm(s, slot), 0);
	peer.pid = fork();
	if (peer.pid == 0)
		endless_worker(s, slot, notes);
	CHECK(peer.pid > 0);
	CHECK_EQ(ipc_attach(s, slot, IPC_HUB, &peer), 0);
}

/* Reads now and then; one slot in three is never read, so it is full when the end comes. */
static _Noreturn void endless_hub(const struct subject *subject, struct notes *notes,
				  struct rng rng)
{
	struct ipc *s = open_kept(subject, 56, 0);
	char records[CAP * RECORD];
	unsigned slot, i;
	ssize_t rc;

	for (slot = 0; slot < SLOTS; slot++)
		start_worker(s, slot, notes);
	for (;;) {
		rc = ipc_recv(s, &slot, records, 1 + rng_below(&rng, CAP), IPC_NOWAIT);
		for (i = 0; i < SLOTS; i++)
			atomic_store(&notes->settled[i], atomic_load(&notes->returned[i]));
		CHECK_RC(rc, rc > 0 || rc == -EAGAIN);
		for (i = 0; (ssize_t)i < rc; i++)
			CHECK_EQ(
				(long long)record_id(records + i * RECORD, RECORD),
				(long long)id_of(slot, 0, atomic_load(&notes->returned[slot]) + i));
		if (rc > 0)
			(void)atomic_fetch_add(&notes->returned[slot], (uint64_t)rc);
		if (rng_below(&rng, 4) == 0)
			dawdle(&rng);
	}
}

static void kill_all(pid_t hub, struct notes *notes)
{
	unsigned slot;

	CHECK_EQ(kill(hub, SIGKILL), 0);
	for (slot = 0; slot < SLOTS; slot++) /* they come to us, and nobody has reaped them */
		CHECK_EQ(kill(atomic_load(&notes->worker[slot]), SIGKILL), 0);
	while (waitpid(-1, NULL, 0) > 0)
		contract_step();
}

/* ---- those who come after ---- */

static void check_first(const struct notes *notes, unsigned slot, uint64_t first)
{
	CHECK(first >= atomic_load(&notes->settled[slot]));
	CHECK(first <= atomic_load(&notes->returned[slot]));
}

static void recover(const struct subject *subject, struct notes *notes)
{
	struct ipc *s = open_kept(subject, 56, 0), *other;
	uint64_t next[SLOTS] = { 0 };
	bool begun[SLOTS] = { false };
	char records[CAP * RECORD];
	unsigned slot, i;
	ssize_t rc;

	(void)open_kept(subject, 56, -EBUSY);
	for (slot = 0; slot < SLOTS; slot++) {
		CHECK_EQ(ipc_arm(s, slot), -EEXIST);
		CHECK_EQ(ipc_recover(s, slot), 0);
		CHECK_EQ(ipc_recover(s, slot), -EBUSY);
	}
	while ((rc = ipc_recv(s, &slot, records, CAP, IPC_NOWAIT)) > 0)
		for (i = 0; (ssize_t)i < rc; i++) {
			uint64_t id = record_id(records + i * RECORD, RECORD);

			CHECK_EQ(id_slot(id), slot);
			if (!begun[slot])
				check_first(notes, slot, next[slot] = id_sequence(id));
			begun[slot] = true;
			CHECK_EQ((long long)id_sequence(id), (long long)next[slot]++);
		}
	CHECK_EQ(rc, -EAGAIN);
	for (slot = 0; slot < SLOTS; slot++) {
		if (!begun[slot])
			next[slot] = atomic_load(&notes->returned[slot]);
		/* One more: killed between the record and its note. */
		CHECK(next[slot] >= atomic_load(&notes->sent[slot]));
		CHECK(next[slot] <= atomic_load(&notes->sent[slot]) + 1);
		ipc_detach(s, slot);
		CHECK_EQ(ipc_recover(s, slot), -ENOENT);
	}
	ipc_close(s);
	other = open_kept(subject, 56, 0); /* from the beginning */
	CHECK_EQ(ipc_arm(other, 0), 0);
	ipc_close(other);
}

static void await_traffic(struct notes *notes, struct rng *rng)
{
	unsigned slot, naps;

	for (slot = 0; slot < SLOTS; slot++)
		while (atomic_load(&notes->sent[slot]) == 0)
			dawdle(rng);
	for (naps = rng_below(rng, 200); naps > 0; naps--)
		dawdle(rng);
}

static void run_keep(const struct subject *subject)
{
	struct notes *notes = mmap(NULL, sizeof *notes, PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct rng rng = rng_for(110);
	unsigned i;
	pid_t hub;

	CHECK(notes != MAP_FAILED);
	for (i = 0; i < subject->rule->count; i++) {
		memset(notes, 0, sizeof *notes);
		hub = fork();
		if (hub == 0)
			endless_hub(subject, notes, rng_for(111 + i));
		CHECK(hub > 0);
		await_traffic(notes, &rng);
		kill_all(hub, notes);
		recover(subject, notes);
	}
	CHECK_EQ(munmap(notes, sizeof *notes), 0);
}

/* A hub with a sender in slot 0, in the same process. */
static struct ipc *open_with_sender(const struct subject *subject, struct ipc **sender)
{
	struct ipc *s = open_kept(subject, RECORD, 0);
	struct ipc_peer self = { .pid = getpid(), .pidfd = -1 };
	struct ipc_ticket ticket;
	unsigned slot;

	CHECK_EQ(ipc_ticket(s, 0, &ticket), 0);
	CHECK_EQ(ipc_attach(s, 0, IPC_HUB, &self), 0);
	CHECK_EQ(ipc_join(sender, ticket.text, &self, &slot), 0);
	return s;
}

/* However many there are: what the hub got last may not have been dealt with, so it comes again. */
static void run_keep_last(const struct subject *subject)
{
	struct ipc *s, *sender;
	char records[200 * RECORD];
	unsigned slot, i;
	pid_t hub = fork();

	if (hub == 0) {
		s = open_with_sender(subject, &sender);
		for (i = 0; i < 200; i++)
			record_fill(records + i * RECORD, RECORD, id_of(0, 0, i));
		CHECK_EQ(ipc_send_all(sender, 0, records, 200), 0);
		CHECK(ipc_recv(s, &slot, records, 200, 0) > 0);
		(void)raise(SIGKILL);
	}
	CHECK_EQ(waitpid(hub, NULL, 0), hub);
	s = open_kept(subject, RECORD, 0);
	CHECK_EQ(ipc_recover(s, 0), 0);
	for (i = 0; i < 200; i++) {
		CHECK_EQ(ipc_recv(s, &slot, records, 1, IPC_NOWAIT), 1);
		CHECK_EQ((long long)record_id(records, RECORD), (long long)id_of(0, 0, i));
	}
	ipc_close(s);
}

/* What was not read stays, also when nobody is killed; and only for the same figures. */
static void run_keep_unread(const struct subject *subject)
{
	struct ipc *sender, *s = open_with_sender(subject, &sender);
	char record[64];
	unsigned slot;

	CHECK_EQ(ipc_recover(s, 1), -ENOENT);
	CHECK_EQ(ipc_recover(s, SLOTS), -EINVAL);
	record_fill(record, 56, id_of(0, 0, 0));
	CHECK_EQ(ipc_send(sender, 0, record, 1, 0), 1);
	ipc_close(sender);
	ipc_close(s);
	s = open_kept(subject, 64, 0);
	CHECK_EQ(ipc_recover(s, 0), -EINVAL);
	ipc_close(s);
	s = open_kept(subject, 56, 0);
	CHECK_EQ(ipc_recover(s, 0), 0);
	CHECK_EQ(ipc_recv(s, &slot, record, 1, IPC_NOWAIT), 1);
	CHECK_EQ((long long)record_id(record, 56), (long long)id_of(0, 0, 0));
	CHECK_EQ(ipc_recv(s, &slot, record, 1, IPC_NOWAIT), -EAGAIN);
	ipc_close(s);
}

static void run_keep_not(const struct subject *subject)
{
	struct ipc_config config = {
		.direction = IPC_TO_HUB, .record_size = 56, .slots = 1, .runtime_dir = subject->dir
	};
	struct ipc *s;

	if (!(subject->backend->info.capabilities & IPC_CAP_KEEPS))
		(void)open_kept(subject, 56, -EOPNOTSUPP);
	CHECK_EQ(ipc_open(&s, subject->backend->info.name, &config), 0);
	CHECK_EQ(ipc_recover(s, 0), -EOPNOTSUPP);
	ipc_close(s);
}

const struct rule contract_keep_rules[] = {
	{ .name = "kept, all are killed", .run = run_keep, .count = 40, .needs = IPC_CAP_KEEPS },
	{ .name = "kept, the last comes again", .run = run_keep_last, .needs = IPC_CAP_KEEPS },
	{ .name = "kept, unread", .run = run_keep_unread, .needs = IPC_CAP_KEEPS },
	{ .name = "not kept", .run = run_keep_not },
	{ .name = NULL },
};
