/* SPDX-License-Identifier: MIT */
/*
 * fetch_hooks_test.c - a fetcher's conversation with its caller: progress at its pace, and a
 * command heard at once, whether the transfer sleeps or never does.
 */
#include "config.h"

#include <dirent.h>

#include "tests/download/fetch_stage.h"

#define X40  "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X400 X40 X40 X40 X40 X40 X40 X40 X40 X40 X40

const struct answer answers[] = {
	{ .path = "/five", .text = OK FIVE END "12345" },
	{ .path = "/gate", .text = OK FIVE END "12", .after = THEN_GATE, .more = "345" },
	{ .path = "/debt",
	  .text = OK "Content-Length: 405\r\n" END X400,
	  .after = THEN_GATE,
	  .more = "12345" },
	{ .path = "/stall", .text = OK FIVE END "123", .after = THEN_STALL },
	{ .path = "/endless", .text = OK END, .after = THEN_FLOOD, .more = "x" },
	{ .path = NULL, .text = "HTTP/1.1 410 Gone\r\n" ERROR_PAGE },
};

/* What the hooks of a test saw, and shall do. */
struct caller {
	const struct hostile *origin;
	int pipe[2];
	int pollfd; /* what the hook answers */
	unsigned polls;
	unsigned wakeups;
	unsigned polls_before;   /* the first wakeup */
	unsigned stop_at_wakeup; /* the how manieth stops the transfer; 0: none */
	unsigned progresses;
	unsigned stop_at_progress;
	uint64_t bytes, total;
	double told;          /* time of the last progress */
	double shortest;      /* between two of them */
	struct fetch *hasten; /* not NULL: the first bytes cause a wakeup, which lifts its rate */
};

static int on_pollfd(void *arg)
{
	struct caller *caller = arg;

	caller->polls++;
	return caller->pollfd;
}

/* Takes one byte, if there is one, and lets a waiting origin go on. */
static int on_wakeup(void *arg)
{
	struct caller *caller = arg;
	char byte;

	if (caller->wakeups == 0)
		caller->polls_before = caller->polls;
	(void)read(caller->pipe[0], &byte, 1);
	open_gate(caller->origin);
	if (caller->hasten)
		fetch_set_rate(caller->hasten, 1000000);
	if (caller->pollfd == -EAGAIN)
		caller->pollfd = caller->pipe[0];
	return ++caller->wakeups == caller->stop_at_wakeup;
}

static int on_progress(void *arg, const struct fetch_progress *progress)
{
	struct caller *caller = arg;
	double now = seconds();

	if (caller->progresses > 0 && now - caller->told < caller->shortest)
		caller->shortest = now - caller->told;
	assert_true(progress->bytes >= caller->bytes);
	caller->told = now;
	caller->bytes = progress->bytes;
	caller->total = progress->total;
	if (caller->hasten && progress->bytes > 0)
		(void)write(caller->pipe[1], "c", 1);
	return ++caller->progresses == caller->stop_at_progress;
}

static void caller_open(struct caller *caller, const struct stage *stage)
{
	*caller = (struct caller){
		.origin = &stage->origin,
		.shortest = 1e9,
	};
	assert_int_equal(pipe(caller->pipe), 0);
	assert_int_equal(fcntl(caller->pipe[0], F_SETFL, O_NONBLOCK), 0);
	caller->pollfd = caller->pipe[0];
}

static void caller_close(struct caller *caller)
{
	close(caller->pipe[0]);
	if (caller->pipe[1] >= 0)
		close(caller->pipe[1]);
}

static int fetch_url_for(struct stage *stage, struct caller *caller, const char *url)
{
	const struct fetch_hooks hooks = {
		.arg = caller,
		.progress = on_progress,
		.pollfd = on_pollfd,
		.wakeup = on_wakeup,
	};
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	int rc;

	assert_true(fd >= 0);
	rc = fetch_into(stage, url, fd, &hooks);
	close(fd);
	return rc;
}

static int fetch_for(struct stage *stage, struct caller *caller, const char *path)
{
	char url[64];

	snprintf(url, sizeof(url), "http://127.0.0.1:%u%s", stage->origin.port, path);
	return fetch_url_for(stage, caller, url);
}

/* No size, no stall limit: nothing ends these transfers but a hook. */
static void lift_limits(struct stage *stage)
{
	static const struct fetch_settings none = {
		.connect_timeout = 5,
		.max_size = FETCH_SIZE_UNKNOWN,
	};

	fetch_free(stage->fetch);
	stage->fetch = fetch_new(&none);
	assert_non_null(stage->fetch);
}

static void test_hooks_descriptor_wakes_a_sleeping_transfer(void **state)
{
	struct stage *stage = *state;
	struct caller caller;

	lift_limits(stage);
	caller_open(&caller, stage);
	/* The origin sends the second half only once the hook was called. */
	assert_int_equal(write(caller.pipe[1], "c", 1), 1);
	assert_int_equal(fetch_for(stage, &caller, "/gate"), 0);
	assert_int_equal(stage->result.bytes, 5);
	assert_int_equal(caller.wakeups, 1);
	/* By the first sleep itself, not by a later look. */
	assert_int_equal(caller.polls_before, 1);
	caller_close(&caller);
}

