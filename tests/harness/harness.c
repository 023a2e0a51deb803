/* SPDX-License-Identifier: MIT */
/*
 * harness.c - runs a command and lets nothing of it outlive it.
 *
 *   harness [OPTION...] -- COMMAND [ARG...]
 *     --deadline=S      end everything when COMMAND takes longer, as tree_clock.h counts
 *     --trust           look for nothing that it has left behind
 *     --orphan-grace=S  how long what COMMAND started may outlive it (1)
 *     --watch=DIR       nothing new may be in DIR afterwards; can be repeated
 *     --isolate         where possible: an IPC namespace, /dev/shm and /dev/mqueue of its own
 *     --report=FILE     write how COMMAND ended: "exit N", "signal N", "deadline" or "told N"
 *
 * The harness is the subreaper of all that COMMAND starts: whatever forks, detaches or
 * loses its parent becomes a child of the harness and cannot hide. COMMAND runs in a
 * session of its own, so signals to its process group reach it alone, and with SIGHUP, SIGINT,
 * SIGQUIT, SIGPIPE and SIGCHLD as in a terminal: nohup(1) ignores the first, a shell starts
 * background jobs with the next two ignored.
 *
 * What lives on when the grace is over is a leak (the defunct are reaped), and so are new
 * files in /dev/shm and /dev/mqueue and new System V objects of our user, but for those that some
 * process uses which lives: it is no descendant, so they are another's. Directories in /dev/shm
 * are not looked at: no mechanism makes one there, but a test running beside this one may.
 *
 * Exit status: COMMAND's, or 128 + the signal it died of; 124 the deadline passed, 125 leaks,
 * 126 the harness itself failed, 127 COMMAND could not be run. At the deadline, and when the
 * harness is told to end by SIGTERM, SIGINT or SIGHUP, COMMAND's group gets SIGTERM and all that
 * is left two seconds later SIGKILL.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/harness/isolate.h"
#include "tests/harness/objects.h"
#include "tests/harness/tree_clock.h"

#define EXIT_DEADLINE 124
#define EXIT_LEAK     125
#define EXIT_BROKEN   126
#define EXIT_NOT_RUN  127

#define NS_PER_S     1000000000ULL
#define TERM_GRACE_S 2.0
#define NAP_NS       10000000L
#define LOOK_NS      250000000ULL /* between two looks at a deadline */
#define WATCH_MAX    4
#define FOREVER      UINT64_MAX

/* Set for COMMAND where --isolate was not possible. */
#define SHARED         "HARNESS_SHARED"
#define SHARED_GRACE_S 10.0

struct options {
	double deadline_s; /* 0: none */
	double grace_s;
	const char *report; /* or NULL */
	const char *watch[WATCH_MAX];
	unsigned watches;
	bool isolate, trust;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static _Noreturn void broken(const char *what)
{
	(void)fprintf(stderr, "harness: %s: %s\n", what, strerror(errno));
	exit(EXIT_BROKEN);
}

static struct listing *look(const struct options *options)
{
	struct listing *listing = listing_take();

	for (unsigned i = 0; i < options->watches; i++)
		listing_add_directory(listing, options->watch[i], true);
	return listing;
}

/* Calls ACT for each child that PARENT's main thread has; returns how many. */
static unsigned each_child(pid_t parent, void (*act)(pid_t pid))
{
	char path[64];
	unsigned count = 0;
	FILE *file;
	int pid;

	(void)snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)parent, (int)parent);
	file = fopen(path, "re");
	if (!file && parent == getpid())
		broken(path);
	if (!file)
		return 0; /* it has just ended */
	while (fscanf(file, "%d", &pid) == 1) {
		act((pid_t)pid);
		count++;
	}
	(void)fclose(file);
	return count;
}

static void child_kill(pid_t pid)
{
	(void)kill(pid, SIGKILL); /* ours and not yet reaped: the pid cannot be another's */
}

/* And its descendants. */
static void child_tell(pid_t pid)
{
	char path[64], command[256] = "?";
	ssize_t n = 0;
	int fd;

	(void)snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, command, sizeof command - 1);
		(void)close(fd);
	}
	for (ssize_t i = 0; i < n; i++) {
		if ((unsigned char)command[i] < ' ')
			command[i] = ' ';
	}
	if (n > 0)
		command[n] = '\0';
	(void)fprintf(stderr, "harness: still alive: process %d: %s\n", (int)pid, command);
	(void)each_child(pid, child_tell);
}

