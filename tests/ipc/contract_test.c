/* SPDX-License-Identifier: MIT */
/*
 * contract_test.c - runs every rule of the contract for every mechanism there is.
 *
 * The mechanisms come from the registry and from ipc/skeleton.c, the template. A test is one
 * rule, one mechanism, one direction, in a process of its own, so that one crash or hang is
 * one failure. A few run at a time, each over another mechanism. Environment:
 *   CONTRACT_ONLY=MECHANISM[:RULE]   only those whose names begin so; an empty MECHANISM: all
 *   CONTRACT_SEED=N                  repeats a run; the seed is printed
 */
#include "config.h"

#include <ftw.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/ipc/contract.h"
#include "tests/ipc/contract_kernel.h"

#define DEADLINE_S   20
#define LANES        4    /* trials at a time: most of them mostly wait */
#define PENDING_MAX  4096 /* signals: a rule fills this queue, other programs must not notice */
#define TRIALS_MAX   2048
#define SUBJECTS_MAX 32

struct trial {
	struct subject subject;
	char name[160];
	char dir[64];
	enum { WAITING, RUNNING, ENDED } stage;
	pid_t pid;
	int pidfd;
	time_t deadline; /* CLOCK_MONOTONIC, seconds */
	int status;      /* as of waitpid; -1: not done at the deadline */
	int left;        /* processes */
	bool kept;       /* something in its directory */
};

static const struct rule *const tables[] = {
	contract_args_rules,  contract_flow_rules,  contract_press_rules,   contract_wait_rules,
	contract_death_rules, contract_owner_rules, contract_hostile_rules, contract_script_rules,
};

static struct trial trials[TRIALS_MAX];
static struct CMUnitTest tests[TRIALS_MAX];
static size_t trial_count, running_count, unable_count;
static char (*reasons)[CONTRACT_REASON_MAX]; /* of each trial, shared with it */
static struct listing *objects_before;

/* ---- one trial ---- */

static _Noreturn void trial_child(struct trial *trial)
{
	struct sigaction initial = { .sa_handler = SIG_DFL };
	struct rlimit pending;
	struct oracle before;
	int signo;

	/* cmocka catches crashes with a jump into its own loop, which is the parent's. */
	for (signo = 1; signo < NSIG; signo++)
		if (signo != SIGKILL && signo != SIGSTOP)
			(void)sigaction(signo, &initial, NULL);
	CHECK_EQ(setpgid(0, 0), 0);
	contract_group = getpid();
	CHECK_EQ(prctl(PR_SET_PDEATHSIG, SIGKILL), 0);
	/* Workers that outlive their hub come to us, so that oracle_check sees them. */
	CHECK_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	CHECK_EQ(getrlimit(RLIMIT_SIGPENDING, &pending), 0);
	if (pending.rlim_cur > PENDING_MAX && trial->subject.rule->slots < CONTRACT_MANY) {
		pending.rlim_cur = PENDING_MAX;
		CHECK_EQ(setrlimit(RLIMIT_SIGPENDING, &pending), 0);
	}
	if (trial->subject.rule->flags & RULE_OLD_KERNEL)
		kernel_refuse_nowait();
	oracle_look(&before);
	trial->subject.rule->run(&trial->subject);
	oracle_check(&before);
	exit(0); /* not _exit: a leak checker looks then */
}

