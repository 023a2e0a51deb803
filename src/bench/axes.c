/* SPDX-License-Identifier: MIT */
/*
 * axes.c - see axes.h. The table says everything about an option; a list is
 * read as text by the common parser and taken apart here.
 */
#include "config.h"

#include "bench/axes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/topology.h"
#include "common/language.h"
#include "common/mechanism.h"
#include "common/options.h"

#define SIZE_MAX_BYTES (1u << 24)
#define BATCH_MAX      65536u
#define DEPTH_MAX      65536u
#define ROUND_MS       50

static const char *const mode_words[] = { "latency",  "throughput", "oneway",
					  "download", "start",      NULL };
static const char *const wait_words[] = { "block", "poll", "spin", "adaptive", NULL };
static const char *const format_words[] = { "table", "json", "csv", NULL };

#define AT(member) offsetof(struct options, member)
#define LONG(n)    (0x100 + (n))

#define P99 "50us"

enum { ROWS = 1, LENGTH, OUTPUT };
static const char *const headings[] = { N_("What is measured:"), N_("How long:"),
					N_("What is written:"), NULL };

static const struct option_spec specs[] = {
	{ "ipc", LONG(0), "NAME[,NAME]", OPTION_TEXT, AT(text.ipc), 0, 0, AXES_GROUPS, NULL,
	  N_("mechanisms to measure; help lists them; groups: the first of each group that list "
	     "shows; all: all of them"),
	  ROWS },
	{ "mode", LONG(1), "MODE[,MODE]", OPTION_TEXT, AT(text.modes), 0, 0, "latency", mode_words,
	  N_("latency: round trip of one record; throughput: a stream of them; oneway: one "
	     "record's way, by one shared clock; download (alone): the same files over each "
	     "mechanism, and what share of their time IPC was; start (alone): from the start of a "
	     "process or thread to its first record, over unix unless --ipc names others"),
	  ROWS },
	{ "size", LONG(2), "BYTES[,BYTES]", OPTION_TEXT, AT(text.sizes), 8, SIZE_MAX_BYTES, "56",
	  NULL, N_("record sizes, multiples of 8, also as 4K"), ROWS },
	{ "wait", LONG(3), "HOW[,HOW]", OPTION_TEXT, AT(text.waits), 0, 0, "block,adaptive",
	  wait_words,
	  N_("how a receiver waits: in its blocking call (block), in an event loop (poll), never "
	     "asleep (spin), or awake for some 50 us and then asleep (adaptive)"),
	  ROWS },
	{ "place", LONG(4), "WHERE[,WHERE]", OPTION_TEXT, AT(text.places), 0, 0, "same,cross",
	  topology_placements,
	  N_("where the two ends run: on one CPU (same), on two cores (cross), on what hwloc shows "
	     "beside that (smt: one core, l3: one L3 cache, socket: two packages), or on each pair "
	     "of CPUs (all)"),
	  ROWS },
	{ "depth", LONG(16), "N[,N]", OPTION_TEXT, AT(text.depths), 0, DEPTH_MAX, "0", NULL,
	  N_("records that the mechanism should hold, 0 to 65536; 0: its own depth"), ROWS },
	{ "senders", LONG(5), "N[,N]", OPTION_TEXT, AT(text.senders), 1, SENDERS_MAX, "1", NULL,
	  N_("processes that send to the one receiver, 1 to 64 (throughput)"), ROWS },
	{ "batch", LONG(6), "N[,N]", OPTION_TEXT, AT(text.batches), 1, BATCH_MAX, "1", NULL,
	  N_("records handed over in one call, 1 to 65536 (throughput)"), ROWS },
	{ "rate", LONG(7), "R", OPTION_COUNT, AT(rate), 1, RATE_MAX, NULL, NULL,
	  N_("open loop: R records a second, each begun on time whatever happened to the one "
	     "before; latency counts from the intended moment"),
	  ROWS },
	{ "find-rate", LONG(17), NULL, OPTION_FLAG, AT(find_rate), 0, 0, NULL, NULL,
	  N_("open loop at the highest rate at which p99 stays below --p99, for each row: looked "
	     "for by bisection, with three rounds at each rate"),
	  ROWS },
	{ "p99", LONG(18), "TIME", OPTION_TEXT, AT(text.p99), 0, 0, NULL, NULL,
	  N_("the bound of --find-rate, as 800ns, 50us or 2ms (default 50us)"), ROWS },
	{ "floor", LONG(12), NULL, OPTION_FLAG, AT(floor), 0, 0, NULL, NULL,
	  N_("measure the bare system calls beside each row"), ROWS },

	{ "count", 'n', "N", OPTION_COUNT, AT(count), 1, COUNT_MAX, NULL, NULL,
	  N_("records (or round trips) of each round (default: as many as --time allows)"),
	  LENGTH },
	{ "time", LONG(8), "MS", OPTION_COUNT, AT(round_ms), 1, 60000, NULL, NULL,
	  N_("how long to measure in each round (default 50)"), LENGTH },
	{ "rounds", LONG(9), "N", OPTION_COUNT, AT(rounds), 1, ROUNDS_MAX, "15", NULL,
	  N_("rounds, each over all rows in turn, in new processes"), LENGTH },
	{ "warmup", LONG(10), "N", OPTION_COUNT, AT(warmup), 0, COUNT_MAX, NULL, NULL,
	  N_("round trips before measuring, dropped (default: 10 ms of them)"), LENGTH },
	{ "timeout", LONG(11), "S", OPTION_COUNT, AT(timeout_s), 1, 3600, "20", NULL,
	  N_("a round that takes longer ends its row with an error"), LENGTH },

	{ "format", LONG(13), "FORMAT", OPTION_CHOICE, AT(format), 0, 0, "table", format_words,
	  N_("what is printed: table, json or csv"), OUTPUT },
	{ "output", 'o', "FILE", OPTION_TEXT, AT(output), 0, 0, NULL, NULL,
	  N_("print to FILE instead of standard output"), OUTPUT },
	{ "report", LONG(14), "FILE", OPTION_TEXT, AT(report), 0, 0, NULL, NULL,
	  N_("write a page with charts: one HTML file that needs no network"), OUTPUT },
	{ "hgrm", LONG(15), "FILE", OPTION_TEXT, AT(hgrm), 0, 0, NULL, NULL,
	  N_("write the percentile distribution as HdrHistogram prints it, one file a row"),
	  OUTPUT },
	{ "quiet", 'q', NULL, OPTION_FLAG, AT(quiet), 0, 0, NULL, NULL,
	  N_("print no progress while measuring"), OUTPUT },
	{ .name = NULL },
};

