/* SPDX-License-Identifier: MIT */
/*
 * waiting_test.c - the ways to wait, over a mechanism that does what the test says: what no real
 * one can be made to do at the right moment.
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "ipc/core/sys.h"
#include "ipc/core/waiting.h"

/*
 * The mechanism: nothing comes in EMPTY tries, nor before DUE_NS, then LEFT records; it never wakes
 * anybody. NAPS: a record comes only after the receiver has let go of its CPU.
 */
static struct {
	unsigned empty, left, tries;
	unsigned last_tries; /* in the last LAST_NS before DUE_NS */
	uint64_t due_ns;
	bool naps;
	int fd; /* of pollfd, or its error */
} fake;

#define LAST_NS 100000000

static bool is_due(void)
{
	const uint64_t now = fake.due_ns ? sys_now_ns() : 0;

	if (now < fake.due_ns && fake.due_ns - now < LAST_NS)
		fake.last_tries++;
	return now >= fake.due_ns;
}

static ssize_t fake_recv(struct ipc *s, unsigned *slot, void *records, size_t cap, unsigned flags)
{
	const struct timespec nap = { .tv_nsec = 1 };

	(void)flags;
	assert_true(cap >= 1);
	if (fake.tries++ < fake.empty || fake.left == 0 || !is_due())
		return -EAGAIN;
	if (fake.naps)
		(void)nanosleep(&nap, NULL);
	fake.left--;
	*slot = s->self;
	memset(records, 7, s->record_size);
	return 1;
}

static ssize_t fake_send(struct ipc *s, unsigned slot, const void *records, size_t n,
			 unsigned flags)
{
	(void)s;
	(void)slot;
	(void)records;
	(void)n;
	(void)flags;
	fake.tries++;
	return -EAGAIN;
}

static int fake_pollfd(struct ipc *s, short *events)
{
	(void)s;
	*events = POLLIN;
	return fake.fd;
}

static const struct ipc_backend backend = {
	.info = { .name = "fake", .record_limit = 64 },
	.free_try = true,
	.recv = fake_recv,
	.send = fake_send,
	.pollfd = fake_pollfd,
};

struct party {
	struct ipc s;
	struct waiting w;
	int silence[2]; /* a pipe into which nobody writes */
};

