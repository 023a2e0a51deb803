/* SPDX-License-Identifier: MIT */
/*
 * signal.c - a worker reports the progress of a job by real-time signals. The bare mechanism.
 *
 *	cc -D_GNU_SOURCE -o signal signal.c && ./signal
 *
 * Each signal is queued with a value. No end of file: the parent polls a pidfd beside the signalfd
 * and drains the queue after the worker's death, for what was queued survives it.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define STEPS 5
#define DONE  100

static void die(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

static void report(int parent, int percent)
{
	siginfo_t info = { .si_signo = SIGRTMIN, .si_code = SI_QUEUE };

	info.si_pid = getpid();
	info.si_uid = getuid();
	info.si_value.sival_int = percent;
	/* By pidfd: getppid() of an orphan is init, which takes some of these for "halt". */
	while (pidfd_send_signal(parent, SIGRTMIN, &info, 0) < 0) {
		if (errno != EAGAIN) /* ESRCH: the parent is gone */
			_exit(EXIT_FAILURE);
		poll(NULL, 0, 1); /* the queue is full: wait, or the report is lost */
	}
}

int main(void)
{
	int parent = pidfd_open(getpid(), 0), status, done = 0, step;
	struct pollfd fds[2] = { { .events = POLLIN }, { .events = POLLIN } };
	struct signalfd_siginfo info;
	sigset_t set;
	pid_t worker;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	if (parent < 0 || sigprocmask(SIG_BLOCK, &set, NULL) < 0) /* else the first one kills us */
		die("blocking the signal");
	fds[0].fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	worker = fork();
	if (fds[0].fd < 0 || worker < 0)
		die("signalfd, fork");
	for (step = 1; worker == 0 && step <= STEPS; step++)
		report(parent, 100 * step / STEPS);
	if (worker == 0)
		_exit(EXIT_SUCCESS);
	fds[1].fd = pidfd_open(worker, 0);
	if (fds[1].fd < 0)
		die("pidfd_open");
	do { /* to the end of the queue after each wake-up, also after the one of its death */
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			die("poll");
		while (read(fds[0].fd, &info, sizeof info) == (ssize_t)sizeof info) {
			if (info.ssi_code != SI_QUEUE || info.ssi_pid != (unsigned)worker)
				continue; /* keeps out mistakes; a forger may claim any pid */
			done = info.ssi_int == DONE;
			printf("%d%%%s\n", info.ssi_int, done ? " done" : "");
		}
	} while (!fds[1].revents);
	if (waitpid(worker, &status, 0) != worker)
		die("waitpid");
	return done && status == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
