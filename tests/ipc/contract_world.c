/* SPDX-License-Identifier: MIT */
/* contract_world.c - the hub, its workers and their board; see contract.h */
#include "config.h"

#include "tests/ipc/contract_launch.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct report own_report;
struct report *contract_report = &own_report;
_Atomic uint64_t *contract_digest;
uint64_t contract_seed = 1;
pid_t contract_group;

/* ---- checks ---- */

_Noreturn void contract_fail(const char *file, int line, const char *what)
{
	(void)fprintf(stderr, "%s:%d: %s (process %d)\n", file, line, what, (int)getpid());
	(void)fflush(stderr);
	if (contract_group) /* nobody need wait for us until the deadline */
		(void)kill(-contract_group, SIGTERM);
	_exit(1);
}

_Noreturn void contract_fail_rc(const char *file, int line, const char *what, long long rc)
{
	char text[512];

	(void)snprintf(text, sizeof text, "%s, but rc is %lld%s%s", what, rc, rc < 0 ? ": " : "",
		       rc < 0 ? strerror((int)-rc) : "");
	contract_fail(file, line, text);
}

void contract_equal(const char *file, int line, const char *what, long long a, long long b)
{
	char text[512];

	if (a == b)
		return;
	(void)snprintf(text, sizeof text, "%s: %lld, %lld", what, a, b);
	contract_fail(file, line, text);
}

_Noreturn void contract_skip(const char *what, int rc)
{
	(void)snprintf(contract_report->reason, sizeof contract_report->reason, "%s: %s", what,
		       strerror(-rc));
	_exit(CONTRACT_SKIPPED);
}

void contract_step(void)
{
	atomic_fetch_add_explicit(&contract_report->steps, 1, memory_order_relaxed);
}

/* ---- random numbers ---- */

