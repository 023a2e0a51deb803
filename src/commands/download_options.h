/* SPDX-License-Identifier: MIT */
/* download_options.h - the options of `ipcdemo [OPTION...] [URL...]`, for a struct download. */
#ifndef IPCDEMO_DOWNLOAD_OPTIONS_H
#define IPCDEMO_DOWNLOAD_OPTIONS_H

#include "common/options.h"

extern const struct command_options download_options;

#endif
