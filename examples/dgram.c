/* SPDX-License-Identifier: MIT */
/*
 * dgram.c - two workers report to one Unix datagram socket. The bare mechanism.
 *
 *	cc -D_GNU_SOURCE -o dgram dgram.c && ./dgram
 *
 * The kernel adds the pid of the sender to each datagram (SO_PASSCRED). So the parent prints what
 * its first worker says, and not what the other one says, who claims to be the first.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define STEPS 5

struct report {
	uint32_t worker, percent;
};

static void check(int failed, const char *what)
{
	if (!failed)
		return;
	perror(what);
	exit(EXIT_FAILURE);
}

static pid_t start(int fd, uint32_t first, uint32_t step)
{
	struct report r = { .worker = 1 };
	pid_t pid = fork();

	check(pid < 0, "fork");
	for (r.percent = first; pid == 0 && r.percent <= 100; r.percent += step)
		check(send(fd, &r, sizeof r, MSG_NOSIGNAL) < 0, "send");
	if (pid == 0)
		_exit(EXIT_SUCCESS);
	return pid;
}

/* One datagram into R; the pid of its sender, 0 if the kernel gave none. */
static pid_t receive(int fd, struct report *r)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct ucred))];
	struct iovec iov = { .iov_base = r, .iov_len = sizeof *r };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof control };
	struct ucred sender = { .pid = 0 };
	struct cmsghdr *header;

	check(recvmsg(fd, &msg, 0) != sizeof *r || (msg.msg_flags & MSG_TRUNC), "recvmsg");
	header = CMSG_FIRSTHDR(&msg);
	if (header && header->cmsg_type == SCM_CREDENTIALS)
		memcpy(&sender, CMSG_DATA(header), sizeof sender);
	return sender.pid;
}

int main(void)
{
	int ends[2], yes = 1, status = 0, left = STEPS + 2;
	struct report r = { .percent = 0 };
	pid_t one, other;

	check(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends) < 0, "socketpair");
	check(setsockopt(ends[0], SOL_SOCKET, SO_PASSCRED, &yes, sizeof yes) < 0, "SO_PASSCRED");
	one = start(ends[1], 100 / STEPS, 100 / STEPS); /* both send into the same end */
	other = start(ends[1], 33, 33 + 33);
	while (left-- > 0)
		if (receive(ends[0], &r) == one)
			printf("%u%%%s\n", r.percent, r.percent == 100 ? " done" : "");
	waitpid(other, NULL, 0);
	check(waitpid(one, &status, 0) != one || status != 0, "waitpid");
	return EXIT_SUCCESS;
}
