/* SPDX-License-Identifier: MIT */
/*
 * hgrm.c - a row's distribution in the text that HdrHistogram's plotters read: value in
 * microseconds, percentile, how many samples up to it, and 1/(1-percentile). Ours comes from all
 * samples, so each value is exact, not a bucket's.
 */
#include "config.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench/axes.h"
#include "bench/write/write.h"

#define TICKS_PER_HALF 5 /* steps for each halving of what remains, as HdrHistogram's default */
#define SCALE          1000.0

static void print(FILE *out, const struct figures *f)
{
	double percentile = 0;
	size_t at = 0;

	fprintf(out, "%12s %14s %10s %14s\n\n", "Value", "Percentile", "TotalCount",
		"1/(1-Percentile)");
	while (at + 1 < f->n) {
		double halvings = floor(log2(1 / (1 - percentile))) + 1;

		at = stats_rank(100 * percentile, f->n);
		fprintf(out, "%12.3f %2.12f %10zu %14.2f\n", f->sorted[at] / SCALE, percentile,
			at + 1, 1 / (1 - percentile));
		percentile += 1 / (TICKS_PER_HALF * pow(2, halvings));
	}
	fprintf(out, "%12.3f %2.12f %10zu %14s\n", f->max / SCALE, 1.0, f->n, "inf");
	fprintf(out, "#[Mean    = %12.3f, StdDeviation   = %12.3f]\n", f->mean / SCALE,
		f->stddev / SCALE);
	fprintf(out, "#[Max     = %12.3f, Total count    = %12zu]\n", f->max / SCALE, f->n);
	fprintf(out, "#[Buckets = %12d, SubBuckets     = %12d]\n", 1, 1);
}

/* In blocks a sample is a mean: that is no distribution of round trips. */
static bool has_distribution(const struct row *row)
{
	return row->samples_n > 0 && row->axes.block == 1;
}

static void file_name(char name[static 4096], const char *path, const struct axes *axes, bool only)
{
	const char *slash = strrchr(path, '/'), *dot = strrchr(slash ? slash : path, '.');
	size_t stem = dot ? (size_t)(dot - path) : strlen(path);

	if (only)
		(void)snprintf(name, 4096, "%s", path);
	else
		(void)snprintf(name, 4096, "%.*s-%s-%s-%s-%s-%s-%zu%s", (int)stem, path,
			       axes->backend, axes->api == API_IPC ? "ipc" : "floor",
			       mode_name(axes->mode), wait_name(axes->wait), axes->place.name,
			       axes->size, dot ? dot : "");
}

int hgrm_write(const char *path, const struct result *result, char failed[static 4096])
{
	const struct bench *bench = result->bench;
	size_t i, count = 0;

	for (i = 0; i < bench->plan.rows_n; i++)
		count += has_distribution(bench->plan.rows[i]);
	for (i = 0; i < bench->plan.rows_n; i++) {
		FILE *out;
		int bad;

		if (!has_distribution(bench->plan.rows[i]))
			continue;
		file_name(failed, path, &bench->plan.rows[i]->axes, count == 1);
		out = fopen(failed, "we");
		if (!out)
			return -errno;
		print(out, &result->figures[i]);
		bad = ferror(out);
		if (fclose(out) != 0 || bad)
			return errno ? -errno : -EIO;
	}
	return 0;
}
