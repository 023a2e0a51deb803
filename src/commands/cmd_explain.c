/* SPDX-License-Identifier: MIT */
/*
 * cmd_explain.c - `ipcdemo explain NAME`: a page for a learner, on a mechanism or a concept. A
 * mechanism's text is the card at the top of its file and its const struct; the figures are this
 * machine's own.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "commands/commands.h"
#include "commands/concepts.h"
#include "common/exit_code.h"
#include "common/language.h"
#include "ipc/ipc.h"
#include "common/mechanism.h"
#include "common/message.h"
#include "common/options.h"
#include "common/text.h"

#define LIMITS_MAX 16

struct explain {
	const char *name;
};

static const struct option_spec specs[] = { { .name = NULL } };

static int take_name(void *values, const char *name, struct argp_state *state)
{
	struct explain *explain = values;

	if (explain->name)
		argp_error(state, _("one page at a time, not also '%s'"), name);
	explain->name = name;
	return 0;
}

static void need_name(void *values, struct argp_state *state)
{
	if (!((struct explain *)values)->name)
		argp_error(state, _("which? A mechanism (ipcdemo list names them) or a concept: "
				    "process, thread, fork, spawn, pool, queue, sandbox"));
}

static const struct command_options command = {
	.usage = "NAME",
	.doc = N_("Explains a mechanism or a concept: what it is, what happens between parent and "
		  "worker, what the kernel promises, what it costs, and this machine's limits. "
		  "Concepts: process, thread, fork, spawn, pool, queue, sandbox."),
	.specs = specs,
	.argument = take_name,
	.finish = need_name,
};

static void print_heading(const char *text)
{
	(void)printf("\n%s\n", text);
}

static void print_words(const char *heading, const char *const *words)
{
	size_t column = 0;

	print_heading(heading);
	for (; *words; words++) {
		if (column == 0 || column + strlen(*words) > 84) {
			(void)printf("%s ", column ? "\n" : "");
			column = 1;
		}
		column += (size_t)printf(" %s", *words);
	}
	(void)putchar('\n');
}

static void print_objects(const struct ipc_info *info)
{
	const struct ipc_object *object;

	print_heading("Kernel objects, and how to see them (PID: a process of ipcdemo)");
	for (object = info->objects; object->what; object++)
		(void)printf("  %s\n      $ %s\n", object->what, object->show);
}

static void print_limits(const struct ipc_info *info)
{
	struct ipc_limit limits[LIMITS_MAX];
	int n = ipc_limits(info->name, limits, LIMITS_MAX);
	int i;

	print_heading("This machine, now");
	(void)printf("  %-36s %zu bytes\n", "longest record", info->record_limit);
	for (i = 0; i < n; i++)
		(void)printf("  %-36s %-20s %s\n", limits[i].name, limits[i].value,
			     limits[i].source);
}

/* The build's list of examples: a mechanism need not have one. */
static bool has_example(const char *name)
{
	static const char *const examples[] = {
#include "commands/examples.inc"
		NULL
	};
	size_t i;

	for (i = 0; examples[i] && strcmp(examples[i], name) != 0; i++)
		;
	return examples[i];
}

static void print_page(const struct ipc_info *info)
{
	const char *card = ipc_card(info->name);
	char reason[256];

	(void)printf("%s: %s\n%s.\n", info->name, info->title, info->summary);
	if (ipc_probe(info->name, reason, sizeof reason) < 0)
		(void)printf("Not available here: %s.\n", reason);
	if (card)
		(void)printf("\n%s", card);
	print_objects(info);
	print_limits(info);
	print_words("System calls of its file", info->syscalls);
	print_words("Manual pages", info->man);
	print_heading("Read, in this order");
	if (has_example(info->name))
		(void)printf("  examples/%s.c", info->name);
	(void)printf("  ipc/core/backend.h  ipc/%s.c  ipc/core/waiting.c\n"
		     "  src/download/protocol.c  src/download/pool.c\n",
		     info->name);
	(void)printf("\nSee it work:  ipcdemo --ipc=%s --trace     Measure it:  ipcdemo bench "
		     "--ipc=%s\n",
		     info->name, info->name);
}

static void print_concept(const struct concept *concept)
{
	struct text figures = { 0 };

	(void)printf("%s: %s.\n\n%s", concept->name, concept->title, concept->card);
	(void)fflush(stdout); /* some figures fork */
	concept->figures(&figures);
	print_heading("This machine, now");
	(void)fputs(text_string(&figures), stdout);
	text_free(&figures);
	print_words("Manual pages", concept->man);
	print_words("Read, in this order", concept->files);
	(void)printf("\nSee it work:  %s\n", concept->see);
}

/* Mechanisms first, then concepts. */
static const char *page_name(size_t index)
{
	const struct ipc_info *info = ipc_info_at(index);
	const struct concept *concept;
	size_t mechanisms = 0;

	if (info)
		return info->name;
	while (ipc_info_at(mechanisms))
		mechanisms++;
	concept = concept_at(index - mechanisms);
	return concept ? concept->name : NULL;
}

static int refuse_unknown(const char *name)
{
	const char *missing, *why, *nearest = options_suggest(name, page_name);
	size_t i;

	for (i = 0; (missing = ipc_missing_at(i, &why)); i++)
		if (strcmp(missing, name) == 0)
			return mechanism_check(name, true); /* says why */
	if (nearest)
		message_error(_("explain: nothing is known of '%s'; did you mean '%s'?"), name,
			      nearest);
	else
		message_error(_("explain: nothing is known of '%s' (ipcdemo list names the "
				"mechanisms)"),
			      name);
	return EXIT_USAGE;
}

int cmd_explain(int argc, char **argv)
{
	struct explain explain = { .name = NULL };
	const struct concept *concept;
	const struct ipc_info *info;

	options_parse(&command, &explain, argc, argv);
	info = ipc_info_find(explain.name);
	concept = concept_find(explain.name);
	if (!info && !concept)
		return refuse_unknown(explain.name);
	if (info)
		print_page(info);
	else
		print_concept(concept);
	return EXIT_ALL_DONE;
}
