/* SPDX-License-Identifier: MIT */
/* split.c - see split.h */
#include "config.h"

#include "download/split.h"

#include <stdlib.h>

#include "download/part_ranges.h"

struct split *split_new(struct job *file, const struct split_report *report, uint32_t number)
{
	struct split *split =
		calloc(1, sizeof *split + (size_t)report->ranges * sizeof split->ranges[0]);
	unsigned i;

	if (!split)
		return NULL;
	split->file = file;
	split->table = report->table;
	split->total = report->total;
	split->count = split->open = report->ranges;
	for (i = 0; i < split->count; i++)
		split->ranges[i] = (struct job){
			.url = file->url,
			.shown = file->shown,
			.name = file->name,
			.host = file->host,
			.split = split,
			.number = number + i,
			.range = i,
			.total = range_length(report->total, report->ranges, i),
		};
	file->split = split;
	file->total = report->total;
	return split;
}

void split_free(struct split *split)
{
	split->file->split = NULL;
	LIST_REMOVE(split, link);
	free(split);
}

void split_sum(struct split *split)
{
	struct job *file = split->file;
	unsigned i;

	file->bytes = file->earlier = 0;
	for (i = 0; i < split->count; i++) {
		file->bytes += split->ranges[i].bytes;
		file->earlier += job_earlier(&split->ranges[i]);
	}
	file->kept = file->earlier;
}