/* At 1 byte/s the next one would come after the deadline of this program. */
static void test_hooks_a_higher_rate_ends_the_wait_of_the_lower(void **state)
{
	struct stage *stage = *state;
	struct caller caller;

	lift_limits(stage);
	caller_open(&caller, stage);
	caller.hasten = stage->fetch;
	fetch_set_rate(stage->fetch, 1);
	assert_int_equal(fetch_for(stage, &caller, "/debt"), 0);
	assert_int_equal(stage->result.bytes, 405);
	assert_true(caller.wakeups > 0);
	caller_close(&caller);
}

static void test_hooks_pollfd_eagain_wakes_without_a_sleep(void **state)
{
	struct stage *stage = *state;
	struct caller caller;

	lift_limits(stage);
	caller_open(&caller, stage);
	caller.pollfd = -EAGAIN;
	assert_int_equal(fetch_for(stage, &caller, "/gate"), 0);
	assert_int_equal(caller.wakeups, 1);
	assert_int_equal(caller.polls_before, 1);
	caller_close(&caller);
}

static void test_hooks_wakeup_cancels_a_sleeping_transfer(void **state)
{
	struct stage *stage = *state;
	struct caller caller;

	lift_limits(stage);
	caller_open(&caller, stage);
	caller.stop_at_wakeup = 1;
	assert_int_equal(write(caller.pipe[1], "c", 1), 1);
	assert_int_equal(fetch_for(stage, &caller, "/stall"), -1);
	assert_int_equal(stage->result.failure.kind, FAILURE_CANCELLED);
	assert_false(stage->result.failure.transient);
	/* The broken-off connection is not used again, the fetcher is. */
	assert_int_equal(fetch_for(stage, &caller, "/five"), 0);
	caller_close(&caller);
}

/* Over a mechanism without a descriptor a command has to be looked for. */
static void test_hooks_without_a_descriptor_wakeup_comes_all_the_same(void **state)
{
	struct stage *stage = *state;
	struct caller caller;

	lift_limits(stage);
	caller_open(&caller, stage);
	caller.pollfd = -ENOTSUP;
	caller.stop_at_wakeup = 3;
	assert_int_equal(fetch_for(stage, &caller, "/stall"), -1);
	assert_int_equal(stage->result.failure.kind, FAILURE_CANCELLED);
	assert_int_equal(caller.wakeups, 3);
	caller_close(&caller);
}

static void test_hooks_hung_up_descriptor_wakes_too(void **state)
{
	struct stage *stage = *state;
	struct caller caller;

	lift_limits(stage);
	caller_open(&caller, stage);
	caller.stop_at_wakeup = 1;
	close(caller.pipe[1]);
	caller.pipe[1] = -1;
	assert_int_equal(fetch_for(stage, &caller, "/stall"), -1);
	assert_int_equal(stage->result.failure.kind, FAILURE_CANCELLED);
	caller_close(&caller);
}

static void test_hooks_wakeup_cancels_a_transfer_that_never_sleeps(void **state)
{
	struct stage *stage = *state;
	struct caller caller;
	double start = seconds();

	lift_limits(stage);
	caller_open(&caller, stage);
	caller.stop_at_wakeup = 1;
	assert_int_equal(write(caller.pipe[1], "c", 1), 1);
	assert_int_equal(fetch_for(stage, &caller, "/endless"), -1);
	assert_int_equal(stage->result.failure.kind, FAILURE_CANCELLED);
	assert_true(seconds() - start < 5);
	/* A local file without an end is read within one call of the library. */
	assert_int_equal(write(caller.pipe[1], "c", 1), 1);
	caller.wakeups = 0;
	caller.bytes = 0;
	assert_int_equal(fetch_url_for(stage, &caller, "file:///dev/zero"), -1);
	assert_int_equal(stage->result.failure.kind, FAILURE_CANCELLED);
	caller_close(&caller);
}

static void test_hooks_progress_comes_at_its_pace_and_cancels(void **state)
{
	struct stage *stage = *state;
	struct caller caller;

	lift_limits(stage);
	caller_open(&caller, stage);
	caller.stop_at_progress = 4;
	assert_int_equal(fetch_for(stage, &caller, "/endless"), -1);
	assert_int_equal(stage->result.failure.kind, FAILURE_CANCELLED);
	assert_int_equal(caller.progresses, 4);
	assert_true(caller.shortest > 0.049);
	assert_true(caller.bytes > 0);
	assert_true(caller.bytes <= stage->result.bytes);
	assert_true(caller.total == FETCH_SIZE_UNKNOWN);
	caller_close(&caller);
}

