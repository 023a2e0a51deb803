/* SPDX-License-Identifier: MIT */
/*
 * contract_hostile.c - rules for a worker that has fallen into wrong hands: it writes junk into
 * every descriptor and every shared mapping that the mechanism has given it. It may spoil its own
 * slot. The hub neither crashes nor waits for ever nor collects descriptors, the other slots
 * lose nothing, and the slot's next owner starts afresh.
 *
 * What belongs to the mechanism is found out: new descriptors, shared mappings but the board.
 */
#include "config.h"

#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/ipc/contract.h"

#define FDS_MAX    1024
#define JUNK_BYTES (256u * 1024)
#define LEFT_MAX   1000000u /* answers about what a dead worker has left: far more than fit */

static bool open_before[FDS_MAX];

static void note_descriptors(void)
{
	int fd;

	for (fd = 0; fd < FDS_MAX; fd++)
		open_before[fd] = fcntl(fd, F_GETFD) >= 0;
}

/* ---- junk for descriptors ---- */

static void send_descriptors(int fd)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(64 * sizeof(int))] = { 0 };
	char byte[56] = { 1 };
	struct iovec iov = { .iov_base = byte, .iov_len = sizeof byte };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof control };
	struct cmsghdr *header = CMSG_FIRSTHDR(&msg);
	int gift[64], i;

	for (i = 0; i < 64; i++)
		gift[i] = STDERR_FILENO;
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof gift);
	memcpy(CMSG_DATA(header), gift, sizeof gift);
	for (i = 0; i < 20; i++)
		(void)sendmsg(fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* Most of it makes no sense on most descriptors, and fails. */
static void junk_into(int fd, const char *junk, struct rng *rng)
{
	static const size_t sizes[] = { 1,  3,  7,    8,    9,    16,    55,        57,
					63, 64, 4088, 4095, 4096, 65536, JUNK_BYTES };
	uint64_t most = UINT64_MAX - 1; /* an eventfd that is full: the hub's next ring blocks */
	size_t i;

	(void)send(fd, junk, 0, MSG_DONTWAIT | MSG_NOSIGNAL);
	send_descriptors(fd);
	for (i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
		if (rng_below(rng, 2))
			(void)!write(fd, junk, sizes[i]);
	(void)!write(fd, &most, sizeof most);
	(void)ftruncate(fd, 0);
	(void)fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 1 << 30);
}

static bool is_given(int fd)
{
	return !open_before[fd] && fcntl(fd, F_GETFD) >= 0;
}

static void junk_into_descriptors(const char *junk, struct rng *rng)
{
	int fd;

	for (fd = 3; fd < FDS_MAX; fd++)
		if (is_given(fd))
			junk_into(fd, junk, rng);
}

/*
 * O_NONBLOCK belongs to the open file, which the hub may share: without it the hub's next look
 * could wait for ever. But the villain has to get on with it, too.
 */
static void set_nonblock(bool on)
{
	int fd;

	for (fd = 3; fd < FDS_MAX; fd++)
		if (is_given(fd))
			(void)fcntl(fd, F_SETFL,
				    on ? fcntl(fd, F_GETFL) | O_NONBLOCK :
					 fcntl(fd, F_GETFL) & ~O_NONBLOCK);
}

/* ---- junk for mappings ---- */

static uint64_t wild_number(struct rng *rng)
{
	static const uint64_t wild[] = {
		0, 1, 2, 255, 65535, INT32_MAX, UINT32_MAX, INT64_MAX, UINT64_MAX, UINT64_MAX - 1,
	};

	return rng_below(rng, 3) ? wild[rng_below(rng, 10)] : rng_next(rng) >> rng_below(rng, 64);
}

static void junk_into_mappings(struct world *w, struct rng *rng)
{
	struct mapping mapping[MAPPINGS_MAX];
	unsigned count = memory_given(w, mapping), i, k;

	for (i = 0; i < count; i++)
		for (k = 0; k < 2000; k++) {
			/* Indices and flags stand in front. */
			size_t near = mapping[i].count < 64 ? mapping[i].count : 64;
			size_t at = rng_below(rng, 2) ? rng_below(rng, (unsigned)near) :
							rng_next(rng) % mapping[i].count;

			*(volatile uint64_t *)&mapping[i].words[at] = wild_number(rng);
		}
	for (i = 0; i < count; i++)
		if (rng_below(rng, 4) == 0)
			(void)madvise(mapping[i].words, mapping[i].count * 8, MADV_REMOVE);
}

/* ---- the parties ---- */

static void hostile_worker(struct world *w, unsigned slot)
{
	struct rng rng = rng_for((unsigned)atomic_load(&w->board->value[slot]) + 60);
	char *junk = malloc(JUNK_BYTES);
	char record[56];
	size_t i;

	CHECK(junk);
	(void)alarm(10); /* what it does to its own memory may bring it to a standstill */
	for (i = 0; i < JUNK_BYTES / 8; i++) {
		uint64_t word = wild_number(&rng);

		memcpy(junk + 8 * i, &word, 8);
	}
	record_fill(record, w->record, id_of(slot, 0, 0));
	if (!ipc_receives(w->s))
		(void)ipc_send(w->s, slot, record, 1, 0); /* it was honest once */
	for (i = 0; i < 20; i++) {
		set_nonblock(true);
		junk_into_mappings(w, &rng);
		if (rng_below(&rng, 2))
			junk_into_descriptors(junk, &rng);
		if (!ipc_receives(w->s))
			(void)ipc_send(w->s, slot, junk, 1 + rng_below(&rng, 100), IPC_NOWAIT);
		set_nonblock(false);
		dawdle(&rng);
	}
	gate_open(&w->board->gate[0]);
}

/* It has done its worst, or has brought itself down. */
static bool is_through(struct world *w)
{
	struct pollfd death = { .fd = w->worker[0].pidfd, .events = POLLIN };

	return atomic_load(&w->board->gate[0]) > 0 || poll(&death, 1, 0) == 1;
}

static void honest_worker(struct world *w, unsigned slot)
{
	struct stream stream = { .first = id_of(slot, 0, 0),
				 .count = w->subject->count,
				 .batch = 7,
				 .pause = 10,
				 .rng = rng_for(slot + 61) };

	CHECK_EQ(stream_send(w, slot, &stream), 0);
	gate_await(&w->board->gate[GATE_ALL_READ], 1);
}

/* Receives from slots of which the first is hostile: what that one says is not looked at. */
static bool recv_among(struct world *w, struct inbox *inbox)
{
	unsigned slot = w->slots;
	ssize_t rc =
		ipc_recv(w->s, &slot, inbox->buffer, inbox->cap < 32 ? inbox->cap : 32, IPC_NOWAIT);
	ssize_t i;

	if (rc == -EAGAIN)
		return false;
	CHECK_RC(rc, rc <= 32);
	CHECK(slot < w->slots);
	CHECK_RC(rc, rc >= 0 || rc == -EPROTO);
	for (i = 0; i < rc && slot > 0; i++) {
		CHECK_EQ((long long)record_id(inbox->buffer + (size_t)i * w->record, w->record),
			 (long long)inbox->next[slot]);
		inbox->next[slot]++;
	}
	inbox->total += slot > 0 && rc > 0 ? (uint64_t)rc : 0;
	CHECK_RC(rc, rc > 0 || slot == 0);
	return true;
}

static void reap_owner(struct world *w)
{
	CHECK_EQ(kill(w->worker[0].pid, SIGKILL), 0);
	CHECK_EQ(waitpid(w->worker[0].pid, NULL, 0), w->worker[0].pid);
	w->worker[0].pid = 0;
}

static void run_hostile_sender(const struct subject *subject)
{
	uint64_t due = (uint64_t)subject->count * (subject->rule->slots - 1);
	struct inbox inbox;
	struct world w;
	unsigned slot, i;

	note_descriptors();
	world_open(&w, subject, subject->rule->slots);
	inbox_open(&inbox, &w);
	world_arm_all(&w); /* so that it is forked with all that the others will use */
	for (slot = 0; slot < w.slots; slot++)
		world_spawn(&w, slot, slot == 0 ? hostile_worker : honest_worker);
	w.armed = false;
	while (inbox.total < due || !is_through(&w))
		if (!recv_among(&w, &inbox))
			(void)ipc_wait(w.s, 1000000);
	CHECK(world_fds(&w) <= subject->backend->hub_fds(w.slots)); /* none were slipped in */
	reap_owner(&w);
	for (i = 0; recv_among(&w, &inbox);
	     i++) /* the dead add nothing: who drains comes to an end */
		CHECK(i < LEFT_MAX);
	world_detach(&w, 0);
	inbox.next[0] = id_of(0, 0, 0);
	world_spawn(&w, 0, honest_worker);
	while (id_sequence(inbox.next[0]) < subject->count)
		CHECK(inbox_recv(&inbox, &w, &slot, 9, 0) > 0);
	inbox_close(&inbox);
	world_close(&w);
}

static void honest_reader(struct world *w, unsigned slot)
{
	struct inbox inbox;

	(void)slot;
	inbox_open(&inbox, w);
	inbox_until(&inbox, w, w->subject->count, 9);
	gate_await(&w->board->gate[GATE_ALL_READ], 1);
}

/* The hub sends; slot 0 may refuse or not answer, the others get every record. */
static void run_hostile_receiver(const struct subject *subject)
{
	struct subject commands = *subject;
	uint64_t *next;
	char record[56];
	struct world w;
	unsigned slot, turn, done = 0;
	ssize_t rc;

	commands.direction = IPC_FROM_HUB;
	note_descriptors();
	world_open(&w, &commands, subject->rule->slots);
	next = calloc(w.slots, sizeof *next);
	CHECK(next);
	for (slot = 0; slot < w.slots; slot++)
		world_spawn(&w, slot, slot == 0 ? hostile_worker : honest_reader);
	for (turn = 0; done < w.slots - 1 || w.worker[0].pid; turn++) {
		if (w.worker[0].pid && is_through(&w))
			reap_owner(&w); /* at once: a zombie's unread signals count for all of us */
		slot = turn % w.slots;
		if (slot > 0 && next[slot] == subject->count)
			continue;
		record_fill(record, w.record, id_of(slot, 0, next[slot]));
		rc = ipc_send(w.s, slot, record, 1, IPC_NOWAIT);
		CHECK_RC(rc, rc == 1 || rc == -EAGAIN ||
				     (slot == 0 && (rc == -EPIPE || rc == -EPROTO)));
		next[slot] += rc == 1;
		done += slot > 0 && rc == 1 && next[slot] == subject->count;
		if (rc == -EAGAIN && slot > 0)
			CHECK(ipc_wait(w.s, 1000000) >= 0);
	}
	world_detach(&w, 0);
	world_spawn(&w, 0, honest_reader);
	for (turn = 0; turn < subject->count; turn++) {
		record_fill(record, w.record, id_of(0, 0, turn));
		CHECK_EQ(ipc_send(w.s, 0, record, 1, 0), 1);
	}
	free(next);
	world_close(&w);
}

/* ---- bytes that are no record, where there is a pipe or a socket to write them into ---- */

static const size_t torn_sizes[] = { 0, 3, 55, 57, 4095, 56 * 200 };
#define TORN (sizeof torn_sizes / sizeof torn_sizes[0])

struct channel {
	enum { STREAM, PACKETS, QUEUE } kind;
	int fd;
	size_t most; /* bytes of a message */
};

/* Of the descriptors that the mechanism has given: one that carries bytes. */
static bool find_channel(struct channel *channel)
{
	struct stat status;
	struct mq_attr queue;
	socklen_t size = sizeof(int);
	int type, fd;

	for (fd = 3; fd < FDS_MAX; fd++) {
		if (!is_given(fd) || fstat(fd, &status) < 0)
			continue;
		*channel = (struct channel){ .kind = STREAM, .fd = fd, .most = SIZE_MAX };
		if (S_ISSOCK(status.st_mode) &&
		    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type != SOCK_STREAM)
			channel->kind = PACKETS;
		if (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode))
			return true;
		channel->kind = QUEUE;
		if (mq_getattr(fd, &queue) < 0)
			continue;
		channel->most = (size_t)queue.mq_msgsize;
		return true;
	}
	return false;
}