const char *const axes_keys[] = { "backend",    "mode",    "wait",  "placement",
				  "size_bytes", "senders", "batch", "block",
				  "rate_per_s", "depth",   "start", NULL };

const char *mode_name(enum mode mode)
{
	return mode_words[mode];
}

const char *wait_name(enum ipc_strategy wait)
{
	return wait_words[wait];
}

const char *row_status_name(enum row_status status)
{
	static const char *const names[] = { N_("ok"), N_("error"), N_("stopped"),
					     N_("saturated") };

	return names[status];
}

/* ---- lists ---- */

/* TEXT, split at commas: a list that ends with NULL, to be freed in one piece. */
static const char **split(const char *text)
{
	size_t n = 2, i;
	const char **list;
	char *copy;

	for (i = 0; text[i]; i++)
		n += text[i] == ',';
	list = calloc(1, n * sizeof *list + strlen(text) + 1);
	if (!list)
		abort(); /* no memory at the start, as in options_parse */
	copy = (char *)(list + n);
	memcpy(copy, text, strlen(text) + 1);
	for (i = 0; i < n - 1; i++) {
		list[i] = copy;
		copy += strcspn(copy, ",");
		*copy++ = '\0';
	}
	return list;
}

static unsigned set_of(struct argp_state *state, const char *option, const char *text,
		       const char *const *words)
{
	const char **list = split(text);
	unsigned set = 0;
	size_t i;

	for (i = 0; list[i]; i++)
		set |= 1u << options_choice(option, words, list[i], state);
	free(list);
	return set;
}

