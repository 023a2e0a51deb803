/* SPDX-License-Identifier: MIT */
/*
 * json.c - the result for machines, schema "ipcdemo-bench/1".
 *
 * Keys are only ever added. A figure that does not exist is null, never 0. Times are nanoseconds
 * with three decimals: a picosecond is less than any clock here can tell.
 */
#include "config.h"

#include "bench/write/write.h"

#include <math.h>

#include "bench/axes.h"
#include "bench/floor.h"

static json_t *real(double value)
{
	if (!isfinite(value))
		return json_null();
	return json_real(round(value * 1000) / 1000);
}

/* For ratios and counts per record: six decimals. */
static json_t *fine(double value)
{
	if (!isfinite(value))
		return json_null();
	return json_real(round(value * 1e6) / 1e6);
}

static json_t *interval(struct stats_interval ci, json_t *(*as)(double))
{
	json_t *pair;

	if (!isfinite(ci.low) || !isfinite(ci.high))
		return json_null();
	pair = json_array();
	json_array_append_new(pair, as(ci.low));
	json_array_append_new(pair, as(ci.high));
	return pair;
}

static json_t *text_or_null(const char *text)
{
	return text[0] ? json_string(text) : json_null();
}

static void put_axes(json_t *to, const struct axes *axes)
{
	json_object_set_new(to, "backend",
			    axes->backend ? json_string(axes->backend) : json_null());
	json_object_set_new(to, "api", json_string(axes->api == API_IPC ? "ipc" : "floor"));
	json_object_set_new(to, "mode", json_string(mode_name(axes->mode)));
	if (axes->load) {
		json_object_set_new(to, "load", json_string(axes->load->name));
		json_object_set_new(to, "files", json_integer(axes->load->files));
		json_object_set_new(to, "size_bytes", json_integer((json_int_t)axes->load->size));
		json_object_set_new(to, "workers", json_integer(axes->load->workers));
		return;
	}
	if (axes->start) {
		json_object_set_new(to, "start", json_string(axes->start->name));
		json_object_set_new(to, "parent_mib", json_integer(axes->start->parent_mib));
		return;
	}
	json_object_set_new(to, "wait", json_string(wait_name(axes->wait)));
	json_object_set_new(to, "placement", json_string(axes->place.name));
	json_object_set_new(to, "size_bytes", json_integer((json_int_t)axes->size));
	json_object_set_new(to, "senders", json_integer(axes->senders));
	json_object_set_new(to, "batch", json_integer(axes->batch));
	json_object_set_new(to, "block", json_integer(axes->block));
	json_object_set_new(to, "rate_per_s",
			    axes->rate > 0 ? json_integer(axes->rate) : json_null());
	json_object_set_new(to, "depth", json_integer(axes->depth));
}

static void put_place(json_t *to, const struct place *place)
{
	json_object_set_new(to, "hub_cpu", json_integer(place->hub));
	json_object_set_new(to, "slot_cpu", json_integer(place->slot));
	json_object_set_new(to, "shares", json_string(place->nearest ? place->nearest : "?"));
}

/* In blocks a sample is a mean of 16: its percentiles are not those of single round trips. */
static json_t *times(const struct row *row, const struct figures *f)
{
	bool single = row->axes.block == 1;
	json_t *t;

	if (f->n == 0 || row->status == ROW_SATURATED)
		return json_null();
	t = json_object();
	json_object_set_new(t, "min", single ? real(f->min) : json_null());
	json_object_set_new(t, "p50", real(f->p50));
	json_object_set_new(t, "p90", single ? real(f->p90) : json_null());
	json_object_set_new(t, "p99", single ? real(f->p99) : json_null());
	json_object_set_new(t, "p999", single ? real(f->p999) : json_null());
	json_object_set_new(t, "p9999", single ? real(f->p9999) : json_null());
	json_object_set_new(t, "max", single ? real(f->max) : json_null());
	json_object_set_new(t, "mean", real(f->mean));
	json_object_set_new(t, "stddev", single ? real(f->stddev) : json_null());
	json_object_set_new(t, "p50_ci95", interval(f->p50_ci, real));
	return t;
}

static json_t *per_round(const struct row *row, size_t offset, json_t *(*as)(double))
{
	json_t *list = json_array();
	bool any = false;
	unsigned i;

	for (i = 0; i < row->rounds; i++) {
		double value =
			*(const double *)(const void *)((const char *)&row->round[i] + offset);

		any = any || isfinite(value);
		json_array_append_new(list, as(value));
	}
	if (any)
		return list;
	json_decref(list);
	return json_null();
}

#define PER_ROUND(row, member, as) per_round(row, offsetof(struct round, member), as)

static json_t *lag(const struct figures *f)
{
	if (!isfinite(f->lag_p50))
		return json_null();
	return json_pack("{s:o, s:o, s:o}", "p50", real(f->lag_p50), "p99", real(f->lag_p99), "max",
			 real(f->lag_max));
}

static json_t *modes(const struct figures *f)
{
	return f->bimodal ? json_pack("[o, o]", real(f->mode_low), real(f->mode_high)) :
			    json_null();
}

