/* SPDX-License-Identifier: MIT */
/*
 * csv.c - the result as comma-separated values, one row a line (RFC 4180, but newlines
 * alone).
 */
#include "config.h"

#include <math.h>
#include <stdio.h>

#include "bench/axes.h"
#include "bench/write/write.h"

static void quoted(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '"')
			fputc('"', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

/* What does not exist is empty. */
static void number(FILE *out, double value)
{
	fputc(',', out);
	if (isfinite(value))
		fprintf(out, "%.6g", value);
}

static void line(FILE *out, const struct row *row, const struct figures *f)
{
	const struct axes *a = &row->axes;
	const double block_has[] = { f->p50, f->mean };
	const double figures[] = { f->min, f->p90, f->p99, f->p999, f->p9999, f->max, f->stddev };
	const double rest[] = { f->p50_ci.low,   f->p50_ci.high,   f->rate,
				f->bytes,        f->costs.cpu_ns,  f->costs.syscalls,
				f->costs.ctxsw,  f->costs.faults,  f->ratio,
				f->ratio_ci.low, f->ratio_ci.high, f->cache_line,
				a->depth,        f->achieved,      f->late,
				f->spread };
	size_t i;

	fprintf(out, "%s,%s,%s,%s,%s,%d,%d,%zu,%u,%u,%u,%u,%s,", a->backend,
		a->api == API_IPC ? "ipc" : "floor", mode_name(a->mode), wait_name(a->wait),
		a->place.name, a->place.hub, a->place.slot, a->size, a->senders, a->batch, a->block,
		a->rate, row_status_name(row->status));
	quoted(out, row->reason);
	fprintf(out, ",%u,%zu", row->rounds, row->samples_n);
	for (i = 0; i < sizeof block_has / sizeof block_has[0]; i++)
		number(out, row->status == ROW_SATURATED ? NAN : block_has[i]);
	for (i = 0; i < sizeof figures / sizeof figures[0]; i++)
		number(out, a->block > 1 || row->status == ROW_SATURATED ? NAN : figures[i]);
	for (i = 0; i < sizeof rest / sizeof rest[0]; i++)
		number(out, rest[i]);
	number(out, f->memory);
	fprintf(out, ",");
	if (a->start)
		quoted(out, a->start->name);
	fputc('\n', out);
}

void csv_print(FILE *out, const struct result *result)
{
	const struct bench *bench = result->bench;
	size_t i;

	fputs("backend,api,mode,wait,placement,hub_cpu,slot_cpu,size_bytes,senders,batch,block,"
	      "rate_per_s,status,reason,rounds,samples,p50_ns,mean_ns,min_ns,p90_ns,p99_ns,"
	      "p999_ns,p9999_ns,max_ns,stddev_ns,p50_ci95_low,p50_ci95_high,records_per_s,"
	      "bytes_per_s,cpu_ns_per_record,syscalls_per_record,ctxsw_per_record,"
	      "faults_per_record,floor_ratio,floor_ratio_ci95_low,floor_ratio_ci95_high,"
	      "line_ns,depth,achieved_per_s,late_ns,round_spread,private_bytes,start\n",
	      out);
	for (i = 0; i < bench->plan.rows_n; i++)
		line(out, bench->plan.rows[i], &result->figures[i]);
}