/* Reaps what is defunct. *STATUS is set when COMMAND was among it. False: no child is left. */
static bool reap(pid_t command, int *status, bool *ended)
{
	int one;
	pid_t pid;

	while ((pid = waitpid(-1, &one, WNOHANG)) > 0) {
		if (pid == command) {
			*status = one;
			*ended = true;
		}
	}
	return pid == 0;
}

/* SIGKILL for every descendant: the orphans of each round are the children of the next. */
static void kill_all(void)
{
	const struct timespec nap = { .tv_nsec = NAP_NS };

	for (;;) {
		while (waitpid(-1, NULL, WNOHANG) > 0)
			continue;
		if (!each_child(getpid(), child_kill))
			return;
		(void)nanosleep(&nap, NULL);
	}
}

/* The deadline passed or we were told to end: first politely, so that traps can clean up. */
static void end_all(pid_t command)
{
	const uint64_t until = now_ns() + (uint64_t)(TERM_GRACE_S * (double)NS_PER_S);
	const struct timespec nap = { .tv_nsec = NAP_NS };
	bool ended = false;
	int status;

	(void)kill(-command, SIGTERM); /* its process group; ESRCH: gone */
	while (reap(command, &status, &ended) && now_ns() < until)
		(void)nanosleep(&nap, NULL);
	kill_all();
}

static pid_t start(char **argv)
{
	const pid_t pid = fork();

	if (pid < 0)
		broken("fork");
	if (pid == 0) {
		const struct sigaction usual = { .sa_handler = SIG_DFL };
		sigset_t none;

		(void)sigaction(SIGHUP, &usual, NULL); /* none of these can fail */
		(void)sigaction(SIGINT, &usual, NULL);
		(void)sigaction(SIGQUIT, &usual, NULL);
		(void)sigaction(SIGPIPE, &usual, NULL);
		(void)sigemptyset(&none);
		(void)sigprocmask(SIG_SETMASK, &none, NULL);
		(void)setsid(); /* a fresh child leads no group: cannot fail */
		(void)execvp(argv[0], argv);
		(void)fprintf(stderr, "harness: %s: %s\n", argv[0], strerror(errno));
		_exit(EXIT_NOT_RUN);
	}
	return pid;
}

/* Sleeps until a signal comes or UNTIL_NS has passed: its number, or 0. */
static int next_signal(const sigset_t *set, uint64_t until_ns)
{
	const uint64_t now = now_ns();
	const uint64_t left = until_ns > now ? until_ns - now : 0;
	const struct timespec timeout = { .tv_sec = (time_t)(left / NS_PER_S),
					  .tv_nsec = (long)(left % NS_PER_S) };
	const int signo = sigtimedwait(set, NULL, &timeout);

	if (signo < 0 && errno != EAGAIN && errno != EINTR)
		broken("sigtimedwait");
	return signo < 0 ? 0 : signo;
}

/* True when COMMAND has ended by itself; otherwise *STATUS is what the harness exits with. */
static bool supervise(pid_t command, const sigset_t *set, double deadline_s, int *status)
{
	struct tree_clock clock;
	bool ended = false;

	tree_clock_start(&clock, getpid());
	for (;;) {
		const int signo = next_signal(set, deadline_s > 0 ? now_ns() + LOOK_NS : FOREVER);

		(void)reap(command, status, &ended);
		if (ended)
			return true;
		if (signo != 0 && signo != SIGCHLD) {
			end_all(command);
			*status = 128 + signo;
			return false;
		}
		if (deadline_s > 0 && tree_clock_read(&clock) >= deadline_s) {
			(void)fprintf(stderr, "harness: not done after %g s\n", deadline_s);
			(void)each_child(getpid(), child_tell);
			end_all(command);
			*status = EXIT_DEADLINE;
			return false;
		}
	}
}

/* True when no descendant is left before the grace ends; otherwise tells and kills them. */
static bool no_orphans(const sigset_t *set, double grace_s)
{
	const uint64_t until = now_ns() + (uint64_t)(grace_s * (double)NS_PER_S);
	bool ended;
	int status;

	while (reap(0, &status, &ended)) {
		if (now_ns() >= until) {
			(void)each_child(getpid(), child_tell);
			kill_all();
			return false;
		}
		(void)next_signal(set, until);
	}
	return true;
}

