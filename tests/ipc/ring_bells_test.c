/* SPDX-License-Identifier: MIT */
/*
 * ring_bells_test.c - ipc/core/ring_bells.c, step by step: both sides are sessions of one process
 * and one thread, so that each race of ring.h's doorbell is put where it hurts.
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/membarrier.h>

#include <cmocka.h>

#include "ipc/core/ring_slots.h"

#define RECORD 56

static unsigned fences; /* of all CPUs, by this process */

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);

/* The library calls it for membarrier(2) alone, with three arguments. */
long __wrap_syscall(long number, ...)
{
	long command, flags, cpu;
	va_list args;

	va_start(args, number);
	command = va_arg(args, int);
	flags = va_arg(args, int);
	cpu = va_arg(args, int);
	va_end(args);
	assert_int_equal(number, SYS_membarrier);
	fences += command == MEMBARRIER_CMD_GLOBAL_EXPEDITED;
	return __real_syscall(number, command, flags, cpu);
}

/* A hub with one slot, and the slot's owner. */
struct pair {
	struct ipc *hub, *owner;
};

static void pair_open(struct pair *p, enum ipc_direction direction)
{
	struct ipc_config config = { .direction = direction, .record_size = RECORD, .slots = 1 };
	struct ipc_peer self = { .pid = getpid(), .pidfd = -1 };
	struct ipc_ticket ticket;
	unsigned slot;

	assert_int_equal(ipc_open(&p->hub, "memfd", &config), 0);
	assert_int_equal(ipc_ticket(p->hub, 0, &ticket), 0);
	assert_int_equal(ipc_attach(p->hub, 0, IPC_HUB, &self), 0);
	assert_int_equal(ipc_join(&p->owner, ticket.text, &self, &slot), 0);
}

static void pair_close(struct pair *p)
{
	ipc_close(p->owner);
	ipc_close(p->hub);
}

static ssize_t receive(struct ipc *s)
{
	char record[RECORD];
	unsigned slot;

	return ipc_recv(s, &slot, record, 1, IPC_NOWAIT);
}

static ssize_t send_one(struct ipc *s)
{
	static const char record[RECORD] = { 1 };

	return ipc_send(s, 0, record, 1, IPC_NOWAIT);
}

/* Announces a sleep, for which there must be reason. */
static struct pollfd announce(struct ipc *s)
{
	struct pollfd sleep = { .fd = -1 };

	sleep.fd = ipc_pollfd(s, &sleep.events);
	assert_true(sleep.fd >= 0);
	return sleep;
}

static bool is_woken(struct pollfd *sleep)
{
	return poll(sleep, 1, 0) == 1;
}

/* Nobody rings for a sleep that was not announced yet. */
static void test_ring_bells_sleeper_looks_again_for_a_record(void **state)
{
	struct pair p;
	short events;

	(void)state;
	pair_open(&p, IPC_TO_HUB);
	assert_int_equal(send_one(p.owner), 1);
	assert_int_equal(ipc_pollfd(p.hub, &events), -EAGAIN);
	assert_int_equal(receive(p.hub), 1);
	(void)announce(p.hub);
	pair_close(&p);
}

static void test_ring_bells_sleeper_looks_again_for_room(void **state)
{
	struct pair p;
	short events;

	(void)state;
	pair_open(&p, IPC_FROM_HUB);
	while (send_one(p.hub) == 1)
		;
	while (receive(p.owner) == 1)
		;
	assert_int_equal(ipc_pollfd(p.hub, &events), -EAGAIN);
	assert_int_equal(send_one(p.hub), 1);
	pair_close(&p);
}

/*
 * The ring for a record comes late: after the sleeper, awake, has taken the record and announced
 * its next sleep. That announcement is used up by it, so it must not stand.
 */
