/* SPDX-License-Identifier: MIT */
/* options_refused.h - why getopt(3) refused an option, in the user's language. */
#ifndef IPCDEMO_OPTIONS_REFUSED_H
#define IPCDEMO_OPTIONS_REFUSED_H

#include "common/options.h"

/* Finds the first word of the command line that COMMAND cannot take, and says why by argp_error. */
void options_refused(const struct command_options *command, const struct argp_state *state);

#endif
