/* SPDX-License-Identifier: MIT */
/*
 * fetch_stage.h - for the tests of fetch.h: a fresh hostile origin and a fresh fetcher with tight
 * limits for each, and the file that the fetcher wrote.
 */
#ifndef TESTS_FETCH_STAGE_H
#define TESTS_FETCH_STAGE_H

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#include "download/fetch.h"
#include "tests/download/hostile_origin.h"

#define MAX_SIZE 100000

/* What the code of a FAILURE_FETCH means; the library's header is not for tests. */
#define UNSUPPORTED_PROTOCOL 1
#define BAD_REDIRECT         9
#define MALFORMED_URL        3
#define UNKNOWN_HOST         6
#define WEIRD_REPLY          8
#define TIMED_OUT            28
#define UNREADABLE_FILE      37
#define TOO_MANY_REDIRECTS   47
#define GOT_NOTHING          52
#define RECEIVE_FAILED       56

/* Pieces of answers. */
#define OK         "HTTP/1.1 200 OK\r\n"
#define FIVE       "Content-Length: 5\r\n"
#define END        "\r\n"
#define MOVED      "HTTP/1.1 302 Found\r\nContent-Length: 4\r\nLocation: "
#define ERROR_PAGE "Content-Length: 4\r\n\r\npage"

/* What the origin of this test program says; each program has its own. */
extern const struct answer answers[];

struct stage {
	struct hostile origin;
	struct fetch *fetch;
	int fd;
	struct fetch_result result;
	char content[64];
};

static inline int enter(void **state)
{
	static const struct fetch_settings settings = {
		.connect_timeout = 1,
		.stall_timeout = 1,
		.max_redirs = 3,
		.max_size = MAX_SIZE,
	};
	struct stage *stage = calloc(1, sizeof(*stage));

	assert_non_null(stage);
	hostile_start(&stage->origin, answers);
	stage->fetch = fetch_new(&settings);
	assert_non_null(stage->fetch);
	*state = stage;
	return 0;
}

static inline int leave(void **state)
{
	struct stage *stage = *state;

	fetch_free(stage->fetch);
	hostile_stop(&stage->origin);
	free(stage);
	return 0;
}

static inline int fetch_into(struct stage *stage, const char *url, int fd,
			     const struct fetch_hooks *hooks)
{
	const struct fetch_request request = { .url = url, .fd = fd, .hooks = hooks };

	return fetch_run(stage->fetch, &request, &stage->result);
}

/* Fetches URL into a fresh file; its first bytes are in stage->content. */
static inline void fetch_url(struct stage *stage, const char *url)
{
	int fd = memfd_create("body", MFD_CLOEXEC);
	struct stat st;
	int rc;

	assert_true(fd >= 0);
	rc = fetch_into(stage, url, fd, NULL);
	assert_int_equal(rc, stage->result.failure.kind == FAILURE_NONE ? 0 : -1);
	memset(stage->content, 0, sizeof(stage->content));
	assert_true(pread(fd, stage->content, sizeof(stage->content) - 1, 0) >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	/* What is reported is what was written. */
	assert_int_equal(st.st_size, stage->result.bytes);
	close(fd);
}

static inline void fetch_path(struct stage *stage, const char *path)
{
	char url[128];

	snprintf(url, sizeof(url), "http://127.0.0.1:%u%s", stage->origin.port, path);
	fetch_url(stage, url);
}

static inline void expect_body(struct stage *stage, const char *path, const char *content)
{
	fetch_path(stage, path);
	if (stage->result.failure.kind != FAILURE_NONE)
		fail_msg("%s: failure %d, code %d", path, (int)stage->result.failure.kind,
			 stage->result.failure.code);
	assert_string_equal(stage->content, content);
	assert_int_equal(stage->result.bytes, strlen(content));
}

static inline void expect_fault(struct stage *stage, enum failure_kind kind, int code,
				bool transient)
{
	const struct failure *failure = &stage->result.failure;

	if (failure->kind != kind || failure->code != code || failure->transient != transient)
		fail_msg("failure %d, code %d, errno %d%s", (int)failure->kind, failure->code,
			 failure->os_errno, failure->transient ? ", transient" : "");
}

static inline double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

#define SERVED(test) cmocka_unit_test_setup_teardown(test, enter, leave)

#endif