static void torn_worker(struct world *w, unsigned slot)
{
	static const char junk[56 * 200] = { 1 };
	size_t size = torn_sizes[atomic_load(&w->board->value[slot])];
	struct channel channel;

	/* Whole records from a stream are records, whoever wrote them. */
	if (find_channel(&channel) && size <= channel.most &&
	    (channel.kind != STREAM || size % 56 != 0))
		CHECK_EQ(channel.kind == QUEUE ? mq_send(channel.fd, junk, size, 0) :
						 write(channel.fd, junk, size) - (long long)size,
			 0);
	else
		atomic_store(&w->board->value[slot], TORN);
	gate_open(&w->board->gate[0]);
	gate_await(&w->board->gate[GATE_ALL_READ], 1);
}

/* What a hub is told of SLOT's bytes: -EPROTO, 0 or -EAGAIN. WHOLE records may come before it. */
static ssize_t torn_answer(struct world *w, unsigned *slot, size_t *whole)
{
	char records[100 * 56]; /* a stream has no boundaries: all of it in one go */
	ssize_t rc;

	while ((rc = ipc_recv(w->s, slot, records, 100, IPC_NOWAIT)) > 0) {
		CHECK_EQ(*slot, 0);
		CHECK((size_t)rc <= *whole);
		*whole -= (size_t)rc;
	}
	CHECK_RC(rc, rc == -EPROTO || rc == 0 || rc == -EAGAIN);
	CHECK_RC(rc, rc == -EAGAIN || *slot == 0);
	return rc;
}

