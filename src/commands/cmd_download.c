/* SPDX-License-Identifier: MIT */
/* cmd_download.c - `ipcdemo [OPTION...] [URL...]`: the list of jobs that its options make. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "commands/commands.h"
#include "commands/download_options.h"
#include "common/exit_code.h"
#include "common/language.h"
#include "download/compare_models.h"
#include "download/download.h"
#include "download/fetch.h"
#include "download/worker.h"
#include "ipc/ipc.h"
#include "common/mechanism.h"
#include "common/options.h"
#include "common/message.h"
#include "common/signals.h"

static int usage_error(const char *why)
{
	message_error("%s", why);
	return EXIT_USAGE;
}

static int no_memory(void)
{
	message_error("%s", language_errno(ENOMEM));
	return EXIT_UNAVAILABLE;
}

static int read_input(const struct download *download, struct job_list *jobs)
{
	const char *path = download->input_file;
	const bool is_stdin = strcmp(path, "-") == 0;
	struct job_input input = { .file = is_stdin ? stdin : fopen(path, "re"),
				   .path = is_stdin ? _("standard input") : path,
				   .format = download->input_format };
	int rc;

	if (!input.file) {
		message_error("%s: %s", path, language_errno(errno));
		return EXIT_USAGE;
	}
	rc = job_list_read(jobs, &input);
	if (!is_stdin)
		(void)fclose(input.file); /* it was only read */
	return rc < 0 ? usage_error(input.why) : 0;
}

static bool to_stdout(const struct download *download)
{
	return download->output &&
	       (strcmp(download->output, "-") == 0 || strcmp(download->output, "/dev/stdout") == 0);
}

/* -o FILE may name a directory too: it then says where, beneath -d if that is given. */
static const char *split_output(struct download *download, char **dir)
{
	const char *slash =
		!download->output || to_stdout(download) ? NULL : strrchr(download->output, '/');
	int length;

	if (!slash)
		return to_stdout(download) ? "-" : download->output;
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

	jobs->dir = download->dir;
	for (i = 0; i < download->url_count; i++) {
		wish.url = download->urls[i];
		if (job_list_add(jobs, &wish, why, sizeof why) < 0)
			return usage_error(why);
	}
	if (download->input_file && read_input(download, jobs) != 0)
		return EXIT_USAGE;
	if (jobs->count == 0)
		return usage_error(_("the input file holds no URL"));
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
	if (code == 0 && to_stdout(download) && download->batch.sandbox == SANDBOX_REQUIRE)
		code = usage_error(
			_("--sandbox=require does not go with -o -: no worker fetches then"));
	else if (code == 0 && to_stdout(download))
		code = jobs.jobs[0].state == JOB_READY ?
			       download_stream(download, &jobs.jobs[0], &batch.signo) :
			       usage_error(_("it is not a URL"));
	else if (code == 0 && download->compare_models)
		code = compare_models(download, &jobs, &batch.signo);
	else if (code == 0 && download->dry_run)
		code = download_dry_run(download, download->dir ? download->dir : ".", &jobs);
	else if (code == 0)
		code = download_jobs(download, download->dir ? download->dir : ".", &jobs, &batch);
	*signo = batch.signo;
	job_list_free(&jobs);
	free(dir);
	return code;
}

/*
 * Opened before the start, so that a run whose summary cannot be written fails at once. 0 or an
 * exit code.
 */
static int open_summary(struct download *download)
{
	if (!download->summary)
		return 0;
	download->display.summary = fopen(download->summary, "we");
	if (download->display.summary)
		return 0;
	/* Who knows -s from another program has put a URL there. */
	message_error("--summary=%s: %s", download->summary, language_errno(errno));
	return EXIT_JOB_FAILED;
}

static int close_summary(struct download *download)
{
	FILE *file = download->display.summary;
	bool failed = file && ferror(file);

	if (!file || (fclose(file) == 0 && !failed))
		return 0;
	message_error(_("%s: it could not be written"), download->summary);
	return EXIT_JOB_FAILED;
}

static void free_options(struct download *download)
{
	free(download->urls);
	free(download->batch.fetch.headers);
}

/*
 * A worker, executed by another ipcdemo. ARGV holds its tickets and descriptors, then the parent's
 * arguments, which have the options of its transfers.
 */
int cmd_worker(int argc, char **argv)
{
	struct download download = { .urls = NULL };
	struct worker_setup setup = { .events_ticket = NULL };
	int pid;

	if (argc < 5 ||
	    sscanf(argv[3], "%d:%u:%d:%d", &setup.dirs.first, &setup.dirs.count, &pid,
		   &setup.hub.pidfd) != 4 ||
	    !sandbox_scan(&setup.sandbox, &setup.report, argv[4])) {
		message_error(_("%s is for ipcdemo itself (--start=spawn)"), WORKER_COMMAND);
		return EXIT_USAGE;
	}
	setup.events_ticket = argv[1];
	setup.commands_ticket = argv[2];
	setup.hub.pid = pid;
	argv[4] = argv[0];
	options_parse(&download_options, &download, argc - 4, argv + 4);
	if (mechanism_load(&download.batch.ipc) != 0 || fetch_global_init() < 0)
		return WORKER_BROKEN;
	setup.fetch = download.batch.fetch;
	setup.remote_time = download.batch.remote_time;
	(void)prctl(PR_SET_NAME, "ipcdemo-worker"); /* for ps */
	return worker_main(&setup);
}

int cmd_download(int argc, char **argv)
{
	struct download download = { .urls = NULL };
	const char **arguments = calloc((size_t)argc + 1, sizeof *arguments);
	char why[160];
	int signo = 0;
	int code = 0;

	if (!arguments)
		return no_memory();
	memcpy(arguments, argv, (size_t)argc * sizeof *arguments); /* before they are reordered */
	options_parse(&download_options, &download, argc, argv);
	signals_ignore_failed_writes();
	if (strcmp(download.batch.ipc, "help") == 0) {
		mechanism_print_all(stdout);
		free_options(&download);
		free(arguments);
		return EXIT_ALL_DONE;
	}
	if (download.batch.trace && !*download.batch.trace &&
	    download.display.progress == PROGRESS_AUTO)
		download.display.progress = PROGRESS_PLAIN; /* its lines would tear the rows */
	if (download.batch.fetch.insecure)
		message_error(_("--insecure: certificates are not checked; anybody on the way to a "
				"server may answer in its place"));
	code = mechanism_load(&download.batch.ipc);
	if (code == 0)
		code = mechanism_check(download.batch.ipc, download_uses_ipc(&download));
	download.batch.argc = argc;
	download.batch.argv = arguments;
	if (code == 0 && !download.compare_models &&
	    !download_model_fits(&download, why, sizeof why))
		code = usage_error(why);
	if (code == 0 && fetch_global_init() < 0)
		code = no_memory();
	if (code == 0)
		code = open_summary(&download);
	if (code == 0)
		code = download_or_demo(&download, &signo);
	if (close_summary(&download) && code == EXIT_ALL_DONE)
		code = EXIT_JOB_FAILED;
	fetch_global_cleanup();
	free_options(&download);
	free(arguments);
	if (signo)
		signals_die(signo);
	return code;
}
