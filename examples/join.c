/* SPDX-License-Identifier: MIT */
/*
 * join.c - a program that was not forked by the hub takes its slot with a ticket.
 *
 *	cc -D_GNU_SOURCE -o join join.c $(pkg-config --cflags --libs libipc) && ./join
 *
 * Without an argument it is the hub: it executes itself, with the ticket as the argument and the
 * ticket's descriptors under their numbers. See ipc_ticket in ipc.h.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ipcdemo/ipc.h>

#define STEPS 5

static int work(const char *ticket)
{
	const struct ipc_peer hub = { .pid = getppid(), .pidfd = pidfd_open(getppid(), 0) };
	struct ipc *events;
	unsigned slot;
	uint64_t percent;

	if (ipc_join(&events, ticket, &hub, &slot) < 0)
		return EXIT_FAILURE;
	for (percent = 100 / STEPS; percent <= 100; percent += 100 / STEPS)
		if (ipc_send_all(events, slot, &percent, 1) < 0)
			return EXIT_FAILURE;
	ipc_close(events);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	const struct ipc_config config = { .direction = IPC_TO_HUB, .record_size = 8, .slots = 1 };
	struct ipc_ticket ticket;
	struct ipc_peer worker;
	struct ipc *events;
	unsigned slot, i;
	uint64_t percent = 0;
	int status = 1;

	if (argc > 1)
		return work(argv[1]);
	if (ipc_open(&events, "unix", &config) < 0 || ipc_ticket(events, 0, &ticket) < 0)
		return EXIT_FAILURE;
	worker.pid = fork();
	if (worker.pid == 0) {
		for (i = 0; i < IPC_TICKET_FDS; i++)
			if (ticket.fds[i] >= 0)
				(void)fcntl(ticket.fds[i], F_SETFD, 0); /* it outlives the exec */
		execl("/proc/self/exe", argv[0], ticket.text, (char *)NULL);
		_exit(EXIT_FAILURE);
	}
	worker.pidfd = pidfd_open(worker.pid, 0);
	if (worker.pid < 0 || ipc_attach(events, 0, IPC_HUB, &worker) < 0)
		return EXIT_FAILURE;
	ipc_ticket_close(&ticket);
	while (ipc_recv(events, &slot, &percent, 1, 0) > 0)
		printf("%d%%%s\n", (int)percent, percent == 100 ? " done" : "");
	ipc_close(events);
	return waitpid(worker.pid, &status, 0) == worker.pid && status == 0 ? EXIT_SUCCESS :
									      EXIT_FAILURE;
}