/*
 * A torn record is told as -EPROTO, never as a record, nor as the end of a sender that lives.
 * Without boundaries it may be the beginning of one, until its sender is dead.
 */
static void run_torn(const struct subject *subject)
{
	struct world w;
	unsigned slot, i;
	bool silent;
	ssize_t rc;

	if (subject->backend->own_threads) /* its descriptors carry the library's own protocol */
		return;
	note_descriptors();
	world_open(&w, subject, subject->rule->slots);
	for (slot = 1; slot < w.slots; slot++)
		world_spawn(&w, slot, worker_idle);
	for (i = 0; i < TORN; i++) {
		size_t whole = can(&w, IPC_CAP_BOUNDARIES) ? 0 : torn_sizes[i] / 56;

		atomic_store(&w.board->value[0], i);
		world_spawn(&w, 0, torn_worker);
		gate_await(&w.board->gate[0], i + 1);
		silent = torn_sizes[i] == 0 || atomic_load(&w.board->value[0]) == TORN;
		rc = torn_answer(&w, &slot, &whole);
		CHECK_RC(rc, rc != -EAGAIN || silent || !can(&w, IPC_CAP_BOUNDARIES));
		CHECK_RC(rc, rc != 0 || torn_sizes[i] == 0);
		reap_owner(&w);
		if (rc == -EAGAIN && !silent)
			CHECK(torn_answer(&w, &slot, &whole) != -EAGAIN);
		world_detach(&w, 0);
	}
	world_close(&w);
}

