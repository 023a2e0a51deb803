/* SPDX-License-Identifier: MIT */
/* concept_figures.c - this machine's figures for the concepts: read from /proc, or measured. */
#include "config.h"

#include "commands/concepts.h"

#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/spawn.h"
#include "download/sandbox.h"
#include "ipc/ipc.h"

#define TRIES   21
#define COLUMNS 80

void figures_add(struct text *page, const char *name, const char *value, const char *source)
{
	struct text line = { .at = NULL };

	text_printf(&line, "  %-34s %-7s", name, value);
	if (source[0])
		text_printf(&line, "%s%s",
			    line.len + 1 + strlen(source) > COLUMNS ? "\n      " : " ", source);
	text_printf(page, "%s\n", text_string(&line));
	text_free(&line);
}

static void add_count(struct text *page, const char *name, uint64_t count, const char *source)
{
	char value[32];

	(void)snprintf(value, sizeof value, "%" PRIu64, count);
	figures_add(page, name, value, source);
}

/* Adds the one word in a file of /proc, or nothing where it cannot be read. */
static void add_file(struct text *page, const char *name, const char *path)
{
	FILE *file = fopen(path, "re");
	char word[32];

	if (!file)
		return;
	if (fscanf(file, "%31s", word) == 1)
		figures_add(page, name, word, path);
	(void)fclose(file); /* it was only read */
}

static void add_limit(struct text *page, const char *name, int resource, const char *source)
{
	struct rlimit limit;

	if (getrlimit((__rlimit_resource_t)resource, &limit) < 0)
		return;
	if (limit.rlim_cur == RLIM_INFINITY)
		figures_add(page, name, "unlimited", source);
	else
		add_count(page, name, limit.rlim_cur, source);
}

/* ---- measured ---- */

static int by_size(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Adds the median time of TRIES runs of ACTION. */
static void add_time(struct text *page, const char *name, int (*action)(void))
{
	uint64_t took_ns[TRIES], begun_ns;
	char value[32];
	size_t i;

	for (i = 0; i < TRIES; i++) {
		begun_ns = clock_ns();
		if (action() < 0)
			return; /* a limit or memory forbids it: no figure */
		took_ns[i] = clock_ns() - begun_ns;
	}
	qsort(took_ns, TRIES, sizeof took_ns[0], by_size);
	(void)snprintf(value, sizeof value, "%" PRIu64 " us", took_ns[TRIES / 2] / 1000);
	figures_add(page, name, value, "measured, median of 21");
}

static int child_ends(void *arg)
{
	(void)arg;
	return 0;
}

static int fork_and_wait(void)
{
	struct child child;
	int status, rc = spawn(&child, "ipcdemo-fork", child_ends, NULL);

	return rc < 0 ? rc : child_reap(&child, true, &status);
}

/* Execs `ipcdemo --version`, whose output goes to /dev/null. */
static int child_execs(void *arg)
{
	char program[] = "ipcdemo", version[] = "--version";
	char *argv[] = { program, version, NULL };
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	(void)arg;
	if (null < 0 || dup2(null, STDOUT_FILENO) < 0)
		return EXIT_FAILURE;
	(void)execv("/proc/self/exe", argv);
	return EXIT_FAILURE;
}

static int exec_and_wait(void)
{
	struct child child;
	int status, rc = spawn(&child, "ipcdemo-exec", child_execs, NULL);

	return rc < 0 ? rc : child_reap(&child, true, &status);
}

static void *thread_ends(void *arg)
{
	return arg;
}

static int thread_and_join(void)
{
	pthread_t thread;
	int error = pthread_create(&thread, NULL, thread_ends, NULL);

	if (error)
		return -error;
	(void)pthread_join(thread, NULL); /* cannot fail for a thread just made */
	return 0;
}

/* With 64 MiB more in use: the page tables are copied, the pages are not. */
static void add_fork_when_large(struct text *page)
{
	const size_t size = 64u << 20;
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return;
	memset(memory, 1, size);
	add_time(page, "the same, with 64 MiB more in use", fork_and_wait);
	(void)munmap(memory, size);
}

/* ---- by concept ---- */

void figures_process(struct text *page)
{
	add_count(page, "this process", (uint64_t)getpid(), "getpid(2)");
	add_file(page, "greatest process number", "/proc/sys/kernel/pid_max");
	add_limit(page, "processes of this user", RLIMIT_NPROC, "getrlimit(RLIMIT_NPROC)");
	add_limit(page, "descriptors of a process", RLIMIT_NOFILE, "getrlimit(RLIMIT_NOFILE)");
	add_count(page, "a page of memory (bytes)", (uint64_t)sysconf(_SC_PAGESIZE),
		  "sysconf(_SC_PAGESIZE)");
	add_time(page, "to start one and see its end", fork_and_wait);
}

void figures_thread(struct text *page)
{
	add_file(page, "threads of the whole machine", "/proc/sys/kernel/threads-max");
	add_limit(page, "its stack (bytes)", RLIMIT_STACK, "getrlimit(RLIMIT_STACK)");
	add_time(page, "to start one and join it", thread_and_join);
	add_time(page, "a process, for comparison", fork_and_wait);
}

void figures_fork(struct text *page)
{
	add_limit(page, "processes of this user", RLIMIT_NPROC, "getrlimit(RLIMIT_NPROC)");
	add_time(page, "fork, _exit and wait", fork_and_wait);
	add_fork_when_large(page);
}

void figures_spawn(struct text *page)
{
	add_count(page, "arguments and environment (bytes)", (uint64_t)sysconf(_SC_ARG_MAX),
		  "sysconf(_SC_ARG_MAX)");
	add_time(page, "fork, exec of ipcdemo, and its end", exec_and_wait);
	add_time(page, "fork alone, for comparison", fork_and_wait);
}

void figures_pool(struct text *page)
{
	cpu_set_t cpus;

	if (sched_getaffinity(0, sizeof cpus, &cpus) == 0)
		add_count(page, "CPUs that we may use", (uint64_t)CPU_COUNT(&cpus),
			  "sched_getaffinity(2)");
	add_count(page, "most workers of one pool", IPC_SLOTS_MAX, "ipc/ipc.h");
	add_limit(page, "processes of this user", RLIMIT_NPROC, "getrlimit(RLIMIT_NPROC)");
	add_limit(page, "descriptors of a process", RLIMIT_NOFILE, "getrlimit(RLIMIT_NOFILE)");
}

void figures_queue(struct text *page)
{
	add_file(page, "largest pipe (bytes)", "/proc/sys/fs/pipe-max-size");
	add_file(page, "messages of a POSIX queue", "/proc/sys/fs/mqueue/msg_max");
	add_file(page, "bytes of a System V queue", "/proc/sys/kernel/msgmnb");
	add_file(page, "datagrams that wait at a socket", "/proc/sys/net/unix/max_dgram_qlen");
	add_limit(page, "signals that wait, per user", RLIMIT_SIGPENDING,
		  "getrlimit(RLIMIT_SIGPENDING)");
}

void figures_sandbox(struct text *page)
{
	const int abi = sandbox_landlock_abi();
	char value[32];

	(void)snprintf(value, sizeof value, "%d", abi);
	figures_add(page, "Landlock's version (7 knows all)", abi < 0 ? "none here" : value,
		    "landlock_create_ruleset(2)");
	add_count(page, "system calls that end a worker", sandbox_forbidden_count(),
		  "src/download/sandbox_calls.c");
	figures_add(page, "a filter is around us already", prctl(PR_GET_SECCOMP) > 0 ? "yes" : "no",
		    "prctl(PR_GET_SECCOMP)");
}
