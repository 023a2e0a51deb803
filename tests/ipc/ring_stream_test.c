/* SPDX-License-Identifier: MIT */
/*
 * ring_stream_test.c - ipc/core/ring.h with both sides at work at once. The threads are for
 * ThreadSanitizer, which cannot see another process; the processes are what the ring is for.
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/membarrier.h>

#include <cmocka.h>

#include "tests/ipc/ring_stage.h"

#define LOST_MS 20000 /* nobody is that slow: the wake-up was lost */

static const size_t sizes[] = RING_STAGE_SIZES;

/* ---- two threads, two processes ---- */

struct stream {
	void *memory;
	size_t size;
	uint32_t entries;
	uint64_t count;
	_Atomic uint64_t acknowledged; /* records for which ring_push has returned */
};

static void rest(void)
{
	struct timespec moment = { .tv_nsec = 1000 };

	(void)nanosleep(&moment, NULL); /* both ends may have to share a CPU */
}

static void *stream_out(void *argument)
{
	struct stream *s = argument;
	unsigned char *buffer = malloc(BATCH_MAX * s->size);
	uint64_t seed = 1, sent = 0;
	struct ring r;

	if (!buffer)
		abort();
	ring_init_sender(&r, s->memory, s->size, s->entries);
	while (sent < s->count) {
		size_t i, n = 1 + roll(&seed, roll(&seed, 8) ? 2 : BATCH_MAX);
		ssize_t rc;

		n = least(n, (size_t)(s->count - sent));
		for (i = 0; i < n; i++)
			record_fill(buffer + i * s->size, s->size, sent + i);
		rc = ring_push(&r, buffer, n);
		if (rc < 0)
			abort();
		if (rc == 0)
			rest();
		sent += (uint64_t)rc;
		atomic_store(&s->acknowledged, sent);
	}
	free(buffer);
	return NULL;
}

/* Takes records until there are as many as announced, or until ENDED and nothing is left. */
static uint64_t stream_in(struct stream *s, bool (*ended)(void))
{
	unsigned char *buffer = malloc(BATCH_MAX * s->size);
	uint64_t seed = 2, got = 0;
	struct ring r;

	assert_non_null(buffer);
	ring_init_receiver(&r, s->memory, s->size, s->entries);
	while (got < s->count) {
		bool last = ended && ended();
		ssize_t i, rc = ring_pop(&r, buffer, 1 + roll(&seed, BATCH_MAX));

		assert_true(rc >= 0);
		for (i = 0; i < rc; i++)
			assert_true(record_is(buffer + (size_t)i * s->size, s->size,
					      got + (uint64_t)i));
		got += (uint64_t)rc;
		if (ring_tail_due(&r))
			ring_store_tail(&r);
		if (rc == 0 && last)
			break;
		if (rc == 0)
			rest();
	}
	free(buffer);
	return got;
}

static uint64_t stream_length(size_t size)
{
	return size <= 64 ? 100000 : size <= 4096 ? 5000 : 400;
}

static void test_ring_between_threads_keeps_order(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < SIZES; i++) {
		struct fenced f = fenced_ring(sizes[i], 16);
		struct stream s = { .memory = f.memory,
				    .size = sizes[i],
				    .entries = 16,
				    .count = stream_length(sizes[i]) };
		pthread_t sender;

		assert_int_equal(pthread_create(&sender, NULL, stream_out, &s), 0);
		assert_int_equal(stream_in(&s, NULL), s.count);
		assert_int_equal(pthread_join(sender, NULL), 0);
		fenced_free(&f);
	}
}

static pid_t sender_pid;

static bool sender_ended(void)
{
	siginfo_t info = { .si_pid = 0 };

	assert_int_equal(waitid(P_PID, (id_t)sender_pid, &info, WEXITED | WNOHANG | WNOWAIT), 0);
	return info.si_pid != 0;
}

/* The sender is killed somewhere: all that it was told is sent arrives, and nothing torn. */
static void killed_after(size_t size, unsigned pause_us)
{
	struct fenced f = fenced_ring(size, 16);
	struct stream *s =
		mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct timespec pause = { .tv_nsec = (long)pause_us * 1000 };
	uint64_t got;

	assert_true(s != MAP_FAILED);
	s->memory = f.memory;
	s->size = size;
	s->entries = 16;
	s->count = pause_us ? UINT64_MAX : stream_length(size);
	sender_pid = fork();
	assert_true(sender_pid >= 0);
	if (sender_pid == 0) {
		(void)stream_out(s);
		_exit(0);
	}
	if (pause_us) {
		(void)nanosleep(&pause, NULL); /* how far it gets is chance, and meant to be */
		assert_int_equal(kill(sender_pid, SIGKILL), 0);
	}
	got = stream_in(s, pause_us ? sender_ended : NULL);
	assert_int_equal(waitpid(sender_pid, NULL, 0), sender_pid);
	assert_true(got >= atomic_load(&s->acknowledged));
	assert_true(pause_us || got == s->count);
	assert_int_equal(munmap(s, sizeof *s), 0);
	fenced_free(&f);
}

