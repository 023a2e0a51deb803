/* SPDX-License-Identifier: MIT */
/*
 * contract_join.c - rules of tickets: a program that was executed takes a slot, so do threads of
 * the hub's own process, and a text that is no ticket takes none. (contract_test.c also runs the
 * rules of flow, waiting, death and owners with workers that hold tickets.)
 */
#include "config.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/ipc/contract.h"

#define ROUNDS 200

static struct ipc *open_session(const struct subject *subject, enum ipc_direction direction,
				unsigned slots)
{
	struct ipc_config config = { .direction = direction,
				     .record_size = subject->record,
				     .slots = slots,
				     .depth = 32,
				     .runtime_dir = subject->dir };
	struct ipc *s = NULL;

	CHECK_EQ(ipc_open(&s, subject->backend->info.name, &config), 0);
	return s;
}

/* ---- a program that was executed ---- */

/* Both tickets in one word of its command line, parted by a comma: events, then commands. */
int contract_joined_program(const char *tickets)
{
	struct ipc_peer hub = { .pid = getppid() };
	char *events_text = strdup(tickets), *commands_text = strchr(events_text, ',');
	struct ipc *events, *commands;
	unsigned slot, same, from, i;
	char record[56];

	CHECK(commands_text);
	*commands_text++ = '\0';
	hub.pidfd = (int)syscall(SYS_pidfd_open, hub.pid, 0);
	CHECK(hub.pidfd >= 0 && getppid() == hub.pid);
	CHECK_EQ(ipc_join(&events, events_text, &hub, &slot), 0);
	CHECK_EQ(ipc_join(&commands, commands_text, &hub, &same), 0);
	CHECK_EQ(slot, same);
	for (i = 0; i < ROUNDS; i++) {
		CHECK_EQ(ipc_recv(commands, &from, record, 1, 0), 1);
		CHECK_EQ(from, slot);
		CHECK_EQ(ipc_send(events, slot, record, 1, 0), 1);
	}
	CHECK_EQ(ipc_recv(commands, &from, record, 1, 0), 0); /* until the hub lets go */
	ipc_close(events);
	ipc_close(commands);
	free(events_text);
	return 0;
}

static pid_t execute(const struct ipc_ticket *tickets)
{
	char text[2 * sizeof tickets->text];
	char *const argv[] = { (char *)"contract_test", (char *)"--join", text, NULL };
	pid_t pid;
	int i;

	(void)snprintf(text, sizeof text, "%s,%s", tickets[0].text, tickets[1].text);
	pid = fork();
	CHECK(pid >= 0);
	if (pid > 0)
		return pid;
	CHECK_EQ(prctl(PR_SET_PDEATHSIG, SIGKILL), 0);
	for (i = 0; i < 2 * IPC_TICKET_FDS; i++) {
		int fd = tickets[i / IPC_TICKET_FDS].fds[i % IPC_TICKET_FDS];

		if (fd >= 0)
			CHECK_EQ(fcntl(fd, F_SETFD, 0), 0);
	}
	(void)execv("/proc/self/exe", argv);
	_exit(126);
}

/* As if they had come over a socket. */
static void move_descriptors(struct ipc_ticket *ticket)
{
	int i, fd;

	for (i = 0; i < IPC_TICKET_FDS; i++) {
		if (ticket->fds[i] < 0)
			continue;
		fd = fcntl(ticket->fds[i], F_DUPFD_CLOEXEC, 100);
		CHECK(fd >= 0 && close(ticket->fds[i]) == 0);
		ticket->fds[i] = fd;
	}
	CHECK_EQ(ipc_ticket_moved(ticket), 0);
}

static void start_program(struct ipc *const *session, unsigned slot, struct ipc_peer *worker)
{
	struct ipc_ticket tickets[2];
	int i;

	for (i = 0; i < 2; i++)
		CHECK_EQ(ipc_ticket(session[i], slot, &tickets[i]), 0);
	CHECK_EQ(ipc_arm(session[0], slot), -EBUSY);
	for (i = 0; i < 2 && slot % 2 == 1; i++)
		move_descriptors(&tickets[i]);
	worker->pid = execute(tickets);
	worker->pidfd = (int)syscall(SYS_pidfd_open, worker->pid, 0);
	CHECK(worker->pidfd >= 0);
	for (i = 0; i < 2; i++) {
		CHECK_EQ(ipc_attach(session[i], slot, IPC_HUB, worker), 0);
		ipc_ticket_close(&tickets[i]);
	}
}

