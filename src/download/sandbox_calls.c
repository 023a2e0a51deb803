/* SPDX-License-Identifier: MIT */
/*
 * sandbox_calls.c - the system calls of a worker (seccomp(2)), by libseccomp.
 *
 * A filter sees the number of a call and its arguments as they stand in registers, nothing behind a
 * pointer: no path, no address. Paths are Landlock's (sandbox_files.c).
 */
#include "config.h"

#include "download/sandbox_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sched.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/filter.h>
#include <linux/seccomp.h>

/* Harmless with any arguments: what libc, libcurl, a TLS library, a resolver and threads need. */
static const char allowed[] =
	/* what it holds */
	"read readv pread64 preadv preadv2 write writev pwrite64 pwritev pwritev2 close "
	"lseek _llseek dup dup2 dup3 fstat fstat64 fstatfs ftruncate ftruncate64 fsync "
	"fdatasync fadvise64 fadvise64_64 flock fgetxattr fsetxattr fremovexattr getdents64 "
	"pipe pipe2 "
	/* to look at names; Landlock does not cover this */
	"access faccessat faccessat2 stat stat64 lstat lstat64 newfstatat fstatat64 statx "
	"statfs readlink readlinkat getcwd umask "
	/* memory */
	"brk munmap mremap mincore msync "
	/* time */
	"clock_gettime clock_gettime64 clock_getres clock_nanosleep gettimeofday nanosleep "
	"time times timer_create timer_settime timer_gettime timer_delete timerfd_create "
	"timerfd_settime "
	/* threads and itself */
	"exit exit_group futex futex_time64 get_robust_list set_robust_list rseq "
	"set_tid_address gettid getpid getppid getpgrp getuid geteuid getgid getegid "
	"getresuid getresgid getgroups getrlimit getrusage getcpu getrandom sched_yield "
	"sched_getaffinity sched_getparam sched_getscheduler sysinfo uname capget "
	"restart_syscall "
	/* its own signals */
	"rt_sigaction rt_sigprocmask rt_sigpending rt_sigreturn rt_sigsuspend "
	"rt_sigtimedwait sigaltstack pause "
	/* waiting */
	"poll ppoll select _newselect pselect6 epoll_create epoll_create1 epoll_ctl "
	"epoll_wait epoll_pwait epoll_pwait2 eventfd eventfd2 "
	/* the network */
	"connect bind getsockname getpeername getsockopt setsockopt send sendto sendmsg "
	"sendmmsg recv recvfrom recvmsg recvmmsg shutdown socketpair ";

/*
 * Calls that only a worker that was taken over would try, whatever the arguments. Those that need
 * privileges, such as mount(2), are left out: no worker has these, and each entry costs time at
 * every start.
 */
static const char forbidden[] =
	"execve execveat fork vfork ptrace process_vm_readv process_vm_writev process_madvise "
	"pidfd_open pidfd_getfd pidfd_send_signal kill tkill tgkill rt_sigqueueinfo "
	"rt_tgsigqueueinfo creat link linkat symlink symlinkat rename renameat renameat2 mkdir "
	"mkdirat rmdir unlink mknod mknodat truncate chmod fchmod fchmodat chown fchown lchown "
	"fchownat setxattr lsetxattr unshare setns listen accept accept4 shmget shmat semget "
	"semop msgget msgsnd msgrcv msgctl mq_open mq_unlink io_uring_setup io_uring_register "
	"bpf perf_event_open userfaultfd keyctl add_key request_key ";

#define WRITES (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC) /* bits of open's flags */
#define INT    0xffffffffu /* the bits that the kernel looks at in an argument that is an int */

enum { STAY = 0, FORBID = -1 }; /* verdicts beside an errno */

/* A rule that looks at arguments: all of TESTS must hold. */
struct rule {
	const char *name;
	int verdict; /* STAY allows, FORBID, or the errno that it fails with */
	struct scmp_arg_cmp tests[3];
};

#define IS(arg, bits, value)                 \
 {                                           \
  (arg), SCMP_CMP_MASKED_EQ, (bits), (value) \
 }
#define NOT(arg, value)          \
 {                               \
  (arg), SCMP_CMP_NE, (value), 0 \
 }
#define BELOW(arg, value)        \
 {                               \
  (arg), SCMP_CMP_LT, (value), 0 \
 }
