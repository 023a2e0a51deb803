/* SPDX-License-Identifier: MIT */
/* choose.c - see choose.h: what rules a mechanism out, and which of two is better. */
#include "config.h"

#include "commands/choose.h"

#include <math.h>
#include <stdlib.h>

#include "commands/capabilities.h"
#include "common/language.h"
#include "common/text.h"

#define FAST_RATE 100000u /* records a second from which system calls per record dominate */
#define STEP      1.5     /* whoever takes up to so many times as long is as fast */

/* ---- by what it promises ---- */

static bool has(const struct ipc_info *info, unsigned bit)
{
	return info->capabilities & 1u << bit;
}

static void add_obstacles(struct text *why, const struct needs *needs, const struct ipc_info *info)
{
	char reason[256];
	unsigned bit;

	if (info->record_limit < needs->record_bytes)
		text_printf(why, _("Its records end at %zu bytes. "), info->record_limit);
	for (bit = 0; bit < IPC_CAP_COUNT; bit++) {
		const struct capability *capability = capability_at(bit);

		if (needs->bits[bit] && has(info, bit) == capability->avoid)
			text_printf(why,
				    capability->avoid ? _("It is one that %s. ") :
							_("It is not one that %s. "),
				    _(capability->meaning));
	}
	if (ipc_probe(info->name, reason, sizeof reason) < 0)
		text_printf(why, _("It cannot be used here: %s. "), _(reason));
}

/* The needs that it meets, if it fits. */
static void add_met(struct text *why, const struct needs *needs)
{
	unsigned bit;

	for (bit = 0; bit < IPC_CAP_COUNT; bit++)
		if (needs->bits[bit])
			text_printf(why,
				    capability_at(bit)->avoid ? _("As needed, it never %s. ") :
								_("As needed, it %s. "),
				    _(capability_at(bit)->meaning));
}

/*
 * What speaks for a mechanism or against it: that it has a capability, or lacks it. The sum of the
 * weights decides the order if nothing was measured.
 */
enum { LACKS, HAS };
static const struct merit {
	bool has;
	unsigned capability;
	int weight;
	const char *sentence;
} merits[] = {
	{ HAS, IPC_CAP_EOF, 4,
	  N_("A read tells that the sender is gone, without anything beside it. ") },
	{ HAS, IPC_CAP_BOUNDARIES, 1, N_("The kernel or library keeps records apart. ") },
	{ HAS, IPC_CAP_DURABLE, 1, N_("What was sent arrives although the sender was killed. ") },
	{ LACKS, IPC_CAP_POLLABLE, -1, N_("No event loop can wait for it. ") },
	{ LACKS, IPC_CAP_TRUSTED_SLOT, -2, N_("A sender can pose as another. ") },
	{ HAS, IPC_CAP_TRUSTING, -1,
	  N_("Who holds a slot or its ticket can bring the hub down. ") },
	{ HAS, IPC_CAP_NAMED, -1, N_("It leaves a name behind if the hub is killed. ") },
	{ HAS, IPC_CAP_RESTRICTED, -3,
	  N_("Hardened systems and containers often forbid its calls. ") },
	{ HAS, IPC_CAP_CROSS_HOST, -3,
	  N_("Each record goes all the way that leads to other hosts, which is not needed "
	     "here. ") },
};

/*
 * Adds the sentences of all merits to WHY, but those that add_met has said already, and returns
 * their sum. A receiver that never sleeps, or gets many records, needs a mechanism without a system
 * call for each; a receiver that sleeps needs one that wakes it when the sender dies.
 */
static int add_merits(struct text *why, const struct needs *needs, const struct ipc_info *info)
{
	const bool fast = needs->spin || needs->rate >= FAST_RATE;
	int sum = 0;
	size_t i;

	if (info->shared_memory) {
		sum += fast ? 8 : 0;
		text_add(why, _("A record is copied into memory that both ends map: no system call "
				"while the receiver is awake. "));
	}
	for (i = 0; i < sizeof merits / sizeof merits[0]; i++) {
		const unsigned bit = (unsigned)__builtin_ctz(merits[i].capability);

		if (has(info, bit) != merits[i].has || needs->bits[bit])
			continue; /* what is needed, all that fit have */
		sum += merits[i].weight;
		text_add(why, _(merits[i].sentence));
	}
	return sum;
}

/* ---- by its figures ---- */

