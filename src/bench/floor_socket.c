/* SPDX-License-Identifier: MIT */
/*
 * floor_socket.c - the bare system calls of Unix stream pairs, TCP over loopback and Unix datagram
 * sockets.
 */
#include "config.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "bench/floor_fd.h"

#define STREAM_CALL 32768 /* of one send, as in the mechanism */
#define TCP_BUFFER  (128 * 1024)
#define DGRAM_BATCH 4096

/* ---- streams: a record that is cut off is completed ---- */

static int stream_pair(const struct link *l, int ends[2], bool to_hub)
{
	(void)l;
	(void)to_hub;
	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0 ? -errno : 0;
}

static inline int stream_send(struct link *l, unsigned slot, size_t n)
{
	(void)slot;
	return fd_ends_send(l, n, STREAM_CALL);
}

static inline ssize_t stream_recv(struct link *l, unsigned *slot, size_t cap)
{
	struct fd_ends *state = l->state;
	size_t size = l->axes->size, have = 0;
	int flags = l->wait == IPC_SPIN ? MSG_DONTWAIT : 0;
	ssize_t rc = fd_ends_wait(l, state->in, POLLIN);

	*slot = 0;
	while (rc >= 0) {
		size_t want = have == 0 ? cap * size : size - have % size;

		rc = CALL(l, recv(state->in, (char *)l->records + have, want, flags));
		if (rc == 0)
			return 0;
		if (rc == -EAGAIN) {
			link_pause();
			rc = 0;
		}
		have += rc > 0 ? (size_t)rc : 0;
		if (have > 0 && have % size == 0)
			return (ssize_t)(have / size);
	}
	return rc;
}

LINK_LOOPS(stream)

FD_FLOOR(floor_stream, stream_pair, stream);

/* ---- TCP ---- */

static int tcp_tuned(void)
{
	const int yes = 1, size = TCP_BUFFER;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	return fd;
}

static int tcp_pair(const struct link *l, int fds[2], bool to_hub)
{
	struct sockaddr_in here = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof here;
	int listener = tcp_tuned(), rc = 0;

	(void)l;
	(void)to_hub;
	fds[1] = tcp_tuned();
	if (bind(listener, (struct sockaddr *)&here, len) < 0 || listen(listener, 1) < 0 ||
	    getsockname(listener, (struct sockaddr *)&here, &len) < 0 ||
	    connect(fds[1], (struct sockaddr *)&here, len) < 0 ||
	    (fds[0] = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) < 0)
		rc = -errno;
	if (listener >= 0)
		(void)close(listener);
	return rc;
}

FD_FLOOR(floor_tcp, tcp_pair, stream);

/* ---- datagrams, with the sender's credentials ---- */

/*
 * To the hub: a socket with a name, so that max_dgram_qlen counts as in the mechanism, to which the
 * kernel adds the senders' credentials.
 */
static int dgram_pair(const struct link *l, int fds[2], bool to_hub)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	socklen_t len = sizeof name;
	const int yes = 1;

	(void)l;
	if (!to_hub)
		return socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, fds) < 0 ? -errno : 0;
	fds[0] = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	fds[1] = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	/* Only the family: the kernel chooses an abstract name (unix(7), autobind). */
	if (bind(fds[0], (struct sockaddr *)&name, sizeof name.sun_family) < 0 ||
	    getsockname(fds[0], (struct sockaddr *)&name, &len) < 0 ||
	    connect(fds[1], (struct sockaddr *)&name, len) < 0 ||
	    setsockopt(fds[0], SOL_SOCKET, SO_PASSCRED, &yes, sizeof yes) < 0)
		return -errno;
	return 0;
}

static inline int dgram_send(struct link *l, unsigned slot, size_t n)
{
	(void)slot;
	return fd_ends_send(l, n, DGRAM_BATCH);
}

static inline ssize_t dgram_recv(struct link *l, unsigned *slot, size_t cap)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct ucred))];

	*slot = 0;
	return fd_ends_recv_packet(l, cap, control, sizeof control);
}

LINK_LOOPS(dgram)

FD_FLOOR(floor_dgram, dgram_pair, dgram);
