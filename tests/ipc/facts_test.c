/* SPDX-License-Identifier: MIT */
/* facts_test.c - what the cards say that the kernel does, tried on the kernel that is here. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "ipc/core/ring.h"

/*
 * memfd.c: F_SEAL_WRITE is refused while there is a writable mapping, F_SEAL_FUTURE_WRITE is not.
 */
static void test_memfd_future_write_seal_passes_a_mapping(void **state)
{
	int fd = memfd_create("facts", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	void *memory;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 4096), 0);
	memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(memory != MAP_FAILED);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
	assert_int_equal(errno, EBUSY);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(ftruncate(fd, 0), 0); /* that was not sealed */
	assert_int_equal(munmap(memory, 4096), 0);
	(void)close(fd);
}

/* memfd.c: a hole reads as "nothing yet" in the first lap, as -EPROTO in a later one. */
static void test_ring_hole_reads_as_nothing_then_as_hostile(void **state)
{
	size_t bytes = ring_bytes(56, 2);
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char record[56] = { 0 };
	struct ring out, in;
	int i;

	(void)state;
	assert_true(memory != MAP_FAILED);
	ring_init_sender(&out, memory, 56, 2);
	ring_init_receiver(&in, memory, 56, 2);
	assert_int_equal(ring_push(&out, record, 1), 1);
	assert_int_equal(madvise(memory, 4096, MADV_REMOVE), 0);
	assert_int_equal(ring_pop(&in, record, 1), 0);
	assert_int_equal(munmap(memory, bytes), 0);

	memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(memory != MAP_FAILED);
	ring_init_sender(&out, memory, 56, 2);
	ring_init_receiver(&in, memory, 56, 2);
	for (i = 0; i < 2; i++) {
		assert_int_equal(ring_push(&out, record, 1), 1);
		assert_int_equal(ring_pop(&in, record, 1), 1);
		if (ring_tail_due(&in))
			ring_store_tail(&in);
	}
	assert_int_equal(madvise(memory, 4096, MADV_REMOVE), 0);
	assert_int_equal(ring_pop(&in, record, 1), -EPROTO);
	assert_int_equal(munmap(memory, bytes), 0);
}

static int with_full_queue(int signo)
{
	const struct rlimit none = { .rlim_cur = 0, .rlim_max = 0 };
	const struct timespec now = { 0 };
	union sigval value = { .sival_int = 7 };
	siginfo_t info = { 0 };
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, signo);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0 || setrlimit(RLIMIT_SIGPENDING, &none) < 0)
		return 1;
	if (sigqueue(getpid(), signo, value) == 0 || errno != EAGAIN)
		return 2;
	if (kill(getpid(), signo) != 0 || kill(getpid(), signo) != 0)
		return 3;
	if (sigtimedwait(&set, &info, &now) != signo || info.si_pid != 0)
		return 4; /* one arrives, and nobody has sent it */
	return sigtimedwait(&set, &info, &now) == -1 && errno == EAGAIN ? 0 : 5;
}

/* signal.c: there are 31 numbers; on a full queue kill succeeds, and the count is lost. */
static void test_signal_kill_on_a_full_queue_loses_the_count(void **state)
{
	int status;
	pid_t child;

	(void)state;
	assert_int_equal(SIGRTMAX - SIGRTMIN + 1, 31);
	child = fork();
	if (child == 0)
		_exit(with_full_queue(SIGRTMIN + 3));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/* signal.c: who reads a signalfd gets its own signals, whoever made it. */
static void test_signal_inherited_signalfd_reads_the_readers_signals(void **state)
{
	struct signalfd_siginfo info;
	sigset_t set, before;
	int fd, status;
	pid_t child;

	(void)state;
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGUSR1);
	assert_int_equal(sigprocmask(SIG_BLOCK, &set, &before), 0);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	assert_true(fd >= 0);
	child = fork();
	if (child == 0) {
		(void)raise(SIGUSR1);
		_exit(read(fd, &info, sizeof info) == (ssize_t)sizeof info &&
				      info.ssi_pid == (uint32_t)getpid() ?
			      0 :
			      1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(read(fd, &info, sizeof info), -1); /* the parent had none */
	(void)close(fd);
	assert_int_equal(sigprocmask(SIG_SETMASK, &before, NULL), 0);
}

static int packets(size_t size)
{
	static char packet[64];
	int fds[2], held = 0;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	while (send(fds[0], packet, size, MSG_DONTWAIT) > 0)
		held++;
	(void)close(fds[0]);
	(void)close(fds[1]);
	return held;
}

/* unix.c: a pair holds as many packets of one byte as of 64, 278 with the usual buffer. */
static void test_unix_pair_counts_buffers_not_bytes(void **state)
{
	int fds[2], size = 0;
	socklen_t len = sizeof size;

	(void)state;
	assert_int_equal(packets(1), packets(64));
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	assert_int_equal(getsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &size, &len), 0);
	if (size == 212992)
		assert_int_equal(packets(1), 278);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memfd_future_write_seal_passes_a_mapping),
		cmocka_unit_test(test_ring_hole_reads_as_nothing_then_as_hostile),
		cmocka_unit_test(test_signal_kill_on_a_full_queue_loses_the_count),
		cmocka_unit_test(test_signal_inherited_signalfd_reads_the_readers_signals),
		cmocka_unit_test(test_unix_pair_counts_buffers_not_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
