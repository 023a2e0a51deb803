/* SPDX-License-Identifier: MIT */
/*
 * shim.c - preloaded into ipcdemo (LD_PRELOAD), so that what may happen does:
 *
 *	SHIM=short:SEED      reads and writes do a part, where the kernel may do a part: not of a
 *	                     packet, nor of an atomic write to a pipe, which gives what it has
 *	SHIM=eintr:SEED      calls that may be interrupted are, one in three
 *	SHIM=malloc:K        the Kth allocation of the parent fails, from the beginning of main on
 *	SHIM=malloc-worker:K of the first worker, from its fork on
 *	SHIM_REPORT=FILE     gets "COUNT", the allocations that were counted, at the parent's end
 *
 * The main() of ours begins with opening /dev/null: what comes before is the dynamic linker's.
 */
#include "config.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define SHIM __attribute__((visibility("default")))

/* glibc's own, beneath the names that this file takes. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *old, size_t size);

static enum { NOTHING, SHORT, INTERRUPT, NO_MEMORY } what;
static bool in_worker;
static uint64_t random_state, at;
static pid_t parent; /* 0: main has not begun */

/* What parent and workers share. */
static struct {
	_Atomic uint64_t count;
	_Atomic pid_t worker; /* the first */
} * shared;

static void __attribute__((constructor)) shim_begin(void)
{
	const char *wish = getenv("SHIM"), *colon = wish ? strchr(wish, ':') : NULL;

	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (!colon || shared == MAP_FAILED)
		return;
	at = random_state = strtoull(colon + 1, NULL, 10);
	in_worker = strncmp(wish, "malloc-worker", 13) == 0;
	what = wish[0] == 's' ? SHORT : wish[0] == 'e' ? INTERRUPT : NO_MEMORY;
}

static void __attribute__((destructor)) shim_end(void)
{
	const char *path = getenv("SHIM_REPORT");
	char line[32];
	int fd, n;

	if (!path || getpid() != parent)
		return;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	n = snprintf(line, sizeof line, "%ju\n", (uintmax_t)shared->count);
	if (fd >= 0) {
		(void)!write(fd, line, (size_t)n);
		(void)close(fd);
	}
}

static unsigned next_random(unsigned below)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(random_state >> 33) % below;
}

/* ---- allocations ---- */

/* libseccomp 2.5.4 checks few allocations: it then crashes, or makes another filter. */
static bool cannot_fail(const void *caller)
{
	Dl_info object;

	return dladdr(caller, &object) && strstr(object.dli_fname, "/libseccomp.so");
}

static bool fails_now(const void *caller)
{
	pid_t none = 0, self;

	if (what != NO_MEMORY || parent == 0 || cannot_fail(caller))
		return false;
	self = getpid();
	if (in_worker == (self == parent))
		return false;
	if (in_worker && !atomic_compare_exchange_strong(&shared->worker, &none, self) &&
	    none != self)
		return false;
	if (atomic_fetch_add(&shared->count, 1) + 1 != at)
		return false;
	errno = ENOMEM;
	return true;
}

SHIM void *malloc(size_t size)
{
	return fails_now(__builtin_return_address(0)) ? NULL : __libc_malloc(size);
}

SHIM void *calloc(size_t n, size_t size)
{
	return fails_now(__builtin_return_address(0)) ? NULL : __libc_calloc(n, size);
}

SHIM void *realloc(void *old, size_t size)
{
	return fails_now(__builtin_return_address(0)) ? NULL : __libc_realloc(old, size);
}

SHIM void *reallocarray(void *old, size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(old, bytes);
}

/* ---- what a call may do ---- */

static bool interrupted(void)
{
	if (what != INTERRUPT || parent == 0 || next_random(3) > 0)
		return false;
	errno = EINTR;
	return true;
}

/*
 * How much of N bytes to ask for: all where there is no such thing as a part. A send that may wait
 * waits until all is sent.
 */
