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
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ipcdemo/ipc.h>

static int work(const char *ticket)
{
	const struct ipc_peer hub = { .pid = getppid(), .pidfd = pidfd_open(getppid(), 0) };
	struct ipc *events = NULL;
	uint64_t percent;
	unsigned slot;
	int rc = ipc_join(&events, ticket, &hub, &slot);

	for (percent = 20; percent <= 100 && rc == 0; percent += 20)
		rc = ipc_send_all(events, slot, &percent, 1);
	ipc_close(events);
	return rc < 0;
}

int main(int argc, char **argv)
{
	const struct ipc_config config = { .direction = IPC_TO_HUB, .record_size = 8, .slots = 1 };
	struct ipc_ticket ticket;
	struct ipc_peer worker;
	struct ipc *events;
	uint64_t percent;
	unsigned slot;
	int i, status = 1;

	if (argc > 1)
		return work(argv[1]);
	if (ipc_open(&events, "unix", &config) < 0 || ipc_ticket(events, 0, &ticket) < 0)
		return 1;
	worker.pid = fork();
	for (i = 0; worker.pid == 0 && i < IPC_TICKET_FDS; i++)
		(void)fcntl(ticket.fds[i], F_SETFD, 0); /* it outlives the exec */
	if (worker.pid == 0)
		_exit(execl("/proc/self/exe", argv[0], ticket.text, (char *)NULL));
	worker.pidfd = pidfd_open(worker.pid, 0);
	if (worker.pid < 0 || ipc_attach(events, 0, IPC_HUB, &worker) < 0)
		return 1;
	ipc_ticket_close(&ticket);
	while (ipc_recv(events, &slot, &percent, 1, 0) > 0)
		printf("%d%%%s\n", (int)percent, percent == 100 ? " done" : "");
	ipc_close(events);
	return waitpid(worker.pid, &status, 0) != worker.pid || status != 0;
}
