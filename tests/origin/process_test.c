/* SPDX-License-Identifier: MIT */
/* process_test.c - the origin's own process: it serves, and says why when it cannot start. */
#include "config.h"

#include "origin/process.h"

#include <sys/syscall.h>

#include "tests/common/stage.h"

static const struct origin_config config = { .file_count = 0 };

static void play_serves(void)
{
	struct child origin;
	uint16_t port = 0;
	int status;

	CHECK(origin_spawn(&origin, &port, &config) == 0);
	CHECK(port != 0 && origin.pid > 0);
	child_kill(&origin, SIGKILL);
	CHECK(child_reap(&origin, true, &status) == 0);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void test_process_started_tells_its_port(void **state)
{
	(void)state;
	on_stage(play_serves);
}

static void play_no_socket(void)
{
	struct child origin;
	uint16_t port;

	stage_lose_call(SYS_socket, ENOBUFS);
	CHECK(origin_spawn(&origin, &port, &config) == -ENOBUFS);
	CHECK(origin.pid == 0 && origin.pidfd == -1);
	CHECK(waitpid(-1, NULL, WNOHANG) == -1);
}

static void test_process_without_a_socket_says_so(void **state)
{
	(void)state;
	on_stage(play_no_socket);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STAGED(test_process_started_tells_its_port),
		STAGED(test_process_without_a_socket_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
