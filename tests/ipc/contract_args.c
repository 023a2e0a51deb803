/* SPDX-License-Identifier: MIT */
/*
 * contract_args.c - rules without traffic: figures out of range, calls out of turn, what a
 * mechanism says of itself, several sessions at once.
 */
#include "config.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/ipc/contract.h"

/* ---- figures out of range ---- */

static int try_open(const struct subject *subject, size_t record, unsigned slots)
{
	struct ipc_config config = { .direction = subject->direction,
				     .record_size = record,
				     .slots = slots,
				     .runtime_dir = subject->dir };
	struct ipc *s = NULL;
	int rc = ipc_open(&s, subject->backend->info.name, &config);

	CHECK_RC(rc, (rc == 0) == (s != NULL));
	ipc_close(s);
	return rc;
}

static void run_open(const struct subject *subject)
{
	size_t limit = subject->backend->info.record_limit;
	char deep[4096];
	struct ipc_config config = { .record_size = 56, .slots = 1, .runtime_dir = deep };
	int many = try_open(subject, 56, IPC_SLOTS_MAX);
	struct ipc *s = NULL;

	CHECK_EQ(try_open(subject, 56, 1), 0);
	CHECK_EQ(try_open(subject, IPC_RECORD_MIN, 1), 0);
	CHECK_EQ(try_open(subject, limit, 2), 0);
	CHECK_EQ(try_open(subject, 0, 1), -EINVAL);
	CHECK_EQ(try_open(subject, 7, 1), -EINVAL);
	CHECK_EQ(try_open(subject, 12, 1), -EINVAL);
	CHECK_EQ(try_open(subject, limit + 8, 1), -EMSGSIZE);
	CHECK_EQ(try_open(subject, SIZE_MAX & ~(size_t)7, 1), -EMSGSIZE);
	CHECK_EQ(try_open(subject, 56, 0), -EINVAL);
	CHECK(!many || contract_no_room(many));
	CHECK_EQ(try_open(subject, 56, IPC_SLOTS_MAX + 1), -EINVAL);
	CHECK_EQ(ipc_open(&s, "nosuch", &config), -ENOENT);
	CHECK_EQ(ipc_open(&s, "", &config), -ENOENT);
	memset(deep, '/', sizeof deep);
	deep[sizeof deep - 1] = '\0';
	CHECK_EQ(ipc_open(&s, subject->backend->info.name, &config), -ENAMETOOLONG);
	CHECK(s == NULL);
	ipc_close(NULL);
}

/* An address to listen on: one of this host's, and for a mechanism that reaches others. */
static void run_listen(const struct subject *subject)
{
	const bool can_reach = subject->backend->info.capabilities & IPC_CAP_CROSS_HOST;
	static const char *const none[] = {
		"", "x", "0.0.0.0", "127.0.0.1 ", "127.0.0.1:80", "::1"
	};
	struct ipc_config config = { .record_size = 56, .slots = 1, .runtime_dir = subject->dir };
	struct ipc_ticket ticket;
	struct ipc *s = NULL;
	char longer[256];
	size_t i;

	memset(longer, '1', sizeof longer);
	longer[sizeof longer - 1] = '\0';
	config.listen = longer;
	CHECK_EQ(ipc_open(&s, subject->backend->info.name, &config),
		 can_reach ? -EINVAL : -EOPNOTSUPP);
	for (i = 0; i < sizeof none / sizeof none[0]; i++) {
		config.listen = none[i];
		CHECK_EQ(ipc_open(&s, subject->backend->info.name, &config),
			 can_reach ? -EINVAL : -EOPNOTSUPP);
	}
	CHECK(s == NULL);
	if (!can_reach)
		return;
	config.listen = "127.0.0.1";
	config.peer_timeout = IPC_PEER_TIMEOUT_MAX + 1;
	CHECK_EQ(ipc_open(&s, subject->backend->info.name, &config), -EINVAL);
	config.peer_timeout = IPC_PEER_TIMEOUT_MAX;
	CHECK_EQ(ipc_open(&s, subject->backend->info.name, &config), 0);
	CHECK_EQ(ipc_ticket(s, 0, &ticket), 0);
	for (i = 0; i < IPC_TICKET_FDS; i++)
		CHECK_EQ(ticket.fds[i], -1);
	ipc_close(s);
	config.listen = "192.0.2.1"; /* nobody's: RFC 5737 */
	CHECK_EQ(ipc_open(&s, subject->backend->info.name, &config), 0);
	CHECK_EQ(ipc_ticket(s, 0, &ticket), -EADDRNOTAVAIL);
	ipc_close(s);
}

