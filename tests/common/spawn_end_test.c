/* SPDX-License-Identifier: MIT */
/*
 * spawn_end_test.c - how the end of a child is learned, that it does not outlive its parent, what
 * a failed spawn leaves (nothing), and that no descriptor and no zombie stays.
 */
#include "config.h"

#include "common/spawn.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "tests/common/stage.h"

#define UNPRIVILEGED 65534

static int child_exits(void *arg)
{
	return *(const int *)arg;
}

static int child_waits(void *arg)
{
	(void)arg;
	(void)alarm(STAGE_SECONDS); /* where spawn fails us, nothing stays for long */
	(void)pause();              /* every signal that is sent here kills */
	return 0;
}

static unsigned open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned count = 0;

	CHECK(dir != NULL);
	while (readdir(dir))
		count++;
	CHECK(closedir(dir) == 0);
	return count;
}

static void check_no_child(void)
{
	CHECK(waitpid(-1, NULL, WNOHANG) == -1);
	CHECK(errno == ECHILD);
}

static void check_none(const struct child *child)
{
	CHECK(child->pid == 0);
	CHECK(child->pidfd == -1);
}

/* FD is readable within MS. */
static bool readable(int fd, int ms)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	return poll(&poll_fd, 1, ms) == 1;
}

/* ---- its end ---- */

static void play_exits(void)
{
	static const int statuses[] = { 0, 1, 2, 42, 127, 128, 255 };
	const unsigned before = open_descriptors();

	for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
		struct child child = CHILD_NONE;
		int wanted = statuses[i], status = -1;

		CHECK(spawn(&child, "exits", child_exits, &wanted) == 0);
		CHECK(child.pid > 0);
		CHECK(child_reap(&child, true, &status) == 0);
		CHECK(WIFEXITED(status));
		CHECK(WEXITSTATUS(status) == wanted);
		check_none(&child);
	}
	check_no_child();
	CHECK(open_descriptors() == before);
}

static void test_spawn_exit_status_is_the_result_of_main(void **state)
{
	(void)state;
	on_stage(play_exits);
}

static void play_kills(void)
{
	static const int signals[] = { SIGTERM, SIGKILL, SIGHUP, SIGUSR1 };
	const unsigned before = open_descriptors();

	for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
		struct child child = CHILD_NONE;
		int status = -1;

		CHECK(spawn(&child, "waits", child_waits, NULL) == 0);
		child_kill(&child, signals[i]);
		CHECK(child_reap(&child, true, &status) == 0);
		CHECK(WIFSIGNALED(status));
		CHECK(WTERMSIG(status) == signals[i]);
		check_none(&child);
	}
	check_no_child();
	CHECK(open_descriptors() == before);
}

static void test_spawn_killed_child_tells_its_signal(void **state)
{
	(void)state;
	on_stage(play_kills);
}

static void play_pidfd(void)
{
	struct child child = CHILD_NONE;
	int status = -1;
	pid_t pid;

	CHECK(spawn(&child, "waits", child_waits, NULL) == 0);
	pid = child.pid;
	CHECK(fcntl(child.pidfd, F_GETFD) == FD_CLOEXEC);
	CHECK(!readable(child.pidfd, 0));
	CHECK(child_reap(&child, false, &status) == -EAGAIN);
	CHECK(child.pid == pid && child.pidfd >= 0); /* nothing has changed */
	child_kill(&child, SIGKILL);
	CHECK(readable(child.pidfd, STAGE_MS));
	child_kill(&child, SIGKILL); /* dead, not reaped: harms nobody */
	CHECK(child_reap(&child, false, &status) == 0);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	check_none(&child);
	check_no_child();
}

static void test_spawn_pidfd_is_readable_once_the_child_is_dead(void **state)
{
	(void)state;
	on_stage(play_pidfd);
}

/* kill(0, ...) would reach our own group, kill(-1, ...) everybody. */
static void play_kill_none(void)
{
	struct child none = CHILD_NONE;

	child_kill(&none, SIGKILL);
	check_none(&none);
}

static void test_spawn_killing_none_kills_nobody(void **state)
{
	(void)state;
	on_stage(play_kill_none);
}

static void play_several(void)
{
	struct child children[8];
	int status;

	for (size_t i = 0; i < 8; i++) {
		children[i] = CHILD_NONE;
		CHECK(spawn(&children[i], "waits", child_waits, NULL) == 0);
	}
	for (size_t i = 0; i < 8; i += 2)
		child_kill(&children[i], SIGKILL);
	for (size_t i = 0; i < 8; i += 2)
		CHECK(child_reap(&children[i], true, &status) == 0);
	for (size_t i = 1; i < 8; i += 2) { /* the others live */
		CHECK(child_reap(&children[i], false, &status) == -EAGAIN);
		child_kill(&children[i], SIGKILL);
		CHECK(child_reap(&children[i], true, &status) == 0);
	}
	check_no_child();
}

