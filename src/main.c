/* SPDX-License-Identifier: MIT */
/* main.c - what a process needs before anything else, and which command it is. */
#include "config.h"

#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands/commands.h"
#include "common/exit_code.h"
#include "download/fetch.h"
#include "common/message.h"

static void print_version(FILE *out, struct argp_state *state)
{
	(void)state;
	(void)fprintf(out, "ipcdemo %s\nlibcurl %s\n", PACKAGE_VERSION, fetch_version());
}

void (*argp_program_version_hook)(FILE *out, struct argp_state *state) = print_version;

static const struct {
	const char *word;
	char *full; /* what --help calls itself */
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "bench", (char *)"ipcdemo bench", cmd_bench },
	{ "compare", (char *)"ipcdemo compare", cmd_compare },
	{ "list", (char *)"ipcdemo list", cmd_list },
	{ "explain", (char *)"ipcdemo explain", cmd_explain },
};

/*
 * A descriptor 0, 1 or 2 that the caller left closed would be the next one opened here: a pipe to a
 * worker could be "standard output".
 */
static void open_streams(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		(void)close(fd);
}

/* An inherited "ignore" would make children vanish without a status (waitpid(2), ECHILD). */
static void reset_sigchld(void)
{
	const struct sigaction action = { .sa_handler = SIG_DFL };

	(void)sigaction(SIGCHLD, &action, NULL); /* cannot fail for a valid signal */
}

/*
 * What was printed has to arrive, also the help that argp prints before it ends the program:
 * fprintf succeeds on a full disk, the error comes here.
 */
static void close_stdout(void)
{
	if (!ferror(stdout) && fflush(stdout) == 0)
		return;
	message_error("standard output: %s", strerror(errno));
	_exit(EXIT_JOB_FAILED);
}

int main(int argc, char **argv)
{
	size_t i;

	(void)atexit(close_stdout); /* cannot fail for the first few */
	open_streams();
	reset_sigchld();
	(void)setlocale(LC_ALL, ""); /* an unknown one stays "C" */
	for (i = 0; argc > 1 && i < sizeof commands / sizeof commands[0]; i++) {
		if (strcmp(argv[1], commands[i].word) != 0)
			continue;
		argv[1] = commands[i].full;
		return commands[i].run(argc - 1, argv + 1);
	}
	return cmd_download(argc, argv);
}
