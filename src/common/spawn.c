/* SPDX-License-Identifier: MIT */
/* spawn.c - see spawn.h */
#include "config.h"

#include "common/spawn.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/sched.h>

#include "common/fd_message.h"

/*
 * Every handler back to the default: the parent's would run on the child's copy of its
 * state. A signal that was ignored from the start (nohup) stays ignored.
 */
static void reset_dispositions(void)
{
	struct sigaction action;
	int signo;

	for (signo = 1; signo <= SIGRTMAX; signo++) {
		if (sigaction(signo, NULL, &action) < 0)
			continue; /* EINVAL: the two that the C library keeps for itself */
		if (action.sa_handler == SIG_IGN || action.sa_handler == SIG_DFL)
			continue;
		action = (struct sigaction){ .sa_handler = SIG_DFL };
		(void)sigaction(signo, &action, NULL); /* it had a handler: cannot fail */
	}
	action = (struct sigaction){ .sa_handler = SIG_IGN };
	(void)sigaction(SIGPIPE, &action, NULL);
}

/* In the child, signals still blocked. Does not return. */
static _Noreturn void child_run(pid_t parent, const char *name, const sigset_t *mask,
				int (*run)(void *), void *arg)
{
	/*
	 * The order closes a race: if the parent dies before prctl, no signal ever comes, but then
	 * getppid returns another parent already (prctl(2), PR_SET_PDEATHSIG).
	 */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(127);
	reset_dispositions();
	(void)prctl(PR_SET_NAME, name);             /* for ps; a failure harms nobody */
	(void)sigprocmask(SIG_SETMASK, mask, NULL); /* cannot fail for a valid set */
	_exit(run(arg));
}

/* PID is our child and not reaped before child_reap, so the number cannot mean another process. */
static int take_child(struct child *child, pid_t pid)
{
	int rc;

	child->pid = pid;
	child->pidfd = pidfd_open(pid, 0);
	if (child->pidfd >= 0)
		return 0;
	rc = -errno;
	(void)kill(pid, SIGKILL); /* not reaped, so it cannot be another process */
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	*child = CHILD_NONE;
	return rc;
}

int spawn(struct child *child, const char *name, int (*run)(void *arg), void *arg)
{
	sigset_t all, mask;
	pid_t parent = getpid();
	pid_t pid;
	int rc = 0;

	(void)fflush(NULL); /* the child would write what is buffered again; errors recur at exit */
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, &mask);
	pid = fork();
	if (pid == 0)
		child_run(parent, name, &mask, run, arg);
	if (pid < 0)
		rc = -errno;
	(void)sigprocmask(SIG_SETMASK, &mask, NULL);
	if (rc < 0)
		return rc;
	return take_child(child, pid);
}

static int posix_spawn_program(pid_t *pid, const char *program, char *const *argv, const int *keep,
			       size_t n)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t handled;
	size_t i;
	int rc;

	(void)posix_spawn_file_actions_init(&actions); /* these allocate nothing */
	(void)posix_spawnattr_init(&attributes);
	(void)sigemptyset(&handled);
	(void)sigaddset(&handled, SIGCHLD);
	rc = posix_spawnattr_setsigdefault(&attributes, &handled);
	if (rc == 0)
		rc = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
	for (i = 0; i < n && rc == 0; i++)
		if (keep[i] >= 0) /* onto itself: takes close-on-exec away */
			rc = posix_spawn_file_actions_adddup2(&actions, keep[i], keep[i]);
	if (rc == 0)
		rc = posix_spawn(pid, program, &actions, &attributes, argv, environ);
	(void)posix_spawnattr_destroy(&attributes);
	(void)posix_spawn_file_actions_destroy(&actions);
	return -rc;
}

int spawn_program(struct child *child, const char *program, char *const *argv, const int *keep,
		  size_t n)
{
	pid_t pid;
	int rc = posix_spawn_program(&pid, program, argv, keep, n);

	return rc < 0 ? rc : take_child(child, pid);
}

