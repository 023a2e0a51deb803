/* SPDX-License-Identifier: MIT */
/* start_cost.c - see start_cost.h */
#include "config.h"

#include "bench/start_cost.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/language.h"
#include "common/spawn.h"
#include "download/sandbox.h"

#define RECORD 8
#define KEPT   (4 + IPC_TICKET_FDS) /* of what is started: the hub's pidfd, its sandbox, its end */
#define MIB    1048576u

enum { BY_FORK, BY_FORK_EXEC, BY_VFORK_EXEC, BY_THREAD };

const struct start_kind start_methods[] = {
	{ .name = "fork", .how = BY_FORK },
	{ .name = "fork, sandbox", .how = BY_FORK, .confined = true },
	{ .name = "fork, 256 MiB", .how = BY_FORK, .parent_mib = 256 },
	{ .name = "spawn", .how = BY_FORK_EXEC },
	{ .name = "spawn, 256 MiB", .how = BY_FORK_EXEC, .parent_mib = 256 },
	{ .name = "vfork", .how = BY_VFORK_EXEC },
	{ .name = "vfork, 256 MiB", .how = BY_VFORK_EXEC, .parent_mib = 256 },
	{ .name = "thread", .how = BY_THREAD },
	{ .name = NULL },
};

bool start_cost_fits(const struct start_kind *method, const struct ipc_info *info,
		     const char **reason)
{
	if (!(info->capabilities & IPC_CAP_JOIN))
		*reason = "only a fork gives a process its end: there are no tickets";
	else if (method->how == BY_THREAD && !(info->capabilities & IPC_CAP_THREADS))
		*reason = "it has no end for a thread";
	else
		return true;
	return false;
}

struct starter {
	const struct link_job *job;
	struct ipc *session;
	struct ipc_peer hub;
	struct ipc_ticket ticket;
	struct sandbox sandbox;
	int report[2]; /* its sandbox's: the parent's end, the child's; -1: none */
	struct child child;
	pthread_t thread;
	int ended; /* a thread's eventfd, in the place of a pidfd */
	int rc;    /* of the thread */
};

/* ---- what is started ---- */

/* Takes its slot and sends the first record, within SANDBOX unless that is NULL. 0 or -errno. */
static int join_and_send(const char *ticket, const struct ipc_peer *hub,
			 const struct sandbox *sandbox, int report)
{
	const uint64_t record = 1;
	struct ipc *session;
	unsigned slot;
	int rc = sandbox ? sandbox_enter_files(sandbox) : 0;

	if (rc == 0)
		rc = ipc_join(&session, ticket, hub, &slot);
	if (rc == 0 && sandbox)
		rc = sandbox_enter_calls(sandbox, 1, report);
	if (rc == 0)
		rc = ipc_send_all(session, slot, &record, 1);
	return rc;
}

static int wait_to_be_killed(int rc)
{
	while (rc == 0)
		(void)pause();
	return 1;
}

static size_t descriptors(const struct starter *s, int keep[KEPT])
{
	size_t n = 0, i;

	keep[n++] = s->hub.pidfd;
	keep[n++] = s->sandbox.ruleset;
	keep[n++] = s->sandbox.filter;
	keep[n++] = s->report[1];
	for (i = 0; i < IPC_TICKET_FDS; i++)
		keep[n++] = s->ticket.fds[i];
	return n;
}

static int forked(void *arg)
{
	const struct starter *s = arg;
	int keep[KEPT];

	child_keep(keep, descriptors(s, keep));
	return wait_to_be_killed(join_and_send(s->ticket.text, &s->hub,
					       sandbox_is_on(&s->sandbox) ? &s->sandbox : NULL,
					       s->report[1]));
}

static void arguments(const struct starter *s, char hub[static 32], char *argv[6])
{
	(void)snprintf(hub, 32, "%d:%d", (int)s->hub.pid, s->hub.pidfd);
	argv[0] = (char *)"ipcdemo";
	argv[1] = (char *)"bench";
	argv[2] = (char *)START_COMMAND;
	argv[3] = (char *)s->ticket.text;
	argv[4] = hub;
	argv[5] = NULL;
}

