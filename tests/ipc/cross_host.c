/* SPDX-License-Identifier: MIT */
/*
 * cross_host.c - the two ends of a session between hosts, for cross_host_test.sh:
 *
 *	cross_host hub NAME ADDRESS to|from SLOTS COUNT SECONDS
 *	cross_host slot to|from COUNT
 *
 * A slot's process reads its ticket from its standard input, where the hub has written one a line
 * on its standard output. Then COUNT records (0: for ever) go from each slot to the hub, or from
 * the hub to each slot; what the receiver gets must be the next one each time. Each end says in a
 * line what happened. A hub that has sent all waits for the end of its standard input.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ipc/ipc.h"

#define BATCH 64
#define WORDS 7 /* of a record */

static const struct ipc_peer elsewhere = { .pid = 0, .pidfd = -1 };

static _Noreturn void fail(const char *what, long long rc)
{
	printf("%s: %s\n", what, rc < 0 ? strerror((int)-rc) : "failed");
	exit(1);
}

/* ---- records that show when they are torn, lost, doubled or another's ---- */

static uint64_t word_of(unsigned slot, uint64_t sequence, unsigned index)
{
	return (sequence * WORDS + index) * 0x9e3779b97f4a7c15 + slot;
}

static void check(const uint64_t *record, unsigned slot, uint64_t sequence)
{
	unsigned i;

	for (i = 0; i < WORDS; i++)
		if (record[i] != word_of(slot, sequence, i))
			fail("not the next record", 0);
}

/* Sends what is next of the COUNT, at most a batch of changing size. As ipc_send. */
static ssize_t send_some(struct ipc *s, unsigned slot, uint64_t sequence, uint64_t count)
{
	uint64_t records[BATCH][WORDS];
	uint64_t n = sequence * sequence % BATCH + 1, i;
	unsigned k;

	if (count && n > count - sequence)
		n = count - sequence;
	for (i = 0; i < n; i++)
		for (k = 0; k < WORDS; k++)
			records[i][k] = word_of(slot, sequence + i, k);
	return ipc_send(s, slot, records, (size_t)n, 0);
}

/* Receives until the ends of ENDS slots were told. NEXT[] is due of each. */
static void receive(struct ipc *s, unsigned ends, uint64_t *next, const char *sender)
{
	uint64_t records[BATCH][WORDS];
	unsigned slot;
	ssize_t n, i;

	while (ends > 0) {
		n = ipc_recv(s, &slot, records, BATCH, 0);
		if (n < 0)
			fail("ipc_recv", n);
		if (n > 0 && next[slot] == 0)
			printf("%s %u has come\n", sender, slot);
		for (i = 0; i < n; i++)
			check(records[i], slot, next[slot]++);
		if (n > 0)
			continue;
		printf("%s %u ended after %" PRIu64 "\n", sender, slot, next[slot]);
		ipc_detach(s, slot);
		ends--;
	}
}

/* ---- the hub ---- */

static void send_to_all(struct ipc *s, unsigned slots, uint64_t count, uint64_t *next)
{
	unsigned slot, left = slots;
	ssize_t n;

	for (slot = 0; left > 0; slot = (slot + 1) % slots) {
		if (next[slot] == UINT64_MAX)
			continue;
		n = send_some(s, slot, next[slot], count);
		if (n < 0 && n != -EPIPE)
			fail("ipc_send", n);
		if (n == -EPIPE)
			printf("slot %u is gone\n", slot);
		next[slot] += n > 0 ? (uint64_t)n : 0;
		if (n > 0 && next[slot] != count)
			continue;
		next[slot] = UINT64_MAX;
		left--;
	}
	printf("all is sent\n");
	while (getchar() != EOF)
		;
}

static int hub(char **argv)
{
	const unsigned slots = (unsigned)atoi(argv[5]);
	struct ipc_config config = {
		.direction = strcmp(argv[4], "to") == 0 ? IPC_TO_HUB : IPC_FROM_HUB,
		.record_size = WORDS * sizeof(uint64_t),
		.slots = slots,
		.listen = argv[3],
		.peer_timeout = (unsigned)atoi(argv[7]),
	};
	uint64_t *next = calloc(slots, sizeof *next);
	struct ipc_ticket ticket;
	struct ipc *s;
	unsigned slot;
	int rc = ipc_open(&s, argv[2], &config);

	if (rc < 0 || !next)
		fail("ipc_open", rc);
	for (slot = 0; slot < slots; slot++) {
		if ((rc = ipc_ticket(s, slot, &ticket)) < 0 ||
		    (rc = ipc_attach(s, slot, IPC_HUB, &elsewhere)) < 0)
			fail("ipc_ticket", rc);
		printf("%s\n", ticket.text);
	}
	if (config.direction == IPC_TO_HUB)
		receive(s, slots, next, "slot");
	else
		send_to_all(s, slots, strtoull(argv[6], NULL, 10), next);
	ipc_close(s);
	free(next);
	return 0;
}

/* ---- a slot ---- */

static int slot_process(char **argv)
{
	const uint64_t count = strtoull(argv[3], NULL, 10);
	uint64_t next[IPC_SLOTS_MAX] = { 0 };
	char text[256] = "";
	struct ipc *s;
	unsigned slot;
	ssize_t n;
	int rc;

	if (!fgets(text, sizeof text, stdin))
		fail("no ticket", 0);
	text[strcspn(text, "\n")] = '\0';
	rc = ipc_join(&s, text, &elsewhere, &slot);
	if (rc < 0)
		fail("ipc_join", rc);
	printf("joined\n");
	if (strcmp(argv[2], "from") == 0) {
		receive(s, 1, next, "hub for");
	} else {
		for (n = 1; n > 0 && (count == 0 || next[0] < count); next[0] += (uint64_t)n)
			n = send_some(s, slot, next[0], count);
		if (n < 0)
			printf("the hub is gone: %s\n", strerror((int)-n));
	}
	ipc_close(s);
	return 0;
}

int main(int argc, char **argv)
{
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 8 && strcmp(argv[1], "hub") == 0)
		return hub(argv);
	if (argc == 4 && strcmp(argv[1], "slot") == 0)
		return slot_process(argv);
	return 2;
}
