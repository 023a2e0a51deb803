/* SPDX-License-Identifier: MIT */
/*
 * help.c - see help.h. argp(3) counts bytes and breaks lines at blanks. In Chinese, where a
 * character has three bytes, two columns and no blank beside it, that makes ragged lines.
 */
#include "config.h"

#include "common/help.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/language.h"
#include "common/terminal.h"

#define WIDEST    100 /* longer lines are hard to read */
#define NARROW    60  /* below this width an option's text stands under the option */
#define INDENT    8   /* of the text then */
#define NARROWEST 24  /* a narrower terminal breaks the lines itself */

const struct option_spec help_common_options[] = {
	{ .name = "help", .key = HELP_KEY, .help = N_("print this help") },
	{ .name = "usage", .key = USAGE_KEY, .help = N_("print a short form of it") },
	{ .name = "version", .key = VERSION_KEY, .help = N_("print the version") },
	{ .name = NULL },
};

void help_add_row(struct text *help, const char *left, const char *right, size_t column,
		  unsigned columns)
{
	struct text lines = { 0 };

	text_add_wrapped(&lines, right, column, columns);
	if (lines.len > column && text_columns(left, true) + 2 <= column) {
		text_add_padded(help, left, column);
		text_add(help, lines.at + column);
	} else {
		text_add(help, left);
		text_add(help, "\n");
		text_add(help, text_string(&lines));
	}
	text_free(&lines);
}

/* Paragraphs, with an empty line between them. */
static void add_paragraphs(struct text *help, const char *text, unsigned columns)
{
	struct text one = { 0 };
	const char *end;

	for (; *text; text = end + strspn(end, "\n")) {
		end = strchrnul(text, '\n');
		text_clear(&one);
		text_add_bytes(&one, text, (size_t)(end - text));
		text_add_wrapped(help, text_string(&one), 0, columns);
		if (*end)
			text_add(help, "\n");
	}
	text_free(&one);
}

/* "  -i, --input-file=FILE" */
static void add_option_name(struct text *left, const struct option_spec *spec)
{
	if (spec->key < 256)
		text_printf(left, "  -%c, --%s", spec->key, spec->name);
	else
		text_printf(left, "      --%s", spec->name);
	if (spec->arg)
		text_printf(left, spec->type == OPTION_DETAIL ? "[=%s]" : "=%s", spec->arg);
}

static void add_option(struct text *help, const struct command_options *command,
		       const struct option_spec *spec, unsigned columns)
{
	const size_t column = columns < NARROW ? INDENT : columns < WIDEST - 1 ? 29 : 36;
	struct text left = { 0 }, right = { 0 };
	const char *word;
	size_t i;

	add_option_name(&left, spec);
	text_add(&right, spec->help ? _(spec->help) : "");
	for (i = 0; command->words && (word = command->words(spec->name, i)); i++)
		text_printf(&right, "%s%s", i ? ", " : _(": "), word);
	if (spec->initial)
		text_printf(&right, _(" (default %s)"), spec->initial);
	help_add_row(help, text_string(&left), text_string(&right), column, columns);
	text_free(&left);
	text_free(&right);
}

static void add_options(struct text *help, const struct command_options *command, unsigned columns)
{
	const struct option_spec *spec;
	int group = 0;

	do {
		if (group > 0)
			text_printf(help, " %s\n", _(command->headings[group - 1]));
		for (spec = command->specs; spec->name; spec++)
			if (spec->group == group)
				add_option(help, command, spec, columns);
		if (group > 0)
			text_add(help, "\n");
	} while (command->headings && command->headings[group++]);
	for (spec = help_common_options; spec->name; spec++)
		add_option(help, command, spec, columns);
}

/* The columns to fill: the last of a terminal stays empty. */
static unsigned columns_to_fill(void)
{
	const char *wanted = getenv("COLUMNS");
	const unsigned otherwise = wanted ? (unsigned)strtoul(wanted, NULL, 10) : 0;
	unsigned columns = terminal_columns(STDOUT_FILENO, otherwise ? otherwise : 80);

	columns = columns < WIDEST ? columns : WIDEST;
	return columns > NARROWEST ? columns - 1 : NARROWEST;
}

void help_print(const struct command_options *command, const char *name)
{
	const unsigned columns = columns_to_fill();
	struct text help = { 0 };

	text_printf(&help, _("Usage: %s [OPTION...] %s"), name,
		    command->usage ? command->usage : "");
	while (help.len > 0 && help.at[help.len - 1] == ' ')
		help.at[--help.len] = '\0';
	text_add(&help, "\n");
	add_paragraphs(&help, _(command->doc), columns);
	if (command->describe)
		command->describe(&help, columns);
	text_add(&help, "\n");
	add_options(&help, command, columns);
	if (command->end) {
		text_add(&help, "\n");
		add_paragraphs(&help, _(command->end), columns);
	}
	(void)fputs(text_string(&help), stdout); /* an error shows up at the end: see main.c */
	text_free(&help);
}
