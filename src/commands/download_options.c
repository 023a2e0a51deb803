/* SPDX-License-Identifier: MIT */
/* download_options.c - see download_options.h */
#include "config.h"

#include "commands/download_options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands/commands.h"
#include "common/help.h"
#include "common/language.h"
#include "common/mechanism.h"
#include "download/download.h"
#include "download/pool.h"
#include "ipc/ipc.h"

static const char *const exists_words[] = { "fail", "skip", "overwrite", "resume", "rename", NULL };
static const char *const format_words[] = { "plain", "aria2", NULL };
static const char *const progress_words[] = { "auto", "bar", "plain", "json", "none", NULL };

static const char *const table_words[] = { "table", "json", NULL };

#define AT(member) .offset = offsetof(struct download, member)

enum { GROUP_WHAT = 1, GROUP_WHERE, GROUP_HOW, GROUP_ORIGIN, GROUP_FAILS, GROUP_SHOWN };

static const char *const headings[] = {
	[GROUP_WHAT - 1] = N_("What to fetch:"),
	[GROUP_WHERE - 1] = N_("Where it goes:"),
	[GROUP_HOW - 1] = N_("How it is done:"),
	[GROUP_ORIGIN - 1] = N_("What the server is told, and whether it is trusted:"),
	[GROUP_FAILS - 1] = N_("When it fails:"),
	[GROUP_SHOWN - 1] = N_("What is shown:"),
	NULL,
};