/* splitmix64 */
uint64_t rng_next(struct rng *rng)
{
	uint64_t z = rng->state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

unsigned rng_below(struct rng *rng, unsigned n)
{
	return (unsigned)(rng_next(rng) >> 33) % n;
}

struct rng rng_for(unsigned stream)
{
	return (struct rng){ .state = contract_seed * 0x9e3779b97f4a7c15 + stream };
}

/* ---- records ---- */

static uint64_t word_of(uint64_t id, size_t index)
{
	struct rng rng = { .state = id + index };

	return index == 0 ? id : rng_next(&rng);
}

void record_fill(void *record, size_t size, uint64_t id)
{
	size_t i;

	for (i = 0; i < size / 8; i++) {
		uint64_t word = word_of(id, i);

		memcpy((char *)record + 8 * i, &word, 8);
	}
}

bool record_whole(const void *record, size_t size)
{
	uint64_t id, word;
	size_t i;

	memcpy(&id, record, 8);
	for (i = 1; i < size / 8; i++) {
		memcpy(&word, (const char *)record + 8 * i, 8);
		if (word != word_of(id, i))
			return false;
	}
	return true;
}

uint64_t record_id(const void *record, size_t size)
{
	uint64_t id;

	CHECK(record_whole(record, size));
	memcpy(&id, record, 8);
	contract_step();
	return id;
}

/* ---- gates ---- */

void gate_open(_Atomic uint32_t *gate)
{
	atomic_fetch_add(gate, 1);
	contract_step();
	(void)syscall(SYS_futex, gate, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

void gate_await(_Atomic uint32_t *gate, uint32_t at_least)
{
	uint32_t now;

	while ((now = atomic_load(gate)) < at_least)
		(void)syscall(SYS_futex, gate, FUTEX_WAIT, now, NULL, NULL, 0);
}

/* ---- the world ---- */

static long descriptors(void)
{
	struct oracle now;

	oracle_look(&now);
	return now.fds;
}

void world_also(struct world *w, enum ipc_direction direction)
{
	struct ipc_config config = {
		.direction = direction,
		.record_size = w->record,
		.slots = w->slots,
		.runtime_dir = w->subject->dir,
		.accept_fds = w->subject->rule->flags & RULE_ACCEPT_FDS,
		.listen = w->subject->networked ? "127.0.0.1" : NULL,
	};
	struct ipc **s = &w->session[w->sessions++];
	int rc = ipc_open(s, w->subject->backend->info.name, &config);

	if (w->slots >= CONTRACT_MANY && contract_no_room(rc))
		contract_skip("many slots", rc);
	CHECK_EQ(rc, 0);
	ipc_set_strategy(*s, w->subject->rule->strategy);
}

void world_open(struct world *w, const struct subject *subject, unsigned slots)
{
	unsigned i;

	*w = (struct world){ .subject = subject, .slots = slots, .record = subject->record };
	w->worker = calloc(slots, sizeof *w->worker);
	for (i = 0; i < SESSIONS_MAX && subject->joined; i++) {
		w->ticket[i] = calloc(slots, sizeof *w->ticket[i]);
		CHECK(w->ticket[i]);
	}
	w->board_fd = -1;
	if (subject->executed)
		w->board = launch_share(sizeof *w->board, &w->board_fd);
	else
		w->board = mmap(NULL, sizeof *w->board, PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(w->worker && w->board && w->board != MAP_FAILED);
	w->hub.pid = getpid();
	w->hub.pidfd = (int)syscall(SYS_pidfd_open, w->hub.pid, 0);
	CHECK(w->hub.pidfd >= 0);
	w->fds_before = descriptors();
	world_also(w, subject->direction);
	w->s = w->session[0];
}

static bool is_of_ticket(const struct world *w, unsigned slot, int fd)
{
	unsigned i, k;

	for (i = 0; i < w->sessions; i++)
		for (k = 0; k < IPC_TICKET_FDS; k++)
			if (w->ticket[i][slot].fds[k] == fd)
				return true;
	return false;
}

/* As execve(2) would: nothing of the hub's stays, but what the tickets name. */
static void drop_all_but_tickets(const struct world *w, unsigned slot)
{
	int fd, most = 0;
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *entry;

	CHECK(dir);
	while ((entry = readdir(dir)))
		if (atoi(entry->d_name) > most)
			most = atoi(entry->d_name);
	(void)closedir(dir);
	for (fd = 3; fd <= most; fd++)
		if (fd != w->hub.pidfd && !is_of_ticket(w, slot, fd))
			(void)close(fd);
}

static void worker_join(struct world *w, unsigned slot)
{
	unsigned i, mine;

	drop_all_but_tickets(w, slot);
	for (i = 0; i < w->sessions; i++) {
		CHECK_EQ(ipc_join(&w->session[i], w->ticket[i][slot].text, &w->hub, &mine), 0);
		CHECK_EQ(mine, slot);
		ipc_set_strategy(w->session[i], w->subject->rule->strategy);
	}
	w->s = w->session[0];
}

static _Noreturn void worker_run(struct world *w, unsigned slot, worker_main *main)
{
	unsigned i;

	if (!w->orphans) {
		CHECK_EQ(prctl(PR_SET_PDEATHSIG, SIGKILL), 0);
		CHECK(getppid() == w->hub.pid);
	}
	if (w->subject->executed)
		launch_worker(w, slot, main);
	if (w->early)
		w->early();
	if (w->subject->joined)
		worker_join(w, slot);
	for (i = 0; i < w->sessions && !w->subject->joined; i++)
		CHECK_EQ(ipc_attach(w->session[i], slot, IPC_SLOT, &w->hub), 0);
	main(w, slot);
	_exit(0);
}

static int world_arm(struct world *w, unsigned slot)
{
	unsigned i;

	for (i = 0; i < w->sessions; i++) {
		int rc = w->subject->joined ? ipc_ticket(w->session[i], slot, &w->ticket[i][slot]) :
					      ipc_arm(w->session[i], slot);

		if (rc == 0)
			continue;
		while (i-- > 0)
			ipc_detach(w->session[i], slot);
		return rc;
	}
	return 0;
}

void world_arm_all(struct world *w)
{
	unsigned slot;

	for (slot = 0; slot < w->slots; slot++)
		CHECK_EQ(world_arm(w, slot), 0);
	w->armed = true;
}

int world_try_spawn(struct world *w, unsigned slot, worker_main *main)
{
	struct ipc_peer *peer = &w->worker[slot];
	int rc = w->armed ? 0 : world_arm(w, slot);
	unsigned i;

	if (rc < 0)
		return rc;
	CHECK_EQ(peer->pid, 0);
	peer->pid = fork();
	if (peer->pid == 0)
		worker_run(w, slot, main);
	contract_step();
	if (peer->pid < 0)
		contract_skip("fork", -errno);
	peer->pidfd = (int)syscall(SYS_pidfd_open, peer->pid, 0);
	if (peer->pidfd < 0)
		contract_skip("pidfd_open", -errno);
	for (i = 0; i < w->sessions && rc == 0; i++) {
		rc = ipc_attach(w->session[i], slot, IPC_HUB, peer);
		if (w->subject->joined)
			ipc_ticket_close(&w->ticket[i][slot]);
	}
	return rc;
}

void world_spawn(struct world *w, unsigned slot, worker_main *main)
{
	CHECK_EQ(world_try_spawn(w, slot, main), 0);
}

void world_reap(struct world *w, unsigned slot, int signo)
{
	int status;

	CHECK_EQ(waitpid(w->worker[slot].pid, &status, 0), w->worker[slot].pid);
	contract_step();
	if (signo)
		CHECK_EQ(WIFSIGNALED(status) ? WTERMSIG(status) : -1, signo);
	else
		CHECK_EQ(WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status), 0);
	w->worker[slot].pid = 0;
}

void world_detach(struct world *w, unsigned slot)
{
	unsigned i;

	for (i = 0; i < w->sessions; i++)
		ipc_detach(w->session[i], slot);
	(void)close(w->worker[slot].pidfd);
	w->worker[slot].pidfd = -1;
}

void world_close(struct world *w)
{
	unsigned slot, i;

	gate_open(&w->board->gate[GATE_ALL_READ]);
	for (slot = 0; slot < w->slots; slot++)
		if (w->worker[slot].pid > 0)
			world_reap(w, slot, 0);
	for (i = 0; i < w->sessions; i++)
		ipc_close(w->session[i]);
	for (slot = 0; slot < w->slots; slot++) /* the sessions had borrowed them */
		if (w->worker[slot].pidfd > 0)
			(void)close(w->worker[slot].pidfd);
	(void)close(w->hub.pidfd);
	(void)munmap(w->board, sizeof *w->board);
	if (w->board_fd >= 0)
		(void)close(w->board_fd);
	free(w->worker);
	for (i = 0; i < SESSIONS_MAX; i++)
		free(w->ticket[i]);
}

long world_fds(const struct world *w)
{
	long pidfds = 0;
	unsigned slot;

	for (slot = 0; slot < w->slots; slot++)
		pidfds += w->worker[slot].pidfd > 0;
	return descriptors() - w->fds_before - pidfds;
}

void world_kill_and_close(struct world *w)
{
	unsigned slot;

	for (slot = 0; slot < w->slots; slot++)
		if (w->worker[slot].pid > 0) { /* it may have come to its own end already */
			CHECK_EQ(kill(w->worker[slot].pid, SIGKILL), 0);
			CHECK_EQ(waitpid(w->worker[slot].pid, NULL, 0), w->worker[slot].pid);
			w->worker[slot].pid = 0;
		}
	world_close(w);
}

void world_duet(const struct subject *subject, worker_main *sender, worker_main *receiver)
{
	bool to_hub = subject->direction == IPC_TO_HUB;
	struct world w;
	unsigned slot;

	world_open(&w, subject, subject->rule->slots);
	world_spawn(&w, 0, to_hub ? sender : receiver);
	for (slot = 1; slot < w.slots; slot++)
		world_spawn(&w, slot, worker_idle);
	(to_hub ? receiver : sender)(&w, 0);
	world_close(&w);
}

void worker_farewell(struct world *w)
{
	if (!can(w, IPC_CAP_DURABLE) && getpid() != w->hub.pid)
		gate_await(&w->board->gate[GATE_ALL_READ], 1);
}

void worker_idle(struct world *w, unsigned slot)
{
	(void)slot;
	gate_await(&w->board->gate[GATE_ALL_READ], 1);
}

void dawdle(struct rng *rng)
{
	struct timespec nap = { .tv_nsec = 1000 * (long)rng_below(rng, 200) };
	unsigned spin = rng_below(rng, 2000);
	volatile unsigned i;

	if (rng_below(rng, 8) == 0)
		(void)nanosleep(&nap, NULL);
	else
		for (i = 0; i < spin; i++)
			;
}

int world_send_fd(struct world *w, unsigned slot, const void *record, int fd)
{
	struct rng rng = rng_for(slot + 98);
	int rc;

	while ((rc = ipc_send_fd(w->s, slot, record, fd, 0)) == -ETOOMANYREFS)
		dawdle(&rng);
	return rc;
}

void await_state(pid_t pid, char state)
{
	char path[64], line[256];
	struct timespec nap = { .tv_nsec = 1000000 };

	(void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	for (;;) {
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		ssize_t n = fd < 0 ? -1 : read(fd, line, sizeof line - 1);
		char *at;

		if (fd >= 0)
			(void)close(fd);
		line[n > 0 ? n : 0] = '\0';
		at = strrchr(line, ')'); /* the name before it may hold anything */
		if (at && at[2] == state)
			return;
		(void)nanosleep(&nap, NULL);
	}
}
