/* SPDX-License-Identifier: MIT */
/*
 * embed.c - the same job over any mechanism of libipc, chosen by name.
 *
 *	cc -D_GNU_SOURCE -o embed embed.c $(pkg-config --cflags --libs libipc) && ./embed shm
 *
 * A session for each direction. The worker stays until it is told: not all mechanisms are DURABLE.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ipcdemo/ipc.h>

#define STEPS 5

static struct ipc *events, *orders;

static ssize_t check(ssize_t rc, const char *what)
{
	if (rc >= 0)
		return rc;
	fprintf(stderr, "%s: %s\n", what, strerror((int)-rc));
	exit(EXIT_FAILURE);
}

static void attach(enum ipc_role role, const struct ipc_peer *peer)
{
	check(ipc_attach(events, 0, role, peer), "ipc_attach");
	check(ipc_attach(orders, 0, role, peer), "ipc_attach");
}

static void work(void)
{
	uint64_t percent, word;
	unsigned step, slot;

	for (step = 1; step <= STEPS; step++) {
		percent = 100 * step / STEPS;
		check(ipc_send_all(events, 0, &percent, 1), "ipc_send_all");
	}
	check(ipc_recv(orders, &slot, &word, 1, 0), "ipc_recv"); /* 0: the parent is gone */
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "unix";
	struct ipc_config config = { .direction = IPC_TO_HUB, .record_size = 8, .slots = 1 };
	struct ipc_peer hub = { .pid = getpid(), .pidfd = pidfd_open(getpid(), 0) }, worker;
	uint64_t percent = 0;
	unsigned slot;
	int status = 0;

	check(ipc_open(&events, name, &config), name);
	config.direction = IPC_FROM_HUB;
	check(ipc_open(&orders, name, &config), name);
	check(ipc_arm(events, 0), "ipc_arm");
	check(ipc_arm(orders, 0), "ipc_arm");
	worker.pid = fork();
	check(worker.pid < 0 ? -errno : 0, "fork");
	if (worker.pid == 0) {
		attach(IPC_SLOT, &hub);
		work();
	} else {
		worker.pidfd = pidfd_open(worker.pid, 0); /* its death, where nothing else tells */
		attach(IPC_HUB, &worker);
		while (percent < 100 && check(ipc_recv(events, &slot, &percent, 1, 0), name) > 0)
			printf("%d%%%s\n", (int)percent, percent == 100 ? " done" : "");
		check(ipc_send(orders, 0, &percent, 1, 0), "ipc_send");
		waitpid(worker.pid, &status, 0);
	}
	ipc_close(events);
	ipc_close(orders);
	return worker.pid == 0 || (percent == 100 && status == 0) ? EXIT_SUCCESS : EXIT_FAILURE;
}
