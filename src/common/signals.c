/* SPDX-License-Identifier: MIT */
/* signals.c - see signals.h */
#include "config.h"

#include "common/signals.h"

#include <errno.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <unistd.h>

int signals_open(struct signals *signals)
{
	static const int wanted[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, SIGCONT };
	struct sigaction action;
	sigset_t set;
	size_t i;

	(void)sigemptyset(&set);
	for (i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
		if (sigaction(wanted[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
			(void)sigaddset(&set, wanted[i]);
	if (sigprocmask(SIG_BLOCK, &set, &signals->old_mask) < 0)
		return -errno;
	signals->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals->fd < 0) {
		int rc = -errno;

		(void)sigprocmask(SIG_SETMASK, &signals->old_mask, NULL);
		return rc;
	}
	return 0;
}

int signals_next(struct signals *signals)
{
	struct signalfd_siginfo info;

	if (read(signals->fd, &info, sizeof info) != (ssize_t)sizeof info)
		return 0; /* EAGAIN: none; a signalfd never gives a part */
	return (int)info.ssi_signo;
}

void signals_ignore_failed_writes(void)
{
	const struct sigaction action = { .sa_handler = SIG_IGN };

	(void)sigaction(SIGPIPE, &action, NULL); /* these calls cannot fail for valid signals */
	(void)sigaction(SIGXFSZ, &action, NULL);
}

bool signals_ends(int signo)
{
	return signo != 0 && signo != SIGWINCH && signo != SIGCONT;
}

void signals_close(struct signals *signals)
{
	if (signals->fd < 0)
		return;
	(void)close(signals->fd);
	signals->fd = -1;
	(void)sigprocmask(SIG_SETMASK, &signals->old_mask, NULL); /* as it was: cannot fail */
}

void signals_die(int signo)
{
	const struct sigaction action = { .sa_handler = SIG_DFL };
	sigset_t set;

	(void)sigaction(signo, &action, NULL);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, signo);
	(void)kill(getpid(), signo);
	(void)sigprocmask(SIG_UNBLOCK, &set, NULL); /* it is delivered here */
	_exit(128 + signo);                         /* only if SIGNO does not end a process */
}