/* Rounds VALUE > 0 to the digits that a few rounds justify. */
static double two_digits(double value)
{
	const double step = pow(10, floor(log10(value)) - 1);

	return round(value / step) * step;
}

static void add_figures(struct text *why, struct candidate *at, const struct needs *needs)
{
	const bool slow = needs->rate && at->records_per_s > 0 && at->records_per_s < needs->rate;

	if (at->p50_ns <= 0)
		return;
	text_printf(why, _("Here: %g us there and back"), two_digits(at->p50_ns / 1e3));
	if (at->records_per_s > 0 && at->cpu_ns > 0)
		text_printf(why, _(", %.0f records a second with %g us of CPU each"),
			    two_digits(at->records_per_s), two_digits(at->cpu_ns / 1e3));
	text_add(why, _(". "));
	if (at->awake)
		text_add(why, _("It did not sleep for that, but looked again and again. "));
	if (slow && at->busy)
		text_add(why, _("Too slow, but other programs had the CPUs: measure again. "));
	else if (slow)
		text_add(why, _("That is too slow. "));
	at->fits = !slow || at->busy;
}

/* ---- all of them ---- */

/*
 * Waking a sleeper takes about the same time whatever the mechanism, and what is left between them
 * is chance. So the time counts in steps, and within a step what a record costs in CPU.
 */
static void count_steps(struct candidate *candidates, size_t n)
{
	double best = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		const struct candidate *at = &candidates[i];

		if (at->fits && !at->awake && at->p50_ns > 0 && (best <= 0 || at->p50_ns < best))
			best = at->p50_ns;
	}
	for (i = 0; i < n && best > 0; i++)
		if (candidates[i].p50_ns > best)
			candidates[i].step =
				(unsigned)(log(candidates[i].p50_ns / best) / log(STEP));
}

/* Of two that were measured, as qsort has it; 0: no difference. */
static int by_figures(const struct candidate *x, const struct candidate *y)
{
	if (x->awake != y->awake)
		return x->awake ? 1 : -1;
	if (x->step != y->step)
		return x->step < y->step ? -1 : 1;
	if (x->cpu_ns > 0 && y->cpu_ns > 0 && x->cpu_ns != y->cpu_ns)
		return x->cpu_ns < y->cpu_ns ? -1 : 1;
	return (x->p50_ns > y->p50_ns) - (x->p50_ns < y->p50_ns);
}

static int by_rank(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	int order = !x->busy && x->p50_ns > 0 && y->p50_ns > 0 ? by_figures(x, y) : 0;

	if (x->fits != y->fits)
		return x->fits ? -1 : 1;
	if (order != 0)
		return order;
	if (x->merit != y->merit)
		return x->merit > y->merit ? -1 : 1;
	return x->index < y->index ? -1 : 1;
}

static size_t count_mechanisms(void)
{
	size_t n = 0;

	while (ipc_info_at(n))
		n++;
	return n;
}

struct candidate *choose(const struct needs *needs, size_t *n)
{
	struct candidate *candidates;
	struct text *why;
	size_t i;

	*n = count_mechanisms();
	candidates = calloc(*n + 1, sizeof *candidates);
	why = calloc(*n + 1, sizeof *why);
	if (!candidates || !why)
		goto fail;
	for (i = 0; i < *n; i++) {
		candidates[i] = (struct candidate){ .info = ipc_info_at(i), .index = i };
		add_obstacles(&why[i], needs, candidates[i].info);
		candidates[i].fits = why[i].len == 0;
	}
	if (needs->measure && choose_measure(needs, candidates, *n) < 0)
		goto fail;
	for (i = 0; i < *n; i++) {
		if (candidates[i].fits)
			add_figures(&why[i], &candidates[i], needs);
		if (candidates[i].fits) {
			add_met(&why[i], needs);
			candidates[i].merit = add_merits(&why[i], needs, candidates[i].info);
		}
		candidates[i].reason = why[i].at; /* the candidate's now; may be NULL */
	}
	free(why);
	count_steps(candidates, *n);
	qsort(candidates, *n, sizeof *candidates, by_rank);
	return candidates;
fail:
	for (i = 0; why && i < *n; i++)
		text_free(&why[i]);
	free(why);
	free(candidates);
	return NULL;
}

void choose_free(struct candidate *candidates, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		free(candidates[i].reason);
	free(candidates);
}
