/* SPDX-License-Identifier: MIT */
/* contract_stream.c - streams of numbered records, and who checks them; see contract.h */
#include "config.h"

#include "tests/ipc/contract.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* Records in a buffer: at least a few, however long they are. */
static size_t stream_records(const struct world *w)
{
	return 4 * w->record > STREAM_BYTES ? 4 : STREAM_BYTES / w->record;
}

int stream_send(struct world *w, unsigned slot, struct stream *stream)
{
	uint64_t done = 0;
	size_t most = stream_records(w);
	char *buffer = malloc(most * w->record);
	ssize_t rc = 0;

	CHECK(buffer);
	if (stream->batch && most > stream->batch)
		most = stream->batch;
	while (done < stream->count && rc >= 0) {
		size_t n = 1 + rng_below(&stream->rng, (unsigned)most);
		size_t i;

		if (n > stream->count - done)
			n = (size_t)(stream->count - done);
		if (stream->pause && rng_below(&stream->rng, stream->pause) == 0)
			dawdle(&stream->rng);
		for (i = 0; i < n; i++)
			record_fill(buffer + i * w->record, w->record, stream->first + done + i);
		rc = ipc_send(w->s, slot, buffer, n, 0);
		CHECK_RC(rc, rc < 0 || (rc >= 1 && (size_t)rc <= n));
		if (rc < 0)
			break;
		done += (uint64_t)rc;
		atomic_fetch_add(&w->board->acked[slot], (uint64_t)rc);
		memset(buffer, 0xa5, n * w->record); /* it is ours again: nobody may look at it */
	}
	free(buffer);
	return rc < 0 ? (int)rc : 0;
}

#define FULL_SURELY 10000000u /* no queue holds that many */

uint64_t stream_fill(struct world *w, unsigned slot, uint64_t next)
{
	char *records = malloc(4 * w->record);
	struct rng rng = rng_for(slot + 1);
	uint64_t sent = 0;

	CHECK(records);
	for (;;) {
		unsigned n = 1 + rng_below(&rng, 4), i;
		ssize_t rc;

		for (i = 0; i < n; i++)
			record_fill(records + i * w->record, w->record,
				    id_of(slot, 0, next + sent + i));
		rc = ipc_send(w->s, slot, records, n, IPC_NOWAIT);
		if (rc == -EAGAIN)
			break;
		CHECK_RC(rc, rc >= 1 && rc <= (ssize_t)n);
		sent += (uint64_t)rc;
		CHECK(sent < FULL_SURELY);
	}
	free(records);
	return sent;
}

void inbox_open(struct inbox *inbox, struct world *w)
{
	unsigned slot;

	inbox->next = calloc(w->slots, sizeof *inbox->next);
	inbox->cap = stream_records(w);
	inbox->buffer = malloc(inbox->cap * w->record);
	CHECK(inbox->next && inbox->buffer);
	for (slot = 0; slot < w->slots; slot++)
		inbox->next[slot] = id_of(slot, 0, 0);
	inbox->total = 0;
	inbox->ends = 0;
}

void inbox_close(struct inbox *inbox)
{
	free(inbox->next);
	free(inbox->buffer);
}

ssize_t inbox_recv(struct inbox *inbox, struct world *w, unsigned *slot, size_t cap, unsigned flags)
{
	ssize_t rc, i;

	if (cap > inbox->cap)
		cap = inbox->cap;
	*slot = UINT_MAX;
	rc = ipc_recv(w->s, slot, inbox->buffer, cap, flags);
	if (rc == -EAGAIN) {
		CHECK(flags & IPC_NOWAIT);
		return rc;
	}
	CHECK_RC(rc, rc >= 0 || rc == -EPROTO);
	CHECK_RC(rc, rc <= (ssize_t)cap);
	CHECK(*slot < w->slots);
	for (i = 0; i < rc; i++) {
		uint64_t id = record_id(inbox->buffer + (size_t)i * w->record, w->record);

		CHECK_EQ((long long)id, (long long)inbox->next[*slot]);
		inbox->next[*slot]++;
	}
	inbox->total += rc > 0 ? (uint64_t)rc : 0;
	inbox->ends += rc == 0;
	return rc;
}

void inbox_until(struct inbox *inbox, struct world *w, uint64_t count, unsigned cap)
{
	struct rng rng = rng_for(99);
	unsigned slot;

	while (inbox->total < count) {
		ssize_t rc = inbox_recv(inbox, w, &slot, 1 + rng_below(&rng, cap), 0);

		CHECK_RC(rc, rc >= 0);
		/* An end may be told while others go on, but not in the middle of the stream. */
		if (rc == 0)
			CHECK(w->slots > 1);
	}
}
