/* SPDX-License-Identifier: MIT */
/*
 * job_input.c - the list of URLs in a file.
 *
 *	line    = blank* [ "#" anything | URL ( blank+ key "=" value )* ] blank* [CR] LF
 *	key     = "out" | "sha256", each at most once
 *	blank   = space | tab
 *	URL, value: without blanks, or in double quotes; there, as in a shell, a backslash takes the
 *	        special meaning from a quote or another backslash
 *
 * A UTF-8 byte order mark may begin the file, and the last line needs no LF. Every byte of a line
 * is used, or the line is refused: a name that is silently cut in two is worse than an error.
 *
 * aria2's own lists: a URL on a line, its options on lines behind it that begin with a blank; the
 * value goes to the end of the line. Of its options out=, dir= and checksum=sha-256= are known.
 */
#include "config.h"

#include "download/job_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/language.h"

#define BLANKS " \t"

struct reader {
	struct job_list *list;
	struct job_input *input;
	size_t number; /* of the line */
	char *line;    /* without its end */
	size_t cap;
	bool ended;
};

static int refuse(struct reader *reader, const char *cause, const char *detail)
{
	(void)snprintf(reader->input->why, sizeof reader->input->why, "%s:%zu: %s%s",
		       reader->input->path, reader->number, cause, detail);
	return -EINVAL;
}

static int add(struct reader *reader, const struct job_wish *wish)
{
	char why[256];
	int rc = job_list_add(reader->list, wish, why, sizeof why);

	return rc == -EINVAL ? refuse(reader, why, "") : rc;
}

/* The next line into reader->line. 0, -errno; reader->ended: there was none. */
static int next_line(struct reader *reader)
{
	static const char mark[] = "\xef\xbb\xbf";
	ssize_t n;

	errno = 0;
	n = getline(&reader->line, &reader->cap, reader->input->file);
	if (n < 0) {
		reader->ended = true;
		if (!ferror(reader->input->file))
			return errno == ENOMEM ? -ENOMEM : 0;
		(void)snprintf(reader->input->why, sizeof reader->input->why, "%s: %s",
			       reader->input->path, language_errno(errno));
		return -errno;
	}
	reader->number++;
	if (n > 0 && reader->line[n - 1] == '\n')
		reader->line[--n] = '\0';
	if (n > 0 && reader->line[n - 1] == '\r')
		reader->line[--n] = '\0';
	if (strlen(reader->line) != (size_t)n)
		return refuse(reader, _("the line holds a NUL byte"), "");
	if (reader->number == 1 && strncmp(reader->line, mark, strlen(mark)) == 0)
		memmove(reader->line, reader->line + strlen(mark), (size_t)n + 1 - strlen(mark));
	return 0;
}

/* ---- plain ---- */

/*
 * Removes the quotes of TEXT, in place. Returns what follows the closing quote; NULL: there is
 * none.
 */
static char *unquote(char *text)
{
	char *out = text, *in = text + 1;

	for (; *in && *in != '"'; in++) {
		if (*in == '\\' && (in[1] == '"' || in[1] == '\\'))
			in++;
		*out++ = *in;
	}
	if (!*in)
		return NULL;
	*out = '\0';
	return in + 1;
}

/*
 * The word at *AT, plain or quoted, ended by a NUL; *AT moves behind it and the blanks that follow.
 * NULL: a quote is not closed, or something follows the closing one.
 */
static char *take_word(char **at)
{
	char *word = *at, *end;

	end = *word == '"' ? unquote(word) : word + strcspn(word, BLANKS);
	if (!end || (*end && !strchr(BLANKS, *end)))
		return NULL;
	*at = end + strspn(end, BLANKS);
	*end = '\0';
	return word;
}

/* One "key=value" at *AT. */
static int take_pair(struct reader *reader, char **at, struct job_wish *wish)
{
	static const char only[] = N_("only out=NAME and sha256=HEX may follow a URL, not ");
	char *key = *at;
	const char **value;

	*at += strcspn(*at, BLANKS "=");
	if (**at != '=')
		**at = '\0';
	if (strncmp(key, "out=", 4) == 0)
		value = &wish->name;
	else if (strncmp(key, "sha256=", 7) == 0)
		value = &wish->sha256;
	else
		return refuse(reader, _(only), key);
	*(*at)++ = '\0';
	if (*value)
		return refuse(reader, _("given twice: "), key);
	*value = take_word(at);
	return *value ? 0 :
			refuse(reader, _("a double quote is not closed, or text follows it"), "");
}