/* ---- calls out of turn ---- */

static void run_turn(const struct subject *subject)
{
	bool to_hub = subject->direction == IPC_TO_HUB;
	char record[56] = { 0 };
	struct ipc_peer nobody = { .pid = 0, .pidfd = -1 };
	struct world w;
	unsigned slot;

	world_open(&w, subject, 2);
	CHECK_EQ(ipc_attach(w.s, 0, IPC_HUB, &nobody), -EINVAL); /* not armed */
	CHECK_EQ(ipc_attach(w.s, 2, IPC_HUB, &nobody), -EINVAL);
	CHECK_EQ(ipc_arm(w.s, 2), -EINVAL);
	CHECK_EQ(ipc_arm(w.s, UINT_MAX), -EINVAL);
	ipc_detach(w.s, 0); /* nothing to release */
	ipc_detach(w.s, UINT_MAX);
	for (slot = 0; slot < 2;
	     slot++) { /* armed, then let go before any fork: as often as one likes */
		CHECK_EQ(ipc_arm(w.s, 0), 0);
		CHECK_EQ(ipc_arm(w.s, 0), -EBUSY);
		if (!to_hub)
			CHECK_EQ(ipc_send(w.s, 0, record, 1, IPC_NOWAIT), -EINVAL);
		ipc_detach(w.s, 0);
	}
	world_spawn(&w, 0, worker_idle);
	CHECK_EQ(ipc_arm(w.s, 0), -EBUSY);
	CHECK_EQ(ipc_attach(w.s, 0, IPC_HUB, &w.worker[0]), -EINVAL);
	if (to_hub) {
		CHECK_EQ(ipc_send(w.s, 0, record, 1, IPC_NOWAIT), -EINVAL); /* the wrong way */
		CHECK_EQ(ipc_recv(w.s, &slot, record, 0, IPC_NOWAIT), -EINVAL);
		CHECK_EQ(ipc_recv(w.s, &slot, record, 1, IPC_NOWAIT), -EAGAIN);
	} else {
		CHECK_EQ(ipc_recv(w.s, &slot, record, 1, IPC_NOWAIT), -EINVAL); /* the wrong way */
		CHECK_EQ(ipc_send(w.s, 0, record, 0, 0), -EINVAL);
		CHECK_EQ(ipc_send(w.s, 1, record, 1, 0), -EINVAL); /* nobody there */
		CHECK_EQ(ipc_send(w.s, 2, record, 1, 0), -EINVAL);
		CHECK_EQ(ipc_send_all(w.s, 0, record, 0), 0);
		CHECK_EQ(ipc_send(w.s, 0, record, 1, 0), 1);
	}
	CHECK_EQ(ipc_arm(w.s, 1), 0); /* armed at the close: released too */
	world_close(&w);
}

/* ---- what a mechanism says of itself ---- */

static void check_limits(const struct ipc_backend *backend)
{
	struct ipc_limit limits[IPC_LIMITS_MAX];
	int count = backend->limits ? backend->limits(limits, IPC_LIMITS_MAX) : 0;

	CHECK(count >= 0 && count <= IPC_LIMITS_MAX);
	while (count-- > 0)
		CHECK(*limits[count].name && *limits[count].value && *limits[count].source);
}

/* However little room the caller has, what fits is there. */
static void check_few_limits(const char *name)
{
	struct ipc_limit limits[IPC_LIMITS_MAX + 1];
	int all = ipc_limits(name, limits, IPC_LIMITS_MAX + 1), cap;

	for (cap = 0; cap <= all; cap++) {
		memset(limits, 0xa5, sizeof limits);
		CHECK_EQ(ipc_limits(name, limits, (size_t)cap), cap);
		CHECK_EQ((unsigned char)limits[cap].name[0], 0xa5); /* nothing beyond */
	}
}

