/* SPDX-License-Identifier: MIT */
/* tree_clock.c - see tree_clock.h */
#include "config.h"

#include "tests/harness/tree_clock.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000ULL
#define DEEP     16   /* generations */
#define IDLE     0.05 /* of a CPU: whoever uses less mostly sleeps */
#define MOST_S   1.5  /* counted between two looks: after more, it was us that had no CPU */
#define OFTEN_NS 200000000ULL

struct look {
	uint64_t cpu_ns;
	bool busy; /* one of them runs, or waits for a CPU or a disk */
};

static uint64_t now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* Reads PATH as a string; "" if the process is gone. */
static void read_text(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, size - 1);

	if (fd >= 0)
		(void)close(fd);
	text[n > 0 ? n : 0] = '\0';
}

/* Its state, and its CPU time with that of the children it has reaped: proc(5), stat. */
static void look_at(pid_t pid, struct look *look)
{
	unsigned long user, system;
	long reaped_user, reaped_system;
	uint64_t ticks;
	char path[64], text[512], state;
	const char *rest;

	(void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	read_text(path, text, sizeof text);
	rest = strrchr(text, ')'); /* the name before it may hold anything */
	if (!rest || sscanf(rest, ") %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %ld %ld",
			    &state, &user, &system, &reaped_user, &reaped_system) != 5)
		return;
	ticks = (uint64_t)(reaped_user + reaped_system);
	if (pid != getpid()) {
		ticks += user + system;
		look->busy = look->busy || state == 'R' || state == 'D';
	}
	look->cpu_ns += ticks * (NS_PER_S / (uint64_t)sysconf(_SC_CLK_TCK));
}

static void say(pid_t pid)
{
	static const char *const files[] = { "stat", "syscall", "wchan" };
	char path[64], text[128];
	size_t i;

	for (i = 0; i < sizeof files / sizeof files[0]; i++) {
		(void)snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, files[i]);
		read_text(path, text, sizeof text);
		(void)fprintf(stderr, "  process %d, %s: %.*s\n", (int)pid, files[i],
			      (int)strcspn(text, "\n"), text);
	}
}

/* LOOK NULL: says what they are doing. */
static void look_below(pid_t pid, unsigned depth, struct look *look)
{
	char path[64], text[16384];
	int child, length;
	const char *at = text;

	if (look)
		look_at(pid, look);
	else
		say(pid);
	if (depth == DEEP)
		return;
	(void)snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid, (int)pid);
	read_text(path, text, sizeof text);
	for (; sscanf(at, "%d%n", &child, &length) == 1; at += length)
		look_below((pid_t)child, depth + 1, look);
}

void tree_clock_print(const struct tree_clock *clock)
{
	look_below(clock->root, 0, NULL);
}

void tree_clock_start(struct tree_clock *clock, pid_t root)
{
	*clock = (struct tree_clock){ .root = root, .wall_ns = now_ns() };
}

double tree_clock_read(struct tree_clock *clock)
{
	struct look look = { .busy = false };
	uint64_t now = now_ns();
	double wall = (double)(now - clock->wall_ns) / (double)NS_PER_S, cpu = 0;

	if (now - clock->wall_ns < OFTEN_NS)
		return clock->seconds;
	look_below(clock->root, 0, &look);
	if (look.cpu_ns > clock->cpu_ns) /* less: nobody waited for one that has ended */
		cpu = (double)(look.cpu_ns - clock->cpu_ns) / (double)NS_PER_S;
	if (!look.busy && cpu < IDLE * wall)
		cpu = wall < MOST_S ? wall : MOST_S;
	clock->seconds += cpu < wall ? cpu : wall;
	clock->cpu_ns = look.cpu_ns;
	clock->wall_ns = now;
	return clock->seconds;
}