/* Returns how long it took. */
static double three_silent_seconds(struct stage *stage)
{
	struct caller caller;
	double start = seconds();

	caller_open(&caller, stage);
	/* One call may tell of the first bytes; the others are a second apart. */
	caller.stop_at_progress = 3;
	assert_int_equal(fetch_for(stage, &caller, "/stall"), -1);
	assert_int_equal(stage->result.failure.kind, FAILURE_CANCELLED);
	assert_int_equal(caller.bytes, 3);
	assert_int_equal(caller.total, 5);
	assert_true(caller.shortest > 0.9);
	caller_close(&caller);
	return seconds() - start;
}

/* Not less often: on a busy machine one of five runs shows it. */
static void test_hooks_progress_comes_once_a_second_when_nothing_does(void **state)
{
	struct stage *stage = *state;
	double took_s;
	int tries = 5;

	lift_limits(stage);
	do {
		took_s = three_silent_seconds(stage);
		assert_true(took_s > 1.9);
	} while (took_s > 4 && --tries > 0);
	assert_true(tries > 0);
}

/*
 * However often the transfer wakes: a busy caller must not make it talk more. The caller's pipe
 * holds more bytes than the hook takes, one at a time, while the test runs.
 */
static void test_hooks_progress_without_news_is_rare_for_a_busy_loop(void **state)
{
	static const char plenty[60000];
	struct stage *stage = *state;
	struct caller caller;

	lift_limits(stage);
	caller_open(&caller, stage);
	assert_int_equal(write(caller.pipe[1], plenty, sizeof(plenty)), sizeof(plenty));
	caller.stop_at_progress = 2;
	assert_int_equal(fetch_for(stage, &caller, "/stall"), -1);
	assert_int_equal(stage->result.failure.kind, FAILURE_CANCELLED);
	assert_true(caller.wakeups > 100);
	assert_true(caller.shortest > 0.9);
	caller_close(&caller);
}

/* On a busy machine it may not be short: one of ten is. */
static void test_hooks_cost_nothing_on_a_short_transfer(void **state)
{
	struct stage *stage = *state;
	struct caller caller;
	unsigned progresses, tries = 0;

	do {
		caller_open(&caller, stage);
		assert_int_equal(fetch_for(stage, &caller, "/five"), 0);
		assert_int_equal(caller.wakeups, 0);
		progresses = caller.progresses;
		caller_close(&caller);
	} while (progresses > 0 && ++tries < 10);
	assert_int_equal(progresses, 0);
}

static void test_hooks_may_be_missing_one_by_one(void **state)
{
	static const struct fetch_hooks none = { .arg = NULL };
	struct stage *stage = *state;
	char url[64];
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/stall", stage->origin.port);
	assert_int_equal(fetch_into(stage, url, fd, &none), -1);
	assert_int_equal(stage->result.failure.kind, FAILURE_IDLE);
	close(fd);
}

/* The descriptors of this process. The TCP sockets among them are closed by an exec. */
static unsigned count_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *entry;
	unsigned count = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		int fd = (int)strtol(entry->d_name, NULL, 10);
		socklen_t length = sizeof(int);
		int domain;

		count += entry->d_name[0] != '.';
		if (!getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) && domain == AF_INET)
			assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	}
	closedir(dir);
	return count;
}

static void test_fetch_leaves_no_descriptor_behind(void **state)
{
	struct stage *stage = *state;
	struct caller caller;
	unsigned before;

	fetch_free(stage->fetch);
	stage->fetch = NULL;
	before = count_descriptors();
	for (int i = 0; i < 3; i++) {
		lift_limits(stage);
		caller_open(&caller, stage);
		caller.stop_at_wakeup = 1;
		assert_int_equal(fetch_for(stage, &caller, "/five"), 0);
		/* One kept connection at least. */
		assert_true(count_descriptors() > before);
		assert_int_equal(write(caller.pipe[1], "c", 1), 1);
		assert_int_equal(fetch_for(stage, &caller, "/stall"), -1);
		caller_close(&caller);
		fetch_free(stage->fetch);
		stage->fetch = NULL;
	}
	assert_int_equal(count_descriptors(), before);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		SERVED(test_hooks_descriptor_wakes_a_sleeping_transfer),
		SERVED(test_hooks_a_higher_rate_ends_the_wait_of_the_lower),
		SERVED(test_hooks_pollfd_eagain_wakes_without_a_sleep),
		SERVED(test_hooks_wakeup_cancels_a_sleeping_transfer),
		SERVED(test_hooks_without_a_descriptor_wakeup_comes_all_the_same),
		SERVED(test_hooks_hung_up_descriptor_wakes_too),
		SERVED(test_hooks_wakeup_cancels_a_transfer_that_never_sleeps),
		SERVED(test_hooks_progress_comes_at_its_pace_and_cancels),
		SERVED(test_hooks_progress_comes_once_a_second_when_nothing_does),
		SERVED(test_hooks_progress_without_news_is_rare_for_a_busy_loop),
		SERVED(test_hooks_cost_nothing_on_a_short_transfer),
		SERVED(test_hooks_may_be_missing_one_by_one),
		SERVED(test_fetch_leaves_no_descriptor_behind),
	};

	return cmocka_run_group_tests(tests, fetch_setup, fetch_teardown);
}
