/* SPDX-License-Identifier: MIT */
/*
 * units.h - sizes, speeds and times as people read them. They do not depend on the locale: the
 * decimal mark is always a point.
 */
#ifndef IPCDEMO_UNITS_H
#define IPCDEMO_UNITS_H

#include <stdint.h>

/* Room for any figure below, with its NUL. Each returns its buffer. */
#define UNITS_MAX 16

/* "0 B", "1023 B", "1.0 KiB", "99.9 MiB", "100 MiB", "16.0 EiB": at most 8 columns. */
#define UNITS_SIZE_COLUMNS 8
char *units_size(char buf[static UNITS_MAX], uint64_t bytes);

/* "3.1 MiB/s", "" for RATE_UNKNOWN: at most 10 columns. */
#define UNITS_SPEED_COLUMNS 10
char *units_speed(char buf[static UNITS_MAX], uint64_t bytes_per_s);

/* For a clock: "0:04", "59:59", "1h00m", "99h59m", "4d", ">9999d": at most 6 columns. */
#define UNITS_CLOCK_COLUMNS 6
char *units_clock(char buf[static UNITS_MAX], uint64_t seconds);

/* A time that was measured, for a sentence: "3.2 s", "2 min 03 s", "1 h 02 min", "4 d 03 h". */
char *units_elapsed(char buf[static UNITS_MAX], double seconds);

/* A time that may be short, for a sentence: "412 us", "3.1 ms", then the same. */
char *units_brief(char buf[static UNITS_MAX], double seconds);

/* A time that remains, for a sentence: "12 s", then the same. */
char *units_left(char buf[static UNITS_MAX], uint64_t seconds);

#endif
