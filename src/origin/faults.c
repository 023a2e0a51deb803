/* SPDX-License-Identifier: MIT */
/*
 * faults.c - the faults that the origin commits on request.
 *
 * /fault/KIND/NUMBERS.../NAME, for example /fault/truncate/100000/a.bin. The body,
 * where there is one, is NAME's, so what did arrive can be compared. NAME may hold slashes.
 *
 *   KIND           NUMBERS  what happens
 *   truncate       N        announces N bytes, sends half of them, closes
 *   stall          N        announces N bytes, sends half of them, then nothing for ever
 *   reset          N        announces N bytes, sends half of them, resets the connection
 *   chunked        N        N bytes in chunks, no Content-Length: not a fault, only rare
 *   chunked-cut    N        N bytes in chunks, closed without the last, empty chunk
 *   nolength       N        N bytes, neither length nor chunks: the close is the end
 *   endless        -        bytes in chunks until the client goes away
 *   slow           R N      N bytes at R bytes a second
 *   held           G N      N bytes, the second half once gate G is open
 *   open           G        opens gate G, for good; an empty answer
 *   ranges         R N      as slow (R 0: at once), with an ETag; Range and If-Range are honoured
 *   ranges-cut     C N      the same, closed after C bytes of each answer
 *   ranges-lie     N        as ranges, but the bytes are not those that Content-Range says
 *   ranges-off     N        as ranges, but every answer is the whole
 *   ranges-new     N        as ranges, but another version from the second request on
 *   ranges-weak    N        as ranges, but the ETag is weak
 *   ranges-gzip    N        as ranges, but as a compressed form
 *   ranges-1.0     N        as ranges, but by HTTP/1.0
 *   status         C        status C (200 to 599) with a short text as body
 *   redirect       H N      H redirects, one after the other, then N bytes
 *   redirect-loop  -        a redirect to itself
 *   redirect-file  -        a redirect to file:///etc/passwd
 *   redirect-ftp   -        a redirect to ftp://127.0.0.1/
 *   503-once       S N      the first time 503 with Retry-After: S, then N bytes
 *   flaky          N        the first time as truncate, then N bytes
 *   garbage        -        an answer that is not HTTP
 *   empty          -        no answer at all: the connection is closed
 *   excess         -        a longer body (10 bytes) than was announced (5)
 *   two-lengths    -        two Content-Length headers that differ
 *   huge-length    -        a Content-Length beyond 64 bits
 *   bad-chunk      -        a chunk whose size is not a number
 *   long-header    -        1 MiB of headers
 *   flood-1xx      -        100,000 interim answers, then a final one
 *
 * "The first time" is remembered for each path: another NAME starts afresh.
 */
#include "config.h"

#include "origin/plan.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/hex.h"

#define NUMBERS_MAX 2

struct origin_faults {
	pthread_mutex_t lock;
	char **seen;
	size_t count, room;
};

struct request {
	struct origin_faults *faults;
	const char *path; /* behind "/fault/" */
	const char *name; /* its last part */
	uint64_t number[NUMBERS_MAX];
};

struct fault_kind {
	const char *kind;
	unsigned numbers;
	enum plan_ending ending; /* of the answer */
	void (*plan)(struct request *request, struct origin_plan *plan);
};

/* With the lock. */
static bool was_seen(const struct origin_faults *faults, const char *path)
{
	size_t i;

	for (i = 0; i < faults->count && strcmp(faults->seen[i], path) != 0; i++)
		;
	return i < faults->count;
}

/* True once for each path; again if memory is short: then the client only retries again. */
static bool first_time(struct origin_faults *faults, const char *path)
{
	bool first;

	(void)pthread_mutex_lock(&faults->lock); /* fails only for an invalid mutex */
	first = !was_seen(faults, path);
	if (first && faults->count == faults->room) {
		const size_t room = faults->room ? 2 * faults->room : 16;
		char **seen = reallocarray(faults->seen, room, sizeof *seen);

		if (seen) {
			faults->seen = seen;
			faults->room = room;
		}
	}
	if (first && faults->count < faults->room) {
		faults->seen[faults->count] = strdup(path);
		faults->count += faults->seen[faults->count] != NULL;
	}
	(void)pthread_mutex_unlock(&faults->lock);
	return first;
}