static const struct option_spec *spec_of(const char *option)
{
	const struct option_spec *spec = specs;

	while (strcmp(spec->name, option) != 0)
		spec++;
	return spec;
}

static size_t *numbers_of(struct argp_state *state, const char *option, const char *text, size_t *n)
{
	const char **list = split(text);
	size_t *numbers;

	for (*n = 0; list[*n]; (*n)++)
		;
	numbers = calloc(*n, sizeof *numbers);
	if (!numbers)
		abort();
	for (*n = 0; list[*n]; (*n)++)
		numbers[*n] = (size_t)options_number(spec_of(option), true, list[*n], state);
	free(list);
	return numbers;
}

static bool is_missing(const char *name)
{
	const char *missing, *why;
	size_t i;

	for (i = 0; (missing = ipc_missing_at(i, &why)); i++)
		if (strcmp(missing, name) == 0)
			return true;
	return false;
}

/*
 * Refuses names that do not exist. The plan reports what only this build or this machine lacks.
 */
static void check_names(const char **names)
{
	size_t i;
	int status;

	for (i = 0; names[i]; i++) {
		if (strcmp(names[i], "help") == 0) {
			mechanism_print_all(stdout);
			exit(0);
		}
		status = mechanism_load(&names[i]);
		if (status != 0)
			exit(status);
		if (strcmp(names[i], "all") == 0 || strcmp(names[i], AXES_GROUPS) == 0 ||
		    ipc_info_find(names[i]) || is_missing(names[i]))
			continue;
		status = mechanism_check(names[i], true);
		exit(status);
	}
}

static void check_places(struct argp_state *state, const char *const *places)
{
	size_t i;

	for (i = 0; places[i]; i++)
		if (strcmp(places[i], "all") != 0)
			(void)options_choice("place", topology_placements, places[i], state);
}

/* "50us" in nanoseconds. */
static double time_of(struct argp_state *state, const char *option, const char *text)
{
	static const struct {
		const char *unit;
		double ns;
	} units[] = { { "ns", 1 }, { "us", 1e3 }, { "ms", 1e6 }, { "s", 1e9 } };
	char *end;
	double value = strtod(text, &end);
	size_t i;

	for (i = 0; i < sizeof units / sizeof units[0]; i++)
		if (end != text && value > 0 && strcmp(end, units[i].unit) == 0)
			return value * units[i].ns;
	argp_error(state, _("--%s: '%s' is not a time (such as 50us)"), option, text);
	return 0;
}

#define ONLY_DOWNLOAD (1u << MODE_DOWNLOAD)
#define ONLY_START    (1u << MODE_START)
#define BOTH          (ONLY_DOWNLOAD | ONLY_START)

/* Refuses axes that the mode does not have: an option without effect would mislead. */
static void check_alone(const struct options *o, struct argp_state *state, enum mode mode)
{
	const struct {
		const char *name;
		bool given;
		unsigned in; /* modes that it does not apply to */
	} options[] = {
		{ "size", o->text.sizes != spec_of("size")->initial, BOTH },
		{ "wait", o->text.waits != spec_of("wait")->initial, BOTH },
		{ "place", o->text.places != spec_of("place")->initial, BOTH },
		{ "depth", o->text.depths != spec_of("depth")->initial, BOTH },
		{ "senders", o->text.senders != spec_of("senders")->initial, BOTH },
		{ "batch", o->text.batches != spec_of("batch")->initial, BOTH },
		{ "rate", o->rate > 0, BOTH },
		{ "find-rate", o->find_rate, BOTH },
		{ "p99", o->text.p99, BOTH },
		{ "floor", o->floor, BOTH },
		{ "count", o->count > 0, ONLY_DOWNLOAD },
		{ "time", o->round_ms > 0, ONLY_DOWNLOAD },
		{ "warmup", o->warmup != WARMUP_AUTO, BOTH },
		{ "report", o->report, ONLY_DOWNLOAD },
		{ "hgrm", o->hgrm, ONLY_DOWNLOAD },
	};
	size_t i;

	if (!(o->modes & 1u << mode))
		return;
	if (o->modes != 1u << mode)
		argp_error(state, _("--mode=%s goes alone: it has other rows"), mode_name(mode));
	if (mode == MODE_DOWNLOAD && o->format == FORMAT_CSV)
		argp_error(state, _("--mode=download has a table and JSON only"));
	for (i = 0; i < sizeof options / sizeof options[0]; i++)
		if (options[i].given && options[i].in & 1u << mode)
			argp_error(state, _("--%s does not apply to --mode=%s"), options[i].name,
				   mode_name(mode));
}

