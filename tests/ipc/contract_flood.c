/* SPDX-License-Identifier: MIT */
/*
 * contract_flood.c - rules of descriptors that nobody wants: a worker sends up to 253 of them with
 * a record, with parts of one, with none. The hub keeps no more than it asked for, and the other
 * slots' descriptors arrive as ever.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/ipc/contract.h"

#define RIGHTS_MAX 253 /* SCM_MAX_FD: more the kernel refuses */
#define FLOODS     400
#define SOCKETS    1024

/* How many descriptors a message of this process has instead of the one that it was given. */
static unsigned forged_rights;

struct rights {
	_Alignas(struct cmsghdr) char room[CMSG_SPACE(RIGHTS_MAX * sizeof(int))];
};

static void add_rights(struct msghdr *msg, struct rights *rights, int fd, unsigned count)
{
	struct cmsghdr *header;
	unsigned i;

	memset(rights, 0, sizeof *rights);
	msg->msg_control = rights->room;
	msg->msg_controllen = CMSG_SPACE(count * sizeof(int));
	header = CMSG_FIRSTHDR(msg);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(count * sizeof(int));
	for (i = 0; i < count; i++)
		memcpy(CMSG_DATA(header) + i * sizeof fd, &fd, sizeof fd);
}

/* The linker sends the library's calls here: so the record itself is in order. */
ssize_t __real_sendmsg(int fd, const struct msghdr *msg, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *msg, int flags);

ssize_t __wrap_sendmsg(int fd, const struct msghdr *msg, int flags)
{
	struct msghdr forged = *msg;
	struct rights rights;

	if (forged_rights)
		add_rights(&forged, &rights, STDERR_FILENO, forged_rights);
	return __real_sendmsg(fd, &forged, flags);
}

/* ---- the parties ---- */

static int own_socket(void)
{
	struct stat status;
	int fd;

	for (fd = 3; fd < SOCKETS; fd++)
		if (fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode))
			return fd;
	CHECK(false && "a mechanism with IPC_CAP_PASS_FD has a socket");
	return -1;
}

