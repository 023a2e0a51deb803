/* SPDX-License-Identifier: MIT */
/*
 * epoll_fork_fixed.c - fixed: the worker makes an epoll instance of its own.
 *
 *	Prints: epoll_wait sees the worker's signal
 *	Ends:   exit 0
 *
 * Broken: epoll_fork.c.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define DIE(what) (perror(what), exit(2))

static int watch(int fd)
{
	struct epoll_event in = { .events = EPOLLIN };
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &in) < 0)
		DIE("epoll");
	return epoll;
}

int main(void)
{
	struct signalfd_siginfo info;
	struct epoll_event event;
	int fd, epoll, seen, status;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0 || (fd = signalfd(-1, &set, SFD_NONBLOCK)) < 0)
		DIE("signalfd");
	if (fork() > 0)
		return wait(&status) < 0 || status != 0;
	epoll = watch(fd);
	raise(SIGUSR1);
	seen = epoll_wait(epoll, &event, 1, 0);
	if (read(fd, &info, sizeof info) == sizeof info && seen == 0)
		return puts("the signal is there, and epoll_wait does not see it") > 0;
	return puts("epoll_wait sees the worker's signal") < 0;
}
