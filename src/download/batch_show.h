/* SPDX-License-Identifier: MIT */
/* batch_show.h - what the user is told of a batch. For batch.c alone. */
#ifndef IPCDEMO_BATCH_SHOW_H
#define IPCDEMO_BATCH_SHOW_H

#include "download/batch.h"

/* What KIND tells of JOB, a file or a range of one, as it is now. */
struct progress_event batch_event_of(const struct batch *batch, enum progress_event_kind kind,
				     struct job *job, unsigned worker);

/* Shows EVENT; the batch ends if nobody reads that any more. */
void batch_show(struct batch *batch, const struct progress_event *event);

/* The same, with the reason of JOB's failure in words: the user's, and those for programs. */
void batch_show_reason(struct batch *batch, struct progress_event *event, const struct job *job);

/* JOB's bytes, while they arrive. */
void batch_show_moved(struct batch *batch, struct job *job, unsigned worker);

/* JOB has ended so, which is counted, and shown when it is its turn. */
void batch_show_done(struct batch *batch, struct job *job, unsigned worker);
void batch_show_failed(struct batch *batch, struct job *job, unsigned worker);
void batch_show_skipped(struct batch *batch, struct job *job);

/* The batch ends early: jobs that have ended are shown, even behind some that have not. */
void batch_show_rest(struct batch *batch);

void batch_note_unlocked(struct batch *batch); /* once */
void batch_note_kept(const struct batch *batch);

#endif
