/* SPDX-License-Identifier: MIT */
/* contract_launch.c - see contract_launch.h */
#include "config.h"

#include "tests/ipc/contract_launch.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The sanitizers are slow, and see the same lines in the few rules that are for tickets alone. */
#ifdef __SANITIZE_ADDRESS__
# define ALL_JOINED false
#else
# define ALL_JOINED true
#endif

static struct {
	int fd; /* -1: there are none */
	size_t bytes;
	char *at;
} launch_reports = { .fd = -1 };

/*
 * All that the worker is told, in a memory file. It is the same program, so that what is at an
 * address here is there at the same distance from launch_run.
 */
struct launch {
	struct world world; /* its pointers are of no use, but as said below */
	struct subject subject;
	char dir[64];
	char tickets[SESSIONS_MAX][sizeof((struct ipc_ticket *)0)->text];
	ptrdiff_t rule, backend, main, early;
	size_t report, digest; /* in launch_reports; SIZE_MAX: elsewhere */
	uint64_t seed;
	pid_t group;
	unsigned slot;
};

static ptrdiff_t distance(const void *at)
{
	return (const char *)at - (const char *)(uintptr_t)launch_run;
}

static const void *address(ptrdiff_t far)
{
	return (const char *)(uintptr_t)launch_run + far;
}

static size_t place_in_reports(const void *at)
{
	size_t place = (size_t)((const char *)at - launch_reports.at);

	return place < launch_reports.bytes ? place : SIZE_MAX;
}

static void *map(int fd, size_t bytes)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return at == MAP_FAILED ? NULL : at;
}

void *launch_share(size_t bytes, int *fd)
{
	*fd = memfd_create("contract", MFD_CLOEXEC);
	if (*fd < 0 || ftruncate(*fd, (off_t)bytes) < 0)
		return NULL;
	return map(*fd, bytes);
}

void *launch_share_reports(size_t bytes)
{
	launch_reports.bytes = bytes;
	launch_reports.at = launch_share(bytes, &launch_reports.fd);
	return launch_reports.at;
}

bool launch_starts(const struct rule *rule, enum start start)
{
	const char *only = getenv("CONTRACT_START");

	if (only)
		return ((strcmp(only, "spawn") == 0 && start == BY_EXECUTION) ||
			(strcmp(only, "network") == 0 && start == BY_NETWORK)) &&
		       rule->slots < CONTRACT_MANY && !(rule->flags & (RULE_TICKETS | RULE_FORKED));
	return start == BY_FORK ||
	       (ALL_JOINED && rule->flags & (start == BY_EXECUTION ? RULE_EXECUTED : RULE_JOINED));
}

/* ---- before execve ---- */

static void keep(int fd)
{
	if (fd >= 0)
		CHECK_EQ(fcntl(fd, F_SETFD, 0), 0);
}

_Noreturn void launch_worker(struct world *w, unsigned slot, worker_main *main)
{
	struct launch launch = { .world = *w,
				 .subject = *w->subject,
				 .rule = distance(w->subject->rule),
				 .backend = distance(w->subject->backend),
				 .main = distance((const void *)(uintptr_t)main),
				 .early = w->early ? distance((const void *)(uintptr_t)w->early) :
						     0,
				 .report = place_in_reports(contract_report),
				 .digest = place_in_reports(contract_digest),
				 .seed = contract_seed,
				 .group = contract_group,
				 .slot = slot };
	int fd = memfd_create("launch", 0);
	char argument[64];
	char *argv[] = { (char *)"contract_test", (char *)"--worker", argument, NULL };
	unsigned i, k;

	(void)snprintf(launch.dir, sizeof launch.dir, "%s", w->subject->dir);
	for (i = 0; i < w->sessions; i++) {
		memcpy(launch.tickets[i], w->ticket[i][slot].text, sizeof launch.tickets[i]);
		for (k = 0; k < IPC_TICKET_FDS; k++)
			keep(w->ticket[i][slot].fds[k]);
	}
	keep(w->hub.pidfd);
	keep(w->board_fd);
	keep(launch_reports.fd);
	CHECK_EQ(write(fd, &launch, sizeof launch), (long long)sizeof launch);
	(void)snprintf(argument, sizeof argument, "%d:%d:%zu", fd, launch_reports.fd,
		       launch_reports.bytes);
	(void)execv("/proc/self/exe", argv);
	contract_fail(__FILE__, __LINE__, "execv");
}

/* ---- after it ---- */

static void map_reports(const struct launch *launch, int fd, size_t bytes)
{
	char *at = map(fd, bytes);

	CHECK(at);
	(void)close(fd);
	if (launch->report != SIZE_MAX)
		contract_report = (void *)(at + launch->report);
	if (launch->digest != SIZE_MAX)
		contract_digest = (void *)(at + launch->digest);
}

static void make_world(struct launch *launch)
{
	struct world *w = &launch->world;
	unsigned i, mine;

	launch->subject.rule = address(launch->rule);
	launch->subject.backend = address(launch->backend);
	launch->subject.dir = launch->dir;
	w->subject = &launch->subject;
	w->early = launch->early ? (void (*)(void))(uintptr_t)address(launch->early) : NULL;
	w->board = map(w->board_fd, sizeof *w->board);
	w->worker = calloc(w->slots, sizeof *w->worker);
	CHECK(w->board && w->worker);
	(void)close(w->board_fd);
	w->board_fd = -1;
	if (w->early)
		w->early();
	for (i = 0; i < w->sessions; i++) {
		w->ticket[i] = NULL;
		CHECK_EQ(ipc_join(&w->session[i], launch->tickets[i], &w->hub, &mine), 0);
		CHECK_EQ(mine, launch->slot);
		ipc_set_strategy(w->session[i], launch->subject.rule->strategy);
	}
	w->s = w->session[0];
}

int launch_run(const char *argument)
{
	struct launch launch;
	int fd, reports;
	size_t bytes;

	if (sscanf(argument, "%d:%d:%zu", &fd, &reports, &bytes) != 3 ||
	    pread(fd, &launch, sizeof launch, 0) != sizeof launch)
		return 2;
	(void)close(fd);
	contract_seed = launch.seed;
	contract_group = launch.group;
	map_reports(&launch, reports, bytes);
	make_world(&launch);
	((worker_main *)(uintptr_t)address(launch.main))(&launch.world, launch.slot);
	return 0;
}
