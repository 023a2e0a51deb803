/* SPDX-License-Identifier: MIT */
/*
 * fetch_rate.c - how fast a fetcher may take bytes from the network, and whether at all.
 *
 * Each piece of a body moves the time on at which the next one is due; until then the transfer is
 * paused, so that the kernel's buffer fills and TCP slows the origin down. libcurl's own limit
 * (CURLOPT_MAX_RECV_SPEED_LARGE) is none for files of some MB: it lets the first pieces through.
 */
#include "config.h"

#include "download/fetch_internal.h"

#include "common/clock.h"

/* A transfer may make up for what it did not take, up to this much. */
#define BURST_NS (250 * NS_PER_MS)

/* A piece of the body is at most what the rate allows in this time. */
#define PIECES_A_SECOND 20

/* What was taken already is paid for at the new rate: else a piece at 1 byte/s holds for hours. */
void fetch_set_rate(struct fetch *fetch, uint64_t bytes)
{
	const uint64_t now_ns = clock_ns();

	if (fetch->rate > 0 && bytes > 0 && fetch->due_ns > now_ns)
		fetch->due_ns = now_ns + (uint64_t)((double)(fetch->due_ns - now_ns) *
						    (double)fetch->rate / (double)bytes);
	fetch->rate = bytes;
}

void fetch_pause(struct fetch *fetch, bool paused)
{
	fetch->paused = paused;
}

long fetch_piece_bytes(const struct fetch *fetch, long most)
{
	const uint64_t piece = fetch->rate / PIECES_A_SECOND;

	return fetch->rate == 0 || piece > (uint64_t)most ? most :
	       piece < 1024                               ? 1024 :
							    (long)piece;
}

static void tell_libcurl(struct fetch *fetch, bool paused)
{
	fetch->now.paused = paused;
	(void)curl_easy_pause(fetch->easy, paused ? CURLPAUSE_RECV : CURLPAUSE_CONT);
}

void fetch_spend(struct fetch *fetch, size_t bytes)
{
	const uint64_t now_ns = clock_ns();

	if (fetch->rate == 0)
		return;
	if (fetch->due_ns + BURST_NS < now_ns)
		fetch->due_ns = now_ns - BURST_NS;
	fetch->due_ns += (uint64_t)((double)bytes * (double)NS_PER_S / (double)fetch->rate);
	/* At once: libcurl would read several pieces before it returns to our loop. */
	if (fetch->due_ns > now_ns)
		tell_libcurl(fetch, true);
}

void fetch_pace(struct fetch *fetch)
{
	const bool paused = fetch->paused || (fetch->rate > 0 && fetch->due_ns > clock_ns());

	if (paused != fetch->now.paused)
		tell_libcurl(fetch, paused);
}

uint64_t fetch_due_ns(const struct fetch *fetch, uint64_t latest_ns)
{
	const bool waits = !fetch->paused && fetch->rate > 0;

	return waits && fetch->due_ns < latest_ns ? fetch->due_ns : latest_ns;
}
