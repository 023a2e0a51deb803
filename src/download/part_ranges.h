/* SPDX-License-Identifier: MIT */
/*
 * part_ranges.h - NAME.part of a file that is fetched in ranges: behind its last byte stands a
 * table of how far each range is, so that a later run goes on where the workers of this one were,
 * whatever killed them, on any file system. It is cut off before the file gets its name.
 *
 * The entry of a range is written by its worker alone, after the bytes that it counts.
 */
#ifndef IPCDEMO_PART_RANGES_H
#define IPCDEMO_PART_RANGES_H

#include "download/fetch.h"

#include <stdbool.h>
#include <stdint.h>

#define RANGES_MAX      64u
#define RANGE_BYTES_MIN (1u << 20) /* a smaller one costs more than it brings */

struct part_ranges {
	uint64_t id; /* of this table, random: we must not write another table's range */
	uint64_t total;
	unsigned count; /* of ranges; 0: the file has no table */
	struct fetch_source source;
	uint64_t done[RANGES_MAX]; /* bytes of each that are there */
};

/* TOTAL bytes in COUNT ranges: the first byte of range I. Of range COUNT: TOTAL. */
static inline uint64_t range_first(uint64_t total, unsigned count, unsigned i)
{
	const uint64_t longer = total % count; /* so many have one byte more */

	return total / count * i + (i < longer ? i : longer);
}

static inline uint64_t range_length(uint64_t total, unsigned count, unsigned i)
{
	return range_first(total, count, i + 1) - range_first(total, count, i);
}

/* Into how many ranges SOURCE is split where WISH are wanted. 1: it cannot be. */
unsigned part_ranges_count(const struct fetch_source *source, unsigned wish);

/* Makes the table of FD, for ranges->count ranges; FD has the first HAVE bytes of SOURCE from URL.
 * 0 or -errno, with ranges->count 0. */
int part_ranges_make(int fd, const char *url, const struct fetch_source *source, uint64_t have,
		     struct part_ranges *ranges);

/* Reads the table of FD. URL NULL: whichever it is of. False: it has none for URL. */
bool part_ranges_load(int fd, const char *url, struct part_ranges *ranges);

/* DONE bytes of range I are there. 0 or -errno. */
int part_ranges_note(int fd, const struct part_ranges *ranges, unsigned i, uint64_t done);

/* The first range that is not whole; COUNT: all are. */
unsigned part_ranges_open(const struct part_ranges *ranges);

/*
 * For a fetch in one stream: keeps the beginning of FD up to the first gap, and sets SOURCE.
 * Returns its size; 0: there is nothing to keep.
 */
uint64_t part_ranges_to_beginning(int fd, const char *url, struct fetch_source *source);

#endif
