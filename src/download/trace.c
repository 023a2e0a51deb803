/* SPDX-License-Identifier: MIT */
/* trace.c - see trace.h */
#include "config.h"

#include "download/trace.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/clock.h"
#include "download/protocol.h"

/* Numbers only: nothing that a worker sent is printed as text. */
static void trace_line(uint64_t begun_ns, uint64_t now_ns, char arrow, unsigned slot, pid_t pid)
{
	(void)fprintf(stderr, "%12.6f ms  slot %-4u pid %-7d %c ",
		      (double)(now_ns - begun_ns) / 1e6, slot, (int)pid, arrow);
}

void trace_events(uint64_t begun_ns, unsigned slot, pid_t pid, const unsigned char *records,
		  size_t n)
{
	uint64_t now_ns = clock_ns();
	struct event event;
	size_t i;

	for (i = 0; i < n; i++) {
		(void)event_decode(&event,
				   records + i * RECORD_BYTES); /* shown also if it is wrong */
		trace_line(begun_ns, now_ns, '>', slot, pid);
		(void)fprintf(stderr,
			      "%-8s job %-6" PRIu32 " %d bytes  seq %-6" PRIu64 " at %-11" PRIu64
			      " in flight %.1f us\n",
			      event_kind_name(event.kind), event.job, RECORD_BYTES, event.seq,
			      event.bytes, (double)(int64_t)(now_ns - event.time_ns) / 1e3);
	}
}

void trace_commands(uint64_t begun_ns, unsigned slot, pid_t pid, const unsigned char *records,
		    size_t n)
{
	uint64_t now_ns = clock_ns();
	size_t i;

	for (i = 0; i < n; i++) {
		const unsigned char *record = records + i * RECORD_BYTES;

		trace_line(begun_ns, now_ns, '<', slot, pid);
		(void)fprintf(stderr, "%-8s job %-6" PRIu32 " %d bytes\n",
			      event_kind_name(record[0]), record_job(record), RECORD_BYTES);
	}
}
