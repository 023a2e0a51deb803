/* SPDX-License-Identifier: MIT */
/*
 * trace.h - `--trace`: each record as it passes through the parent. Either a line on stderr (time
 * since the start, direction, slot, pid, kind, job, bytes, time in flight), or an entry in a file
 * for a trace viewer.
 */
#ifndef IPCDEMO_TRACE_H
#define IPCDEMO_TRACE_H

#include "download/batch.h"

#include <stdint.h>
#include <sys/types.h>

struct trace;

/*
 * FILE NULL or "": lines on stderr; else that file is written, and replaced if it exists. BATCH has
 * begun, and is borrowed. 0 or -errno; close with trace_close.
 */
int trace_open(struct trace **trace, const char *file, const struct batch *batch);

/* N events have just been received from SLOT, whose process is PID. */
void trace_events(struct trace *trace, unsigned slot, pid_t pid, const unsigned char *records,
		  size_t n);

/* The parent is about to send: the next trace_commands began now. */
void trace_send_begins(struct trace *trace);

/* N records that were just sent to SLOT. */
void trace_commands(struct trace *trace, unsigned slot, pid_t pid, const unsigned char *records,
		    size_t n);

/* The worker of SLOT has ended, and all that it sent was traced. */
void trace_worker_ended(struct trace *trace, unsigned slot);

/* NULL is allowed. 0, or -errno: the file is not whole. */
int trace_close(struct trace *trace);

#endif
