/* SPDX-License-Identifier: MIT */
/*
 * stage.h - tests of what a process has one of (dispositions, mask, children) each run in a
 * process of their own, the stage. Stage and its children tell the line of a failed check by way
 * of shared memory.
 */
#ifndef TESTS_STAGE_H
#define TESTS_STAGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/filter.h>
#include <linux/seccomp.h>

#define STAGED(test)    cmocka_unit_test_setup_teardown(test, stage_enter, stage_leave)
#define STAGE_SECONDS   30
#define STAGE_MS        (STAGE_SECONDS * 1000)
#define STAGE_CHECK_BAD 99

/* Shared by test, stage and its children. */
struct stage {
	atomic_int line; /* of the first check that failed */
	atomic_int seen; /* the test's own */
};

static struct stage *stage;

/* In the stage or a child of it: where a check fails, that process ends. */
#define CHECK(condition) stage_check((condition), __LINE__)

static inline void stage_check(int holds, int line)
{
	int none = 0;

	if (holds)
		return;
	(void)atomic_compare_exchange_strong(&stage->line, &none, line);
	_exit(STAGE_CHECK_BAD);
}

/* Runs PLAY in a process and process group of its own. Returns how it ended, as of waitpid. */
static inline int stage_status(void (*play)(void))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		(void)setpgid(0, 0); /* cannot fail for a fresh child */
		play();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (stage->line)
		fail_msg("the check in line %d failed", stage->line);
	return status;
}

static inline void on_stage(void (*play)(void))
{
	assert_int_equal(stage_status(play), 0);
}

/* From now on system call NUMBER meets ACTION (seccomp(2)) in this process and its children. */
static inline void stage_filter_call(unsigned number, unsigned action)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, action),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { .len = 4, .filter = filter };

	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

/* From now on it fails with ERROR. */
static inline void stage_lose_call(unsigned number, unsigned error)
{
	stage_filter_call(number, SECCOMP_RET_ERRNO | error);
}

/* Not memcmp: the kernel fills in 64 signals, the C library's set has room for 1,024. */
static inline void check_same_mask(const sigset_t *a, const sigset_t *b)
{
	for (int signo = 1; signo <= SIGRTMAX; signo++)
		if (signo < 32 || signo >= SIGRTMIN) /* the C library keeps the two between */
			CHECK(sigismember(a, signo) == sigismember(b, signo));
}

static inline int stage_enter(void **state)
{
	(void)state;
	stage = mmap(NULL, sizeof *stage, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	return stage == MAP_FAILED ? -1 : 0;
}

/* No test leaves a child. In a child subreaper also none whose parent was killed. */
static inline int stage_leave(void **state)
{
	(void)state;
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	return munmap(stage, sizeof *stage);
}

#endif
