/* SPDX-License-Identifier: MIT */
/* protocol.c - see protocol.h: the wire form, and what a worker may send when. */
#include "config.h"

#include "download/protocol.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "download/output_dirs.h"

#define NAME_LEN_MAX 255u /* NAME_MAX of every Linux file system */

/* ---- integers ---- */

static void put(unsigned char *at, uint64_t value, unsigned bytes)
{
	while (bytes-- > 0) {
		*at++ = (unsigned char)value;
		value >>= 8;
	}
}

static uint64_t get(const unsigned char *at, unsigned bytes)
{
	uint64_t value = 0;

	while (bytes-- > 0)
		value = value << 8 | at[bytes];
	return value;
}

static void put_head(unsigned char *record, unsigned kind, unsigned flags, unsigned slot,
		     uint32_t job)
{
	memset(record, 0, RECORD_BYTES);
	put(record, kind, 1);
	put(record + 1, flags, 1);
	put(record + 2, slot, 2);
	put(record + 4, job, 4);
}

/* ---- events ---- */

/* "Which of how many" in one number. */
static uint64_t range_encode(unsigned range, unsigned ranges)
{
	return (uint64_t)range << 32 | ranges;
}

static void range_decode(uint64_t both, unsigned *range, unsigned *ranges)
{
	*range = (unsigned)(both >> 32);
	*ranges = (unsigned)(both & UINT32_MAX);
}

#define FLAG_TRANSIENT 1u /* FAILED */
#define FLAG_UNLOCKED  1u /* DONE */
#define FLAG_RESUME    1u /* JOB */
#define FLAG_SUM       2u /* JOB */
#define FLAG_PAUSED    1u /* PAUSE */

void event_encode(const struct event *event, unsigned char record[RECORD_BYTES])
{
	const struct failure *failure = &event->failure;

	unsigned flags = 0;

	if (event->kind == EVENT_FAILED && failure->transient)
		flags = FLAG_TRANSIENT;
	else if (event->kind == EVENT_DONE && event->unlocked)
		flags = FLAG_UNLOCKED;
	put_head(record, event->kind, flags, event->slot, event->job);
	put(record + 8, event->seq, 8);
	put(record + 16, event->time_ns, 8);
	put(record + 24, event->bytes, 8);
	put(record + 32, event->total, 8);
	if (event->kind == EVENT_SPLIT) {
		put(record + 40, event->table, 8);
		put(record + 48, range_encode(event->range, event->ranges), 8);
		return;
	}
	if (event->kind != EVENT_FAILED) {
		put(record + 40, event->kind == EVENT_PROGRESS ? event->kept : event->inode, 8);
		put(record + 48, event->ipc_cpu_ns, 8);
		return;
	}
	put(record + 40, (uint32_t)failure->kind, 4);
	put(record + 44, (uint32_t)failure->code, 4);
	put(record + 48, (uint32_t)failure->os_errno, 4);
	put(record + 52, failure->after_s, 4);
}

int event_decode(struct event *event, const unsigned char record[RECORD_BYTES])
{
	unsigned kind = record[0];
	uint32_t failure_kind = (uint32_t)get(record + 40, 4);

	*event = (struct event){
		.kind = (enum event_kind)kind,
		.slot = (uint16_t)get(record + 2, 2),
		.job = (uint32_t)get(record + 4, 4),
		.seq = get(record + 8, 8),
		.time_ns = get(record + 16, 8),
		.bytes = get(record + 24, 8),
		.total = get(record + 32, 8),
	};
	if (kind < EVENT_START || kind >= EVENT_KINDS)
		return -EPROTO;
	if (kind == EVENT_SPLIT) {
		event->table = get(record + 40, 8);
		range_decode(get(record + 48, 8), &event->range, &event->ranges);
		return record[1] ? -EPROTO : 0;
	}
	if (kind != EVENT_FAILED) {
		*(kind == EVENT_PROGRESS ? &event->kept : &event->inode) = get(record + 40, 8);
		event->ipc_cpu_ns = get(record + 48, 8);
		event->unlocked = kind == EVENT_DONE && record[1] == FLAG_UNLOCKED;
		return record[1] && !event->unlocked ? -EPROTO : 0;
	}
	if (failure_kind == FAILURE_NONE || failure_kind >= FAILURE_KINDS ||
	    record[1] > FLAG_TRANSIENT)
		return -EPROTO;
	event->failure = (struct failure){
		.kind = (enum failure_kind)failure_kind,
		.code = (int32_t)get(record + 44, 4),
		.os_errno = (int32_t)get(record + 48, 4),
		.transient = record[1] & FLAG_TRANSIENT,
		.after_s = (uint32_t)get(record + 52, 4),
		.bytes = event->bytes,
		.total = event->total == EVENT_TOTAL_UNKNOWN ? 0 : event->total,
	};
	return 0;
}

