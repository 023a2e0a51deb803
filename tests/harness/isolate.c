/* SPDX-License-Identifier: MIT */
/* isolate.c - see isolate.h */
#include "config.h"

#include "tests/harness/isolate.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n;
	int rc;

	if (fd < 0)
		return -errno;
	n = write(fd, text, strlen(text));
	rc = n < 0 ? -errno : 0;
	(void)close(fd);
	return rc;
}

/* One id is all that an unprivileged process may map: its own (user_namespaces(7)). */
static int keep_ids(uid_t uid, gid_t gid)
{
	char map[64];
	int rc;

	(void)snprintf(map, sizeof map, "%u %u 1", (unsigned)uid, (unsigned)uid);
	rc = write_text("/proc/self/uid_map", map);
	if (rc == 0) /* before gid_map, which is refused otherwise */
		rc = write_text("/proc/self/setgroups", "deny");
	(void)snprintf(map, sizeof map, "%u %u 1", (unsigned)gid, (unsigned)gid);
	return rc < 0 ? rc : write_text("/proc/self/gid_map", map);
}

/* A directory that is not there, as /dev/mqueue may be, needs no mount. */
static int cover(const char *type, const char *path, const char *options)
{
	if (mount(type, path, type, MS_NOSUID | MS_NODEV, options) == 0 || errno == ENOENT)
		return 0;
	return -errno;
}

/* A user namespace gives its first process every capability in it: no ordinary user has them. */
static int drop_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { { 0 } };

	return syscall(SYS_capset, &header, none) < 0 ? -errno : 0;
}

int isolate(enum isolate_what what)
{
	const uid_t uid = geteuid();
	const gid_t gid = getegid();
	int flags = CLONE_NEWNS | CLONE_NEWIPC, rc = 0;

	if (what == ISOLATE_QUOTAS || uid != 0)
		flags |= CLONE_NEWUSER;
	if (unshare(flags) < 0)
		return -errno;
	if (flags & CLONE_NEWUSER)
		rc = keep_ids(uid, gid);
	/* What is mounted here must not appear outside. */
	if (rc == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		rc = -errno;
	if (rc == 0)
		rc = cover("tmpfs", "/dev/shm", "mode=1777");
	if (rc == 0)
		rc = cover("mqueue", "/dev/mqueue", NULL);
	return rc < 0 || uid == 0 ? rc : drop_capabilities();
}

int isolate_possible(enum isolate_what what)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(-isolate(what));
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -errno;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO;
}

int isolate_wait_turn(void)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
	int fd;

	if (n < 0)
		return -errno;
	path[n] = '\0';
	fd = open(dirname(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || flock(fd, LOCK_EX) < 0)
		return -errno;
	return 0; /* FD stays open for as long as the process lives */
}
