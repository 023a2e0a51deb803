/* SPDX-License-Identifier: MIT */
/*
 * hostile_origin.h - an HTTP origin that says exactly what a test wants, right or wrong.
 *
 * A process of its own with one socket on a port of the kernel's choice; one connection at a
 * time, each kept until its peer or its answer ends it.
 */
#ifndef TESTS_HOSTILE_ORIGIN_H
#define TESTS_HOSTILE_ORIGIN_H

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "download/fetch.h"

enum after {
	THEN_KEEP,       /* wait for the next request */
	THEN_CLOSE,      /* an orderly end */
	THEN_RESET,      /* RST */
	THEN_STALL,      /* say nothing more */
	THEN_FLOOD,      /* repeat the text MORE for ever */
	THEN_GATE,       /* wait for open_gate(), then say MORE */
	THEN_RESET_NEXT, /* receive_request one more request, then RST */
	THEN_END_NEXT    /* receive_request one more request, say MORE to it, then an orderly end */
};

struct answer {
	const char *path;
	const char *text;
	enum after after;
	const char *more;
	size_t size; /* of TEXT; 0: it ends with its NUL */
};

/* Written by the origin, read by the test. */
struct seen {
	atomic_uint connections;
	atomic_uint requests;
	char request[4096]; /* the last one */
};

struct hostile {
	pid_t pid;
	in_port_t port;
	int gate[2];
	struct seen *seen;
};

/* ---- the origin's process ---- */

static inline bool say(int fd, const char *text, size_t n)
{
	while (n > 0) {
		ssize_t sent = send(fd, text, n, MSG_NOSIGNAL);

		if (sent < 0)
			return false;
		text += sent;
		n -= (size_t)sent;
	}
	return true;
}

/* Reads up to the empty line. False: the peer is gone. */
static inline bool receive_request(int fd, struct seen *seen)
{
	char request[sizeof(seen->request)] = "";
	size_t n = 0;

	while (!strstr(request, "\r\n\r\n")) {
		ssize_t got = recv(fd, request + n, sizeof(request) - 1 - n, 0);

		if (got <= 0)
			return false;
		n += (size_t)got;
	}
	memcpy(seen->request, request, sizeof(request));
	atomic_fetch_add(&seen->requests, 1);
	return true;
}

static inline const struct answer *find_answer(const struct answer *answers, const char *request)
{
	const char *path = strchr(request, ' ') + 1;
	size_t n = strcspn(path, " ");

	/* The last has no path and answers anything. */
	while (answers->path && (strlen(answers->path) != n || strncmp(answers->path, path, n)))
		answers++;
	return answers;
}

static inline void flood(int fd, const char *text)
{
	static char block[1 << 18];
	size_t n = strlen(text);
	size_t used = 0;

	for (; used + n <= sizeof(block); used += n)
		memcpy(block + used, text, n);
	while (say(fd, block, used))
		;
}

/* True: the connection goes on. */
static inline bool finish(int fd, const struct answer *answer, int gate, struct seen *seen)
{
	const struct linger reset = { .l_onoff = 1, .l_linger = 0 };
	char byte;

	switch (answer->after) {
	case THEN_KEEP:
		return true;
	case THEN_CLOSE:
		return false;
	case THEN_RESET:
		(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		return false;
	case THEN_STALL:
		return recv(fd, &byte, 1, 0) > 0;
	case THEN_FLOOD:
		flood(fd, answer->more);
		return false;
	case THEN_RESET_NEXT:
		if (receive_request(fd, seen))
			(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		return false;
	case THEN_END_NEXT:
		if (receive_request(fd, seen))
			(void)say(fd, answer->more, strlen(answer->more));
		return false;
	case THEN_GATE:
		return read(gate, &byte, 1) == 1 && say(fd, answer->more, strlen(answer->more));
	}
	return false;
}

static inline _Noreturn void serve(int listener, const struct answer *answers,
				   const struct hostile *hostile)
{
	for (;;) {
		int fd = accept(listener, NULL, NULL);
		const struct answer *answer;

		if (fd < 0)
			_exit(1);
		atomic_fetch_add(&hostile->seen->connections, 1);
		do {
			if (!receive_request(fd, hostile->seen))
				break;
			answer = find_answer(answers, hostile->seen->request);
		} while (
			say(fd, answer->text, answer->size ? answer->size : strlen(answer->text)) &&
			finish(fd, answer, hostile->gate[0], hostile->seen));
		close(fd);
	}
}

/* ---- the test's side ---- */

static inline int listen_anywhere(int backlog, in_port_t *port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t length = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
	assert_int_equal(listen(fd, backlog), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
	*port = ntohs(address.sin_port);
	return fd;
}

static inline void hostile_start(struct hostile *hostile, const struct answer *answers)
{
	int listener = listen_anywhere(16, &hostile->port);

	assert_int_equal(pipe(hostile->gate), 0);
	hostile->seen = mmap(NULL, sizeof(*hostile->seen), PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(hostile->seen, MAP_FAILED);
	hostile->pid = fork();
	assert_true(hostile->pid >= 0);
	if (hostile->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve(listener, answers, hostile);
	}
	close(listener);
}

static inline void hostile_stop(struct hostile *hostile)
{
	assert_int_equal(kill(hostile->pid, SIGKILL), 0);
	assert_int_equal(waitpid(hostile->pid, NULL, 0), hostile->pid);
	close(hostile->gate[0]);
	close(hostile->gate[1]);
	munmap(hostile->seen, sizeof(*hostile->seen));
}

static inline void open_gate(const struct hostile *hostile)
{
	assert_int_equal(write(hostile->gate[1], "g", 1), 1);
}

/* No proxy of the person who runs the tests stands between them and the loopback interface. */
static inline void drop_proxies(void)
{
	static const char *const names[] = { "http_proxy", "https_proxy", "HTTPS_PROXY",
					     "all_proxy", "ALL_PROXY" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unsetenv(names[i]);
}

/* The process of a test program of fetch.h. */
static inline int fetch_setup(void **state)
{
	(void)state;
	drop_proxies();
	(void)sigaction(SIGPIPE, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
	(void)sigaction(SIGXFSZ, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
	return fetch_global_init();
}

static inline int fetch_teardown(void **state)
{
	(void)state;
	fetch_global_cleanup();
	return 0;
}

#endif