static void test_ring_bells_late_ring_is_no_answer_to_the_next_sleep(void **state)
{
	static const char record[RECORD] = { 1 };
	struct ring_slot *slot;
	struct pollfd sleep;
	struct pair p;

	(void)state;
	pair_open(&p, IPC_TO_HUB);
	slot = ring_slot_at(p.owner, 0);
	(void)announce(p.hub); /* its first sleep is another matter: membarrier(2) */
	assert_int_equal(ring_push(&slot->ring, record, 1), 1); /* (1) of ring.h ... */
	assert_int_equal(receive(p.hub), 1);
	sleep = announce(p.hub);
	ring_slots_wake(p.owner, slot, &slot->ring.control->receiver); /* ... and (3) */
	assert_true(is_woken(&sleep));
	assert_int_equal(receive(p.hub), -EAGAIN);
	sleep = announce(p.hub);
	assert_false(is_woken(&sleep));
	assert_int_equal(send_one(p.owner), 1);
	assert_true(is_woken(&sleep));
	pair_close(&p);
}

/* A receiver tells what it has taken a quarter at a time; before it sleeps, all. */
static void test_ring_bells_sleeping_receiver_owes_no_room(void **state)
{
	struct pair p;

	(void)state;
	pair_open(&p, IPC_TO_HUB);
	while (send_one(p.owner) == 1)
		;
	(void)announce(p.owner);
	assert_int_equal(send_one(p.owner), -EAGAIN);
	while (receive(p.hub) == 1)
		;
	assert_int_equal(send_one(p.owner), 1);
	assert_int_equal(receive(p.hub), 1); /* less than a quarter */
	(void)announce(p.hub);
	assert_int_equal(ring_slot_at(p.hub, 0)->ring.known, ring_slot_at(p.hub, 0)->ring.position);
	pair_close(&p);
}

/* One ring for a sleep, however many records follow; and one for each sleep. */
static void test_ring_bells_each_sleep_is_ended_once(void **state)
{
	struct pollfd sleep;
	uint64_t calls;
	struct pair p;
	unsigned i;

	(void)state;
	pair_open(&p, IPC_TO_HUB);
	for (i = 0; i < 3; i++) {
		sleep = announce(p.hub);
		calls = ipc_syscalls(p.owner);
		assert_int_equal(send_one(p.owner), 1);
		assert_true(is_woken(&sleep));
		assert_int_equal(ipc_syscalls(p.owner), calls + 1);
		assert_int_equal(send_one(p.owner), 1);
		assert_int_equal(ipc_syscalls(p.owner), calls + 1);
		assert_int_equal(receive(p.hub), 1);
		assert_int_equal(receive(p.hub), 1);
	}
	pair_close(&p);
}

/* A publisher that has never seen the sleeper asleep does not fence, so the sleeper does for it. */
static void test_ring_bells_first_sleep_fences_for_the_publisher(void **state)
{
	enum ipc_direction direction;
	struct pair p;

	(void)state;
	for (direction = IPC_TO_HUB; direction <= IPC_FROM_HUB; direction++) {
		struct ipc *sleeper;

		pair_open(&p, direction);
		sleeper = direction == IPC_TO_HUB ? p.hub : p.owner;
		if (!ring_slots_of(p.hub)->asymmetric)
			skip(); /* this machine's publishers fence each time */
		fences = 0;
		(void)announce(sleeper);
		assert_int_equal(fences, 1);
		assert_int_equal(send_one(sleeper == p.hub ? p.owner : p.hub), 1);
		assert_int_equal(receive(sleeper), 1);
		(void)announce(sleeper);
		assert_int_equal(fences, 1); /* from now on both do */
		pair_close(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ring_bells_sleeper_looks_again_for_a_record),
		cmocka_unit_test(test_ring_bells_sleeper_looks_again_for_room),
		cmocka_unit_test(test_ring_bells_late_ring_is_no_answer_to_the_next_sleep),
		cmocka_unit_test(test_ring_bells_sleeping_receiver_owes_no_room),
		cmocka_unit_test(test_ring_bells_each_sleep_is_ended_once),
		cmocka_unit_test(test_ring_bells_first_sleep_fences_for_the_publisher),
	};

	return cmocka_run_group_tests_name("ring_bells", tests, NULL, NULL);
}
