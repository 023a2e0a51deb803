/* SPDX-License-Identifier: MIT */
/* summary_json.c - see summary_json.h */
#include "config.h"

#include "progress/summary_json.h"

#include <limits.h>

json_t *json_count(uint64_t count)
{
	return json_integer(count < LLONG_MAX ? (json_int_t)count : LLONG_MAX);
}

json_t *json_seconds(double seconds)
{
	json_t *real = json_real(seconds);

	return real ? real : json_null();
}

json_t *summary_json(const struct progress_summary *summary)
{
	json_t *object = json_object();
	int rc = 0;

	rc |= json_object_set_new(object, "event", json_string("summary"));
	rc |= json_object_set_new(object, "ipc",
				  summary->ipc ? json_string(summary->ipc) : json_null());
	rc |= json_object_set_new(object, "model", json_string(summary->model));
	rc |= json_object_set_new(object, "jobs", json_count(summary->jobs));
	rc |= json_object_set_new(object, "ok", json_count(summary->ok));
	rc |= json_object_set_new(object, "failed", json_count(summary->failed));
	rc |= json_object_set_new(object, "skipped", json_count(summary->skipped));
	rc |= json_object_set_new(object, "left", json_count(summary->left));
	rc |= json_object_set_new(object, "wall_s", json_seconds(summary->wall_s));
	rc |= json_object_set_new(object, "bytes", json_count(summary->bytes));
	rc |= json_object_set_new(object, "records", json_count(summary->records));
	rc |= json_object_set_new(object, "wakeups", json_count(summary->wakeups));
	rc |= json_object_set_new(object, "ipc_cpu_s", json_seconds(summary->ipc_cpu_s));
	rc |= json_object_set_new(object, "job_seconds", json_seconds(summary->job_seconds));
	rc |= json_object_set_new(object, "concurrency", json_seconds(summary->concurrency));
	rc |= json_object_set_new(object, "signal",
				  summary->signal ? json_integer(summary->signal) : json_null());
	if (rc == 0)
		return object;
	json_decref(object);
	return NULL;
}
