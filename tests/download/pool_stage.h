/* SPDX-License-Identifier: MIT */
/*
 * pool_stage.h - a pool whose workers follow a script of the test: they die, lag or lie at the step
 * where a rule of pool.h matters. The linker puts the script in the place of worker_main
 * (--wrap=worker_main).
 */
#ifndef TESTS_POOL_STAGE_H
#define TESTS_POOL_STAGE_H

#include "tests/download/batch_stage.h"

#include "download/pool_internal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#define CPU_S   5 /* a test takes a few ms: a pool that turns in circles is told soon */
#define STALL_S 5
#define WAIT_MS 10000 /* for the next event or death */
#define NAP_MS  2

/* What a script leaves for the test to see, whatever becomes of its process. */
static struct {
	_Atomic unsigned lives; /* processes that have begun */
	unsigned jobs[16];      /* that each was assigned */
	int bad_line;
	volatile pid_t grandchild;
	volatile bool go, closed; /* from the test to the script, and back */
} * notes;

#define CHECK(condition) check((condition), __LINE__)

static inline void check(bool holds, int line)
{
	if (holds)
		return;
	notes->bad_line = line;
	_exit(99);
}

/* ---- in the worker ---- */

struct script {
	const struct worker_setup *setup;
	struct ipc *events, *commands;
	unsigned slot;
	struct command_reader reader;
	unsigned life;
	uint64_t seq;
};

static void (*script_run)(struct script *script);

int __wrap_worker_main(void *arg);
int __wrap_worker_main(void *arg)
{
	struct script script = { .setup = arg, .life = notes->lives++ };
	unsigned slot;

	CHECK(ipc_join(&script.events, script.setup->events_ticket, &script.setup->hub,
		       &script.slot) == 0);
	CHECK(ipc_join(&script.commands, script.setup->commands_ticket, &script.setup->hub,
		       &slot) == 0);
	CHECK(slot == script.slot);
	script_run(&script);
	return 0;
}

/* Waits for the next command. */
static inline const struct command *next_command(struct script *script)
{
	unsigned char record[RECORD_BYTES];
	unsigned slot;
	int rc = 0;

	while (rc == 0) {
		CHECK(ipc_recv(script->commands, &slot, record, 1, 0) == 1);
		rc = command_read(&script->reader, record);
		CHECK(rc >= 0);
	}
	notes->jobs[script->life] += script->reader.command.kind == COMMAND_JOB;
	return &script->reader.command;
}

static inline void expect_jobs(struct script *script, unsigned count)
{
	while (count-- > 0)
		CHECK(next_command(script)->kind == COMMAND_JOB);
}

static inline void encode(struct script *script, struct event event, unsigned char *record)
{
	event.slot = (uint16_t)script->slot;
	event.seq = ++script->seq;
	event.time_ns = clock_ns();
	event_encode(&event, record);
}

static inline void send_event(struct script *script, struct event event)
{
	unsigned char record[RECORD_BYTES];

	encode(script, event, record);
	CHECK(ipc_send_all(script->events, script->slot, record, 1) == 0);
}

static inline void start(struct script *script, uint32_t job)
{
	send_event(script, (struct event){ .kind = EVENT_START, .job = job });
}

static inline void give_back(struct script *script, uint32_t job)
{
	send_event(script, (struct event){ .kind = EVENT_RETURNED, .job = job });
}

/* DONE of JOB, with one byte in its file. */
static inline struct event fetched(struct script *script, uint32_t job)
{
	const char part[] = { (char)('a' + job), '.', 'p', 'a', 'r', 't', '\0' };
	struct stat stat;
	int fd = openat(output_dirs_fd(&script->setup->dirs, 0), part, O_WRONLY | O_CREAT | O_TRUNC,
			0666);

	CHECK(fd >= 0 && write(fd, "x", 1) == 1 && fstat(fd, &stat) == 0);
	return (struct event){
		.kind = EVENT_DONE, .job = job, .bytes = 1, .total = 1, .inode = stat.st_ino
	};
}

static inline void do_job(struct script *script, uint32_t job)
{
	start(script, job);
	send_event(script, fetched(script, job));
}

static inline _Noreturn void die(void)
{
	(void)kill(getpid(), SIGKILL);
	_exit(1);
}

/* Only SIGKILL ends this. */
static inline _Noreturn void hang(void)
{
	for (;;)
		(void)pause();
}

/* ---- in the pool ---- */