static void run_program(const struct subject *subject)
{
	unsigned slots = subject->rule->slots, slot, from, round;
	struct ipc_peer worker[4];
	char record[56];
	struct ipc *session[2];
	int status;

	session[0] = open_session(subject, IPC_TO_HUB, slots);
	session[1] = open_session(subject, IPC_FROM_HUB, slots);
	for (slot = 0; slot < slots; slot++)
		start_program(session, slot, &worker[slot]);
	for (round = 0; round < ROUNDS; round++) {
		for (slot = 0; slot < slots; slot++) {
			record_fill(record, 56, id_of(slot, 0, round));
			CHECK_EQ(ipc_send(session[1], slot, record, 1, 0), 1);
		}
		for (slot = 0; slot < slots; slot++) {
			CHECK_EQ(ipc_recv(session[0], &from, record, 1, 0), 1);
			CHECK_EQ((long long)record_id(record, 56),
				 (long long)id_of(from, 0, round));
		}
	}
	/*
	 * Its end is told as ever: by the mechanism, or by a death. Who is told otherwise, as by
	 * the end of a queue, is not killed on its way out: its leak checker would leave us the
	 * process that it looks with.
	 */
	for (slot = 0; slot < slots; slot++) {
		const bool told = subject->backend->info.capabilities & IPC_CAP_EOF;

		if (told)
			ipc_detach(session[1], slot);
		else
			CHECK_EQ(kill(worker[slot].pid, SIGKILL), 0);
		CHECK_EQ(waitpid(worker[slot].pid, &status, 0), worker[slot].pid);
		CHECK_EQ(status, told ? 0 : SIGKILL);
		ipc_detach(session[1], slot);
		(void)close(worker[slot].pidfd);
	}
	ipc_close(session[0]);
	ipc_close(session[1]);
}

/* ---- threads of the hub's process ---- */

struct thread {
	pthread_t id;
	struct ipc_ticket ticket[2]; /* events, commands */
	int done;                    /* an eventfd: stands for a pidfd */
	_Atomic uint32_t all_read;   /* a gate: what was sent may go with its sender */
};

static void *thread_main(void *arg)
{
	const struct ipc_peer hub = { .pid = getpid(), .pidfd = -1 };
	struct thread *t = arg;
	struct ipc *events, *commands;
	uint64_t one = 1;
	unsigned slot, from, i;
	char record[56];

	CHECK_EQ(ipc_join(&events, t->ticket[0].text, &hub, &slot), 0);
	CHECK_EQ(ipc_join(&commands, t->ticket[1].text, &hub, &slot), 0);
	for (i = 0; i < ROUNDS; i++) {
		CHECK_EQ(ipc_recv(commands, &from, record, 1, 0), 1);
		CHECK_EQ(from, slot);
		CHECK_EQ(ipc_send(events, slot, record, 1, 0), 1);
	}
	if (!(ipc_session_info(events)->capabilities & IPC_CAP_DURABLE))
		gate_await(&t->all_read, 1);
	ipc_close(events);
	ipc_close(commands);
	CHECK_EQ(write(t->done, &one, sizeof one), (long long)sizeof one);
	return NULL;
}

static void start_thread(struct ipc *const *session, unsigned slot, struct thread *t)
{
	struct ipc_peer peer = { .pid = getpid(), .pidfd = eventfd(0, EFD_CLOEXEC) };
	unsigned i;

	CHECK(peer.pidfd >= 0);
	for (i = 0; i < 2; i++) {
		CHECK_EQ(ipc_ticket(session[i], slot, &t->ticket[i]), 0);
		CHECK_EQ(ipc_attach(session[i], slot, IPC_HUB, &peer), 0);
	}
	t->done = peer.pidfd;
	atomic_store(&t->all_read, 0);
	CHECK_EQ(pthread_create(&t->id, NULL, thread_main, t), 0);
}

/* A command to each, and its echo from each. An end may be told while others still echo. */
static void one_round(struct ipc *const *session, unsigned slots, unsigned life, unsigned round,
		      unsigned *ends)
{
	unsigned slot, from, echoes = 0;
	char record[56];

	for (slot = 0; slot < slots; slot++) {
		record_fill(record, 56, id_of(slot, life, round));
		CHECK_EQ(ipc_send(session[1], slot, record, 1, 0), 1);
	}
	while (echoes < slots) {
		ssize_t rc = ipc_recv(session[0], &from, record, 1, 0);

		CHECK_RC(rc, rc == 1 || (rc == 0 && round + 1 == ROUNDS));
		echoes += rc == 1;
		*ends += rc == 0;
		if (rc == 1)
			CHECK_EQ((long long)record_id(record, 56),
				 (long long)id_of(from, life, round));
	}
}

