/* SPDX-License-Identifier: MIT */
/*
 * pid_reuse_fixed.c - fixed: a pidfd names the process itself, not its number.
 *
 *	Prints: ESRCH: the worker is gone, and the stranger lives
 *	Ends:   exit 0
 *
 * Opened before the worker is reaped, while the number cannot be another's. Broken: pid_reuse.c.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NAMESPACES (CLONE_NEWUSER | CLONE_NEWPID)
#define DIE(what)  err(errno == EPERM ? 77 : 2, what)

static pid_t stranger_with(pid_t number)
{
	struct clone_args args = { .exit_signal = SIGCHLD, .set_tid = (uintptr_t)&number };
	pid_t stranger;

	args.set_tid_size = 1;
	stranger = (pid_t)syscall(SYS_clone3, &args, sizeof args);
	while (stranger == 0)
		pause();
	return stranger;
}

int main(void)
{
	pid_t worker, stranger;
	int status, pidfd;

	if (syscall(SYS_unshare, NAMESPACES) < 0 || (worker = fork()) < 0)
		DIE("a pid namespace of our own");
	if (worker > 0) /* the child goes on as the namespace's first process */
		return wait(&status) < 0 || !WIFEXITED(status) ? 2 : WEXITSTATUS(status);
	worker = fork();
	if (worker == 0)
		_exit(0);
	pidfd = pidfd_open(worker, 0);
	waitpid(worker, NULL, 0);
	if ((stranger = stranger_with(worker)) < 0)
		DIE("clone3");
	if (pidfd_send_signal(pidfd, SIGTERM, NULL, 0) == 0 &&
	    waitpid(stranger, NULL, 0) == stranger)
		return puts("killed a stranger that has the dead worker's number") > 0;
	return puts("ESRCH: the worker is gone, and the stranger lives") < 0;
}
