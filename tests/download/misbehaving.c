/* SPDX-License-Identifier: MIT */
/*
 * misbehaving.c - ipcdemo with workers that do on purpose what a hostile one would: linked with
 * --wrap=fetch_run, event_encode and ipc_send_all. A URL that ends with "?do=ACT" makes its worker
 * try ACT before it fetches. A worker that gets away with it ends with exit status 99; one that is
 * refused goes on as if nothing had happened.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "download/fetch.h"
#include "download/protocol.h"
#include "ipc/core/ring_slots.h"
#include "ipc/ipc.h"

int __real_fetch_run(struct fetch *fetch, const struct fetch_request *request,
		     struct fetch_result *result);
int __wrap_fetch_run(struct fetch *fetch, const struct fetch_request *request,
		     struct fetch_result *result);
void __real_event_encode(const struct event *event, unsigned char record[RECORD_BYTES]);
void __wrap_event_encode(const struct event *event, unsigned char record[RECORD_BYTES]);
int __real_ipc_send_all(struct ipc *s, unsigned slot, const void *records, size_t n);
int __wrap_ipc_send_all(struct ipc *s, unsigned slot, const void *records, size_t n);

enum { ESCAPED = 99 };

/* What the next record of this worker is to be. */
static enum { HONEST, FORGED, GARBAGE, CORRUPT } lie;

/* ---- acts: true if the kernel has let it happen ---- */

/* In the parent's environment: a file that is nobody's business. */
static const char *secret(void)
{
	const char *path = getenv("SECRET");

	return path ? path : "/etc/passwd";
}

static bool do_exec(void)
{
	(void)execl("/bin/true", "true", (char *)NULL);
	return false; /* it came back */
}

static bool do_fork(void)
{
	pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);

	if (pid == 0)
		_exit(0);
	return pid > 0;
}

static bool do_write(void)
{
	return open("/etc/passwd", O_WRONLY | O_APPEND) >= 0;
}

/* The filter sees the right directory, and not that the path leads elsewhere. */
static bool do_write_beside(void)
{
	int fd;

	for (fd = 3; fd < 64; fd++) {
		struct stat st;

		if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode) &&
		    openat(fd, secret(), O_WRONLY | O_APPEND) >= 0)
			return true;
	}
	return false;
}

static bool do_read(void)
{
	return open(secret(), O_RDONLY) >= 0;
}

static bool do_list(void)
{
	return open("/", O_RDONLY | O_DIRECTORY) >= 0;
}

static bool do_remove(void)
{
	return unlink(secret()) == 0;
}

static bool do_chmod(void)
{
	return chmod(secret(), 0777) == 0;
}

static bool do_kill(void)
{
	return kill(getppid(), SIGUSR2) == 0;
}

/* What a library may do to itself, and no worker to another process. */
static bool do_tgkill(void)
{
	return syscall(SYS_tgkill, getppid(), getppid(), SIGUSR2) == 0;
}

/* Through the very descriptor that `signal` is allowed to send to, another signal. */
static bool do_signal(void)
{
	int fd;

	for (fd = 3; fd < 64; fd++)
		if (syscall(SYS_pidfd_send_signal, fd, SIGUSR2, NULL, 0) == 0)
			return true;
	return false;
}

static bool do_sigio(void)
{
	int pair[2];

	return socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 &&
	       fcntl(pair[0], F_SETOWN, getppid()) == 0;
}

static bool do_ptrace(void)
{
	return ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) == 0;
}

static bool do_peek(void)
{
	char byte;
	struct iovec local = { &byte, 1 }, remote = { (void *)(uintptr_t)&environ, 1 };

	return process_vm_readv(getppid(), &local, 1, &remote, 1, 0) == 1;
}

static bool do_descriptor(void)
{
	int fd;

	for (fd = 3; fd < 64; fd++)
		if (syscall(SYS_pidfd_getfd, fd, 0, 0) >= 0)
			return true;
	return false;
}

