/* SPDX-License-Identifier: MIT */
/* download_check.c - see download_options.h: the arguments, and what does not go together. */
#include "config.h"

#include "commands/download_options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands/commands.h"
#include "common/language.h"
#include "download/download.h"

static const char *command_word(size_t index)
{
#define COMMAND_WORD(word, arguments, what) #word,
	static const char *const words[] = { COMMANDS(COMMAND_WORD) NULL };

	return words[index];
}

/* Refuses an argument that is not a URL: a mistyped command, the name of a list of URLs. */
static void check_url(const char *url, const struct argp_state *state)
{
	const char *meant = options_suggest(url, command_word);
	struct stat st;

	if (!strstr(url, "://") && stat(url, &st) == 0 && S_ISREG(st.st_mode))
		argp_error(state, _("'%s' is a file, not a URL; to fetch the URLs in it: -i %s"),
			   url, url);
	if (strpbrk(url, "./:"))
		return;
	if (strcmp(url, "demo") == 0)
		meant = "--demo";
	if (meant)
		argp_error(state,
			   _("'%s' is neither a command nor a URL; did you mean 'ipcdemo %s'?"),
			   url, meant);
	else
		argp_error(state,
			   _("'%s' is neither a command nor a URL (a host alone: http://%s/)"), url,
			   url);
}

int download_add_url(void *values, const char *url, struct argp_state *state)
{
	struct download *download = values;
	const char **urls = reallocarray(download->urls, download->url_count + 1, sizeof *urls);

	if (!urls)
		return -ENOMEM;
	download->urls = urls;
	check_url(url, state);
	urls[download->url_count++] = url;
	return 0;
}

/* A line end in a header would begin another header, or end the request. */
static void check_headers(const char *const *headers, const struct argp_state *state)
{
	for (; headers && *headers; headers++) {
		const char *colon = strchr(*headers, ':');

		if (!colon || colon == *headers || strpbrk(*headers, "\r\n"))
			argp_error(state, _("--header: '%s' is no line \"Name: value\""), *headers);
	}
}

/* Settings for OpenSSL or curl in the environment apply here too, as in similar tools. */
static void check_trust(struct fetch_settings *fetch, const struct argp_state *state)
{
	static const char *const variables[] = { "CURL_CA_BUNDLE", "SSL_CERT_FILE" };
	const char *said_by = "--cacert";

	for (size_t i = 0; i < sizeof variables / sizeof variables[0] && !fetch->cacert; i++) {
		said_by = variables[i];
		fetch->cacert = getenv(said_by);
		if (fetch->cacert && !*fetch->cacert)
			fetch->cacert = NULL;
	}
	fetch->capath = getenv("SSL_CERT_DIR");
	if (fetch->cacert && access(fetch->cacert, R_OK) < 0)
		argp_error(state, "%s: %s: %s", said_by, fetch->cacert, language_errno(errno));
}

void download_check(void *values, struct argp_state *state)
{
	struct download *download = values;
	const bool one_url = download->url_count == 1 && !download->input_file;

	check_headers(download->batch.fetch.headers, state);
	check_trust(&download->batch.fetch, state);
	if (download->batch.fetch.max_size == 0)
		download->batch.fetch.max_size = FETCH_SIZE_UNKNOWN;
	if (download->demo && (download->url_count > 0 || download->input_file))
		argp_error(state, _("--demo goes without a URL: it fetches files of its own"));
	if (download->dry_run && download->url_count == 0 && !download->input_file)
		argp_error(state, _("--dry-run needs a URL"));
	if (download->output && !one_url)
		argp_error(state, _("--output goes with one URL; for several, use out=NAME in an "
				    "input file"));
	if (download->output && strcmp(download->output, "-") == 0 &&
	    download->display.progress == PROGRESS_JSON)
		argp_error(state,
			   _("standard output cannot hold both the file and --progress=json"));
	if (download->output && strcmp(download->output, "-") == 0 && download->batch.split > 1)
		argp_error(state,
			   _("--split writes a file in several places; standard output has one"));
	if (download->checksum && !one_url)
		argp_error(state,
			   _("--checksum goes with one URL; for several, use sha256=HEX in an "
			     "input file"));
}