/* COUNT times FD beside SIZE bytes that the mechanism knows nothing of. */
static ssize_t send_raw(const void *bytes, size_t size, int fd, unsigned count)
{
	struct iovec iov = { .iov_base = (void *)(uintptr_t)bytes, .iov_len = size };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct rights rights;

	if (count > 0)
		add_rights(&msg, &rights, fd, count);
	return __real_sendmsg(own_socket(), &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void flooding_worker(struct world *w, unsigned slot)
{
	static const unsigned counts[] = { 1, 2, 3, 64, RIGHTS_MAX };
	static const size_t sizes[] = { 0, 1, 55, 56, 57, 112, 168 };
	static const char junk[168] = { 1 };
	struct rng rng = rng_for(slot + 95);
	char record[56];
	unsigned i;

	record_fill(record, w->record, id_of(slot, 0, 0));
	for (i = 0; i < FLOODS; i++) {
		forged_rights = counts[rng_below(&rng, 5)];
		/* First in order: bytes of no record leave a stream without one. */
		if (i < FLOODS / 2 || rng_below(&rng, 2))
			(void)ipc_send_fd(w->s, slot, record, STDERR_FILENO, IPC_NOWAIT);
		else
			(void)send_raw(junk, sizes[rng_below(&rng, 7)], STDERR_FILENO,
				       forged_rights);
		if (rng_below(&rng, 4) == 0)
			dawdle(&rng);
	}
	gate_open(&w->board->gate[0]);
	worker_idle(w, slot);
}

static int file_at(uint64_t offset)
{
	int fd = memfd_create("contract", MFD_CLOEXEC);

	CHECK(fd >= 0);
	CHECK_EQ(lseek(fd, (off_t)offset, SEEK_SET), (long long)offset);
	return fd;
}

static void honest_worker(struct world *w, unsigned slot)
{
	char record[56];
	uint64_t i;
	int fd;

	for (i = 0; i < w->subject->count; i++) {
		fd = file_at(i);
		record_fill(record, w->record, id_of(slot, 0, i));
		CHECK_EQ(world_send_fd(w, slot, record, fd), 0);
		(void)close(fd);
	}
	worker_idle(w, slot);
}

/* One receive. Of slot 0 anything may come. False: nothing is there. */
static bool recv_one(struct world *w, uint64_t *next, bool ask)
{
	char record[56];
	unsigned slot = w->slots;
	int fd = -1;
	ssize_t rc = ask ? ipc_recv_fd(w->s, &slot, record, &fd, IPC_NOWAIT) :
			   ipc_recv(w->s, &slot, record, 1, IPC_NOWAIT);

	if (rc == -EAGAIN)
		return false;
	CHECK(slot < w->slots);
	CHECK_RC(rc, rc == 1 || slot == 0);
	CHECK_RC(rc, rc == 1 || fd == -1);
	if (slot > 0) {
		CHECK_EQ((long long)record_id(record, w->record),
			 (long long)id_of(slot, 0, next[slot]));
		CHECK(!ask || lseek(fd, 0, SEEK_CUR) == (off_t)next[slot]);
		next[slot]++;
	}
	if (fd >= 0)
		CHECK_EQ(close(fd), 0);
	return true;
}

static void run_flood(const struct subject *subject)
{
	const bool accepts = subject->rule->flags & RULE_ACCEPT_FDS;
	uint64_t next[3] = { 0 }, due = subject->count;
	struct rng rng = rng_for(97);
	struct world w;
	unsigned slot, i;
	long fds;

	world_open(&w, subject, 3);
	for (slot = 0; slot < w.slots; slot++)
		world_spawn(&w, slot, slot == 0 ? flooding_worker : honest_worker);
	fds = world_fds(&w);
	for (i = 0; next[1] < due || next[2] < due || !atomic_load(&w.board->gate[0]); i++) {
		if (!recv_one(&w, next, accepts && rng_below(&rng, 4) > 0))
			(void)ipc_wait(w.s, 1000000);
		if (i % 16 == 0) /* one may belong to a record of which only a part has come */
			CHECK(world_fds(&w) <= fds + 1);
	}
	CHECK_EQ(kill(w.worker[0].pid, SIGKILL), 0);
	world_reap(&w, 0, SIGKILL);
	for (i = 0; i < 2000; i++)
		(void)recv_one(&w, next, accepts);
	CHECK(world_fds(&w) <= fds);
	world_detach(&w, 0);
	world_close(&w);
}

/* ---- two with one record ---- */

static void two_at_once(struct world *w, unsigned slot)
{
	char record[56];

	record_fill(record, w->record, id_of(slot, 0, 0));
	forged_rights = 2;
	CHECK_EQ(world_send_fd(w, slot, record, STDERR_FILENO), 0);
	worker_idle(w, slot);
}

static void run_two(const struct subject *subject)
{
	char record[56];
	struct world w;
	unsigned slot;
	int fd;

	world_open(&w, subject, 1);
	world_spawn(&w, 0, two_at_once);
	CHECK_EQ(ipc_recv_fd(w.s, &slot, record, &fd, 0), -EPROTO);
	CHECK_EQ(slot, 0);
	CHECK_EQ(fd, -1);
	world_close(&w);
}

/*
 * ---- a record without its end: a stream's comes in parts, and the descriptor with the first ----
 */

enum part { PART_LET_GO, PART_DEAD, PART_UNASKED, PART_TAKEN, PART_SECOND };

static int part_ends[2]; /* of a pipe */

/* As world_send_fd(), but what the mechanism knows nothing of. */
static void send_part(const void *bytes, size_t size, int fd, unsigned count)
{
	struct rng rng = rng_for(99);
	ssize_t rc;

	while ((rc = send_raw(bytes, size, fd, count)) < 0 && errno == ETOOMANYREFS)
		dawdle(&rng);
	CHECK_EQ((long long)rc, (long long)size);
}

static void part_worker(struct world *w, unsigned slot)
{
	const enum part part = (enum part)w->subject->count;
	char record[56];

	record_fill(record, w->record, id_of(slot, 0, 0));
	send_part(record, 55, part_ends[1], 1);
	(void)close(part_ends[1]);
	gate_open(&w->board->gate[0]);
	gate_await(&w->board->gate[1], 1);
	if (part >= PART_UNASKED)
		send_part(record + 55, 1, STDERR_FILENO, part == PART_SECOND);
	if (part != PART_DEAD)
		worker_idle(w, slot);
}

static void expect_end(int fd)
{
	struct pollfd entry = { .fd = fd };

	CHECK_EQ(poll(&entry, 1, 750 * CONTRACT_SILENT_S), 1);
	(void)close(fd);
}

/* What comes of the record, and of the descriptor that has come with its first byte. */
static void part_check(struct world *w, enum part part)
{
	char record[56];
	unsigned slot;
	int fd;

	if (part == PART_DEAD)
		CHECK_EQ(ipc_recv_fd(w->s, &slot, record, &fd, 0), 0);
	if (part == PART_UNASKED)
		CHECK_EQ(ipc_recv(w->s, &slot, record, 1, 0), 1);
	if (part == PART_SECOND)
		CHECK_EQ(ipc_recv_fd(w->s, &slot, record, &fd, 0), -EPROTO);
	if (part == PART_LET_GO || part == PART_SECOND)
		world_detach(w, 0);
	if (part == PART_TAKEN) {
		CHECK_EQ(ipc_recv_fd(w->s, &slot, record, &fd, 0), 1);
		CHECK(fd >= 0);
		(void)close(fd);
	}
	expect_end(part_ends[0]);
}

static void run_part(const struct subject *subject)
{
	struct world w;
	char record[56];
	unsigned slot;
	int fd;

	world_open(&w, subject, 2);
	world_spawn(&w, 1, worker_idle);
	CHECK_EQ(pipe2(part_ends, O_CLOEXEC), 0);
	world_spawn(&w, 0, part_worker);
	(void)close(part_ends[1]);
	gate_await(&w.board->gate[0], 1);
	CHECK_EQ(ipc_recv_fd(w.s, &slot, record, &fd, IPC_NOWAIT), -EAGAIN);
	CHECK_EQ(fd, -1);
	gate_open(&w.board->gate[1]);
	part_check(&w, (enum part)subject->count);
	world_close(&w);
}

#define PART(n)                                                                     \
 .run = run_part, .count = (n), .flags = RULE_ACCEPT_FDS, .needs = IPC_CAP_PASS_FD, \
 .unless = IPC_CAP_BOUNDARIES

const struct rule contract_flood_rules[] = {
	{ .name = "two files with a record",
	  .run = run_two,
	  .flags = RULE_ACCEPT_FDS,
	  .needs = IPC_CAP_PASS_FD },
	{ .name = "half a record and a file, let go", PART(PART_LET_GO) },
	{ .name = "half a record and a file, dead", PART(PART_DEAD) },
	{ .name = "half a record and a file, not asked for", PART(PART_UNASKED) },
	{ .name = "half a record and a file, taken", PART(PART_TAKEN) },
	{ .name = "half a record and a file, another", PART(PART_SECOND) },
	{ .name = "a flood of files",
	  .run = run_flood,
	  .slots = 3,
	  .count = 300,
	  .flags = RULE_ACCEPT_FDS,
	  .needs = IPC_CAP_PASS_FD },
	{ .name = "a flood of files, refused", /* whose hub asks for none */
	  .run = run_flood,
	  .slots = 3,
	  .count = 0,
	  .needs = IPC_CAP_PASS_FD },
	{ .name = NULL },
};
