/* SPDX-License-Identifier: MIT */
/* pipe_io.c - see pipe_io.h */
#include "config.h"

#include "ipc/core/pipe_io.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "ipc/core/sys.h"

#ifndef RWF_NOSIGNAL
# define RWF_NOSIGNAL 0x00000100 /* linux/fs.h since 6.18 */
#endif

static struct pipe_io *io_of(const struct ipc *s)
{
	return s->state;
}

int pipe_io_ask(struct ipc *s)
{
	char byte = 0;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	int fds[2];
	int rc = (int)SYS(s, pipe2(fds, O_CLOEXEC));

	if (rc < 0)
		return rc;
	/*
	 * An unknown flag gives EOPNOTSUPP; with a known one the pipe is empty, and has room for a
	 * byte.
	 */
	io_of(s)->by_mode = SYS(s, preadv2(fds[0], &iov, 1, -1, RWF_NOWAIT)) != -EAGAIN;
	io_of(s)->nosignal = SYS(s, pwritev2(fds[1], &iov, 1, -1, RWF_NOSIGNAL)) == 1;
	sys_close(&fds[0]);
	sys_close(&fds[1]);
	return 0;
}

void pipe_io_look(struct ipc *s)
{
	struct sigaction action;

	io_of(s)->ignored = SYS(s, sigaction(SIGPIPE, NULL, &action)) == 0 &&
			    action.sa_handler == SIG_IGN;
}

int pipe_io_open(struct ipc *s)
{
	int rc = pipe_io_ask(s);

	return rc < 0 ? rc : fd_slots_open(s);
}

int pipe_io_attach(struct ipc *s, unsigned slot, const struct ipc_peer *peer)
{
	pipe_io_look(s);
	return fd_slots_attach(s, slot, peer);
}

int pipe_io_ticket(struct ipc *s, unsigned slot, struct ipc_ticket *ticket)
{
	ticket->words[0] = io_of(s)->by_mode; /* the ticket's holder runs on the same kernel */
	ticket->words[1] = io_of(s)->nosignal;
	return fd_slots_ticket(s, slot, ticket);
}

int pipe_io_join(struct ipc *s, unsigned slot, const struct ipc_ticket *ticket,
		 const struct ipc_peer *peer)
{
	io_of(s)->by_mode = ticket->words[0];
	io_of(s)->nosignal = ticket->words[1];
	pipe_io_look(s);
	return fd_slots_join(s, slot, ticket, peer);
}

static ssize_t put(struct ipc *s, int fd, const void *buf, size_t bytes, int flags)
{
	struct iovec iov = { .iov_base = (void *)(uintptr_t)buf, .iov_len = bytes };

	return flags ? SYS(s, pwritev2(fd, &iov, 1, -1, flags)) : SYS(s, write(fd, buf, bytes));
}

/* A write raises SIGPIPE in the writing thread, so this thread can block the signal and take it. */
static ssize_t put_masked(struct ipc *s, int fd, const void *buf, size_t bytes, int flags)
{
	static const struct timespec now = { 0 };
	sigset_t set, before, pending;
	ssize_t rc;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGPIPE);
	(void)sigemptyset(&pending);
	(void)SYS(s, sigprocmask(SIG_BLOCK, &set, &before)); /* cannot fail, nor can the next */
	if (sigismember(&before, SIGPIPE))
		(void)SYS(s, sigpending(&pending));
	rc = put(s, fd, buf, bytes, flags);
	if (rc == -EPIPE && !sigismember(&pending, SIGPIPE))
		(void)SYS(s, sigtimedwait(&set, NULL, &now));
	(void)SYS(s, sigprocmask(SIG_SETMASK, &before, NULL));
	return rc;
}

static ssize_t put_quietly(struct ipc *s, int fd, const void *buf, size_t bytes, int flags)
{
	if (io_of(s)->ignored)
		return put(s, fd, buf, bytes, flags);
	return io_of(s)->nosignal ? put(s, fd, buf, bytes, flags | RWF_NOSIGNAL) :
				    put_masked(s, fd, buf, bytes, flags);
}

ssize_t pipe_io_write(struct ipc *s, unsigned slot, const void *buf, size_t bytes, unsigned flags)
{
	const int fd = fd_slots_at(s, slot)->own;
	int rc;

	if (!io_of(s)->by_mode)
		return put_quietly(s, fd, buf, bytes, flags & IPC_NOWAIT ? RWF_NOWAIT : 0);
	rc = fd_slots_mode(s, slot, flags);
	return rc < 0 ? rc : put_quietly(s, fd, buf, bytes, 0);
}

ssize_t pipe_io_read(struct ipc *s, unsigned slot, void *buf, size_t bytes, unsigned flags)
{
	struct iovec iov = { .iov_base = buf, .iov_len = bytes };
	const int fd = fd_slots_at(s, slot)->own;
	int rc;

	if (!io_of(s)->by_mode)
		return flags & IPC_NOWAIT ? SYS(s, preadv2(fd, &iov, 1, -1, RWF_NOWAIT)) :
					    SYS(s, read(fd, buf, bytes));
	rc = fd_slots_mode(s, slot, flags);
	return rc < 0 ? rc : SYS(s, read(fd, buf, bytes));
}