/* The registry does not know the template, so this is for the others. */
static void check_listed(const struct ipc_info *info)
{
	char reason[200];

	check_few_limits(info->name);
	CHECK_EQ(ipc_probe(info->name, reason, sizeof reason), 0);
	CHECK_EQ(ipc_probe(info->name, NULL, 0), 0);
	CHECK(ipc_card(info->name) && *ipc_card(info->name));
	CHECK(ipc_hub_fds(info->name, IPC_SLOTS_MAX) >= ipc_hub_fds(info->name, 1));
}

static void run_information(const struct subject *subject)
{
	const struct ipc_info *info = &subject->backend->info;
	char reason[200];
	unsigned i;

	CHECK(info->name && *info->name && info->title && *info->title);
	CHECK(info->summary && *info->summary);
	CHECK(info->capabilities < 1u << IPC_CAP_COUNT);
	CHECK(info->record_limit >= 56 && info->record_limit % 8 == 0);
	CHECK(info->objects[0].what && info->objects[0].show);
	CHECK(info->syscalls[0] && info->man[0]);
	CHECK(!info->objects[sizeof info->objects / sizeof info->objects[0] - 1].what);
	CHECK(!info->syscalls[sizeof info->syscalls / sizeof info->syscalls[0] - 1]);
	CHECK(!info->man[sizeof info->man / sizeof info->man[0] - 1]);
	check_limits(subject->backend);
	if (ipc_info_find(info->name) == info)
		check_listed(info);
	CHECK_EQ(ipc_probe("nosuch", reason, sizeof reason), -ENOENT);
	CHECK(*reason);
	CHECK_EQ(ipc_probe("nosuch", reason, 0), -ENOENT);
	CHECK_EQ(ipc_limits("nosuch", NULL, 0), -ENOENT);
	CHECK_EQ(ipc_hub_fds("nosuch", 1), -ENOENT);
	CHECK(!ipc_card("nosuch"));
	for (i = 0; i < IPC_CAP_COUNT; i++)
		CHECK(ipc_capability_name(i));
	CHECK(!ipc_capability_name(IPC_CAP_COUNT));
}

/* ---- descriptors: as many as it said, at the worst moment, and none for an exec ---- */

#define NUMBERS 4096

static bool foreign[NUMBERS]; /* open before the session */

static void note_foreign(void)
{
	for (int fd = 0; fd < NUMBERS; fd++)
		foreign[fd] = fcntl(fd, F_GETFD) >= 0;
}

static void check_close_on_exec(void)
{
	int fd, flags;

	for (fd = 0; fd < NUMBERS; fd++) {
		flags = foreign[fd] ? -1 : fcntl(fd, F_GETFD);
		CHECK(flags < 0 || (flags & FD_CLOEXEC));
	}
}

static void speaking_worker(struct world *w, unsigned slot)
{
	char record[56];

	record_fill(record, w->record, id_of(slot, 0, 0));
	CHECK_EQ(ipc_send(w->s, slot, record, 1, 0), 1);
	check_close_on_exec();
	atomic_store(&w->board->value[slot], (uint64_t)world_fds(w) + 1);
	gate_await(&w->board->gate[GATE_ALL_READ], 1);
}

/* What a slot's process holds does not depend on how many siblings it has. */
static uint64_t slot_fds(const struct subject *subject, unsigned slots)
{
	struct inbox inbox;
	struct world w;
	uint64_t fds = 0;
	unsigned slot;

	note_foreign();
	world_open(&w, subject, slots);
	inbox_open(&inbox, &w);
	for (slot = 0; slot < slots; slot++)
		world_spawn(&w, slot, speaking_worker);
	inbox_until(&inbox, &w, slots, 4);
	for (slot = 0; slot < slots; slot++)
		while ((fds = atomic_load(&w.board->value[slot])) == 0)
			(void)sched_yield();
	inbox_close(&inbox);
	world_close(&w);
	return fds; /* of the last, who has inherited most */
}

static void run_slot_fds(const struct subject *subject)
{
	/* A library's thread may be just about to open or close one. */
	uint64_t slack = subject->backend->own_threads ? 2 : 0, alone = slot_fds(subject, 1);

	CHECK(slot_fds(subject, subject->rule->slots) <= alone + slack);
}

