/* SPDX-License-Identifier: MIT */
/*
 * pool_test.c - the rules of pool.h for workers that die or lag, for --recycle, and for want of
 * memory. pool_lies_test.c has those for workers that lie.
 */
#include "config.h"

#include <sched.h>
#include <sys/wait.h>

#include "tests/download/pool_stage.h"

/* ---- a worker dies ---- */

static void die_at_the_second(struct script *script)
{
	expect_jobs(script, WORKER_JOBS_MAX);
	do_job(script, 0);
	start(script, 1);
	die();
}

static void test_pool_dead_workers_unbegun_jobs_are_requeued_in_order(void **state)
{
	struct batch_stage *stage = *state;
	struct job *job = play(stage, 20, 1, die_at_the_second);

	assert_int_equal(pool_dispatch(&pool), 0);
	turn_to_the_end();
	assert_int_equal(job[0].state, JOB_OK);
	assert_waits_after(&job[1], FAILURE_KILLED);
	assert_int_equal(job[1].failure.code, SIGKILL);
	assert_ready(&stage->batch, &job[2], &job[19]);
	close_pool(stage);
}

static void die_at_once(struct script *script)
{
	expect_jobs(script, 1);
	die();
}

/* A worker that cannot even begin must not be replaced for ever. */
static void test_pool_death_before_start_is_the_oldest_jobs(void **state)
{
	struct batch_stage *stage = *state;
	struct job *job = play(stage, 3, 1, die_at_once);

	for (unsigned i = 0; i <= JOB_DEATHS_MAX; i++) {
		assert_int_equal(pool_dispatch(&pool), 0);
		turn_to_the_end();
		assert_int_equal(job[0].deaths, i + 1);
		assert_int_equal(job[1].state, JOB_READY);
		assert_int_equal(job[1].deaths + job[2].deaths, 0);
		assert_int_equal(job[0].state, i < JOB_DEATHS_MAX ? JOB_WAITING : JOB_FAILED);
		if (i < JOB_DEATHS_MAX) { /* first again */
			TAILQ_REMOVE(&stage->batch.waiting, &job[0], link);
			batch_requeue(&stage->batch, &job[0]);
		}
	}
	assert_ready(&stage->batch, &job[1], &job[2]);
	close_pool(stage);
}

static void deliver_and_die(struct script *script)
{
	expect_jobs(script, 1);
	do_job(script, 0);
	die();
}

/* A death is seen first: the events must be read before anything is decided. */
static void done_before_death_counts(struct batch_stage *stage)
{
	const struct job *job = play(stage, 1, 1, deliver_and_die);
	struct pollfd death = { .fd = pool.deaths, .events = POLLIN };

	assert_int_equal(pool_dispatch(&pool), 0);
	assert_int_equal(poll(&death, 1, WAIT_MS), 1);
	assert_int_equal(pool_reap(&pool), 0);
	assert_int_equal(job->state, JOB_OK);
	assert_int_equal(job->deaths, 0);
	expect_content(stage->place, "a", "x");
	close_pool(stage);
}

/* One that tells its end is waited for, one that does not is read once: both must be right. */
static void test_pool_done_before_death_counts_over_every_mechanism(void **state)
{
	over_each(state, IPC_CAP_DURABLE, done_before_death_counts);
}

static void exit_0(struct script *script)
{
	expect_jobs(script, 1);
	_exit(0);
}

static void exit_3(struct script *script)
{
	expect_jobs(script, 1);
	start(script, 0);
	_exit(3);
}

static void end_by_signal(struct script *script, int signo)
{
	static const struct rlimit no_core = { 0, 0 };

	expect_jobs(script, 1);
	start(script, 0);
	(void)setrlimit(RLIMIT_CORE, &no_core);
	(void)signal(signo, SIG_DFL);
	(void)raise(signo);
}

static void crash(struct script *script)
{
	end_by_signal(script, SIGSEGV);
}

static void abort_itself(struct script *script)
{
	end_by_signal(script, SIGABRT);
}

