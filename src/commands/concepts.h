/* SPDX-License-Identifier: MIT */
/*
 * concepts.h - the concepts of `ipcdemo explain`: process, thread, fork, spawn, pool, queue,
 * sandbox.
 */
#ifndef IPCDEMO_CONCEPTS_H
#define IPCDEMO_CONCEPTS_H

#include <stddef.h>

#include "common/text.h"

struct concept {
	const char *name;
	const char *title; /* one sentence */
	const char *card;  /* paragraphs "Heading: text", as at the top of a mechanism's file */
	/* Adds this machine's figures, a line each; some measure for a moment. */
	void (*figures)(struct text * page);
	const char *const man[8];
	const char *const files[8]; /* to read, in this order */
	const char *see;            /* a command that shows it */
};

/* NULL past the end. */
const struct concept *concept_at(size_t index);
const struct concept *concept_find(const char *name);

/* ---- the figures, in concept_figures.c ---- */

/* A line: of what, how much, and where that can be read. */
void figures_add(struct text *page, const char *name, const char *value, const char *source);

void figures_process(struct text *page);
void figures_thread(struct text *page);
void figures_fork(struct text *page);
void figures_spawn(struct text *page);
void figures_pool(struct text *page);
void figures_queue(struct text *page);
void figures_sandbox(struct text *page);

#endif
