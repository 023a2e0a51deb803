/* SPDX-License-Identifier: MIT */
/* door.c - see door.h */
#include "config.h"

#include "ipc/core/door.h"

#include <endian.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "ipc/core/sys.h"

static int set(struct ipc *s, int fd, int option, unsigned value)
{
	return (int)SYS(s, setsockopt(fd, IPPROTO_TCP, option, &value, sizeof value));
}

int door_open(struct ipc *s, struct door *door, int listener, struct in_addr at)
{
	struct sockaddr *address = (struct sockaddr *)&door->address;
	socklen_t len = sizeof door->address;
	int rc;

	door->address = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr = at };
	if ((rc = (int)SYS(s, getrandom(door->secret, sizeof door->secret, 0))) < 0 ||
	    (rc = set(s, listener, TCP_DEFER_ACCEPT, DOOR_SILENT_S)) < 0 ||
	    (rc = (int)SYS(s, bind(listener, address, len))) < 0 ||
	    (rc = (int)SYS(s, listen(listener, DOOR_STRANGERS))) < 0)
		return rc;
	return (int)SYS(s, getsockname(listener, address, &len));
}

int door_enter(struct ipc *s, const struct door *door, int fd)
{
	const struct sockaddr *address = (const struct sockaddr *)&door->address;
	int rc = (int)SYS(s, connect(fd, address, sizeof door->address));

	/* Its first bytes: there is room, and they go in one piece. */
	if (rc == 0)
		rc = (int)SYS(s, send(fd, door->secret, sizeof door->secret, MSG_NOSIGNAL));
	return rc < 0 ? rc : 0;
}

/*
 * Takes as long for a wrong secret as for the right one, so its time does not tell how much was
 * right.
 */
static bool same(const uint64_t a[2], const uint64_t b[2])
{
	return ((a[0] ^ b[0]) | (a[1] ^ b[1])) == 0;
}

/* One connection; -EAGAIN: there is none, or it was a stranger's. */
static int admit(struct ipc *s, const struct door *door, int listener)
{
	int fd = (int)SYS(s, accept4(listener, NULL, NULL, SOCK_CLOEXEC));
	uint64_t said[2] = { 0, 0 };

	if (fd < 0 || (SYS(s, recv(fd, said, sizeof said, MSG_DONTWAIT)) == sizeof said &&
		       same(said, door->secret)))
		return fd;
	sys_close(&fd);
	return -EAGAIN;
}

int door_admit(struct ipc *s, const struct door *door, int listener, unsigned flags)
{
	int fd, rc;

	while ((fd = admit(s, door, listener)) == -EAGAIN && !(flags & IPC_NOWAIT)) {
		rc = sys_poll(s, listener, POLLIN, -1, -1);
		if (rc < 0)
			return rc;
	}
	return fd;
}

int door_watch(struct ipc *s, int fd, unsigned seconds)
{
	const unsigned quarter = seconds < 4 ? 1 : seconds / 4;
	const int yes = 1;
	int rc;

	if ((rc = (int)SYS(s, setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof yes))) < 0 ||
	    (rc = set(s, fd, TCP_KEEPIDLE, quarter)) < 0 ||
	    (rc = set(s, fd, TCP_KEEPINTVL, quarter)) < 0)
		return rc;
	return set(s, fd, TCP_USER_TIMEOUT, seconds * 1000);
}

void door_write(const struct door *door, uint64_t words[IPC_TICKET_WORDS], uint16_t more)
{
	words[0] = (uint64_t)ntohl(door->address.sin_addr.s_addr) << 32 |
		   (uint64_t)ntohs(door->address.sin_port) << 16 | more;
	words[1] = be64toh(door->secret[0]);
	words[2] = be64toh(door->secret[1]);
}

void door_read(struct door *door, const uint64_t words[IPC_TICKET_WORDS], uint16_t *more)
{
	*door = (struct door){
		.address = { .sin_family = AF_INET,
			     .sin_addr.s_addr = htonl((uint32_t)(words[0] >> 32)),
			     .sin_port = htons((uint16_t)(words[0] >> 16)) },
		.secret = { htobe64(words[1]), htobe64(words[2]) },
	};
	*more = (uint16_t)words[0];
}
