/* SPDX-License-Identifier: MIT */
/*
 * ticket_test.c - ipc/core/ticket.c: what was written is read back, and what no hub has written is
 * refused, number by number.
 */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ipc/core/ticket.h"

static struct ticket_session session(void)
{
	return (struct ticket_session){
		.name = "pipe",
		.slot = 6,
		.config = { .direction = IPC_FROM_HUB, .record_size = 64, .slots = 7, .depth = 9 },
	};
}

static void test_ticket_is_read_as_it_was_written(void **state)
{
	struct ipc_ticket in, out = { .fds = { 0, -1, 30, -1 } };
	struct ticket_session about = session(), read;
	unsigned i;

	(void)state;
	for (i = 0; i < IPC_TICKET_WORDS; i++)
		out.words[i] = UINT64_MAX - i;
	assert_int_equal(ticket_write(&out, &about), 0);
	assert_int_equal(ticket_read(out.text, &in, &read), 0);
	assert_string_equal(read.name, "pipe");
	assert_int_equal(read.slot, 6);
	assert_int_equal(read.config.direction, IPC_FROM_HUB);
	assert_int_equal(read.config.record_size, 64);
	assert_int_equal(read.config.slots, 7);
	assert_int_equal(read.config.depth, 9);
	assert_memory_equal(in.fds, out.fds, sizeof in.fds);
	assert_memory_equal(in.words, out.words, sizeof in.words);
}

/* The text of a ticket whose number INDEX is WITH; 0: the format. */
static void changed(char *text, size_t size, unsigned index, const char *with)
{
	struct ipc_ticket ticket = { .fds = { -1, -1, -1, -1 } };
	struct ticket_session about = session();
	char *at = ticket.text, *rest;

	assert_int_equal(ticket_write(&ticket, &about), 0);
	do {
		at = strchr(at, ':') + 1;
	} while (index-- > 0);
	rest = at + strcspn(at, ":");
	(void)snprintf(text, size, "%.*s%s%s", (int)(at - ticket.text), ticket.text, with, rest);
}

enum { FORMAT, DIRECTION, RECORD_SIZE, SLOTS, DEPTH, SLOT, FIRST_FD };

static void test_ticket_of_no_hub_is_refused(void **state)
{
	static const struct {
		unsigned index;
		const char *with;
	} bad[] = {
		{ FORMAT, "0" },
		{ FORMAT, "2" },
		{ DIRECTION, "2" },
		{ DIRECTION, "ffffffff" },
		{ RECORD_SIZE, "" },
		{ RECORD_SIZE, " 38" },
		{ RECORD_SIZE, "+38" },
		{ RECORD_SIZE, "-8" },
		{ RECORD_SIZE, "38 " },
		{ RECORD_SIZE, "38g" },
		{ SLOTS, "80000000" },
		{ SLOTS, "100000007" },
		{ DEPTH, "ffffffffffffffff" },
		{ SLOT, "7" }, /* of 7 */
		{ SLOT, "80000006" },
		{ FIRST_FD, "80000000" },
		{ FIRST_FD + IPC_TICKET_FDS - 1, "ffffffffffffffff" },
		{ FIRST_FD + IPC_TICKET_FDS, "" },
		{ FIRST_FD + IPC_TICKET_FDS + IPC_TICKET_WORDS - 1, "0:0" },
	};
	struct ticket_session read;
	struct ipc_ticket ticket;
	char text[512];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		changed(text, sizeof text, bad[i].index, bad[i].with);
		if (ticket_read(text, &ticket, &read) != -EINVAL)
			fail_msg("\"%s\" is a ticket", text);
	}
	assert_int_equal(ticket_read("a-name-that-no-mechanism-can-ever-have-had:1:0:38:1:0:0",
				     &ticket, &read),
			 -EINVAL);
}

static void test_ticket_that_is_too_long_is_told(void **state)
{
	struct ipc_ticket ticket = { .fds = { INT32_MAX - 1, INT32_MAX - 1, INT32_MAX - 1,
					      INT32_MAX - 1 } };
	struct ticket_session about = session();
	unsigned i;
	int rc;

	(void)state;
	for (i = 0; i < IPC_TICKET_WORDS; i++)
		ticket.words[i] = UINT64_MAX;
	rc = ticket_write(&ticket, &about);
	assert_int_equal(rc, 0); /* there is room for every number there is ... */
	assert_true(strlen(ticket.text) < sizeof ticket.text);
	memset(about.name, 'x', sizeof about.name - 1); /* ... beside a name of that length */
	rc = ticket_write(&ticket, &about);
	assert_true(rc == 0 || rc == -ENAMETOOLONG);
	assert_true(rc < 0 || strlen(ticket.text) < sizeof ticket.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ticket_is_read_as_it_was_written),
		cmocka_unit_test(test_ticket_of_no_hub_is_refused),
		cmocka_unit_test(test_ticket_that_is_too_long_is_told),
	};

	return cmocka_run_group_tests_name("ticket", tests, NULL, NULL);
}
