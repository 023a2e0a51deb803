/* SPDX-License-Identifier: MIT */
/* demo_picture.c - see demo_picture.h */
#include "config.h"

#include "download/demo_picture.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "common/help.h"
#include "common/language.h"
#include "common/terminal.h"

#define NAME_COLUMNS 24 /* on a narrow terminal a third of its columns */
#define WIDEST       100
#define NARROWEST    20
#define INDENT       2

#define COMMAND_COLUMNS 22
#define WHAT_COLUMNS    40 /* with less room it stands below its command */

struct scale {
	unsigned name; /* columns */
	double cells_per_s;
};

/* A line for one file: its name, then a bar from FROM to TO seconds. */
static void draw_bar(struct text *lines, const char *name, double from, double to,
		     const struct scale *scale)
{
	const bool utf8 = text_locale();
	unsigned begin = (unsigned)(from * scale->cells_per_s);
	unsigned end = (unsigned)(to * scale->cells_per_s + 0.5);
	size_t used;

	text_fill(lines, ' ', INDENT);
	used = text_add_cut(lines, name, scale->name - 1, utf8);
	text_fill(lines, ' ', scale->name - used + begin);
	for (; begin < end; begin++)
		text_add(lines, utf8 ? "\u2588" : "=");
	text_add(lines, "\n");
}

/* Both files, each from the start or each behind the other. */
static void draw_way(struct text *lines, const struct picture *picture, bool in_turn,
		     const struct scale *scale)
{
	double from = 0;
	unsigned i;

	for (i = 0; i < PICTURE_FILES; i++) {
		draw_bar(lines, picture->name[i], from, from + picture->seconds[i], scale);
		if (in_turn)
			from += picture->seconds[i];
	}
}

static void draw_command(struct text *lines, const char *before, const char *name,
			 const char *behind, const char *what)
{
	const unsigned columns = terminal_columns(STDERR_FILENO, 80);
	struct text command = { 0 };
	size_t column;

	text_printf(&command, "  %s ", program_invocation_name);
	column = text_columns(text_string(&command), true) + COMMAND_COLUMNS;
	text_printf(&command, "%s%s%s", before, name, behind);
	help_add_row(lines, text_string(&command), what,
		     column + WHAT_COLUMNS <= columns ? column : 2 * INDENT, columns - 1);
	text_free(&command);
}

static void draw_next(struct text *lines, const struct picture *picture)
{
	text_add(lines, _("\nNext:\n"));
	if (picture->sequential) {
		draw_command(lines, "", "", "", _("the same with two workers at once"));
		return;
	}
	draw_command(lines, "--ipc=", picture->ipc, " --trace", _("each IPC record as it passes"));
	draw_command(lines, "explain ", picture->ipc, "", _("how that mechanism works, its costs"));
	draw_command(lines, "--compare-models", "", "", _("by processes, threads, in one loop"));
	draw_command(lines, "bench", "", "", _("how fast each mechanism is here"));
}

/* Only what was done, AT_ONCE, counts the start of the workers and the check of the files. */
static void draw_loss(struct text *lines, double loss_s, unsigned columns)
{
	struct text words = { 0 };

	text_printf(
		&words,
		_("Nothing saved: at once took %.2f s more. Only that figure holds what surrounds "
		  "the files (start, check), which outweighs files as short as these."),
		loss_s);
	text_add_wrapped(lines, text_string(&words), 0, columns);
	text_free(&words);
}

void picture_draw(struct text *lines, const struct picture *picture)
{
	const double *seconds = picture->seconds;
	const double longest = seconds[0] > seconds[1] ? seconds[0] : seconds[1];
	const double sum = seconds[0] + seconds[1];
	const double at_once = picture->sequential ? longest : picture->wall_s;
	const double in_turn = picture->sequential ? picture->wall_s : sum;
	/* Of the two figures as they are shown. */
	const double saved = (round(100 * in_turn) - round(100 * at_once)) / 100;
	const unsigned terminal = terminal_columns(STDERR_FILENO, 80);
	const unsigned columns = terminal < WIDEST ? terminal : WIDEST;
	struct scale scale = { .name = NAME_COLUMNS };

	if (columns < 3 * NAME_COLUMNS && columns >= NARROWEST)
		scale.name = columns / 3;
	if (columns >= NARROWEST && sum > 0)
		scale.cells_per_s = (columns - scale.name - INDENT - 1) / sum;
	text_printf(lines,
		    picture->sequential ? _("\nBoth at once would need: %.2f s\n") :
					  _("\nBoth at once: %.2f s\n"),
		    at_once);
	draw_way(lines, picture, false, &scale);
	text_printf(lines, _("One after the other: %.2f s\n"), in_turn);
	draw_way(lines, picture, true, &scale);
	if (saved < 0)
		draw_loss(lines, -saved, columns - 1);
	else
		text_printf(lines,
			    picture->sequential ? _("To be saved: %.2f s, %.0f %%\n") :
						  _("Saved: %.2f s, %.0f %%\n"),
			    saved, in_turn > 0 ? 100 * saved / in_turn : 0);
	draw_next(lines, picture);
}