#define ABOVE(arg, value)        \
 {                               \
  (arg), SCMP_CMP_GT, (value), 0 \
 }
#ifdef __s390__
# define CLONE_FLAGS 1
#else
# define CLONE_FLAGS 0
#endif

static const struct rule rules[] = {
	/* A thread, never a process. glibc falls back to clone, whose flags a filter can see. */
	{ "clone", STAY, { IS(CLONE_FLAGS, CLONE_THREAD, CLONE_THREAD) } },
	{ "clone", FORBID, { IS(CLONE_FLAGS, CLONE_THREAD, 0) } },
	/* No memory may be written and then executed. Loading a library only maps it. */
	{ "mmap", STAY, { IS(2, PROT_EXEC, 0) } },
	{ "mmap", STAY, { IS(2, PROT_EXEC | PROT_WRITE, PROT_EXEC) } },
	{ "mmap", EACCES, { IS(2, PROT_EXEC | PROT_WRITE, PROT_EXEC | PROT_WRITE) } },
	{ "mmap2", STAY, { IS(2, PROT_EXEC, 0) } },
	{ "mmap2", STAY, { IS(2, PROT_EXEC | PROT_WRITE, PROT_EXEC) } },
	{ "mprotect", STAY, { IS(2, PROT_EXEC, 0) } },
	{ "mprotect", EACCES, { IS(2, PROT_EXEC, PROT_EXEC) } },
	/* A hole in shared memory would end the parent by SIGBUS when it reads there. */
	{ "madvise", STAY, { NOT(2, MADV_REMOVE) } },
	{ "madvise", FORBID, { { 2, SCMP_CMP_EQ, MADV_REMOVE, 0 } } },
	/* A descriptor's owner gets SIGIO, or any signal; a worker must not choose it. */
	{ "fcntl", STAY, { IS(1, INT, F_DUPFD) } },
	{ "fcntl", STAY, { IS(1, INT, F_DUPFD_CLOEXEC) } },
	{ "fcntl", STAY, { IS(1, INT, F_GETFD) } },
	{ "fcntl", STAY, { IS(1, INT, F_SETFD) } },
	{ "fcntl", STAY, { IS(1, INT, F_GETFL) } },
	{ "fcntl", STAY, { IS(1, INT, F_SETFL) } },
	{ "fcntl", STAY, { IS(1, INT, F_GETLK) } },
	{ "fcntl", STAY, { IS(1, INT, F_SETLK) } },
	{ "fcntl", STAY, { IS(1, INT, F_SETLKW) } },
	{ "fcntl", STAY, { IS(1, INT, F_OFD_GETLK) } },
	{ "fcntl", STAY, { IS(1, INT, F_OFD_SETLK) } },
	{ "fcntl", FORBID, { IS(1, INT, F_SETOWN) } },
	{ "fcntl", FORBID, { IS(1, INT, F_SETSIG) } },
	{ "fcntl", FORBID, { IS(1, INT, F_SETOWN_EX) } },
	{ "ioctl", STAY, { IS(1, INT, FIONREAD) } },
	{ "ioctl", STAY, { IS(1, INT, FIONBIO) } },
	{ "ioctl", STAY, { IS(1, INT, TCGETS) } },
	{ "ioctl", STAY, { IS(1, INT, SIOCGIFNAME) } },
	{ "ioctl", STAY, { IS(1, INT, SIOCGIFINDEX) } },
	{ "ioctl", STAY, { IS(1, INT, SIOCGIFFLAGS) } },
	{ "ioctl", STAY, { IS(1, INT, SIOCGIFADDR) } },
	{ "ioctl", STAY, { IS(1, INT, SIOCGIFCONF) } },
	{ "prctl", STAY, { IS(0, INT, PR_SET_NAME) } },
	{ "prctl", STAY, { IS(0, INT, PR_SET_VMA) } },
	{ "prlimit64", STAY, { { 2, SCMP_CMP_EQ, 0, 0 } } }, /* to ask, not to set */
	/* But for its own, which is set behind the filter; without capabilities it only sinks. */
	{ "prlimit64", STAY, { IS(0, INT, 0), IS(1, INT, RLIMIT_NOFILE) } },
	{ "utimensat", STAY, { { 1, SCMP_CMP_EQ, 0, 0 } } }, /* of a descriptor, not of a name */
	{ "utimensat", FORBID, { NOT(1, 0) } },
	/* Addresses, name services on this machine, and the kernel's list of addresses. */
	{ "socket", STAY, { IS(0, INT, AF_INET), IS(1, 0xf, SOCK_STREAM) } },
	{ "socket", STAY, { IS(0, INT, AF_INET), IS(1, 0xf, SOCK_DGRAM) } },
	{ "socket", STAY, { IS(0, INT, AF_INET6), IS(1, 0xf, SOCK_STREAM) } },
	{ "socket", STAY, { IS(0, INT, AF_INET6), IS(1, 0xf, SOCK_DGRAM) } },
	{ "socket", STAY, { IS(0, INT, AF_UNIX) } },
	{ "socket", STAY, { IS(0, INT, AF_NETLINK), IS(2, INT, 0) } },
	{ "open", STAY, { IS(1, WRITES, 0) } },
	{ "open", FORBID, { IS(1, O_WRONLY, O_WRONLY) } },
	{ "open", FORBID, { IS(1, O_RDWR, O_RDWR) } },
	{ "open", FORBID, { IS(1, O_CREAT, O_CREAT) } },
};

