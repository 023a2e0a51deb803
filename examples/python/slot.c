/* SPDX-License-Identifier: MIT */
/*
 * slot.c - the worker of hub.py, in C: a program that was executed takes a slot with a ticket.
 *
 *	cc -D_GNU_SOURCE -o slot slot.c $(pkg-config --cflags --libs libipc)
 *	./hub.py shm ./slot
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include <ipcdemo/ipc.h>

#define STEPS 5

static ssize_t check(ssize_t rc, const char *what)
{
	if (rc >= 0)
		return rc;
	fprintf(stderr, "slot: %s: %s\n", what, strerror((int)-rc));
	exit(EXIT_FAILURE);
}

int main(int argc, char **argv)
{
	struct ipc_peer hub = { .pid = getppid(), .pidfd = pidfd_open(getppid(), 0) };
	struct ipc *events, *orders;
	unsigned slot, from, step;
	uint64_t percent;

	if (argc != 3) {
		fprintf(stderr, "usage: slot TICKET TICKET (hub.py makes them)\n");
		return 2;
	}
	check(ipc_join(&events, argv[1], &hub, &slot), "ipc_join");
	check(ipc_join(&orders, argv[2], &hub, &from), "ipc_join");
	for (step = 1; step <= STEPS; step++) {
		percent = 100 * step / STEPS;
		check(ipc_send_all(events, slot, &percent, 1), "ipc_send_all");
	}
	/* Not every mechanism delivers what a worker sent before it ended. 0: the hub is gone. */
	check(ipc_recv(orders, &from, &percent, 1, 0), "ipc_recv");
	ipc_close(events);
	ipc_close(orders);
	return 0;
}
