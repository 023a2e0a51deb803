/* SPDX-License-Identifier: MIT */
/* runner.c - see runner.h */
#include "config.h"

#include "bench/runner.h"

#include <errno.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/language.h"
#include "common/spawn.h"

#define ORPHANS_MS 2000
#define KILLED     128 /* + signal number, as shells do */
#define SHIFT_MAX  4096

struct start {
	int (*main)(void *arg);
	void *arg;
};

void *runner_share(size_t bytes)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	return at == MAP_FAILED ? NULL : at;
}

void runner_shuffle(struct runner *r, void **list, size_t n)
{
	for (; n > 1; n--) {
		void *last = list[n - 1];
		size_t other;

		/* xorshift64 */
		r->random ^= r->random << 13;
		r->random ^= r->random >> 7;
		r->random ^= r->random << 17;
		other = r->random % n;
		list[n - 1] = list[other];
		list[other] = last;
	}
}

/* ---- the directory ---- */

/* Where it can be made: TMPDIR may be left over from outside a container. */
static void make_dir(struct runner *r, const char *base)
{
	const char *const places[] = { base, base ? NULL : getenv("TMPDIR"), "/tmp" };
	size_t i;

	for (i = 0; i < sizeof places / sizeof places[0]; i++)
		if (places[i] && places[i][0] == '/' &&
		    (size_t)snprintf(r->dir, sizeof r->dir, "%s/ipcdemo-bench-XXXXXX", places[i]) <
			    sizeof r->dir &&
		    mkdtemp(r->dir))
			return;
	r->dir[0] = '\0'; /* a mechanism that needs one uses /tmp, or fails */
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *at)
{
	(void)info;
	(void)type;
	if (at->level > 0)
		(void)remove(path); /* best effort */
	return 0;
}

static void empty_dir(const struct runner *r)
{
	if (r->dir[0])
		(void)nftw(r->dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

int runner_open(struct runner *r, const char *base, unsigned limit_s)
{
	*r = (struct runner){ .limit_s = limit_s, .random = 0x9e3779b97f4a7c15u };
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	make_dir(r, base);
	return signals_open(&r->signals);
}

void runner_close(struct runner *r)
{
	empty_dir(r);
	if (r->dir[0])
		(void)rmdir(r->dir);
	(void)prctl(PR_SET_CHILD_SUBREAPER, 0);
	signals_close(&r->signals);
}

/* ---- a process ---- */

/*
 * Makes a process group, by which the processes that it leaves behind can be reaped.
 *
 * Where the stack begins can change what a loop costs by some percent (Mytkowicz et al., "Producing
 * wrong data without doing anything obviously wrong", ASPLOS 2009). The children of one parent all
 * inherit one place, so two runs of the program would differ by more than the rounds of either. A
 * random place for each round makes that difference a part of the spread between rounds.
 */
static int start_main(void *arg)
{
	const struct start *start = arg;
	char below[1 + arc4random_uniform(SHIFT_MAX)];

	/* Or the compiler leaves it out: */
	__asm__ volatile("" : : "r"(below) : "memory");
	(void)setpgid(0, 0); /* cannot fail in a new process */
	return start->main(start->arg);
}

/* Slots of a hub that was killed die too, and become our children. */
static void reap_group(pid_t group)
{
	uint64_t end = clock_ns() + ORPHANS_MS * NS_PER_MS;
	pid_t pid;

	do {
		pid = waitpid(-group, NULL, WNOHANG);
		if (pid == 0)
			(void)poll(NULL, 0, 1);
	} while ((pid >= 0 || errno == EINTR) && clock_ns() < end);
}

static bool asked_to_end(struct runner *r)
{
	int signo;

	while ((signo = signals_next(&r->signals)) != 0)
		if (signals_ends(signo))
			r->signal = signo;
	return r->signal != 0;
}

/* Until CHILD has ended: 0; -ETIMEDOUT, or -EINTR when a signal asks us to end. */
static int wait_for(struct runner *r, const struct child *child)
{
	uint64_t end = clock_ns() + r->limit_s * NS_PER_S;

	for (;;) {
		struct pollfd fds[2] = { { .fd = child->pidfd, .events = POLLIN },
					 { .fd = r->signals.fd, .events = POLLIN } };
		uint64_t now = clock_ns();

		if (now >= end)
			return -ETIMEDOUT;
		if (poll(fds, 2, (int)((end - now) / NS_PER_MS) + 1) < 0)
			continue; /* EINTR: a stop and continue: our signals are blocked */
		if (fds[1].revents && asked_to_end(r))
			return -EINTR;
		if (fds[0].revents)
			return 0;
	}
}

int runner_measure(struct runner *r, const char *name, int (*main)(void *arg), void *arg)
{
	struct start start = { .main = main, .arg = arg };
	struct child child = CHILD_NONE;
	int status = 0, rc = spawn(&child, name, start_main, &start);
	pid_t pid = child.pid;

	if (rc < 0)
		return rc;
	rc = wait_for(r, &child);
	if (rc < 0)
		child_kill(&child, SIGKILL);
	(void)child_reap(&child, true, &status); /* it is dead, or will be at once */
	reap_group(pid);
	empty_dir(r);
	if (rc < 0)
		return rc;
	return WIFSIGNALED(status) ? KILLED + WTERMSIG(status) : WEXITSTATUS(status);
}

const char *runner_reason(const struct runner *r, int result, char *text, size_t size)
{
	if (result == -ETIMEDOUT)
		(void)snprintf(text, size, _("no end within %u s"), r->limit_s);
	else if (result < 0)
		(void)snprintf(text, size, "%s", language_errno(-result));
	else if (result > KILLED)
		(void)snprintf(text, size, _("its process was killed by signal %d"),
			       result - KILLED);
	else
		(void)snprintf(text, size, _("ended without a result"));
	return text;
}
