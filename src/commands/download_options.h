/* SPDX-License-Identifier: MIT */
/* download_options.h - the options of `ipcdemo [OPTION...] [URL...]`, for a struct download. */
#ifndef IPCDEMO_DOWNLOAD_OPTIONS_H
#define IPCDEMO_DOWNLOAD_OPTIONS_H

#include "common/options.h"

extern const struct command_options download_options;

/* Callbacks of the options: adds a URL; checks all options together. VALUES: a struct download. */
int download_add_url(void *values, const char *url, struct argp_state *state);
void download_check(void *values, struct argp_state *state);

#endif