static void check_rate(const struct options *o, struct argp_state *state)
{
	if (o->find_rate && (o->rate > 0 || o->floor))
		argp_error(state, _("--find-rate does not go with %s"),
			   o->rate > 0 ? "--rate" : "--floor");
	if (o->find_rate && o->modes & 1u << MODE_THROUGHPUT)
		argp_error(state, _("--find-rate is for --mode=latency or oneway: a stream has no "
				    "latency to bound"));
	if (o->text.p99 && !o->find_rate)
		argp_error(state, _("--p99 is the bound of --find-rate, which is not given"));
	if (o->rate > 0 && o->count / o->rate > o->timeout_s)
		argp_error(state, _("--count=%u at --rate=%u takes longer than --timeout=%u s"),
			   o->count, o->rate, o->timeout_s);
}

static void finish(void *values, struct argp_state *state)
{
	struct options *o = values;
	size_t i;

	o->modes = set_of(state, "mode", o->text.modes, mode_words);
	if (o->modes == 1u << MODE_START && o->text.ipc == spec_of("ipc")->initial)
		o->text.ipc = "unix"; /* the mechanism matters little here */
	o->ipc = split(o->text.ipc);
	check_names(o->ipc);
	o->places = split(o->text.places);
	check_places(state, o->places);
	o->waits = set_of(state, "wait", o->text.waits, wait_words);
	o->sizes = numbers_of(state, "size", o->text.sizes, &o->sizes_n);
	o->senders = numbers_of(state, "senders", o->text.senders, &o->senders_n);
	o->batches = numbers_of(state, "batch", o->text.batches, &o->batches_n);
	o->depths = numbers_of(state, "depth", o->text.depths, &o->depths_n);
	o->p99_ns = time_of(state, "p99", o->text.p99 ? o->text.p99 : P99);
	for (i = 0; i < o->sizes_n; i++)
		if (o->sizes[i] % 8)
			argp_error(state, _("--size: %zu is not a multiple of 8"), o->sizes[i]);
	check_alone(o, state, MODE_DOWNLOAD);
	check_alone(o, state, MODE_START);
	check_rate(o, state);
	if (o->round_ms == 0)
		o->round_ms = ROUND_MS;
}

void axes_parse(struct options *options, int argc, char **argv)
{
	static const struct command_options command = {
		.doc = N_("Measures latency and throughput of every IPC mechanism."),
		.end = N_(
			"Every row of the result says where the two ends ran and how the receiver "
			"waited: rows that differ in either say nothing about the mechanisms. "
			"Combinations that make no sense are left out and listed with the reason. "
			"Where the machine was not quiet, no conclusion is drawn.\nExit status: 0 "
			"measured, 1 a row failed (as where no rate keeps --p99), 2 usage, 3 a "
			"mechanism that was named cannot be used here, 4 internal error."),
		.headings = headings,
		.specs = specs,
		.words = mechanism_words,
		.finish = finish,
	};

	*options = (struct options){ .warmup = WARMUP_AUTO };
	options_parse(&command, options, argc, argv);
}

void axes_free(struct options *options)
{
	free(options->ipc);
	free(options->places);
	free(options->sizes);
	free(options->batches);
	free(options->depths);
	free(options->senders);
}
