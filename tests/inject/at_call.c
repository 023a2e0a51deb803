/* SPDX-License-Identifier: MIT */
/*
 * at_call.c - runs a program and kills it, or one of its workers, at its Nth system call, or lets
 * that call fail.
 *
 *	at_call --nth=N [--worker] [--every=K] [--error[=NAME]] [--calls=NAME,...] --report=FILE
 *		-- COMMAND [ARGUMENT...]
 *
 * Calls are counted from the moment when COMMAND opens /dev/null, the first thing that our main()
 * does: what comes before is the dynamic linker's. --worker: of the first process that COMMAND
 * forks, from its first call. --calls: only these count, of the table. --error: only calls of which
 * the table has an error count; each fails with that, or with NAME, and is not carried out.
 * --every: so does each Kth from there on. Without --error the process is killed instead of the
 * call (SIGKILL).
 *
 * Ends when all that it has started has ended, with COMMAND's status (or 128 + its signal). FILE
 * gets one line: "hit NUMBER at CALL" or "missed after COUNT calls". 126: it failed itself.
 */
#include "config.h"

#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRACEES_MAX 4096
#define OPTIONS                                                                            \
 (PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | \
  PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL)

#if defined(__x86_64__)
# define CAN_FAIL 1
#else
# define CAN_FAIL 0 /* how a call is made to fail is each processor's own matter */
#endif

/* What a call fails with, where no --error says otherwise. */
static const struct call {
	long number;
	const char *name;
	int error;
} calls[] = {
#define CALL(name, error)  \
 {                         \
  SYS_##name, #name, error \
 }
	CALL(read, EIO),
	CALL(write, EIO),
	CALL(pread64, EIO),
	CALL(pwrite64, ENOSPC),
	CALL(readv, EIO),
	CALL(writev, EIO),
	CALL(preadv2, EOPNOTSUPP),
	CALL(pwritev2, EOPNOTSUPP),
	CALL(openat, EMFILE),
	CALL(openat2, ENOSYS),
	CALL(fsync, EIO),
	CALL(ftruncate, ENOSPC),
	CALL(fallocate, ENOSPC),
	CALL(fstat, EIO),
	CALL(newfstatat, EIO),
	CALL(statx, EIO),
	CALL(linkat, EPERM),
	CALL(renameat2, EIO),
	CALL(unlinkat, EIO),
	CALL(mkdirat, ENOSPC),
	CALL(getcwd, ENOENT),
	CALL(getdents64, EIO),
	CALL(fcntl, EMFILE),
	CALL(ioctl, ENOTTY),
	CALL(mmap, ENOMEM),
	CALL(madvise, EINVAL),
	CALL(memfd_create, EMFILE),
	CALL(membarrier, ENOSYS),
	CALL(socket, EMFILE),
	CALL(socketpair, EMFILE),
	CALL(bind, EADDRINUSE),
	CALL(listen, EADDRINUSE),
	CALL(connect, ECONNREFUSED),
	CALL(accept4, EMFILE),
	CALL(getsockname, ENOBUFS),
	CALL(getsockopt, ENOPROTOOPT),
	CALL(setsockopt, ENOPROTOOPT),
	CALL(sendto, ECONNRESET),
	CALL(recvfrom, ECONNRESET),
	CALL(sendmsg, ENOBUFS),
	CALL(recvmsg, EIO),
	CALL(shutdown, ENOTCONN),
	CALL(pipe2, EMFILE),
	CALL(eventfd2, EMFILE),
	CALL(epoll_create1, EMFILE),
	CALL(epoll_ctl, ENOMEM),
	CALL(epoll_wait, EINTR),
	CALL(ppoll, ENOMEM),
	CALL(poll, ENOMEM),
	CALL(signalfd4, EMFILE),
	CALL(clone, EAGAIN),
	CALL(clone3, EAGAIN),
	CALL(execve, EACCES),
	CALL(wait4, ECHILD),
	CALL(waitid, ECHILD),
	CALL(pidfd_open, EMFILE),
	CALL(pidfd_send_signal, EPERM),
	CALL(kill, EPERM),
	CALL(prctl, EINVAL),
	CALL(prlimit64, EPERM),
	CALL(getrandom, ENOSYS),
	CALL(rt_sigaction, EINVAL),
	CALL(close_range, ENOSYS),
	CALL(seccomp, EINVAL),
	CALL(landlock_create_ruleset, ENOSYS),
	CALL(landlock_add_rule, EINVAL),
	CALL(landlock_restrict_self, EPERM),
	CALL(mq_open, EMFILE),
	CALL(msgget, ENOSPC),
	CALL(msgsnd, EIDRM),
	CALL(msgrcv, EIDRM),
	CALL(process_vm_readv, EPERM),
	CALL(process_vm_writev, EPERM),
	CALL(io_uring_setup, ENOSYS),
	CALL(io_uring_enter, EBUSY),
	CALL(nanosleep, EINTR),
	CALL(clock_nanosleep, EINTR),
};
#define CALLS (sizeof calls / sizeof calls[0])