static void plan_whole(struct request *request, struct origin_plan *plan)
{
	plan->announced = plan->sent = request->number[0];
}

/* Half of it, then the kind's own ending. */
static void plan_half(struct request *request, struct origin_plan *plan)
{
	plan->announced = request->number[0];
	plan->sent = request->number[0] / 2;
}

static void plan_chunked(struct request *request, struct origin_plan *plan)
{
	plan->announced = ORIGIN_SIZE_UNKNOWN;
	plan->sent = request->number[0];
}

static void plan_nolength(struct request *request, struct origin_plan *plan)
{
	plan_chunked(request, plan);
	plan->close_delimited = true;
}

static void plan_endless(struct request *request, struct origin_plan *plan)
{
	(void)request;
	plan->announced = ORIGIN_SIZE_UNKNOWN;
	plan->sent = UINT64_MAX;
}

static void plan_slow(struct request *request, struct origin_plan *plan)
{
	const uint64_t rate = request->number[0];

	plan->announced = plan->sent = request->number[1];
	plan->seconds = rate ? (double)plan->sent / (double)rate : 0;
}

static void plan_held(struct request *request, struct origin_plan *plan)
{
	plan->gate = request->number[0];
	plan->announced = plan->sent = request->number[1];
	plan->held = plan->sent / 2;
}

struct gate {
	char path[32];
};

static struct gate gate_of(uint64_t number)
{
	struct gate gate;

	(void)snprintf(gate.path, sizeof gate.path, "open/%ju", (uintmax_t)number);
	return gate;
}

static void plan_open(struct request *request, struct origin_plan *plan)
{
	(void)plan; /* nothing is sent */
	(void)first_time(request->faults, gate_of(request->number[0]).path);
}

bool origin_faults_gate_is_open(struct origin_faults *faults, uint64_t gate)
{
	bool is_open;

	(void)pthread_mutex_lock(&faults->lock);
	is_open = was_seen(faults, gate_of(gate).path);
	(void)pthread_mutex_unlock(&faults->lock);
	return is_open;
}

static void plan_ranges(struct request *request, struct origin_plan *plan)
{
	plan_slow(request, plan);
	plan->ranges = true;
}

static void plan_ranges_cut(struct request *request, struct origin_plan *plan)
{
	plan->announced = request->number[1];
	plan->sent = request->number[0];
	plan->ranges = true;
}

/* ---- origins that cannot be split, or that one should not split by ---- */

static void plan_ranges_at_once(struct request *request, struct origin_plan *plan)
{
	plan_whole(request, plan);
	plan->ranges = true;
}

static void plan_ranges_lie(struct request *request, struct origin_plan *plan)
{
	plan_ranges_at_once(request, plan);
	plan->shift = 1;
}

static void plan_ranges_off(struct request *request, struct origin_plan *plan)
{
	plan_ranges_at_once(request, plan);
	plan->ignores_range = true;
}

static void plan_ranges_new(struct request *request, struct origin_plan *plan)
{
	plan_ranges_at_once(request, plan);
	if (!first_time(request->faults, request->path))
		plan->etag = "\"2\"";
}

static void plan_ranges_weak(struct request *request, struct origin_plan *plan)
{
	plan_ranges_at_once(request, plan);
	plan->etag = "W/\"1\"";
}

static void plan_ranges_gzip(struct request *request, struct origin_plan *plan)
{
	plan_ranges_at_once(request, plan);
	plan->header = "Content-Encoding";
	(void)snprintf(plan->header_value, sizeof plan->header_value, "gzip");
}