/*
 * The permit table: may an event be sent while no job runs, and while one does? As in OpenSSH's
 * monitor, what is not listed is refused.
 */
static const struct {
	bool idle, running;
} permits[EVENT_KINDS] = {
	[EVENT_START] = { .idle = true },
	[EVENT_PROGRESS] = { .running = true },
	[EVENT_DONE] = { .running = true },
	[EVENT_FAILED] = { .running = true },
	[EVENT_RETURNED] = { .idle = true, .running = true },
	[EVENT_SPLIT] = { .running = true },
};

bool event_permit(struct event_guard *guard, const struct event *event, uint32_t next_job)
{
	bool known = event->kind >= EVENT_START && event->kind < EVENT_KINDS;

	if (!known || !(guard->running ? permits[event->kind].running : permits[event->kind].idle))
		return false;
	if (event->slot != guard->slot || event->seq != guard->seq + 1)
		return false;
	switch (event->kind) {
	case EVENT_START:
		if (next_job == EVENT_NO_JOB || event->job != next_job)
			return false;
		guard->running = true;
		guard->job = event->job;
		guard->bytes = 0;
		break;
	case EVENT_RETURNED: /* the pool knows whether the worker has that job */
		break;
	default:
		if (event->job != guard->job || event->bytes < guard->bytes ||
		    event->kept > event->bytes)
			return false;
		guard->bytes = event->bytes;
		guard->running = event->kind == EVENT_PROGRESS || event->kind == EVENT_SPLIT;
	}
	guard->seq = event->seq;
	return true;
}

const char *event_kind_name(unsigned kind)
{
	switch (kind) {
	case EVENT_START:
		return "START";
	case EVENT_PROGRESS:
		return "PROGRESS";
	case EVENT_DONE:
		return "DONE";
	case EVENT_FAILED:
		return "FAILED";
	case EVENT_RETURNED:
		return "RETURNED";
	case EVENT_SPLIT:
		return "SPLIT";
	case COMMAND_JOB:
		return "JOB";
	case COMMAND_TEXT:
		return "TEXT";
	case COMMAND_CANCEL:
		return "CANCEL";
	case COMMAND_QUIT:
		return "QUIT";
	case COMMAND_RATE:
		return "RATE";
	case COMMAND_PAUSE:
		return "PAUSE";
	case COMMAND_STOP:
		return "STOP";
	default:
		return "?";
	}
}

uint32_t record_job(const unsigned char record[RECORD_BYTES])
{
	return (uint32_t)get(record + 4, 4);
}

/* ---- commands ---- */

size_t command_job_records(size_t url_len, size_t name_len)
{
	return 1 + (url_len + name_len + RECORD_TEXT - 1) / RECORD_TEXT;
}

void command_encode(const struct command *command, unsigned char record[RECORD_BYTES])
{
	unsigned flags = 0;

	if (command->kind == COMMAND_JOB)
		flags = (command->resume ? FLAG_RESUME : 0) | (command->has_sum ? FLAG_SUM : 0);
	else if (command->kind == COMMAND_PAUSE && command->paused)
		flags = FLAG_PAUSED;
	put_head(record, command->kind, flags, command->slot, command->job);
	put(record + 8, command->ack, 8);
	put(record + 16, command->time_ns, 8);
	put(record + 24, command->kind == COMMAND_RATE ? command->rate : command->url_len, 8);
	put(record + 32, command->name_len, 4);
	put(record + 36, command->dir, 4);
	put(record + 40, range_encode(command->range, command->ranges), 8);
	put(record + 48, command->table, 8);
}

