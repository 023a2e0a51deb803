/* SPDX-License-Identifier: MIT */
/*
 * contract_test.c - runs every rule of the contract for every mechanism there is.
 *
 * The mechanisms come from the registry and from ipc/skeleton.c, the template. A test is one
 * rule, one mechanism, one direction, in a process of its own, so that one crash or hang is
 * one failure. A few run at a time, where possible each with kernel objects and quotas of its own;
 * else each over another mechanism. Environment:
 *   CONTRACT_ONLY=MECHANISM[:RULE]   only that mechanism, and rules whose names begin so; an empty
 *                                    MECHANISM: all
 *   CONTRACT_START=spawn             every rule that can be: its workers are executed, and join
 *   CONTRACT_START=network           every rule that can be: its workers come by the network
 *   CONTRACT_SEED=N                  repeats a run; a trial that fails says with which
 *   FEW=yes                          of each group the mechanism that the seed chooses, and the
 *                                    template; CONTRACT_ONLY overrules it
 * --list: only the names of the trials.
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

#include "tests/harness/isolate.h"
#include "tests/harness/objects.h"
#include "tests/harness/tree_clock.h"
#include "tests/ipc/contract_kernel.h"
#include "tests/ipc/contract_launch.h"
#include "tests/ipc/contract_subjects.h"

#define LANES        6    /* trials at a time: most of them mostly wait */
#define BUSY_S       240  /* steps or not, no trial takes as long */
#define HANGS_MAX    3    /* of one mechanism: then it is given up */
#define PENDING_MAX  4096 /* signals: a rule fills this queue, other programs must not notice */
#define TRIALS_MAX   8192
#define SUBJECTS_MAX 32

struct trial {
	struct subject subject;
	char name[160];
	char dir[64];
	struct report *report;
	enum { WAITING, RUNNING, ENDED } stage;
	enum ending { IN_TIME, SILENT, TOO_LONG, GIVEN_UP } end;
	pid_t pid;
	int pidfd;
	uint64_t steps; /* that it had made at STEP_S */
	struct tree_clock clock;
	double step_s;
	int status; /* as of waitpid, if IN_TIME */
	int left;   /* processes */
	bool kept;  /* something in its directory */
};

/* The script first, as it is the longest. */
static const struct rule *const tables[] = {
	contract_script_rules, contract_args_rules,    contract_join_rules,   contract_host_rules,
	contract_flow_rules,   contract_press_rules,   contract_wait_rules,   contract_death_rules,
	contract_owner_rules,  contract_hostile_rules, contract_attack_rules, contract_pass_rules,
	contract_flood_rules,  contract_keep_rules,
};

static struct trial trials[TRIALS_MAX];
static struct CMUnitTest tests[TRIALS_MAX];
static size_t trial_count, running_count, unable_count;
static struct report *reports; /* of each trial, shared with it */
static bool isolated;          /* each trial */
static const char *program;

/* ---- one trial ---- */

/* Without a namespace of our own it may be another trial's. */
static void objects_check(struct listing *before)
{
	char *object = listing_new_since(before, isolated);

	if (object) {
		(void)fprintf(stderr, "left %s\n", object);
		contract_fail(__FILE__, __LINE__, "an object is left behind");
	}
	listing_free(before);
}

static _Noreturn void trial_child(struct trial *trial)
{
	struct sigaction initial = { .sa_handler = SIG_DFL };
	struct listing *objects;
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
	if (isolated) /* before the limit, or it would be one for all that others have pending */
		CHECK_EQ(isolate(ISOLATE_QUOTAS), 0);
	CHECK_EQ(getrlimit(RLIMIT_SIGPENDING, &pending), 0);
	if (pending.rlim_cur > PENDING_MAX && trial->subject.rule->slots < CONTRACT_MANY) {
		pending.rlim_cur = PENDING_MAX;
		CHECK_EQ(setrlimit(RLIMIT_SIGPENDING, &pending), 0);
	}
	if (trial->subject.rule->flags & RULE_OLD_KERNEL)
		kernel_refuse_nowait();
	objects = listing_take();
	oracle_look(&before);
	trial->subject.rule->run(&trial->subject);
	oracle_check(&before);
	objects_check(objects);
	exit(0); /* not _exit: a leak checker looks then */
}

