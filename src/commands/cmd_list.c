/* SPDX-License-Identifier: MIT */
/* cmd_list.c - `ipcdemo list`: every mechanism, from the backends' const structs alone. */
#include "config.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "commands/capabilities.h"
#include "commands/commands.h"
#include "common/exit_code.h"
#include "common/help.h"
#include "common/language.h"
#include "common/options.h"
#include "common/terminal.h"
#include "common/text.h"
#include "ipc/ipc.h"

#define NAME_COLUMNS   7
#define RECORD_COLUMNS 6
#define GAP            2
#define TITLE_MOST     32
#define LONG           8 /* rows, in a list of all groups */

struct list {
	bool json;
	const char *group_text;
	int group; /* enum ipc_group; -1: all */
};

static const struct option_spec specs[] = {
	{ .name = "json",
	  .key = 256,
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct list, json),
	  .help = N_("one JSON object (schema ipcdemo-list/1)") },
	{ .name = "group",
	  .key = 257,
	  .arg = "GROUP",
	  .type = OPTION_TEXT,
	  .offset = offsetof(struct list, group_text),
	  .help = N_("the mechanisms of one group only") },
	{ .name = NULL },
};

static const char *group_words(const char *option, size_t index)
{
	return strcmp(option, "group") == 0 ? ipc_group_name((unsigned)index) : NULL;
}

static void read_group(void *values, struct argp_state *state)
{
	struct list *list = values;
	const char *words[IPC_GROUP_COUNT + 1] = { NULL };
	unsigned i;

	for (i = 0; i < IPC_GROUP_COUNT; i++)
		words[i] = ipc_group_name(i);
	list->group = list->group_text ? options_choice("group", words, list->group_text, state) :
					 -1;
}

static bool wanted(const struct list *list, const struct ipc_info *info)
{
	return list->group < 0 || info->group == (enum ipc_group)list->group;
}

/* ---- JSON ---- */

static json_t *strings(const char *const *words)
{
	json_t *array = json_array();

	for (; *words; words++)
		json_array_append_new(array, json_string(*words));
	return array;
}

static json_t *capabilities(const struct ipc_info *info)
{
	json_t *array = json_array();
	unsigned bit;

	for (bit = 0; bit < IPC_CAP_COUNT; bit++)
		if (info->capabilities & 1u << bit)
			json_array_append_new(array, json_string(ipc_capability_name(bit)));
	return array;
}

static json_t *objects(const struct ipc_info *info)
{
	json_t *array = json_array();
	const struct ipc_object *object;

	for (object = info->objects; object->what; object++)
		json_array_append_new(array, json_string(object->what));
	return array;
}

static json_t *mechanism(const struct ipc_info *info)
{
	char reason[256];
	const bool available = ipc_probe(info->name, reason, sizeof reason) == 0;

	return json_pack("{s:s, s:s, s:s, s:s, s:b, s:s?, s:o, s:I, s:o, s:o, s:o}", "name",
			 info->name, "title", info->title, "summary", info->summary, "group",
			 ipc_group_name(info->group), "available", available, "reason",
			 available ? NULL : reason, "capabilities", capabilities(info),
			 "record_limit", (json_int_t)info->record_limit, "kernel_objects",
			 objects(info), "syscalls", strings(info->syscalls), "man",
			 strings(info->man));
}

static json_t *absent(const char *name, const char *reason)
{
	return json_pack("{s:s, s:s, s:s, s:n, s:b, s:s, s:[], s:n, s:[], s:[], s:[]}", "name",
			 name, "title", name, "summary", "", "group", "available", 0, "reason",
			 reason, "capabilities", "record_limit", "kernel_objects", "syscalls",
			 "man");
}

static int print_json(const struct list *list)
{
	json_t *array = json_array();
	const struct ipc_info *info;
	const char *name, *reason;
	json_t *root;
	size_t i;
	int rc;

	for (i = 0; (info = ipc_info_at(i)); i++)
		if (wanted(list, info))
			json_array_append_new(array, mechanism(info));
	for (i = 0; list->group < 0 && (name = ipc_missing_at(i, &reason)); i++)
		json_array_append_new(array, absent(name, reason));
	root = json_pack("{s:s, s:o}", "schema", "ipcdemo-list/1", "mechanisms", array);
	rc = root ? json_dumpf(root, stdout, JSON_INDENT(2)) : -1;
	json_decref(root);
	(void)putchar('\n');
	return rc;
}

/* ---- for people ---- */

