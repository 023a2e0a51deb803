/* SPDX-License-Identifier: MIT */
/*
 * protocol.h - the 56-byte records between workers and their parent.
 *
 * Workers send events: START, PROGRESS, DONE, FAILED, RETURNED, SPLIT. The parent sends commands:
 * JOB, TEXT, CANCEL, QUIT, RATE, PAUSE, STOP. All integers are little-endian and are written field
 * by field, so that the wire form does not depend on a compiler. 56 bytes leave room for a ring's
 * 8-byte sequence in the same 64-byte cache line.
 *
 *   byte  0      1      2..3   4..7   8..15   16..23   24..31   32..39   40..47   48..55
 *   event kind   flags  slot   job    seq     time_ns  bytes    total    detail   detail2
 *   JOB   kind   flags  slot   job    ack     time_ns  url len  name len range    table
 *                                                               and dir
 *   RATE  kind   0      slot   0      ack     time_ns  bytes/s  0        0        0
 *   PAUSE kind   flags  slot   0      ack     time_ns  0        0        0        0
 *   TEXT  kind   length slot   job    up to 48 bytes of the URL, then of the name
 *
 * A worker has a directory's descriptor already: JOB gives its place among them (output_dirs.h).
 *
 * A file that is split (--split) is a job for each of its ranges. The first JOB lets its worker
 * split it; if it does, it makes the table in NAME.part (part_ranges.h), sends SPLIT, and goes on
 * with one range. The parent then assigns the others, each with the table's number.
 *
 * A worker's identity is its slot, as the mechanism gives it; the slot inside a record is only
 * compared. An event that is not permitted in a worker's state is a protocol violation.
 */
#ifndef IPCDEMO_PROTOCOL_H
#define IPCDEMO_PROTOCOL_H

#include "download/failure.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECORD_BYTES        56
#define RECORD_TEXT         48 /* bytes of text in one TEXT record */
#define EVENT_TOTAL_UNKNOWN UINT64_MAX
#define EVENT_NO_JOB        UINT32_MAX
#define COMMAND_URL_MAX     (64u * 1024) /* bytes; longer than any server takes */

/* Wire values: append only. */
enum event_kind {
	EVENT_START = 1, /* the worker begins a job; DETAIL is its thread id */
	EVENT_PROGRESS,  /* the latest value: left out where the queue is full. DETAIL bytes of the
			    file were there when the answer began */
	EVENT_DONE,      /* all bytes are in NAME.part, whose inode is DETAIL */
	EVENT_FAILED,    /* the try failed: DETAIL, DETAIL2 and flags are a struct failure */
	EVENT_RETURNED,  /* after CANCEL: the job has not begun, and goes back */
	EVENT_SPLIT, /* from here on the job is a range; TOTAL of all, DETAIL is the table's number,
			DETAIL2 which range of how many */
	EVENT_KINDS
};

enum command_kind {
	COMMAND_JOB = 16, /* followed by TEXT records with the URL and the name */
	COMMAND_TEXT,
	COMMAND_CANCEL, /* return JOB if it has not begun; else there is no answer */
	COMMAND_QUIT,   /* end at once, and abandon the running job */
	COMMAND_RATE,   /* from now on take at most so many bytes a second from the network */
	COMMAND_PAUSE,  /* take nothing, or go on, as a flag says */
	COMMAND_STOP,   /* JOB fails at once if it is running; else nothing happens */
	COMMAND_END
};

struct event {
	enum event_kind kind;
	uint16_t slot;
	uint32_t job;
	uint64_t seq;           /* 1, 2, 3 ... in a worker's life, without gaps */
	uint64_t time_ns;       /* CLOCK_MONOTONIC when it was made: one clock for all processes */
	uint64_t bytes;         /* so far; DONE: all */
	uint64_t total;         /* announced, or EVENT_TOTAL_UNKNOWN */
	uint64_t inode;         /* DONE; START: the thread id */
	uint64_t kept;          /* PROGRESS: of BYTES, those that were there before this try */
	uint64_t ipc_cpu_ns;    /* but of FAILED and SPLIT: CPU of the worker's calls into libipc */
	uint64_t table;         /* SPLIT ... */
	unsigned range, ranges; /* ... the one that this worker is at, of how many */
	bool unlocked;          /* DONE: the file system has no locks */
	struct failure failure; /* FAILED */
};

struct command {
	enum command_kind kind;
	uint16_t slot;
	uint32_t job;
	uint64_t ack; /* the last event of this worker that the parent handled */
	uint64_t time_ns;
	uint32_t url_len, name_len; /* JOB */
	uint32_t dir;               /* JOB: the place of the file's directory */
	uint64_t rate;              /* RATE; 0: no limit */
	bool paused;                /* PAUSE */
	bool resume;                /* JOB: go on with NAME.part of an earlier attempt */
	bool has_sum;               /* JOB: the parent reads the file before it commits it */
	unsigned range, ranges; /* JOB: this of so many; ranges 0: the file is not to be split */
	uint64_t table;         /* JOB: of NAME.part. 0: the worker may split it, or go on */
};

/* What a worker may send next. One per worker; starts as { .slot = N }. */
struct event_guard {
	uint16_t slot;
	bool running;   /* between START and DONE or FAILED */
	uint32_t job;   /* the running one */
	uint64_t seq;   /* of the last event */
	uint64_t bytes; /* of the running job: never falls */
};

void event_encode(const struct event *event, unsigned char record[RECORD_BYTES]);

/* 0, or -EPROTO for bytes that no worker of ours sends. *EVENT is initialized either way. */
int event_decode(struct event *event, const unsigned char record[RECORD_BYTES]);

/*
 * Is EVENT permitted now? NEXT_JOB is the oldest job that the worker was assigned and has
 * not begun (EVENT_NO_JOB: none). Moves the guard on if so.
 */
bool event_permit(struct event_guard *guard, const struct event *event, uint32_t next_job);

const char *event_kind_name(unsigned kind);

/* The job that any record, event or command, is about. */
uint32_t record_job(const unsigned char record[RECORD_BYTES]);

/* The records that a JOB with such texts takes. */
size_t command_job_records(size_t url_len, size_t name_len);

/* Any command but JOB: one record. */
void command_encode(const struct command *command, unsigned char record[RECORD_BYTES]);

/* JOB and its TEXT: fills command_job_records() records. COMMAND's lengths are set. */
void command_encode_job(struct command *command, const char *url, const char *name,
			unsigned char *records);

/* Puts a command together from its records. Zero it first; free with command_reader_free. */
struct command_reader {
	struct command command;
	char *text; /* URL, NUL, name, NUL */
	size_t have, want;
};

/*
 * Takes one record. 1: reader->command is whole (url and name by the functions below, until
 * the next call), 0: more to come, -EPROTO or -ENOMEM.
 */
int command_read(struct command_reader *reader, const unsigned char record[RECORD_BYTES]);
const char *command_url(const struct command_reader *reader);
const char *command_name(const struct command_reader *reader);
void command_reader_free(struct command_reader *reader);

#endif