static void trial_start(struct trial *trial)
{
	(void)snprintf(trial->dir, sizeof trial->dir, "/tmp/contract.XXXXXX");
	assert_non_null(mkdtemp(trial->dir));
	contract_report = trial->report = &reports[trial - trials];
	(void)fflush(NULL);
	trial->pid = fork();
	if (trial->pid == 0)
		trial_child(trial);
	assert_true(trial->pid > 0);
	(void)setpgid(trial->pid, trial->pid); /* in the child too: whoever comes first */
	trial->pidfd = (int)syscall(SYS_pidfd_open, trial->pid, 0);
	assert_true(trial->pidfd >= 0);
	tree_clock_start(&trial->clock, trial->pid);
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
static void trial_end(struct trial *trial, enum ending end)
{
	trial->end = end;
	if (end == IN_TIME)
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

static bool is_large(const struct trial *trial)
{
	return trial->subject.rule->slots >= CONTRACT_MANY;
}

/* Trials that share a quota must not starve each other; nor those that fill the machine. */
static bool may_start(const struct trial *trial)
{
	size_t i;

	for (i = 0; i < trial_count; i++)
		if (trials[i].stage == RUNNING &&
		    ((!isolated && trials[i].subject.backend == trial->subject.backend) ||
		     (is_large(&trials[i]) && is_large(trial))))
			return false;
	return true;
}

/* Whether TRIAL still has to be left alone. */
static bool has_time(struct trial *trial)
{
	uint64_t steps = atomic_load(&trial->report->steps);
	double now = tree_clock_read(&trial->clock);

	if (steps != trial->steps)
		trial->step_s = now;
	trial->steps = steps;
	return now - trial->step_s < CONTRACT_SILENT_S && now < BUSY_S;
}

/* All that is left of TRIAL's mechanism would take its time too. */
static void count_hangs(const struct trial *trial)
{
	unsigned hangs = 0;
	size_t i;

	for (i = 0; i < trial_count; i++)
		hangs += trials[i].subject.backend == trial->subject.backend &&
			 (trials[i].end == SILENT || trials[i].end == TOO_LONG);
	for (i = 0; i < trial_count && hangs >= HANGS_MAX; i++)
		if (trials[i].subject.backend == trial->subject.backend &&
		    trials[i].stage == WAITING) {
			trials[i].stage = ENDED;
			trials[i].end = GIVEN_UP;
		}
}

static void trial_hang(struct trial *trial)
{
	(void)fprintf(stderr, "contract: %s hangs\n", trial->name); /* its turn may be far */
	tree_clock_print(&trial->clock);
	trial_end(trial, trial->clock.seconds < BUSY_S ? SILENT : TOO_LONG);
	count_hangs(trial);
}

/* Starts what may run, then waits for an end. */
static void trials_go_on(void)
{
	struct pollfd deaths[LANES];
	struct trial *running[LANES];
	nfds_t count = 0, k;
	size_t i;

	for (i = 0; i < trial_count && running_count < LANES; i++)
		if (trials[i].stage == WAITING && may_start(&trials[i]))
			trial_start(&trials[i]);
	for (i = 0; i < trial_count && count < LANES; i++)
		if (trials[i].stage == RUNNING) {
			running[count] = &trials[i];
			deaths[count++] = (struct pollfd){ trials[i].pidfd, POLLIN, 0 };
		}
	if (poll(deaths, count, 1000) < 0)
		return;
	for (k = 0; k < count; k++)
		if (deaths[k].revents)
			trial_end(running[k], IN_TIME);
		else if (!has_time(running[k]))
			trial_hang(running[k]);
}

/* As a user would type it to see this trial alone again. The digests are compared among all. */
static void print_again(const struct trial *trial)
{
	const char *start = getenv("CONTRACT_START");

	printf("contract: again: %s%s%sCONTRACT_SEED=%llu CONTRACT_ONLY='%s:%s' %s\n",
	       start ? "CONTRACT_START=" : "", start ? start : "", start ? " " : "",
	       (unsigned long long)contract_seed, trial->subject.backend->info.name,
	       trial->subject.rule->name, program);
}

static bool is_good(const struct trial *trial)
{
	return trial->end == IN_TIME && WIFEXITED(trial->status) &&
	       (WEXITSTATUS(trial->status) == CONTRACT_SKIPPED ||
		(WEXITSTATUS(trial->status) == 0 && trial->left == 0 && !trial->kept));
}

static void trial_fail(const struct trial *trial)
{
	int status = trial->status;

	if (trial->end == SILENT)
		fail_msg("%s: nothing happened for %d s", trial->name, CONTRACT_SILENT_S);
	if (trial->end == TOO_LONG)
		fail_msg("%s: not done after %d s", trial->name, BUSY_S);
	if (trial->end == GIVEN_UP)
		fail_msg("%s: not tried: %d others of it hung", trial->name, HANGS_MAX);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM)
		fail_msg("%s: a check failed, see above", trial->name);
	if (WIFSIGNALED(status))
		fail_msg("%s: killed by signal %d", trial->name, WTERMSIG(status));
	if (trial->left > 0 && WEXITSTATUS(status) == 0)
		fail_msg("%s: left %d processes", trial->name, trial->left);
	if (trial->kept && WEXITSTATUS(status) == 0)
		fail_msg("%s: left files in its directory", trial->name);
	fail_msg("%s: exit status %d", trial->name, WEXITSTATUS(status));
}

static void trial_run(void **state)
{
	struct trial *trial = *state;

	while (trial->stage != ENDED)
		trials_go_on();
	if (!is_good(trial)) {
		print_again(trial);
		trial_fail(trial);
	}
	if (WEXITSTATUS(trial->status) == CONTRACT_SKIPPED) {
		print_message("[  UNABLE  ] %s: %s\n", trial->name, trial->report->reason);
		unable_count++;
		skip();
	}
}

/* ---- the list of trials ---- */

/* Nobody is left out by name: a rule may ask for a capability, or for longer records. */
static bool applies(const struct rule *rule, const struct ipc_backend *backend, enum start start)
{
	const unsigned joined = start != BY_FORK || (rule->flags & RULE_TICKETS) ? IPC_CAP_JOIN : 0;
	const unsigned tickets = joined | (start == BY_NETWORK ? IPC_CAP_CROSS_HOST : 0);
	const unsigned has = backend->info.capabilities &
			     ~(backend->forked_harmless && !tickets ? IPC_CAP_TRUSTING : 0u);

	return !((rule->needs | tickets) & ~has) && !(has & rule->unless) &&
	       (rule->record == RECORD_LIMIT || rule->record <= backend->info.record_limit);
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
		      enum ipc_direction direction, enum start start)
{
	struct trial *trial = &trials[trial_count];
	const char *way = direction == IPC_TO_HUB ? "to hub" : "from hub";

	if (trial_count == TRIALS_MAX) { /* cmocka says nothing outside of a test */
		(void)fprintf(stderr, "contract: more than %d trials: raise TRIALS_MAX\n",
			      TRIALS_MAX);
		exit(1);
	}
	trial->subject = (struct subject){
		.backend = backend,
		.rule = rule,
		.direction = direction,
		.joined = start != BY_FORK,
		.executed = start == BY_EXECUTION,
		.networked = start == BY_NETWORK,
		.record = rule->record == RECORD_LIMIT ? backend->info.record_limit :
			  rule->record                 ? rule->record :
							 56,
		.count = contract_count(rule->count),
		.dir = trial->dir,
	};
	(void)snprintf(
		trial->name, sizeof trial->name, "%s / %s%s%s%s", backend->info.name, rule->name,
		start == BY_TICKET    ? ", joined" :
		start == BY_EXECUTION ? ", executed" :
		start == BY_NETWORK   ? ", by network" :
					"",
		rule->flags & RULE_BOTH_WAYS ? ", " : "", rule->flags & RULE_BOTH_WAYS ? way : "");
	tests[trial_count] = (struct CMUnitTest){
		.name = trial->name,
		.test_func = trial_run,
		.initial_state = trial,
	};
	trial_count++;
}

/* One rule for all mechanisms, so that neighbours in the list use different ones. */
static size_t add_rule(const struct rule *rule, const struct ipc_backend *const *subjects,
		       enum start start)
{
	size_t skipped = 0, i;
	int way;

	for (way = 0; way < (rule->flags & RULE_BOTH_WAYS ? 2 : 1); way++)
		for (i = 0; subjects[i]; i++) {
			if (!chosen(&subjects[i]->info, rule))
				continue;
			if (applies(rule, subjects[i], start))
				add_trial(subjects[i], rule, way ? IPC_FROM_HUB : IPC_TO_HUB,
					  start);
			else
				skipped++;
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
	reports = launch_share_reports(sizeof(uint64_t) + TRIALS_MAX * sizeof *reports);
	assert_non_null(reports);
	contract_digest = (void *)(reports + TRIALS_MAX);
}

/* Where quotas are shared, with the other programs of this directory too: one at a time. */
static void prepare_quotas(void)
{
	int rc = isolate_possible(ISOLATE_QUOTAS);

	isolated = rc == 0;
	if (isolated)
		return;
	printf("contract: no namespaces of a trial's own: %s\n", strerror(-rc));
	(void)fflush(stdout);
	assert_int_equal(isolate_wait_turn(), 0);
}

/* What CONTRACT_ONLY could have said. */
static int say_no_trial(const struct ipc_backend *const *subjects)
{
	size_t i;

	(void)fprintf(stderr, "contract: CONTRACT_ONLY=%s: there is no such trial; mechanisms:",
		      getenv("CONTRACT_ONLY"));
	for (i = 0; subjects[i]; i++)
		(void)fprintf(stderr, " %s", subjects[i]->info.name);
	(void)fprintf(stderr, "; rules are the tables in contract_*.c\n");
	return 2;
}

static size_t add_rules(const struct ipc_backend *const *subjects)
{
	const struct rule *rule;
	enum start start;
	size_t skipped = 0, i;

	for (i = 0; i < sizeof tables / sizeof tables[0]; i++)
		for (rule = tables[i]; rule->name; rule++) {
			for (start = BY_FORK; start <= BY_NETWORK; start++)
				if (launch_starts(rule, start))
					skipped += add_rule(rule, subjects, start);
		}
	return skipped;
}

int main(int argc, char **argv)
{
	const struct ipc_backend *subjects[SUBJECTS_MAX] = { NULL };
	const bool list = argc == 2 && strcmp(argv[1], "--list") == 0;
	size_t skipped, i;
	int failed;

	if (argc == 3 && strcmp(argv[1], "--join") == 0)
		return contract_joined_program(argv[2]);
	if (argc == 3 && strcmp(argv[1], "--worker") == 0)
		return launch_run(argv[2]);
	program = argv[0];
	prepare();
	if (!list)
		prepare_quotas();
	contract_find_subjects(subjects, SUBJECTS_MAX);
	skipped = add_rules(subjects);
	for (i = 0; list && i < trial_count; i++)
		printf("%s\n", trials[i].name);
	if (list)
		return 0;
	printf("contract: CONTRACT_SEED=%llu\n", (unsigned long long)contract_seed);
	if (trial_count + skipped == 0)
		return say_no_trial(subjects);
	failed = _cmocka_run_group_tests("contract", tests, trial_count, NULL, NULL);
	for (i = 0; subjects[i]; i++)
		;
	printf("contract: %zu trials of %zu mechanisms, %d failed, %zu beyond this machine, "
	       "%zu do not apply\n",
	       trial_count, i, failed, unable_count, skipped);
	return failed ? 1 : 0;
}
