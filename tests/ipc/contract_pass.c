/* SPDX-License-Identifier: MIT */
/*
 * contract_pass.c - rules of descriptors that travel with a record: the right open file arrives
 * with the right record, close-on-exec; whatever nobody takes is closed; a hostile sender of
 * descriptors fills no table.
 *
 * Whether one is left open somewhere is seen at the other end of a pipe: it ends when nobody holds
 * the end that was sent, in a process or on its way.
 */
#include "config.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/ipc/contract.h"

#define GATE_SENT 0
#define GATE_READ 1
#define END_MS    (750 * CONTRACT_SILENT_S)

static int send_one(struct world *w, unsigned slot, uint64_t sequence, int fd)
{
	char record[56];

	record_fill(record, w->record, id_of(slot, 0, sequence));
	return fd < 0 ? ipc_send_all(w->s, slot, record, 1) : world_send_fd(w, slot, record, fd);
}

/* The writing end of a pipe, whose reading end goes to *WATCH. */
static int watched_pipe(int *watch)
{
	int ends[2];

	CHECK_EQ(pipe2(ends, O_CLOEXEC), 0);
	*watch = ends[0];
	return ends[1];
}

/* Nobody has the writing end any more. */
static void expect_closed(int watch)
{
	struct pollfd entry = { .fd = watch };

	CHECK_EQ(poll(&entry, 1, END_MS), 1);
	CHECK(entry.revents & POLLHUP);
	(void)close(watch);
}

/* ---- the right one arrives with the right record ---- */

static bool carries(uint64_t sequence)
{
	return sequence % 3 != 1;
}

/* The offset belongs to the open file, so it shows that the very same one has arrived. */
static int file_at(uint64_t offset)
{
	int fd = memfd_create("contract", 0); /* not close-on-exec: that flag does not travel */

	CHECK(fd >= 0);
	CHECK_EQ(lseek(fd, (off_t)offset, SEEK_SET), (long long)offset);
	return fd;
}

static void file_sender(struct world *w, unsigned slot)
{
	struct rng rng = rng_for(slot + 80);
	uint64_t i;
	int fd;

	for (i = 0; i < w->subject->count; i++) {
		fd = carries(i) ? file_at(i) : -1;
		CHECK_EQ(send_one(w, slot, i, fd), 0);
		if (fd >= 0)
			(void)close(fd);
		if (rng_below(&rng, 20) == 0)
			dawdle(&rng);
	}
	gate_await(&w->board->gate[GATE_ALL_READ], 1);
}

static void check_file(int fd, uint64_t sequence)
{
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), (long long)sequence);
	(void)close(fd);
}

static void file_receiver(struct world *w, unsigned slot)
{
	const uint64_t due = (uint64_t)w->subject->count * (w->s->single ? 1 : w->slots);
	uint64_t *next = calloc(w->slots, sizeof *next), total;
	struct rng rng = rng_for(90);
	char record[56];
	int fd;

	CHECK(next);
	for (total = 0; total < due; total++) {
		CHECK_EQ(ipc_recv_fd(w->s, &slot, record, &fd, 0), 1);
		CHECK_EQ((long long)record_id(record, w->record),
			 (long long)id_of(slot, 0, next[slot]));
		CHECK_EQ(fd >= 0, carries(next[slot]));
		if (fd >= 0)
			check_file(fd, next[slot]);
		next[slot]++;
		if (rng_below(&rng, 20) == 0)
			dawdle(&rng);
	}
	free(next);
	gate_open(&w->board->gate[GATE_ALL_READ]);
}

static void hub_sends_files(struct world *w)
{
	unsigned slot;

	for (slot = 0; slot < w->slots; slot++)
		file_sender(w, slot);
}

static void run_files(const struct subject *subject)
{
	bool to_hub = subject->direction == IPC_TO_HUB;
	struct world w;
	unsigned slot;
	long fds;

	world_open(&w, subject, subject->rule->slots);
	for (slot = 0; slot < w.slots; slot++)
		world_spawn(&w, slot, to_hub ? file_sender : file_receiver);
	fds = world_fds(&w);
	if (!to_hub)
		gate_open(&w.board->gate[GATE_ALL_READ]); /* the sender need not wait for itself */
	if (to_hub)
		file_receiver(&w, 0);
	else
		hub_sends_files(&w);
	CHECK_EQ(world_fds(&w), fds);
	world_close(&w);
}

/* ---- whoever does not ask gets none ---- */

static void pipe_sender(struct world *w, unsigned slot)
{
	int watch, fd = watched_pipe(&watch);
	uint64_t i;

	for (i = 0; i < w->subject->count; i++)
		CHECK_EQ(send_one(w, slot, i, fd), 0);
	(void)close(fd);
	gate_await(&w->board->gate[GATE_READ], 1);
	expect_closed(watch);
}