/* Which columns the table has. What all rows share stands below the table instead. */
struct layout {
	unsigned varies; /* capability bits that some rows have and some have not */
	unsigned all;    /* bits that all have */
	unsigned none;   /* bits that none has */
	/*
	 * The one mechanism that has a bit, or lacks it, if there is just one: a sentence, no
	 * column. So of two that have it, in a long list: the other one.
	 */
	const char *only[IPC_CAP_COUNT], *but[IPC_CAP_COUNT], *other[IPC_CAP_COUNT];
	unsigned title; /* columns */
	size_t columns; /* of the terminal */
};

/* The width of a capability's column: its heading, at least a "yes". */
static size_t cell_columns(unsigned bit)
{
	const size_t heading = text_columns(_(capability_at(bit)->heading), true);
	const size_t yes = text_columns(_("yes"), true);

	return 1 + (heading < yes ? yes : heading);
}

/* Puts a mechanism into the sentence of BIT, should it become one. */
static void note(struct layout *layout, unsigned bit, const struct ipc_info *info)
{
	if (info->capabilities & 1u << bit) {
		layout->other[bit] = layout->only[bit];
		layout->only[bit] = info->name;
	} else {
		layout->but[bit] = info->name;
	}
}

/* A column in which only one cell differs, or in a long list two, becomes a sentence. */
static void take_out_loners(struct layout *layout, const struct list *list)
{
	unsigned has[IPC_CAP_COUNT] = { 0 }, rows = 0, bit;
	const struct ipc_info *info;
	size_t i;

	for (i = 0; (info = ipc_info_at(i)); i++) {
		if (!wanted(list, info))
			continue;
		rows++;
		for (bit = 0; bit < IPC_CAP_COUNT; bit++) {
			has[bit] += (info->capabilities & 1u << bit) != 0;
			note(layout, bit, info);
		}
	}
	for (bit = 0; bit < IPC_CAP_COUNT; bit++) {
		if (rows < LONG || has[bit] != 2)
			layout->other[bit] = NULL;
		if (!layout->other[bit] && (rows < 4 || has[bit] != 1))
			layout->only[bit] = NULL;
		if (rows < 4 || has[bit] != rows - 1)
			layout->but[bit] = NULL;
		if (layout->only[bit] || layout->but[bit])
			layout->varies &= ~(1u << bit);
	}
}

static struct layout lay_out(const struct list *list)
{
	struct layout layout = { .all = (1u << IPC_CAP_COUNT) - 1,
				 .columns = terminal_columns(STDOUT_FILENO, 80) };
	const struct ipc_info *info;
	size_t used = GAP + NAME_COLUMNS + GAP + GAP + RECORD_COLUMNS;
	unsigned any = 0, bit;
	size_t i;

	for (i = 0; (info = ipc_info_at(i)); i++) {
		if (!wanted(list, info))
			continue;
		any |= info->capabilities;
		layout.all &= info->capabilities;
	}
	layout.varies = any & ~layout.all;
	layout.none = ~any;
	take_out_loners(&layout, list);
	for (bit = 0; bit < IPC_CAP_COUNT; bit++)
		if (layout.varies & 1u << bit)
			used += cell_columns(bit);
	layout.title = layout.columns > used ? (unsigned)(layout.columns - used) : 0;
	if (layout.title > TITLE_MOST)
		layout.title = TITLE_MOST;
	return layout;
}

/* One row: a cell for each capability that varies, its heading or whether INFO has it. */
static void add_cells(struct text *row, const struct layout *layout, const struct ipc_info *info)
{
	unsigned bit;

	for (bit = 0; bit < IPC_CAP_COUNT; bit++) {
		const char *heading = _(capability_at(bit)->heading);
		const char *cell = !info                          ? heading :
				   info->capabilities & 1u << bit ? _("yes") :
								    "-";

		if (layout->varies & 1u << bit)
			text_add_right(row, cell, cell_columns(bit));
	}
	text_add(row, "\n");
}

static void add_row(struct text *row, const struct layout *layout, const struct ipc_info *info)
{
	static const char *const units[] = { "B", "KiB", "MiB" };
	size_t used, limit = info->record_limit;
	char reason[256], record[32];
	unsigned unit = 0;

	for (; limit % 1024 == 0 && unit < 2; unit++)
		limit /= 1024;
	(void)snprintf(record, sizeof record, "%zu %s", limit, units[unit]);
	text_printf(row, "%*s%-*s%*s", GAP, "", NAME_COLUMNS, info->name, GAP, "");
	used = text_add_cut(row, _(info->title), layout->title, true);
	text_fill(row, ' ', layout->title - used);
	text_printf(row, "%*s", GAP + RECORD_COLUMNS, record);
	add_cells(row, layout, info);
	if (ipc_probe(info->name, reason, sizeof reason) < 0)
		text_printf(row, _("%*snot available here: %s\n"), NAME_COLUMNS + 2 * GAP, "",
			    _(reason));
}

