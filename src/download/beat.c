/* SPDX-License-Identifier: MIT */
/*
 * beat.c - when to call which hook during a transfer.
 */
#include "config.h"

#include "download/beat.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>

#include "common/clock.h"

#define BEAT_NS      (50 * NS_PER_MS)
#define IDLE_BEAT_NS NS_PER_S

void beat_start(struct beat *beat, const struct fetch_hooks *hooks)
{
	static const struct fetch_hooks none = { .arg = NULL };
	uint64_t now = clock_ns();

	*beat = (struct beat){
		.hooks = hooks ? hooks : &none,
		.beat_ns = now,
		.told_ns = now,
	};
}

int beat_fd(const struct beat *beat)
{
	return beat->hooks->pollfd ? beat->hooks->pollfd(beat->hooks->arg) : -ENOENT;
}

void beat_wake(struct beat *beat)
{
	if (beat->hooks->wakeup && beat->hooks->wakeup(beat->hooks->arg))
		beat->stopped = true;
}

/*
 * Looks at the caller's descriptor without sleeping: a transfer whose bytes never let it sleep
 * would not hear of a command otherwise, and libcurl's poll does not report a mere POLLHUP.
 */
static void peek(struct beat *beat)
{
	struct pollfd p = { .fd = beat_fd(beat), .events = POLLIN };

	if (p.fd == -EAGAIN || (p.fd >= 0 && poll(&p, 1, 0) > 0))
		beat_wake(beat);
}

static void tell(struct beat *beat, uint64_t bytes, uint64_t total, uint64_t now)
{
	if (bytes == beat->told_bytes && now - beat->told_ns < IDLE_BEAT_NS)
		return;
	beat->told_bytes = bytes;
	beat->told_ns = now;
	if (beat->hooks->progress && beat->hooks->progress(beat->hooks->arg, bytes, total))
		beat->stopped = true;
}

void beat_tick(struct beat *beat, uint64_t bytes, uint64_t total)
{
	uint64_t now = clock_ns();

	if (beat->stopped || now - beat->beat_ns < BEAT_NS)
		return;
	beat->beat_ns = now;
	tell(beat, bytes, total, now);
	if (!beat->stopped)
		peek(beat);
}
