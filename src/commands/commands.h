/* SPDX-License-Identifier: MIT */
/*
 * commands.h - the commands behind `ipcdemo`. Each reads its own options (argv[0] is "ipcdemo
 * bench" and the like) and returns the exit code of the process.
 */
#ifndef IPCDEMO_COMMANDS_H
#define IPCDEMO_COMMANDS_H

int cmd_download(int argc, char **argv);
int cmd_list(int argc, char **argv);
int cmd_explain(int argc, char **argv);
int cmd_bench(int argc, char **argv);
int cmd_compare(int argc, char **argv);

#endif
