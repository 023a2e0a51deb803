/* SPDX-License-Identifier: MIT */
/*
 * pass_fd.c - a worker makes a pipe for its reports and passes the reading end to its parent, over
 * a Unix socket pair (SCM_RIGHTS). The bare mechanism.
 *
 *	cc -D_GNU_SOURCE -o pass_fd pass_fd.c && ./pass_fd
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* One byte, as a message without any looks like an end of file; and room for one descriptor. */
static char byte;
static struct iovec iov = { .iov_base = &byte, .iov_len = sizeof byte };
static _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
/* clang-format off */
static struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
			     .msg_control = control, .msg_controllen = sizeof control };
/* clang-format on */

static _Noreturn void die(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

static void work(int socket)
{
	struct cmsghdr *header = CMSG_FIRSTHDR(&msg);
	int ends[2], percent;

	if (pipe(ends) < 0)
		die("pipe");
	header->cmsg_len = CMSG_LEN(sizeof ends[0]);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	memcpy(CMSG_DATA(header), &ends[0], sizeof ends[0]);
	if (TEMP_FAILURE_RETRY(sendmsg(socket, &msg, MSG_NOSIGNAL)) < 0)
		die("sendmsg");
	close(ends[0]); /* it is on its way; if nobody takes it, the kernel closes it */
	for (percent = 20; percent <= 100; percent += 20)
		dprintf(ends[1], "%d%%%s\n", percent, percent == 100 ? " done" : "");
	_exit(EXIT_SUCCESS);
}

static int receive_fd(int socket)
{
	const struct cmsghdr *header;
	int fd;

	/* MSG_CTRUNC: some were lost, perhaps because RLIMIT_NOFILE leaves no number for them. */
	if (TEMP_FAILURE_RETRY(recvmsg(socket, &msg, MSG_CMSG_CLOEXEC)) != 1 ||
	    (msg.msg_flags & MSG_CTRUNC) || !(header = CMSG_FIRSTHDR(&msg)) ||
	    header->cmsg_type != SCM_RIGHTS || header->cmsg_len != CMSG_LEN(sizeof fd))
		die("recvmsg"); /* the length: CMSG_SPACE is rounded up, to room for two of them */
	memcpy(&fd, CMSG_DATA(header), sizeof fd);
	return fd;
}

int main(void)
{
	int ends[2], status, fd;
	char text[100];
	ssize_t n;
	pid_t worker;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0 ||
	    (worker = fork()) < 0)
		die("socketpair, fork");
	if (worker == 0)
		work(ends[1]);
	close(ends[1]); /* else a worker that dies at once would leave us waiting */
	for (fd = receive_fd(ends[0]); (n = read(fd, text, sizeof text)) > 0;)
		(void)!write(STDOUT_FILENO, text, (size_t)n);
	return waitpid(worker, &status, 0) == worker && status == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
