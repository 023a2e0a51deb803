/* SPDX-License-Identifier: MIT */
/*
 * commands.h - the commands behind `ipcdemo`. Each reads its own options (argv[0] is "ipcdemo
 * bench" and the like) and returns the exit code of the process.
 */
#ifndef IPCDEMO_COMMANDS_H
#define IPCDEMO_COMMANDS_H

/* The words behind `ipcdemo`: COMMAND(word, its usage line, what it does in a few words). */
#define COMMANDS(COMMAND)                                                            \
 COMMAND(bench, "bench [OPTION...]          ", "measure latency and throughput")     \
 COMMAND(compare, "compare OLD.json NEW.json  ", "compare two runs of it")           \
 COMMAND(list, "list [--json]              ", "every mechanism, usable here or not") \
 COMMAND(choose, "choose [NEED...]           ", "which one meets your needs")        \
 COMMAND(explain, "explain NAME               ", "how a mechanism works, its costs") \
 COMMAND(help, "help [COMMAND]             ", "what --help prints")                  \
 COMMAND(version, "version                    ", "what --version prints")

#define COMMAND_FUNCTION(word, line, what) int cmd_##word(int argc, char **argv);
COMMANDS(COMMAND_FUNCTION)
#undef COMMAND_FUNCTION

/* Without such a word: URLs, or the demo. */
int cmd_download(int argc, char **argv);

/* A worker that another ipcdemo executes; not for people. */
int cmd_worker(int argc, char **argv);

#endif