/* Percentiles for the page: denser towards the tail, which matters most. */
static json_t *curve(const struct figures *f)
{
	json_t *points = json_array();
	double rest = 1;
	size_t at, last = SIZE_MAX;

	while (f->n > 0 && rest * (double)f->n >= 1) {
		at = stats_rank(100 * (1 - rest), f->n);
		if (at != last)
			json_array_append_new(
				points, json_pack("[o, o]", fine(1 / rest), real(f->sorted[at])));
		last = at;
		rest *= 0.8;
	}
	if (f->n > 0)
		json_array_append_new(points,
				      json_pack("[o, o]", fine((double)f->n), real(f->max)));
	return points;
}

/* For each round a list: the figure that floor_ratio divides, of each part of the round. */
static json_t *parts(const struct row *row)
{
	json_t *list = json_array();
	unsigned i, part;

	for (i = 0; i < row->rounds; i++) {
		json_t *of_round = json_array();

		for (part = 0; part < row->round[i].parts; part++)
			json_array_append_new(of_round, real(row->round[i].part[part]));
		json_array_append_new(list, of_round);
	}
	return list;
}

/* Null if the interval holds 0: then the share was too small to measure. */
static json_t *share(double value, struct stats_interval ci)
{
	return ci.low > 0 ? fine(value) : json_null();
}

static void put_download(json_t *to, const struct row *row, const struct figures *f)
{
	json_object_set_new(to, "wall_s", fine(f->wall_s));
	json_object_set_new(to, "cpu_s", fine(f->cpu_s));
	json_object_set_new(to, "round_wall_s", PER_ROUND(row, wall_s, fine));
	json_object_set_new(to, "round_cpu_s", PER_ROUND(row, cpu_s, fine));
	if (row->axes.api == API_FLOOR)
		return;
	json_object_set_new(to, "ipc_wall_share", share(f->wall_share, f->wall_share_ci));
	json_object_set_new(to, "ipc_wall_share_ci95", interval(f->wall_share_ci, fine));
	json_object_set_new(to, "ipc_cpu_share", share(f->cpu_share, f->cpu_share_ci));
	json_object_set_new(to, "ipc_cpu_share_ci95", interval(f->cpu_share_ci, fine));
}

static void put_start(json_t *to, const struct row *row, const struct figures *f)
{
	json_object_set_new(to, "start_ns", times(row, f));
	json_object_set_new(to, "private_bytes", real(f->memory));
	json_object_set_new(to, "round_spread", fine(f->spread));
	json_object_set_new(to, "bimodal_ns", modes(f));
	json_object_set_new(to, "round_p50_ns", PER_ROUND(row, p50_ns, real));
	json_object_set_new(to, "round_private_bytes", PER_ROUND(row, memory, real));
}

_Static_assert(CPU_RATE == 1000, "a key has it in its name");

static void put_figures(json_t *to, const struct row *row, const struct figures *f)
{
	json_object_set_new(to, "status", json_string(row_status_name(row->status)));
	json_object_set_new(to, "reason", text_or_null(row->reason));
	json_object_set_new(to, "rounds", json_integer(row->rounds));
	json_object_set_new(to, "samples", json_integer((json_int_t)row->samples_n));
	json_object_set_new(to, "records", json_integer((json_int_t)row->records));
	if (row->axes.load) {
		put_download(to, row, f);
		return;
	}
	if (row->axes.start) {
		put_start(to, row, f);
		return;
	}
	json_object_set_new(to, row->axes.mode == MODE_ONEWAY ? "oneway_ns" : "rtt_ns",
			    times(row, f));
	if (row->axes.mode == MODE_ONEWAY)
		json_object_set_new(to, "rtt_ns", json_null());
	json_object_set_new(to, "records_per_s", real(f->rate));
	json_object_set_new(to, "records_per_s_ci95", interval(f->rate_ci, real));
	json_object_set_new(to, "bytes_per_s", real(f->bytes));
	json_object_set_new(to, "cpu_ns_per_record", real(f->costs.cpu_ns));
	json_object_set_new(to, "cpu_share_at_1000_per_s", fine(row->cpu_share));
	json_object_set_new(to, "syscalls_per_record", fine(f->costs.syscalls));
	json_object_set_new(to, "ctxsw_per_record", fine(f->costs.ctxsw));
	json_object_set_new(to, "faults_per_record", fine(f->costs.faults));
	json_object_set_new(to, "floor_ratio", fine(f->ratio));
	json_object_set_new(to, "floor_ratio_ci95", interval(f->ratio_ci, fine));
	json_object_set_new(to, "floor_ratio_of",
			    row->floor ? json_string(figures_ratio_of(&row->axes)) : json_null());
	json_object_set_new(to, "floor_ratio_doubtful", json_boolean(f->ratio_doubtful));
	json_object_set_new(to, "floor_wait",
			    row->axes.api == API_FLOOR ?
				    json_string(wait_name(floor_wait(&row->axes))) :
				    json_null());
	json_object_set_new(to, "line_ns", real(f->cache_line));
	json_object_set_new(to, "clock_error_ns", real(f->error));
	json_object_set_new(to, "lag_ns", lag(f));
	json_object_set_new(to, "achieved_per_s", real(f->achieved));
	json_object_set_new(to, "late_ns", real(f->late));
	json_object_set_new(to, "round_spread", fine(f->spread));
	json_object_set_new(to, "bimodal_ns", modes(f));
	json_object_set_new(to, "round_p50_ns", PER_ROUND(row, p50_ns, real));
	json_object_set_new(to, "round_mean_ns", PER_ROUND(row, mean_ns, real));
	json_object_set_new(to, "round_records_per_s", PER_ROUND(row, rate, real));
	json_object_set_new(to, "round_floor_ratio", PER_ROUND(row, ratio, fine));
	json_object_set_new(to, "round_parts_ns", parts(row));
	json_object_set_new(to, "round_line_ns", PER_ROUND(row, cache_line_ns, real));
}

