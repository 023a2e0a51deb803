/* SPDX-License-Identifier: MIT */
/*
 * ticket.h - a ticket as a line of text: the mechanism's name, then hexadecimal numbers, separated
 * by colons. The text comes from the hub through the caller's own command line or memory, so it is
 * trusted: it is checked against mistakes, not against attacks.
 */
#ifndef IPC_TICKET_H
#define IPC_TICKET_H

#include "ipc/ipc.h"

/* What the text holds besides the ticket's descriptors and words. */
struct ticket_session {
	char name[32];
	unsigned slot;
	struct ipc_config config;
};

/* Fills ticket->text. 0, or -ENAMETOOLONG. */
int ticket_write(struct ipc_ticket *ticket, const struct ticket_session *about);

/* Fills ABOUT, ticket->fds and ticket->words. 0, or -EINVAL. */
int ticket_read(const char *text, struct ipc_ticket *ticket, struct ticket_session *about);

#endif
