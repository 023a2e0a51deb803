/* SPDX-License-Identifier: MIT */
/*
 * spawner_test.c - the helper that forks in a process' place: whose the children are, what they
 * have, and what happens without it.
 */
#include "config.h"

#include "common/spawn.h"

#include <dirent.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "tests/common/stage.h"

/* What the children of a test share with it, and the one descriptor that each of them keeps. */
static struct memory {
	pthread_mutex_t lock;
	int seen;
} * memory;

static int kept[2];

static unsigned open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned count = 0;

	CHECK(dir != NULL);
	while (readdir(dir))
		count++;
	CHECK(closedir(dir) == 0);
	return count - 3; /* ".", ".." and its own */
}

/* Writes its order into what came with it, and counts its descriptors. */
static int child_answers(void *arg, const struct spawn_order *order)
{
	CHECK(arg == memory);
	CHECK(order->count == 1);
	CHECK(write(order->fds[0], order->bytes, order->size) == (ssize_t)order->size);
	memory->seen = (int)open_descriptors();
	return (int)order->size;
}

static int child_dies_with_a_lock(void *arg, const struct spawn_order *order)
{
	(void)arg;
	(void)order;
	CHECK(pthread_mutex_lock(&memory->lock) == 0);
	return 0;
}

static void open_helper(struct spawner *spawner,
			int (*run)(void *arg, const struct spawn_order *order))
{
	const struct spawner_setup setup = {
		.name = "spawner-test", .run = run, .arg = memory, .keep = kept, .keep_count = 1
	};

	CHECK(pipe(kept) == 0);
	CHECK(spawner_open(spawner, &setup) == 0);
}

/* What the child was given stays open here, as a hub's ends do. */
static void one_child(struct spawner *spawner)
{
	struct child child;
	int ends[2], status;
	const struct spawn_order order = {
		.bytes = "order", .size = 5, .fds = &ends[1], .count = 1
	};
	char text[16];

	CHECK(pipe(ends) == 0);
	CHECK(spawner_spawn(spawner, &child, &order) == 0);
	CHECK(read(ends[0], text, sizeof text) == 5 && memcmp(text, "order", 5) == 0);
	CHECK(child_reap(&child, true, &status) == 0); /* ours: else ECHILD */
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 5);
	CHECK(memory->seen == 5); /* 0, 1, 2, the kept one, the order's */
}

static void play_children(void)
{
	struct spawner spawner;
	int i;

	open_helper(&spawner, child_answers);
	for (i = 0; i < 8; i++)
		one_child(&spawner);
	spawner_close(&spawner);
	CHECK(waitpid(-1, NULL, 0) < 0 && errno == ECHILD);
}

static void test_spawner_children_are_ours_and_have_only_what_they_need(void **state)
{
	(void)state;
	on_stage(play_children);
}

/* The kernel marks a lock by the number that the C library knows the child's thread by. */
static void play_robust_lock(void)
{
	const struct spawn_order order = { .bytes = "", .size = 1, .fds = kept, .count = 1 };
	pthread_mutexattr_t attributes;
	struct spawner spawner;
	struct child child;
	int status;

	CHECK(pthread_mutexattr_init(&attributes) == 0);
	CHECK(pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED) == 0);
	CHECK(pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST) == 0);
	CHECK(pthread_mutex_init(&memory->lock, &attributes) == 0);
	open_helper(&spawner, child_dies_with_a_lock);
	CHECK(spawner_spawn(&spawner, &child, &order) == 0);
	CHECK(child_reap(&child, true, &status) == 0 && status == 0);
	CHECK(pthread_mutex_trylock(&memory->lock) == EOWNERDEAD);
	spawner_close(&spawner);
}

static void test_spawner_child_that_dies_lets_go_of_its_locks(void **state)
{
	(void)state;
	on_stage(play_robust_lock);
}

static void play_killed_helper(void)
{
	const struct spawn_order order = { .bytes = "", .size = 1, .fds = kept, .count = 1 };
	struct spawner spawner;
	struct child child;

	open_helper(&spawner, child_answers);
	CHECK(kill(spawner.child.pid, SIGKILL) == 0);
	CHECK(spawner_spawn(&spawner, &child, &order) == -EPIPE);
	spawner_close(&spawner);
	CHECK(waitpid(-1, NULL, 0) < 0 && errno == ECHILD);
}

static void test_spawner_that_was_killed_says_so(void **state)
{
	(void)state;
	on_stage(play_killed_helper);
}

/* It dies of its report, when its child lives already. */
static void play_helper_killed_after_its_fork(void)
{
	const struct rlimit no_core = { 0 };
	const struct spawn_order order = { .bytes = "", .size = 1, .fds = kept, .count = 1 };
	struct spawner spawner;
	struct child child;

	CHECK(setrlimit(RLIMIT_CORE, &no_core) == 0);
	stage_filter_call(SYS_sendto, SECCOMP_RET_KILL_PROCESS); /* as what send(2) is */
	open_helper(&spawner, child_answers);
	one_child(&spawner);
	CHECK(spawner_spawn(&spawner, &child, &order) == -EPIPE);
	spawner_close(&spawner);
	CHECK(waitpid(-1, NULL, 0) < 0 && errno == ECHILD);
}

static void test_spawner_that_was_killed_after_its_fork_has_made_the_child(void **state)
{
	(void)state;
	on_stage(play_helper_killed_after_its_fork);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STAGED(test_spawner_children_are_ours_and_have_only_what_they_need),
		STAGED(test_spawner_child_that_dies_lets_go_of_its_locks),
		STAGED(test_spawner_that_was_killed_says_so),
		STAGED(test_spawner_that_was_killed_after_its_fork_has_made_the_child),
	};

	memory = mmap(NULL, sizeof *memory, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (memory == MAP_FAILED)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
