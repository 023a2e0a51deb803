/* SPDX-License-Identifier: MIT */
/*
 * cmd_choose.c - `ipcdemo choose [NEED...]`: which mechanisms meet these needs, best first. It
 * reads capability bits, limits and, with --measure, figures; there is no list of names in it.
 */
#include "config.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands/capabilities.h"
#include "commands/choose.h"
#include "commands/commands.h"
#include "common/exit_code.h"
#include "common/language.h"
#include "common/options.h"
#include "common/terminal.h"
#include "common/text.h"

#define BITS_KEY 0x200 /* of the option for capability bit 0 */

enum format { TEXT, JSON };

static const char *const formats[] = { "text", "json", NULL };
static const char *const waits[] = { "block", "spin", NULL };

/* The options without a capability bit; the others are made from the bits. */
static const struct option_spec own_specs[] = {
	{ .name = "record",
	  .key = 0x100,
	  .arg = "BYTES",
	  .type = OPTION_BYTES,
	  .offset = offsetof(struct needs, record_bytes),
	  .min = 1,
	  .max = 1u << 24,
	  .initial = "56",
	  .help = N_("the longest record"),
	  .group = 1 },
	{ .name = "rate",
	  .key = 0x101,
	  .arg = "N",
	  .type = OPTION_COUNT,
	  .offset = offsetof(struct needs, rate),
	  .min = 1,
	  .max = 100000000,
	  .help = N_("records a second, at times; checked with --measure only"),
	  .group = 1 },
	{ .name = "wait",
	  .key = 0x102,
	  .arg = "HOW",
	  .type = OPTION_CHOICE,
	  .offset = offsetof(struct needs, spin),
	  .initial = "block",
	  .choices = waits,
	  .help = N_("how the receiver waits: asleep (block), or never asleep, on a CPU of its own "
		     "(spin)"),
	  .group = 1 },
	{ .name = "measure",
	  .key = 0x103,
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct needs, measure),
	  .help = N_("measure those that fit on this machine: some seconds"),
	  .group = 2 },
	{ .name = "format",
	  .key = 0x104,
	  .arg = "FORMAT",
	  .type = OPTION_CHOICE,
	  .offset = offsetof(struct needs, format),
	  .initial = "text",
	  .choices = formats,
	  .help = N_("what is printed: text or json"),
	  .group = 2 },
};

static const char *const headings[] = { N_("What is needed:"), N_("How it is answered:"), NULL };

#define OWN (sizeof own_specs / sizeof own_specs[0])

/* ---- for people ---- */

static void add_needs(struct text *out, const struct needs *needs, size_t columns)
{
	struct text words = { 0 };
	unsigned bit;

	text_printf(&words,
		    needs->spin ?
			    _("Needed: records of %llu bytes, a receiver that never sleeps") :
			    _("Needed: records of %llu bytes, a receiver that sleeps when there is "
			      "nothing"),
		    (unsigned long long)needs->record_bytes);
	if (needs->rate)
		text_printf(&words, _(", %u records a second"), needs->rate);
	text_add(&words, _("."));
	for (bit = 0; bit < IPC_CAP_COUNT; bit++)
		if (needs->bits[bit])
			text_printf(&words,
				    capability_at(bit)->avoid ? _(" One that never %s.") :
								_(" One that %s."),
				    _(capability_at(bit)->meaning));
	text_add_wrapped(out, text_string(&words), 0, columns);
	text_free(&words);
}

static void add_fitting(struct text *out, const struct candidate *at, unsigned rank, size_t columns)
{
	text_printf(out, _("%2u. %s, %s\n"), rank, at->info->name, _(at->info->title));
	text_add_wrapped(out, at->reason, 4, columns);
}

/* Adds all that share the reason of AT for not fitting, if AT is the first of them. */
static void add_ruled_out(struct text *out, const struct candidate *all, size_t n, size_t at,
			  size_t columns)
{
	struct text names = { 0 };
	size_t i;

	for (i = 0; i < n; i++) {
		if (all[i].fits || strcmp(all[i].reason, all[at].reason) != 0)
			continue;
		if (i < at)
			return; /* listed with that one */
		text_printf(&names, "%s%s", names.len ? ", " : "", all[i].info->name);
	}
	text_add_wrapped(out, text_string(&names), 2, columns);
	text_free(&names);
	text_add_wrapped(out, all[at].reason, 4, columns);
}

