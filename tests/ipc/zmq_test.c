/* SPDX-License-Identifier: MIT */
/*
 * zmq_test.c - what is the ZeroMQ backend's own: no name is left behind, descriptors run out
 * without the library ending the process, a child keeps nothing of the hub's context, and neither
 * strangers nor garbage on the socket disturb anyone.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "ipc/core/backend.h"

#define SKIPPED 77
#define SLOTS   16u
#define FDS     1024
#define RECORDS 100u
#define WAIT_NS 20000000000 /* "for ever", but shorter than the deadline */

/* A hub and its workers. */
struct hub {
	char dir[32];
	struct ipc *s;
	struct ipc_peer self, worker[SLOTS];
};

static int hub_setup(void **state)
{
	struct hub *h = calloc(1, sizeof *h);
	unsigned slot;

	if (!h)
		return -1;
	(void)snprintf(h->dir, sizeof h->dir, "/tmp/zmq_test.XXXXXX");
	if (!mkdtemp(h->dir))
		return -1;
	for (slot = 0; slot < SLOTS; slot++)
		h->worker[slot].pidfd = -1;
	h->self = (struct ipc_peer){ .pid = getpid(), .pidfd = pidfd_open(getpid(), 0) };
	*state = h;
	return h->self.pidfd < 0;
}

static int hub_open(struct hub *h)
{
	struct ipc_config config = { .record_size = 16, .slots = SLOTS, .runtime_dir = h->dir };

	return ipc_open(&h->s, "zmq", &config);
}

/* The worker's records: its slot and a number, from 0. */
static void send_records(struct hub *h, unsigned slot, unsigned count)
{
	uint64_t record[2] = { slot, 0 };

	for (; record[1] < count; record[1]++)
		if (ipc_send(h->s, slot, record, 1, 0) != 1)
			_exit(2);
}

/* Forks a process that is SLOT's as far as it itself knows. It sends, and again at SIGUSR1. */
static pid_t fork_sender(struct hub *h, unsigned slot, unsigned count)
{
	sigset_t again;
	pid_t pid;
	int signo;

	(void)sigemptyset(&again);
	(void)sigaddset(&again, SIGUSR1);
	(void)sigprocmask(SIG_BLOCK, &again, NULL);
	pid = fork();
	if (pid != 0)
		return pid;
	/* Should a check fail, the worker goes with its hub. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != h->self.pid ||
	    ipc_attach(h->s, slot, IPC_SLOT, &h->self) != 0)
		_exit(1);
	do
		send_records(h, slot, count);
	while (sigwait(&again, &signo) == 0);
	_exit(3);
}

/* 0 or the error of arm. */
static int add_worker(struct hub *h, unsigned slot, unsigned count)
{
	struct ipc_peer *worker = &h->worker[slot];
	int rc = ipc_arm(h->s, slot);

	if (rc < 0)
		return rc;
	worker->pid = fork_sender(h, slot, count);
	worker->pidfd = pidfd_open(worker->pid, 0);
	return worker->pidfd < 0 ? -errno : ipc_attach(h->s, slot, IPC_HUB, worker);
}

/* COUNT records of each of SLOTS slots, in order, and of nobody else. */
static bool receive(struct hub *h, unsigned first, unsigned slots, unsigned count)
{
	uint64_t record[2], next[SLOTS] = { 0 };
	unsigned total = slots * count, from;
	ssize_t rc;

	while (total > 0) {
		rc = ipc_recv(h->s, &from, record, 1, IPC_NOWAIT);
		if (rc == -EAGAIN && ipc_wait(h->s, WAIT_NS) == 1)
			continue;
		if (rc != 1 || from < first || from >= first + slots || record[0] != from ||
		    record[1] != next[from]++)
			return false;
		total--;
	}
	return true;
}

static void end_process(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static int hub_teardown(void **state)
{
	struct hub *h = *state;
	unsigned slot;
	int rc;

	for (slot = 0; slot < SLOTS; slot++)
		if (h->worker[slot].pid > 0) {
			end_process(h->worker[slot].pid);
			(void)close(h->worker[slot].pidfd);
		}
	ipc_close(h->s);
	(void)close(h->self.pidfd);
	rc = rmdir(h->dir); /* fails if anything was left in it */
	free(h);
	return rc;
}

static unsigned entries(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	unsigned count = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir)))
		count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	(void)closedir(dir);
	return count;
}