static void plan_ranges_old(struct request *request, struct origin_plan *plan)
{
	plan_ranges_at_once(request, plan);
	plan->http_1_0 = true;
}

static void plan_status(struct request *request, struct origin_plan *plan)
{
	const uint64_t code = request->number[0];

	plan->status = code >= 200 && code < 600 ? (unsigned)code : 404;
}

static void plan_503_once(struct request *request, struct origin_plan *plan)
{
	if (!first_time(request->faults, request->path)) {
		plan->announced = plan->sent = request->number[1];
		return;
	}
	plan->status = 503;
	plan->header = "Retry-After";
	(void)snprintf(plan->header_value, sizeof plan->header_value, "%llu",
		       (unsigned long long)request->number[0]);
}

static void plan_flaky(struct request *request, struct origin_plan *plan)
{
	if (first_time(request->faults, request->path)) {
		plan_half(request, plan);
		plan->ending = END_CLOSE;
	} else {
		plan_whole(request, plan);
	}
}

/* PREFIX and NAME as a Location: a header is ASCII, so NAME is percent-encoded again. */
static void redirect(struct origin_plan *plan, const char *prefix, const char *name)
{
	const size_t size = sizeof plan->header_value;
	size_t n = (size_t)snprintf(plan->header_value, size, "%s", prefix);

	plan->status = 302;
	plan->header = "Location";
	for (; *name && n + 4 <= size; name++) {
		const unsigned char c = (unsigned char)*name;

		if (c > ' ' && c < 0x7f && !strchr("%?#\"", c)) {
			plan->header_value[n++] = (char)c;
			continue;
		}
		plan->header_value[n++] = '%';
		hex_encode(plan->header_value + n, &c, 1);
		n += 2;
	}
	plan->header_value[n] = '\0';
}

static void plan_redirect(struct request *request, struct origin_plan *plan)
{
	char prefix[80];

	if (request->number[0])
		(void)snprintf(prefix, sizeof prefix, "/fault/redirect/%llu/%llu/",
			       (unsigned long long)request->number[0] - 1,
			       (unsigned long long)request->number[1]);
	else
		(void)snprintf(prefix, sizeof prefix, "/bytes/%llu/",
			       (unsigned long long)request->number[1]);
	redirect(plan, prefix, request->name);
}

static void plan_redirect_loop(struct request *request, struct origin_plan *plan)
{
	redirect(plan, "/fault/redirect-loop/", request->name);
}

static void plan_redirect_file(struct request *request, struct origin_plan *plan)
{
	(void)request;
	redirect(plan, "file:///etc/passwd", "");
}

static void plan_redirect_ftp(struct request *request, struct origin_plan *plan)
{
	redirect(plan, "ftp://127.0.0.1/", request->name);
}

static const struct fault_kind kinds[] = {
	{ "truncate", 1, END_CLOSE, plan_half },
	{ "stall", 1, END_STALL, plan_half },
	{ "reset", 1, END_RESET, plan_half },
	{ "chunked", 1, END_CLEAN, plan_chunked },
	{ "chunked-cut", 1, END_CLOSE, plan_chunked },
	{ "nolength", 1, END_CLEAN, plan_nolength },
	{ "endless", 0, END_CLEAN, plan_endless },
	{ "slow", 2, END_CLEAN, plan_slow },
	{ "held", 2, END_CLEAN, plan_held },
	{ "open", 1, END_CLEAN, plan_open },
	{ "ranges", 2, END_CLEAN, plan_ranges },
	{ "ranges-cut", 2, END_CLOSE, plan_ranges_cut },
	{ "ranges-lie", 1, END_CLEAN, plan_ranges_lie },
	{ "ranges-off", 1, END_CLEAN, plan_ranges_off },
	{ "ranges-new", 1, END_CLEAN, plan_ranges_new },
	{ "ranges-weak", 1, END_CLEAN, plan_ranges_weak },
	{ "ranges-gzip", 1, END_CLEAN, plan_ranges_gzip },
	{ "ranges-1.0", 1, END_CLEAN, plan_ranges_old },
	{ "status", 1, END_CLEAN, plan_status },
	{ "redirect", 2, END_CLEAN, plan_redirect },
	{ "redirect-loop", 0, END_CLEAN, plan_redirect_loop },
	{ "redirect-file", 0, END_CLEAN, plan_redirect_file },
	{ "redirect-ftp", 0, END_CLEAN, plan_redirect_ftp },
	{ "503-once", 2, END_CLEAN, plan_503_once },
	{ "flaky", 1, END_CLEAN, plan_flaky },
};

