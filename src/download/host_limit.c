/* SPDX-License-Identifier: MIT */
/* host_limit.c - see host_limit.h */
#include "config.h"

#include "download/host_limit.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "download/url.h"

struct host {
	struct url_part name; /* in some job's URL */
	unsigned taken;
	struct job_queue kept;
};

struct host_limit {
	void *hosts; /* tree */
	unsigned most;
};

static int by_name(const void *a, const void *b)
{
	const struct url_part *x = &((const struct host *)a)->name;
	const struct url_part *y = &((const struct host *)b)->name;

	if (x->len != y->len)
		return x->len < y->len ? -1 : 1;
	return strncasecmp(x->at, y->at, x->len);
}

/* The host of URL; *HOST is NULL for a file. False: memory is short. */
static bool find_host(struct host_limit *limit, const char *url, struct host **host)
{
	struct url_parts parts;
	struct host *fresh, **node;

	*host = NULL;
	url_split(url, &parts);
	if (url_is_file(&parts))
		return true;
	fresh = calloc(1, sizeof *fresh);
	if (!fresh)
		return false;
	fresh->name = parts.host;
	TAILQ_INIT(&fresh->kept);
	node = tsearch(fresh, &limit->hosts, by_name);
	if (!node || *node != fresh)
		free(fresh);
	*host = node ? *node : NULL;
	return node != NULL;
}

struct host_limit *host_limit_new(struct job_list *jobs, unsigned most)
{
	struct host_limit *limit = calloc(1, sizeof *limit);

	if (!limit)
		return NULL;
	limit->most = most;
	for (size_t i = 0; i < jobs->count; i++) {
		if (!find_host(limit, jobs->jobs[i].url, &jobs->jobs[i].host)) {
			host_limit_free(limit);
			return NULL;
		}
	}
	return limit;
}

void host_limit_free(struct host_limit *limit)
{
	if (!limit)
		return;
	tdestroy(limit->hosts, free);
	free(limit);
}

bool host_limit_take(struct host_limit *limit, struct job *job)
{
	struct host *host = job->host;

	if (!host)
		return true;
	if (host->taken == limit->most) {
		TAILQ_INSERT_TAIL(&host->kept, job, link);
		return false;
	}
	host->taken++;
	job->host_taken = true;
	return true;
}

struct job *host_limit_release(struct job *job)
{
	struct job *next;

	if (!job->host_taken)
		return NULL;
	job->host_taken = false;
	job->host->taken--;
	next = TAILQ_FIRST(&job->host->kept);
	if (next)
		TAILQ_REMOVE(&job->host->kept, next, link);
	return next;
}
