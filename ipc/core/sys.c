/* SPDX-License-Identifier: MIT */
/* sys.c - see sys.h */
#include "config.h"

#include "ipc/core/sys.h"

#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/pidfd.h>
#include <sys/syscall.h>
#include <sys/uio.h>
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
		(void)close(*fd); /* no pipe, socket or epoll instance holds unwritten data */
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

int sys_needs_proc(char *reason, size_t size)
{
	if (access("/proc/self/fd", R_OK | X_OK) == 0)
		return 0;
	return sys_reason(reason, size, -errno, "it needs /proc/self/fd: mount -t proc proc /proc");
}

int sys_needs_proc_eventfd(char *reason, size_t size)
{
	int rc = sys_needs_proc(reason, size);
	int fd = rc < 0 ? rc : eventfd(0, EFD_CLOEXEC);

	if (rc == 0 && fd < 0)
		rc = sys_reason(reason, size, -errno,
				"eventfd(2) fails: a sandbox's filter, or ulimit -n");
	sys_close(&fd);
	return rc;
}

int sys_needs_pidfd(char *reason, size_t size)
{
	int fd = pidfd_open(getpid(), 0);
	int rc = fd < 0 || pidfd_send_signal(fd, 0, NULL, 0) < 0 ? -errno : 0;

	sys_close(&fd);
	return rc == 0 ? 0 :
			 sys_reason(reason, size, rc,
				    "pidfd_open(2) or pidfd_send_signal(2) is refused: a sandbox's "
				    "filter?");
}

int sys_needs_peer_memory(char *reason, size_t size)
{
	char a = 1, b = 0;
	const struct iovec local = { &b, 1 }, remote = { &a, 1 };

	if (process_vm_readv(getpid(), &local, 1, &remote, 1, 0) == 1 &&
	    process_vm_writev(getpid(), &local, 1, &remote, 1, 0) == 1)
		return 0;
	return sys_reason(reason, size, -errno,
			  "process_vm_readv(2) or process_vm_writev(2) is refused: a sandbox's "
			  "filter?");
}