static void test_spawn_each_child_is_reaped_for_itself(void **state)
{
	(void)state;
	on_stage(play_several);
}

/* ---- it does not outlive its parent ---- */

static int life[2]; /* a pipe: at its end nobody lives who holds the write end */

static int child_tells_and_waits(void *arg)
{
	CHECK(write(*(const int *)arg, "x", 1) == 1);
	return child_waits(NULL);
}

static void play_orphan(void)
{
	struct child child = CHILD_NONE;
	int ready[2];
	char byte;

	CHECK(close(life[0]) == 0);
	CHECK(pipe2(ready, O_CLOEXEC) == 0);
	CHECK(spawn(&child, "waits", child_tells_and_waits, &ready[1]) == 0);
	CHECK(read(ready[0], &byte, 1) == 1);
	(void)kill(getpid(), SIGKILL);
}

static void test_spawn_child_dies_with_its_parent(void **state)
{
	int orphan_status;
	char byte;

	(void)state;
	assert_int_equal(pipe2(life, O_CLOEXEC), 0);
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	assert_int_equal(WTERMSIG(stage_status(play_orphan)), SIGKILL);
	close(life[1]);
	assert_true(readable(life[0], STAGE_MS));
	assert_int_equal(read(life[0], &byte, 1), 0);
	close(life[0]);
	assert_true(waitpid(-1, &orphan_status, 0) > 0); /* it came to us */
	assert_true(WIFSIGNALED(orphan_status));
	assert_int_equal(WTERMSIG(orphan_status), SIGKILL);
}

static int child_tells(void *arg)
{
	(void)arg;
	stage->seen = 1;
	return 0;
}

/* The parent died before PR_SET_PDEATHSIG: getppid no longer names it, and no signal will come. */
static void play_parent_gone_early(void)
{
	struct child child = CHILD_NONE;
	int status = -1;

	stage_lose_call(SYS_getppid, EPERM);
	CHECK(spawn(&child, "tells", child_tells, NULL) == 0);
	CHECK(child_reap(&child, true, &status) == 0);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) != 0);
	CHECK(!stage->seen);
}

static void test_spawn_parent_that_died_early_leaves_no_child(void **state)
{
	(void)state;
	on_stage(play_parent_gone_early);
}

/* ---- a spawn that fails ---- */

static void check_failure(int wanted)
{
	const unsigned before = open_descriptors();
	struct child child = CHILD_NONE;
	sigset_t mask, after;

	CHECK(sigprocmask(SIG_BLOCK, NULL, &mask) == 0);
	CHECK(spawn(&child, "waits", child_waits, NULL) == wanted);
	CHECK(sigprocmask(SIG_BLOCK, NULL, &after) == 0);
	check_same_mask(&mask, &after);
	check_none(&child);
	check_no_child();
	CHECK(open_descriptors() == before);
}

static void play_no_process(void)
{
	const struct rlimit none = { .rlim_cur = 0, .rlim_max = 0 };

	CHECK(geteuid() != 0 || setresuid(UNPRIVILEGED, UNPRIVILEGED, UNPRIVILEGED) == 0);
	CHECK(setrlimit(RLIMIT_NPROC, &none) == 0);
	check_failure(-EAGAIN);
}

static void test_spawn_without_a_process_to_be_had_fails_cleanly(void **state)
{
	(void)state;
	on_stage(play_no_process);
}

/* The child runs already when its parent finds that it cannot watch it. */
static void play_no_pidfd(void)
{
	stage_lose_call(SYS_pidfd_open, EMFILE);
	check_failure(-EMFILE);
}

static void test_spawn_without_a_pidfd_to_be_had_fails_cleanly(void **state)
{
	(void)state;
	on_stage(play_no_pidfd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STAGED(test_spawn_exit_status_is_the_result_of_main),
		STAGED(test_spawn_killed_child_tells_its_signal),
		STAGED(test_spawn_pidfd_is_readable_once_the_child_is_dead),
		STAGED(test_spawn_killing_none_kills_nobody),
		STAGED(test_spawn_each_child_is_reaped_for_itself),
		STAGED(test_spawn_child_dies_with_its_parent),
		STAGED(test_spawn_parent_that_died_early_leaves_no_child),
		STAGED(test_spawn_without_a_process_to_be_had_fails_cleanly),
		STAGED(test_spawn_without_a_pidfd_to_be_had_fails_cleanly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