/* A session with one peer, which is dead. */
static void party_open(struct party *p, enum ipc_direction direction, enum ipc_strategy strategy)
{
	pid_t pid;

	*p = (struct party){ .s = { .backend = &backend,
				    .direction = direction,
				    .slots = 1,
				    .single = true,
				    .record_size = 8 } };
	assert_int_equal(pipe(p->silence), 0);
	memset(&fake, 0, sizeof fake);
	fake.fd = p->silence[0];
	waiting_init(&p->w, &backend);
	waiting_set_strategy(&p->w, &backend, strategy);
	pid = fork();
	if (pid == 0)
		_exit(0);
	assert_true(pid > 0);
	p->w.peer = (struct ipc_peer){ .pid = pid, .pidfd = pidfd_open(pid, 0) };
	assert_true(p->w.peer.pidfd >= 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void party_close(struct party *p)
{
	(void)close(p->w.peer.pidfd);
	(void)close(p->silence[0]);
	(void)close(p->silence[1]);
}

static const enum ipc_strategy strategies[] = { IPC_BLOCK, IPC_POLL, IPC_SPIN, IPC_ADAPTIVE };
#define STRATEGIES (sizeof strategies / sizeof strategies[0])

/* It was killed between its record and the ring of the bell. */
static void test_waiting_records_of_the_dead_come_before_the_end(void **state)
{
	uint64_t record;
	struct party p;
	unsigned slot;
	size_t i;

	(void)state;
	for (i = 0; i < STRATEGIES; i++) {
		party_open(&p, IPC_TO_HUB, strategies[i]);
		fake.empty = strategies[i] == IPC_POLL ? 0 :
							 1; /* only when the peer is seen dead */
		fake.left = 2;
		assert_int_equal(waiting_recv(&p.s, &p.w, &slot, &record, 1), 1);
		assert_int_equal(waiting_recv(&p.s, &p.w, &slot, &record, 1), 1);
		slot = 9;
		assert_int_equal(waiting_recv(&p.s, &p.w, &slot, &record, 1), 0);
		assert_int_equal(slot, 0);
		party_close(&p);
	}
}

static void test_waiting_sender_learns_that_its_peer_is_dead(void **state)
{
	uint64_t record = 0;
	struct party p;
	size_t i;

	(void)state;
	for (i = 0; i < STRATEGIES; i++) {
		party_open(&p, IPC_FROM_HUB, strategies[i]);
		assert_int_equal(waiting_send(&p.s, &p.w, 0, &record, 1), -EPIPE);
		assert_true(fake.tries >= 1);
		party_close(&p);
	}
}

/* There is no descriptor, and nobody to watch: only another try can tell. */
static void party_open_unseen(struct party *p)
{
	party_open(p, IPC_TO_HUB, IPC_BLOCK);
	(void)close(p->w.peer.pidfd);
	p->w.peer.pidfd = -1;
	fake.fd = -ENOTSUP;
}

static void test_waiting_mechanism_without_a_descriptor_is_looked_at_again(void **state)
{
	uint64_t record;
	struct party p;
	unsigned slot;

	(void)state;
	party_open_unseen(&p);
	fake.empty = 5;
	fake.left = 1;
	assert_int_equal(waiting_recv(&p.s, &p.w, &slot, &record, 1), 1);
	assert_int_equal(fake.tries, 6);
	party_close(&p);
}

/* At first soon; of hundreds of idle workers each only now and then. */
static void test_waiting_looks_more_seldom_the_longer_it_waits(void **state)
{
	uint64_t record;
	struct party p;
	unsigned slot;

	(void)state;
	party_open_unseen(&p);
	fake.left = 1;
	fake.due_ns = sys_now_ns() + 3 * LAST_NS;
	assert_int_equal(waiting_recv(&p.s, &p.w, &slot, &record, 1), 1);
	assert_true(fake.last_tries <= 12);
	party_close(&p);
}

static void test_waiting_error_of_the_descriptor_is_told(void **state)
{
	uint64_t record;
	struct party p;
	unsigned slot;

	(void)state;
	party_open(&p, IPC_TO_HUB, IPC_BLOCK);
	fake.fd = -ENOTCONN;
	assert_int_equal(waiting_recv(&p.s, &p.w, &slot, &record, 1), -ENOTCONN);
	assert_int_equal(waiting_sleep(&p.s, &p.w, 0), -ENOTCONN);
	party_close(&p);
}

static void test_waiting_sleep_ends_by_time_or_death(void **state)
{
	struct party p;

	(void)state;
	party_open(&p, IPC_TO_HUB, IPC_BLOCK);
	assert_int_equal(waiting_sleep(&p.s, &p.w, -1), 1); /* the peer is dead: look */
	(void)close(p.w.peer.pidfd);
	p.w.peer.pidfd = -1;
	assert_int_equal(waiting_sleep(&p.s, &p.w, 1000000), 0);
	fake.fd = -EAGAIN;
	assert_int_equal(waiting_sleep(&p.s, &p.w, -1), 1);
	party_close(&p);
}

static void receive_after(struct party *p, unsigned empty)
{
	uint64_t record;
	unsigned slot;

	fake.tries = 0;
	fake.empty = empty;
	fake.left = 1;
	assert_int_equal(waiting_recv(&p->s, &p->w, &slot, &record, 1), 1);
}

/* Both share a CPU: who tries keeps the other from running. After some calls it tries no more. */
static void test_waiting_adaptive_learns_that_tries_do_harm(void **state)
{
	struct party p;
	unsigned calls;

	(void)state;
	party_open(&p, IPC_TO_HUB, IPC_ADAPTIVE);
	fake.naps = true;
	for (calls = 0; p.w.patience.budget_ns > 0; calls++) {
		assert_true(calls < 16);
		receive_after(&p, 40);
	}
	party_close(&p);
}

static void test_waiting_adaptive_makes_no_call_for_a_quick_answer(void **state)
{
	const uint64_t calls = 100;
	uint64_t i, budget_ns;
	struct party p;

	(void)state;
	party_open(&p, IPC_TO_HUB, IPC_ADAPTIVE);
	budget_ns = p.w.patience.budget_ns;
	for (i = 0; i < calls; i++)
		receive_after(&p, 8);
	assert_int_equal(p.s.syscalls, 0);
	assert_int_equal(p.w.patience.budget_ns, budget_ns);
	party_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_waiting_records_of_the_dead_come_before_the_end),
		cmocka_unit_test(test_waiting_sender_learns_that_its_peer_is_dead),
		cmocka_unit_test(test_waiting_mechanism_without_a_descriptor_is_looked_at_again),
		cmocka_unit_test(test_waiting_looks_more_seldom_the_longer_it_waits),
		cmocka_unit_test(test_waiting_error_of_the_descriptor_is_told),
		cmocka_unit_test(test_waiting_sleep_ends_by_time_or_death),
		cmocka_unit_test(test_waiting_adaptive_learns_that_tries_do_harm),
		cmocka_unit_test(test_waiting_adaptive_makes_no_call_for_a_quick_answer),
	};

	return cmocka_run_group_tests_name("waiting", tests, NULL, NULL);
}