/*
 * Some objects go a moment after the last process is reaped: look again for a while. Where others
 * share the objects with us, theirs have to go as well.
 */
static bool no_leaks(const struct listing *before, const struct options *options)
{
	const double grace_s = getenv(SHARED) ? SHARED_GRACE_S : options->grace_s;
	const uint64_t until = now_ns() + (uint64_t)(grace_s * (double)NS_PER_S);
	const struct timespec nap = { .tv_nsec = NAP_NS };
	bool clean, again;

	do {
		struct listing *after = look(options);
		const char *name;
		size_t at = 0;

		clean = true;
		again = now_ns() < until;
		while ((name = listing_next_new(before, after, &at))) {
			clean = false;
			if (!again)
				(void)fprintf(stderr, "harness: left behind: %s\n", name);
		}
		listing_free(after);
		if (!clean && again)
			(void)nanosleep(&nap, NULL);
	} while (!clean && again);
	return clean;
}

static void report(const char *path, const char *how, int number)
{
	FILE *file = path ? fopen(path, "we") : NULL;

	if (!path)
		return;
	if (!file || fprintf(file, "%s %d\n", how, number) < 0 || fclose(file))
		broken(path);
}

static struct options parse(int argc, char **argv)
{
	static const struct option longs[] = { { "deadline", required_argument, NULL, 'd' },
					       { "isolate", no_argument, NULL, 'i' },
					       { "orphan-grace", required_argument, NULL, 'g' },
					       { "report", required_argument, NULL, 'r' },
					       { "trust", no_argument, NULL, 't' },
					       { "watch", required_argument, NULL, 'w' },
					       { NULL, 0, NULL, 0 } };
	struct options options = { .grace_s = 1.0 };
	int c;

	while ((c = getopt_long(argc, argv, "+", longs, NULL)) != -1) {
		if (c == 'd')
			options.deadline_s = strtod(optarg, NULL);
		else if (c == 'g')
			options.grace_s = strtod(optarg, NULL);
		else if (c == 'i')
			options.isolate = true;
		else if (c == 'r')
			options.report = optarg;
		else if (c == 't')
			options.trust = true;
		else if (c == 'w' && options.watches < WATCH_MAX)
			options.watch[options.watches++] = optarg;
		else
			exit(EXIT_BROKEN);
	}
	if (optind == argc) {
		(void)fputs("usage: harness [--deadline=S] [--orphan-grace=S] [--isolate]"
			    " [--trust] [--watch=DIR]... [--report=FILE] -- COMMAND [ARG...]\n",
			    stderr);
		exit(EXIT_BROKEN);
	}
	return options;
}

static void block(sigset_t *set)
{
	const struct sigaction usual = { .sa_handler = SIG_DFL };

	(void)sigaction(SIGCHLD, &usual, NULL); /* ignored, it would cost us the exit status */
	(void)sigemptyset(set);
	(void)sigaddset(set, SIGCHLD);
	(void)sigaddset(set, SIGTERM);
	(void)sigaddset(set, SIGINT);
	(void)sigaddset(set, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, set, NULL); /* as above: fails only for bad arguments */
}

int main(int argc, char **argv)
{
	const struct options options = parse(argc, argv);
	struct listing *before;
	sigset_t set;
	pid_t command;
	int status = 0;
	bool clean;

	if (prctl(PR_SET_CHILD_SUBREAPER, 1))
		broken("subreaper");
	if (options.isolate && isolate_possible(ISOLATE_OBJECTS) < 0)
		(void)setenv(SHARED, "1", 1);
	else if (options.isolate && isolate(ISOLATE_OBJECTS) < 0)
		broken("isolate");
	before = look(&options);
	block(&set);
	command = start(argv + optind);
	if (!supervise(command, &set, options.deadline_s, &status)) {
		listing_free(before);
		report(options.report, status == EXIT_DEADLINE ? "deadline" : "told", status);
		return status;
	}
	if (options.trust) {
		kill_all();
		clean = true;
	} else {
		clean = no_orphans(&set, options.grace_s);
		clean = no_leaks(before, &options) && clean;
	}
	listing_free(before);
	if (WIFSIGNALED(status))
		report(options.report, "signal", WTERMSIG(status));
	else
		report(options.report, "exit", WEXITSTATUS(status));
	if (!clean)
		return EXIT_LEAK;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