/* An exit without DONE is a failure, even with status 0. */
static void test_pool_each_end_without_done_is_told_as_what_it_is(void **state)
{
	static const struct {
		void (*run)(struct script *script);
		enum failure_kind kind;
		int code;
	} ends[] = { { exit_0, FAILURE_EXITED, 0 },
		     { exit_3, FAILURE_EXITED, 3 },
		     { crash, FAILURE_KILLED, SIGSEGV },
		     { abort_itself, FAILURE_KILLED, SIGABRT } };
	struct batch_stage *stage = *state;

	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
		const struct job *job = play(stage, 1, 1, ends[i].run);

		assert_int_equal(pool_dispatch(&pool), 0);
		turn_to_the_end();
		assert_waits_after(job, ends[i].kind);
		assert_int_equal(job->failure.code, ends[i].code);
		batch_abandon(&stage->batch);
		close_pool(stage);
	}
}

/* ---- a channel that says nothing about its worker ---- */

static void leave_a_grandchild(struct script *script)
{
	pid_t pid;

	expect_jobs(script, 1);
	pid = fork();
	if (pid == 0) {
		for (int fd = 0; fd <= 2; fd++)
			(void)close(fd); /* of the test's own output */
		hang();
	}
	notes->grandchild = pid;
	die();
}

static void grandchild_delays_nothing(struct batch_stage *stage)
{
	const struct job *job = play(stage, 1, 1, leave_a_grandchild);

	assert_int_equal(pool_dispatch(&pool), 0);
	turn_to_the_end();
	assert_waits_after(job, FAILURE_KILLED);
	batch_abandon(&stage->batch);
	close_pool(stage);
	assert_true(notes->grandchild > 0);
	assert_int_equal(waitpid(notes->grandchild, NULL, WNOHANG), 0); /* ours now, and alive */
	assert_int_equal(kill(notes->grandchild, SIGKILL), 0);
	assert_int_equal(waitpid(notes->grandchild, NULL, 0), notes->grandchild);
}

/* It holds the worker's end open, so there is no end of file: the pidfd alone counts. */
static void test_pool_grandchild_delays_nothing_over_every_mechanism(void **state)
{
	over_each(state, 0, grandchild_delays_nothing);
}

static void close_and_hang(struct script *script)
{
	expect_jobs(script, 1);
	start(script, 0);
	while (!notes->go)
		(void)sched_yield();
	ipc_close(script->events);
	ipc_close(script->commands);
	notes->closed = true;
	hang();
}

static void closed_channel_is_silence(struct batch_stage *stage)
{
	const struct job *job = play(stage, 1, 1, close_and_hang);

	assert_int_equal(pool_dispatch(&pool), 0);
	while (!pool.workers[0].guard.running)
		turn();
	notes->go = true;
	while (!notes->closed)
		(void)sched_yield();
	assert_int_equal(pool_receive(&pool), 0);
	assert_int_equal(pool.workers[0].kill_reason.kind, FAILURE_NONE);
	(void)pool_check_stalled(&pool, pool.workers[0].last_event_ns + (STALL_S + 2) * NS_PER_S);
	turn_to_the_end();
	assert_waits_after(job, FAILURE_STALLED);
	batch_abandon(&stage->batch);
	close_pool(stage);
}

static void test_pool_closed_channel_is_silence_over_every_mechanism(void **state)
{
	over_each(state, 0, closed_channel_is_silence);
}

static void test_pool_death_while_ending_leaves_the_jobs(void **state)
{
	struct batch_stage *stage = *state;
	const struct job *job = play(stage, 3, 1, die_at_once);

	assert_int_equal(pool_dispatch(&pool), 0);
	stage->batch.signo = SIGINT;
	turn_to_the_end();
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(job[i].deaths, 0);
	batch_abandon(&stage->batch);
	assert_int_equal(stage->batch.left, 3);
	close_pool(stage);
}

/* ---- --recycle ---- */

static void work(struct script *script)
{
	while (next_command(script)->kind != COMMAND_QUIT) {
		CHECK(script->reader.command.kind == COMMAND_JOB);
		do_job(script, script->reader.command.job);
	}
}

static void test_pool_recycle_ends_a_worker_after_exactly_that_many(void **state)
{
	struct batch_stage *stage = *state;

	stage->settings.recycle = 3;
	(void)play(stage, 8, 1, work);
	while (stage->batch.open > 0) {
		assert_int_equal(pool_dispatch(&pool), 0);
		turn();
	}
	pool_quit_all(&pool);
	turn_to_the_end();
	assert_counts(&stage->batch, 0, 8, 0);
	assert_int_equal(notes->lives, 3);
	assert_int_equal(notes->jobs[0], 3);
	assert_int_equal(notes->jobs[1], 3);
	assert_int_equal(notes->jobs[2], 2);
	close_pool(stage);
}