static int read_plain_line(struct reader *reader)
{
	struct job_wish wish = { .url = NULL };
	char *at = reader->line + strspn(reader->line, BLANKS);
	int rc = 0;

	if (*at == '\0' || *at == '#')
		return 0;
	wish.url = take_word(&at);
	if (!wish.url)
		return refuse(reader, _("a double quote is not closed, or text follows it"), "");
	while (*at && rc == 0)
		rc = take_pair(reader, &at, &wish);
	return rc ? rc : add(reader, &wish);
}

static int read_plain(struct reader *reader)
{
	int rc = next_line(reader);

	while (rc == 0 && !reader->ended) {
		rc = read_plain_line(reader);
		if (rc == 0)
			rc = next_line(reader);
	}
	return rc;
}

/* ---- aria2 ---- */

static int set_text(char **text, const char *value)
{
	free(*text);
	*text = strdup(value);
	return *text ? 0 : -ENOMEM;
}

/* An option line of the job in the making. */
static int read_option(struct reader *reader, char **name, char **sha256)
{
	static const char known[] =
		N_("of aria2's options only out=, dir= and checksum=sha-256= are known here, not ");
	const char *option = reader->line + strspn(reader->line, BLANKS);
	char **dir = &reader->input->dir;

	if (strncmp(option, "out=", 4) == 0)
		return set_text(name, option + 4);
	if (strncmp(option, "checksum=sha-256=", 17) == 0)
		return set_text(sha256, option + 17);
	if (strncmp(option, "dir=", 4) != 0)
		return refuse(reader, _(known), option);
	if (*dir && strcmp(*dir, option + 4) != 0)
		return refuse(reader, _("one run writes into one directory: dir="), *dir);
	return set_text(dir, option + 4);
}

static bool is_option(const struct reader *reader)
{
	return !reader->ended && *reader->line && strchr(BLANKS, *reader->line) &&
	       reader->line[strspn(reader->line, BLANKS)];
}

/* Reads a URL and its options; reader->line is then the line after them. */
static int read_entry(struct reader *reader)
{
	struct job_wish wish = { .url = NULL };
	char *url = strdup(reader->line);
	char *name = NULL, *sha256 = NULL;
	size_t number = reader->number;
	int rc = url ? next_line(reader) : -ENOMEM;

	while (rc == 0 && is_option(reader)) {
		rc = read_option(reader, &name, &sha256);
		if (rc == 0)
			rc = next_line(reader);
	}
	wish = (struct job_wish){ .url = url, .name = name, .sha256 = sha256 };
	if (rc == 0) {
		size_t behind = reader->number;

		reader->number = number; /* what is wrong now is wrong with the job */
		rc = strchr(url, '\t') ?
			     refuse(reader, _("mirrors of one file are not supported: "), url) :
			     add(reader, &wish);
		reader->number = behind;
	}
	free(url);
	free(name);
	free(sha256);
	return rc;
}

static int read_aria2(struct reader *reader)
{
	int rc = next_line(reader);

	while (rc == 0 && !reader->ended) {
		if (is_option(reader))
			rc = refuse(reader, _("an option without a URL above it: "), reader->line);
		else if (*reader->line == '#' || !reader->line[strspn(reader->line, BLANKS)])
			rc = next_line(reader);
		else
			rc = read_entry(reader);
	}
	return rc;
}

int job_list_read(struct job_list *list, struct job_input *input)
{
	struct reader reader = { .list = list, .input = input };
	int rc = input->format == JOB_FORMAT_ARIA2 ? read_aria2(&reader) : read_plain(&reader);

	free(reader.line);
	if (rc < 0 && !*input->why)
		(void)refuse(&reader, language_errno(-rc), "");
	return rc;
}
