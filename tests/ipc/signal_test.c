/* SPDX-License-Identifier: MIT */
/*
 * signal_test.c - what is the signal backend's own: which number a session takes and gives back,
 * how pieces become records, and what is no piece at all.
 *
 * Anyone of the same user may queue any siginfo, so this process is the hub and plays all of
 * its senders: it sends to itself, in the name of processes that need not exist.
 */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "ipc/ipc.h"
#include "tests/harness/isolate.h"

#define SLOTS     3u
#define PIECES    4u /* of a record in these tests */
#define SENDER(n) (1000001 + (pid_t)(n))

/* The layout of si_errno: how often the slot was armed, the slot, the piece. */
#define TAG(owner, slot, piece) ((int)((owner) << 19 | (slot) << 7 | (piece)))

struct session {
	struct ipc *s;
	sigset_t before; /* the mask */
	int signo;
};

/* ---- numbers ---- */

static sigset_t mask_now(void)
{
	sigset_t mask;

	assert_int_equal(sigprocmask(SIG_BLOCK, NULL, &mask), 0);
	return mask;
}

static bool masks_equal(const sigset_t *a, const sigset_t *b)
{
	int signo;

	for (signo = 1; signo <= SIGRTMAX; signo++)
		if (sigismember(a, signo) != sigismember(b, signo))
			return false;
	return true;
}

/* The one signal that is blocked now and was not before. */
static int newly_blocked(const sigset_t *before)
{
	sigset_t now = mask_now();
	int signo, found = 0;

	for (signo = 1; signo <= SIGRTMAX; signo++)
		if (sigismember(&now, signo) == 1 && sigismember(before, signo) == 0) {
			assert_int_equal(found, 0);
			found = signo;
		}
	assert_in_range(found, SIGRTMIN, SIGRTMAX);
	return found;
}

static struct ipc *open_session(unsigned slots, size_t record)
{
	struct ipc_config config = { .direction = IPC_TO_HUB,
				     .record_size = record,
				     .slots = slots };
	struct ipc *s = NULL;

	assert_int_equal(ipc_open(&s, "signal", &config), 0);
	return s;
}

static void test_signal_session_takes_a_number_and_gives_it_back(void **state)
{
	sigset_t before = mask_now(), between, after;
	struct ipc *one, *two;
	int first;

	(void)state;
	one = open_session(1, 8);
	first = newly_blocked(&before);
	between = mask_now();
	two = open_session(1, 8);
	assert_int_not_equal(newly_blocked(&between), first);
	ipc_close(one);
	ipc_close(two);
	after = mask_now();
	assert_true(masks_equal(&before, &after));
}

static void on_signal(int signo)
{
	(void)signo;
}

static void test_signal_number_in_use_is_passed_over(void **state)
{
	struct sigaction handled = { .sa_handler = on_signal }, old;
	sigset_t before = mask_now(), taken, with_taken;
	struct ipc *s;
	int first, second;

	(void)state;
	s = open_session(1, 8);
	first = newly_blocked(&before);
	ipc_close(s);
	(void)sigemptyset(&taken);
	(void)sigaddset(&taken, first);
	assert_int_equal(sigprocmask(SIG_BLOCK, &taken, NULL), 0);
	with_taken = mask_now();
	s = open_session(1, 8);
	second = newly_blocked(&with_taken);
	ipc_close(s);
	assert_int_not_equal(second, first);
	assert_int_equal(sigaction(second, &handled, &old), 0);
	s = open_session(1, 8);
	assert_int_not_equal(newly_blocked(&with_taken), second);
	ipc_close(s);
	assert_int_equal(sigaction(second, &old, NULL), 0);
	assert_int_equal(sigprocmask(SIG_SETMASK, &before, NULL), 0);
}

static void test_signal_without_a_free_number_is_busy(void **state)
{
	struct ipc_config config = { .record_size = 8, .slots = 1 };
	sigset_t before = mask_now(), after;
	struct ipc *s[128];
	int count = 0, rc;

	(void)state;
	while ((rc = ipc_open(&s[count], "signal", &config)) == 0)
		assert_in_range(++count, 1, SIGRTMAX - SIGRTMIN + 1);
	assert_int_equal(rc, -EBUSY);
	assert_true(count > 1);
	while (count > 0)
		ipc_close(s[--count]);
	after = mask_now();
	assert_true(masks_equal(&before, &after));
}

/*
 * A worker that still lives may send after the hub has closed. The default action of a real-time
 * signal is death: then this test does not end.
 */
