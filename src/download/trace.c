/* SPDX-License-Identifier: MIT */
/* trace.c - see trace.h */
#include "config.h"

#include "download/trace.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "download/protocol.h"
#include "download/trace_json.h"

struct trace {
	uint64_t begun_ns;
	uint64_t send_ns;        /* when the last send began */
	struct trace_json *json; /* NULL: lines on stderr */
};

int trace_open(struct trace **trace, const char *file, const struct batch *batch)
{
	struct trace *new = calloc(1, sizeof *new);
	int rc = 0;

	if (!new)
		return -ENOMEM;
	new->begun_ns = batch->begun_ns;
	if (file && *file)
		rc = trace_json_open(&new->json, file, batch);
	if (rc < 0)
		free(new);
	else
		*trace = new;
	return rc;
}

/* Prints numbers only, never text that a worker sent. */
static void trace_line(const struct trace *trace, uint64_t now_ns, char arrow, unsigned slot,
		       pid_t pid)
{
	(void)fprintf(stderr, "%12.6f ms  slot %-4u pid %-7d %c ",
		      (double)(now_ns - trace->begun_ns) / 1e6, slot, (int)pid, arrow);
}

void trace_events(struct trace *trace, unsigned slot, pid_t pid, const unsigned char *records,
		  size_t n)
{
	uint64_t now_ns = clock_ns();
	struct event event;
	size_t i;

	if (trace->json)
		trace_json_receives(trace->json, slot, n, now_ns);
	for (i = 0; i < n; i++) {
		(void)event_decode(&event,
				   records + i * RECORD_BYTES); /* shown also if it is wrong */
		if (trace->json) {
			trace_json_event(trace->json, slot, pid, &event, now_ns);
			continue;
		}
		trace_line(trace, now_ns, '>', slot, pid);
		(void)fprintf(stderr,
			      "%-8s job %-6" PRIu32 " %d bytes  seq %-6" PRIu64 " at %-11" PRIu64
			      " in flight %.1f us\n",
			      event_kind_name(event.kind), event.job, RECORD_BYTES, event.seq,
			      event.bytes, (double)(int64_t)(now_ns - event.time_ns) / 1e3);
	}
}

void trace_send_begins(struct trace *trace)
{
	trace->send_ns = clock_ns();
}

void trace_commands(struct trace *trace, unsigned slot, pid_t pid, const unsigned char *records,
		    size_t n)
{
	uint64_t now_ns = clock_ns();
	size_t i;

	if (trace->json) {
		trace_json_commands(trace->json, slot, records, n, trace->send_ns);
		return;
	}
	for (i = 0; i < n; i++) {
		const unsigned char *record = records + i * RECORD_BYTES;

		trace_line(trace, now_ns, '<', slot, pid);
		(void)fprintf(stderr, "%-8s job %-6" PRIu32 " %d bytes\n",
			      event_kind_name(record[0]), record_job(record), RECORD_BYTES);
	}
}

void trace_worker_ended(struct trace *trace, unsigned slot)
{
	if (trace->json)
		trace_json_worker_ended(trace->json, slot, clock_ns());
}

int trace_close(struct trace *trace)
{
	int rc = trace && trace->json ? trace_json_close(trace->json) : 0;

	free(trace);
	return rc;
}