static void plain_reader(struct world *w, unsigned slot)
{
	struct rng rng = rng_for(91);
	const uint64_t due = w->subject->count;
	struct inbox inbox;
	char record[56];
	int fd;

	(void)slot;
	inbox_open(&inbox, w);
	while (inbox.total < due)
		if (rng_below(&rng, 3)) {
			CHECK(inbox_recv(&inbox, w, &slot, 1 + rng_below(&rng, 5), 0) > 0);
		} else {
			CHECK_EQ(ipc_recv_fd(w->s, &slot, record, &fd, 0), 1);
			CHECK_EQ((long long)record_id(record, w->record),
				 (long long)inbox.next[slot]++);
			inbox.total++;
			CHECK(fd >= 0);
			(void)close(fd);
		}
	inbox_close(&inbox);
	gate_open(&w->board->gate[GATE_READ]);
	if (getpid() != w->hub.pid)
		gate_await(&w->board->gate[GATE_ALL_READ], 1);
}

static void run_not_asked(const struct subject *subject)
{
	world_duet(subject, pipe_sender, plain_reader);
}

/* ---- the end of either side ---- */

/* Fills the way with the writing end of a pipe; returns the other end. */
static int fill_with_pipe(struct world *w, unsigned slot)
{
	int watch, fd = watched_pipe(&watch), rc = 0;
	uint64_t count;
	char record[56];

	for (count = 0; count < 2; count++)
		CHECK_EQ(send_one(w, slot, count, fd), 0);
	while (rc == 0) {
		record_fill(record, w->record, id_of(slot, 0, count));
		rc = ipc_send_fd(w->s, slot, record, fd, IPC_NOWAIT);
		count += rc == 0;
	}
	CHECK_RC(rc, rc == -EAGAIN || rc == -ETOOMANYREFS);
	(void)close(fd);
	atomic_store(&w->board->value[slot], count);
	return watch;
}

static void filling_sender(struct world *w, unsigned slot)
{
	int watch = fill_with_pipe(w, slot);

	gate_open(&w->board->gate[GATE_SENT]);
	gate_await(&w->board->gate[GATE_READ], 1);
	expect_closed(watch);
}

/* What was sent survives its sender, and the descriptors with it. */
static void run_dead_sender(const struct subject *subject)
{
	struct world w;
	char record[56];
	unsigned slot;
	uint64_t i;
	long fds;
	int fd;

	world_open(&w, subject, subject->rule->slots);
	for (slot = w.slots; slot-- > 0;)
		world_spawn(&w, slot, slot == 0 ? filling_sender : worker_idle);
	gate_await(&w.board->gate[GATE_SENT], 1);
	fds = world_fds(&w);
	CHECK_EQ(kill(w.worker[0].pid, SIGKILL), 0);
	world_reap(&w, 0, SIGKILL);
	for (i = 0; i < atomic_load(&w.board->value[0]); i++) {
		CHECK_EQ(ipc_recv_fd(w.s, &slot, record, &fd, 0), 1);
		CHECK_EQ((long long)record_id(record, w.record), (long long)id_of(0, 0, i));
		CHECK(fd >= 0);
		(void)close(fd);
	}
	CHECK_EQ(world_fds(&w), fds);
	world_close(&w);
}

/*
 * The hub lets go of a slot unread. Where all slots have one queue, what is of no slot is dropped
 * when its turn comes.
 */
static void run_let_go(const struct subject *subject)
{
	struct world w;
	char record[56];
	unsigned slot;
	int fd;

	world_open(&w, subject, subject->rule->slots);
	for (slot = w.slots; slot-- > 0;)
		world_spawn(&w, slot, slot == 0 ? filling_sender : worker_idle);
	gate_await(&w.board->gate[GATE_SENT], 1);
	world_detach(&w, 0);
	CHECK_EQ(ipc_recv_fd(w.s, &slot, record, &fd, IPC_NOWAIT), -EAGAIN);
	CHECK_EQ(fd, -1);
	gate_open(&w.board->gate[GATE_READ]);
	world_close(&w);
}

static void run_dead_receiver(const struct subject *subject)
{
	struct subject commands = *subject;
	struct world w;
	unsigned slot;
	int watch;

	commands.direction = IPC_FROM_HUB;
	world_open(&w, &commands, subject->rule->slots);
	for (slot = 0; slot < w.slots; slot++)
		world_spawn(&w, slot, worker_idle);
	watch = fill_with_pipe(&w, 0);
	CHECK_EQ(kill(w.worker[0].pid, SIGKILL), 0);
	world_reap(&w, 0, SIGKILL);
	expect_closed(watch);
	world_close(&w);
}

/* ---- no number is left ---- */

