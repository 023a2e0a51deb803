/* SPDX-License-Identifier: MIT */
/*
 * commands.h - the commands behind `ipcdemo`. Each reads its own options (argv[0] is "ipcdemo
 * bench" and the like) and returns the exit code of the process.
 */
#ifndef IPCDEMO_COMMANDS_H
#define IPCDEMO_COMMANDS_H

#include "common/language.h"

/* The words behind `ipcdemo`: COMMAND(word, its arguments, what it does in a few words). */
#define COMMANDS(COMMAND)                                              \
 COMMAND(bench, " [OPTION...]", N_("measure latency and throughput"))  \
 COMMAND(compare, " OLD.json NEW.json", N_("compare two runs of it"))  \
 COMMAND(list, " [--json]", N_("every mechanism, usable here or not")) \
 COMMAND(choose, " [NEED...]", N_("which one meets your needs"))       \
 COMMAND(explain, " NAME", N_("how a mechanism works, its costs"))     \
 COMMAND(help, " [COMMAND]", N_("what --help prints"))                 \
 COMMAND(version, "", N_("what --version prints"))

#define COMMAND_FUNCTION(word, arguments, what) int cmd_##word(int argc, char **argv);
COMMANDS(COMMAND_FUNCTION)
#undef COMMAND_FUNCTION

/* Without such a word: URLs, or the demo. */
int cmd_download(int argc, char **argv);

/* A worker that another ipcdemo executes; not for people. */
int cmd_worker(int argc, char **argv);

#endif
