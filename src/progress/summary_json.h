/* SPDX-License-Identifier: MIT */
/* summary_json.h - the closing object of a run, for --progress=json and for --summary. */
#ifndef IPCDEMO_SUMMARY_JSON_H
#define IPCDEMO_SUMMARY_JSON_H

#include <stdint.h>

#include <jansson.h>

#include "progress/progress.h"

json_t *json_count(uint64_t count);

/* JSON has neither infinity nor NaN: they are null. */
json_t *json_seconds(double seconds);

/* NULL: no memory. */
json_t *summary_json(const struct progress_summary *summary);

#endif
