/* SPDX-License-Identifier: MIT */
/*
 * kill_sweep.c - kills senders, at the instructions of a send, at the system calls of their lives
 * and at random times, and looks at what the hub receives.
 *
 *	kill_sweep [--stride=N] [--kills=N] [--only=MECHANISM] [--seed=N] [--network]
 *
 * Of a mechanism that is DURABLE all that ipc_send has acknowledged must be received, once and
 * in order; of any other what is received is a beginning of what was sent. No record is torn or
 * taken for another's, nothing is left over, and the slot's next owner can work.
 *
 * Each mechanism has a process of its own, one for each CPU at a time; the table at the end holds
 * their accounts.
 * --stride (4): only every Nth instruction, beginning with one that the seed chooses; 1 takes all.
 * Of a mechanism with threads of its own, which is slow, half as many. --kills (300): at
 * random times. --network: of those that can, with senders that come by the network.
 */
#include "config.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/harness/isolate.h"
#include "tests/harness/objects.h"
#include "tests/harness/tree_clock.h"
#include "tests/ipc/contract_subjects.h"
#include "tests/ipc/kill_sweep.h"

#define MECHANISMS_MAX 32
#define PENDING_MAX    4096
#define DEEP           5000
#define LOST_MS        5000 /* an end that has not been told by then never is */
#define COMES_MS       50   /* who is dead, and has not come by then, never will */

static const struct rule whole = { .name = "kill" };

struct run {
	const struct ipc_backend *backend;
	struct account *account;
	char dir[32];
	enum { WAITING, RUNNING, ENDED } stage;
	pid_t pid;
	uint64_t steps; /* that it had made at STEP_S */
	struct tree_clock clock;
	double step_s;
};

static bool isolated; /* each mechanism */

/* ---- the hub's books ---- */