/* Adds RULE. A call that this architecture or libseccomp does not know needs none: -ENOSYS. */
static int add(scmp_filter_ctx filter, uint32_t forbid, const struct rule *rule)
{
	const int call = seccomp_syscall_resolve_name(rule->name);
	const uint32_t action = rule->verdict == STAY   ? SCMP_ACT_ALLOW :
				rule->verdict == FORBID ? forbid :
							  SCMP_ACT_ERRNO((uint32_t)rule->verdict);
	unsigned count = 0;

	if (call < 0)
		return 0;
	while (count < 3 && rule->tests[count].op != 0)
		count++;
	return seccomp_rule_add_array(filter, action, call, count, rule->tests);
}

/* Is NAME among the N CALLS? */
static bool is_among(const char *name, const struct ipc_call *calls, size_t n)
{
	while (n > 0)
		if (strcmp(calls[--n].name, name) == 0)
			return true;
	return false;
}

/* A rule for each word of NAMES, but for the mechanism's N CALLS. */
static int add_all(scmp_filter_ctx filter, uint32_t action, const char *names,
		   const struct ipc_call *calls, size_t n)
{
	char name[32];
	int length, call, rc = 0;

	for (; rc == 0 && sscanf(names, "%31s%n", name, &length) == 1; names += length) {
		call = seccomp_syscall_resolve_name(name);
		if (call >= 0 && !is_among(name, calls, n))
			rc = seccomp_rule_add(filter, action, call, 0);
	}
	return rc;
}

/* The mechanism's own calls; with other arguments than the right ones they are violations. */
static int add_mechanism(scmp_filter_ctx filter, uint32_t forbid, const struct ipc_call *calls,
			 size_t n)
{
	unsigned arg;
	int rc = 0;
	size_t i;

	for (i = 0; i < n && rc == 0; i++) {
		struct rule right = { .name = calls[i].name };
		unsigned count = 0;

		for (arg = 0; arg < 2 && rc == 0; arg++) {
			struct rule wrong = { calls[i].name,
					      FORBID,
					      { NOT(arg, calls[i].args[arg]) } };

			if (!(calls[i].fixed & 1u << arg))
				continue;
			right.tests[count++] =
				(struct scmp_arg_cmp){ arg, SCMP_CMP_EQ, calls[i].args[arg], 0 };
			rc = add(filter, forbid, &wrong);
		}
		if (rc == 0)
			rc = add(filter, forbid, &right);
	}
	return rc;
}

/*
 * A worker opens for writing, and removes, only in the output directories, whose descriptors have
 * the same numbers in all of them. openat2, whose flags a filter cannot see, fails with ENOSYS, and
 * part_file.c then uses openat. Landlock makes sure that the name does not lead elsewhere.
 */