static int forked_to_execute(void *arg)
{
	const struct starter *s = arg;
	char hub[32], *argv[6];
	int keep[KEPT];
	size_t i, n = descriptors(s, keep);

	arguments(s, hub, argv);
	for (i = 0; i < n; i++)
		if (keep[i] >= 0)
			(void)fcntl(keep[i], F_SETFD, 0);
	(void)execv("/proc/self/exe", argv);
	return 1;
}

int start_cost_executed(int argc, char **argv)
{
	struct ipc_peer hub;
	int pid;

	if (argc != 3 || sscanf(argv[2], "%d:%d", &pid, &hub.pidfd) != 2)
		return 1;
	hub.pid = pid;
	/* In this order: if the hub dies before prctl, no signal ever comes. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != hub.pid)
		return 1;
	return wait_to_be_killed(join_and_send(argv[1], &hub, NULL, -1));
}

static void *thread_main(void *arg)
{
	struct starter *s = arg;
	const uint64_t record = 1, one = 1;
	struct ipc *session = NULL;
	unsigned slot;
	uint64_t go;

	s->rc = ipc_join(&session, s->ticket.text, &s->hub, &slot);
	if (s->rc == 0)
		s->rc = ipc_send_all(session, slot, &record, 1);
	(void)!read(s->child.pidfd, &go, sizeof go); /* until its memory was measured */
	ipc_close(session);
	(void)!write(s->ended, &one, sizeof one);
	return NULL;
}

/* ---- the one that starts it ---- */

/* Private memory and page tables of PID, in bytes; NAN: the kernel does not say. */
static double memory_of(pid_t pid)
{
	char path[64], line[128];
	unsigned long kib;
	double sum = 0;
	FILE *file;

	(void)snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return NAN;
	while (fgets(line, sizeof line, file))
		if (sscanf(line, "Private_Clean: %lu", &kib) == 1 ||
		    sscanf(line, "Private_Dirty: %lu", &kib) == 1)
			sum += (double)kib * 1024;
	(void)fclose(file);
	(void)snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return NAN;
	while (fgets(line, sizeof line, file))
		if (sscanf(line, "VmPTE: %lu", &kib) == 1)
			sum += (double)kib * 1024;
	(void)fclose(file);
	return sum;
}

static int start(struct starter *s)
{
	char hub[32], *argv[6];
	int keep[KEPT];
	size_t n;

	switch (s->job->axes->start->how) {
	case BY_FORK:
		if (s->sandbox.notify &&
		    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s->report) < 0)
			return -errno;
		return spawn(&s->child, "bench-started", forked, s);
	case BY_FORK_EXEC:
		return spawn(&s->child, "bench-started", forked_to_execute, s);
	case BY_VFORK_EXEC:
		arguments(s, hub, argv);
		n = descriptors(s, keep);
		return spawn_program(&s->child, "/proc/self/exe", argv, keep, n);
	default:
		s->child = (struct child){ .pid = getpid(), .pidfd = eventfd(0, EFD_CLOEXEC) };
		s->ended = eventfd(0, EFD_CLOEXEC);
		if (s->child.pidfd < 0 || s->ended < 0)
			return -errno;
		return -pthread_create(&s->thread, NULL, thread_main, s);
	}
}

/* In this order: it dies, its slot is detached, it is reaped (its pid may then be reused). */
static void end(struct starter *s)
{
	static const uint64_t one = 1;
	const bool is_thread = s->job->axes->start->how == BY_THREAD;
	int status;

	if (is_thread) {
		(void)!write(s->child.pidfd, &one, sizeof one);
		(void)pthread_join(s->thread, NULL); /* cannot fail for our own */
	} else {
		child_kill(&s->child, SIGKILL);
	}
	ipc_detach(s->session, 0);
	if (!is_thread) {
		(void)child_reap(&s->child, true, &status);
		return;
	}
	(void)close(s->child.pidfd);
	(void)close(s->ended);
}

/* As the pool does at a worker's first record. */
static void take_report(struct starter *s)
{
	int listener = s->report[0] >= 0 ? sandbox_receive_listener(s->report[0]) : -1;
	int i;

	if (listener >= 0)
		(void)close(listener);
	for (i = 0; i < 2; i++) {
		if (s->report[i] >= 0)
			(void)close(s->report[i]);
		s->report[i] = -1;
	}
}