/* ---- a worker that dies with something unread: no reason to lose what it has sent ---- */

/* All that fits, while the kernel moves it on: so a part of it has not left this side. */
static void deaf_worker(struct world *w, unsigned slot)
{
	uint64_t sent = 0, more;
	unsigned calm = 0;

	while (calm < 5) {
		more = stream_fill(w, slot, sent);
		sent += more;
		calm = more > 0 ? 0 : calm + 1;
		(void)poll(NULL, 0, 5);
	}
	atomic_store(&w->board->value[slot], sent);
	gate_open(&w->board->gate[1]);
	gate_await(&w->board->gate[0], 1);
}

/* A socket then says ECONNRESET first, although its packets are still there (unix(7)). */
static void run_unread_bytes(const struct subject *subject)
{
	socklen_t len = sizeof(int);
	struct inbox inbox;
	struct world w;
	unsigned slot;
	int fd, type;

	note_descriptors();
	world_open(&w, subject, subject->rule->slots);
	inbox_open(&inbox, &w);
	world_spawn(&w, 0, deaf_worker);
	for (slot = 1; slot < w.slots; slot++)
		world_spawn(&w, slot, worker_idle);
	gate_await(&w.board->gate[1], 1);
	for (fd = 3; fd < FDS_MAX; fd++)
		if (is_given(fd) && getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0)
			CHECK(send(fd, "unread", 6, MSG_DONTWAIT | MSG_NOSIGNAL) == 6 ||
			      errno == EPIPE || errno == ENOTCONN); /* not this way */
	gate_open(&w.board->gate[0]);
	world_reap(&w, 0, 0);
	while (inbox.total < atomic_load(&w.board->value[0])) /* the others live, and say nothing */
		CHECK(inbox_recv(&inbox, &w, &slot, 64, 0) > 0);
	if (can(&w, IPC_CAP_EOF))
		CHECK_EQ(inbox_recv(&inbox, &w, &slot, 4, 0), 0);
	inbox_close(&inbox);
	world_close(&w);
}

const struct rule contract_hostile_rules[] = {
	{ .name = "a hostile sender",
	  .run = run_hostile_sender,
	  .unless = IPC_CAP_TRUSTING,
	  .slots = 3,
	  .count = 1000 },
	{ .name = "a hostile sender, old kernel",
	  .run = run_hostile_sender,
	  .unless = IPC_CAP_TRUSTING,
	  .slots = 3,
	  .count = 1000,
	  .flags = RULE_OLD_KERNEL },
	{ .name = "a hostile receiver",
	  .run = run_hostile_receiver,
	  .unless = IPC_CAP_TRUSTING,
	  .slots = 3,
	  .count = 1000 },
	{ .name = "a hostile receiver, old kernel",
	  .run = run_hostile_receiver,
	  .unless = IPC_CAP_TRUSTING,
	  .slots = 3,
	  .count = 1000,
	  .flags = RULE_OLD_KERNEL },
	{ .name = "torn records, 1 slot", .run = run_torn, .slots = 1, .flags = RULE_FORKED },
	{ .name = "torn records, 3 slots", .run = run_torn, .slots = 3, .flags = RULE_FORKED },
	{ .name = "torn records, old kernel",
	  .run = run_torn,
	  .slots = 3,
	  .flags = RULE_OLD_KERNEL | RULE_FORKED },
	{ .name = "dead with something unread, 1 slot",
	  .run = run_unread_bytes,
	  .slots = 1,
	  .needs = IPC_CAP_DURABLE },
	{ .name = "dead with something unread, 3 slots",
	  .run = run_unread_bytes,
	  .slots = 3,
	  .needs = IPC_CAP_DURABLE },
	{ .name = NULL },
};