/* Who holds the listener of a filter may permit itself what the filter does not. */
static bool do_listener(void)
{
	char path[32], target[64];
	int fd;

	for (fd = 3; fd < 64; fd++) {
		ssize_t length;

		(void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
		length = readlink(path, target, sizeof target);
		if (length > 0 && memmem(target, (size_t)length, "seccomp", 7))
			return true;
	}
	return false;
}

static bool do_listen(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	(void)bind(fd, (struct sockaddr *)&any, sizeof any); /* listen(2) would do it too */
	return listen(fd, 1) == 0;
}

static bool do_abstract(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)snprintf(name.sun_path + 1, sizeof name.sun_path - 1, "%s",
		       getenv("ABSTRACT") ? getenv("ABSTRACT") : "ipcdemo-none");
	return connect(fd, (struct sockaddr *)&name,
		       (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
				   strlen(name.sun_path + 1))) == 0;
}

static bool do_raw(void)
{
	return socket(AF_PACKET, SOCK_RAW, 0) >= 0 || socket(AF_INET, SOCK_RAW, IPPROTO_ICMP) >= 0;
}

static bool do_code(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mmap(NULL, 4096, PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
		       MAP_FAILED ||
	       mprotect(page, 4096, PROT_READ | PROT_EXEC) == 0;
}

static bool do_dump(void)
{
	return prctl(PR_SET_DUMPABLE, 1) == 0;
}

static bool do_namespace(void)
{
	return unshare(CLONE_NEWUSER) == 0;
}

static bool do_abort(void)
{
	abort();
}

static bool do_forge(void)
{
	lie = FORGED;
	return false;
}

static bool do_garbage(void)
{
	lie = GARBAGE;
	return false;
}

static bool do_corrupt(void)
{
	lie = CORRUPT;
	return false;
}

static const struct act {
	const char *name;
	bool (*run)(void);
} acts[] = {
	{ "exec", do_exec },       { "fork", do_fork },
	{ "write", do_write },     { "write-beside", do_write_beside },
	{ "read", do_read },       { "list", do_list },
	{ "remove", do_remove },   { "chmod", do_chmod },
	{ "kill", do_kill },       { "signal", do_signal },
	{ "sigio", do_sigio },     { "ptrace", do_ptrace },
	{ "peek", do_peek },       { "descriptor", do_descriptor },
	{ "listen", do_listen },   { "abstract", do_abstract },
	{ "raw", do_raw },         { "code", do_code },
	{ "dump", do_dump },       { "namespace", do_namespace },
	{ "abort", do_abort },     { "forge", do_forge },
	{ "garbage", do_garbage }, { "corrupt", do_corrupt },
	{ "tgkill", do_tgkill },   { "listener", do_listener },
};

/* ---- in the place of the real ones ---- */

int __wrap_fetch_run(struct fetch *fetch, const struct fetch_request *request,
		     struct fetch_result *result)
{
	const char *act = strstr(request->url, "?do=");
	size_t i;

	for (i = 0; act && i < sizeof acts / sizeof acts[0]; i++)
		if (strcmp(acts[i].name, act + 4) == 0 && acts[i].run())
			_exit(ESCAPED);
	return __real_fetch_run(fetch, request, result);
}

void __wrap_event_encode(const struct event *event, unsigned char record[RECORD_BYTES])
{
	struct event another = *event;

	if (lie == FORGED)
		another.slot ^= 1;
	__real_event_encode(&another, record);
	if (lie == GARBAGE)
		memset(record, 0xff, RECORD_BYTES);
}

/* All that both ends map, and the doorbell. */
static void corrupt_ring(const struct ipc *s, unsigned slot)
{
	struct ring_slot *at = ring_slot_at(s, slot);
	const uint64_t ring = 1;

	memset(at->ring.control, 0xff, sizeof *at->ring.control);
	memset(at->ring.end - (size_t)at->ring.entries * at->ring.stride, 0xff,
	       (size_t)at->ring.entries * at->ring.stride);
	(void)!write(at->to_hub, &ring, sizeof ring); /* not every mechanism has one */
}

int __wrap_ipc_send_all(struct ipc *s, unsigned slot, const void *records, size_t n)
{
	if (lie == CORRUPT) {
		corrupt_ring(s, slot);
		(void)pause();
	}
	return __real_ipc_send_all(s, slot, records, n);
}
