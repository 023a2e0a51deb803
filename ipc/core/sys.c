/* SPDX-License-Identifier: MIT */
/* sys.c - see sys.h */
#include "config.h"

#include "ipc/core/sys.h"

#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

uint64_t sys_now_ns(void)
{
	struct timespec now;

	/* Cannot fail: the clock exists since Linux 2.6 and the pointer is ours. */
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void sys_close(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd); /* of a pipe, socket or epoll: nothing is flushed, nothing can be
				     lost */
	*fd = -1;
}

int sys_poll(struct ipc *s, int fd, short events, int pidfd, int64_t timeout_ns)
{
	uint64_t deadline = timeout_ns < 0 ? 0 : sys_now_ns() + (uint64_t)timeout_ns;
	struct pollfd fds[2] = { { .fd = fd, .events = events },
				 { .fd = pidfd, .events = POLLIN } };

	for (;;) {
		uint64_t now = timeout_ns < 0 ? 0 : sys_now_ns();
		uint64_t left = deadline > now ? deadline - now : 0;
		struct timespec wait = { .tv_sec = (time_t)(left / 1000000000u),
					 .tv_nsec = (long)(left % 1000000000u) };

		s->syscalls++;
		if (ppoll(fds, 2, timeout_ns < 0 ? NULL : &wait, NULL) >= 0)
			break;
		if (errno != EINTR)
			return -errno;
	}
	return (fds[0].revents ? 1 : 0) | (fds[1].revents ? 2 : 0);
}

int sys_membarrier(struct ipc *s, int command)
{
	return (int)SYS(s, syscall(SYS_membarrier, command, 0, 0));
}

void sys_limit(struct ipc_limit *limit, const char *name, const char *source, const char *format,
	       ...)
{
	va_list args;

	(void)snprintf(limit->name, sizeof limit->name, "%s", name);
	(void)snprintf(limit->source, sizeof limit->source, "%s", source);
	va_start(args, format);
	(void)vsnprintf(limit->value, sizeof limit->value, format, args);
	va_end(args);
}

void sys_limit_file(struct ipc_limit *limit, const char *name, const char *path)
{
	char value[sizeof limit->value] = "?";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *tab;

	if (fd >= 0) {
		ssize_t n = read(fd, value, sizeof value - 1);

		value[n > 0 ? n : 0] = '\0';
		value[strcspn(value, "\n")] = '\0';
		for (tab = value; (tab = strchr(tab, '\t'));) /* between several figures */
			*tab = ' ';
		(void)close(fd);
	}
	sys_limit(limit, name, path, "%s", value);
}

int sys_reason(char *reason, size_t size, int rc, const char *text)
{
	(void)snprintf(reason, size, "%s", text);
	return rc;
}
