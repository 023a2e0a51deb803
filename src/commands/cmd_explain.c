/* SPDX-License-Identifier: MIT */
/*
 * cmd_explain.c - `ipcdemo explain NAME`: a page for a learner, on a mechanism or a concept. A
 * mechanism's text is the card at the top of its file and its const struct; the figures are this
 * machine's own.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench/write/write.h"
#include "commands/commands.h"
#include "commands/concepts.h"
#include "common/exit_code.h"
#include "common/language.h"
#include "ipc/ipc.h"
#include "common/mechanism.h"
#include "common/message.h"
#include "common/options.h"
#include "common/terminal.h"
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

/* ---- within the terminal's columns ---- */

/* Asked before anything is written: who cannot write asks errno why. */
static unsigned columns_of_page(void)
{
	const unsigned terminal = terminal_columns(STDOUT_FILENO, 80);

	return terminal < 100 ? terminal : 100;
}

static bool is_continued(const char *line)
{
	return strncmp(line, "  ", 2) == 0 && line[2] != ' ' && line[2] != '\n';
}

/*
 * A card as its source has it: paragraphs whose further lines are indented by two, and drawings,
 * which stay as they are.
 */
static void print_card(const char *card, unsigned columns)
{
	struct text paragraph = { .at = NULL };

	while (*card) {
		const size_t len = strcspn(card, "\n");
		const bool is_text = *card != '\n' && (*card != ' ' || is_continued(card));

		text_printf(&paragraph, "%s%.*s", paragraph.len ? " " : "", (int)len, card);
		card += len + (card[len] == '\n');
		if (is_text && is_continued(card))
			continue;
		if (is_text)
			notes_wrap(stdout, text_string(&paragraph), columns);
		else
			(void)printf("%s\n", text_string(&paragraph));
		text_clear(&paragraph);
	}
	text_free(&paragraph);
}

static void print_heading(const char *text)
{
	(void)printf("\n%s\n", text);
}

static void print_words(const char *heading, const char *const *words, unsigned columns)
{
	size_t column = 0;

	print_heading(heading);
	for (; *words; words++) {
		if (column == 0 || column + 1 + strlen(*words) > columns) {
			(void)printf("%s ", column ? "\n" : "");
			column = 1;
		}
		column += (size_t)printf(" %s", *words);
	}
	(void)putchar('\n');
}

static void print_objects(const struct ipc_info *info, unsigned columns)
{
	const struct ipc_object *object;

	print_heading("Kernel objects, and how to see them (PID: a process of ipcdemo)");
	for (object = info->objects; object->what; object++) {
		struct text what = { .at = NULL };

		text_add_wrapped(&what, object->what, 2, columns);
		(void)printf("%s      $ %s\n", text_string(&what), object->show);
		text_free(&what);
	}
}

static void print_limits(const struct ipc_info *info)
{
	struct ipc_limit limits[LIMITS_MAX];
	int n = ipc_limits(info->name, limits, LIMITS_MAX);
	struct text lines = { .at = NULL };
	char record[32];
	int i;

	print_heading("This machine, now");
	(void)snprintf(record, sizeof record, "%zu bytes", info->record_limit);
	figures_add(&lines, "longest record", record, "");
	for (i = 0; i < n; i++)
		figures_add(&lines, limits[i].name, limits[i].value, limits[i].source);
	(void)fputs(text_string(&lines), stdout);
	text_free(&lines);
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
	const unsigned columns = columns_of_page();
	const char *card = ipc_card(info->name);
	struct text text = { .at = NULL };
	char reason[256];

	text_printf(&text, "%s: %s\n%s.\n", info->name, info->title, info->summary);
	if (ipc_probe(info->name, reason, sizeof reason) < 0)
		text_printf(&text, "Not available here: %s.\n", reason);
	text_printf(&text, "\n%s", card ? card : "");
	print_card(text_string(&text), columns);
	text_free(&text);
	print_objects(info, columns);
	print_limits(info);
	print_words("System calls of its file", info->syscalls, columns);
	print_words("Manual pages", info->man, columns);
	print_heading("Read, in this order");
	if (has_example(info->name))
		(void)printf("  examples/%s.c", info->name);
	(void)printf("  ipc/core/backend.h  ipc/%s.c  ipc/core/waiting.c\n"
		     "  src/download/protocol.c  src/download/pool.c\n",
		     info->name);
	(void)printf("\nSee it work:  ipcdemo --ipc=%s --trace\n"
		     "Measure it:   ipcdemo bench --ipc=%s\n",
		     info->name, info->name);
}

static void print_concept(const struct concept *concept)
{
	const unsigned columns = columns_of_page();
	struct text figures = { 0 };

	text_printf(&figures, "%s: %s.\n\n%s", concept->name, concept->title, concept->card);
	print_card(text_string(&figures), columns);
	text_clear(&figures);
	(void)fflush(stdout); /* some figures fork */
	concept->figures(&figures);
	print_heading("This machine, now");
	(void)fputs(text_string(&figures), stdout);
	text_free(&figures);
	print_words("Manual pages", concept->man, columns);
	print_words("Read, in this order", concept->files, columns);
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
