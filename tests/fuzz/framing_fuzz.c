/* SPDX-License-Identifier: MIT */
/*
 * framing_fuzz.c - records in a stream of bytes, as tcp and stream have them: it may be cut
 * anywhere, and calls fail. The kernel's part is played by the input. See fuzz.h.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ipc/core/control.h"

static ssize_t play_recv(int fd, void *at, size_t size, int flags);
static ssize_t play_send(int fd, const void *from, size_t size, int flags);
static ssize_t play_control_recv(struct ipc *s, int fd, struct msghdr *msg, unsigned flags,
				 pid_t *pid);
static ssize_t play_control_send(struct ipc *s, int fd, const void *bytes, size_t size,
				 unsigned flags);
#define recv               play_recv
#define send               play_send
#define control_recv       play_control_recv
#define control_send_bytes play_control_send
#include "ipc/core/framing.c"

#include "tests/fuzz/fuzz.h"

#define CAP 5u

static struct input input;
static size_t record, taken, given; /* bytes of a record; of the stream: out of it, into it */
static unsigned failures, descriptors;

/* Byte AT of the stream that goes on for ever. */
static unsigned char byte_of(size_t at)
{
	return (unsigned char)(at * 31 ^ at >> 8);
}

static int fail(int error)
{
	errno = error;
	return -1;
}

/* How many of SIZE bytes a call moves; 0: the end, or -1 with errno. */
static ssize_t choose(size_t size)
{
	static const int errors[] = { EAGAIN, EINTR, ECONNRESET, EPIPE };
	uint8_t how = input_byte(&input);

	if (how < 8 && failures < 100) {
		failures++;
		return fail(errors[how % 4]);
	}
	if (input.size == 0)
		return 0;
	return (ssize_t)(how & 1 ? size : 1 + input_byte(&input) % size);
}

static ssize_t play_recv(int fd, void *at, size_t size, int flags)
{
	ssize_t n = choose(size);

	(void)fd;
	(void)flags;
	for (ssize_t i = 0; i < n; i++)
		((unsigned char *)at)[i] = byte_of(taken++);
	return n;
}

static ssize_t play_control_recv(struct ipc *s, int fd, struct msghdr *msg, unsigned flags,
				 pid_t *pid)
{
	ssize_t n = play_recv(fd, msg->msg_iov->iov_base, msg->msg_iov->iov_len, (int)flags);

	(void)pid;
	if (n > 0 && input_byte(&input) % 4 == 0 && *s->passed < 0 && descriptors < 50) {
		*s->passed = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
		descriptors += *s->passed >= 0;
	}
	msg->msg_flags = n > 0 && input_byte(&input) == 77 ? MSG_TRUNC : 0;
	return n < 0 ? -errno : n;
}

static ssize_t play_send(int fd, const void *from, size_t size, int flags)
{
	ssize_t n = choose(size);

	(void)fd;
	(void)flags;
	if (n == 0)
		return fail(EPIPE);
	for (ssize_t i = 0; i < n; i++)
		REQUIRE(((const unsigned char *)from)[i] == byte_of(given++));
	return n;
}

static ssize_t play_control_send(struct ipc *s, int fd, const void *bytes, size_t size,
				 unsigned flags)
{
	ssize_t n = play_send(fd, bytes, size, (int)flags);

	(void)s;
	return n < 0 ? -errno : n;
}

static void receive_all(struct ipc *s)
{
	unsigned char records[CAP * 64];
	size_t delivered = 0, i;
	bool asks = input_byte(&input) & 1;
	int passed;
	ssize_t rc = 1;

	taken = 0;
	for (unsigned tries = 0; tries < 500 && rc != 0 && rc != -EPROTO; tries++) {
		unsigned slot = UINT32_MAX;
		size_t cap = asks ? 1 : 1 + input_byte(&input) % CAP;

		passed = -1;
		s->passed = asks ? &passed : NULL;
		rc = framing_recv(s, &slot, records, cap, IPC_NOWAIT);
		if (passed >= 0)
			(void)close(passed);
		if (rc < 0)
			continue;
		REQUIRE(slot == 0 && rc <= (ssize_t)cap);
		for (i = 0; i < (size_t)rc * record; i++) /* whole ones, none lost or twice */
			REQUIRE(records[i] == byte_of(delivered++));
		REQUIRE(rc == 0 || taken - delivered < record);
	}
	s->passed = NULL;
}

static void send_all(struct ipc *s)
{
	unsigned char records[CAP * 64];
	size_t sent = 0, i, n;
	ssize_t rc = 1;

	given = 0;
	for (unsigned tries = 0; tries < 200 && input.size > 0 && rc != -EPIPE; tries++) {
		n = 1 + input_byte(&input) % CAP;
		for (i = 0; i < n * record; i++)
			records[i] = byte_of(sent + i);
		rc = framing_send(s, 0, records, n, IPC_NOWAIT);
		REQUIRE(rc < 0 || (rc > 0 && rc <= (ssize_t)n));
		sent += rc > 0 ? (size_t)rc * record : 0;
		if (given > sent) /* it broke off within a record: nothing can follow that */
			break;
		REQUIRE(rc == -EPIPE || given == sent);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct ipc_backend backend = { .slot_size = sizeof(struct framed_slot) };
	static struct framed_slot slot;
	struct fd_slots set = { .epoll = -1 };
	struct ipc s = {
		.backend = &backend, .state = &set, .slot_state = &slot, .slots = 1, .single = true
	};
	int before = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);

	(void)close(before);
	input = (struct input){ data, size };
	failures = descriptors = 0;
	s.record_size = record = 8u * (1 + input_byte(&input) % 8);
	slot.fd = (struct fd_slot){ .passed = -1 };
	framing_armed(&s, 0, -1, -1);
	receive_all(&s);
	if (slot.fd.passed >= 0)
		(void)close(slot.fd.passed);
	slot.fd = (struct fd_slot){ .passed = -1 };
	framing_armed(&s, 0, -1, -1);
	send_all(&s);
	REQUIRE(fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0) == before); /* none is left open */
	(void)close(before);
	return 0;
}