static time_t now_s(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

static void trial_start(struct trial *trial)
{
	unsigned seconds = trial->subject.rule->deadline_s;

	(void)snprintf(trial->dir, sizeof trial->dir, "/tmp/contract.XXXXXX");
	assert_non_null(mkdtemp(trial->dir));
	contract_reason = reasons[trial - trials];
	trial->deadline = now_s() + (time_t)(seconds ? seconds : DEADLINE_S);
	(void)fflush(NULL);
	trial->pid = fork();
	if (trial->pid == 0)
		trial_child(trial);
	assert_true(trial->pid > 0);
	(void)setpgid(trial->pid, trial->pid); /* in the child too: whoever comes first */
	trial->pidfd = (int)syscall(SYS_pidfd_open, trial->pid, 0);
	assert_true(trial->pidfd >= 0);
	trial->stage = RUNNING;
	running_count++;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *at)
{
	(void)status;
	(void)type;
	(void)at;
	return remove(path);
}

/* It is dead, or has to be now. Kills, reaps and removes whatever it left. */
static void trial_end(struct trial *trial, bool in_time)
{
	trial->status = -1;
	if (in_time)
		assert_int_equal(waitpid(trial->pid, &trial->status, 0), trial->pid);
	(void)close(trial->pidfd);
	(void)kill(-trial->pid, SIGKILL);
	while (waitpid(-trial->pid, NULL, 0) > 0)
		trial->left++;
	trial->kept = rmdir(trial->dir) < 0;
	if (trial->kept) /* the verdict stands; the next run need not suffer */
		(void)nftw(trial->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	trial->stage = ENDED;
	running_count--;
}

static bool is_busy(const struct ipc_backend *backend)
{
	size_t i;

	for (i = 0; i < trial_count; i++)
		if (trials[i].stage == RUNNING && trials[i].subject.backend == backend)
			return true;
	return false;
}

/*
 * Starts what may run, then waits for an end. A mechanism is in one trial at a time: some share a
 * quota between all their users.
 */
static void trials_go_on(void)
{
	struct pollfd deaths[LANES];
	struct trial *running[LANES];
	nfds_t count = 0, k;
	size_t i;

	for (i = 0; i < trial_count && running_count < LANES; i++)
		if (trials[i].stage == WAITING && !is_busy(trials[i].subject.backend))
			trial_start(&trials[i]);
	for (i = 0; i < trial_count && count < LANES; i++)
		if (trials[i].stage == RUNNING) {
			running[count] = &trials[i];
			deaths[count++] = (struct pollfd){ trials[i].pidfd, POLLIN, 0 };
		}
	if (poll(deaths, count, 1000) < 0)
		return;
	for (k = 0; k < count; k++)
		if (deaths[k].revents || now_s() >= running[k]->deadline)
			trial_end(running[k], deaths[k].revents != 0);
}

static void trial_judge(const struct trial *trial)
{
	int status = trial->status;

	if (status == -1)
		fail_msg("%s: not done at the deadline", trial->name);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM)
		fail_msg("%s: a check failed, see above (CONTRACT_SEED=%llu)", trial->name,
			 (unsigned long long)contract_seed);
	if (WIFSIGNALED(status))
		fail_msg("%s: killed by signal %d", trial->name, WTERMSIG(status));
	if (WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != CONTRACT_SKIPPED)
		fail_msg("%s: exit status %d", trial->name, WEXITSTATUS(status));
	if (trial->left > 0 && WEXITSTATUS(status) == 0)
		fail_msg("%s: left %d processes", trial->name, trial->left);
}

static void trial_run(void **state)
{
	struct trial *trial = *state;
	char *object;

	while (trial->stage != ENDED)
		trials_go_on();
	object = listing_new_since(objects_before);
	trial_judge(trial);
	if (object)
		fail_msg("%s, or one beside it: left %s", trial->name, object);
	if (WEXITSTATUS(trial->status) == CONTRACT_SKIPPED) {
		print_message("[  UNABLE  ] %s: %s\n", trial->name, reasons[trial - trials]);
		unable_count++;
		skip();
	}
	assert_false(trial->kept);
}

/* ---- the list of trials ---- */

/* Nobody is left out by name: a rule may ask for a capability, or for longer records. */
static bool applies(const struct rule *rule, const struct ipc_info *info)
{
	return (info->capabilities & rule->needs) == rule->needs &&
	       (rule->record == RECORD_LIMIT || rule->record <= info->record_limit);
}

static bool chosen(const struct ipc_info *info, const struct rule *rule)
{
	const char *only = getenv("CONTRACT_ONLY");
	const char *colon = only ? strchr(only, ':') : NULL;
	size_t length = only ? (colon ? (size_t)(colon - only) : strlen(only)) : 0;

	return (length == 0 ||
		(strlen(info->name) == length && strncmp(only, info->name, length) == 0)) &&
	       (!colon || strncmp(rule->name, colon + 1, strlen(colon + 1)) == 0);
}

static void add_trial(const struct ipc_backend *backend, const struct rule *rule,
		      enum ipc_direction direction)
{
	struct trial *trial = &trials[trial_count];
	const char *way = direction == IPC_TO_HUB ? "to hub" : "from hub";

	assert_true(trial_count < TRIALS_MAX);
	trial->subject = (struct subject){
		.backend = backend,
		.rule = rule,
		.direction = direction,
		.record = rule->record == RECORD_LIMIT ? backend->info.record_limit :
			  rule->record                 ? rule->record :
							 56,
		.dir = trial->dir,
	};
	(void)snprintf(trial->name, sizeof trial->name, "%s / %s%s%s", backend->info.name,
		       rule->name, rule->flags & RULE_BOTH_WAYS ? ", " : "",
		       rule->flags & RULE_BOTH_WAYS ? way : "");
	tests[trial_count] = (struct CMUnitTest){
		.name = trial->name,
		.test_func = trial_run,
		.initial_state = trial,
	};
	trial_count++;
}

/* One rule for all mechanisms, so that neighbours in the list use different ones. */
static size_t add_rule(const struct rule *rule, const struct ipc_backend *const *subjects)
{
	size_t skipped = 0, i;
	int way;

	for (way = 0; way < (rule->flags & RULE_BOTH_WAYS ? 2 : 1); way++)
		for (i = 0; subjects[i]; i++) {
			if (!chosen(&subjects[i]->info, rule))
				continue;
			if (applies(rule, &subjects[i]->info))
				add_trial(subjects[i], rule, way ? IPC_FROM_HUB : IPC_TO_HUB);
			else
				skipped++;
		}
	return skipped;
}

/* All that this machine can use, and the template. */
static void find_subjects(const struct ipc_backend **subjects)
{
	char reason[128];
	size_t i, count = 0;

	for (i = 0; ipc_info_at(i); i++) {
		const char *name = ipc_info_at(i)->name;

		assert_true(count < SUBJECTS_MAX - 2);
		if (ipc_probe(name, reason, sizeof reason) == 0)
			subjects[count++] = ipc_backend_find(name);
		else
			printf("contract: %s is not usable here: %s\n", name, reason);
	}
	subjects[count] = &ipc_skeleton;
}

static void prepare(void)
{
	const char *seed = getenv("CONTRACT_SEED");
	struct rlimit files;
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	contract_seed = seed ? strtoull(seed, NULL, 10) : (uint64_t)now.tv_nsec;
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max < 65536 ? files.rlim_max : 65536;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	reasons = mmap(NULL, sizeof(uint64_t) + TRIALS_MAX * sizeof *reasons,
		       PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(reasons != MAP_FAILED);
	contract_digest = (void *)(reasons + TRIALS_MAX);
	objects_before = listing_take();
}

int main(void)
{
	const struct ipc_backend *subjects[SUBJECTS_MAX] = { NULL };
	const struct rule *rule;
	size_t skipped = 0, i;
	int failed;

	prepare();
	printf("contract: CONTRACT_SEED=%llu\n", (unsigned long long)contract_seed);
	find_subjects(subjects);
	for (i = 0; i < sizeof tables / sizeof tables[0]; i++)
		for (rule = tables[i]; rule->name; rule++)
			skipped += add_rule(rule, subjects);
	failed = _cmocka_run_group_tests("contract", tests, trial_count, NULL, NULL);
	listing_free(objects_before);
	for (i = 0; subjects[i]; i++)
		;
	printf("contract: %zu trials of %zu mechanisms, %d failed, %zu beyond this machine, "
	       "%zu do not apply\n",
	       trial_count, i, failed, unable_count, skipped);
	return failed ? 1 : 0;
}