/* Each slot's owner ends, and another thread takes the slot: it starts afresh. */
static void run_threads(const struct subject *subject)
{
	unsigned slots = subject->rule->slots, slot, from, round, life;
	struct thread thread[4];
	struct ipc *session[2];
	char record[56];

	session[0] = open_session(subject, IPC_TO_HUB, slots);
	session[1] = open_session(subject, IPC_FROM_HUB, slots);
	for (life = 0; life < subject->count; life++) {
		unsigned ends = 0;

		for (slot = 0; slot < slots; slot++)
			start_thread(session, slot, &thread[slot]);
		for (round = 0; round < ROUNDS; round++)
			one_round(session, slots, life, round, &ends);
		for (slot = 0; slot < slots; slot++)
			gate_open(&thread[slot].all_read);
		if (slots == 1 || (subject->backend->info.capabilities & IPC_CAP_EOF))
			for (; ends < slots; ends++)
				CHECK_EQ(ipc_recv(session[0], &from, record, 1, 0), 0);
		for (slot = 0; slot < slots; slot++) {
			CHECK_EQ(pthread_join(thread[slot].id, NULL), 0);
			ipc_detach(session[0], slot);
			ipc_detach(session[1], slot);
			(void)close(thread[slot].done);
		}
	}
	ipc_close(session[0]);
	ipc_close(session[1]);
}

/*
 * An owner that is of the same process as the last: no pid tells them apart. Of the last one a
 * record is unread.
 */
static void run_same_process(const struct subject *subject)
{
	const struct ipc_peer self = { .pid = getpid(), .pidfd = -1 };
	struct ipc *s = open_session(subject, IPC_TO_HUB, 2), *owner;
	struct ipc_ticket ticket;
	unsigned life, slot, from;
	char record[56];

	for (life = 0; life < 3; life++) {
		CHECK_EQ(ipc_ticket(s, 0, &ticket), 0);
		CHECK_EQ(ipc_attach(s, 0, IPC_HUB, &self), 0);
		CHECK_EQ(ipc_join(&owner, ticket.text, &self, &slot), 0);
		record_fill(record, 56, id_of(0, life, 0));
		CHECK_EQ(ipc_send(owner, 0, record, 1, 0), 1);
		if (life > 0) {
			CHECK_EQ(ipc_recv(s, &from, record, 1, 0), 1);
			CHECK_EQ((long long)record_id(record, 56), (long long)id_of(0, life, 0));
			CHECK_EQ(ipc_send(owner, 0, record, 1, 0), 1);
		}
		ipc_close(owner);
		ipc_detach(s, 0);
	}
	CHECK_EQ(ipc_recv(s, &from, record, 1, IPC_NOWAIT), -EAGAIN);
	ipc_close(s);
}

/* ---- what is no ticket ---- */

static void run_no_ticket(const struct subject *subject)
{
	static const char *const bad[] = { "", ":", "pipe", "nosuch:1:0:38:1:0:0", "::::::" };
	struct ipc *s = open_session(subject, IPC_TO_HUB, 2), *none = NULL;
	struct ipc_peer hub = { .pid = getpid(), .pidfd = -1 };
	struct ipc_ticket ticket;
	char text[sizeof ticket.text + 2];
	unsigned slot;
	size_t i;

	CHECK_EQ(ipc_ticket(s, 2, &ticket), -EINVAL);
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
		CHECK_EQ(ipc_join(&none, bad[i], &hub, &slot), -EINVAL);
	CHECK_EQ(ipc_ticket(s, 1, &ticket), 0);
	for (i = 0; i < strlen(ticket.text); i++) { /* cut anywhere */
		(void)snprintf(text, sizeof text, "%.*s", (int)i, ticket.text);
		if (text[0] && text[strlen(text) - 1] == ':')
			CHECK_EQ(ipc_join(&none, text, &hub, &slot), -EINVAL);
	}
	(void)snprintf(text, sizeof text, "%s:", ticket.text);
	CHECK_EQ(ipc_join(&none, text, &hub, &slot), -EINVAL);
	(void)snprintf(text, sizeof text, "x%s", ticket.text);
	CHECK_EQ(ipc_join(&none, text, &hub, &slot), -ENOENT);
	if (ticket.fds[0] >= 0) { /* its descriptors were not inherited */
		memcpy(text, ticket.text, sizeof ticket.text);
		ipc_ticket_close(&ticket);
		CHECK_EQ(ipc_join(&none, text, &hub, &slot), -EBADF);
	}
	ipc_ticket_close(&ticket);
	CHECK(!none);
	ipc_close(s); /* the slot is armed still */
}

const struct rule contract_join_rules[] = {
	{ .name = "tickets, 1 program", .run = run_program, .slots = 1, .needs = IPC_CAP_JOIN },
	{ .name = "tickets, 4 programs", .run = run_program, .slots = 4, .needs = IPC_CAP_JOIN },
	{ .name = "tickets, 1 thread",
	  .run = run_threads,
	  .slots = 1,
	  .count = 3,
	  .needs = IPC_CAP_THREADS },
	{ .name = "tickets, 4 threads",
	  .run = run_threads,
	  .slots = 4,
	  .count = 3,
	  .needs = IPC_CAP_THREADS },
	{ .name = "tickets, the same process again",
	  .run = run_same_process,
	  .needs = IPC_CAP_THREADS },
	{ .name = "no ticket", .run = run_no_ticket, .needs = IPC_CAP_JOIN },
	{ .name = NULL },
};