/* The record is there, and says that its descriptor is not; the next one's comes again. */
static void run_no_number(const struct subject *subject)
{
	struct rlimit limit, none;
	struct world w;
	char record[56];
	unsigned slot;
	int fd;

	world_open(&w, subject, subject->rule->slots);
	for (slot = w.slots; slot-- > 0;)
		world_spawn(&w, slot, slot == 0 ? file_sender : worker_idle);
	CHECK_EQ(ipc_wait(w.s, -1), 1);
	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = limit;
	none.rlim_cur = 1; /* every number that is free is above it */
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
	CHECK_EQ(ipc_recv_fd(w.s, &slot, record, &fd, 0), 1);
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
	CHECK_EQ((long long)record_id(record, w.record), (long long)id_of(0, 0, 0));
	CHECK_EQ(fd, -EMFILE);
	CHECK_EQ(ipc_recv_fd(w.s, &slot, record, &fd, 0), 1); /* one that carries none */
	CHECK_EQ(fd, -1);
	CHECK_EQ(ipc_recv_fd(w.s, &slot, record, &fd, 0), 1);
	check_file(fd, 2);
	world_close(&w);
}

/* ---- a hub that takes none, a mechanism that cannot ---- */

static void refused_sender(struct world *w, unsigned slot)
{
	int watch, fd = watched_pipe(&watch);
	int rc = send_one(w, slot, 0, fd);

	CHECK_RC(rc, rc == 0 || rc == -EPERM); /* the kernel may be too old to say so */
	(void)close(fd);
	if (rc < 0)
		CHECK_EQ(send_one(w, slot, 0, -1), 0);
	CHECK_EQ(send_one(w, slot, 1, 1000000), -EBADF);
	gate_await(&w->board->gate[GATE_ALL_READ], 1);
	expect_closed(watch);
}

static void refusing_reader(struct world *w, unsigned slot)
{
	char record[56];
	int fd = 0;

	CHECK_EQ(ipc_recv_fd(w->s, &slot, record, &fd, 0), -EPERM);
	CHECK_EQ(fd, -1);
	CHECK_EQ(ipc_recv(w->s, &slot, record, 1, 0), 1);
}

static void run_refused(const struct subject *subject)
{
	world_duet(subject, refused_sender, refusing_reader);
}

static void run_cannot(const struct subject *subject)
{
	struct ipc_config config = { .direction = subject->direction,
				     .record_size = subject->record,
				     .slots = 1,
				     .runtime_dir = subject->dir,
				     .accept_fds = true };
	struct ipc *s = NULL;
	char record[56] = { 0 };
	struct world w;
	unsigned slot;
	int fd = 0;

	CHECK_EQ(ipc_open(&s, subject->backend->info.name, &config), -EOPNOTSUPP);
	CHECK(!s);
	world_open(&w, subject, 1);
	CHECK_EQ(ipc_send_fd(w.s, 0, record, 0, IPC_NOWAIT), -EOPNOTSUPP);
	CHECK_EQ(ipc_recv_fd(w.s, &slot, record, &fd, IPC_NOWAIT), -EOPNOTSUPP);
	CHECK_EQ(fd, -1);
	world_close(&w);
}

#define FLAGS  .flags = RULE_ACCEPT_FDS | RULE_JOINED, .needs = IPC_CAP_PASS_FD
#define EITHER .flags = RULE_ACCEPT_FDS | RULE_JOINED | RULE_BOTH_WAYS, .needs = IPC_CAP_PASS_FD

const struct rule contract_pass_rules[] = {
	{ .name = "files arrive, block", .run = run_files, .slots = 1, .count = 400, EITHER },
	{ .name = "files arrive, 3 slots", .run = run_files, .slots = 3, .count = 200, EITHER },
	{ .name = "files arrive, spin",
	  .run = run_files,
	  .slots = 1,
	  .count = 100,
	  .strategy = IPC_SPIN,
	  EITHER },
	{ .name = "files arrive, poll",
	  .run = run_files,
	  .slots = 3,
	  .count = 200,
	  .strategy = IPC_POLL,
	  EITHER },
	{ .name = "files arrive, adaptive",
	  .run = run_files,
	  .slots = 1,
	  .count = 300,
	  .strategy = IPC_ADAPTIVE,
	  EITHER },
	{ .name = "not asked for", .run = run_not_asked, .slots = 1, .count = 300, EITHER },
	{ .name = "not asked for, 3 slots",
	  .run = run_not_asked,
	  .slots = 3,
	  .count = 300,
	  EITHER },
	{ .name = "files of the dead", .run = run_dead_sender, .slots = 1, FLAGS },
	{ .name = "files of the dead, 3 slots", .run = run_dead_sender, .slots = 3, FLAGS },
	{ .name = "files nobody takes", .run = run_let_go, .slots = 2, FLAGS },
	{ .name = "files to the dead", .run = run_dead_receiver, .slots = 2, FLAGS },
	{ .name = "no number left", .run = run_no_number, .slots = 1, .count = 3, FLAGS },
	{ .name = "files refused", .run = run_refused, .slots = 1, .needs = IPC_CAP_PASS_FD },
	{ .name = "no files at all", .run = run_cannot, .unless = IPC_CAP_PASS_FD },
	{ .name = NULL },
};