/* ---- returning jobs ---- */

static void return_the_last_and_work(struct script *script)
{
	expect_jobs(script, 3);
	CHECK(next_command(script)->kind == COMMAND_CANCEL && script->reader.command.job == 2);
	give_back(script, 2);
	do_job(script, 0);
	do_job(script, 1);
	expect_jobs(script, 1);
	do_job(script, 2);
	CHECK(next_command(script)->kind == COMMAND_QUIT);
}

static void test_pool_returned_job_is_ready_again_and_not_counted(void **state)
{
	struct batch_stage *stage = *state;

	stage->settings.recycle = 3;
	(void)play(stage, 3, 1, return_the_last_and_work);
	assert_int_equal(pool_dispatch(&pool), 0);
	pool_recall(&pool);
	turn_to_the_end();
	assert_counts(&stage->batch, 0, 3, 0);
	assert_int_equal(notes->lives, 1);
	assert_int_equal(notes->jobs[0], 4);
	close_pool(stage);
}

static void expect_one_cancel(struct script *script)
{
	expect_jobs(script, script->slot == 0 ? 2 : 1);
	if (script->slot == 0)
		CHECK(next_command(script)->kind == COMMAND_CANCEL &&
		      script->reader.command.job == 1);
	CHECK(next_command(script)->kind == COMMAND_QUIT);
}

/* A second CANCEL before the answer would allow two RETURNED; that of an only job, to return and
 * assign it for ever. */
static void test_pool_recalls_one_unbegun_job_at_a_time(void **state)
{
	struct batch_stage *stage = *state;

	(void)play(stage, 4, 2, expect_one_cancel);
	assert_int_equal(pool_dispatch(&pool), 0);
	assert_int_equal(pool.workers[0].job_count, 2);
	assert_int_equal(pool.workers[1].job_count, 1);
	for (unsigned i = 0; i < 3; i++)
		pool_recall(&pool);
	assert_int_equal(pool.workers[0].recalled, 1);
	assert_int_equal(pool.workers[1].recalled, 0);
	stage->batch.signo = SIGINT;
	pool_quit_all(&pool);
	turn_to_the_end();
	batch_abandon(&stage->batch);
	close_pool(stage);
}

/* ---- silence ---- */

static void start_and_hang(struct script *script)
{
	expect_jobs(script, 1);
	start(script, 0);
	hang();
}

static void test_pool_silent_worker_is_killed(void **state)
{
	struct batch_stage *stage = *state;
	const struct job *job = play(stage, 2, 1, start_and_hang);
	const uint64_t limit_ns = (STALL_S + 1) * NS_PER_S;
	uint64_t last_ns;

	assert_int_equal(pool_dispatch(&pool), 0);
	while (!pool.workers[0].guard.running)
		turn();
	last_ns = pool.workers[0].last_event_ns;
	assert_true(last_ns >= job[0].begun_ns); /* not since it was assigned the job */
	(void)pool_check_stalled(&pool, last_ns + limit_ns);
	assert_int_equal(pool.workers[0].kill_reason.kind, FAILURE_NONE);
	(void)pool_check_stalled(&pool, last_ns + limit_ns + 1);
	turn_to_the_end();
	assert_waits_after(&job[0], FAILURE_STALLED);
	assert_int_equal(job[0].failure.code, STALL_S);
	assert_int_equal(job[1].state, JOB_READY);
	close_pool(stage);
}

/* Nobody asked it for anything, or the whole program was stopped. */
static void test_pool_silence_without_a_job_or_of_a_stopped_program_is_fine(void **state)
{
	struct batch_stage *stage = *state;
	const uint64_t later_ns = clock_ns() + 3600 * NS_PER_S;

	(void)play(stage, 1, 2, work);
	assert_int_equal(pool_dispatch(&pool), 0);
	while (stage->batch.open > 0)
		turn();
	(void)pool_check_stalled(&pool, later_ns);
	assert_int_equal(pool.workers[0].kill_reason.kind, FAILURE_NONE);
	pool.workers[0].job_count = 1;
	pool_restart_timeouts(&pool, later_ns);
	(void)pool_check_stalled(&pool, later_ns);
	assert_int_equal(pool.workers[0].kill_reason.kind, FAILURE_NONE);
	pool.workers[0].job_count = 0;
	pool_quit_all(&pool);
	turn_to_the_end();
	close_pool(stage);
}

