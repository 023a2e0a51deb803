/* SPDX-License-Identifier: MIT */
/* main.c - what a process needs before anything else, and which command it is. */
#include "config.h"

#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands/commands.h"
#include "common/exit_code.h"
#include "common/language.h"
#include "common/message.h"
#include "download/fetch.h"
#include "download/worker.h"

static void print_version(FILE *out, struct argp_state *state)
{
	(void)state;
	(void)fprintf(out, "ipcdemo %s\nlibcurl %s\n", PACKAGE_VERSION, fetch_version());
}

void (*argp_program_version_hook)(FILE *out, struct argp_state *state) = print_version;

static const struct command {
	const char *word;
	char *full; /* what --help calls itself */
	int (*run)(int argc, char **argv);
} commands[] = {
#define COMMAND_ROW(word, arguments, what) { #word, (char *)"ipcdemo " #word, cmd_##word },
	COMMANDS(COMMAND_ROW)
};

static const struct command *find_command(const char *word)
{
	size_t i;

	for (i = 0; i < sizeof commands / sizeof commands[0]; i++)
		if (strcmp(commands[i].word, word) == 0)
			return &commands[i];
	return NULL;
}

/* What is blocked lasts over execve(2): it would count as in use, and Ctrl-C as unwanted. */
static void unblock_signals(void)
{
	sigset_t none;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL); /* cannot fail */
}

/* Runs the command that argv[1] names; without one, all arguments are a download's. */
static int run_command(int argc, char **argv)
{
	const struct command *command = argc > 1 ? find_command(argv[1]) : NULL;

	if (argc > 1 && strcmp(argv[1], WORKER_COMMAND) == 0)
		return cmd_worker(argc - 1, argv + 1); /* with the mask that its parent wants */
	unblock_signals();
	if (!command)
		return cmd_download(argc, argv);
	argv[1] = command->full;
	return command->run(argc - 1, argv + 1);
}

int cmd_help(int argc, char **argv)
{
	char program[] = "ipcdemo", help[] = "--help";
	char *words[] = { program, help, help, NULL };

	if (argc > 1 && !find_command(argv[1]) && argv[1][0] != '-') {
		message_error(_("help: no command is called '%s' (ipcdemo help lists them)"),
			      argv[1]);
		return EXIT_USAGE;
	}
	if (argc > 1 && strcmp(argv[1], "help") != 0)
		words[1] = argv[1];
	return run_command(3, words);
}

int cmd_version(int argc, char **argv)
{
	char program[] = "ipcdemo", version[] = "--version";
	char *words[] = { program, version, NULL };

	(void)argc;
	(void)argv;
	return cmd_download(2, words);
}

/*
 * If the caller left descriptor 0, 1 or 2 closed, the next file opened here would get its number,
 * and a pipe to a worker could be "standard output".
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
 * Checks that all output has arrived, also the help that argp prints before it ends the program: on
 * a full disk fprintf succeeds, and the error shows up here.
 */
static void close_stdout(void)
{
	if (!ferror(stdout) && fflush(stdout) == 0)
		return;
	message_error(_("standard output: %s"), language_errno(errno));
	_exit(EXIT_JOB_FAILED);
}

int main(int argc, char **argv)
{
	(void)atexit(close_stdout); /* cannot fail for the first few */
	open_streams();
	reset_sigchld();
	language_open();
	return run_command(argc, argv);
}