static double now_s(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void killing_spawn(struct killing *k, unsigned slot, worker_main *main)
{
	k->generation[slot] = (k->generation[slot] + 1) & 0xfff;
	k->first[slot] = k->next[slot] = id_of(slot, k->generation[slot], 0);
	atomic_store(&k->w.board->acked[slot], 0);
	atomic_store(&k->w.board->value[slot], k->first[slot]);
	atomic_store(&k->w.board->gate[slot], 0);
	world_spawn(&k->w, slot, main);
}

static void enter(struct killing *k, unsigned slot, const char *record)
{
	uint64_t id;

	if (!record_whole(record, k->w.record)) {
		k->account->torn++;
		return;
	}
	memcpy(&id, record, sizeof id);
	if (id >= k->next[slot] && id_slot(id) == slot &&
	    id_generation(id) == k->generation[slot]) {
		k->account->lost += id - k->next[slot];
		k->next[slot] = id + 1;
	} else {
		k->account->duplicated++;
	}
}

ssize_t killing_recv(struct killing *k, unsigned *slot)
{
	char records[64 * 56];
	ssize_t rc = ipc_recv(k->w.s, slot, records, 1 + rng_below(&k->rng, 64), IPC_NOWAIT);
	ssize_t i;

	CHECK(rc >= 0 || rc == -EAGAIN); /* an honest sender is never told to be hostile */
	for (i = 0; i < rc; i++)
		enter(k, *slot, records + (size_t)i * k->w.record);
	return rc;
}

/*
 * Until SLOT's end is told; some of its records may still be on their way. Whoever was to come by
 * the network and did not has none, and of that nothing tells.
 */
static void drain_to_end(struct killing *k, unsigned slot)
{
	const bool came = !k->w.subject->networked || atomic_load(&k->w.board->acked[slot]) > 0;
	const int64_t most_ms = came ? LOST_MS : COMES_MS;
	const double until = now_s() + COMES_MS / 1e3;
	unsigned from = k->w.slots;
	ssize_t rc;

	do {
		rc = killing_recv(k, &from);
		if (rc == -EAGAIN && ipc_wait(k->w.s, most_ms * 1000000) != 1)
			CHECK(!came && "an end is told");
	} while ((rc != 0 || from != slot) && (came || now_s() < until));
}

/*
 * Until nothing is left: as the others go on sending, that may never be; but no queue is as deep
 * as DEEP calls.
 */
static void drain(struct killing *k, unsigned slot)
{
	unsigned from = k->w.slots, others = 0;
	ssize_t rc;

	do {
		rc = killing_recv(k, &from);
		others = from == slot ? 0 : others + 1;
	} while (rc >= 0 && others < DEEP);
}

void killing_settle(struct killing *k, unsigned slot, unsigned most)
{
	uint64_t acked = atomic_load(&k->w.board->acked[slot]), got;

	if (can(&k->w, IPC_CAP_EOF))
		drain_to_end(k, slot);
	else
		drain(k, slot);
	got = k->next[slot] - k->first[slot];
	k->account->acknowledged += acked;
	if (can(&k->w, IPC_CAP_DURABLE) && got < acked)
		k->account->lost += acked - got;
	if (got > acked + most)
		k->account->invented += got - acked - most;
	world_detach(&k->w, slot);
}

/* ---- one mechanism ---- */

static void count_leaks(struct account *account, const struct oracle *before)
{
	struct timespec nap = { .tv_nsec = 1000000 };
	struct oracle now;
	pid_t left;
	int tries;

	for (tries = 0; tries < 1000; tries++) { /* a joined thread may still be in /proc */
		oracle_look(&now);
		if (now.threads == before->threads)
			break;
		(void)nanosleep(&nap, NULL);
	}
	account->leaked += (uint64_t)(now.fds != before->fds) +
			   (uint64_t)(now.threads != before->threads) +
			   (uint64_t)(now.shared_maps != before->shared_maps);
	while ((left = waitpid(-1, NULL, WNOHANG)) > 0)
		account->leaked++;
	account->leaked += (uint64_t)(left == 0); /* one lives still */
}

static _Noreturn void mechanism_child(const struct ipc_backend *backend, const char *dir,
				      const struct options *options, struct account *account)
{
	struct subject subject = { .backend = backend,
				   .rule = &whole,
				   .record = 56,
				   .joined = options->network,
				   .networked = options->network,
				   .dir = dir };
	struct killing k = { .account = account, .rng = rng_for(80) };
	struct rlimit pending;
	struct oracle before;
	struct listing *objects;
	double start = now_s();
	unsigned stride = options->stride;
	char *object;

	CHECK_EQ(setpgid(0, 0), 0);
	contract_group = getpid();
	CHECK_EQ(prctl(PR_SET_PDEATHSIG, SIGKILL), 0);
	CHECK_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	if (isolated)
		CHECK_EQ(isolate(ISOLATE_QUOTAS), 0);
	CHECK_EQ(getrlimit(RLIMIT_SIGPENDING, &pending), 0);
	if (pending.rlim_cur > PENDING_MAX) {
		pending.rlim_cur = PENDING_MAX;
		CHECK_EQ(setrlimit(RLIMIT_SIGPENDING, &pending), 0);
	}
	objects = listing_take();
	oracle_look(&before);
	world_open(&k.w, &subject, VICTIMS);
	if (backend->own_threads && stride > 1)
		stride *= 2;
	sweep_points(&k, stride);
	sweep_random(&k, options->kills);
	world_kill_and_close(&k.w);
	count_leaks(account, &before);
	object = listing_new_since(objects, isolated);
	account->leaked += (uint64_t)(object != NULL);
	free(object);
	listing_free(objects);
	account->seconds = now_s() - start;
	account->done = 1;
	exit(0);
}

static void run_start(struct run *run, const struct options *options)
{
	(void)snprintf(run->dir, sizeof run->dir, "/tmp/kill_sweep.XXXXXX");
	CHECK(mkdtemp(run->dir));
	contract_report = &run->account->report;
	(void)fflush(NULL);
	run->pid = fork();
	CHECK(run->pid >= 0);
	if (run->pid == 0)
		mechanism_child(run->backend, run->dir, options, run->account);
	tree_clock_start(&run->clock, run->pid);
	(void)setpgid(run->pid, run->pid); /* in the child too: whoever comes first */
	run->stage = RUNNING;
}

/* Whether it is over: it has ended, or it hangs. */
static bool run_is_over(struct run *run)
{
	uint64_t steps = atomic_load(&run->account->report.steps);
	siginfo_t info = { .si_pid = 0 };
	double now;

	CHECK_EQ(waitid(P_PID, (id_t)run->pid, &info, WEXITED | WNOHANG | WNOWAIT), 0);
	if (info.si_pid)
		return true;
	now = tree_clock_read(&run->clock);
	if (steps != run->steps)
		run->step_s = now;
	run->steps = steps;
	if (now - run->step_s < CONTRACT_SILENT_S)
		return false;
	(void)fprintf(stderr, "%s: nothing happened for %d s\n", run->backend->info.name,
		      CONTRACT_SILENT_S);
	tree_clock_print(&run->clock); /* of the run only the table will remain */
	return true;
}

static void run_end(struct run *run)
{
	(void)kill(-run->pid, SIGKILL);
	while (waitpid(-run->pid, NULL, 0) > 0)
		;
	run->account->leaked += (uint64_t)(rmdir(run->dir) < 0);
	run->stage = ENDED;
}

/* As many at a time as there are CPUs, or one where they share quotas: signals of one user do. */
static void run_all(struct run *runs, size_t count, const struct options *options)
{
	long lanes = isolated ? sysconf(_SC_NPROCESSORS_ONLN) : 1, running = 0;
	const struct timespec nap = { .tv_nsec = 10000000 };
	size_t ended = 0, i;

	while (ended < count) {
		for (i = 0; i < count; i++) {
			if (runs[i].stage == WAITING && running < lanes) {
				run_start(&runs[i], options);
				running++;
			} else if (runs[i].stage == RUNNING && run_is_over(&runs[i])) {
				run_end(&runs[i]);
				running--;
				ended++;
			}
		}
		(void)nanosleep(&nap, NULL);
	}
}

/* ---- all of them ---- */

static bool report(const char *name, const struct account *a)
{
	bool good = a->done && !a->lost && !a->duplicated && !a->torn && !a->invented && !a->leaked;

	printf("%-10s %8llu %8llu %13llu %6llu %11llu %6llu %9llu %7llu %8.1f%s\n", name,
	       (unsigned long long)a->points, (unsigned long long)a->kills,
	       (unsigned long long)a->acknowledged, (unsigned long long)a->lost,
	       (unsigned long long)a->duplicated, (unsigned long long)a->torn,
	       (unsigned long long)a->invented, (unsigned long long)a->leaked, a->seconds,
	       good ? "" : " FAILED");
	return good;
}

static bool parse(int argc, char **argv, struct options *options)
{
	static const struct option table[] = {
		{ .name = "stride", .has_arg = required_argument, .val = 's' },
		{ .name = "kills", .has_arg = required_argument, .val = 'k' },
		{ .name = "only", .has_arg = required_argument, .val = 'o' },
		{ .name = "seed", .has_arg = required_argument, .val = 'r' },
		{ .name = "network", .has_arg = no_argument, .val = 'n' },
		{ .name = NULL },
	};
	int option;

	while ((option = getopt_long(argc, argv, "", table, NULL)) != -1)
		switch (option) {
		case 's':
			options->stride = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'k':
			options->kills = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'o':
			options->only = optarg;
			break;
		case 'r':
			contract_seed = strtoull(optarg, NULL, 10);
			break;
		case 'n':
			options->network = true;
			break;
		default:
			return false;
		}
	return optind == argc && options->stride > 0;
}

static bool chosen(const struct ipc_info *info, const struct options *options)
{
	return (!options->only || strcmp(options->only, info->name) == 0) &&
	       (!options->network || (info->capabilities & IPC_CAP_CROSS_HOST));
}

/* Those of the chosen that this machine can use, and the template. */
static size_t find_runs(struct run *runs, struct account *accounts, const struct options *options)
{
	const struct ipc_backend *subjects[MECHANISMS_MAX];
	size_t count = 0, i;

	contract_find_subjects(subjects, MECHANISMS_MAX);
	for (i = 0; subjects[i]; i++)
		if (chosen(&subjects[i]->info, options)) {
			runs[count].account = &accounts[count];
			runs[count++].backend = subjects[i];
		}
	return count;
}

static bool report_all(const struct run *runs, size_t count)
{
	bool good = true;
	size_t i;

	printf("%-10s %8s %8s %13s %6s %11s %6s %9s %7s %8s\n", "mechanism", "points", "kills",
	       "acknowledged", "lost", "duplicated", "torn", "invented", "leaked", "seconds");
	for (i = 0; i < count; i++)
		good = report(runs[i].backend->info.name, runs[i].account) && good;
	return good;
}

static void prepare(void)
{
	struct timespec now;
	int rc = isolate_possible(ISOLATE_QUOTAS);

	(void)clock_gettime(CLOCK_REALTIME, &now);
	contract_seed = (uint64_t)now.tv_nsec;
	isolated = rc == 0;
	if (!isolated) {
		printf("kill_sweep: no namespaces of its own: %s\n", strerror(-rc));
		CHECK_EQ(isolate_wait_turn(), 0);
	}
}

int main(int argc, char **argv)
{
	struct options options = { .stride = 4, .kills = 300 };
	struct run runs[MECHANISMS_MAX] = { { .pid = 0 } };
	struct account *accounts;
	size_t count;
	bool good;

	prepare();
	if (!parse(argc, argv, &options)) {
		(void)fputs("usage: kill_sweep [--stride=N] [--kills=N] [--only=NAME] [--seed=N] "
			    "[--network]\n",
			    stderr);
		return 2;
	}
	accounts = mmap(NULL, MECHANISMS_MAX * sizeof *accounts, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(accounts != MAP_FAILED);
	count = find_runs(runs, accounts, &options);
	if (count == 0) {
		(void)fputs("kill_sweep: there is no such mechanism\n", stderr);
		return 2;
	}
	run_all(runs, count, &options);
	good = report_all(runs, count);
	if (!good)
		printf("kill_sweep: again: %s --seed=%llu --stride=%u --kills=%u --only=NAME%s\n",
		       argv[0], (unsigned long long)contract_seed, options.stride, options.kills,
		       options.network ? " --network" : "");
	return good ? 0 : 1;
}