#define OK     "HTTP/1.1 200 OK\r\n"
#define X32    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define LENGTH "Content-Length: "

static const struct origin_raw raws[] = {
	{ "garbage", "SSH-2.0-not_http\r\n", "", 0, "" },
	{ "empty", "", "", 0, "" },
	{ "excess", OK LENGTH "5\r\n\r\n", "01", 5, "" },
	{ "two-lengths", OK LENGTH "5\r\n" LENGTH "10\r\n\r\n", "01", 5, "" },
	{ "huge-length", OK LENGTH "100000000000000000000000\r\n\r\n", "01", 5, "" },
	{ "bad-chunk", OK "Transfer-Encoding: chunked\r\n\r\n", "5\r\n01234\r\n", 1, "wxyz\r\n" },
	{ "long-header", OK, "X: " X32 X32 "\r\n", 15200, LENGTH "0\r\n\r\n" },
	{ "flood-1xx", "", "HTTP/1.1 103 Early Hints\r\n\r\n", 100000, OK LENGTH "0\r\n\r\n" },
};

bool origin_take_number(const char **path, uint64_t *number)
{
	const char *p = *path;
	uint64_t n = 0;

	for (; *p >= '0' && *p <= '9'; p++) {
		if (n > (UINT64_MAX / 2 - 9) / 10)
			return false;
		n = n * 10 + (uint64_t)(*p - '0');
	}
	if (p == *path || *p != '/')
		return false;
	*path = p + 1;
	*number = n;
	return true;
}

/* Steps *PATH over its first part and the slash behind it when that part is KIND. */
static bool take_kind(const char **path, const char *kind)
{
	const size_t length = strlen(kind);

	if (strncmp(*path, kind, length) != 0 || (*path)[length] != '/')
		return false;
	*path += length + 1;
	return true;
}

static int plan_kind(const struct fault_kind *kind, struct request *request,
		     struct origin_plan *plan)
{
	for (unsigned i = 0; i < kind->numbers; i++) {
		if (!origin_take_number(&request->name, &request->number[i]))
			return -ENOENT;
	}
	if (!*request->name)
		return -ENOENT;
	plan->name = request->name;
	plan->ending = kind->ending;
	kind->plan(request, plan);
	return 0;
}

int origin_faults_plan(struct origin_faults *faults, const char *path, struct origin_plan *plan)
{
	struct request request = { .faults = faults, .path = path, .name = path };

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		if (take_kind(&request.name, kinds[i].kind))
			return plan_kind(&kinds[i], &request, plan);
	}
	for (size_t i = 0; i < sizeof raws / sizeof *raws; i++) {
		if (!take_kind(&request.name, raws[i].kind))
			continue;
		plan->status = 0;
		plan->raw = &raws[i];
		return 0;
	}
	return -ENOENT;
}

struct origin_faults *origin_faults_new(void)
{
	struct origin_faults *faults = calloc(1, sizeof *faults);

	if (faults && pthread_mutex_init(&faults->lock, NULL)) {
		free(faults);
		faults = NULL;
	}
	return faults;
}

void origin_faults_free(struct origin_faults *faults)
{
	if (!faults)
		return;
	for (size_t i = 0; i < faults->count; i++)
		free(faults->seen[i]);
	free(faults->seen);
	(void)pthread_mutex_destroy(&faults->lock);
	free(faults);
}