static const struct {
	const char *name;
	int error;
} errors[] = {
	{ "EINTR", EINTR },   { "EAGAIN", EAGAIN },
	{ "ENOSYS", ENOSYS }, { "ENOMEM", ENOMEM },
	{ "ENOSPC", ENOSPC }, { "EPERM", EPERM },
	{ "EIO", EIO },       { "ETOOMANYREFS", ETOOMANYREFS },
};

static struct {
	uint64_t nth, every;
	bool worker, fails, chooses;
	int error; /* 0: the table's */
	bool chosen[CALLS];
	const char *report;
} options;

/* A thread of the program. */
struct tracee {
	pid_t pid; /* 0: free */
	bool fresh, target, counts;
	int error; /* of the call that it is in; 0: none of ours */
};

static struct tracee tracees[TRACEES_MAX];
static pid_t first, first_worker;
static uint64_t count, hits;
static long hit_number = -1;

static const struct call *find_call(long number)
{
	for (size_t i = 0; i < CALLS; i++)
		if (calls[i].number == number)
			return &calls[i];
	return NULL;
}

/* A field of /proc/PID/status; 0: it is gone. */
static pid_t field_of(pid_t pid, const char *field)
{
	char path[64], line[128], format[32];
	pid_t value = 0;
	FILE *status;

	(void)snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	(void)snprintf(format, sizeof format, "%s: %%d", field);
	status = fopen(path, "re");
	while (status && fgets(line, sizeof line, status) && sscanf(line, format, &value) != 1)
		;
	if (status)
		(void)fclose(status);
	return value;
}

/* PID's entry; a new one learns here whose thread it is. */
static struct tracee *tracee_of(pid_t pid)
{
	struct tracee *unused = NULL;
	pid_t process;

	for (size_t i = 0; i < TRACEES_MAX; i++) {
		if (tracees[i].pid == pid)
			return &tracees[i];
		if (!unused && tracees[i].pid == 0)
			unused = &tracees[i];
	}
	if (!unused)
		errx(126, "more than %d threads", TRACEES_MAX);
	process = field_of(pid, "Tgid");
	if (process != first && first_worker == 0 && field_of(pid, "PPid") == first)
		first_worker = process;
	*unused = (struct tracee){ .pid = pid, .fresh = true };
	unused->target = process == (options.worker ? first_worker : first) && process != 0;
	unused->counts = options.worker || pid != first; /* main has begun if it has threads */
	return unused;
}

/* Does it open /dev/null? */
static bool is_begin_of_main(pid_t pid, const struct __ptrace_syscall_info *info)
{
	char path[16] = "";
	size_t i;

	if (info->entry.nr != SYS_openat)
		return false;
	for (i = 0; i < sizeof path; i += sizeof(long)) {
		long word = ptrace(PTRACE_PEEKDATA, pid, info->entry.args[1] + i, NULL);

		memcpy(path + i, &word, sizeof word);
	}
	return strncmp(path, "/dev/null", sizeof path) == 0;
}

static void set_register(pid_t pid, size_t at, long value)
{
	if (ptrace(PTRACE_POKEUSER, pid, at, value) < 0 && errno != ESRCH)
		err(126, "POKEUSER");
}

#if CAN_FAIL
# define SET_NUMBER(pid, n) set_register(pid, offsetof(struct user_regs_struct, orig_rax), n)
# define SET_RESULT(pid, n) set_register(pid, offsetof(struct user_regs_struct, rax), n)
#else
# define SET_NUMBER(pid, n) set_register(pid, 0, n)
# define SET_RESULT(pid, n) set_register(pid, 0, n)
#endif

static void enter(struct tracee *tracee, const struct __ptrace_syscall_info *info)
{
	const struct call *call = find_call((long)info->entry.nr);

	if (!tracee->counts)
		tracee->counts = is_begin_of_main(tracee->pid, info);
	if (!tracee->target || !tracee->counts)
		return;
	if (call ? !options.chosen[call - calls] : options.fails || options.chooses)
		return;
	count++;
	if (count < options.nth || (count > options.nth && options.every == 0) ||
	    (options.every > 0 && (count - options.nth) % options.every != 0))
		return;
	hits++;
	hit_number = (long)info->entry.nr;
	if (!options.fails) {
		(void)kill(options.worker ? first_worker : first, SIGKILL);
		return;
	}
	tracee->error = options.error ? options.error : call->error;
	SET_NUMBER(tracee->pid, -1);
}

