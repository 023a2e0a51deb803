/* SPDX-License-Identifier: MIT */
/* records_fuzz.c - the records of a hostile worker, and of a hostile parent; see fuzz.h */
#include "config.h"

#include <stdbool.h>

#include "download/protocol.h"
#include "tests/fuzz/fuzz.h"

#define SLOT 3

/* What a permitted event has moved on, and no other. */
static void check_moved(const struct event_guard *before, const struct event_guard *after,
			const struct event *event, bool permitted)
{
	if (!permitted) {
		REQUIRE(after->seq == before->seq && after->running == before->running);
		return;
	}
	REQUIRE(event->slot == SLOT);
	REQUIRE(event->seq == before->seq + 1 && after->seq == event->seq);
	REQUIRE(after->running == (event->kind == EVENT_START || event->kind == EVENT_PROGRESS ||
				   event->kind == EVENT_SPLIT ||
				   (event->kind == EVENT_RETURNED && before->running)));
	if (event->kind == EVENT_PROGRESS || event->kind == EVENT_DONE)
		REQUIRE(before->running && event->job == before->job &&
			event->bytes >= before->bytes && event->kept <= event->bytes);
}

/* What was understood can be said again in the same bytes. */
static void check_wire(const struct event *event, const unsigned char *record)
{
	unsigned char again[RECORD_BYTES];
	struct event twice;

	event_encode(event, again);
	REQUIRE(event_decode(&twice, again) == 0);
	REQUIRE(twice.kind == event->kind && twice.job == event->job && twice.seq == event->seq);
	REQUIRE(record_job(record) == event->job);
}

static void events(struct input input)
{
	struct event_guard guard = { .slot = SLOT };
	unsigned char record[RECORD_BYTES];
	uint32_t next_job = 0;

	while (input.size > 0) {
		struct event_guard before = guard;
		struct event event;
		bool permitted;

		input_take(&input, record, sizeof record);
		if (event_decode(&event, record) < 0)
			return; /* the worker is killed */
		check_wire(&event, record);
		permitted = event_permit(&guard, &event, next_job);
		check_moved(&before, &guard, &event, permitted);
		if (!permitted)
			return;
		REQUIRE(event.kind != EVENT_START || event.job == next_job);
		next_job += event.kind == EVENT_START;
	}
}

static void commands(struct input input)
{
	struct command_reader reader = { 0 };
	unsigned char record[RECORD_BYTES];

	while (input.size > 0) {
		int rc;

		input_take(&input, record, sizeof record);
		rc = command_read(&reader, record);
		if (rc < 0)
			break;
		if (rc == 0 || reader.command.kind != COMMAND_JOB)
			continue;
		REQUIRE(strlen(command_url(&reader)) <= reader.command.url_len);
		REQUIRE(strlen(command_name(&reader)) <= reader.command.name_len);
		REQUIRE(reader.command.url_len <= COMMAND_URL_MAX);
	}
	command_reader_free(&reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };

	events(input);
	commands(input);
	return 0;
}