/* ---- names ---- */

static void test_zmq_socket_has_no_name(void **state)
{
	struct hub *h = *state;

	assert_int_equal(hub_open(h), 0);
	assert_int_equal(entries(h->dir), 0);
	assert_int_equal(add_worker(h, 0, RECORDS), 0);
	assert_int_equal(add_worker(h, 1, RECORDS), 0);
	assert_true(receive(h, 0, 2, RECORDS));
	assert_int_equal(entries(h->dir), 0);
}

static void test_zmq_failed_open_leaves_nothing(void **state)
{
	struct hub *h = *state;
	char deep[IPC_SLOTS_MAX];
	struct ipc_config config = { .record_size = 16, .slots = 1, .runtime_dir = deep };
	unsigned before = entries("/proc/self/fd");
	struct ipc *s = NULL;

	(void)snprintf(deep, sizeof deep, "%s/none", h->dir);
	assert_int_equal(ipc_open(&s, "zmq", &config), -ENOENT);
	/* A directory whose name has room for a socket's name no more (sun_path, 108 bytes). */
	(void)snprintf(deep, sizeof deep, "%s/%080d", h->dir, 0);
	assert_int_equal(mkdir(deep, 0700), 0);
	assert_int_equal(ipc_open(&s, "zmq", &config), -ENAMETOOLONG);
	assert_int_equal(rmdir(deep), 0);
	assert_int_equal(entries("/proc/self/fd"), before);
}

/* ---- descriptors ---- */

/* In a process of its own, whose abort is the failure: as many workers as arm allows. */
static int crowd(struct hub *h, rlim_t files)
{
	struct rlimit limit = { .rlim_cur = files, .rlim_max = files };
	unsigned slot;
	int rc;

	h->self = (struct ipc_peer){ .pid = getpid(), .pidfd = h->self.pidfd };
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 3;
	rc = hub_open(h);
	if (rc < 0)
		return rc == -EMFILE ? 0 : 4;
	for (slot = 0; slot < SLOTS && rc == 0; slot++)
		rc = add_worker(h, slot, 1);
	if (rc < 0 && rc != -EMFILE)
		return 5;
	slot -= rc < 0;
	if (!receive(h, 0, slot, 1))
		return 6;
	while (slot-- > 0)
		if (kill(h->worker[slot].pid, SIGKILL) < 0)
			return 7;
	ipc_close(h->s);
	return 0;
}

