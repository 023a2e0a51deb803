/* SPDX-License-Identifier: MIT */
/*
 * doorbell_soak.c - round trips between two processes that fall asleep at random moments: a wake-up
 * that is lost once in a hundred million leaves both asleep for ever, and that is what is
 * looked for.
 *
 *	doorbell_soak [--trips=N] [MECHANISM...]
 *
 * Without a name: those that ring a doorbell of their own, which are the ones without a blocking
 * call (shm, memfd). Each trip carries its number, so a lost or doubled record is seen, too. A
 * trip that takes longer than STUCK_S is a hang.
 */
#include "config.h"

#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "common/clock.h"
#include "ipc/ipc.h"
#include "common/spawn.h"

#define STUCK_S 120u
#define RECORD  56

struct soak {
	struct ipc *there, *back;
	struct ipc_peer hub;
	uint64_t trips;
};

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/*
 * Mostly nothing, often a moment about as long as a round trip or a system call, so that the
 * other side is caught at each step of going to sleep; now and then a real sleep.
 */
static void dawdle(uint64_t *random)
{
	const struct timespec nap = { .tv_nsec = (long)(next_random(random) % 100000) };
	uint64_t dice = next_random(random) % 65536;
	volatile unsigned spins = (unsigned)(next_random(random) % 4096);

	if (dice < 4)
		(void)ppoll(NULL, 0, &nap, NULL);
	else if (dice < 2048)
		while (spins > 0)
			spins = spins - 1;
}

static int echo(void *arg)
{
	struct soak *soak = arg;
	unsigned char record[RECORD];
	uint64_t random = 88172645463325252u, i;
	unsigned slot;

	if (ipc_attach(soak->there, 0, IPC_SLOT, &soak->hub) < 0 ||
	    ipc_attach(soak->back, 0, IPC_SLOT, &soak->hub) < 0)
		return 1;
	for (i = 0; i < soak->trips; i++) {
		if (ipc_recv(soak->there, &slot, record, 1, 0) != 1)
			return 2;
		dawdle(&random);
		if (ipc_send(soak->back, 0, record, 1, 0) != 1)
			return 3;
	}
	return 0;
}

static void travel(struct soak *soak)
{
	unsigned char record[RECORD] = { 0 };
	uint64_t random = 2463534242u, i, came;
	unsigned slot;

	for (i = 0; i < soak->trips; i++) {
		if (i % 65536 == 0)
			(void)alarm(STUCK_S); /* its default action ends us, and that the test */
		memcpy(record, &i, sizeof i);
		if (ipc_send(soak->there, 0, record, 1, 0) != 1 ||
		    ipc_recv(soak->back, &slot, record, 1, 0) != 1)
			break;
		memcpy(&came, record, sizeof came);
		if (came != i)
			break;
		dawdle(&random);
	}
	(void)alarm(0);
	if (i == soak->trips)
		return;
	fprintf(stderr, "trip %llu did not come back as it went\n", (unsigned long long)i);
	exit(1);
}

static void run(const char *name, enum ipc_strategy strategy, uint64_t trips)
{
	struct ipc_config config = { .record_size = RECORD, .slots = 1 };
	struct soak soak = { .trips = trips };
	struct child child = CHILD_NONE;
	uint64_t begun_ns = clock_ns();
	struct ipc_peer peer;
	int status = -1;

	soak.hub = (struct ipc_peer){ .pid = getpid(), .pidfd = pidfd_open(getpid(), 0) };
	config.direction = IPC_FROM_HUB;
	if (ipc_open(&soak.there, name, &config) < 0)
		exit(1);
	config.direction = IPC_TO_HUB;
	if (ipc_open(&soak.back, name, &config) < 0 || ipc_arm(soak.there, 0) < 0 ||
	    ipc_arm(soak.back, 0) < 0)
		exit(1);
	ipc_set_strategy(soak.there, strategy);
	ipc_set_strategy(soak.back, strategy);
	if (spawn(&child, "doorbell-echo", echo, &soak) < 0)
		exit(1);
	peer = (struct ipc_peer){ .pid = child.pid, .pidfd = child.pidfd };
	if (ipc_attach(soak.there, 0, IPC_HUB, &peer) < 0 ||
	    ipc_attach(soak.back, 0, IPC_HUB, &peer) < 0)
		exit(1);
	travel(&soak);
	if (child_reap(&child, true, &status) < 0 || status != 0)
		exit(1);
	ipc_close(soak.there);
	ipc_close(soak.back);
	(void)close(soak.hub.pidfd);
	printf("%-6s %-8s %llu round trips, %.1f s, no hang\n", name,
	       strategy == IPC_BLOCK ? "block" : "adaptive", (unsigned long long)trips,
	       (double)(clock_ns() - begun_ns) / (double)NS_PER_S);
}

int main(int argc, char **argv)
{
	static const char *const usual[] = { "shm", "memfd", NULL };
	uint64_t trips = 200000;
	const char *const *name = usual;

	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 1 && strncmp(argv[1], "--trips=", 8) == 0) {
		trips = strtoull(argv[1] + 8, NULL, 10);
		argv++;
		argc--;
	}
	if (argc > 1)
		name = (const char *const *)argv + 1;
	for (; *name; name++) {
		run(*name, IPC_ADAPTIVE, trips);
		run(*name, IPC_BLOCK, trips / 20 + 1);
	}
	return 0;
}