static const struct option_spec specs[] = {
	{ .name = "input-file",
	  .key = 'i',
	  .arg = "FILE",
	  .type = OPTION_TEXT,
	  AT(input_file),
	  .help = N_("URLs from FILE (- for standard input), one a line, # for comments; "
		     "out=NAME and sha256=HEX may follow a URL; what holds blanks stands in double "
		     "quotes"),
	  .group = GROUP_WHAT },
	{ .name = "input-format",
	  .key = 269,
	  .arg = "FORMAT",
	  .type = OPTION_CHOICE,
	  AT(input_format),
	  .initial = "plain",
	  .choices = format_words,
	  .help = N_(
		  "of that file: plain, or aria2 (its lists, with out=, dir= and checksum= lines)"),
	  .group = GROUP_WHAT },
	{ .name = "checksum",
	  .key = 260,
	  .arg = "sha256=HEX",
	  .type = OPTION_TEXT,
	  AT(checksum),
	  .help = N_("what the file must be (one URL only)"),
	  .group = GROUP_WHAT },
	{ .name = "max-size",
	  .key = 261,
	  .arg = "BYTES",
	  .type = OPTION_BYTES,
	  AT(batch.fetch.max_size),
	  .max = UINT64_MAX - 1,
	  .help = N_("larger files fail (default: no limit)"),
	  .group = GROUP_WHAT },
	{ .name = "dry-run",
	  .key = 270,
	  .type = OPTION_FLAG,
	  AT(dry_run),
	  .help = N_("print what would be fetched, under which names, and fetch nothing"),
	  .group = GROUP_WHAT },
	{ .name = "dir",
	  .key = 'd',
	  .arg = "DIR",
	  .type = OPTION_TEXT,
	  AT(dir),
	  .help = N_("where files go, made if missing (default: here)"),
	  .group = GROUP_WHERE },
	{ .name = "output",
	  .key = 'o',
	  .arg = "FILE",
	  .type = OPTION_TEXT,
	  AT(output),
	  .help = N_("name of the file (one URL only); - for standard output"),
	  .group = GROUP_WHERE },
	{ .name = "exists",
	  .key = 259,
	  .arg = "POLICY",
	  .type = OPTION_CHOICE,
	  AT(batch.exists),
	  .initial = "fail",
	  .choices = exists_words,
	  .help = N_(
		  "a file that exists already: fail, skip, overwrite, resume (skip, and go on with "
		  "unfinished .part files) or rename (NAME.1 is written)"),
	  .group = GROUP_WHERE },
	{ .name = "remote-time",
	  .key = 271,
	  .type = OPTION_FLAG,
	  AT(batch.remote_time),
	  .help = N_("files get the time that the server gives for them"),
	  .group = GROUP_WHERE },
	{ .name = "ipc",
	  .key = 256,
	  .arg = "NAME",
	  .type = OPTION_TEXT,
	  AT(batch.ipc),
	  .initial = "unix",
	  .help = N_("mechanism between workers and parent; 'help' describes them"),
	  .group = GROUP_HOW },
	{ .name = "jobs",
	  .key = 'j',
	  .arg = "N",
	  .type = OPTION_COUNT,
	  AT(batch.workers),
	  .min = 1,
	  .max = IPC_SLOTS_MAX,
	  .help = N_(
		  "workers (default: the smaller of the number of URLs and 8); fewer start where "
		  "there are fewer URLs, or too few open files for all (ulimit -n)"),
	  .group = GROUP_HOW },
	{ .name = "limit-rate",
	  .key = 304,
	  .arg = "BYTES",
	  .type = OPTION_BYTES,
	  AT(batch.limit_rate),
	  .min = 1,
	  .max = INT64_MAX,
	  .help = N_("take at most so many bytes a second, all workers together"),
	  .group = GROUP_HOW },
	{ .name = "max-host",
	  .key = 305,
	  .arg = "N",
	  .type = OPTION_COUNT,
	  AT(batch.max_host),
	  .min = 1,
	  .max = IPC_SLOTS_MAX,
	  .help = N_("fetch at most N files from one host at once"),
	  .group = GROUP_HOW },
	{ .name = "model",
	  .key = 257,
	  .arg = "MODEL",
	  .type = OPTION_CHOICE,
	  AT(model),
	  .initial = "process",
	  .choices = download_models,
	  .help = N_("sequential (one after the other), process or thread (a pool of workers), "
		     "hybrid (processes with threads) or event (all in one thread)"),
	  .group = GROUP_HOW },
	{ .name = "threads",
	  .key = 302,
	  .arg = "T",
	  .type = OPTION_COUNT,
	  AT(batch.threads),
	  .min = 1,
	  .max = POOL_THREADS_MAX,
	  .help = N_("of each process, with --model=hybrid (default: 4); -j then counts processes"),
	  .group = GROUP_HOW },
	{ .name = "split",
	  .key = 306,
	  .arg = "N",
	  .type = OPTION_COUNT,
	  AT(batch.split),
	  .min = 1,
	  .max = RANGES_MAX,
	  .help = N_("fetch a large file in N ranges at once, where the server serves ranges of "
		     "one version of it; else in one stream (default: 1)"),
	  .group = GROUP_HOW },
	{ .name = "start",
	  .key = 303,
	  .arg = "METHOD",
	  .type = OPTION_CHOICE,
	  AT(batch.start),
	  .initial = "fork",
	  .choices = download_start_methods,
	  .help = N_(
		  "how a process begins: fork (a copy of the parent) or spawn (the program anew)"),
	  .group = GROUP_HOW },
	{ .name = "sandbox",
	  .key = 307,
	  .arg = "MODE",
	  .type = OPTION_CHOICE,
	  AT(batch.sandbox),
	  .initial = SANDBOX_DEFAULT,
	  .choices = sandbox_modes,
	  .help = N_("confine worker processes: auto (as far as possible), require or off"),
	  .group = GROUP_HOW },
	{ .name = "compare-models",
	  .key = 300,
	  .type = OPTION_FLAG,
	  AT(compare_models),
	  .help = N_("run all models in turn on the same jobs, and print what each cost; the files "
		     "are not kept"),
	  .group = GROUP_HOW },
	{ .name = "format",
	  .key = 301,
	  .arg = "FORM",
	  .type = OPTION_CHOICE,
	  AT(format_json),
	  .initial = "table",
	  .choices = table_words,
	  .help = N_("of --compare-models: table or json"),
	  .group = GROUP_HOW },
	{ .name = "recycle",
	  .key = 258,
	  .arg = "K",
	  .type = OPTION_COUNT,
	  AT(batch.recycle),
	  .min = 1,
	  .max = 1000000000,
	  .help = N_("a fresh worker after K jobs; 1: a process per task (default: never)"),
	  .group = GROUP_HOW },
	{ .name = "demo-seconds",
	  .key = 268,
	  .arg = "MIN-MAX",
	  .type = OPTION_RANGE,
	  AT(demo_seconds),
	  .max = 3600,
	  .initial = "5-10",
	  .help = N_("how long each file of the built-in demo takes"),
	  .group = GROUP_HOW },
	{ .name = "header",
	  .key = 'H',
	  .arg = "LINE",
	  .type = OPTION_LIST,
	  AT(batch.fetch.headers),
	  .help = N_("send the header LINE (\"Name: value\"); may be given several times"),
	  .group = GROUP_ORIGIN },
	{ .name = "user-agent",
	  .key = 'A',
	  .arg = "TEXT",
	  .type = OPTION_TEXT,
	  AT(batch.fetch.user_agent),
	  .help = "what to call oneself (default: ipcdemo/" PACKAGE_VERSION ")",
	  .group = GROUP_ORIGIN },
	{ .name = "netrc",
	  .key = 272,
	  .type = OPTION_FLAG,
	  AT(batch.fetch.netrc),
	  .help = N_("take names and passwords of hosts from ~/.netrc"),
	  .group = GROUP_ORIGIN },
	{ .name = "compressed",
	  .key = 273,
	  .type = OPTION_FLAG,
	  AT(batch.fetch.compressed),
	  .help = N_("ask for compression on the way, write what it holds"),
	  .group = GROUP_ORIGIN },
	{ .name = "http2",
	  .key = 274,
	  .type = OPTION_FLAG,
	  AT(batch.fetch.http2),
	  .help = N_("HTTP/2 over TLS where the server has it"),
	  .group = GROUP_ORIGIN },
	{ .name = "cacert",
	  .key = 275,
	  .arg = "FILE",
	  .type = OPTION_TEXT,
	  AT(batch.fetch.cacert),
	  .help = N_("trust the certificates in FILE (default: CURL_CA_BUNDLE or SSL_CERT_FILE "
		     "where set, else the system's)"),
	  .group = GROUP_ORIGIN },
	{ .name = "insecure",
	  .key = 276,
	  .type = OPTION_FLAG,
	  AT(batch.fetch.insecure),
	  .help = N_("trust any certificate, and so anybody between here and the server"),
	  .group = GROUP_ORIGIN },
	{ .name = "retries",
	  .key = 262,
	  .arg = "N",
	  .type = OPTION_COUNT,
	  AT(batch.retries),
	  .max = 1000,
	  .initial = "3",
	  .help = N_("further tries after a failure that may pass"),
	  .group = GROUP_FAILS },
	{ .name = "retry-all-errors",
	  .key = 277,
	  .type = OPTION_FLAG,
	  AT(batch.retry_all),
	  .help = N_("also after answers that a later try is unlikely to change, such as 404"),
	  .group = GROUP_FAILS },
	{ .name = "fail-fast",
	  .key = 278,
	  .type = OPTION_FLAG,
	  AT(batch.fail_fast),
	  .help = N_("end the run at the first file that fails"),
	  .group = GROUP_FAILS },
	{ .name = "connect-timeout",
	  .key = 263,
	  .arg = "SECONDS",
	  .type = OPTION_COUNT,
	  AT(batch.fetch.connect_timeout),
	  .min = 1,
	  .max = 86400,
	  .initial = "15",
	  .help = N_("give up connecting after so long"),
	  .group = GROUP_FAILS },
	{ .name = "stall-timeout",
	  .key = 264,
	  .arg = "SECONDS",
	  .type = OPTION_COUNT,
	  AT(batch.fetch.stall_timeout),
	  .min = 1,
	  .max = 86400,
	  .initial = "30",
	  .help = N_("give up when nothing arrives for so long"),
	  .group = GROUP_FAILS },
	{ .name = "max-redirs",
	  .key = 265,
	  .arg = "N",
	  .type = OPTION_COUNT,
	  AT(batch.fetch.max_redirs),
	  .max = 1000,
	  .initial = "10",
	  .help = N_("redirects to follow"),
	  .group = GROUP_FAILS },
	{ .name = "progress",
	  .key = 266,
	  .arg = "FORM",
	  .type = OPTION_CHOICE,
	  AT(display.progress),
	  .initial = "auto",
	  .choices = progress_words,
	  .help = N_(
		  "auto, bar, plain (lines, also for screen readers), json (one object a line on "
		  "standard output) or none"),
	  .group = GROUP_SHOWN },
	{ .name = "quiet",
	  .key = 'q',
	  .type = OPTION_FLAG,
	  AT(display.quiet),
	  .help = N_("errors only"),
	  .group = GROUP_SHOWN },
	{ .name = "verbose",
	  .key = 'v',
	  .type = OPTION_FLAG,
	  AT(display.verbose),
	  .help = N_("also each start, and each worker's figures at the end"),
	  .group = GROUP_SHOWN },
	{ .name = "summary",
	  .key = 's',
	  .arg = "FILE",
	  .type = OPTION_TEXT,
	  AT(summary),
	  .help = N_("write the figures of the whole run to FILE, as a JSON object"),
	  .group = GROUP_SHOWN },
	{ .name = "trace",
	  .key = 267,
	  .arg = "FILE.json",
	  .type = OPTION_DETAIL,
	  AT(batch.trace),
	  .help = N_("show each IPC record as it passes, on standard error; or write a file for a "
		     "trace viewer (Perfetto)"),
	  .group = GROUP_SHOWN },
	{ .name = NULL },
};