static void add_group(struct text *table, const struct list *list, const struct layout *layout,
		      unsigned group)
{
	const struct ipc_info *info;
	bool begun = false;
	size_t i;

	for (i = 0; (info = ipc_info_at(i)); i++) {
		if (info->group != group || !wanted(list, info))
			continue;
		if (!begun)
			text_printf(table, "%s\n", _(ipc_group_name(group)));
		begun = true;
		add_row(table, layout, info);
	}
}

/* Adds the sentence of a capability without a column. */
static void add_sentence(struct text *table, const struct layout *layout, unsigned bit)
{
	const char *meaning = _(capability_at(bit)->meaning);
	struct text words = { 0 };

	if (layout->all & 1u << bit)
		text_printf(&words, _("Every one of them %s."), meaning);
	else if (layout->none & 1u << bit)
		text_printf(&words, _("None of them %s."), meaning);
	else if (layout->other[bit])
		text_printf(&words, _("Two of them, %s and %s: each %s."), layout->other[bit],
			    layout->only[bit], meaning);
	else if (layout->only[bit])
		text_printf(&words, _("Only %s %s."), layout->only[bit], meaning);
	else if (layout->but[bit])
		text_printf(&words, _("Each but %s %s."), layout->but[bit], meaning);
	text_add_wrapped(table, text_string(&words), 0, layout->columns);
	text_free(&words);
}

static void add_meaning(struct text *table, const struct capability *capability, size_t columns)
{
	struct text left = { 0 };

	text_printf(&left, "  %s", _(capability->heading));
	help_add_row(table, text_string(&left), _(capability->meaning), 2 + 6 + 2,
		     (unsigned)columns);
	text_free(&left);
}

static void add_legend(struct text *table, const struct layout *layout)
{
	unsigned bit;

	text_add(table, layout->varies ? _("\nA yes: the mechanism ...\n") : "\n");
	for (bit = 0; bit < IPC_CAP_COUNT; bit++)
		if (layout->varies & 1u << bit)
			add_meaning(table, capability_at(bit), layout->columns);
	for (bit = 0; bit < IPC_CAP_COUNT; bit++)
		if (!(layout->varies & 1u << bit))
			add_sentence(table, layout, bit);
}

static void print_table(const struct list *list)
{
	const struct layout layout = lay_out(list);
	struct text table = { 0 };
	const char *name, *reason;
	unsigned group;
	size_t i;

	text_add_right(&table, _("record"), NAME_COLUMNS + 3 * GAP + RECORD_COLUMNS + layout.title);
	add_cells(&table, &layout, NULL);
	for (group = 1; group < IPC_GROUP_COUNT; group++)
		add_group(&table, list, &layout, group);
	add_group(&table, list, &layout, IPC_GROUP_OTHER);
	for (i = 0; list->group < 0 && (name = ipc_missing_at(i, &reason)); i++)
		text_printf(&table, "%s  %-*s%*s%s\n", i ? "" : _("not in this build\n"),
			    NAME_COLUMNS, name, GAP, "", _(reason));
	add_legend(&table, &layout);
	text_add(&table, "\n");
	text_add_wrapped(&table,
			 _("record: the longest one. ipcdemo explain NAME has the rest; ipcdemo "
			   "choose says which one meets your needs."),
			 0, layout.columns);
	(void)fputs(text_string(&table), stdout);
	text_free(&table);
}

static void describe(struct text *help, unsigned columns)
{
	char name[32];
	unsigned bit;

	text_printf(help, "\n%s\n", _("Capabilities:"));
	for (bit = 0; bit < IPC_CAP_COUNT; bit++) {
		(void)snprintf(name, sizeof name, "  %s", ipc_capability_name(bit));
		help_add_row(help, name, _(capability_at(bit)->meaning), 17, columns);
	}
}

int cmd_list(int argc, char **argv)
{
	static const struct command_options command = {
		.doc = N_("Lists every mechanism: what it can do, its limits, whether it can be "
			  "used here, or why not."),
		.describe = describe,
		.specs = specs,
		.words = group_words,
		.finish = read_group
	};
	struct list list = { .json = false };

	options_parse(&command, &list, argc, argv);
	if (list.json && print_json(&list) < 0)
		return EXIT_JOB_FAILED;
	if (!list.json)
		print_table(&list);
	return EXIT_ALL_DONE;
}