/* Copies N bytes of text into TEXT records, filling a record that is not yet full first. */
static void put_text(const struct command *command, unsigned char *texts, size_t at,
		     const char *text, size_t n)
{
	while (n > 0) {
		unsigned char *record = texts + at / RECORD_TEXT * RECORD_BYTES;
		size_t used = at % RECORD_TEXT;
		size_t part = RECORD_TEXT - used < n ? RECORD_TEXT - used : n;

		if (used == 0)
			put_head(record, COMMAND_TEXT, 0, command->slot, command->job);
		record[1] = (unsigned char)(used + part);
		memcpy(record + 8 + used, text, part);
		text += part;
		at += part;
		n -= part;
	}
}

void command_encode_job(struct command *command, const char *url, const char *name,
			unsigned char *records)
{
	command->kind = COMMAND_JOB;
	command->url_len = (uint32_t)strlen(url);
	command->name_len = (uint32_t)strlen(name);
	command_encode(command, records);
	put_text(command, records + RECORD_BYTES, 0, url, command->url_len);
	put_text(command, records + RECORD_BYTES, command->url_len, name, command->name_len);
}

static int read_head(struct command_reader *reader, const unsigned char *record)
{
	const unsigned kind = record[0];
	const unsigned flags = record[1];
	const uint32_t dir = (uint32_t)get(record + 36, 4);
	uint64_t url_len = get(record + 24, 8), name_len = get(record + 32, 4), rate = 0;

	if (kind < COMMAND_JOB || kind >= COMMAND_END || kind == COMMAND_TEXT)
		return -EPROTO;
	if (kind == COMMAND_RATE) {
		rate = url_len;
		url_len = 0;
	}
	if (url_len > COMMAND_URL_MAX || name_len > NAME_LEN_MAX || dir > OUTPUT_DIRS_MAX ||
	    flags > (kind == COMMAND_JOB ? FLAG_RESUME | FLAG_SUM : FLAG_PAUSED))
		return -EPROTO;
	reader->command = (struct command){
		.kind = (enum command_kind)kind,
		.slot = (uint16_t)get(record + 2, 2),
		.job = (uint32_t)get(record + 4, 4),
		.ack = get(record + 8, 8),
		.time_ns = get(record + 16, 8),
		.url_len = (uint32_t)url_len,
		.name_len = (uint32_t)name_len,
		.dir = dir,
		.rate = rate,
		.paused = kind == COMMAND_PAUSE && flags,
		.resume = kind == COMMAND_JOB && flags & FLAG_RESUME,
		.has_sum = kind == COMMAND_JOB && flags & FLAG_SUM,
		.table = get(record + 48, 8),
	};
	range_decode(get(record + 40, 8), &reader->command.range, &reader->command.ranges);
	if (kind != COMMAND_JOB)
		return 1;
	command_reader_free(reader);
	reader->text = calloc(1, url_len + name_len + 2);
	if (!reader->text)
		return -ENOMEM;
	reader->have = 0;
	reader->want = url_len + name_len;
	return reader->want == 0;
}

/* The name begins after the URL's NUL: one byte further than in the stream of text. */
static void keep_text(struct command_reader *reader, const unsigned char *text, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++, reader->have++)
		reader->text[reader->have + (reader->have >= reader->command.url_len)] =
			(char)text[i];
}

int command_read(struct command_reader *reader, const unsigned char record[RECORD_BYTES])
{
	size_t n = record[1];

	if (reader->have == reader->want)
		return read_head(reader, record);
	if (record[0] != COMMAND_TEXT || n == 0 || n > RECORD_TEXT ||
	    n > reader->want - reader->have)
		return -EPROTO;
	keep_text(reader, record + 8, n);
	return reader->have == reader->want;
}

const char *command_url(const struct command_reader *reader)
{
	return reader->text;
}

const char *command_name(const struct command_reader *reader)
{
	return reader->text + reader->command.url_len + 1;
}

void command_reader_free(struct command_reader *reader)
{
	free(reader->text);
	reader->text = NULL;
	reader->have = reader->want = 0;
}
