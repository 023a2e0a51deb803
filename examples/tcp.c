/* SPDX-License-Identifier: MIT */
/*
 * tcp.c - a worker reports the progress of a job over TCP. The bare mechanism.
 *
 *	cc -D_GNU_SOURCE -o tcp tcp.c && ./tcp
 *
 * Any process of this machine may connect to the port, so a connection counts only if it begins
 * with the secret that the worker has by the fork. Diff this with stream.c.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define STEPS 5

static uint64_t secret;

static void check(int failed, const char *what)
{
	if (!failed)
		return;
	perror(what);
	exit(EXIT_FAILURE);
}

static void work(const struct sockaddr_in *parent)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;
	uint32_t step, percent;

	check(connect(fd, (const struct sockaddr *)parent, sizeof *parent) < 0, "connect");
	/* Else a small report waits until the one before it is acknowledged (Nagle). */
	check(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) < 0, "TCP_NODELAY");
	check(send(fd, &secret, sizeof secret, MSG_NOSIGNAL) < 0, "send");
	for (step = 1; step <= STEPS; step++) {
		percent = htonl(100 * step / STEPS); /* the other end may be another machine */
		check(send(fd, &percent, sizeof percent, MSG_NOSIGNAL) < 0, "send");
	}
	exit(EXIT_SUCCESS);
}

int main(void)
{
	struct sockaddr_in here = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001) };
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), fd, status;
	socklen_t len = sizeof here;
	uint64_t claimed = 0;
	uint32_t percent = 0;
	pid_t worker;

	check(getrandom(&secret, sizeof secret, 0) < 0, "getrandom");
	/* 127.0.0.1, port 0: no other host gets in, and the kernel chooses a free port. */
	check(bind(listener, (struct sockaddr *)&here, len) < 0, "bind");
	check(listen(listener, 1) < 0, "listen");
	check(getsockname(listener, (struct sockaddr *)&here, &len) < 0, "getsockname");
	worker = fork();
	check(worker < 0, "fork");
	if (worker == 0)
		work(&here);
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	check(recv(fd, &claimed, sizeof claimed, MSG_WAITALL) != sizeof claimed ||
		      claimed != secret,
	      "secret");
	/* MSG_WAITALL: all of a report, in however many pieces it came. Less of it: the end. */
	while (recv(fd, &percent, sizeof percent, MSG_WAITALL) == sizeof percent)
		printf("%u%%%s\n", ntohl(percent), ntohl(percent) == 100 ? " done" : "");
	check(waitpid(worker, &status, 0) != worker, "waitpid");
	return ntohl(percent) == 100 && status == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
