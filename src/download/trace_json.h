/* SPDX-License-Identifier: MIT */
/*
 * trace_json.h - `--trace=FILE.json`: the run for a trace viewer (Perfetto, chrome://tracing), in
 * the array form of the Trace Event Format.
 *
 * A track for the parent and one for each worker; a job is a slice of its worker's track. A record
 * is an arrow: an event from the worker's mark to the parent's "receive", a JOB from the parent's
 * "send" to the START that follows it. Times are microseconds since the batch began.
 */
#ifndef IPCDEMO_TRACE_JSON_H
#define IPCDEMO_TRACE_JSON_H

#include "download/batch.h"
#include "download/protocol.h"

#include <stdint.h>
#include <sys/types.h>

struct trace_json;

/* BATCH is borrowed. 0 or -errno. */
int trace_json_open(struct trace_json **json, const char *file, const struct batch *batch);

/* The parent has received N records of SLOT; each is told by trace_json_event then. */
void trace_json_receives(struct trace_json *json, unsigned slot, size_t n, uint64_t now_ns);
void trace_json_event(struct trace_json *json, unsigned slot, pid_t pid, const struct event *event,
		      uint64_t now_ns);

/* The parent has sent N records to SLOT, and began to at BEGAN_NS. */
void trace_json_commands(struct trace_json *json, unsigned slot, const unsigned char *records,
			 size_t n, uint64_t began_ns);
void trace_json_worker_ended(struct trace_json *json, unsigned slot, uint64_t now_ns);

/* Frees JSON. 0, or -errno: the file is not whole. */
int trace_json_close(struct trace_json *json);

#endif
