/* SPDX-License-Identifier: MIT */
/*
 * trace.h - `--trace`: each record as it passes through the parent, one line on stderr: time
 * since the start, direction, slot, pid, kind, job, bytes, time in flight.
 */
#ifndef IPCDEMO_TRACE_H
#define IPCDEMO_TRACE_H

#include <stdint.h>
#include <sys/types.h>

/* N events that were just received from SLOT, the process PID. BEGUN_NS: the start of the batch. */
void trace_events(uint64_t begun_ns, unsigned slot, pid_t pid, const unsigned char *records,
		  size_t n);

/* N records that were just sent to SLOT. */
void trace_commands(uint64_t begun_ns, unsigned slot, pid_t pid, const unsigned char *records,
		    size_t n);

#endif