/* ---- resources ---- */

static bool no_memory;

void *__real_reallocarray(void *old, size_t n, size_t size);
void *__wrap_reallocarray(void *old, size_t n, size_t size);
void *__wrap_reallocarray(void *old, size_t n, size_t size)
{
	return no_memory ? NULL : __real_reallocarray(old, n, size);
}

static void test_pool_without_memory_loses_no_job(void **state)
{
	struct batch_stage *stage = *state;
	struct job *job = play(stage, 2, 2, work);

	no_memory = true;
	assert_int_equal(pool_dispatch(&pool), -ENOMEM);
	no_memory = false;
	assert_said(stage, "cannot assign a job over pipe: Cannot allocate memory");
	assert_ready(&stage->batch, &job[0], &job[1]);
	batch_requeue(&stage->batch, &job[1]);
	batch_requeue(&stage->batch, &job[0]);
	while (stage->batch.open > 0) { /* memory is there again */
		assert_int_equal(pool_dispatch(&pool), 0);
		turn();
	}
	assert_counts(&stage->batch, 0, 2, 0);
	pool_quit_all(&pool);
	turn_to_the_end();
	close_pool(stage);
}

static void hang_after_its_job(struct script *script)
{
	expect_jobs(script, 1);
	do_job(script, 0);
	hang();
}

static void test_pool_worker_that_cannot_be_told_to_quit_is_killed(void **state)
{
	struct batch_stage *stage = *state;

	(void)play(stage, 1, 1, hang_after_its_job);
	assert_int_equal(pool_dispatch(&pool), 0);
	while (stage->batch.open > 0)
		turn();
	pool.workers[0].queue.cap = 0; /* it needs memory for the next command */
	no_memory = true;
	pool_quit_all(&pool);
	no_memory = false;
	turn_to_the_end();
	close_pool(stage);
}

static bool no_pidfd;

int __real_pidfd_open(pid_t pid, unsigned flags);
int __wrap_pidfd_open(pid_t pid, unsigned flags);
int __wrap_pidfd_open(pid_t pid, unsigned flags)
{
	if (!no_pidfd)
		return __real_pidfd_open(pid, flags);
	errno = ENOSYS;
	return -1;
}

/* As on an old kernel, or in a sandbox that does not know the call. */
static void test_pool_missing_system_call_is_named(void **state)
{
	struct batch_stage *stage = *state;

	(void)add(stage, "a", NULL);
	stage->settings.ipc = "pipe";
	stage->settings.workers = 1;
	(void)batch_begin(&stage->batch, &stage->settings, &stage->jobs);
	no_pidfd = true;
	assert_int_equal(pool_open(&pool, &stage->batch), -ENOSYS);
	no_pidfd = false;
	assert_said(stage, "cannot reach workers over pipe: Function not implemented; the kernel");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ENACTED(test_pool_dead_workers_unbegun_jobs_are_requeued_in_order),
		ENACTED(test_pool_death_before_start_is_the_oldest_jobs),
		ENACTED(test_pool_done_before_death_counts_over_every_mechanism),
		ENACTED(test_pool_each_end_without_done_is_told_as_what_it_is),
		ENACTED(test_pool_grandchild_delays_nothing_over_every_mechanism),
		ENACTED(test_pool_closed_channel_is_silence_over_every_mechanism),
		ENACTED(test_pool_death_while_ending_leaves_the_jobs),
		ENACTED(test_pool_recycle_ends_a_worker_after_exactly_that_many),
		ENACTED(test_pool_returned_job_is_ready_again_and_not_counted),
		ENACTED(test_pool_recalls_one_unbegun_job_at_a_time),
		ENACTED(test_pool_silent_worker_is_killed),
		ENACTED(test_pool_silence_without_a_job_or_of_a_stopped_program_is_fine),
		ENACTED(test_pool_without_memory_loses_no_job),
		ENACTED(test_pool_worker_that_cannot_be_told_to_quit_is_killed),
		ENACTED(test_pool_missing_system_call_is_named),
	};

	return run_plays(tests, sizeof tests / sizeof tests[0]);
}