static json_t *results(const struct result *result, bool curves)
{
	const struct plan *plan = &result->bench->plan;
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < plan->rows_n; i++) {
		const struct row *row = plan->rows[i];
		json_t *to = json_object();

		put_axes(to, &row->axes);
		if (!row->axes.load && !row->axes.start)
			put_place(to, &row->axes.place);
		put_figures(to, row, &result->figures[i]);
		if (curves && row->axes.block == 1)
			json_object_set_new(to, "curve", curve(&result->figures[i]));
		json_array_append_new(list, to);
	}
	return list;
}

static json_t *skipped(const struct plan *plan)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < plan->skips_n; i++) {
		json_t *entry = json_object();

		/* If a mechanism or a placement is missing, there are no further axes. */
		if (plan->skips[i].axes.start ||
		    (plan->skips[i].axes.place.name[0] && plan->skips[i].axes.senders > 0 &&
		     plan->skips[i].axes.backend))
			put_axes(entry, &plan->skips[i].axes);
		else if (plan->skips[i].axes.backend)
			json_object_set_new(entry, "backend",
					    json_string(plan->skips[i].axes.backend));
		else
			json_object_set_new(entry, "placement",
					    json_string(plan->skips[i].axes.place.name));
		json_object_set_new(entry, "reason", json_string(plan->skips[i].reason));
		json_array_append_new(list, entry);
	}
	return list;
}

static json_t *baselines(const struct baselines *b)
{
	json_t *to = json_object();

#define MEDIAN(member) real(STATS_MEDIAN(b->round, b->rounds, member, NULL))
	json_object_set_new(to, "empty_call_ns", MEDIAN(call));
	json_object_set_new(to, "memcpy_ns", MEDIAN(copy));
	json_object_set_new(to, "memcpy_bytes", json_integer((json_int_t)b->copy_bytes));
	json_object_set_new(to, "getpid_ns", MEDIAN(getpid));
	json_object_set_new(to, "clock_gettime_ns", MEDIAN(clock));
	json_object_set_new(to, "stamp_ns", MEDIAN(stamp));
	json_object_set_new(to, "line_rtt_ns", MEDIAN(cache_line));
	json_object_set_new(to, "line_cpus",
			    json_pack("[i, i]", b->cache_line_place.hub, b->cache_line_place.slot));
	json_object_set_new(to, "lost_share", fine(STATS_MEDIAN(b->round, b->rounds, lost, NULL)));
#undef MEDIAN
	return to;
}

json_t *json_result(const struct result *result, bool curves)
{
	const struct bench *bench = result->bench;
	const struct stamp_clock *clock = &bench->clock;
	const char *inconclusive = words_inconclusive(result);
	struct text meaning = { .at = NULL };
	json_t *to = json_object();

	words_meaning(&meaning, result);
	json_object_set_new(to, "schema", json_string(SCHEMA));
	json_object_set(to, "environment", result->environment);
	json_object_set_new(to, "clock",
			    json_pack("{s:s, s:o, s:o, s:o}", "name", clock->name, "ns_per_tick",
				      json_real(clock->ns_per_tick), "cost_ns",
				      real(clock->cost_ns), "resolution_ns",
				      real(clock->resolution_ns)));
	json_object_set_new(to, "baselines", baselines(&bench->baselines));
	json_object_set_new(to, "rounds", json_integer(bench->rounds));
	json_object_set_new(to, "wall_s", real(bench->wall_s));
	json_object_set_new(to, "signal",
			    bench->signal ? json_integer(bench->signal) : json_null());
	json_object_set_new(to, "meaning", text_or_null(text_string(&meaning)));
	json_object_set_new(to, "inconclusive", text_or_null(inconclusive ? inconclusive : ""));
	json_object_set_new(to, "p99_bound_ns",
			    bench->options->find_rate ? real(bench->options->p99_ns) : json_null());
	text_free(&meaning);
	json_object_set_new(to, "results", results(result, curves));
	json_object_set_new(to, "skipped", skipped(&bench->plan));
	return to;
}