/* Measures one start in *TICKS, and its memory unless MEMORY is NULL. 0 or -errno. */
static int start_once(struct starter *s, uint64_t *ticks, double *memory)
{
	const struct stamp_clock *clock = &s->job->bench->clock;
	const bool is_thread = s->job->axes->start->how == BY_THREAD;
	const double before = memory && is_thread ? memory_of(getpid()) : 0;
	struct ipc_peer peer;
	uint64_t record, begun;
	unsigned slot;
	ssize_t got = 0;
	int rc = ipc_ticket(s->session, 0, &s->ticket);

	if (rc < 0)
		return rc;
	begun = stamp_now(clock);
	rc = start(s);
	if (rc == 0) {
		peer = (struct ipc_peer){ .pid = s->child.pid,
					  .pidfd = is_thread ? s->ended : s->child.pidfd };
		rc = ipc_attach(s->session, 0, IPC_HUB, &peer);
		if (rc == 0)
			got = ipc_recv(s->session, &slot, &record, 1, 0);
		take_report(s);
		*ticks = stamp_now(clock) - begun;
		if (memory && got == 1)
			*memory = memory_of(s->child.pid) - before;
		end(s);
	} else {
		ipc_detach(s->session, 0);
	}
	ipc_ticket_close(&s->ticket);
	if (rc == 0 && got != 1)
		rc = got < 0 ? (int)got : -ECHILD;
	return rc;
}

/* Memory of the parent that a fork has to copy or share; written, so that it has pages. */
static int take_memory(unsigned mib)
{
	const size_t bytes = (size_t)mib * MIB;
	char *at;

	if (bytes == 0)
		return 0;
	at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (at == MAP_FAILED)
		return -errno;
	(void)madvise(at, bytes, MADV_NOHUGEPAGE); /* small pages, as in an old heap */
	memset(at, 1, bytes);
	return 0; /* freed when this process ends */
}

static int start_many(struct starter *s)
{
	const struct options *o = s->job->bench->options;
	const uint64_t end_ns = clock_ns() + o->round_ms * NS_PER_MS;
	struct area *area = s->job->area;
	uint64_t dropped;
	int rc = start_once(s, &dropped, &area->memory); /* also warms up */

	while (rc == 0 && area->samples_n < s->job->room &&
	       (o->count ? area->samples_n < o->count :
			   area->samples_n == 0 || clock_ns() < end_ns)) {
		rc = start_once(s, &s->job->samples[area->samples_n], NULL);
		area->samples_n += rc == 0;
	}
	area->records = area->samples_n;
	return rc;
}

/* The sandbox of a download's workers, for a directory into which nothing is written. */
static int prepare_sandbox(struct starter *s)
{
	const struct fetch_settings fetch = { .max_size = FETCH_SIZE_UNKNOWN };
	struct sandbox_plan plan = { .fetch = &fetch, .events = s->session, .hub = s->hub };
	char lacking[160];
	int rc;

	rc = open(s->job->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (rc < 0)
		return -errno;
	plan.dirs = (struct output_dirs){ .first = rc, .count = 1 };
	rc = sandbox_open(&s->sandbox, &plan, lacking, sizeof lacking);
	output_dirs_close(&plan.dirs);
	s->sandbox.dumpable = true; /* else an ordinary user could not read its memory figures */
	return rc;
}

int start_cost_main(void *arg)
{
	const struct link_job *job = arg;
	const struct ipc_config config = {
		.direction = IPC_TO_HUB, .record_size = RECORD, .slots = 1, .runtime_dir = job->dir
	};
	struct starter s = {
		.job = job, .hub.pid = getpid(), .sandbox = SANDBOX_NONE, .report = { -1, -1 }
	};
	int rc = take_memory(job->axes->start->parent_mib);

	s.hub.pidfd = pidfd_open(s.hub.pid, 0);
	if (rc == 0 && s.hub.pidfd < 0)
		rc = -errno;
	if (rc == 0)
		rc = ipc_open(&s.session, job->axes->backend, &config);
	if (rc == 0 && job->axes->start->confined)
		rc = prepare_sandbox(&s);
	if (rc == 0)
		rc = start_many(&s);
	sandbox_close(&s.sandbox);
	ipc_close(s.session);
	if (rc < 0)
		(void)snprintf(job->area->reason, sizeof job->area->reason, "%s",
			       language_errno(-rc));
	job->area->complete = rc == 0;
	return rc < 0;
}