static void print_text(const struct needs *needs, const struct candidate *candidates, size_t n)
{
	const unsigned terminal = terminal_columns(STDOUT_FILENO, 80);
	const size_t columns = terminal < 100 ? terminal : 100;
	struct text out = { 0 };
	unsigned rank = 0;
	size_t i;

	add_needs(&out, needs, columns);
	for (i = 0; i < n && candidates[i].fits; i++) {
		text_add(&out, i == 0 ? _("\nThese fit, the best first:\n") : "");
		add_fitting(&out, &candidates[i], ++rank, columns);
	}
	if (rank == 0)
		text_add(&out, _("\nNo mechanism meets all of that.\n"));
	for (; i < n; i++) {
		text_add(&out, i == rank ? _("\nThese do not:\n") : "");
		add_ruled_out(&out, candidates, n, i, columns);
	}
	if (rank > 0 && !needs->measure)
		text_add(&out, _("\nBy what they promise alone; --measure adds this machine's "
				 "figures.\n"));
	else if (rank > 0 && candidates[0].busy)
		text_add(&out, _("\nNot quiet: other programs had the CPUs, so the order is by "
				 "what they promise.\nMeasure again when they do not.\n"));
	else if (rank > 0)
		text_add(&out, _("\nBy their time, in steps of half as much again, then by "
				 "their CPU for each record.\n"));
	(void)fputs(text_string(&out), stdout);
	text_free(&out);
}

/* ---- for programs ---- */

static json_t *figure(double value)
{
	return value > 0 ? json_real(value) : json_null();
}

static int print_json(const struct needs *needs, const struct candidate *candidates, size_t n)
{
	json_t *list = json_array(), *words = json_array(), *root;
	unsigned bit;
	size_t i;
	int rc;

	for (bit = 0; bit < IPC_CAP_COUNT; bit++)
		if (needs->bits[bit])
			json_array_append_new(words, json_string(capability_at(bit)->need));
	for (i = 0; i < n; i++) {
		const struct candidate *at = &candidates[i];

		json_array_append_new(list, json_pack("{s:s, s:b, s:s, s:o, s:b, s:o, s:o}", "name",
						      at->info->name, "fits", at->fits, "reason",
						      at->reason, "p50_ns", figure(at->p50_ns),
						      "stayed_awake", at->awake,
						      "cpu_ns_per_record", figure(at->cpu_ns),
						      "records_per_s", figure(at->records_per_s)));
	}
	root = json_pack("{s:s, s:{s:I, s:I, s:s, s:o}, s:o, s:o}", "schema", "ipcdemo-choose/1",
			 "needs", "record_bytes", (json_int_t)needs->record_bytes, "rate_per_s",
			 (json_int_t)needs->rate, "wait", waits[needs->spin], "capabilities", words,
			 "quiet",
			 needs->measure && n > 0 ? json_boolean(!candidates[0].busy) : json_null(),
			 "mechanisms", list);
	rc = root ? json_dumpf(root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) : -1;
	json_decref(root);
	(void)putchar('\n');
	return rc;
}

/* ---- the command ---- */

static void read_needs(struct needs *needs, int argc, char **argv)
{
	struct option_spec specs[OWN + IPC_CAP_COUNT + 1] = { { .name = NULL } };
	const struct command_options command = {
		.headings = headings,
		.doc = N_("Chooses the mechanisms that meet your needs: the best first, each with "
			  "the reason, then what rules the others out."),
		.end = N_("Exit status: 0 there is one, 1 no mechanism meets all needs, 2 usage, "
			  "4 internal error."),
		.specs = specs,
	};
	size_t n = OWN;
	unsigned bit;

	memcpy(specs, own_specs, sizeof own_specs);
	for (bit = 0; bit < IPC_CAP_COUNT; bit++)
		if (capability_at(bit)->need)
			specs[n++] = (struct option_spec){ .name = capability_at(bit)->need,
							   .key = BITS_KEY + (int)bit,
							   .type = OPTION_FLAG,
							   .offset = offsetof(struct needs, bits) +
								     bit * sizeof(bool),
							   .help = capability_at(bit)->need_help,
							   .group = 1 };
	options_parse(&command, needs, argc, argv);
}

int cmd_choose(int argc, char **argv)
{
	struct needs needs = { .rate = 0 };
	struct candidate *candidates;
	locale_t users = (locale_t)0;
	size_t n;
	int code;

	read_needs(&needs, argc, argv);
	if (needs.format == JSON)
		users = language_english(); /* reasons for programs */
	candidates = choose(&needs, &n);
	language_back(users);
	if (!candidates)
		return EXIT_INTERNAL;
	code = n > 0 && candidates[0].fits ? EXIT_ALL_DONE : EXIT_JOB_FAILED;
	if (needs.format == TEXT)
		print_text(&needs, candidates, n);
	else if (print_json(&needs, candidates, n) < 0)
		code = EXIT_INTERNAL;
	choose_free(candidates, n);
	return code;
}