/* All tests of a program: its main. */
static inline int run_plays(const struct CMUnitTest *tests, size_t count)
{
	const struct rlimit cpu = { CPU_S, CPU_S + 1 };

	notes = mmap(NULL, sizeof *notes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	if (notes == MAP_FAILED || setrlimit(RLIMIT_CPU, &cpu) < 0 ||
	    prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return 1;
	return _cmocka_run_group_tests("pool", tests, count, NULL, NULL);
}

static struct pool pool;

static const char *play_ipc = "pipe";

/* SCENE once over each mechanism that is usable here and has all of NEEDS. */
static inline void over_each(void **state, unsigned needs, void (*scene)(struct batch_stage *stage))
{
	const struct ipc_info *info;
	char reason[128];

	for (size_t i = 0; (info = ipc_info_at(i)); i++) {
		if ((info->capabilities & needs) != needs ||
		    ipc_probe(info->name, reason, sizeof reason) < 0)
			continue;
		printf("over %s\n", play_ipc = info->name);
		(void)fflush(stdout);
		scene(*state);
		assert_int_equal(batch_leave(state) + batch_enter(state), 0);
	}
	play_ipc = "pipe";
}

/* Opens the pool over COUNT jobs and starts WORKERS, each of which follows RUN. */
static inline struct job *play(struct batch_stage *stage, unsigned count, unsigned workers,
			       void (*run)(struct script *script))
{
	char name[2] = "a";

	script_run = run;
	notes->lives = 0;
	notes->bad_line = 0;
	notes->go = notes->closed = false;
	memset(notes->jobs, 0, sizeof notes->jobs);
	for (; count-- > 0; name[0]++)
		(void)add(stage, name, NULL);
	stage->settings.ipc = play_ipc;
	stage->settings.workers = workers;
	stage->settings.fetch.stall_timeout = STALL_S;
	(void)batch_begin(&stage->batch, &stage->settings, &stage->jobs);
	assert_int_equal(pool_open(&pool, &stage->batch), 0);
	return stage->jobs.jobs;
}

/*
 * Waits for an event, a death, or room for a command. Where no descriptor tells of them, only for a
 * moment: true then, if nothing came.
 */
static inline bool wait_a_turn(struct pollfd *death)
{
	struct pollfd fds[3] = { *death, { .fd = -1 }, { .fd = -1 } };
	int timeout_ms = WAIT_MS, count;

	fds[1].fd = ipc_pollfd(pool.events, &fds[1].events);
	if (fds[1].fd < 0)
		timeout_ms = fds[1].fd == -EAGAIN ? 0 : NAP_MS;
	if (!LIST_EMPTY(&pool.unsent)) {
		fds[2].fd = ipc_pollfd(pool.commands, &fds[2].events);
		if (fds[2].fd < 0 && timeout_ms > NAP_MS)
			timeout_ms = NAP_MS;
	}
	count = poll(fds, 3, timeout_ms);
	assert_true(count > 0 || (count == 0 && timeout_ms < WAIT_MS));
	*death = fds[0];
	return count == 0 && timeout_ms > 0;
}

/* One event or death, or more; where no descriptor tells of events, perhaps none. */
static inline void turn(void)
{
	static unsigned vain;
	struct pollfd death = { .fd = pool.deaths, .events = POLLIN };

	vain = wait_a_turn(&death) ? vain + 1 : 0;
	assert_true(vain < WAIT_MS / NAP_MS);
	pool_flush(&pool);
	assert_int_equal(pool_receive(&pool), 0);
	if (death.revents)
		assert_int_equal(pool_reap(&pool), 0);
	assert_int_equal(notes->bad_line, 0);
}

/* Until all workers are dead. None of them is replaced. */
static inline void turn_to_the_end(void)
{
	while (pool.alive > 0)
		turn();
}

static inline void close_pool(struct batch_stage *stage)
{
	if (pool.alive == 0)
		assert_int_equal(pool.busy + pool.assigned, 0);
	pool_close(&pool);
	job_list_free(&stage->jobs);
	assert_int_equal(notes->bad_line, 0);
}

static inline void assert_waits_after(const struct job *job, enum failure_kind kind)
{
	assert_int_equal(job->failure.kind, kind);
	assert_int_equal(job->state, JOB_WAITING);
	assert_int_equal(job->deaths, 1);
}

/* All jobs from FIRST to LAST are ready, in that order, and nobody is blamed. */
static inline void assert_ready(struct batch *batch, const struct job *first,
				const struct job *last)
{
	assert_int_equal(batch->ready_count, last - first + 1);
	for (; first <= last; first++) {
		assert_ptr_equal(batch_next(batch, 0), first);
		assert_int_equal(first->deaths, 0);
		assert_int_equal(first->tries, 0);
	}
}

#endif