static void test_signal_straggler_does_no_harm(void **state)
{
	const struct ipc_peer alive = { .pid = getppid(), .pidfd = -1 };
	sigset_t before = mask_now();
	struct ipc *s;
	int signo;

	(void)state;
	s = open_session(1, 8);
	signo = newly_blocked(&before);
	assert_int_equal(ipc_arm(s, 0), 0);
	assert_int_equal(ipc_attach(s, 0, IPC_HUB, &alive), 0);
	assert_int_equal(sigqueue(getpid(), signo, (union sigval){ .sival_int = 1 }), 0);
	ipc_close(s);
	assert_int_equal(sigqueue(getpid(), signo, (union sigval){ .sival_int = 2 }), 0);
	assert_int_equal(kill(getpid(), signo), 0);
}

/* ---- pieces ---- */

static int session_setup(void **state)
{
	struct session *t = calloc(1, sizeof *t);
	unsigned slot;

	if (!t)
		return -1;
	t->before = mask_now();
	t->s = open_session(SLOTS, PIECES * 8);
	t->signo = newly_blocked(&t->before);
	for (slot = 0; slot < SLOTS - 1; slot++) { /* the last stays without an owner */
		struct ipc_peer peer = { .pid = SENDER(slot), .pidfd = -1 };

		assert_int_equal(ipc_arm(t->s, slot), 0);
		assert_int_equal(ipc_attach(t->s, slot, IPC_HUB, &peer), 0);
	}
	*state = t;
	return 0;
}

static int session_teardown(void **state)
{
	struct session *t = *state;

	ipc_close(t->s);
	free(t);
	return 0;
}

static void queue(const struct session *t, pid_t pid, int tag, uint64_t value)
{
	siginfo_t info = { .si_signo = t->signo, .si_code = SI_QUEUE, .si_errno = tag };
	int self = pidfd_open(getpid(), 0);

	assert_true(self >= 0);
	info.si_pid = pid;
	info.si_value.sival_ptr = (void *)(uintptr_t)value;
	assert_int_equal(pidfd_send_signal(self, t->signo, &info, 0), 0);
	(void)close(self);
}

/* Pieces FIRST..LAST of the record VALUE of SLOT. */
static void queue_pieces(const struct session *t, unsigned slot, unsigned first, unsigned last,
			 uint64_t value)
{
	for (; first <= last; first++)
		queue(t, SENDER(slot), TAG(1u, slot, first), value + first);
}

static void expect_record(const struct session *t, unsigned slot, uint64_t value)
{
	uint64_t record[2 * PIECES];
	unsigned from = SLOTS, i;

	assert_int_equal(ipc_recv(t->s, &from, record, 1, IPC_NOWAIT), 1);
	assert_int_equal(from, slot);
	for (i = 0; i < PIECES; i++)
		assert_int_equal(record[i], value + i);
}

static void expect_nothing(const struct session *t)
{
	uint64_t record[2 * PIECES];
	unsigned slot;

	assert_int_equal(ipc_recv(t->s, &slot, record, 2, IPC_NOWAIT), -EAGAIN);
}

static void test_signal_interleaved_senders_are_kept_apart(void **state)
{
	const struct session *t = *state;
	unsigned piece;

	for (piece = 0; piece < PIECES; piece++) {
		queue_pieces(t, 1, piece, piece, 100);
		queue_pieces(t, 0, piece, piece, 200);
	}
	expect_record(t, 1, 100);
	expect_record(t, 0, 200);
	expect_nothing(t);
}

static void test_signal_batch_ends_where_another_slot_begins(void **state)
{
	const struct session *t = *state;
	uint64_t records[8 * PIECES];
	unsigned slot;

	queue_pieces(t, 0, 0, PIECES - 1, 100);
	queue_pieces(t, 0, 0, PIECES - 1, 200);
	queue_pieces(t, 1, 0, PIECES - 1, 300);
	assert_int_equal(ipc_recv(t->s, &slot, records, 8, IPC_NOWAIT), 2);
	assert_int_equal(slot, 0);
	assert_int_equal(records[PIECES], 200);
	expect_record(t, 1, 300);
}

static void test_signal_record_given_up_is_dropped(void **state)
{
	const struct session *t = *state;

	queue_pieces(t, 0, 0, PIECES - 2, 100);
	expect_nothing(t);
	queue_pieces(t, 0, 0, PIECES - 1, 200);
	expect_record(t, 0, 200);
	expect_nothing(t);
}