static int add_directories(scmp_filter_ctx filter, uint32_t forbid, const struct output_dirs *dirs)
{
	const uint64_t first = (uint64_t)dirs->first;
	uint64_t last = first; /* that differs from FIRST only in bits below MASK */
	uint64_t mask = INT;
	size_t i;
	int rc = 0;

	for (; last < first + dirs->count - 1; last = first | (INT & ~mask))
		mask <<= 1;
	const struct rule of_directory[] = {
		{ "openat", STAY, { IS(0, INT & mask, first) } },
		{ "openat", STAY, { BELOW(0, first), IS(2, WRITES, 0) } },
		{ "openat", FORBID, { BELOW(0, first), IS(2, O_WRONLY, O_WRONLY) } },
		{ "openat", FORBID, { BELOW(0, first), IS(2, O_RDWR, O_RDWR) } },
		{ "openat", FORBID, { BELOW(0, first), IS(2, O_CREAT, O_CREAT) } },
		{ "openat", STAY, { ABOVE(0, last), IS(2, WRITES, 0) } },
		{ "openat", FORBID, { ABOVE(0, last), IS(2, O_WRONLY, O_WRONLY) } },
		{ "openat", FORBID, { ABOVE(0, last), IS(2, O_RDWR, O_RDWR) } },
		{ "openat", FORBID, { ABOVE(0, last), IS(2, O_CREAT, O_CREAT) } },
		{ "unlinkat", STAY, { IS(0, INT & mask, first) } },
		{ "unlinkat", FORBID, { BELOW(0, first) } },
		{ "unlinkat", FORBID, { ABOVE(0, last) } },
	};

	for (i = 0; i < sizeof of_directory / sizeof of_directory[0] && rc == 0; i++)
		rc = add(filter, forbid, &of_directory[i]);
	return rc;
}

static int add_everything(scmp_filter_ctx filter, uint32_t forbid, const struct sandbox_plan *plan)
{
	struct ipc_call calls[IPC_CALLS_MAX];
	const size_t count = ipc_slot_calls(plan->events, &plan->hub, calls);
	size_t i;
	int rc = add_all(filter, SCMP_ACT_ALLOW, allowed, NULL, 0);

	if (rc == 0)
		rc = add_all(filter, forbid, forbidden, calls, count);
	for (i = 0; i < sizeof rules / sizeof rules[0] && rc == 0; i++)
		rc = add(filter, forbid, &rules[i]);
	if (rc == 0)
		rc = add_directories(filter, forbid, &plan->dirs);
	return rc < 0 ? rc : add_mechanism(filter, forbid, calls, count);
}

int sandbox_calls_filter(const struct sandbox_plan *plan, bool notify)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	int fd = memfd_create("ipcdemo-filter", MFD_CLOEXEC);
	int rc = fd < 0 ? -errno : !filter ? -ENOMEM : 0;

	if (rc == 0) /* a call of another architecture; else only its thread would be killed */
		rc = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (rc == 0) /* a search tree */
		rc = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (rc == 0)
		rc = add_everything(filter, notify ? SCMP_ACT_NOTIFY : SCMP_ACT_KILL_PROCESS, plan);
	if (rc == 0)
		rc = seccomp_export_bpf(filter, fd);
	seccomp_release(filter);
	if (rc == 0)
		return fd;
	if (fd >= 0)
		(void)close(fd);
	return rc;
}

int sandbox_calls_enter(int filter, bool notify)
{
	const unsigned flags =
		SECCOMP_FILTER_FLAG_TSYNC |
		(notify ? SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_TSYNC_ESRCH : 0u);
	const off_t size = lseek(filter, 0, SEEK_END);
	struct sock_fprog program = { .len = (unsigned short)(size /
							      (off_t)sizeof(struct sock_filter)) };
	int rc;

	if (size <= 0)
		return -EINVAL;
	program.filter = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, filter, 0);
	if (program.filter == MAP_FAILED)
		return -errno;
	rc = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
	if (rc < 0)
		rc = -errno;
	else if (rc > 0 && !notify)
		rc = -EBUSY; /* a thread of that number cannot be made to enter it */
	(void)munmap(program.filter, (size_t)size);
	return rc;
}

unsigned sandbox_forbidden_count(void)
{
	unsigned count = 0;
	size_t i;

	for (i = 0; i < sizeof forbidden; i++)
		count += forbidden[i] == ' ';
	return count;
}

char *sandbox_call_name(int number, char *buf, size_t size)
{
	char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number);

	if (name)
		(void)snprintf(buf, size, "%s", name);
	else
		(void)snprintf(buf, size, "system call %d", number);
	free(name);
	return buf;
}