static void at_syscall(struct tracee *tracee)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, tracee->pid, sizeof info, &info) < 0)
		return; /* killed meanwhile */
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
		enter(tracee, &info);
	else if (info.op == PTRACE_SYSCALL_INFO_EXIT && tracee->error) {
		SET_RESULT(tracee->pid, -tracee->error);
		tracee->error = 0;
	}
}

/* PID has stopped. The signal that it goes on with. */
static int stopped(pid_t pid, int status)
{
	struct tracee *tracee = tracee_of(pid);
	int signo = WSTOPSIG(status);

	if (signo == (SIGTRAP | 0x80)) {
		at_syscall(tracee);
		return 0;
	}
	if (status >> 16 || (tracee->fresh && signo == SIGSTOP)) {
		tracee->fresh = tracee->fresh && status >> 16;
		return 0;
	}
	return signo;
}

/* Until nothing is left. COMMAND's status as of waitpid. */
static int follow(void)
{
	int status, end = 0;
	pid_t pid;

	while ((pid = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR) {
		if (pid <= 0)
			continue;
		if (WIFSTOPPED(status)) {
			(void)ptrace(PTRACE_SYSCALL, pid, NULL, stopped(pid, status));
			continue;
		}
		if (pid == first)
			end = status;
		tracee_of(pid)->pid = 0;
	}
	return end;
}

static void start(char **command)
{
	int status;

	first = fork();
	if (first < 0)
		err(126, "fork");
	if (first == 0) {
		(void)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		(void)raise(SIGSTOP);
		(void)execvp(command[0], command);
		err(127, "%s", command[0]);
	}
	if (waitpid(first, &status, 0) != first ||
	    ptrace(PTRACE_SETOPTIONS, first, NULL, OPTIONS) < 0)
		err(126, "ptrace");
	tracee_of(first)->fresh = false;
	(void)ptrace(PTRACE_SYSCALL, first, NULL, NULL);
}

static void report(void)
{
	FILE *file = fopen(options.report, "we");
	const struct call *call = find_call(hit_number);

	if (!file)
		err(126, "%s", options.report);
	if (hits == 0)
		(void)fprintf(file, "missed after %ju calls\n", (uintmax_t)count);
	else if (call)
		(void)fprintf(file, "hit %ju at %s\n", (uintmax_t)hits, call->name);
	else
		(void)fprintf(file, "hit %ju at %ld\n", (uintmax_t)hits, hit_number);
	if (fclose(file) != 0)
		err(126, "%s", options.report);
}

static void choose_calls(char *list)
{
	char *name, *rest = NULL;
	size_t i;

	for (i = 0; i < CALLS; i++)
		options.chosen[i] = list == NULL;
	for (name = list ? strtok_r(list, ",", &rest) : NULL; name;
	     name = strtok_r(NULL, ",", &rest)) {
		for (i = 0; i < CALLS && strcmp(calls[i].name, name) != 0; i++)
			;
		if (i == CALLS)
			errx(126, "no call '%s' in the table", name);
		options.chosen[i] = true;
	}
}

static int error_of(const char *name)
{
	for (size_t i = 0; name && i < sizeof errors / sizeof errors[0]; i++)
		if (strcmp(errors[i].name, name) == 0)
			return errors[i].error;
	if (name)
		errx(126, "no error '%s'", name);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option table[] = {
		{ "nth", required_argument, NULL, 'n' },
		{ "every", required_argument, NULL, 'e' },
		{ "worker", no_argument, NULL, 'w' },
		{ "error", optional_argument, NULL, 'f' },
		{ "calls", required_argument, NULL, 'c' },
		{ "report", required_argument, NULL, 'r' },
		{ 0 },
	};
	char *list = NULL;
	int option, status;

	while ((option = getopt_long(argc, argv, "+", table, NULL)) >= 0) {
		if (option == 'n')
			options.nth = strtoull(optarg, NULL, 10);
		else if (option == 'e')
			options.every = strtoull(optarg, NULL, 10);
		else if (option == 'w')
			options.worker = true;
		else if (option == 'c')
			list = optarg;
		else if (option == 'r')
			options.report = optarg;
		else if (option == 'f') {
			options.fails = true;
			options.error = error_of(optarg);
		} else
			return 126;
	}
	if (!options.report || optind == argc || (options.fails && !CAN_FAIL))
		errx(126, "see the top of at_call.c");
	options.chooses = list != NULL;
	choose_calls(list);
	start(argv + optind);
	status = follow();
	report();
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