static void test_zmq_few_descriptors_are_refused_in_time(void **state)
{
	struct hub *h = *state;
	rlim_t files, most = (rlim_t)(entries("/proc/self/fd") + 2 * SLOTS + 100);
	int status;
	pid_t pid;

	for (files = 8; files < most; files += files < 70 ? 9 : 3) {
		pid = fork();
		if (pid == 0)
			_exit(crowd(h, files));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

/* Attaches as SLOT and closes again: what is left open that was not there BEFORE the session? */
static int leftovers(struct hub *h, unsigned slot, const bool *before)
{
	int fd, count = 0;

	if (ipc_attach(h->s, slot, IPC_SLOT, &h->self) != 0)
		return 99;
	ipc_close(h->s);
	for (fd = 0; fd < FDS; fd++)
		count += is_open(fd) && !before[fd] && fd != h->worker[0].pidfd;
	return count;
}

static void test_zmq_child_keeps_nothing_of_the_hub(void **state)
{
	struct hub *h = *state;
	bool before[FDS];
	int fd, status;
	pid_t pid;

	for (fd = 0; fd < FDS; fd++)
		before[fd] = is_open(fd);
	assert_int_equal(hub_open(h), 0);
	assert_int_equal(add_worker(h, 0, RECORDS), 0);
	assert_true(receive(h, 0, 1, RECORDS)); /* so the hub has accepted its connection */
	assert_int_equal(ipc_arm(h->s, 1), 0);
	pid = fork();
	if (pid == 0)
		_exit(leftovers(h, 1, before));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* Who knew a sibling's routing id could pose as it, until the hub has heard of that sibling. */
static int knows_siblings(struct hub *h, unsigned slot)
{
	static const char nothing[SLOTS * 64];

	if (ipc_attach(h->s, slot, IPC_SLOT, &h->self) != 0)
		return 99;
	return memcmp(h->s->slot_state, nothing, SLOTS * h->s->backend->slot_size) != 0;
}

static void test_zmq_child_forgets_its_siblings_secrets(void **state)
{
	struct hub *h = *state;
	int status;
	pid_t pid;

	assert_int_equal(hub_open(h), 0);
	assert_int_equal(ipc_arm(h->s, 0), 0);
	assert_int_equal(ipc_arm(h->s, 1), 0);
	pid = fork();
	if (pid == 0)
		_exit(knows_siblings(h, 1));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* ---- the end ---- */

/* Nothing is connected yet, so all is its own: on one CPU it is done before a thread has begun. */
static void test_zmq_close_waits_for_what_was_sent(void **state)
{
	struct hub *h = *state;
	cpu_set_t one = { { 1ul << sched_getcpu() % 64 } };
	unsigned tries, slot, whole = 0;
	struct ipc_peer worker;
	uint64_t record[2];
	ssize_t rc;

	(void)sched_setaffinity(0, sizeof one, &one);
	assert_int_equal(hub_open(h), 0);
	for (tries = 0; tries < 5; tries++) {
		assert_int_equal(ipc_arm(h->s, tries), 0);
		worker.pid = fork();
		if (worker.pid == 0) {
			if (ipc_attach(h->s, tries, IPC_SLOT, &h->self) == 0)
				send_records(h, tries, 1);
			ipc_close(h->s);
			_exit(0);
		}
		worker.pidfd = pidfd_open(worker.pid, 0);
		assert_int_equal(ipc_attach(h->s, tries, IPC_HUB, &worker), 0);
		assert_int_equal(waitpid(worker.pid, NULL, 0), worker.pid);
		do /* the hub is woken for the connection as well, before the record is there */
			rc = ipc_recv(h->s, &slot, record, 1, IPC_NOWAIT);
		while (rc == -EAGAIN && ipc_wait(h->s, 1000000000) == 1);
		(void)close(worker.pidfd);
		ipc_detach(h->s, tries);
		whole += rc == 1;
	}
	assert_in_range(whole, 3, 5); /* it waits a second only, which a busy machine may exceed */
}

/* ---- strangers ---- */

/* It knows the slot's secret, but the kernel says that it is another process. */
static void test_zmq_connection_of_another_process_is_not_heard(void **state)
{
	struct hub *h = *state;
	uint64_t record[2];
	unsigned slot, tries;
	pid_t impostor;

	assert_int_equal(hub_open(h), 0);
	assert_int_equal(ipc_arm(h->s, 0), 0);
	impostor = fork_sender(h, 0, RECORDS);
	h->worker[0].pid = fork();
	if (h->worker[0].pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			(void)pause();
	}
	h->worker[0].pidfd = pidfd_open(h->worker[0].pid, 0);
	assert_int_equal(ipc_attach(h->s, 0, IPC_HUB, &h->worker[0]), 0);
	assert_int_equal(add_worker(h, 1, RECORDS), 0);
	assert_true(receive(h, 1, 1, RECORDS));
	for (tries = 0; tries < 20; tries++) {
		(void)ipc_wait(h->s, 5000000);
		assert_int_equal(ipc_recv(h->s, &slot, record, 1, IPC_NOWAIT), -EAGAIN);
	}
	end_process(impostor);
}

/* The descriptor by which workers reach the hub's socket. */
static void find_way(char *path, size_t size)
{
	char target[256];
	ssize_t n;
	int fd;

	for (fd = 0; fd < FDS; fd++) {
		(void)snprintf(path, size, "/proc/self/fd/%d", fd);
		n = readlink(path, target, sizeof target - 1);
		target[n > 0 ? n : 0] = '\0';
		if (strstr(target, "/ipcdemo-zmq."))
			return;
	}
	fail();
}

static int connect_raw(const char *path)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	(void)snprintf(name.sun_path, sizeof name.sun_path, "%s", path);
	assert_int_equal(connect(fd, (void *)&name, sizeof name), 0);
	return fd;
}

/* ZMTP 3.0: greeting, then READY of a DEALER that calls itself 8 times 0x01. */
#define GREETING                            \
 "\xff\0\0\0\0\0\0\0\1\x7f\3\0NULL\0\0\0\0" \
 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define READY                                           \
 "\4\x31\5READY\13Socket-Type\0\0\0\6DEALER\10Identity" \
 "\0\0\0\10\1\1\1\1\1\1\1\1"

static const struct {
	const char *bytes;
	size_t size;
} garbage[] = {
	{ "", 0 },
	{ "\xff", 1 },
	{ "GET / HTTP/1.0\r\n\r\n", 18 },
	{ GREETING, 10 },
	{ GREETING, 64 },
	{ GREETING READY, 64 + 51 },
	/* An empty message, as a greeting, and a record of that stranger. */
	{ GREETING READY "\0\0\0\x10"
			 "0123456789abcdef",
	  64 + 51 + 2 + 18 },
	/* A frame of 2^63 - 1 bytes, one of a gigabyte, and a message that never ends. */
	{ GREETING READY "\2\x7f\xff\xff\xff\xff\xff\xff\xff", 64 + 51 + 9 },
	{ GREETING READY "\2\0\0\0\0\x40\0\0\0", 64 + 51 + 9 },
	{ GREETING READY "\1\0\1\0\1\0\1\0", 64 + 51 + 8 },
};
#define GARBAGE (sizeof garbage / sizeof garbage[0])

static void test_zmq_garbage_disturbs_nobody(void **state)
{
	struct hub *h = *state;
	static const int ended[] = { 2, 7, 8 }; /* of garbage, by the hub */
	int fd[20 * GARBAGE];
	uint64_t record[2];
	char path[64];
	unsigned before, calm, slot;
	size_t i;

	assert_int_equal(hub_open(h), 0);
	/* Forked before, because it would inherit the strangers' ends and keep them open. */
	assert_int_equal(add_worker(h, 0, RECORDS), 0);
	assert_true(receive(h, 0, 1, RECORDS));
	before = entries("/proc/self/fd");
	find_way(path, sizeof path);
	for (i = 0; i < 20 * GARBAGE; i++) {
		fd[i] = connect_raw(path);
		assert_true(send(fd[i], garbage[i % GARBAGE].bytes, garbage[i % GARBAGE].size,
				 MSG_NOSIGNAL) == (ssize_t)garbage[i % GARBAGE].size);
	}
	assert_int_equal(kill(h->worker[0].pid, SIGUSR1), 0);
	assert_true(receive(h, 0, 1, RECORDS));
	/* (A handshake that merely does not go on is ended after half a minute.) */
	for (i = 0; i < sizeof ended / sizeof ended[0]; i++) {
		struct pollfd entry = { .fd = fd[ended[i]], .events = POLLRDHUP };

		assert_int_equal(poll(&entry, 1, 10000), 1);
	}
	for (i = 0; i < 20 * GARBAGE; i++)
		(void)close(fd[i]);
	/* The hub may still be accepting: it is over when nothing has been open for a while. */
	for (i = 0, calm = 0; calm < 50 && i < 10000; i++) {
		/* Some connections the library gives up only while its socket is in use. */
		assert_int_equal(ipc_recv(h->s, &slot, record, 1, IPC_NOWAIT), -EAGAIN);
		(void)nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
		calm = entries("/proc/self/fd") == before ? calm + 1 : 0;
	}
	assert_int_equal(calm, 50);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, hub_setup, hub_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_zmq_socket_has_no_name),
		TEST(test_zmq_failed_open_leaves_nothing),
		TEST(test_zmq_few_descriptors_are_refused_in_time),
		TEST(test_zmq_child_keeps_nothing_of_the_hub),
		TEST(test_zmq_child_forgets_its_siblings_secrets),
		TEST(test_zmq_connection_of_another_process_is_not_heard),
		TEST(test_zmq_garbage_disturbs_nobody),
		TEST(test_zmq_close_waits_for_what_was_sent), /* last: it stays on one CPU */
	};

#if defined(__SANITIZE_ADDRESS__)
	/* The hub forks while the library's threads allocate; a sanitizer's locks stay locked. */
	(void)fprintf(stderr, "zmq_test: not with a sanitizer\n");
	return SKIPPED;
#endif
	return cmocka_run_group_tests_name("zmq", tests, NULL, NULL);
}