static void test_signal_junk_is_nobodys(void **state)
{
	const struct session *t = *state;
	static const struct {
		pid_t pid;
		int tag;
	} junk[] = {
		{ SENDER(0), TAG(2u, 0u, 0) },    /* a later owner */
		{ SENDER(0), TAG(0u, 0u, 0) },    /* an earlier one */
		{ SENDER(0), TAG(1u, 1u, 0) },    /* a sibling's slot */
		{ SENDER(1), TAG(1u, 0u, 0) },    /* the sibling itself */
		{ SENDER(7), TAG(1u, 0u, 0) },    /* a stranger */
		{ 0, TAG(0u, SLOTS - 1, 0) },     /* a slot without an owner */
		{ SENDER(2), TAG(1u, SLOTS, 0) }, /* a slot that there is not */
		{ SENDER(0), TAG(1u, 4095u, 0) },
		{ SENDER(0), TAG(1u, 0u, 0) | INT32_MIN },
		{ SENDER(0), -1 },
		{ 0, 0 },
	};
	size_t i;

	for (i = 0; i < sizeof junk / sizeof junk[0]; i++) {
		queue_pieces(t, 0, 0, 1, 100 * i);
		queue(t, junk[i].pid, junk[i].tag, 4711);
		assert_int_equal(kill(getpid(), t->signo), 0); /* no value, another si_code */
		queue_pieces(t, 0, 2, PIECES - 1, 100 * i);
		expect_record(t, 0, 100 * i);
		expect_nothing(t);
	}
}

static void test_signal_piece_out_of_turn_is_a_violation(void **state)
{
	static const unsigned wrong[] = { 2, 3, PIECES, 63, 64, 127 };
	const struct session *t = *state;
	uint64_t record[2 * PIECES];
	unsigned slot;
	size_t i;

	for (i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		queue_pieces(t, 0, 0, 0, 100);
		queue_pieces(t, 1, wrong[i], wrong[i], 4711);
		queue_pieces(t, 0, 1, PIECES - 1, 100);
		slot = SLOTS;
		assert_int_equal(ipc_recv(t->s, &slot, record, 2, IPC_NOWAIT), -EPROTO);
		assert_int_equal(slot, 1);
		expect_record(t, 0, 100); /* the other slot's is as it was */
		expect_nothing(t);
	}
}

static void test_signal_former_owner_is_nobody(void **state)
{
	const struct session *t = *state;
	struct ipc_peer same = { .pid = SENDER(0), .pidfd = -1 }; /* even if the pid is re-used */

	queue_pieces(t, 0, 0, PIECES - 1, 100);
	queue_pieces(t, 1, 0, PIECES - 1, 150);
	queue_pieces(t, 0, 0, PIECES - 1, 200);
	expect_record(t, 0, 100); /* the others have been read by now, too */
	ipc_detach(t->s, 0);
	assert_int_equal(ipc_arm(t->s, 0), 0);
	assert_int_equal(ipc_attach(t->s, 0, IPC_HUB, &same), 0);
	queue_pieces(t, 0, 0, PIECES - 1, 300);
	expect_record(t, 1, 150);
	expect_nothing(t);
}

/* ---- arguments ---- */

/* Without one the number might be another process' by now. */
static void test_signal_sender_needs_a_pidfd(void **state)
{
	struct ipc_peer hub = { .pid = getpid(), .pidfd = -1 };
	struct ipc *s = open_session(1, 8);
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(ipc_arm(s, 0), 0);
	pid = fork();
	if (pid == 0)
		_exit(ipc_attach(s, 0, IPC_SLOT, &hub) == -EINVAL ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	ipc_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signal_session_takes_a_number_and_gives_it_back),
		cmocka_unit_test(test_signal_number_in_use_is_passed_over),
		cmocka_unit_test(test_signal_without_a_free_number_is_busy),
		cmocka_unit_test(test_signal_straggler_does_no_harm),
		cmocka_unit_test_setup_teardown(test_signal_interleaved_senders_are_kept_apart,
						session_setup, session_teardown),
		cmocka_unit_test_setup_teardown(test_signal_batch_ends_where_another_slot_begins,
						session_setup, session_teardown),
		cmocka_unit_test_setup_teardown(test_signal_record_given_up_is_dropped,
						session_setup, session_teardown),
		cmocka_unit_test_setup_teardown(test_signal_junk_is_nobodys, session_setup,
						session_teardown),
		cmocka_unit_test_setup_teardown(test_signal_piece_out_of_turn_is_a_violation,
						session_setup, session_teardown),
		cmocka_unit_test_setup_teardown(test_signal_former_owner_is_nobody, session_setup,
						session_teardown),
		cmocka_unit_test(test_signal_sender_needs_a_pidfd),
	};

	/* Another program of this user may have filled the queue of signals. */
	if (isolate_possible(ISOLATE_QUOTAS) < 0)
		assert_int_equal(isolate_wait_turn(), 0);
	else
		assert_int_equal(isolate(ISOLATE_QUOTAS), 0);
	return cmocka_run_group_tests_name("signal", tests, NULL, NULL);
}
