/* SPDX-License-Identifier: MIT */
/*
 * mq.c - a worker reports the progress of a job over a POSIX message queue. The bare mechanism.
 *
 *	cc -D_GNU_SOURCE -o mq mq.c && ./mq
 *
 * A queue has no end of file, so the parent waits for a report or for the worker's death: on Linux
 * a queue is a descriptor, and a pidfd is another. Next: sysv.c, where neither is possible.
 */
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define STEPS 5

enum { PROGRESS, DONE };

struct report {
	uint32_t kind, percent;
};

static void die(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

static void work(mqd_t queue)
{
	struct report r = { .kind = PROGRESS };
	uint32_t step;

	for (step = 1; step <= STEPS; step++) {
		r.kind = step == STEPS ? DONE : PROGRESS;
		r.percent = 100 * step / STEPS;
		/* One priority for all: with a higher one the end would overtake the rest. */
		if (TEMP_FAILURE_RETRY(mq_send(queue, (char *)&r, sizeof r, 0)) < 0)
			_exit(EXIT_FAILURE);
	}
	_exit(EXIT_SUCCESS);
}

int main(void)
{
	struct mq_attr attr = { .mq_maxmsg = 10, .mq_msgsize = sizeof(struct report) };
	struct pollfd wait[2] = { { .events = POLLIN }, { .events = POLLIN } };
	struct report r = { .kind = PROGRESS };
	int status, ready;
	char name[32];
	mqd_t queue;
	pid_t worker;

	snprintf(name, sizeof name, "/example-%d", (int)getpid());
	queue = mq_open(name, O_CREAT | O_EXCL | O_RDWR | O_NONBLOCK, 0600, &attr);
	if (queue < 0 || mq_unlink(name) < 0) /* the fork hands it over: no name is needed */
		die("mq_open");
	worker = fork();
	if (worker == 0)
		work(queue);
	wait[0].fd = queue;
	wait[1].fd = worker < 0 ? -1 : pidfd_open(worker, 0);
	if (wait[1].fd < 0)
		die("fork");
	do { /* what the dead have sent is still there: so the queue first, then the pidfd */
		ready = poll(wait, 2, -1);
		while (mq_receive(queue, (char *)&r, sizeof r, NULL) == (ssize_t)sizeof r)
			printf("%u%%%s\n", r.percent, r.kind == DONE ? " done" : "");
	} while (ready > 0 && r.kind != DONE && !wait[1].revents);
	if (waitpid(worker, &status, 0) != worker)
		die("waitpid");
	return r.kind == DONE && status == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