static void test_ring_between_processes_keeps_order(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < SIZES; i++)
		killed_after(sizes[i], 0);
}

static void test_ring_sender_killed_leaves_whole_records(void **state)
{
	unsigned i;

	(void)state;
	for (i = 0; i < 40; i++)
		killed_after(sizes[i % SIZES], 20 + i * 20);
}
/* ---- the doorbell ---- */

/* One side of a ping-pong over two rings, asleep whenever there is nothing. */
struct player {
	struct ring out, in;
	int bell, peer_bell;
	bool asymmetric; /* BELL_NEVER and membarrier(2) are in use */
	uint64_t seed, sleeps;
};

static void player_init(struct player *p, void *out, void *in, bool asymmetric)
{
	ring_init_sender(&p->out, out, 56, 4);
	ring_init_receiver(&p->in, in, 56, 4);
	p->asymmetric = asymmetric;
	if (!asymmetric)
		bell_write(&p->in, &p->in.control->receiver, BELL_AWAKE);
	else if (syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0) < 0)
		abort();
}

/* Some nanoseconds to some microseconds, so that the two meet at every step. */
static void dawdle(struct player *p)
{
	unsigned n = roll(&p->seed, roll(&p->seed, 16) ? 40 : 4000);
	volatile unsigned i;

	for (i = 0; i < n; i++)
		;
}

static void player_sleep(struct player *p)
{
	struct pollfd entry = { .fd = p->bell, .events = POLLIN };
	uint64_t count;
	bool never;

	(void)!read(p->bell, &count, sizeof count);
	never = bell_announce(&p->in, &p->in.control->receiver);
	if (never && syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0) < 0)
		abort();
	if (!never)
		bell_fence();
	dawdle(p);
	if (ring_ready(&p->in))
		return;
	p->sleeps++;
	if (poll(&entry, 1, LOST_MS) != 1)
		abort(); /* the wake-up was lost */
}

static void player_recv(struct player *p, unsigned char *record)
{
	ssize_t rc;

	while ((rc = ring_pop(&p->in, record, 1)) == 0)
		player_sleep(p);
	if (rc != 1)
		abort();
	if (ring_tail_due(&p->in))
		ring_store_tail(&p->in);
	dawdle(p);
	if (bell_announced(&p->in)) /* now and then it has been awake for long */
		bell_write(&p->in, &p->in.control->receiver,
			   p->asymmetric && roll(&p->seed, 4) == 0 ? BELL_NEVER : BELL_AWAKE);
}

static void player_send(struct player *p, const unsigned char *record)
{
	static const uint64_t one = 1;

	if (ring_push(&p->out, record, 1) != 1)
		abort();
	if (bell_wanted(&p->out, &p->out.control->receiver) &&
	    write(p->peer_bell, &one, sizeof one) != sizeof one)
		abort();
	dawdle(p);
}

static void play(bool asymmetric, uint64_t rounds)
{
	struct fenced down = fenced_ring(56, 4), up = fenced_ring(56, 4);
	struct player p = { .bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC),
			    .peer_bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC),
			    .seed = 3 };
	unsigned char record[56];
	uint64_t n;
	int status = -1;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		p = (struct player){ .bell = p.peer_bell, .peer_bell = p.bell, .seed = 4 };
		player_init(&p, up.memory, down.memory, asymmetric);
		for (n = 0; n < rounds; n++) {
			player_recv(&p, record);
			player_send(&p, record);
		}
		_exit(0);
	}
	player_init(&p, down.memory, up.memory, asymmetric);
	for (n = 0; n < rounds; n++) {
		record_fill(record, 56, n);
		player_send(&p, record);
		player_recv(&p, record);
		assert_true(record_is(record, 56, n));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(p.sleeps > 0);
	(void)close(p.bell);
	(void)close(p.peer_bell);
	fenced_free(&down);
	fenced_free(&up);
}

static void test_bell_with_fences_loses_no_wakeup(void **state)
{
	(void)state;
	play(false, 20000);
}

static void test_bell_with_membarrier_loses_no_wakeup(void **state)
{
	(void)state;
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0) < 0)
		skip(); /* a kernel or a sandbox without it: the fences above are all there is */
	play(true, 20000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ring_between_threads_keeps_order),
		cmocka_unit_test(test_ring_between_processes_keeps_order),
		cmocka_unit_test(test_ring_sender_killed_leaves_whole_records),
		cmocka_unit_test(test_bell_with_fences_loses_no_wakeup),
		cmocka_unit_test(test_bell_with_membarrier_loses_no_wakeup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
