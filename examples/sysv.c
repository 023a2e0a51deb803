/* SPDX-License-Identifier: MIT */
/*
 * sysv.c - a worker reports the progress of a job over a System V message queue. The bare
 * mechanism.
 *
 *	cc -D_GNU_SOURCE -o sysv sysv.c && ./sysv
 *
 * The queue is a number, no descriptor: it outlives everybody until IPC_RMID, and a parent that
 * waits for a message cannot see that its worker is dead. So it looks, and naps. Diff with mq.c.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/msg.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STEPS 5

enum { PROGRESS = 1, DONE };

struct report {
	long type; /* first, and never 0: msgsnd(2) */
	uint32_t percent;
};

#define TEXT (sizeof(struct report) - sizeof(long))

static void work(int queue)
{
	struct report r = { .type = PROGRESS };
	uint32_t step;

	for (step = 1; step <= STEPS; step++) {
		r.type = step == STEPS ? DONE : PROGRESS;
		r.percent = 100 * step / STEPS;
		/* EIDRM: the parent has removed it. */
		if (TEMP_FAILURE_RETRY(msgsnd(queue, &r, TEXT, 0)) < 0)
			_exit(EXIT_FAILURE);
	}
	_exit(EXIT_SUCCESS);
}

int main(void)
{
	const struct timespec nap = { .tv_nsec = 200000 };
	int queue = msgget(IPC_PRIVATE, 0600); /* no key: only our children know the number */
	struct report r = { .type = PROGRESS };
	int status = 0, dead = 0;
	pid_t worker = queue < 0 ? -1 : fork();

	if (worker == 0)
		work(queue);
	while (worker > 0 && r.type != DONE) {
		/* Dead first, then the queue: what the dead have sent is still there. */
		if (!dead)
			dead = waitpid(worker, &status, WNOHANG) == worker;
		if (msgrcv(queue, &r, TEXT, 0, IPC_NOWAIT) >= 0)
			printf("%u%%%s\n", r.percent, r.type == DONE ? " done" : "");
		else if (errno != ENOMSG || dead)
			break;
		else
			nanosleep(&nap, NULL);
	}
	if (worker < 0)
		perror("sysv");
	if (worker > 0 && !dead)
		waitpid(worker, &status, 0);
	msgctl(queue, IPC_RMID, NULL); /* nobody else does */
	return worker > 0 && r.type == DONE && status == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