static const char *command_word(size_t index)
{
#define COMMAND_WORD(word, arguments, what) #word,
	static const char *const words[] = { COMMANDS(COMMAND_WORD) NULL };

	return words[index];
}

/* Refuses what is meant as something else: a mistyped command, the name of a list of URLs. */
static void check_url(const char *url, const struct argp_state *state)
{
	const char *meant = options_suggest(url, command_word);
	struct stat st;

	if (!strstr(url, "://") && stat(url, &st) == 0 && S_ISREG(st.st_mode))
		argp_error(state, _("'%s' is a file, not a URL; to fetch the URLs in it: -i %s"),
			   url, url);
	if (strpbrk(url, "./:"))
		return;
	if (meant)
		argp_error(state,
			   _("'%s' is neither a command nor a URL; did you mean 'ipcdemo %s'?"),
			   url, meant);
	else
		argp_error(state,
			   _("'%s' is neither a command nor a URL (a host alone: http://%s/)"), url,
			   url);
}

static int add_url(void *values, const char *url, struct argp_state *state)
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

/* A line end in it would be a further header, or the end of the request. */
static void check_headers(const char *const *headers, const struct argp_state *state)
{
	for (; headers && *headers; headers++) {
		const char *colon = strchr(*headers, ':');

		if (!colon || colon == *headers || strpbrk(*headers, "\r\n"))
			argp_error(state, _("--header: '%s' is no line \"Name: value\""), *headers);
	}
}

