/* SPDX-License-Identifier: MIT */
/*
 * plan.h - the plan of one answer: faults.c makes plans that no sane server would follow, server.c
 * carries plans out.
 */
#ifndef IPCDEMO_PLAN_H
#define IPCDEMO_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ORIGIN_SIZE_UNKNOWN UINT64_MAX

enum plan_ending {
	END_CLEAN, /* as HTTP asks for */
	END_CLOSE, /* the connection is closed, whatever was announced */
	END_RESET, /* it is reset: the client sees ECONNRESET */
	END_STALL, /* it stays open, and nothing more comes */
};

/* An answer given byte by byte: HEAD, COUNT times UNIT, TAIL, then the close. */
struct origin_raw {
	const char *kind;
	const char *head;
	const char *unit;
	unsigned count;
	const char *tail;
};

struct origin_plan {
	unsigned status;    /* HTTP's; 0: RAW instead of an answer */
	const char *name;   /* whose bytes; not owned */
	uint64_t announced; /* Content-Length, or ORIGIN_SIZE_UNKNOWN */
	uint64_t sent;      /* bytes before the ending */
	bool ranges;        /* it has an ETag, and a part of it can be asked for */
	const char *etag;   /* NULL: "1" */
	bool ignores_range; /* although it says that it does not */
	uint64_t shift;     /* Content-Range is wrong by so much */
	uint64_t whole;     /* a part: the size of all */
	uint64_t first;     /* byte of the sequence that the answer begins with */
	bool http_1_0;
	double seconds; /* those bytes are spread evenly over so long; 0: at once */
	uint64_t held;  /* all behind the first so many wait for GATE; 0: nothing waits */
	uint64_t gate;
	enum plan_ending ending;
	bool close_delimited; /* with unknown size: no chunks, the close is the end */
	const char *header;   /* one more header, or NULL; static storage */
	char header_value[1024];
	const struct origin_raw *raw;
};

struct origin_faults;

/* Remembers which paths were asked for before. NULL when memory is short. */
struct origin_faults *origin_faults_new(void);
void origin_faults_free(struct origin_faults *faults);

/*
 * Makes the plan for PATH, which is what follows "/fault/", percent-decoded. PLAN comes filled with
 * status 200, END_CLEAN and zeros; plan->name points into PATH. Several threads may call this at
 * once. 0, or -ENOENT: there is no such fault, or its numbers are not numbers.
 */
int origin_faults_plan(struct origin_faults *faults, const char *path, struct origin_plan *plan);

/* Has anybody asked for "open/GATE/..."? Several threads may call this at once. */
bool origin_faults_gate_is_open(struct origin_faults *faults, uint64_t gate);

/*
 * Reads a decimal number and the slash behind it from *PATH and steps over both. False, with *PATH
 * unchanged, when there is none or it is over 2^63.
 */
bool origin_take_number(const char **path, uint64_t *number);

#endif
