/* SPDX-License-Identifier: MIT */
/*
 * options_refused.c - see options_refused.h. getopt(3) has messages of its own, but they need the C
 * library's catalogue, which most small systems do not have.
 */
#include "config.h"

#include "common/options_refused.h"

#include <stdbool.h>
#include <string.h>

#include "common/help.h"
#include "common/language.h"

struct found {
	const struct option_spec *spec;  /* NULL: none */
	const struct option_spec *other; /* a second one that it may mean; NULL: none */
};

/* Looks in SPECS for NAME[n] or what begins so, or for LETTER unless that is 0. */
static void look_up(struct found *found, const struct option_spec *specs, const char *name,
		    size_t n, int letter)
{
	const struct option_spec *spec;

	for (spec = specs; spec->name; spec++) {
		if (letter ? spec->key != letter : strncmp(spec->name, name, n) != 0)
			continue;
		if (!letter && spec->name[n] == '\0') {
			*found = (struct found){ .spec = spec };
			return;
		}
		if (found->spec && found->spec->name[n] == '\0' && !letter)
			continue; /* the exact name */
		if (found->spec)
			found->other = spec;
		else
			found->spec = spec;
	}
}

static struct found find(const struct command_options *command, const char *name, size_t n,
			 int letter)
{
	struct found found = { .spec = NULL };

	look_up(&found, command->specs, name, n, letter);
	look_up(&found, help_common_options, name, n, letter);
	return found;
}

/* What NAME[n], by which people may know it from another program, is here. NULL: we do not know. */
static const struct option_elsewhere *find_elsewhere(const struct command_options *command,
						     const char *name, size_t n)
{
	const struct option_elsewhere *at = command->elsewhere;

	while (at && at->name && (strlen(at->name) != n || strncmp(at->name, name, n) != 0))
		at++;
	return at && at->name ? at : NULL;
}

static void say_elsewhere(const struct option_elsewhere *at, const struct argp_state *state)
{
	const char *dashes = at->name[1] ? "--" : "-";

	if (at->here)
		argp_error(state, _("option '%s%s' is %s here"), dashes, at->name, at->here);
	else
		argp_error(state, _("option '%s%s' is not needed: it is always so here"), dashes,
			   at->name);
}

static bool needs_argument(const struct option_spec *spec)
{
	return spec->arg && spec->type != OPTION_DETAIL;
}

/* True: the option takes the next word as its argument. LAST: there is no next word. */
static bool check_long(const struct command_options *command, const char *word, bool last,
		       const struct argp_state *state)
{
	const size_t n = strcspn(word, "=");
	const struct found found = find(command, word, n, 0);
	const bool given = word[n] == '=';
	const struct option_elsewhere *elsewhere = find_elsewhere(command, word, n);

	if (elsewhere && !(found.spec && found.spec->name[n] == '\0'))
		say_elsewhere(elsewhere, state);
	else if (!found.spec)
		argp_error(state, _("unrecognized option '--%s'"), word);
	else if (found.other)
		argp_error(state, _("option '--%s' is ambiguous: --%s or --%s?"), word,
			   found.spec->name, found.other->name);
	else if (given && !found.spec->arg)
		argp_error(state, _("option '--%s' doesn't allow an argument"), found.spec->name);
	else if (!given && needs_argument(found.spec) && last)
		argp_error(state, _("option '--%s' requires an argument"), found.spec->name);
	return found.spec && needs_argument(found.spec) && !given;
}

/* The same for the letters of "-qv" or "-j4". */
static bool check_letters(const struct command_options *command, const char *letters, bool last,
			  const struct argp_state *state)
{
	const struct option_elsewhere *elsewhere;
	struct found found;

	for (; *letters; letters++) {
		found = find(command, "", 0, (unsigned char)*letters);
		elsewhere = find_elsewhere(command, letters, 1);
		if (!found.spec && elsewhere)
			say_elsewhere(elsewhere, state);
		else if (!found.spec)
			argp_error(state, _("invalid option -- '%c'"), *letters);
		else if (needs_argument(found.spec) && !letters[1] && last)
			argp_error(state, _("option requires an argument -- '%c'"), *letters);
		if (found.spec && found.spec->arg)
			return needs_argument(found.spec) && !letters[1];
	}
	return false;
}

void options_refused(const struct command_options *command, const struct argp_state *state)
{
	int i;

	for (i = 1; i < state->argc && strcmp(state->argv[i], "--") != 0; i++) {
		const char *word = state->argv[i];
		const bool last = i + 1 == state->argc;

		if (strncmp(word, "--", 2) == 0)
			i += check_long(command, word + 2, last, state);
		else if (word[0] == '-')
			i += check_letters(command, word + 1, last, state);
	}
}
