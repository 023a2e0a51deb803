/* SPDX-License-Identifier: MIT */
/* download_rows.c - see download_cost.h: the figures. */
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/download_cost.h"
#include "bench/download_cost_internal.h"
#include "bench/stats.h"

/* Of a row's rounds. */
struct share {
	double wall_s, cpu_s;                  /* medians */
	double wall, cpu;                      /* shares, medians of per-round ones */
	struct stats_interval wall_ci, cpu_ci; /* 95 % */
	double records;
};

static double middle(double *values, unsigned n, struct stats_interval *interval)
{
	stats_sort(values, n);
	if (interval)
		*interval = stats_median_interval(values, n, 0.95);
	return stats_median(values, n);
}

/* ROW against the row without IPC of the same load, round by round. False: no memory, no round. */
static bool share_of(const struct download_cost *b, const struct download_row *row,
		     struct share *share)
{
	const struct download_row *none = b->rows;
	double *values = calloc(b->rounds + 1u, sizeof *values);
	unsigned i, n = b->rounds;

	while (none->load != row->load)
		none++;
	if (!values || n == 0 || none->error) {
		free(values);
		return false;
	}
	for (i = 0; i < n; i++)
		values[i] = row->costs[i].wall_s;
	share->wall_s = middle(values, n, NULL);
	for (i = 0; i < n; i++)
		values[i] = row->costs[i].cpu_s;
	share->cpu_s = middle(values, n, NULL);
	for (i = 0; i < n; i++)
		values[i] = 1 - none->costs[i].wall_s / row->costs[i].wall_s;
	share->wall = middle(values, n, &share->wall_ci);
	for (i = 0; i < n; i++)
		values[i] = 1 - none->costs[i].cpu_s / row->costs[i].cpu_s;
	share->cpu = middle(values, n, &share->cpu_ci);
	share->records = (double)row->costs[0].records;
	free(values);
	return true;
}

static void print_share(FILE *out, double share, const struct stats_interval *ci)
{
	if (isnan(ci->low))
		(void)fprintf(out, "  %5.1f %%               ", 100 * share);
	else
		(void)fprintf(out, "  %5.1f %% (%5.1f to %5.1f)", 100 * share, 100 * ci->low,
			      100 * ci->high);
}

static void print_row(FILE *out, const struct download_cost *b, const struct download_row *row)
{
	struct share share;

	(void)fprintf(out, "%-15s %-8s", row->load->name, row->ipc ? row->ipc : "none");
	if (row->error) {
		(void)fprintf(out, " error: %s\n", strerror(row->error));
		return;
	}
	if (!share_of(b, row, &share)) {
		(void)fputs(" no complete round\n", out);
		return;
	}
	(void)fprintf(out, " %7.3f s %7.3f s", share.wall_s, share.cpu_s);
	if (row->ipc) {
		(void)fprintf(out, " %8.0f", share.records);
		print_share(out, share.wall, &share.wall_ci);
		print_share(out, share.cpu, &share.cpu_ci);
	}
	(void)fputc('\n', out);
}

/* The largest share of wall time that any mechanism had with LOAD. */
static double worst(const struct download_cost *b, const struct download_load *load)
{
	struct share share;
	double most = -INFINITY;
	unsigned i;

	for (i = 0; i < b->rows_n; i++)
		if (b->rows[i].ipc && b->rows[i].load == load && !b->rows[i].error &&
		    share_of(b, &b->rows[i], &share) && share.wall > most)
			most = share.wall;
	return most;
}

#define HARDLY 0.05 /* a share of the wall time that nobody would change a mechanism for */

static void print_meaning(FILE *out, const struct download_cost *b)
{
	double small = fmax(0, worst(b, b->rows[0].load)),
	       large = fmax(0, worst(b, b->rows[1].load));

	(void)fprintf(out,
		      "IPC, whichever mechanism, is at most %.0f %% of the wall time with %s, and "
		      "%.0f %% with %s%s\n",
		      100 * small, b->rows[0].load->name, 100 * large, b->rows[1].load->name,
		      large < HARDLY ? ":\nthere the choice of a mechanism hardly matters." : ".");
}

void download_cost_table(FILE *out, const struct download_cost *b)
{
	unsigned load, i;

	(void)fprintf(out, "%-15s %-8s %9s %9s %8s  %-25s  %s\n", "files", "ipc", "wall", "CPU",
		      "records", "IPC's share of wall (95 %)", "of CPU");
	for (load = 0; load < DOWNLOAD_LOADS; load++)
		for (i = load; i < b->rows_n; i += DOWNLOAD_LOADS)
			print_row(out, b, &b->rows[i]);
	(void)fprintf(
		out,
		"\nMedians of %u rounds, %u workers, built-in origin on the loopback "
		"interface, files in memory.\n"
		"none: the same workers, each with its share of the list, report to nobody.\n",
		b->rounds, b->rows[0].load->workers);
	if (b->rounds > 0)
		print_meaning(out, b);
}

static json_t *real_or_null(double value)
{
	return isnan(value) ? json_null() : json_real(value);
}

static json_t *interval(const struct stats_interval *ci)
{
	return json_pack("[o, o]", real_or_null(ci->low), real_or_null(ci->high));
}

static json_t *row_json(const struct download_cost *b, const struct download_row *row)
{
	struct share share;
	const bool ok = !row->error && share_of(b, row, &share);
	json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:i, s:I, s:i, s:i, s:s, s:s?}", "backend",
				 row->ipc ? row->ipc : "none", "api", row->ipc ? "ipc" : "floor",
				 "mode", "download", "load", row->load->name, "files",
				 (int)row->load->files, "size_bytes", (json_int_t)row->load->size,
				 "workers", (int)row->load->workers, "rounds", (int)b->rounds,
				 "status",
				 ok         ? "ok" :
				 row->error ? "error" :
					      "stopped",
				 "reason", row->error ? strerror(row->error) : NULL);

	if (!ok || !json)
		return json;
	(void)json_object_set_new(json, "wall_s", json_real(share.wall_s));
	(void)json_object_set_new(json, "cpu_s", json_real(share.cpu_s));
	if (!row->ipc)
		return json;
	(void)json_object_set_new(json, "records", json_real(share.records));
	(void)json_object_set_new(json, "ipc_wall_share", json_real(share.wall));
	(void)json_object_set_new(json, "ipc_wall_share_ci95", interval(&share.wall_ci));
	(void)json_object_set_new(json, "ipc_cpu_share", json_real(share.cpu));
	(void)json_object_set_new(json, "ipc_cpu_share_ci95", interval(&share.cpu_ci));
	return json;
}

json_t *download_cost_json(const struct download_cost *b)
{
	json_t *array = json_array();
	unsigned i;

	for (i = 0; i < b->rows_n; i++)
		(void)json_array_append_new(array, row_json(b, &b->rows[i]));
	return array;
}
