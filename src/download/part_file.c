/* SPDX-License-Identifier: MIT */
/*
 * part_file.c - NAME.part: made, locked, discarded.
 *
 * The directory may be shared with people who mean harm and with another ipcdemo, so every
 * path is one component beneath a directory descriptor, never followed through a link, and
 * nothing is believed of a file before its lock is held and its name looked at again.
 */
#include "config.h"

#include "download/part_internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/openat2.h>

#include "download/filename.h"

/* How often another process may interfere before we give up. */
#define OPEN_TRIES 16

/*
 * One component beneath DIRFD; -errno. openat2 refuses what leads out of the directory even if
 * a slash or a link slipped in. Without it (an old kernel, a container's seccomp filter) the
 * callers' check of the name and O_NOFOLLOW do the same for a single component.
 */
int part_open_beneath(int dirfd, const char *name, int flags)
{
	struct open_how how = {
		.flags = (unsigned)(flags | O_CLOEXEC | O_NOFOLLOW),
		.mode = flags & O_CREAT ? 0666 : 0,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	int fd;

	fd = sys_result(TEMP_FAILURE_RETRY(syscall(SYS_openat2, dirfd, name, &how, sizeof(how))));
	if (fd == -ENOSYS || fd == -EPERM)
		fd = sys_result(TEMP_FAILURE_RETRY(
			openat(dirfd, name, flags | O_CLOEXEC | O_NOFOLLOW, 0666)));
	return fd;
}

/* NAME.part; a name that is no single component is refused: -EINVAL, -ENAMETOOLONG. */
int part_name(const char *name, char part[NAME_MAX + 1])
{
	int n;

	if (*name == '\0' || strchr(name, '/'))
		return -EINVAL;
	n = snprintf(part, NAME_MAX + 1, "%s" FILENAME_PART_SUFFIX, name);
	return n > NAME_MAX ? -ENAMETOOLONG : 0;
}

/* Some network and FUSE file systems have no locks; the file can be written all the same. */
static bool has_no_locks(int rc)
{
	return rc == -ENOLCK || rc == -EOPNOTSUPP || rc == -ENOSYS || rc == -EINVAL;
}

struct lock {
	bool shared;  /* to be set: of the open file, not of this process */
	bool held;    /* by us; false: the file system has no locks */
	pid_t holder; /* that has it instead; 0: the kernel cannot say */
};

/*
 * Locks REGION of the file. 0, or -errno; -EAGAIN: *HOLDER has it (0 when the kernel cannot say:
 * another pid namespace, another machine). -ESTALE: its holder died meanwhile. -ENOLCK: there are
 * no locks here.
 */
static int lock_file(int fd, struct flock lock, bool shared, pid_t *holder)
{
	int rc = sys_result(fcntl(fd, shared ? F_OFD_SETLK : F_SETLK, &lock));

	if (has_no_locks(rc))
		return -ENOLCK;
	if (rc != -EAGAIN && rc != -EACCES)
		return rc;
	rc = sys_result(fcntl(fd, shared ? F_OFD_GETLK : F_GETLK, &lock));
	if (rc)
		return rc;
	if (lock.l_type == F_UNLCK)
		return -ESTALE;
	*holder = lock.l_pid > 0 ? lock.l_pid : 0;
	return -EAGAIN;
}

/*
 * Locks FD and makes sure that PART still names it: the holder before us may have committed or
 * removed it after we had opened it. -ESTALE: it has. *ST is the file's.
 */
static int lock_part(int dirfd, const char *part, int fd, struct stat *st, struct lock *lock)
{
	const struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct stat named;
	int rc = lock_file(fd, whole, lock->shared, &lock->holder);

	lock->held = rc == 0;
	if (rc && rc != -ENOLCK)
		return rc;
	rc = sys_result(fstat(fd, st));
	if (rc)
		return rc;
	rc = sys_result(fstatat(dirfd, part, &named, AT_SYMLINK_NOFOLLOW));
	if (rc == -ENOENT)
		return -ESTALE;
	if (rc)
		return rc;
	return named.st_ino == st->st_ino && named.st_dev == st->st_dev ? 0 : -ESTALE;
}

/*
 * Opens what an earlier batch left, for writing. O_NONBLOCK: a FIFO must not hold us; it means
 * nothing for a regular file. ENXIO is what a FIFO without reader and a socket answer.
 */
static int open_leftover(int dirfd, const char *part)
{
	struct stat st;
	int fd = part_open_beneath(dirfd, part, O_RDWR | O_NONBLOCK);
	int rc;

	if (fd < 0)
		return fd == -ENXIO ? -EEXIST : fd == -ENOENT ? -ESTALE : fd;
	rc = sys_result(fstat(fd, &st));
	if (rc == 0 && !S_ISREG(st.st_mode))
		rc = -EEXIST;
	else if (rc == 0 && st.st_uid != geteuid())
		rc = -EPERM; /* its owner could change the file behind our back */
	if (rc) {
		close(fd);
		return rc;
	}
	return fd;
}

/*
 * Prepares a leftover that we have locked: empty, unless it is to be kept. With further names it is
 * not ours to write: a batch that died between link and unlink leaves a finished file so, an
 * attacker somebody else's. Our name goes, the content stays under the others; -ESTALE: start
 * again.
 */
static int take_leftover(int dirfd, const char *part, int fd, bool keep, struct stat *st)
{
	int rc;

	if (st->st_nlink != 1) {
		rc = sys_result(unlinkat(dirfd, part, 0));
		return rc == 0 || rc == -ENOENT ? -ESTALE : rc;
	}
	if (keep || st->st_size == 0)
		return 0;
	st->st_size = 0;
	part_source_drop(fd);
	return sys_result(ftruncate(fd, 0));
}

/*
 * A new file, -EEXIST if there is anything under that name: O_EXCL follows no link, and PART is one
 * component. So openat2 would say no more, which a worker's sandbox refuses for each file anew.
 */
static int make_part(int dirfd, const char *part)
{
	const int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;

	return sys_result(TEMP_FAILURE_RETRY(openat(dirfd, part, flags, 0666)));
}

/* One try. A descriptor, or -errno; -ESTALE: the name has come to mean another file. */
static int try_open_part(int dirfd, const char *part, struct part_file *file, struct lock *lock)
{
	struct stat st;
	int fd = make_part(dirfd, part);
	bool leftover = fd == -EEXIST;
	int rc;

	if (leftover)
		fd = open_leftover(dirfd, part);
	if (fd < 0)
		return fd;
	/*
	 * This holds for our own new file too: another ipcdemo may have found it before we locked
	 * it.
	 */
	rc = lock_part(dirfd, part, fd, &st, lock);
	file->is_new = !leftover;
	file->locked = lock->held;
	if (rc == 0 && leftover)
		rc = take_leftover(dirfd, part, fd, file->keep, &st);
	if (rc) {
		close(fd);
		return rc;
	}
	file->inode = st.st_ino;
	file->size = (uint64_t)st.st_size;
	return fd;
}

int part_file_open(int dirfd, const char *name, struct part_file *file, struct failure *failure)
{
	char part[NAME_MAX + 1];
	struct lock lock = { .shared = file->shared };
	int fd = part_name(name, part);

	if (fd == 0) {
		int tries = OPEN_TRIES;

		do
			fd = try_open_part(dirfd, part, file, &lock);
		while (fd == -ESTALE && --tries > 0);
	}
	if (fd == -EAGAIN)
		part_failed(failure, FAILURE_HELD, lock.holder);
	else if (fd < 0)
		part_failed(failure, FAILURE_CREATE, -fd);
	return fd < 0 ? -1 : fd;
}

void part_file_share(int fd, const struct part_ranges *ranges, unsigned i)
{
	const uint64_t first = range_first(ranges->total, ranges->count, i);
	struct flock before = { .l_type = F_UNLCK, .l_whence = SEEK_SET, .l_len = (off_t)first };
	struct flock behind = { .l_type = F_UNLCK, .l_whence = SEEK_SET };

	/*
	 * Neither fails because of a lock that we hold; where there are no locks nothing is lost.
	 */
	behind.l_start = (off_t)range_first(ranges->total, ranges->count, i + 1);
	if (first > 0)
		(void)fcntl(fd, F_OFD_SETLK, &before);
	(void)fcntl(fd, F_OFD_SETLK, &behind);
}

void part_file_share_lock(int fd, bool shared)
{
	const struct flock whole = { .l_type = F_RDLCK, .l_whence = SEEK_SET };

	/* Never refused, as the lock is ours; where there are no locks nothing is lost. */
	(void)fcntl(fd, shared ? F_OFD_SETLK : F_SETLK, &whole);
}

bool part_file_join_lock(int dirfd, const char *name, uint64_t inode, int *fd)
{
	const struct flock whole = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
	char part[NAME_MAX + 1];
	struct stat st;

	if (part_name(name, part))
		return false;
	*fd = part_open_beneath(dirfd, part, O_RDONLY | O_NONBLOCK);
	if (*fd < 0)
		return false;
	if (fstat(*fd, &st) == 0 && st.st_ino == inode && fcntl(*fd, F_OFD_SETLK, &whole) == 0)
		return true;
	(void)close(*fd);
	return false;
}

/* Locks the range. Only then is the table relied on: from now on nobody can take the file from us.
 * 0 or -errno; -ESTALE: the file is not the one with that table. */
static int lock_range(int fd, struct part_file *file, struct lock *lock)
{
	struct flock region = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct part_ranges *ranges = &file->ranges;
	int rc;

	if (!part_ranges_load(fd, NULL, ranges) || ranges->id != file->table ||
	    file->range >= ranges->count)
		return -ESTALE;
	region.l_start = (off_t)range_first(ranges->total, ranges->count, file->range);
	region.l_len = (off_t)range_length(ranges->total, ranges->count, file->range);
	rc = lock_file(fd, region, true, &lock->holder);
	file->locked = rc == 0;
	if (rc && rc != -ENOLCK)
		return rc;
	return part_ranges_load(fd, NULL, ranges) && ranges->id == file->table ? 0 : -ESTALE;
}

int part_range_open(int dirfd, const char *name, struct part_file *file, struct failure *failure)
{
	char part[NAME_MAX + 1];
	struct lock lock = { .shared = true };
	struct stat st;
	int rc = part_name(name, part);
	int fd = rc == 0 ? open_leftover(dirfd, part) : rc;

	rc = fd < 0 ? fd : sys_result(fstat(fd, &st));
	if (rc == 0)
		rc = st.st_nlink == 1 ? lock_range(fd, file, &lock) : -ESTALE;
	if (rc == 0) {
		file->inode = st.st_ino;
		return fd;
	}
	if (fd >= 0)
		close(fd);
	if (rc == -EAGAIN)
		part_failed(failure, FAILURE_HELD, lock.holder);
	else if (rc == -ESTALE)
		part_failed(failure, FAILURE_RANGE, 0);
	else
		part_failed(failure, FAILURE_CREATE, -rc);
	return -1;
}

bool part_file_discard(int dirfd, const char *name, bool keep)
{
	char part[NAME_MAX + 1];
	struct part_ranges ranges;
	struct stat st;
	struct lock lock = { .shared = false };
	int fd;

	if (part_name(name, part))
		return false;
	fd = open_leftover(dirfd, part);
	if (fd < 0)
		return false;
	/* Removes the file under its lock, so that no process that takes it over loses it. */
	if (lock_part(dirfd, part, fd, &st, &lock) == 0) {
		keep = keep && st.st_size > 0 &&
		       (part_source_exists(fd) || part_ranges_load(fd, NULL, &ranges));
		if (!keep)
			(void)unlinkat(dirfd, part, 0); /* nobody waits for the answer */
	} else {
		keep = false;
	}
	close(fd);
	return keep;
}

void part_file_discard_own(int dirfd, const char *name, uint64_t inode)
{
	char part[NAME_MAX + 1];
	struct stat st;

	if (part_name(name, part) == 0 && fstatat(dirfd, part, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    st.st_ino == inode)
		(void)unlinkat(dirfd, part, 0); /* nobody waits for the answer */
}
