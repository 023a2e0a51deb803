/* SPDX-License-Identifier: MIT */
/* ticket.c - see ticket.h */
#include "config.h"

#include "ipc/core/ticket.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ipc/core/sys.h"

#define TICKET_FORMAT 1

enum { FORMAT, DIRECTION, RECORD_SIZE, SLOTS, DEPTH, SLOT, FIRST_FD };
#define FIRST_WORD (FIRST_FD + IPC_TICKET_FDS)
#define NUMBERS    (FIRST_WORD + IPC_TICKET_WORDS)

int ticket_write(struct ipc_ticket *ticket, const struct ticket_session *about)
{
	uint64_t numbers[NUMBERS] = {
		[FORMAT] = TICKET_FORMAT,
		[DIRECTION] = about->config.direction,
		[RECORD_SIZE] = about->config.record_size,
		[SLOTS] = about->config.slots,
		[DEPTH] = about->config.depth,
		[SLOT] = about->slot,
	};
	size_t size = sizeof ticket->text, used, i;

	for (i = 0; i < IPC_TICKET_FDS; i++) /* 0 is none, 1 is descriptor 0 */
		numbers[FIRST_FD + i] = (uint64_t)(ticket->fds[i] + 1);
	memcpy(&numbers[FIRST_WORD], ticket->words, sizeof ticket->words);
	used = (size_t)snprintf(ticket->text, size, "%s", about->name);
	for (i = 0; i < NUMBERS && used < size; i++)
		used += (size_t)snprintf(ticket->text + used, size - used, ":%" PRIx64, numbers[i]);
	return used < size ? 0 : -ENAMETOOLONG;
}

static bool read_numbers(const char *text, uint64_t *numbers)
{
	char *end = (char *)(uintptr_t)text;
	size_t i;

	for (i = 0; i < NUMBERS; i++) {
		/* strtoull would skip blanks and take a sign. */
		if (*end != ':' || strspn(end + 1, "0123456789abcdef") == 0)
			return false;
		numbers[i] = strtoull(end + 1, &end, 16);
	}
	return *end == '\0';
}

int ticket_read(const char *text, struct ipc_ticket *ticket, struct ticket_session *about)
{
	uint64_t numbers[NUMBERS];
	size_t length = strcspn(text, ":"), i;

	if (length >= sizeof about->name || !read_numbers(text + length, numbers))
		return -EINVAL;
	if (numbers[FORMAT] != TICKET_FORMAT || numbers[DIRECTION] > IPC_FROM_HUB)
		return -EINVAL;
	for (i = SLOTS; i < FIRST_WORD; i++)
		if (numbers[i] > INT32_MAX)
			return -EINVAL;
	if (numbers[SLOT] >= numbers[SLOTS])
		return -EINVAL;
	*ticket = (struct ipc_ticket){ .text = "" };
	*about = (struct ticket_session){
		.slot = (unsigned)numbers[SLOT],
		.config = { .direction = (enum ipc_direction)numbers[DIRECTION],
			    .record_size = (size_t)numbers[RECORD_SIZE],
			    .slots = (unsigned)numbers[SLOTS],
			    .depth = (unsigned)numbers[DEPTH] },
	};
	memcpy(about->name, text, length);
	for (i = 0; i < IPC_TICKET_FDS; i++)
		ticket->fds[i] = (int)numbers[FIRST_FD + i] - 1;
	memcpy(ticket->words, &numbers[FIRST_WORD], sizeof ticket->words);
	return 0;
}

int ipc_ticket_moved(struct ipc_ticket *ticket)
{
	struct ticket_session about;
	struct ipc_ticket old;
	int rc = ticket_read(ticket->text, &old, &about);

	return rc < 0 ? rc : ticket_write(ticket, &about);
}

void ipc_ticket_close(struct ipc_ticket *ticket)
{
	size_t i;

	for (i = 0; i < IPC_TICKET_FDS; i++)
		sys_close(&ticket->fds[i]);
}
