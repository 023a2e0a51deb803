/* SPDX-License-Identifier: MIT */
/* cmd_download.c - `ipcdemo [OPTION...] [URL...]`: the options, and the list of jobs they make. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "commands/commands.h"
#include "common/exit_code.h"
#include "download/compare_models.h"
#include "download/download.h"
#include "download/fetch.h"
#include "ipc/ipc.h"
#include "common/mechanism.h"
#include "common/options.h"
#include "common/message.h"
#include "common/signals.h"

static const char *const exists_words[] = { "fail", "skip", "overwrite", "resume", "rename", NULL };
static const char *const format_words[] = { "plain", "aria2", NULL };
static const char *const progress_words[] = { "auto", "bar", "plain", "json", "none", NULL };

static const char *const table_words[] = { "table", "json", NULL };

enum { KEY_COMPARE_MODELS = 300, KEY_FORMAT };

#define AT(member) .offset = offsetof(struct download, member)

enum { GROUP_WHAT = 1, GROUP_WHERE, GROUP_HOW, GROUP_FAILS, GROUP_SHOWN };

static const char *const headings[] = {
	[GROUP_WHAT - 1] = "What to fetch:",  [GROUP_WHERE - 1] = "Where it goes:",
	[GROUP_HOW - 1] = "How it is done:",  [GROUP_FAILS - 1] = "When it fails:",
	[GROUP_SHOWN - 1] = "What is shown:", NULL,
};

static const struct option_spec specs[] = {
	{ .name = "input-file",
	  .key = 'i',
	  .arg = "FILE",
	  .type = OPTION_TEXT,
	  AT(input_file),
	  .help = "URLs from FILE (- for standard input), one a line, # for comments; "
		  "out=NAME and sha256=HEX may follow a URL; what holds blanks stands in double "
		  "quotes",
	  .group = GROUP_WHAT },
	{ .name = "input-format",
	  .key = 269,
	  .arg = "FORMAT",
	  .type = OPTION_CHOICE,
	  AT(input_format),
	  .initial = "plain",
	  .choices = format_words,
	  .help = "of that file: plain, or aria2 (its lists, with out=, dir= and checksum= lines)",
	  .group = GROUP_WHAT },
	{ .name = "checksum",
	  .key = 260,
	  .arg = "sha256=HEX",
	  .type = OPTION_TEXT,
	  AT(checksum),
	  .help = "what the file must be (one URL only)",
	  .group = GROUP_WHAT },
	{ .name = "max-size",
	  .key = 261,
	  .arg = "BYTES",
	  .type = OPTION_BYTES,
	  AT(batch.fetch.max_size),
	  .max = UINT64_MAX - 1,
	  .help = "larger files fail (default: no limit)",
	  .group = GROUP_WHAT },
	{ .name = "dir",
	  .key = 'd',
	  .arg = "DIR",
	  .type = OPTION_TEXT,
	  AT(dir),
	  .help = "where files go, made if missing (default: here)",
	  .group = GROUP_WHERE },
	{ .name = "output",
	  .key = 'o',
	  .arg = "FILE",
	  .type = OPTION_TEXT,
	  AT(output),
	  .help = "name of the file (one URL only)",
	  .group = GROUP_WHERE },
	{ .name = "exists",
	  .key = 259,
	  .arg = "POLICY",
	  .type = OPTION_CHOICE,
	  AT(batch.exists),
	  .initial = "fail",
	  .choices = exists_words,
	  .help = "a file that exists already: fail, skip, overwrite, resume (skip, and go on with "
		  "unfinished .part files) or rename (NAME.1 is written)",
	  .group = GROUP_WHERE },
	{ .name = "ipc",
	  .key = 256,
	  .arg = "NAME",
	  .type = OPTION_TEXT,
	  AT(batch.ipc),
	  .initial = "unix",
	  .help = "mechanism between workers and parent; 'help' describes them",
	  .group = GROUP_HOW },
	{ .name = "jobs",
	  .key = 'j',
	  .arg = "N",
	  .type = OPTION_COUNT,
	  AT(batch.workers),
	  .min = 1,
	  .max = IPC_SLOTS_MAX,
	  .help = "workers (default: the smaller of the number of URLs and 8)",
	  .group = GROUP_HOW },
	{ .name = "model",
	  .key = 257,
	  .arg = "MODEL",
	  .type = OPTION_CHOICE,
	  AT(model),
	  .initial = "process",
	  .choices = download_models,
	  .help = "process (a pool of workers), sequential (one after the other) or event "
		  "(all in one thread)",
	  .group = GROUP_HOW },
	{ .name = "compare-models",
	  .key = KEY_COMPARE_MODELS,
	  .type = OPTION_FLAG,
	  AT(compare_models),
	  .help = "run all models in turn on the same jobs, and print what each cost; the files "
		  "are not kept",
	  .group = GROUP_HOW },
	{ .name = "format",
	  .key = KEY_FORMAT,
	  .arg = "FORM",
	  .type = OPTION_CHOICE,
	  AT(format_json),
	  .initial = "table",
	  .choices = table_words,
	  .help = "of --compare-models: table or json",
	  .group = GROUP_HOW },
	{ .name = "recycle",
	  .key = 258,
	  .arg = "K",
	  .type = OPTION_COUNT,
	  AT(batch.recycle),
	  .min = 1,
	  .max = 1000000000,
	  .help = "a fresh worker after K jobs; 1: a process per task (default: never)",
	  .group = GROUP_HOW },
	{ .name = "demo-seconds",
	  .key = 268,
	  .arg = "MIN-MAX",
	  .type = OPTION_RANGE,
	  AT(demo_seconds),
	  .max = 3600,
	  .initial = "5-10",
	  .help = "how long each file of the built-in demo takes",
	  .group = GROUP_HOW },
	{ .name = "retries",
	  .key = 262,
	  .arg = "N",
	  .type = OPTION_COUNT,
	  AT(batch.retries),
	  .max = 1000,
	  .initial = "3",
	  .help = "further tries after a failure that may pass",
	  .group = GROUP_FAILS },
	{ .name = "connect-timeout",
	  .key = 263,
	  .arg = "SECONDS",
	  .type = OPTION_COUNT,
	  AT(batch.fetch.connect_timeout),
	  .min = 1,
	  .max = 86400,
	  .initial = "15",
	  .help = "give up connecting after so long",
	  .group = GROUP_FAILS },
	{ .name = "stall-timeout",
	  .key = 264,
	  .arg = "SECONDS",
	  .type = OPTION_COUNT,
	  AT(batch.fetch.stall_timeout),
	  .min = 1,
	  .max = 86400,
	  .initial = "30",
	  .help = "give up when nothing arrives for so long",
	  .group = GROUP_FAILS },
	{ .name = "max-redirs",
	  .key = 265,
	  .arg = "N",
	  .type = OPTION_COUNT,
	  AT(batch.fetch.max_redirs),
	  .max = 1000,
	  .initial = "10",
	  .help = "redirects to follow",
	  .group = GROUP_FAILS },
	{ .name = "progress",
	  .key = 266,
	  .arg = "FORM",
	  .type = OPTION_CHOICE,
	  AT(display.progress),
	  .initial = "auto",
	  .choices = progress_words,
	  .help = "auto, bar, plain, json (one object a line on standard output) or none",
	  .group = GROUP_SHOWN },
	{ .name = "quiet",
	  .key = 'q',
	  .type = OPTION_FLAG,
	  AT(display.quiet),
	  .help = "errors only",
	  .group = GROUP_SHOWN },
	{ .name = "verbose",
	  .key = 'v',
	  .type = OPTION_FLAG,
	  AT(display.verbose),
	  .help = "also each start, and each worker's figures at the end",
	  .group = GROUP_SHOWN },
	{ .name = "trace",
	  .key = 267,
	  .type = OPTION_FLAG,
	  AT(batch.trace),
	  .help = "show each IPC record as it passes, on standard error",
	  .group = GROUP_SHOWN },
	{ .name = NULL },
};

static const char *command_word(size_t index)
{
#define COMMAND_WORD(word, line, what) #word,
	static const char *const words[] = { COMMANDS(COMMAND_WORD) NULL };

	return words[index];
}

/* Refuses what is meant as something else: a mistyped command, the name of a list of URLs. */
static void check_url(const char *url, const struct argp_state *state)
{
	const char *meant = options_suggest(url, command_word);
	struct stat st;

	if (!strstr(url, "://") && stat(url, &st) == 0 && S_ISREG(st.st_mode))
		argp_error(state, "'%s' is a file, not a URL; to fetch the URLs in it: -i %s", url,
			   url);
	if (strpbrk(url, "./:"))
		return;
	if (meant)
		argp_error(state, "'%s' is neither a command nor a URL; did you mean 'ipcdemo %s'?",
			   url, meant);
	else
		argp_error(state, "'%s' is neither a command nor a URL (a host alone: http://%s/)",
			   url, url);
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

static void check_together(void *values, struct argp_state *state)
{
	struct download *download = values;
	const bool one_url = download->url_count == 1 && !download->input_file;

	if (download->batch.fetch.max_size == 0)
		download->batch.fetch.max_size = FETCH_SIZE_UNKNOWN;
	if (download->output && !one_url)
		argp_error(state, "--output goes with one URL; for several, use out=NAME in an "
				  "input file");
	if (download->checksum && !one_url)
		argp_error(state, "--checksum goes with one URL; for several, use sha256=HEX in an "
				  "input file");
}

#define COMMAND_LINE(word, line, what) "  ipcdemo " line what "\n"
#define COMMAND_LINES                  COMMANDS(COMMAND_LINE)

static const struct command_options command = {
	.usage = "[URL...]",
	.doc = "Downloads files in parallel; the workers report over an IPC mechanism of your "
	       "choice. Without a URL: a demonstration that needs no network."
	       "\n\nOther commands, each with --help:\n" COMMAND_LINES
	       "\vExit status: 0 all done, 1 a job failed, 2 usage, 3 a mechanism or resource is "
	       "not available here, 4 internal error.",
	.headings = headings,
	.specs = specs,
	.words = mechanism_words,
	.argument = add_url,
	.finish = check_together,
};

/* ---- the jobs ---- */

static int usage_error(const char *why)
{
	message_error("%s", why);
	return EXIT_USAGE;
}

static int read_input(struct download *download, struct job_list *jobs, char **dir)
{
	const char *path = download->input_file;
	const bool is_stdin = strcmp(path, "-") == 0;
	struct job_input input = { .file = is_stdin ? stdin : fopen(path, "re"),
				   .path = is_stdin ? "standard input" : path,
				   .format = download->input_format };
	int rc;

	if (!input.file) {
		message_error("%s: %s", path, strerror(errno));
		return EXIT_USAGE;
	}
	rc = job_list_read(jobs, &input);
	if (!is_stdin)
		(void)fclose(input.file); /* it was only read */
	if (input.dir && !download->dir)
		download->dir = *dir = input.dir;
	else
		free(input.dir);
	return rc < 0 ? usage_error(input.why) : 0;
}

/* -o FILE may name a directory too: it then says where, beneath -d if that is given. */
static const char *split_output(struct download *download, char **dir)
{
	const char *slash = download->output ? strrchr(download->output, '/') : NULL;
	int length;

	if (!slash)
		return download->output;
	length = slash == download->output ? 1 : (int)(slash - download->output);
	if (download->dir && download->output[0] != '/')
		length = asprintf(dir, "%s/%.*s", download->dir, length, download->output);
	else
		length = asprintf(dir, "%.*s", length, download->output);
	if (length >= 0)
		download->dir = *dir;
	return slash + 1;
}

static int make_jobs(struct download *download, struct job_list *jobs, char **dir)
{
	struct job_wish wish = { .name = split_output(download, dir),
				 .sha256 = download->checksum };
	char why[512] = "out of memory";
	size_t i;

	for (i = 0; i < download->url_count; i++) {
		wish.url = download->urls[i];
		if (job_list_add(jobs, &wish, why, sizeof why) < 0)
			return usage_error(why);
	}
	if (download->input_file && read_input(download, jobs, dir) != 0)
		return EXIT_USAGE;
	if (jobs->count == 0)
		return usage_error("the input file holds no URL");
	return 0;
}

static int download_or_demo(struct download *download, int *signo)
{
	struct job_list jobs = { .jobs = NULL };
	struct batch batch = { .jobs = NULL };
	char *dir = NULL;
	int code;

	if (download->url_count == 0 && !download->input_file)
		return demo_run(download, signo);
	code = make_jobs(download, &jobs, &dir);
	if (code == 0 && download->compare_models)
		code = compare_models(download, &jobs, &batch.signo);
	else if (code == 0)
		code = download_jobs(download, download->dir ? download->dir : ".", &jobs, &batch);
	*signo = batch.signo;
	job_list_free(&jobs);
	free(dir);
	return code;
}

int cmd_download(int argc, char **argv)
{
	struct download download = { .urls = NULL };
	int signo = 0;
	int code = 0;

	options_parse(&command, &download, argc, argv);
	signals_ignore_failed_writes();
	if (strcmp(download.batch.ipc, "help") == 0) {
		mechanism_print_all(stdout);
		free(download.urls);
		return EXIT_ALL_DONE;
	}
	if (download.batch.trace && download.display.progress == PROGRESS_AUTO)
		download.display.progress = PROGRESS_PLAIN; /* its lines would tear the rows */
	code = mechanism_load(&download.batch.ipc);
	if (code == 0)
		code = mechanism_check(download.batch.ipc, download_uses_ipc(&download));
	if (code == 0 && fetch_global_init() < 0)
		code = EXIT_INTERNAL;
	if (code == 0)
		code = download_or_demo(&download, &signo);
	fetch_global_cleanup();
	free(download.urls);
	if (signo)
		signals_die(signo);
	return code;
}
