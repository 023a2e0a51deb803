/* SPDX-License-Identifier: MIT */
/*
 * job_input.c - the list of URLs in a file.
 *
 *	line    = blank* [ "#" anything | URL ( blank+ key "=" value )* ] blank* [CR] LF
 *	key     = "out" | "dir" | "sha256", each at most once
 *	blank   = space | tab
 *	URL, value: without blanks, or in double quotes; there, as in a shell, a backslash takes the
 *	        special meaning from a quote or another backslash
 *
 * A UTF-8 byte order mark may begin the file, and the last line needs no LF. Every byte of a line
 * is used, or the line is refused: a name that is silently cut in two is worse than an error.
 *
 * aria2's own lists: a URL on a line, its options on lines behind it that begin with a blank:
 *
 *	option  = blank+ key blank* "=" blank* value blank* [CR] LF
 *	key     = "out" | "dir" | "checksum", each at most once; of checksums "sha-256=HEX"
 *
 * The value is all the rest of the line. Empty lines, and lines whose first byte is "#", mean
 * nothing. out= may name directories too, beneath its own: "a/b" is b in the directory a.
 *
 * In both, dir= says for its URL what -d says for all: the directory in its place, from here if it
 * is relative.
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
	static const char only[] =
		N_("only out=NAME, dir=DIR and sha256=HEX may follow a URL, not ");
	char *key = *at;
	const char **value;

	*at += strcspn(*at, BLANKS "=");
	if (**at != '=')
		**at = '\0';
	if (strncmp(key, "out=", 4) == 0)
		value = &wish->name;
	else if (strncmp(key, "dir=", 4) == 0)
		value = &wish->dir;
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

/* The options of a job in the making, to be freed. */
struct options {
	char *name, *dir, *sha256;
};

/* Nothing but blanks, or a comment. */
static bool is_nothing(const struct reader *reader)
{
	return *reader->line == '#' || !reader->line[strspn(reader->line, BLANKS)];
}

static bool is_option(const struct reader *reader)
{
	return *reader->line && strchr(BLANKS, *reader->line) && !is_nothing(reader);
}

/* The value of OPTION, without the blanks around it, if its key is KEY; else NULL. */
static char *value_of(char *option, const char *key)
{
	char *value = option + strlen(key);
	size_t n;

	if (strncmp(option, key, strlen(key)) != 0)
		return NULL;
	value += strspn(value, BLANKS);
	if (*value++ != '=')
		return NULL;
	value += strspn(value, BLANKS);
	n = strlen(value);
	while (n > 0 && strchr(BLANKS, value[n - 1]))
		value[--n] = '\0';
	return value;
}

/* An option line of the job in the making. */
static int read_option(struct reader *reader, struct options *options)
{
	static const char sum[] = "sha-256=";
	static const char known[] =
		N_("of aria2's options only out=, dir= and checksum=sha-256= are known here, not ");
	char *option = reader->line + strspn(reader->line, BLANKS);
	char *value, **text = NULL;

	if ((value = value_of(option, "out"))) {
		text = &options->name;
	} else if ((value = value_of(option, "dir"))) {
		text = &options->dir;
	} else if ((value = value_of(option, "checksum")) &&
		   strncmp(value, sum, strlen(sum)) == 0) {
		text = &options->sha256;
		value += strlen(sum);
	}
	if (!text)
		return refuse(reader, _(known), option);
	if (*text)
		return refuse(reader, _("given twice: "), option);
	*text = strdup(value);
	return *text ? 0 : -ENOMEM;
}

/* Reads the lines behind a URL; reader->line is then the next URL. */
static int read_options(struct reader *reader, struct options *options)
{
	int rc = next_line(reader);

	while (rc == 0 && !reader->ended && (is_nothing(reader) || is_option(reader))) {
		if (is_option(reader))
			rc = read_option(reader, options);
		if (rc == 0)
			rc = next_line(reader);
	}
	return rc;
}

/* Does a component of PATH lead to the directory above? */
static bool leads_up(const char *path)
{
	for (; *path; path += strcspn(path, "/"), path += strspn(path, "/"))
		if (strcspn(path, "/") == 2 && strncmp(path, "..", 2) == 0)
			return true;
	return false;
}

/* Moves what out= says of directories behind those of dir=, or of -d. */
static int split_out(struct reader *reader, struct options *options)
{
	const char *base = options->dir ? options->dir : reader->list->dir;
	char *path = options->name, *slash, *dir;

	if (!path)
		return 0;
	if (leads_up(path))
		return refuse(reader, _("out= leads out of its directory: "), path);
	slash = path + strspn(path, "/"); /* it begins there all the same */
	memmove(path, slash, strlen(slash) + 1);
	slash = strrchr(path, '/');
	if (!slash)
		return 0;
	if (asprintf(&dir, "%s%s%.*s", base ? base : "", base ? "/" : "", (int)(slash - path),
		     path) < 0)
		return -ENOMEM;
	free(options->dir);
	options->dir = dir;
	memmove(path, slash + 1, strlen(slash));
	return 0;
}

static int read_entry(struct reader *reader)
{
	struct options options = { .name = NULL };
	char *url = strdup(reader->line);
	size_t number = reader->number;
	int rc = url ? read_options(reader, &options) : -ENOMEM;

	if (rc == 0) {
		size_t behind = reader->number;

		reader->number = number; /* what is wrong now is wrong with the job */
		rc = strchr(url, '\t') ?
			     refuse(reader, _("mirrors of one file are not supported: "), url) :
			     split_out(reader, &options);
		if (rc == 0)
			rc = add(reader, &(struct job_wish){ .url = url,
							     .name = options.name,
							     .dir = options.dir,
							     .sha256 = options.sha256 });
		reader->number = behind;
	}
	free(url);
	free(options.name);
	free(options.dir);
	free(options.sha256);
	return rc;
}

static int read_aria2(struct reader *reader)
{
	int rc = next_line(reader);

	while (rc == 0 && !reader->ended) {
		if (is_option(reader))
			rc = refuse(reader, _("an option without a URL above it: "), reader->line);
		else
			rc = is_nothing(reader) ? next_line(reader) : read_entry(reader);
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
