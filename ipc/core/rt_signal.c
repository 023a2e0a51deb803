/* SPDX-License-Identifier: MIT */
/* rt_signal.c - see rt_signal.h */
#include "config.h"

#include "ipc/core/rt_signal.h"

#include "ipc/core/backend.h"

int rt_signal_adopt(struct rt_signal *own, int number)
{
	own->number = number;
	(void)sigemptyset(&own->set);
	return number >= SIGRTMIN && sigaddset(&own->set, number) == 0 ? 0 : -EINVAL;
}

int rt_signal_claim(struct ipc *s, struct rt_signal *own)
{
	sigset_t blocked;
	int number;

	(void)sigprocmask(SIG_BLOCK, NULL, &blocked); /* only reads the mask: cannot fail */
	for (number = SIGRTMIN; number <= SIGRTMAX; number++)
		if (!sigismember(&blocked, number) && sigaction(number, NULL, &own->before) == 0 &&
		    (own->before.sa_handler == SIG_DFL || own->before.sa_handler == SIG_IGN))
			break;
	if (rt_signal_adopt(own, number) < 0)
		return -EBUSY;
	s->number = (uint64_t)number;
	return (int)SYS(s, sigprocmask(SIG_BLOCK, &own->set, NULL));
}

void rt_signal_release(struct ipc *s, const struct rt_signal *own, bool haunted)
{
	const struct sigaction ignore = { .sa_handler = SIG_IGN };

	/* Ignoring a signal discards pending ones, which would end the process once unblocked. */
	(void)SYS(s, sigaction(own->number, &ignore, NULL)); /* cannot fail, nor can these */
	if (!haunted)
		(void)SYS(s, sigaction(own->number, &own->before, NULL));
	(void)SYS(s, sigprocmask(SIG_UNBLOCK, &own->set, NULL));
}