static long descriptors_seen(const struct subject *subject, enum ipc_direction direction)
{
	struct subject way = *subject;
	long most = 0;
	unsigned slot;
	struct world w;

	way.direction = direction;
	note_foreign();
	world_open(&w, &way, subject->rule->slots);
	for (slot = 0; slot < w.slots; slot++) {
		CHECK_EQ(ipc_arm(w.s, slot), 0);
		check_close_on_exec();
		most = world_fds(&w) > most ? world_fds(&w) : most;
		ipc_detach(w.s, slot);
		world_spawn(&w, slot, direction == IPC_TO_HUB ? speaking_worker : worker_idle);
	}
	if (direction == IPC_TO_HUB) { /* all are there */
		struct inbox inbox;

		inbox_open(&inbox, &w);
		inbox_until(&inbox, &w, w.slots, 4);
		inbox_close(&inbox);
	}
	most = world_fds(&w) > most ? world_fds(&w) : most;
	world_close(&w);
	return most;
}

/* Enough for either direction, and not many more than the one that needs more. */
static void run_descriptors(const struct subject *subject)
{
	long said = subject->backend->hub_fds(subject->rule->slots);
	long to = descriptors_seen(subject, IPC_TO_HUB);
	long from = descriptors_seen(subject, IPC_FROM_HUB);
	long most = to > from ? to : from;

	if (most > said || (most < said - 2 && !subject->backend->own_threads)) {
		(void)fprintf(stderr, "%u slots: %ld descriptors foretold, %ld seen\n",
			      subject->rule->slots, said, most);
		CHECK(false && "ipc_hub_fds tells the truth");
	}
}

/* ---- several sessions at once, in one process, with the same slots ---- */

static void echo_worker(struct world *w, unsigned slot)
{
	char record[56];
	unsigned i, from;
	uint64_t id;

	for (i = 0; i < w->subject->count; i++) {
		CHECK_EQ(ipc_recv(w->session[2], &from, record, 1, 0), 1);
		id = record_id(record, w->record);
		CHECK_EQ((long long)id, (long long)id_of(slot, 3, i));
		record_fill(record, w->record, id_of(slot, 1, i));
		CHECK_EQ(ipc_send(w->session[0], slot, record, 1, 0), 1);
		record_fill(record, w->record, id_of(slot, 2, i));
		CHECK_EQ(ipc_send(w->session[1], slot, record, 1, 0), 1);
	}
	gate_await(&w->board->gate[GATE_ALL_READ], 1);
}

static void run_sessions(const struct subject *subject)
{
	unsigned count = subject->count, i, k, slot, from;
	char record[56];
	struct world w;

	world_open(&w, subject, 3);
	world_also(&w, IPC_TO_HUB);
	world_also(&w, IPC_FROM_HUB);
	for (slot = 0; slot < w.slots; slot++)
		world_spawn(&w, slot, echo_worker);
	for (i = 0; i < count; i++) {
		for (slot = 0; slot < w.slots; slot++) {
			record_fill(record, w.record, id_of(slot, 3, i));
			CHECK_EQ(ipc_send(w.session[2], slot, record, 1, 0), 1);
		}
		for (k = 0; k < 2; k++)
			for (slot = 0; slot < w.slots; slot++) {
				CHECK_EQ(ipc_recv(w.session[k], &from, record, 1, 0), 1);
				CHECK_EQ((long long)record_id(record, w.record),
					 (long long)id_of(from, k + 1, i));
			}
	}
	world_close(&w);
}

const struct rule contract_args_rules[] = {
	{ .name = "opening", .run = run_open, .flags = RULE_BOTH_WAYS },
	{ .name = "an address to listen on", .run = run_listen },
	{ .name = "turns", .run = run_turn, .flags = RULE_BOTH_WAYS },
	{ .name = "information", .run = run_information },
	{ .name = "descriptors, 1 slot", .run = run_descriptors, .slots = 1 },
	{ .name = "descriptors, 20 slots", .run = run_descriptors, .slots = 20 },
	{ .name = "descriptors of a slot", .run = run_slot_fds, .slots = 20 },
	{ .name = "three sessions", .run = run_sessions, .count = 500 },
	{ .name = "three sessions, old kernel",
	  .run = run_sessions,
	  .count = 200,
	  .flags = RULE_OLD_KERNEL },
	{ .name = NULL },
};
