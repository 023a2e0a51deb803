/* SPDX-License-Identifier: MIT */
/*
 * lost_wakeup_fixed.c - fixed: the receiver says that it sleeps, looks again, then sleeps.
 *
 *	Prints: received at every moment
 *	Ends:   exit 0
 *
 * Each side writes first and then looks at what the other wrote. Sequential consistency orders the
 * two: at least one of them sees the other's write. Broken: lost_wakeup.c.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static _Atomic int *records, *asleep; /* in shared memory */
static int bell;

static void sender_may_run(int now, int moment)
{
	if (now == moment && fork() == 0) {
		++*records; /* sequentially consistent: before the look at asleep */
		_exit(*asleep && eventfd_write(bell, 1) < 0);
	}
	wait(NULL); /* at another moment there is nobody to wait for */
}

static int receive(int moment)
{
	struct pollfd ring = { .fd = bell = eventfd(0, EFD_NONBLOCK), .events = POLLIN };

	*records = *asleep = 0;
	sender_may_run(0, moment);
	*asleep = 1;
	sender_may_run(1, moment);
	if (*records > 0)
		return 1;
	sender_may_run(2, moment);
	return poll(&ring, 1, 0); /* 0: would sleep, and the sender has nothing more to say */
}

int main(void)
{
	int moment;

	records = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	asleep = records + 1;
	if (records == MAP_FAILED)
		return 2;
	for (moment = 0; moment < 3 && receive(moment) > 0; moment++)
		;
	if (moment == 3)
		return puts("received at every moment") < 0;
	printf("moment %d: asleep for ever, with a record in the queue\n", moment);
	return 1;
}