static int by_number(const void *a, const void *b)
{
	const int *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

void child_keep(int *keep, size_t n)
{
	unsigned next = STDERR_FILENO + 1;
	size_t i;

	qsort(keep, n, sizeof *keep, by_number);
	for (i = 0; i < n; i++) {
		if (keep[i] < (int)next)
			continue;
		if (keep[i] > (int)next)
			(void)close_range(next, (unsigned)keep[i] - 1, 0); /* Linux 5.9 */
		next = (unsigned)keep[i] + 1;
	}
	(void)close_range(next, UINT_MAX, 0);
}

void child_kill(const struct child *child, int signo)
{
	if (child->pidfd >= 0)
		(void)pidfd_send_signal(child->pidfd, signo, NULL, 0); /* ESRCH: gone already */
}

int child_reap(struct child *child, bool wait, int *status)
{
	pid_t pid;

	do {
		pid = waitpid(child->pid, status, wait ? 0 : WNOHANG);
	} while (pid < 0 && errno == EINTR);
	if (pid < 0)
		return -errno;
	if (pid == 0)
		return -EAGAIN;
	if (child->pidfd >= 0)
		(void)close(child->pidfd);
	*child = CHILD_NONE;
	return 0;
}

/* ---- a helper that forks ---- */

/*
 * fork(2), but the child is our parent's. The C library has no such call, so what its own does for
 * a process of one thread is done here: the kernel writes the child's number where the library
 * keeps it, and learns the child's list of robust locks. It writes the number into *MADE as well,
 * before the child runs and before we can be killed. -1 as fork.
 */
static pid_t fork_sibling(pid_t *made)
{
	struct clone_args args = { .flags = CLONE_PARENT | CLONE_PARENT_SETTID |
					    CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID,
				   .parent_tid = (uintptr_t)made };
	void *robust = NULL;
	size_t size = 0;
	int *tid = NULL;
	pid_t pid;

	if (prctl(PR_GET_TID_ADDRESS, &tid) < 0 ||
	    syscall(SYS_get_robust_list, 0, &robust, &size) < 0)
		return -1;
	args.child_tid = (uintptr_t)tid;
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof args);
	if (pid == 0)
		(void)syscall(SYS_set_robust_list, robust, size); /* its own: cannot fail */
	return pid;
}

static _Noreturn void sibling_run(pid_t parent, const struct spawner_setup *setup,
				  const struct spawn_order *order)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent) /* see child_run */
		_exit(127);
	(void)prctl(PR_SET_NAME, setup->name);
	_exit(setup->run(setup->arg, order));
}

struct helper {
	const struct spawner_setup *setup;
	int sockets[2]; /* the parent's, the helper's */
	pid_t *made;
};

static int helper_main(void *arg)
{
	const struct helper *helper = arg;
	const struct spawner_setup *setup = helper->setup;
	const pid_t parent = getppid();
	const int fd = helper->sockets[1];
	int keep[setup->keep_count + 1];
	_Alignas(max_align_t) char bytes[SPAWNER_ORDER_BYTES];
	struct fd_descriptors came;
	struct spawn_order order = { .bytes = bytes, .fds = came.fds };
	sigset_t set;
	ssize_t size;
	pid_t pid;

	memcpy(keep, setup->keep, setup->keep_count * sizeof *keep);
	keep[setup->keep_count] = fd;
	child_keep(keep, setup->keep_count + 1);
	(void)sigemptyset(&set); /* the terminal's go to all of us: the parent decides */
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGQUIT);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	*helper->made = 0; /* the page is there before it is needed; no child gets it */
	(void)madvise(helper->made, sizeof *helper->made, MADV_DONTFORK);
	while ((size = fd_message_receive(fd, bytes, sizeof bytes, &came, 0)) > 0) {
		order.size = (size_t)size;
		order.count = came.count;
		pid = fork_sibling(helper->made);
		if (pid == 0) {
			(void)close(fd);
			sibling_run(parent, setup, &order);
		}
		pid = pid < 0 ? -errno : pid;
		while (came.count > 0)
			(void)close(came.fds[--came.count]);
		if (TEMP_FAILURE_RETRY(send(fd, &pid, sizeof pid, MSG_NOSIGNAL)) < 0)
			break;
	}
	return 0;
}

int spawner_open(struct spawner *spawner, const struct spawner_setup *setup)
{
	struct helper helper = { .setup = setup };
	int rc;

	*spawner = SPAWNER_NONE;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, helper.sockets) < 0)
		return -errno;
	helper.made = mmap(NULL, sizeof *helper.made, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	rc = helper.made == MAP_FAILED ?
		     -errno :
		     spawn(&spawner->child, "ipcdemo-spawner", helper_main, &helper);
	(void)close(helper.sockets[1]);
	spawner->made = helper.made == MAP_FAILED ? NULL : helper.made;
	spawner->socket = helper.sockets[0];
	if (rc < 0)
		spawner_close(spawner);
	return rc;
}

/*
 * The helper may be killed between its fork and its report. The child lives, and has what its order
 * gave it: who took it for one that was never made would give all that to a second.
 */
int spawner_spawn(struct spawner *spawner, struct child *child, const struct spawn_order *order)
{
	pid_t pid = 0;
	ssize_t n = 0;
	int rc;

	*spawner->made = 0;
	rc = fd_message_send(spawner->socket, order->bytes, order->size, order->fds, order->count);
	if (rc == 0)
		n = TEMP_FAILURE_RETRY(recv(spawner->socket, &pid, sizeof pid, 0));
	if (n < 0)
		rc = -errno;
	if (n <= 0)
		pid = *spawner->made;
	if (pid == 0)
		return rc == 0 || rc == -ECONNRESET ? -EPIPE : rc;
	return pid < 0 ? pid : take_child(child, pid);
}

void spawner_close(struct spawner *spawner)
{
	int status;

	if (spawner->socket < 0)
		return;
	(void)close(spawner->socket); /* it ends */
	if (spawner->child.pid)
		(void)child_reap(&spawner->child, true, &status);
	if (spawner->made)
		(void)munmap(spawner->made, sizeof *spawner->made);
	*spawner = SPAWNER_NONE;
}