static size_t part_of(int fd, size_t n, bool writing)
{
	int error = errno, type = 0;
	socklen_t size = sizeof type;
	struct stat status;
	bool may = false;

	if (what != SHORT || parent == 0 || n < 2 || fstat(fd, &status) < 0)
		return n;
	if (S_ISREG(status.st_mode))
		may = status.st_nlink > 0; /* a memfd has no disk to be full */
	else if (S_ISFIFO(status.st_mode))
		may = writing && n > PIPE_BUF;
	else if (S_ISSOCK(status.st_mode))
		may = getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
		      type == SOCK_STREAM && (!writing || fcntl(fd, F_GETFL) & O_NONBLOCK);
	errno = error;
	return may && next_random(2) ? 1 + next_random((unsigned)(n < INT_MAX ? n : INT_MAX) - 1) :
				       n;
}

/* The same of a vector, by its first piece. */
static int vector_of(int fd, const struct iovec *iov, int count, struct iovec *first, bool writing)
{
	if (count < 1 || what != SHORT || parent == 0)
		return count;
	*first = iov[0];
	first->iov_len = part_of(fd, iov[0].iov_len, writing);
	return first->iov_len < iov[0].iov_len ? 1 : count;
}

#define REAL(name, ...)                \
 __extension__({                       \
static __typeof__(name) *real;              \
if (!real)                                  \
*(void **)&real = dlsym(RTLD_NEXT, #name); \
real(__VA_ARGS__);                          \
 })

SHIM int open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list args;

	va_start(args, flags);
	if (flags & (O_CREAT | O_TMPFILE))
		mode = va_arg(args, mode_t);
	va_end(args);
	if (parent == 0 && strcmp(path, "/dev/null") == 0)
		parent = getpid();
	return interrupted() ? -1 : REAL(open, path, flags, mode);
}

SHIM ssize_t read(int fd, void *to, size_t n)
{
	return interrupted() ? -1 : REAL(read, fd, to, part_of(fd, n, false));
}

SHIM ssize_t write(int fd, const void *from, size_t n)
{
	return interrupted() ? -1 : REAL(write, fd, from, part_of(fd, n, true));
}

SHIM ssize_t pread(int fd, void *to, size_t n, off_t offset)
{
	return interrupted() ? -1 : REAL(pread, fd, to, part_of(fd, n, false), offset);
}

SHIM ssize_t readv(int fd, const struct iovec *iov, int count)
{
	struct iovec first;

	if (interrupted())
		return -1;
	if (vector_of(fd, iov, count, &first, false) == 1 && count > 0)
		return REAL(readv, fd, what == SHORT ? &first : iov, 1);
	return REAL(readv, fd, iov, count);
}

SHIM ssize_t recv(int fd, void *to, size_t n, int flags)
{
	return interrupted() ? -1 :
	       flags & (MSG_PEEK | MSG_TRUNC | MSG_WAITALL) ?
			       REAL(recv, fd, to, n, flags) :
			       REAL(recv, fd, to, part_of(fd, n, false), flags);
}

SHIM ssize_t send(int fd, const void *from, size_t n, int flags)
{
	return interrupted() ? -1 : REAL(send, fd, from, part_of(fd, n, true), flags);
}

SHIM ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	return interrupted() ? -1 : REAL(recvmsg, fd, message, flags);
}

SHIM ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	return interrupted() ? -1 : REAL(sendmsg, fd, message, flags);
}

SHIM int poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
	return interrupted() ? -1 : REAL(poll, fds, count, timeout_ms);
}

SHIM int ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
	       const sigset_t *mask)
{
	return interrupted() ? -1 : REAL(ppoll, fds, count, timeout, mask);
}

SHIM int epoll_wait(int fd, struct epoll_event *events, int count, int timeout_ms)
{
	return interrupted() ? -1 : REAL(epoll_wait, fd, events, count, timeout_ms);
}

SHIM pid_t waitpid(pid_t pid, int *status, int options)
{
	return interrupted() ? -1 : REAL(waitpid, pid, status, options);
}

SHIM int waitid(idtype_t type, id_t id, siginfo_t *info, int options)
{
	return interrupted() ? -1 : REAL(waitid, type, id, info, options);
}
