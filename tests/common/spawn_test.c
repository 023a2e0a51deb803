/* SPDX-License-Identifier: MIT */
/* spawn_test.c - what a child begins with: dispositions, mask, name, no handler of its parent. */
#include "config.h"

#include "common/spawn.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <fcntl.h>
#include <sys/prctl.h>

#include "tests/common/stage.h"

static void handler(int signo)
{
	(void)signo;
}

static void dispose(int signo, void (*how)(int))
{
	const struct sigaction action = { .sa_handler = how, .sa_flags = SA_RESTART };

	CHECK(sigaction(signo, &action, NULL) == 0);
}

/* Spawns MAIN, waits for its end, which must be exit 0. */
static void spawn_and_reap(int (*main)(void *), void *arg)
{
	struct child child = CHILD_NONE;
	int status = -1;

	CHECK(spawn(&child, "spawn-test", main, arg) == 0);
	CHECK(child_reap(&child, true, &status) == 0);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static int child_sees_defaults(void *arg)
{
	const int *ignored = arg;

	for (int signo = 1; signo <= SIGRTMAX; signo++) {
		struct sigaction action;
		bool ignore = signo == SIGPIPE;

		if (sigaction(signo, NULL, &action) < 0)
			continue; /* the C library's own two */
		for (size_t i = 0; ignored[i]; i++)
			ignore |= ignored[i] == signo;
		CHECK(action.sa_handler == (ignore ? SIG_IGN : SIG_DFL));
	}
	return 0;
}

static void play_with_handlers(void)
{
	int none[] = { 0 };

	for (int signo = 1; signo <= SIGRTMAX; signo++)
		if (signo != SIGKILL && signo != SIGSTOP && (signo < 32 || signo >= SIGRTMIN))
			dispose(signo, handler);
	spawn_and_reap(child_sees_defaults, none);
}

static void test_spawn_handlers_of_the_parent_are_reset(void **state)
{
	(void)state;
	on_stage(play_with_handlers);
}

/* As under nohup, or in a background job of a shell without job control. */
static void play_with_ignored(void)
{
	int ignored[] = { SIGHUP, SIGINT, SIGQUIT, SIGRTMIN + 2, 0 };

	dispose(SIGTERM, handler);
	for (size_t i = 0; ignored[i]; i++)
		dispose(ignored[i], SIG_IGN);
	spawn_and_reap(child_sees_defaults, ignored);
}

static void test_spawn_ignored_signals_stay_ignored(void **state)
{
	(void)state;
	on_stage(play_with_ignored);
}

static int child_writes_to_nobody(void *arg)
{
	int ends[2];

	(void)arg;
	CHECK(pipe2(ends, O_CLOEXEC) == 0);
	CHECK(close(ends[0]) == 0);
	CHECK(write(ends[1], "x", 1) == -1);
	CHECK(errno == EPIPE);
	return 0;
}

static void play_sigpipe(void)
{
	dispose(SIGPIPE, SIG_DFL);
	spawn_and_reap(child_writes_to_nobody, NULL);
}

static void test_spawn_sigpipe_is_an_error_not_a_death(void **state)
{
	(void)state;
	on_stage(play_sigpipe);
}

static int child_compares_mask(void *arg)
{
	sigset_t mask;

	CHECK(sigprocmask(SIG_BLOCK, NULL, &mask) == 0);
	check_same_mask(&mask, arg);
	return 0;
}

/* A mechanism may have blocked its signal: its worker must begin so too. */
static void play_mask(void)
{
	sigset_t mask, after;

	CHECK(sigemptyset(&mask) == 0);
	for (unsigned i = 0; i < 2; i++) {
		CHECK(sigprocmask(SIG_SETMASK, &mask, NULL) == 0);
		spawn_and_reap(child_compares_mask, &mask);
		CHECK(sigprocmask(SIG_BLOCK, NULL, &after) == 0);
		check_same_mask(&mask, &after);
		CHECK(sigaddset(&mask, SIGRTMIN + 3) == 0);
		CHECK(sigaddset(&mask, SIGUSR2) == 0);
	}
}

static void test_spawn_mask_is_kept_on_both_sides(void **state)
{
	(void)state;
	on_stage(play_mask);
}

static pid_t handler_home;

static void note_stranger(int signo)
{
	(void)signo;
	if (getpid() != handler_home)
		stage->seen = 1;
}

static int child_idles(void *arg)
{
	(void)arg;
	return 0;
}

/* Whoever reaches the new process with a signal before it is ready must not run our handler. */
static void play_handler_race(void)
{
	pid_t pest;

	dispose(SIGWINCH, note_stranger);
	handler_home = getpid();
	pest = fork();
	CHECK(pest >= 0);
	if (pest == 0) {
		dispose(SIGWINCH, SIG_IGN);
		for (;;)
			(void)kill(0, SIGWINCH);
	}
	for (unsigned i = 0; i < 300; i++)
		spawn_and_reap(child_idles, NULL);
	CHECK(kill(pest, SIGKILL) == 0);
	CHECK(waitpid(pest, NULL, 0) == pest);
	CHECK(!stage->seen);
}

static void test_spawn_no_handler_of_the_parent_runs_in_the_child(void **state)
{
	(void)state;
	on_stage(play_handler_race);
}

static int child_checks_its_name(void *arg)
{
	char name[16] = "";

	CHECK(prctl(PR_GET_NAME, name) == 0);
	CHECK(strcmp(name, arg) == 0);
	return 0;
}

static void play_name(void)
{
	char name[] = "spawn-test";

	spawn_and_reap(child_checks_its_name, name);
	CHECK(prctl(PR_SET_NAME, "stage") == 0);
	spawn_and_reap(child_checks_its_name, name);
}

static void test_spawn_child_bears_its_name(void **state)
{
	(void)state;
	on_stage(play_name);
}

static int child_flushes(void *arg)
{
	CHECK(fputs("child", arg) >= 0);
	CHECK(fflush(arg) == 0);
	return 0;
}

static void play_stdio(void)
{
	int fd = memfd_create("stdio", MFD_CLOEXEC);
	FILE *file = fdopen(dup(fd), "w"); /* one offset for all copies of the descriptor */
	char text[32] = "";

	CHECK(file != NULL);
	CHECK(fputs("parent ", file) >= 0);
	spawn_and_reap(child_flushes, file);
	CHECK(fclose(file) == 0);
	CHECK(pread(fd, text, sizeof text - 1, 0) == 12);
	CHECK(strcmp(text, "parent child") == 0);
}

/* What the parent had buffered would be written by both, and in the wrong order. */
static void test_spawn_buffered_output_is_written_once(void **state)
{
	(void)state;
	on_stage(play_stdio);
}

/* ---- the descriptors that it keeps ---- */

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static int child_keeps_some(void *arg)
{
	int keep[] = { 40, -1, 20, 21 };

	(void)arg;
	child_keep(keep, sizeof keep / sizeof keep[0]);
	for (int fd = 0; fd < 100; fd++)
		CHECK(is_open(fd) == (fd < 3 || fd == 20 || fd == 21 || fd == 40));
	return 0;
}

static void play_descriptors(void)
{
	for (int fd = 3; fd < 60; fd++)
		CHECK(dup2(STDERR_FILENO, fd) == fd);
	spawn_and_reap(child_keeps_some, NULL);
}

static void test_spawn_child_keeps_what_it_names(void **state)
{
	(void)state;
	on_stage(play_descriptors);
}

/* The program gets what is kept, close-on-exec or not, and nothing that is so and not kept. */
static void test_spawn_program_keeps_what_it_names(void **state)
{
	char script[128];
	char *argv[] = { (char *)"sh", (char *)"-c", script, NULL };
	struct child child = CHILD_NONE;
	int keep[] = { open("/dev/null", O_RDWR | O_CLOEXEC), -1 };
	int gone = open("/dev/null", O_RDWR | O_CLOEXEC), status = -1;

	(void)state;
	assert_true(keep[0] >= 0 && gone >= 0);
	(void)snprintf(script, sizeof script,
		       "test -e /proc/self/fd/%d && ! test -e /proc/self/fd/%d", keep[0], gone);
	assert_int_equal(spawn_program(&child, "/bin/sh", argv, keep, 2), 0);
	assert_int_equal(child_reap(&child, true, &status), 0);
	assert_int_equal(status, 0);
	assert_int_equal(spawn_program(&child, "/nonexistent", argv, keep, 2), -ENOENT);
	close(keep[0]);
	close(gone);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STAGED(test_spawn_handlers_of_the_parent_are_reset),
		STAGED(test_spawn_ignored_signals_stay_ignored),
		STAGED(test_spawn_sigpipe_is_an_error_not_a_death),
		STAGED(test_spawn_mask_is_kept_on_both_sides),
		STAGED(test_spawn_no_handler_of_the_parent_runs_in_the_child),
		STAGED(test_spawn_child_bears_its_name),
		STAGED(test_spawn_buffered_output_is_written_once),
		STAGED(test_spawn_child_keeps_what_it_names),
		cmocka_unit_test(test_spawn_program_keeps_what_it_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