/* As the tools beside us do: what is set for OpenSSL or curl holds here too. */
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

static void check_together(void *values, struct argp_state *state)
{
	struct download *download = values;
	const bool one_url = download->url_count == 1 && !download->input_file;

	check_headers(download->batch.fetch.headers, state);
	check_trust(&download->batch.fetch, state);
	if (download->batch.fetch.max_size == 0)
		download->batch.fetch.max_size = FETCH_SIZE_UNKNOWN;
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

static void describe(struct text *help, unsigned columns)
{
#define COMMAND_LINE(word, arguments, what) { "  ipcdemo " #word arguments, what },
	static const struct {
		const char *usage, *what;
	} lines[] = { COMMANDS(COMMAND_LINE) };
	size_t i;

	text_printf(help, "\n%s\n", _("Other commands, each with --help:"));
	for (i = 0; i < sizeof lines / sizeof lines[0]; i++)
		help_add_row(help, lines[i].usage, _(lines[i].what), columns < 60 ? 8 : 37,
			     columns);
}

const struct command_options download_options = {
	.usage = "[URL...]",
	.doc = N_("Downloads files in parallel; the workers report over an IPC mechanism of your "
		  "choice. Without a URL: a demonstration that needs no network."),
	.describe = describe,
	.end = N_("On a terminal: p pauses, c continues, q ends and keeps what can be resumed, "
		  "? helps.\n\n"
		  "Exit status: 0 all done, 1 a job failed, 2 usage, 3 a mechanism or resource is "
		  "not available here, 4 internal error."),
	.headings = headings,
	.specs = specs,
	.words = mechanism_words,
	.argument = add_url,
	.finish = check_together,
};
