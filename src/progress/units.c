/* SPDX-License-Identifier: MIT */
/* units.c - see units.h */
#include "config.h"

#include "progress/units.h"

#include <stdio.h>
#include <string.h>

#include "progress/rate.h"

char *units_size(char buf[static UNITS_MAX], uint64_t bytes)
{
	static const char unit[] = "KMGTPE";
	unsigned power = 0;
	uint64_t whole = bytes;
	unsigned rest = 0;
	unsigned tenths;

	/* What rounds to 1024 KiB is 1.0 MiB. */
	while (whole >= 1024 || (whole == 1023 && power > 0 && rest >= 512)) {
		rest = whole % 1024;
		whole /= 1024;
		power++;
	}
	tenths = (unsigned)whole * 10 + (rest * 10 + 512) / 1024;
	/* Each fits: the widest is "1023 KiB". */
	if (power == 0)
		(void)snprintf(buf, UNITS_MAX, "%u B", (unsigned)whole);
	else if (tenths < 1000)
		(void)snprintf(buf, UNITS_MAX, "%u.%u %ciB", tenths / 10, tenths % 10,
			       unit[power - 1]);
	else
		(void)snprintf(buf, UNITS_MAX, "%u %ciB", (unsigned)whole + (rest >= 512),
			       unit[power - 1]);
	return buf;
}

char *units_speed(char buf[static UNITS_MAX], uint64_t bytes_per_s)
{
	size_t len;

	buf[0] = '\0';
	if (bytes_per_s == RATE_UNKNOWN)
		return buf;
	len = strlen(units_size(buf, bytes_per_s));
	(void)snprintf(buf + len, UNITS_MAX - len, "/s"); /* fits: 10 columns */
	return buf;
}

char *units_clock(char buf[static UNITS_MAX], uint64_t seconds)
{
	uint64_t minutes = seconds / 60;
	uint64_t days = seconds / 86400;

	/* Each fits: the largest figure of a form is bounded by the test before it. */
	if (minutes < 60)
		(void)snprintf(buf, UNITS_MAX, "%u:%02u", (unsigned)minutes,
			       (unsigned)(seconds % 60));
	else if (minutes < 6000)
		(void)snprintf(buf, UNITS_MAX, "%uh%02um", (unsigned)minutes / 60,
			       (unsigned)minutes % 60);
	else if (days <= 9999)
		(void)snprintf(buf, UNITS_MAX, "%ud", (unsigned)days);
	else
		(void)snprintf(buf, UNITS_MAX, ">9999d");
	return buf;
}

/* From a second on; the forms of units_left and units_elapsed. */
static void whole_seconds(char buf[static UNITS_MAX], unsigned seconds)
{
	/* Each fits: the longest is "49710 d 06 h". */
	if (seconds < 60)
		(void)snprintf(buf, UNITS_MAX, "%u s", seconds);
	else if (seconds < 3600)
		(void)snprintf(buf, UNITS_MAX, "%u min %02u s", seconds / 60, seconds % 60);
	else if (seconds < 86400)
		(void)snprintf(buf, UNITS_MAX, "%u h %02u min", seconds / 3600, seconds / 60 % 60);
	else
		(void)snprintf(buf, UNITS_MAX, "%u d %02u h", seconds / 86400, seconds / 3600 % 24);
}

char *units_left(char buf[static UNITS_MAX], uint64_t seconds)
{
	whole_seconds(buf, seconds < UINT32_MAX ? (unsigned)seconds : UINT32_MAX);
	return buf;
}

char *units_elapsed(char buf[static UNITS_MAX], double seconds)
{
	double known = seconds > 0 ? seconds : 0; /* NaN as well */
	unsigned tenths;

	if (known >= 59.95) {
		whole_seconds(buf, known < 4e9 ? (unsigned)(known + 0.5) : 4000000000U);
		return buf;
	}
	tenths = (unsigned)(known * 10 + 0.5);
	(void)snprintf(buf, UNITS_MAX, "%u.%u s", tenths / 10, tenths % 10); /* fits: 6 */
	return buf;
}

char *units_brief(char buf[static UNITS_MAX], double seconds)
{
	if (!(seconds >= 0) || seconds < 0.0009995)
		(void)snprintf(buf, UNITS_MAX, "%.0f us", seconds > 0 ? seconds * 1e6 : 0);
	else if (seconds < 0.9995)
		(void)snprintf(buf, UNITS_MAX, "%.*f ms", seconds < 0.00995 ? 1 : 0, seconds * 1e3);
	else
		(void)units_elapsed(buf, seconds);
	return buf;
}
