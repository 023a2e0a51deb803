/* SPDX-License-Identifier: MIT */
/*
 * contract_test.c - runs every rule of the contract for every mechanism there is.
 *
 * The mechanisms come from the registry and from ipc/skeleton.c, the template. A test is one
 * rule, one mechanism, one direction, in a process of its own, so that one crash or hang is
 * one failure. Environment:
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

#include "contract.h"
#include "contract_kernel.h"

#define DEADLINE_S   20
#define PENDING_MAX  4096 /* signals: a rule fills this queue, other programs must not notice */
#define TRIALS_MAX   2048
#define SUBJECTS_MAX 32

struct trial {
	struct subject subject;
	char name[160];
	char dir[64];
};

static const struct rule *const tables[] = {
	contract_args_rules,  contract_flow_rules,  contract_press_rules,   contract_wait_rules,
	contract_death_rules, contract_owner_rules, contract_hostile_rules, contract_script_rules,
};

static struct trial trials[TRIALS_MAX];
static struct CMUnitTest tests[TRIALS_MAX];
static size_t trial_count, unable_count;

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
	if (pending.rlim_cur > PENDING_MAX) {
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

/* Waits for the death of PID. Its status, or -1 after the deadline. */
static int trial_wait(pid_t pid, unsigned seconds)
{
	struct pollfd death = { .fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN };
	struct timespec deadline = { .tv_sec = seconds };
	int status = -1;

	assert_true(death.fd >= 0);
	if (ppoll(&death, 1, &deadline, NULL) == 1)
		assert_int_equal(waitpid(pid, &status, 0), pid);
	(void)close(death.fd);
	return status;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *at)
{
	(void)status;
	(void)type;
	(void)at;
	return remove(path);
}

/* Kills and reaps whatever the trial left; how many that were. */
static int sweep_up(pid_t group)
{
	int left = 0;

	(void)kill(-group, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		left++;
	return left;
}

static void trial_judge(const struct trial *trial, int status, int left)
{
	if (status == -1)
		fail_msg("%s: not done at the deadline", trial->name);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM)
		fail_msg("%s: a check failed, see above (CONTRACT_SEED=%llu)", trial->name,
			 (unsigned long long)contract_seed);
	if (WIFSIGNALED(status))
		fail_msg("%s: killed by signal %d", trial->name, WTERMSIG(status));
	if (WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != CONTRACT_SKIPPED)
		fail_msg("%s: exit status %d", trial->name, WEXITSTATUS(status));
	if (left > 0 && WEXITSTATUS(status) == 0)
		fail_msg("%s: left %d processes", trial->name, left);
}

static void trial_run(void **state)
{
	struct trial *trial = *state;
	unsigned seconds = trial->subject.rule->deadline_s ? trial->subject.rule->deadline_s :
							     DEADLINE_S;
	struct listing *before = listing_take();
	int status, left, kept;
	char *object;
	pid_t pid;

	(void)snprintf(trial->dir, sizeof trial->dir, "/tmp/contract.XXXXXX");
	assert_non_null(mkdtemp(trial->dir));
	contract_shared->reason[0] = '\0';
	(void)fflush(NULL);
	pid = fork();
	if (pid == 0)
		trial_child(trial);
	assert_true(pid > 0);
	(void)setpgid(pid, pid); /* in the child too: whoever comes first */
	status = trial_wait(pid, seconds);
	left = sweep_up(pid);
	kept = rmdir(trial->dir);
	if (kept < 0) /* the verdict stands; the next run need not suffer */
		(void)nftw(trial->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	object = listing_new_since(before);
	listing_free(before);
	trial_judge(trial, status, left);
	if (object)
		fail_msg("%s: left %s", trial->name, object);
	if (WEXITSTATUS(status) == CONTRACT_SKIPPED) {
		print_message("[  UNABLE  ] %s: %s\n", trial->name, contract_shared->reason);
		unable_count++;
		skip();
	}
	assert_int_equal(kept, 0);
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

/* Adds what applies of a mechanism; counts what does not. */
static size_t add_subject(const struct ipc_backend *backend)
{
	size_t skipped = 0, i;
	const struct rule *rule;

	for (i = 0; i < sizeof tables / sizeof tables[0]; i++)
		for (rule = tables[i]; rule->name; rule++) {
			if (!chosen(&backend->info, rule))
				continue;
			if (!applies(rule, &backend->info)) {
				skipped++;
				continue;
			}
			add_trial(backend, rule, IPC_TO_HUB);
			if (rule->flags & RULE_BOTH_WAYS)
				add_trial(backend, rule, IPC_FROM_HUB);
		}
	return skipped;
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
	contract_shared = mmap(NULL, sizeof *contract_shared, PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(contract_shared != MAP_FAILED);
}

int main(void)
{
	char reason[128];
	size_t skipped = 0, i;
	int failed;

	prepare();
	printf("contract: CONTRACT_SEED=%llu\n", (unsigned long long)contract_seed);
	for (i = 0; ipc_info_at(i); i++) {
		const char *name = ipc_info_at(i)->name;

		if (ipc_probe(name, reason, sizeof reason) == 0)
			skipped += add_subject(ipc_backend_find(name));
		else
			printf("contract: %s is not usable here: %s\n", name, reason);
	}
	skipped += add_subject(&ipc_skeleton);
	failed = _cmocka_run_group_tests("contract", tests, trial_count, NULL, NULL);
	printf("contract: %zu trials of %zu mechanisms and the template, %d failed, "
	       "%zu beyond this machine, %zu rules do not apply\n",
	       trial_count, i, failed, unable_count, skipped);
	return failed ? 1 : 0;
}
