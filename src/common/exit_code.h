/* SPDX-License-Identifier: MIT */
/* exit_code.h - the exit codes of ipcdemo: scripts rely on them. */
#ifndef IPCDEMO_EXIT_CODE_H
#define IPCDEMO_EXIT_CODE_H

enum exit_code {
	EXIT_ALL_DONE = 0,
	EXIT_JOB_FAILED = 1,
	EXIT_USAGE = 2,       /* also: an input file that cannot be read */
	EXIT_UNAVAILABLE = 3, /* a mechanism or resource is not available here */
	EXIT_INTERNAL = 4,
};

#endif
