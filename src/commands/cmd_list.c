/* SPDX-License-Identifier: MIT */
/* cmd_list.c - `ipcdemo list`: every mechanism, from the backends' const structs alone. */
#include "config.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "commands/commands.h"
#include "common/exit_code.h"
#include "ipc/ipc.h"
#include "common/options.h"

struct list {
	bool json;
};

static const struct option_spec specs[] = {
	{ .name = "json",
	  .key = 256,
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct list, json),
	  .help = "one JSON object (schema ipcdemo-list/1)" },
	{ .name = NULL },
};

static const struct command_options command = {
	.doc = "Lists every mechanism: what it can do, its limits, whether it can be used here, or "
	       "why not."
	       "\vCapabilities: BOUNDARIES the kernel keeps records apart; EOF the receiver sees "
	       "that the sender is gone; POLLABLE has a descriptor for poll; TRUSTED_SLOT a "
	       "record's sender cannot be forged by another worker; DURABLE a sent record "
	       "survives the sender's SIGKILL; NAMED leaves a name behind if the parent is "
	       "killed; CROSS_HOST can reach another host.",
	.specs = specs,
};

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

	return json_pack("{s:s, s:s, s:s, s:b, s:s?, s:o, s:I, s:o, s:o, s:o}", "name", info->name,
			 "title", info->title, "summary", info->summary, "available", available,
			 "reason", available ? NULL : reason, "capabilities", capabilities(info),
			 "record_limit", (json_int_t)info->record_limit, "kernel_objects",
			 objects(info), "syscalls", strings(info->syscalls), "man",
			 strings(info->man));
}

static json_t *absent(const char *name, const char *reason)
{
	return json_pack("{s:s, s:s, s:s, s:b, s:s, s:[], s:n, s:[], s:[], s:[]}", "name", name,
			 "title", name, "summary", "", "available", 0, "reason", reason,
			 "capabilities", "record_limit", "kernel_objects", "syscalls", "man");
}

static int print_json(void)
{
	json_t *array = json_array();
	const struct ipc_info *info;
	const char *name, *reason;
	json_t *root;
	size_t i;
	int rc;

	for (i = 0; (info = ipc_info_at(i)); i++)
		json_array_append_new(array, mechanism(info));
	for (i = 0; (name = ipc_missing_at(i, &reason)); i++)
		json_array_append_new(array, absent(name, reason));
	root = json_pack("{s:s, s:o}", "schema", "ipcdemo-list/1", "mechanisms", array);
	rc = root ? json_dumpf(root, stdout, JSON_INDENT(2)) : -1;
	json_decref(root);
	(void)putchar('\n');
	return rc;
}

/* ---- for people ---- */

static void print_capabilities(const struct ipc_info *info)
{
	unsigned bit;

	for (bit = 0; bit < IPC_CAP_COUNT; bit++) {
		const char *name = ipc_capability_name(bit);

		const int width = bit + 1 < IPC_CAP_COUNT ? (int)strlen(name) : 0;

		(void)printf(" %-*s", width, info->capabilities & 1u << bit ? "yes" : "-");
	}
}

static void print_mechanism(const struct ipc_info *info)
{
	char reason[256];
	const bool available = ipc_probe(info->name, reason, sizeof reason) == 0;

	(void)printf("%-8s %-4s %9zu", info->name, available ? "yes" : "no", info->record_limit);
	print_capabilities(info);
	(void)putchar('\n');
	if (!available)
		(void)printf("         not available here: %s\n", reason);
}

static void print_table(void)
{
	const struct ipc_info *info;
	const char *name, *reason;
	unsigned bit;
	size_t i;

	(void)printf("%-8s %-4s %9s", "", "here", "bytes");
	for (bit = 0; bit < IPC_CAP_COUNT; bit++)
		(void)printf(" %s", ipc_capability_name(bit));
	(void)putchar('\n');
	for (i = 0; (info = ipc_info_at(i)); i++)
		print_mechanism(info);
	for (i = 0; (name = ipc_missing_at(i, &reason)); i++)
		(void)printf("%-8s no   %s\n", name, reason);
	(void)printf("\nbytes: the longest record. ipcdemo list --help says what the words mean, "
		     "ipcdemo explain NAME the rest.\n");
}

int cmd_list(int argc, char **argv)
{
	struct list list = { .json = false };

	options_parse(&command, &list, argc, argv);
	if (list.json && print_json() < 0)
		return EXIT_JOB_FAILED;
	if (!list.json)
		print_table();
	return EXIT_ALL_DONE;
}
